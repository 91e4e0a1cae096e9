select 'a mark at the head';
select 1;
select nosuch;
\echo a b
create table c (a text);
copy c from stdin;
x
\.
select length(a) from c;
create table t (a text);
copy t from stdin;
a
bÿc
\.
select 9;
begin;
select 1;
select 2, Ã(;
select 3;
rollback;
select 4;
\set ON_ERROR_STOP on
select â‚
,1;
select 5;