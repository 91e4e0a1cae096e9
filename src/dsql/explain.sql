-- What EXPLAIN asks. Run by the superuser after conflict.sql, at each start of the proxy; every statement can be run
-- again.

-- Returns what EXPLAIN needs to know of tables: where a private copy comes from, its indexes by their own names,
-- how many rows the planner believes in, and (with `sizes`) how many bytes each column takes in a row.
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_explain(key text, spaces text[], names text[], sizes boolean) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE item record; part record; said json; bytes float8[]; columns json; list text; own oid; out json[] := '{}';
BEGIN
  PERFORM pg_dsql.proven(key);
  -- The statement is identified from now on.
  PERFORM pg_dsql.set_config('compute_query_id', 'on', true);
  FOR item IN
    SELECT DISTINCT c.oid, x.space, c.relname AS name, c.oid::regclass AS t,
           CASE WHEN n.oid = pg_my_temp_schema() THEN pg_dsql.copied_from(c.relname) ELSE n.nspname::text END AS schema
    FROM unnest(spaces, names) x(space, name)
    JOIN pg_dsql.pg_namespace n ON n.oid = CASE x.space WHEN 'pg_temp' THEN pg_my_temp_schema() ELSE to_regnamespace(quote_ident(x.space))::oid END
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = x.name
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_dsql', 'pg_toast')
  LOOP
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM %s', item.t) INTO said;
    bytes := NULL;
    IF sizes THEN
      SELECT string_agg(format('coalesce(avg(coalesce(pg_column_size(%I), 0)), 0)', attname), ',' ORDER BY attnum) INTO list
        FROM pg_attribute WHERE attrelid = item.oid AND attnum > 0 AND NOT attisdropped;
      EXECUTE format('SELECT ARRAY[%s]::float8[] FROM (SELECT * FROM %s LIMIT 1000) x', list, item.t) INTO bytes;
    END IF;
    SELECT json_agg(json_build_object('name', name, 'kind', kind, 'bytes', coalesce(bytes[n], 0)) ORDER BY n) INTO columns
      FROM (SELECT attname AS name, format_type(atttypid, NULL) AS kind, row_number() OVER (ORDER BY attnum) AS n
            FROM pg_attribute WHERE attrelid = item.oid AND attnum > 0 AND NOT attisdropped) a;
    own := coalesce(to_regclass(quote_ident(item.schema) || '.' || quote_ident(item.name)), item.oid);
    out := out || json_build_object('found_in', item.space, 'schema', item.schema, 'name', item.name, 'columns', columns,
      'rows', said -> 0 -> 'Plan' -> 'Plan Rows',
      'indexes', (SELECT coalesce(json_agg(json_build_object('found', f.name, 'name', coalesce(o.name, f.name), 'primary', f.is_primary,
                          'columns', f.columns, 'rows', coalesce(f.holds, o.holds))), '[]')
                  FROM pg_dsql.index_facts(item.oid) f
                  LEFT JOIN pg_dsql.index_facts(own) o ON o.columns::text = f.columns::text AND o.is_primary = f.is_primary
                    AND o.is_unique = f.is_unique AND o.more = f.more));
  END LOOP;
  RETURN array_to_json(out);
END $$;
-- What an earlier version returns cannot be replaced.
DROP FUNCTION IF EXISTS pg_dsql.index_facts(oid);
-- `holds`: how many rows an index of some rows has, as its last build or ANALYZE counted them.
CREATE FUNCTION pg_dsql.index_facts(relation oid)
RETURNS TABLE (name name, is_primary boolean, is_unique boolean, columns json, more text, holds float4) LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.relname, i.indisprimary, i.indisunique,
         (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n)
            LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0),
         concat_ws(' ', i.indnkeyatts, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)),
         CASE WHEN i.indpred IS NOT NULL AND c.reltuples >= 0 THEN c.reltuples END
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = relation
$$;
