-- The limits that only the database can see: how much there is of everything, how large rows and keys are. Run by
-- the superuser after catalogue.sql, at each start of the proxy; every statement can be run again. The figures and
-- the texts are of the edition that the table of texts names.

-- What a query may put aside, above what it holds in memory. The proxy words PostgreSQL's error.
ALTER DATABASE postgres SET temp_file_limit = '128MB';
-- The columns of a table, with the name that the service has for their type and the most bytes that a value can have.
CREATE OR REPLACE FUNCTION pg_dsql.columns(t oid) RETURNS TABLE (num int2, name name, kind name, most bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.attnum, a.attname, b.typname, CASE
      WHEN b.typlen > 0 THEN b.typlen
      WHEN b.typname IN ('varchar', 'bpchar') AND a.mod > 0 THEN (a.mod - 4) * 4
      WHEN b.typname IN ('text', 'varchar', 'bpchar', 'bytea', 'json', 'jsonb') THEN 1 << 30
      ELSE 1000 END
  FROM (SELECT attnum, attname, coalesce(nullif(d.typbasetype, 0), atttypid) AS kind, greatest(atttypmod, d.typtypmod) AS mod
        FROM pg_attribute JOIN pg_type d ON d.oid = atttypid WHERE attrelid = t AND attnum > 0 AND NOT attisdropped) a
    JOIN pg_type b ON b.oid = a.kind
$$;
-- Gives the table a trigger that measures rows, if any could be too large. It sees first, and cheaply, whether this
-- one could be. Internal, as those of foreign keys are: the catalogue's commands do not list it. It must not keep a
-- column from being dropped, after which it is made anew.
CREATE OR REPLACE FUNCTION pg_dsql.guard(t oid) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE whole text; keys text; made oid; role text := pg_dsql.current_setting('session_replication_role');
BEGIN
  IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = t AND tgname = 'pg_dsql_measure') THEN
    EXECUTE format('DROP TRIGGER pg_dsql_measure ON %s', t::regclass);
  END IF;
  SELECT '(' || string_agg(format('coalesce(pg_column_size(NEW.%I), 0)', name), ' + ') FILTER (WHERE most > 8) || ') > 1048576' INTO whole
    FROM pg_dsql.columns(t) HAVING sum(most) > 1048576;
  SELECT '(' || string_agg(format('coalesce(octet_length(NEW.%I), 0)', name), ' + ') || ') > 400' INTO keys
    FROM pg_dsql.columns(t) c WHERE kind IN ('text', 'varchar', 'bpchar') AND EXISTS (SELECT FROM pg_index i
      LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = t AND d.refobjsubid = c.num
      WHERE i.indrelid = t AND (c.num = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) OR i.indexprs IS NOT NULL AND d.objid IS NOT NULL))
    HAVING sum(most) > 400;
  IF whole IS NULL AND keys IS NULL THEN RETURN; END IF;
  -- The client cannot make any: its definitions are looked at, this one is not.
  PERFORM pg_dsql.set_config('session_replication_role', 'replica', true);
  EXECUTE format('CREATE TRIGGER pg_dsql_measure AFTER INSERT OR UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION pg_dsql.measure()',
                 t::regclass, concat_ws(' OR ', whole, keys));
  PERFORM pg_dsql.set_config('session_replication_role', role, true);
  SELECT oid INTO made FROM pg_trigger WHERE tgrelid = t AND tgname = 'pg_dsql_measure';
  UPDATE pg_trigger SET tgisinternal = true WHERE oid = made;
  DELETE FROM pg_depend WHERE classid = 'pg_trigger'::regclass AND objid = made AND refclassid = 'pg_class'::regclass AND refobjsubid > 0;
