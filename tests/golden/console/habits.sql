-- What hands do by habit, and what scripts rely on.
create table k (a int primary key, b text);
insert into k values (1, 'one'), (2, 'two');
create function add1(a int) returns int language sql as 'select a + 1';
create table "My Table" (a int);
-- Semicolons behind commands.
\dt k;
\dt k ;
\dt;
\dv;
\dn;
\dp k;
\d;
\df;
\df add1;
\d k;
\d "My Table";
\x on;
select 1 as semicolon;
\x off;
\C 'a title;';
select 1 as titled;
\C
\pset null 'none;';
\pset null
\pset null ''
\echo text;
\set v 5;
\echo :v
\cd .;
\i inc2.sql;
\timing off;
\encoding;
\o habits.out;
select 'in the file' as f;
\o
\! cat habits.out
\w habits.out;
\! cat habits.out
\h;
\q;
\l cmp ;
\copy k to stdout;
\copy (select a from k order by a) to 'habits.out' csv;
\copy k (a) from program 'echo 3';
\copy k (a) from program echo 4
\copy k (a) from stdin;
5
\.
-- Names in quotes.
\c "cmp"
\c cmp;
\c - - - -
-- Names that are none.
\d ""
\d public.
\dt .k
-- A list with nothing in it is no failure.
\set ON_ERROR_STOP on
\dt nothing*
\di nothing*
\set ON_ERROR_STOP off
-- What \gset and \gexec leave.
insert into k values (6, 'six') returning a, b \gset r_
\echo :r_a :r_b
insert into k values (7, 'seven'), (8, 'eight') returning a \gset
update k set b = 'x' where a = 1 returning format('select %s as updated', a) \gexec
delete from k where a = 99 returning a \gset
\set QUIET on
delete from k where a = 8 returning a \gset
\set QUIET off
select 'on' as "ON_ERROR_STOP", 'all' as "ECHO", 'x' as own \gset
\echo :ON_ERROR_STOP :ECHO :own
-- A file is begun with its result.
select 1 as kept \g habits.out
select 1/0 \g habits.out
select nope \g habits.out
select 1 / (a - 2) from k order by a \g habits.out
create table g1 (a int) \g habits.out
\! cat habits.out
\copy nope to 'habits.out'
\t
select 1 where false \g habits.out
\t
\! cat habits.out
-- Where \o does not reach.
\o habits.out
\set ECHO queries
select 1 as echoed;
\set ECHO none
\copy (select 'past it') to pstdout
\copy (select 'into it') to stdout
copy (select 'into it too') to stdout;
\o
\! cat habits.out
-- An empty statement is one, too.
insert into k values (20, 'once');
;
\g
\p
-- Empty lines.
\set ECHO all
select 1

, nope

;

select $$a

b$$

as text;
\set ECHO none
-- What follows a statement on its last line is kept whole.
1
;ab\p
\r
-- One column is never expanded by itself.
\x auto
\pset columns 20
select 'a plan, a line of which is long' as "QUERY PLAN";
select 'two columns that are' as wide, 'too wide' as them;
\x off
\pset columns 0
-- Branches with semicolons of their own.
select 1,
\if false
  2 as two; select 'never';
\elif true
  3 as three;
\else
  4 as four;
\endif
select 'in' as "parens" where 1 in (
\if false
  2, (3
\else
  1
\endif
);
\unset AUTOCOMMIT
\echo :AUTOCOMMIT
select 1;
rollback;
\set AUTOCOMMIT on
select 'the end has no semicolon' as last
\q
select 'not read';
