select 'included' as i;
select 1/0;
\ir inc2.sql
