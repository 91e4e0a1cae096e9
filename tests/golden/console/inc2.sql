select 'inc2' as i;
