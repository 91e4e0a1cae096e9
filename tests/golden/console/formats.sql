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
