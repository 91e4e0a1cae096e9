-- Backslash commands: files, variables, conditions, verbosity.
create table k (a int primary key, b text unique, c int check (c > 0));
insert into k values (1,'x',1), (2,'y',2), (100,'t',null);
create function bad() returns int language plpgsql as $$ declare x int; begin select nope into x; return x; end $$;
\copy k to 'k.out'
\copy (select a, b from k order by a) to stdout
\copy k to '/nonexistent/x'
\copy nope from 'k.out'
\copy k (a,b) from stdin csv
400,cp2
\.
\copy k
\! cat k.out
\echo a 'b c' "d e" :nope
\echo -n no newline
\echo
\qecho q
\warn w
\set v 'it''s'
\echo :v :'v' :"v"
select :'v' as lit, :"v" as id from (select 1 as "it's") x;
\set n 5
select :n, :{?n}, :{?m}, ':n', "n" from (select 1 as n) x;
\unset n
\echo :n
\if :{?n}
\echo yes
\elif 1
\echo elif
\else
\echo else
\endif
\if garbage
\endif
\endif
select 1 as x, 'two' as y \gset pre_
\echo :pre_x :pre_y
select 1 where false \gset
select generate_series(1,2) \gset
select 'select 1 as one' union all select 'select 2 as two' \gexec
select 5 as five \g g.out
\! cat g.out
select 6 as six \g
\g
\gx
\p
\r
\p
\o o.out
select 7 as seven;
create table o1 (a int);
\qecho to o
\o
\! cat o.out
\pset nope 1
\pset border x
\timing off
\encoding
\errverbose
select 1/0;
\errverbose
\set VERBOSITY verbose
select 1/0;
\set VERBOSITY terse
select nope;
\set VERBOSITY sqlstate
select nope;
\set VERBOSITY default
\set SHOW_CONTEXT always
select bad();
\set SHOW_CONTEXT never
select bad();
\set SHOW_CONTEXT errors
\set VERBOSITY junk
\set ECHO queries
select 1 as q;
\set ECHO errors
select 1/0;
\set ECHO all
select 1 as q;
\set ECHO none
\set FETCH_COUNT x
\set ON_ERROR_STOP maybe
\echo :ERROR :SQLSTATE :ROW_COUNT :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE
\echo :DBNAME :ENCODING
\i inc.sql
\i /nonexistent.sql
\badcmd
\d extra args here
\a extra
\a
\set AUTOCOMMIT off
insert into k values (600,'ac',1);
rollback;
select count(*) from k where a = 600;
commit;
\set AUTOCOMMIT on
\set QUIET on
\x
\x
create table q1 (a int);
\set QUIET off
\cd /nonexistent
\echo `echo hi`
select 1 as "last"
