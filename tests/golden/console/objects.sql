-- What \d, \sf, \dp and their like say of objects, and what is left in variables.
\set VERBOSITY verbose
select 1/0;
\set VERBOSITY terse
select nosuch from pg_class;
\set VERBOSITY sqlstate
select nosuch;
\set VERBOSITY default
\errverbose
select 1 as "a b", 2 as "A", 3 as "naïve", '日本語' as "幅";
\x
select 1 as "a b", 2 as "A", 3 as "naïve", '日本語' as "幅";
\x
\pset columns 20
\pset format aligned
\pset columns 0
\pset
select E'a\tb' as t, E'a\rb' as r, E'\x01' as c;
\a
select E'a\tb' as t, E'a\rb' as r, E'\x01' as c;
\a
create table w (id int primary key, n numeric(10,2) default 1.5, t text not null, check (n > 0), unique (t, n));
comment on table w is 'a table';
comment on column w.n is 'a number';
\d w
create view vw as select id, n from w where n > 1;
\d vw
create sequence sq cache 1;
\d sq
create function f(a int, b text default 'x') returns int language sql immutable as $$ select a $$;
\df f
\df+ f
\sf f
\sf+ f
\sv vw
\dp w
grant select on w to public;
\dp w
\z
\dn
\dn+
\ds
\dv
\dm
\di
\dt *.w
\dt public.*
\d nosuch
\d w_pkey
\dD
create domain dd as int default 3 check (value > 1);
\dD
\dD+
\dT dd
\dT
\dT+ dd
\l
\echo :ROW_COUNT :SQLSTATE :ERROR :LAST_ERROR_MESSAGE
insert into w (id, t) values (1, 'a'), (2, 'b');
\echo :ROW_COUNT
select * from w where false;
update w set n = 3 returning id, n;
delete from w where id = 9;
select id, n, t from w;
values (1, 'x'), (2, null);
select null, '', ' ';
\pset null '∅'
select null, '', ' ';
\pset null ''
select 1 \g (format=unaligned fieldsep='|' tuples_only=on)
select 1 as a, 2 as b \gset p_
\echo :p_a :p_b
select 'select 5 as five', 'select 6 as six' \gexec
select 1 where false \gset
select 1 union select 2 \gset
\if 1 \echo one \endif
\if false
select 1/0;
\else
\echo other
\endif
\echo -n no newline
\echo
\warn w
\! echo shell
\unset VERBOSITY
\set x 'it''s'
\echo :x :'x' :"x" :{?x}
select :'x', :"x" from (select 1 as "it's") y;
select 1; select 2;
select 1\; select 2;
begin;
select 1/0;
select 2;
rollback;
commit;
copy w (id, t) to stdout;
copy w (id, t) to stdout with (format csv, header);
copy w (id, t) from stdin;
5	five
6	six
\.
copy w (id, t) from stdin;
5	five
\.
select id, t from w;
\copy w (id) to stdout
\copy (select 1, 2) to stdout csv
select $1;
\timing on
\timing off
\zz
explain (costs off) select 1;
select interval '1 day', date '2020-02-29', '{"a":1}'::jsonb, B'101', 'x'::bytea;
do $$ begin raise notice 'hello'; end $$;
select pg_sleep(0);
set search_path = nowhere;
\d w
reset search_path;
drop view vw;
drop table w;
drop function f;
drop domain dd;
drop sequence sq;
