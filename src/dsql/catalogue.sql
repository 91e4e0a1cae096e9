-- The catalogue as clients see it: what DSQL shows of itself, and nothing of the sandbox. Run by the superuser
-- after setup.sql, at each start of the proxy; every statement can be run again.
--
-- What is written as a parsed body (RETURN) may use pg_dsql, which a client's own text may not.

-- Event triggers do not exist for clients, as all that there are, are the sandbox's, and so are the settings of the
-- database; the access method has DSQL's name, by which PostgreSQL itself would not find it; and there is no pg_dsql.
DO $$
DECLARE item record;
BEGIN
  FOR item IN SELECT oid, reltype, oid::regclass::text AS name FROM pg_class
      WHERE oid IN (2601, 2615, 2964, 3466) AND relnamespace = 'pg_catalog'::regnamespace LOOP
    UPDATE pg_class SET relnamespace = 'pg_dsql'::regnamespace WHERE oid = item.oid;
    UPDATE pg_type SET typnamespace = 'pg_dsql'::regnamespace WHERE oid = item.reltype;
    EXECUTE format('REVOKE ALL ON pg_dsql.%I FROM PUBLIC', item.name);
  END LOOP;
END $$;
-- First, as the event triggers of an earlier start look for it.
CREATE OR REPLACE VIEW pg_catalog.pg_namespace AS
  SELECT oid, nspname, nspowner, nspacl FROM pg_dsql.pg_namespace WHERE nspname <> 'pg_dsql' AND nspname !~ '^pg_(toast_)?temp_';
CREATE OR REPLACE VIEW pg_catalog.pg_event_trigger AS
  SELECT tableoid, oid, evtname, evtevent, evtowner, evtfoid, evtenabled, evttags FROM pg_dsql.pg_event_trigger WHERE false;
CREATE OR REPLACE VIEW pg_catalog.pg_db_role_setting AS
  SELECT setdatabase, setrole, setconfig FROM pg_dsql.pg_db_role_setting WHERE setrole <> 0;
CREATE OR REPLACE VIEW pg_catalog.pg_am AS
  SELECT tableoid, oid, CASE amname WHEN 'btree' THEN 'btree_index' ELSE amname END AS amname, amhandler, amtype FROM pg_dsql.pg_am;
GRANT SELECT ON pg_catalog.pg_event_trigger, pg_catalog.pg_db_role_setting, pg_catalog.pg_am, pg_catalog.pg_namespace TO PUBLIC;
-- A view has no system columns, and tools ask for these two: `n.xmin` is then a call of xmin with the row.
DO $$
DECLARE item record;
BEGIN
  FOR item IN SELECT x.name, x.type, 'pg_dsql.' || y.name AS source, y.name AS view, y.condition
      FROM (VALUES ('xmin', 'xid'), ('tableoid', 'oid')) x(name, type),
           (VALUES ('pg_namespace', 'r.oid = $1.oid'), ('pg_am', 'r.oid = $1.oid'), ('pg_event_trigger', 'false'),
                   ('pg_db_role_setting', 'r.setdatabase = $1.setdatabase AND r.setrole = $1.setrole')) y(name, condition) LOOP
    EXECUTE format('CREATE OR REPLACE FUNCTION pg_catalog.%I(pg_catalog.%I) RETURNS %s LANGUAGE sql STABLE SECURITY DEFINER '
                   'SET search_path = pg_catalog, pg_temp RETURN (SELECT r.%I FROM %s r WHERE %s)',
                   item.name, item.view, item.type, item.name, item.source, item.condition);
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN 'PostgreSQL 16'::text;
-- A transaction that may have to be replayed has a seed, and then the same calls give the same values.
CREATE OR REPLACE FUNCTION pg_dsql.seeded_uuid(seed text) RETURNS uuid LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE n bigint := pg_dsql.current_setting('dsql.n')::bigint + 1; h text;
BEGIN
  PERFORM pg_dsql.set_config('dsql.n', n::text, true);
  h := md5(seed || ':' || n);
  RETURN overlay(overlay(h placing '4' from 13) placing substr('89ab', (ascii(substr(h, 17, 1)) % 4) + 1, 1) from 17)::uuid;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE
