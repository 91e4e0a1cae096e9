-- Listings that psql lays out differently from version to version; ours follow the server's version, so they
-- are compared only with the psql of that version.
create function f(a int, b text default 'x') returns int language sql as 'select a';
\du
\du+
\df+
\l cmp
