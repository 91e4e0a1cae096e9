-- Errors and where they point, notices, transactions, COPY: what the server answers, the harder cases.
select 1 +
  1
from nope
where x = 1;
select
	a,	b
from
	nope;
select '日本語', nope from t;
select '日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語', nope, '日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語';
select 1,
       'é', nope
;
select aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;
select 1 from pg_class where aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = 1;
select E'\ud800';
select '\xzz'::bytea;
select 'x'::uuid;
select 99999999999999999999::int;
select cast('a' as date);
insert into nope values (1);
create table t (a int, a int);
create table t (a int, b nosuch);
create table t (a int primary key, b int references nope);
create table t (a int primary key, b text not null default 'x', c numeric(3,1));
insert into t values (1, null, 1);
insert into t values (1, 'x', 12345);
insert into t values (1, 'x', 1.25) returning *;
insert into t select 1;
insert into t (a) values (2), (3) returning a;
insert into t (a) values (2) on conflict do nothing;
insert into t (a) values (2) on conflict (a) do update set b = 'up' returning a, b;
update t set a = 1;
delete from t where false;
delete from t where a = 3;
alter table t add column d text;
alter table t drop column nope;
create table t2 as select * from t;
create table if not exists t2 (a int, b text, c numeric(3,1), d text);
select * into t3 from t;
create index on t (b);
create unique index i1 on t (b);
create view v as select nope from t;
create view v as select * from t;
drop table t;
drop table t cascade;
drop table if exists nope, nope2;
truncate t2;
comment on table t2 is 'hi';
create function f(int) returns int language sql as 'select $1';
select f('x');
select f(1,2);
select f(1) from generate_series(1,3);
create or replace function f(int) returns text language sql as 'select $1::text';
drop function f;
do $$ begin raise notice 'multi
line notice'; raise info 'inf'; raise log 'lg'; raise debug 'dbg'; raise warning 'w' using hint='h', detail='d
d2'; end $$;
do $$ begin raise exception 'exc' using errcode='P0001', hint='multi
hint', table='tt', column='cc', constraint='con', schema='s', datatype='dt'; end $$;
do $$ begin perform 1/0; end $$;
do $$ begin execute 'select nope'; end $$;
do $$ begin execute 'select 1 from
 nope'; end $$;
\set VERBOSITY verbose
do $$ begin raise exception 'exc' using errcode='P0001', hint='h', table='tt', column='cc', constraint='con', schema='s', datatype='dt'; end $$;
do $$ begin raise notice 'n'; end $$;
select nope;
do $$ begin execute 'select nope'; end $$;
\set VERBOSITY terse
do $$ begin raise notice 'n' using hint='h'; end $$;
do $$ begin execute 'select nope'; end $$;
\set VERBOSITY sqlstate
do $$ begin raise notice 'n' using hint='h'; end $$;
select nope;
do $$ begin raise exception 'x' using errcode='ABCDE'; end $$;
\set VERBOSITY default
\errverbose
begin;
select 1;
selec;
select 1;
commit;
begin;
savepoint a;
select 1/0;
rollback to a;
release a;
end;
abort;
start transaction read only;
create table x1(a int);
rollback;
begin isolation level serializable;
show transaction isolation level;
rollback and chain;
prepare p1 as select $1::int + $2::int;
execute p1(1,2);
execute p1(1);
execute nope;
declare c cursor for select 1;
begin; declare c cursor for select generate_series(1,3) as n; fetch 2 from c; fetch c; fetch c; move c; close c; commit;
set search_path = nope;
select * from t2;
reset search_path;
set nope = 1;
set work_mem = 'x';
set statement_timeout = '50ms';
select pg_sleep(2);
reset statement_timeout;
show all nope;
show timezone;
lock table t2;
vacuum t2;
analyze t2;
explain (costs off) select * from t2 where a = 1 order by b;
explain (costs off, format json) select 1;
explain select nope;
copy t2 to stdout;
copy t2 to stdout csv header;
copy t2 to stdout binary;
copy (select 1, null, E'\t\n\\') to stdout;
copy t2 from stdin;
9	nine	1.0	\N
\.
copy t2 from stdin;
bad
\.
copy t2 from stdin csv;
1,"a
b",2,
\.
copy t2 (a) from stdin;
77
78
\.
copy t2 from '/nonexistent';
copy t2 to '/nonexistent/x';
select count(*) from t2;
copy t2 from stdin \; select 1;
12	x	1	\N
\.
copy t2 (a) to stdout \; copy t2 (a) to stdout;
copy t2(a) to stdout \g o.txt
\! cat o.txt
copy t2(a) from stdin
;
500
\.
select max(a) from t2;
merge into t2 using (values (500)) s(a) on t2.a = s.a when matched then delete;
grant select on t2 to nope;
create role r1;
grant select on t2 to r1;
drop role r1;
drop role nope;
create schema s; create table s.t(a int); drop schema s; drop schema s cascade;
create type e as enum ('a'); select 'b'::e; alter type e add value 'b'; select 'b'::e;
create domain d as int check (value > 0); select (-1)::d;
select 1 as a union select 'x';
select sum(a), b from t2;
select count(*) filter (where a > 1), string_agg(b, ',' order by b) from t2;
with recursive r(n) as (select 1 union all select n+1 from r where n < 3) select * from r;
select * from t2 natural join t2;
select generate_series(1,3), generate_series(1,2);
select pg_notify('x','y');
select current_setting('nope');
select set_config('a.b','c',false);
select random() < 2, now() > '2000-01-01';