END $$;
-- A row against the limits: 1 MiB a value and 2 MiB a row, as stored; a key as its bytes are, with those of the primary
-- key, at 7 more for each column. Source: limits file of the AWS DSQL skill, observed 2026-10-01.
CREATE OR REPLACE FUNCTION pg_dsql.measure() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE item record; sizes int[]; size bigint; same text;
BEGIN
  -- NEW would tell how large values are once they are unpacked; the row that was stored knows better.
  SELECT string_agg(format('%1$I = ($1).%1$I', a.attname), ' AND ') INTO same
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = TG_RELID AND i.indisprimary;
  SELECT string_agg(format('coalesce(pg_column_size(%I), 0)', name), ', ' ORDER BY num) AS each INTO item FROM pg_dsql.columns(TG_RELID);
  FOR sizes IN EXECUTE format('SELECT ARRAY[%s] FROM %s WHERE %s', item.each, TG_RELID::regclass,
      coalesce(same, 'xmin = ANY ($2)')) USING NEW, pg_dsql.mine() LOOP
    FOR item IN SELECT c.kind, x.size FROM (SELECT kind, row_number() OVER (ORDER BY num) FROM pg_dsql.columns(TG_RELID)) c(kind, n)
        JOIN unnest(sizes) WITH ORDINALITY x(size, n) USING (n) WHERE x.size > 1048576 LOOP
      PERFORM pg_dsql.refuse('ValueSize', item.kind::text);
    END LOOP;
    IF (SELECT sum(x) FROM unnest(sizes) x) > 2097152 THEN PERFORM pg_dsql.refuse('RowSize'); END IF;
  END LOOP;
  FOR item IN
    SELECT i.indexrelid, 7 * (count(*) - 1) AS more, string_agg(format(CASE WHEN k.kind IN ('text', 'varchar', 'bpchar')
        THEN 'coalesce(octet_length(%s), 0)' ELSE 'coalesce(pg_column_size(%s), 0)' END, k.def), ' + ') AS sizes,
      (SELECT pg_get_expr(indpred, indrelid) FROM pg_index WHERE indexrelid = i.indexrelid) AS pred
    FROM pg_index i, LATERAL (
      SELECT pg_get_indexdef(i.indexrelid, n, false) AS def, b.typname AS kind
      FROM generate_series(1, i.indnkeyatts) n JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum = n
        JOIN pg_type b ON b.oid = a.atttypid
      UNION
      SELECT quote_ident(c.name), c.kind FROM pg_index p JOIN pg_dsql.columns(TG_RELID) c ON c.num = ANY (p.indkey::int2[])
      WHERE p.indrelid = TG_RELID AND p.indisprimary AND p.indexrelid <> i.indexrelid) k
    WHERE i.indrelid = TG_RELID GROUP BY i.indexrelid
  LOOP
    EXECUTE format('SELECT %s + %s FROM (SELECT ($1).*) row WHERE %s', item.sizes, item.more, coalesce(item.pred, 'true')) INTO size USING NEW;
    IF size > 1981 THEN PERFORM pg_dsql.refuse('KeySize'); END IF;
  END LOOP;
  RETURN NULL;
END $$;
-- Tables of an earlier start that had no such trigger yet.
SELECT pg_dsql.guard(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')
    AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = 'pg_dsql_measure');

