-- Values that are hard to lay out, variables in statements, and the commands that send one.
select 1.0/3, 'infinity'::float8, '-infinity'::timestamp, 1e300*10, '1e-7'::float4, 0.1::float4+0.2::float4;
select array[1,null,3], array['a b','c"d',null,''], '{}'::int[], array[[1,2],[3,4]];
select row(1,'a',null), row(), row('x y','(')::text;
select '{"a": [1, 2, {"b": null}]}'::json, '[]'::jsonb, '{"k":"a\nb"}'::jsonb;
select int4range(1,5), '[2020-01-01,2021-01-01)'::daterange, numrange(null,3);
select '1 year 2 mons 3 days 04:05:06.789'::interval, '-1 day'::interval, make_interval(hours=>25);
select '2024-02-29'::date, '12:34:56.123456'::time, '12:34+02'::timetz, '2024-01-01 00:00:00+00'::timestamptz at time zone 'UTC';
select B'1010', '192.168.0.0/16'::cidr, '08:00:2b:01:02:03'::macaddr, point(1,2), '<a>x</a>'::xml;
select true and null, not true, null::bool;
select ''::bytea, '\x00ff'::bytea, ' '::text, '  lead'::text, 'trail  '::text, 'abc'::char(6);
select 'a'::"char", 'name'::name, 123::oid, 'pg_class'::regclass, '0/16B3748'::pg_lsn, '10:20:10,14,15'::txid_snapshot;
select 'fat cat'::tsvector, 'fat & cat'::tsquery;
select 1 as "?column?", 2 as " ", 3 as "", 4 as "a""b", 5 as "ünï", 6 as "日本";
select 1 as "";
select E'☃' as snow, E'☎' as phone, E'⌚' as watch, E'❤️' as heart, E'⚡' as zap, '™' as tm, '㍿' as corp, E'\u303f' as hfs, '〈' as br, E'\u302a' as tone;
select E'a\tb' as t, E'\t' as only, E'日\tx' as wide, E'12345678\t9' as at8, E'a\t\tb' as two;
select E'a\r\nb' as crlf, E'a\rb' as cr, E'\r' as only, E'a\vb\fc' as vf;
select E'\x01\x02\x1f' as c0, E'\u0080\u009f' as c1;
select E'\n' as nl, E'\n\n' as nl2, E'a\n' as trail, E'\na' as lead;
select E'a\nbb\nccc' as left, 12345 as n, E'x\ny' as "r
h";
select 12 as num, E'1\n2\n3' as t union all select 123456, 'z';
select repeat('x',200) as long, repeat('y ',50) as words;
select * from (values (1,'a',null),(null,'',3.14),(-5,E'ml\nx',null)) t(a,b,c);
select null, null::int, null::text;
select 1 where false;
select 1 as a, 'x' as b where false;
select from (values (1),(2)) x;
select;
select limit 0;
values (1,'a'),(2,'b');
table nope;
select 1;;select 2;
;
;;
select 1 as a \; select 2 as b;
select 1 as a \; select 1/0;
select 1/0 \; select 2;
begin \; select 1 \; commit;
select 'a;b', "x;y" from (select 1 as "x;y") t;
select $$a;b$$, $t$ $$ ; $t$, $é$x$é$;
select /* ; ' " */ 1 -- ; '
;
select /* nested /* ; */ */ 2;
select 'it''s', E'it\'s', e'\\', N'x', B'1', X'FF', U&'d\0061t';
select 'a'
'b';
select 1::int, :x, :'x', :"x", a[1:2] from (select array[1,2,3] as a) t;
\set x 5
select :x + 1, ':x', ':"x"', $$:x$$;
\set y :x 6 ' seven'
\echo :y
select :'y';
\set e 'a\nb'
select :'e';
\echo :'e'
\echo :"e"
\set q 'o''reilly"s'
select :'q' as l, 1 as :"q";
select :{?x}, :{?nope};
select 1 as x \gset
\echo :x
select null as nn, '' as em \gset
\echo :nn :em :{?nn} :{?em}
select 1 as a, 2 as b \gset p_
\echo :p_a:p_b
select 5 \g
\g
select 6 as six \gx
\gx
\g (format=unaligned)
\g (format=csv fieldsep=';')
\g (format=unaligned fieldsep=';' tuples_only=on)
\g (expanded=on)
\g (nope=1)
\g (border=2 linestyle=unicode null='~')
select 'x' \g /nonexistent/dir/f
select 1 as a, 2 as b \gdesc
\gdesc
create table tt(a int) \gdesc
select \gdesc
selec \gdesc
select 'select ' || n from generate_series(1,3) n \gexec
select 'select 1/0', 'select 2' \gexec
select null, 'select 3' \gexec
