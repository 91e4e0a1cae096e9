-- Where commands and statements meet: what fails, what is cut short, what comes in parts.
\echo `echo a; exit 3`
\echo `exit 4` end
\echo :SHELL_ERROR :SHELL_EXIT_CODE
\set v 'a b'
\echo `echo :v :'v' :"v"`
\bad x \\ select 1;
\echo one \bad \echo two
\x maybe \echo three
select 1 as a \; select 2 as b \gset
\echo :a :b
select 1/0 \watch 1
create table n as select g, 10/(8-g) as q from generate_series(1,7) g;
\set FETCH_COUNT 3
select g, 10/(5-g) from generate_series(1,9) g;
select g, 10/(4-g) from generate_series(1,9) g;
\pset format unaligned
select g, 10/(5-g) from generate_series(1,9) g;
select g from generate_series(1,7) g;
\pset format csv
select g, 10/(8-g) from generate_series(1,9) g;
select g from generate_series(1,6) g;
\pset format aligned
\x
select g, 10/(5-g) from generate_series(1,9) g;
\x
\unset FETCH_COUNT
select 1 as a \; select 2 as b \gset
select 1 as a \; create table zz() \; select 3 as c \gset p_
\echo :a :b :p_c
select 1 as a \; create table zy() \gset q_
\echo :q_a
select 'select 1' as x \; select 'select 2' as y \gexec
select 1 as one \; select 1/0 \gset
insert into n values (100, 1) returning g \; select 5 as five \gset
\echo :five
create table u (a int);
create unique index ui on u (a) nulls not distinct;
\d ui
\d u
select 1/0 \watch 1
\set AUTOCOMMIT off
prepare p as select 1;
begin;
rollback;
/* a /* b */ c */ begin;
begin;
commit;
\set AUTOCOMMIT on
begin;
select 'a\
rollback;
\foo bar \\ select 1;
\d nosuch \\ select 2;
select 1/0 \g \echo after
\cd /nosuch \echo no
\if maybe \echo one
\endif
\set a 'x
\echo `echo 'a
\d 'x
select 1 \gx (format=csv
select 1 as "A b", 'it''s' \gset 
\gset "p 
select 1 \; \; select 2;
select 1; select 2 \g \\ select 3;
select (1;2);
rollback;
create function fx() returns int language sql begin atomic select case when true then 1 end; select 2; end; select fx();
copy (select 1, null, E'a\tb') to stdout;
\copy (select 'to', 'from' from (select 1) x) to stdout csv
create table cc (a text, b int);
\copy cc from stdin with (format csv, header)
a,b
"x
y",1
\.
select * from cc;
\copy cc to 'edges.csv' csv header
\copy cc from 'edges.csv' csv header
\copy cc from '/nosuch' csv
\copy cc fro x
\copy cc from
\copy
select count(*) from cc \gx
\pset null '(null)'
\pset border 2
\pset linestyle unicode
select null as "Ü", 'a
b' as "c
d" \gx
select null as "Ü", 'a
b' as "c
d";
\pset border 1
\pset linestyle ascii
\set VERBOSITY verbose
select nosuch;
\set VERBOSITY default
\errverbose
do $$ begin raise notice 'n %', 1 using hint = 'h'; raise warning 'w'; end $$;
select '\';
select U&'\0061' as "U&""q""", E'\'' , $x$ $$ ; $x$, 1e3, .5;
/* /* */ ; */ select 'in comment';
select 1 -- ; not the end
;
\echo :{?nosuch} :{?a} :'a' :"a" :a
\if :{?a}
\echo yes
\elif x
\else
\echo no
\endif
\i /nosuch
\unset
\getenv
\prompt
\timing maybe
\x auto
\x
\t
select 1;
\t off
\a
select 1, 2;
\a
\f ,
\C title
select 1;
\C
\dt nosuch
\dn public
\sf nosuch
\gdesc
select 1 as a, 'x'::text, now() \gdesc
\restrict abc
\echo hi
\unrestrict x
select 1;
\restrict
\unrestrict abc y
\echo `echo b`
\unrestrict z
\restrict
-- What is no command's argument is not run, and what stands behind a mistake is not looked at.
\bad `echo ran > edges.ran` 'x
\a `echo ran > edges.ran`
\a
\! test -e edges.ran && echo ran || echo not run
select 1 \g (nope=1) \\ select 2;
+ 1 as b;
select 1 as "x y", 2 as "z w" \gset
\ir nosuch
\set ECHO errors
select 'select 1/0' \gexec
select 1 where false \gset
\set ECHO queries
select 1 as described \gdesc
select 1/0 \watch 1
\set ECHO all
select 'select 7 as seven' \gexec
\set ECHO none
\if false \password \endif
\echo after a branch that was passed over
\if true
\echo open to the end
