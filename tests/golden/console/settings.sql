-- Every setting of tables, and what tables become of it.
create table k (a int primary key, b text unique, c int);
insert into k values (1,'x',1), (2,null,20);
\pset null '¤'
\dn+
select null as a;
\pset null
\pset border 3
\pset border -1
\pset border
\pset border 1
\pset format
\pset format nonsense
\pset format a
\pset format u
\pset format aligned
\pset linestyle x
\pset linestyle u
\pset linestyle
\pset linestyle ascii
\pset expanded
\pset expanded
\pset expanded auto
\pset expanded foo
\pset expanded off
\pset fieldsep
\pset fieldsep ','
\pset fieldsep '\t'
\pset fieldsep '|'
\pset fieldsep_zero
\pset fieldsep '|'
\pset recordsep '~'
\pset recordsep
\pset recordsep_zero
\pset recordsep '\n'
\pset footer
\pset footer
\pset footer on
\pset tuples_only
\pset tuples_only
\pset t off
\pset title
\pset title 'T'
select 1;
\pset title
\pset csv_fieldsep
\pset csv_fieldsep '\t'
\pset csv_fieldsep ''
\pset csv_fieldsep 'ab'
\pset csv_fieldsep '"'
\pset csv_fieldsep ','
\pset pager
\pset pager off
\pset pager always
\pset pager on
\pset columns
\pset columns 40
\pset columns 0
\pset numericlocale
\pset numericlocale off
\pset unicode_border_linestyle single
\pset pager_min_lines 5
\pset pager_min_lines 0
\pset tableattr
\pset x
\pset x
\t
\t
\t on
\t on
\t off
\t foo
\x on
\x on
\x off
\x foo
\x auto
\x off
\a
\a
\f
\f ,
\f '|'
\C
\C 'a b'
\C
\C foo
select 1 as a, 2 as b;
\x
select 1 as a, 2 as b;
\a
select 1 as a, 2 as b;
\x
select 1 as a, 2 as b;
\a
\C
\pset border 0
select * from k;
select * from k where false;
\x
select * from k;
select * from k where false;
select;
select from k;
\x
\pset border 2
select * from k;
select * from k where false;
select;
select from k;
\x
select * from k;
select * from k where false;
select;
select from k;
\x
\t
select * from k;
\x
select * from k;
select * from k where false;
\x
\t
\pset border 1
\pset linestyle unicode
select * from k;
select E'a\nb' as x, E'1\n2\n3' as "y
z" from k;
\x
select E'a\nb' as x, E'1\n2\n3' as "y
z" from k;
\x
\pset border 2
select E'a\nb' as x, E'1\n2\n3' as "y
z" from k;
\x
select E'a\nb' as x, E'1\n2\n3' as "y
z" from k;
\pset border 0
select E'a\nb' as x, E'1\n2\n3' as "y
z" from k;
\x
select E'a\nb' as x, E'1\n2\n3' as "y
z" from k;
\pset linestyle ascii
select E'a\nb' as x, E'1\n2\n3' as "y
z" from k;
\x
select E'a\nb' as x, E'1\n2\n3' as "y
z" from k;
\pset border 1
select E'a\nb' as x, E'1\n2\n3' as "y
z" from k;
select '日本' as "長い見出し", 'é' as e, repeat('w',30) as w;
select 1 as "a very long column heading indeed, longer than the record heading";
select 1 as a from generate_series(1,12);
\x
\pset footer off
select * from k;
select 1 where false;
\a
select * from k;
select 1 where false;
\a
\pset footer on
\a
select * from k;
select 1 where false;
select;
select from k;
\x
select * from k;
select 1 where false;
select;
select from k;
\t
select * from k;
select 1 where false;
select;
\x
select * from k;
select 1 where false;
select;
\t
\pset title 'Unaligned title'
select * from k;
\x
select * from k;
\x
\pset title
\pset recordsep ';'
\pset fieldsep ' => '
select * from k;
\x
select * from k;
\x
\pset recordsep_zero
select * from k;
\pset recordsep '\n'
\pset fieldsep '|'
\a
\pset format csv
select * from k;
select 1 where false;
select;
select from k;
select 'a"b' as "h""h", E'x\ny', ' sp ', '', null, '\.', 'a,b', E'cr\rx', E'tab\t', '#', '日本';
\x
select * from k;
select 1 where false;
select 'a"b' as "h""h", E'x\ny';
\x
\t
select * from k;
\x
select * from k;
\x
\t
\pset title 'T'
select 1;
\pset title
\pset csv_fieldsep '\t'
select 'a', E'a\tb', 'a,b';
\pset csv_fieldsep ','
\pset null NN
select null, '';
\pset null ''
\pset format aligned
\pset columns 20
\x auto
select * from k;
select repeat('x', 30) as a, 2 as b;
\x off
\pset columns 0
\d k
\pset null XX
\d k
\set HIDE_TOAST_COMPRESSION on
\d+ k
select null;
