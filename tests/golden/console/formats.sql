-- What \x, \a, \t, \f, \C and \pset make of a table.
create table k (a int primary key, b text unique, c int);
insert into k values (1,'x',1), (2,null,20);
\x
select 1 as a, E'm\nl' as b;
select * from k;
select 1 where false;
insert into k values (500,'r',1) returning *;
\x auto
select 1 as a;
\x off
\t
select 1 as a;
select 1 where false;
\t off
\a
select 1 as a, null as b;
\a
\f ';'
\a
select 1 as a, 2 as b;
\pset fieldsep '|'
\pset recordsep ' -- '
select 1 as a, 2 as b union select 3,4;
\pset recordsep '\n'
\a
\C 'My Title'
select 1 as a;
\C
\pset title 'Very long title for such a table'
select 1 as a;
\pset title
\pset footer off
select 1 as a;
\pset footer on
\pset null NULL
select null as n;
\pset null
\pset null ''
\pset border 0
select 1 as a, E'x\ny' as b;
\pset border 2
select 1 as a, E'x\ny' as b \gx
select 1 as a, E'x\ny' as b;
\pset linestyle unicode
select 1 as a, E'x\ny' as b;
select 1 as a, E'x\ny' as b \gx
\pset border 1
select 1 as a, E'x\ny' as b;
select 1 as a, E'x\ny' as b \gx
\pset linestyle ascii
\pset format csv
select 1 as a, 'x,y' as b, E'l1\nl2' as c;
select 1 as a, 'x,y' as b \gx
\pset csv_fieldsep ';'
select 1 as a, 'x;y' as b;
\pset csv_fieldsep ','
\pset format aligned
\d k
\x
\d k
\dt
\a
\d k
\dt
\t
\dt
\d k
\pset border 2
\pset null '<NULL>'
\pset format aligned
\x off
\t off
select array[null,'a "q" b','back\slash','',' ','NULL','{x}'] as a, array[[1,null],[3,4]] as m, '{}'::int[] as e;
select 'NaN'::numeric as n, 'infinity'::numeric as i, '-infinity'::float8 as f, '-0'::float8 as z, 1e-130::numeric(140,131) as tiny;
select interval '1 year -2 mons 3 days -04:05:06.789' as i, interval '0' as z, make_interval(secs => -0.5) as h;
set intervalstyle = 'iso_8601'; select interval '1 year -2 mons 3 days -04:05:06.789' as i; reset intervalstyle;
select '\x00ff'::bytea as hex, ''::bytea as empty; set bytea_output = 'escape'; select '\x00ff5c27'::bytea as esc; reset bytea_output;
set timezone = 'Asia/Kathmandu'; set datestyle = 'SQL, DMY'; select timestamptz '2024-02-29 23:59:59.999999+00' as t, 'infinity'::date as d, timestamp '0044-03-15 BC' as bc; reset datestyle; reset timezone;
select 1 as "a very long heading
of two lines", 'one' || chr(10) || 'two' as "x
y
z", 2 as "日本語";
select;
select from generate_series(1, 2);
select 1 as x, 2 as x, 3 as "?column?", 4;
select '日本' as cjk, e'e\u0301' as combining, 'ab' || chr(9) || 'c' as tab, chr(13) as cr;
;
;;
-- only a comment
/* only /* a nested */ one */ ;
/* before */ select /* within */ $a$ $b$ ; -- not over $b$ $a$ as dollars -- after
;
\set x 'it''s "q"'
select :'x' as literal, 1 as :"x";
\echo :x :'x' :"x" :{?x} :{?nothing} ::x
\if :{?x}
select 'taken' as branch;
\if false
select 'not' as branch; \echo never
\else
select 'nested' as branch \g
\endif
\elif true
select 'not' as branch;
\endif
\t
\x
select 1 as a, null as b, e'l1\nl2' as c;
\pset border 0
select 1 as a, null as b, e'l1\nl2' as c;
\x
select 1 as a, null as b, e'l1\nl2' as c;
select;
\a
\f ';;'
select 1 as a, null as b, e'l1\nl2' as c;
\x
select 1 as a, null as b, e'l1\nl2' as c;
\pset recordsep '|\n'
select 1 as a, null as b union all select 2, 'x';
\x
select 1 as a, null as b union all select 2, 'x';
\t
\pset format csv
\pset csv_fieldsep ';'
select 'a;b' as "h;""h", null as b, 'c"d' as c, '' as empty, e'l1\nl2' as lines;
select;
\x
select 'a;b' as "h;""h", null as b;
select 1 where false;
\x
\pset format aligned
\pset border 1
\pset null ''
\pset recordsep '\n'
\f '|'