RETURN CASE coalesce(pg_dsql.current_setting('dsql.seed', true), '') WHEN '' THEN pg_dsql.gen_random_uuid()
  ELSE pg_dsql.seeded_uuid(pg_dsql.current_setting('dsql.seed', true)) END;

-- What a session may set, by whatever way. Source: AWS user guide, accessing, session parameters, read 2026-09.
CREATE OR REPLACE FUNCTION pg_dsql.settable(name text, local boolean) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF lower(name) <> ALL (string_to_array('{settable}', ',')) OR lower(name) = 'role' AND NOT local THEN
    PERFORM pg_dsql.refuse('SetParameter', name);
  END IF;
  RETURN true;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.set_config(text, text, boolean) RETURNS text LANGUAGE sql VOLATILE
RETURN CASE WHEN $1 IS NULL OR pg_dsql.settable($1, $3) THEN pg_dsql.set_config(
  CASE lower($1) WHEN 'disable_sync_create_index' THEN 'dsql.disable_sync_create_index' ELSE $1 END, $2, $3) END;
-- The view's rule would set anything.
REVOKE UPDATE ON pg_catalog.pg_settings FROM PUBLIC;

-- The version that a setting tells; NULL for the others. Not strict, so that the planner can put them in place.
CREATE OR REPLACE FUNCTION pg_dsql.version_setting(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE lower(name) WHEN 'server_version' THEN '{server_version}' WHEN 'server_version_num' THEN '{server_version_num}' END;
-- What only DSQL has, which PostgreSQL keeps with a prefix.
CREATE OR REPLACE FUNCTION pg_dsql.own_setting(name text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN lower(name) = 'disable_sync_create_index'
  THEN CASE WHEN coalesce(pg_dsql.current_setting('dsql.disable_sync_create_index', true), 'on')::boolean THEN 'on' ELSE 'off' END END;
CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(pg_dsql.version_setting($1), pg_dsql.own_setting($1), pg_dsql.current_setting($1));
CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text, boolean) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(pg_dsql.version_setting($1), pg_dsql.own_setting($1), pg_dsql.current_setting($1, $2));
-- What the sandbox has set is how the service is.
CREATE OR REPLACE VIEW pg_catalog.pg_settings AS
  SELECT name, coalesce(pg_dsql.version_setting(name), setting) AS setting, unit, category, short_desc, extra_desc, context,
         vartype, CASE WHEN own THEN source ELSE 'default' END AS source, min_val, max_val, enumvals,
         coalesce(pg_dsql.version_setting(name), CASE WHEN own THEN boot_val ELSE setting END) AS boot_val,
         coalesce(pg_dsql.version_setting(name), reset_val) AS reset_val, sourcefile, sourceline, pending_restart
  FROM (SELECT *, source IN ('client', 'user', 'database user', 'interactive', 'session') AS own FROM pg_show_all_settings()) s;

-- Indexes as DSQL tells them: its own kind of B-tree, and a primary key that holds the whole row. Source: AWS user
-- guide, asynchronous indexes, read 2026-10.
CREATE OR REPLACE FUNCTION pg_dsql.index_def(index oid, def text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN regexp_replace(def, ' USING btree \(', ' USING btree_index (') || coalesce(
    (SELECT ' INCLUDE (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'
     FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped
       AND a.attnum <> ALL (i.indkey::int2[])
     WHERE i.indexrelid = index AND i.indisprimary AND i.indrelid >= 16384), '');
CREATE OR REPLACE FUNCTION pg_catalog.pg_get_indexdef(oid) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN pg_dsql.index_def($1, pg_dsql.pg_get_indexdef($1));
CREATE OR REPLACE FUNCTION pg_catalog.pg_get_indexdef(oid, integer, boolean) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE $2 WHEN 0 THEN pg_dsql.index_def($1, pg_dsql.pg_get_indexdef($1, $2, $3)) ELSE pg_dsql.pg_get_indexdef($1, $2, $3) END;
-- A primary key's constraint is told as its index is. Source: AWS user guide, read 2026-09.
CREATE OR REPLACE FUNCTION pg_dsql.constraint_def(k oid, def text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN def || coalesce(
    (SELECT ' INCLUDE (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')'
     FROM pg_constraint c JOIN pg_index i ON i.indexrelid = c.conindid
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum > 0 AND NOT a.attisdropped AND a.attnum <> ALL (i.indkey::int2[])
     WHERE c.oid = k AND c.contype = 'p' AND i.indrelid >= 16384), '');
CREATE OR REPLACE FUNCTION pg_catalog.pg_get_constraintdef(oid) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN pg_dsql.constraint_def($1, pg_dsql.pg_get_constraintdef($1));
CREATE OR REPLACE FUNCTION pg_catalog.pg_get_constraintdef(oid, boolean) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN pg_dsql.constraint_def($1, pg_dsql.pg_get_constraintdef($1, $2));
CREATE OR REPLACE VIEW pg_catalog.pg_indexes AS
  SELECT n.nspname AS schemaname, c.relname AS tablename, i.relname AS indexname, t.spcname AS tablespace,
         pg_get_indexdef(i.oid) AS indexdef
  FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    LEFT JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_tablespace t ON t.oid = i.reltablespace
  WHERE c.relkind IN ('r', 'm', 'p') AND i.relkind IN ('i', 'I') AND n.nspname <> 'pg_dsql' AND n.nspname !~ '^pg_temp_';

-- Private copies have no schema that could be seen, and the tables that they stand for are found where they are.
CREATE OR REPLACE FUNCTION pg_catalog.current_schemas(boolean) RETURNS name[] LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN array_remove(pg_dsql.current_schemas($1), pg_my_temp_schema()::regnamespace::name);
CREATE OR REPLACE FUNCTION pg_catalog.pg_table_is_visible(oid) RETURNS boolean LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE WHEN pg_my_temp_schema() = 0 THEN pg_dsql.pg_table_is_visible($1) ELSE
    (SELECT NOT pg_is_other_temp_schema(c.relnamespace) AND c.relnamespace = (
       SELECT o.relnamespace FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace
       WHERE o.relname = c.relname AND n.nspname = ANY (current_schemas(true))
       ORDER BY array_position(current_schemas(true), n.nspname) LIMIT 1)
     FROM pg_class c WHERE c.oid = $1) END;

-- The copies that this transaction has: schema and name of what each stands for, in turns. A setting, since it
-- goes with the copies when the transaction goes back to its savepoint.
CREATE OR REPLACE FUNCTION pg_dsql.copies() RETURNS text[] LANGUAGE sql STABLE
RETURN coalesce(nullif(pg_dsql.current_setting('dsql.copies', true), ''), '{}')::text[];
-- Returns the schema of what a copy of this name stands for.
CREATE OR REPLACE FUNCTION pg_dsql.copied_from(copy name) RETURNS text LANGUAGE sql STABLE
RETURN (SELECT c[n] FROM pg_dsql.copies() c, generate_series(1, cardinality(c), 2) n WHERE c[n + 1] = copy::text LIMIT 1);
-- Of text search configurations there is one. Source: measured on a cluster, 2026-08-28.
DO $$
DECLARE item name;
BEGIN
  FOR item IN SELECT cfgname FROM pg_ts_config WHERE cfgname <> 'simple' AND cfgnamespace = 'pg_catalog'::regnamespace LOOP
    EXECUTE format('DROP TEXT SEARCH CONFIGURATION pg_catalog.%I', item);
  END LOOP;
END $$;
-- Nor is there an extension to be had. Source: measured on a cluster by pistachio, 2026-07.
CREATE OR REPLACE VIEW pg_catalog.pg_available_extensions AS
  SELECT e.name, e.default_version, x.extversion AS installed_version, e.comment
  FROM pg_available_extensions() e(name, default_version, comment) LEFT JOIN pg_extension x ON e.name = x.extname WHERE false;
CREATE OR REPLACE VIEW pg_catalog.pg_available_extension_versions AS
  SELECT e.name, e.version, x.extname IS NOT NULL AS installed, e.superuser, e.trusted, e.relocatable, e.schema, e.requires, e.comment
  FROM pg_available_extension_versions() e(name, version, superuser, trusted, relocatable, schema, requires, comment)
    LEFT JOIN pg_extension x ON e.name = x.extname AND e.version = x.extversion WHERE false;
-- A schema's comment is kept under the number of the real catalogue, that of a private copy with what it stands for.
CREATE OR REPLACE FUNCTION pg_catalog.obj_description(oid, name) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN $2 = 'pg_namespace' THEN (SELECT description FROM pg_description WHERE objoid = $1 AND classoid = 2615 AND objsubid = 0)
    WHEN $2 = 'pg_class' AND pg_my_temp_schema() <> 0 AND (SELECT relnamespace FROM pg_class WHERE oid = $1) = pg_my_temp_schema() THEN
      (SELECT pg_dsql.obj_description(o.oid, $2) FROM pg_class c JOIN pg_class o ON o.relname = c.relname
         JOIN pg_namespace n ON n.oid = o.relnamespace AND n.nspname = pg_dsql.copied_from(c.relname)
       WHERE c.oid = $1)
    ELSE pg_dsql.obj_description($1, $2) END;

-- The views of what a client may use, the standard's and PostgreSQL's: it may use what is the sandbox's, but need not
-- know. Those that are asked for; each more would cost every new cluster some milliseconds.
CREATE TABLE IF NOT EXISTS pg_dsql.dressed (view oid PRIMARY KEY);
DO $$
DECLARE item record;
BEGIN
  FOR item IN
    SELECT c.oid, c.relnamespace::regnamespace AS schema, c.relname, x.space
    FROM (VALUES ('pg_tables', 'schemaname'), ('pg_views', 'schemaname'), ('pg_sequences', 'schemaname'),
        ('pg_stat_all_tables', 'schemaname'), ('pg_stat_all_indexes', 'schemaname'), ('pg_stats', 'schemaname'),
        ('tables', 'table_schema'), ('columns', 'table_schema'), ('views', 'table_schema'), ('sequences', 'sequence_schema'),
        ('table_constraints', 'table_schema'), ('key_column_usage', 'table_schema'),
        ('constraint_column_usage', 'table_schema'), ('referential_constraints', 'constraint_schema'),
        ('table_privileges', 'table_schema'), ('routines', 'specific_schema'), ('parameters', 'specific_schema'),
        ('routine_privileges', 'specific_schema'), ('role_routine_grants', 'specific_schema'), ('schemata', 'schema_name')
      ) x(name, space)
    JOIN pg_class c ON c.relname = x.name AND c.relkind = 'v'
      AND c.relnamespace IN ('information_schema'::regnamespace, 'pg_catalog'::regnamespace)
    WHERE c.oid NOT IN (SELECT view FROM pg_dsql.dressed)
  LOOP
    EXECUTE format('CREATE OR REPLACE VIEW %s.%I AS SELECT * FROM (%s) v WHERE %I <> ''pg_dsql'' AND %I !~ ''^pg_(toast_)?temp_''',
                   item.schema, item.relname, rtrim(pg_get_viewdef(item.oid), ';'), item.space, item.space);
    INSERT INTO pg_dsql.dressed VALUES (item.oid);
  END LOOP;
END $$;
-- Nor of its own sessions, and of what it asks in those of clients.
DO $$
DECLARE columns text; activity regclass := 'pg_catalog.pg_stat_activity'; def text := rtrim(pg_get_viewdef(activity), ';');
BEGIN
  IF activity NOT IN (SELECT view FROM pg_dsql.dressed) THEN
    SELECT string_agg(CASE attname WHEN 'query' THEN 'CASE WHEN query ~ ''^BEGIN.*SAVEPOINT _dsql$'' THEN ''BEGIN'' '
        'WHEN query ~ ''(_dsql|dsql\.)'' THEN '''' ELSE query END AS query' ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
      INTO columns FROM pg_attribute WHERE attrelid = activity AND attnum > 0;
    EXECUTE format('CREATE OR REPLACE VIEW pg_catalog.pg_stat_activity AS SELECT %s FROM (%s) v WHERE usesysid <> 10', columns, def);
    INSERT INTO pg_dsql.dressed VALUES (activity);
  END IF;
END $$;
