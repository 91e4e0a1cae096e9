-- Values, errors with their positions, transactions, notices: what the server answers.
select 1.5::numeric, 2::smallint, 3::bigint, 'NaN'::float8, true, 'x'::char(3), '\xdeadbeef'::bytea, '{1,2}'::int[], '{"a":1}'::jsonb, now()::date = current_date, interval '1 day', '10.0.0.1'::inet, '00000000-0000-0000-0000-000000000001'::uuid, '12:30'::time, '$1,234.50'::money, 1::oid, null;
select 'a' as "A very long heading that goes on", 'b' as b;
select E'tab\there' as t, E'cr\rx' as c, E'bell\x07' as b, E'esc\x1b[31m' as e, E'del\x7f' as d;
select '日本語テスト' as "全角", 'é' as e, '👍' as emoji, E'e\u0301' as comb;
select E'line1\nline2\n\nline4' as a, E'x\ny' as b, 3 as c;
select 1 as "multi
head", 2 as b;
select 'a|b' as p, 'a,b' as c, 'q"q' as q, E'n\nn' as n, '' as empty, null as nul;
select generate_series(1,5) as n, 'row ' || generate_series(1,5) as t;
select * from (values (1,'one'),(2,null),(3,E'a\tb')) v(id, name);
select 1 as a, 2 as a;
select;
select from generate_series(1,3);
values (1),(2);
table pg_am;
show work_mem;
explain (costs off) select * from pg_class where oid = 1;
create table k (a int primary key, b text unique, c int check (c > 0));
insert into k values (1,'x',1) returning a, b;
insert into k values (2,'y',2),(3,'z',3);
update k set c = c + 1 where a > 1;
update k set c = c + 1 returning *;
delete from k where a = 3 returning a;
delete from k where a = 99;
insert into k values (1,'dup',1);
insert into k values (9,'x',1);
insert into k values (9,'n',-1);
insert into k values (9,'n',1,2);
select * fro k;
select nocol from k;
select a, b, nocol2, c from k where a = 1;
select
  a,
  nocol
from k;
select 'é日本' as x, nope from k;
select 1/0;
select 'abc'::int;
select '2024-13-01'::date;
select foo(1);
select * from nosuch.t;
drop table nosuch;
drop table if exists nosuch;
select 'unterminated;
';
selec 1;
select 1 +;
	select	tab	from k;
select a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,nope,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a from k;
do $$ begin raise notice 'n1'; raise warning 'w1' using detail = 'det', hint = 'hin'; raise exception 'boom' using errcode='22012', detail='d', hint='h'; end $$;
create function bad() returns int language plpgsql as $$ declare x int; begin select nope into x; return x; end $$;
select bad();
begin;
insert into k values (100,'t',1);
select * from k order by a;
savepoint s;
select 1/0;
select 1;
rollback to s;
commit;
commit;
begin; begin; rollback; rollback;
select 1 \; select 2 \; select 3;
select 1 \; select 1/0 \; select 3;
/* comment */ select 1 as c -- trailing
;
-- only comment
select 2 as c; select 3 as d; select 4 as e
;
create view vv as select 1;
comment on view vv is 'x';
prepare p as select $1::int; execute p(3); deallocate p;
copy k to stdout;
copy k to stdout with csv header;
copy (select 'a\b', null, E'x\ty') to stdout;
copy k from stdin;
200	cp	5
201	\N	6
\.
copy k from stdin with csv;
300,"q,q",7
\.
copy k from stdin;
bad
\.
select count(*) from k;
select a, b from k order by a \gx
select 1 as "last"