-- A primary key is for ever: what there is of them before a definition changes.
CREATE OR REPLACE FUNCTION pg_dsql.before_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF tg_tag = 'CREATE INDEX' THEN
    -- What the service does for itself is not a query: not the rows that an index is made of.
    PERFORM pg_dsql.set_config('temp_file_limit', '-1', true);
    RETURN;
  END IF;
  PERFORM pg_dsql.set_config('dsql.keys', coalesce((SELECT string_agg(conrelid::text || ' ' || attname, ',') FROM pg_constraint k
    JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    JOIN pg_class c ON c.oid = k.conrelid AND c.relpersistence = 'p'
    WHERE contype = 'p' AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_dsql'::regnamespace)), ''), true);
END $$;
CREATE OR REPLACE FUNCTION pg_dsql.keys_are_kept() RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE lost record;
BEGIN
  FOR lost IN SELECT c.oid, split_part(x, ' ', 2) AS col FROM unnest(string_to_array(pg_dsql.current_setting('dsql.keys', true), ',')) x
      JOIN pg_class c ON c.oid::text = split_part(x, ' ', 1)
      WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p') LOOP
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = lost.oid AND attname = lost.col AND NOT attisdropped) THEN
      PERFORM pg_dsql.refuse('AlterTable', 'DROP CONSTRAINT');
    END IF;
    PERFORM pg_dsql.refuse('DropKeyColumn', lost.col);
  END LOOP;
END $$;
-- How much there is of everything that clients have made.
CREATE OR REPLACE FUNCTION pg_dsql.counted() RETURNS TABLE (tables bigint, views bigint, sequences bigint, schemas bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH space AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'sys'))
  SELECT count(*) FILTER (WHERE relkind = 'r'), count(*) FILTER (WHERE relkind = 'v'), count(*) FILTER (WHERE relkind = 'S'),
         (SELECT count(*) FROM space WHERE nspname <> 'public')
  FROM pg_class JOIN space ON space.oid = relnamespace
$$;
CREATE OR REPLACE FUNCTION pg_dsql.after_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE there record; item record; kind text;
BEGIN
  IF tg_tag = 'ALTER TABLE' THEN PERFORM pg_dsql.keys_are_kept(); END IF;
  SELECT * INTO there FROM pg_dsql.counted();
  IF there.tables > 1000 THEN PERFORM pg_dsql.refuse('Tables'); END IF;
  IF there.views > 5000 THEN PERFORM pg_dsql.refuse('Views'); END IF;
  IF there.sequences > 5000 THEN PERFORM pg_dsql.refuse('Sequences'); END IF;
  IF there.schemas > 10 THEN PERFORM pg_dsql.refuse('Schemas'); END IF;
  FOR item IN SELECT DISTINCT c.oid, c.relkind FROM pg_event_trigger_ddl_commands() d LEFT JOIN pg_index i ON i.indexrelid = d.objid
      JOIN pg_class c ON c.oid = coalesce(i.indrelid, d.objid) WHERE d.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'v') LOOP
    IF item.relkind = 'v' THEN
      IF length(pg_get_viewdef(item.oid)) > 524288 THEN PERFORM pg_dsql.refuse('ViewSize'); END IF;
      CONTINUE;
    END IF;
    -- The message says 255; what was seen is one more, which with a primary key is told of the key.
    IF (SELECT count(*) FROM pg_dsql.columns(item.oid)) > 256 THEN
      PERFORM pg_dsql.refuse(CASE WHEN EXISTS (SELECT FROM pg_index WHERE indrelid = item.oid AND indisprimary) THEN 'KeyedColumns' ELSE 'Columns' END);
    END IF;
    -- What is no type of a column, by whatever name or way it has come into the table.
    SELECT format_type(a.atttypid, NULL) INTO kind FROM pg_dsql.columns(item.oid) c
      JOIN pg_attribute a ON a.attrelid = item.oid AND a.attnum = c.num
      JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype
      WHERE c.kind <> ALL ('{int2,int4,int8,float4,float8,numeric,bpchar,varchar,text,date,time,timetz,timestamp,timestamptz,interval,bool,bytea,uuid,json,jsonb}')
        AND b.typtype IS DISTINCT FROM 'd' LIMIT 1;
    IF kind IS NOT NULL THEN PERFORM pg_dsql.refuse('DataType', kind); END IF;
    SELECT format_type(atttypid, NULL) INTO kind FROM pg_attribute
      WHERE attrelid = item.oid AND attidentity <> '' AND NOT attisdropped AND atttypid <> 'bigint'::regtype LIMIT 1;
    IF kind IS NOT NULL THEN PERFORM pg_dsql.refuse('IdentityType', kind); END IF;
    IF (SELECT count(*) FROM pg_index WHERE indrelid = item.oid) > 24 THEN PERFORM pg_dsql.refuse('Indexes'); END IF;
    SELECT format_type(a.atttypid, NULL) INTO kind FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum <= i.indnkeyatts
      WHERE i.indrelid = item.oid AND a.atttypid IN ('timetz'::regtype, 'interval'::regtype, 'bytea'::regtype, 'jsonb'::regtype) LIMIT 1;
    IF kind IS NOT NULL THEN PERFORM pg_dsql.refuse('KeyType', kind); END IF;
    IF EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attnum <= i.indnkeyatts JOIN pg_type t ON t.oid = a.atttypid
               WHERE i.indrelid = item.oid GROUP BY i.indexrelid
               HAVING sum(CASE WHEN t.typname IN ('varchar', 'bpchar') THEN greatest(a.atttypmod - 4, 0) ELSE greatest(t.typlen, 0) END) > 2000) THEN
      PERFORM pg_dsql.refuse('KeyDeclared');
    END IF;
    PERFORM pg_dsql.guard(item.oid);
  END LOOP;
  -- The proxy reads tables with more rights than their users: what is run whenever one is looked at must be harmless.
  IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() d JOIN pg_index i ON i.indexrelid = d.objid OR i.indrelid = d.objid
      JOIN pg_depend x ON x.classid = 'pg_class'::regclass AND x.objid = i.indexrelid
      LEFT JOIN pg_proc p ON x.refclassid = 'pg_proc'::regclass AND p.oid = x.refobjid
      LEFT JOIN pg_type t ON x.refclassid = 'pg_type'::regclass AND t.oid = x.refobjid
      JOIN pg_dsql.pg_namespace n ON n.oid = coalesce(p.pronamespace, t.typnamespace)
    WHERE d.classid = 'pg_class'::regclass AND n.nspname NOT IN ('pg_catalog', 'pg_dsql', 'sys', 'information_schema')) THEN
    PERFORM pg_dsql.refuse('IndexFunction');
  END IF;
  IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() d JOIN pg_statistic_ext s ON d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid
             WHERE (SELECT count(*) FROM pg_statistic_ext o WHERE o.stxrelid = s.stxrelid) > 5) THEN
    PERFORM pg_dsql.refuse('Statistics');
  END IF;
  IF tg_tag = 'CREATE INDEX' THEN
    PERFORM pg_dsql.set_config('temp_file_limit', '131072', true), pg_dsql.on_index(d.objid) FROM pg_event_trigger_ddl_commands() d
      WHERE d.classid = 'pg_class'::regclass AND d.object_type = 'index';
  END IF;
