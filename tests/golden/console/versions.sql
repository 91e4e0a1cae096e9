-- Listings that psql lays out differently from version to version: compared with the psql that is here.
create function f(a int, b text default 'x') returns int language sql as 'select a';
\du
\du+
\df+
\l cmp