END $$;
-- What DSQL has no word for, should it get past the look at its text.
CREATE OR REPLACE FUNCTION pg_dsql.refuse_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_dsql.refuse('Statement', CASE WHEN tg_tag IN ('SELECT INTO', 'CREATE TABLE AS', 'CREATE MATERIALIZED VIEW') THEN 'CreateTableAs'
    ELSE replace(initcap(tg_tag), ' ', '') END);
END $$;
DROP EVENT TRIGGER IF EXISTS pg_dsql_refuse;
CREATE EVENT TRIGGER pg_dsql_refuse ON ddl_command_start WHEN TAG IN ('SELECT INTO', 'CREATE TABLE AS', 'CREATE MATERIALIZED VIEW',
    'REFRESH MATERIALIZED VIEW', 'CREATE TRIGGER', 'CREATE RULE', 'CREATE EXTENSION', 'CREATE FOREIGN TABLE', 'CREATE SERVER',
    'CREATE FOREIGN DATA WRAPPER', 'CREATE USER MAPPING', 'CREATE OPERATOR', 'CREATE OPERATOR CLASS', 'CREATE OPERATOR FAMILY',
    'CREATE CAST', 'CREATE AGGREGATE', 'CREATE TYPE', 'CREATE POLICY', 'CREATE LANGUAGE', 'CREATE COLLATION', 'CREATE CONVERSION',
    'CREATE TRANSFORM', 'CREATE PUBLICATION', 'CREATE SUBSCRIPTION', 'CREATE ACCESS METHOD', 'CREATE TEXT SEARCH CONFIGURATION',
    'CREATE TEXT SEARCH DICTIONARY', 'CREATE TEXT SEARCH PARSER', 'CREATE TEXT SEARCH TEMPLATE', 'CREATE PROCEDURE', 'SECURITY LABEL')
  EXECUTE FUNCTION pg_dsql.refuse_ddl();
DROP EVENT TRIGGER IF EXISTS pg_dsql_before;
DROP EVENT TRIGGER IF EXISTS pg_dsql_after;
CREATE EVENT TRIGGER pg_dsql_before ON ddl_command_start WHEN TAG IN ('ALTER TABLE', 'CREATE INDEX') EXECUTE FUNCTION pg_dsql.before_ddl();
CREATE EVENT TRIGGER pg_dsql_after ON ddl_command_end
  WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE INDEX', 'CREATE SCHEMA', 'CREATE VIEW', 'CREATE SEQUENCE', 'CREATE STATISTICS')
  EXECUTE FUNCTION pg_dsql.after_ddl();
