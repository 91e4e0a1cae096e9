-- What every cluster's database holds besides the client's own objects. Run by the superuser at each
-- start of the proxy; every statement can be run again.
-- pg_dsql is the sandbox's own schema: its name is reserved, so catalogue commands do not list it.
SET allow_system_table_mods = on;
SET client_min_messages = warning;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'admin') THEN
    CREATE ROLE admin LOGIN CREATEROLE;
  END IF;
END $$;
ALTER DATABASE postgres OWNER TO admin;
ALTER SCHEMA public OWNER TO admin;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE, CONNECT, TEMPORARY ON DATABASE postgres TO admin;
ALTER DATABASE postgres SET default_transaction_isolation = 'repeatable read';
ALTER DATABASE postgres SET deadlock_timeout = '20ms';
ALTER DATABASE postgres SET jit = off;
-- A committed row must outlive a killed server; earlier versions of this file had it otherwise.
ALTER DATABASE postgres RESET synchronous_commit;
ALTER DATABASE postgres SET timezone = 'UTC';
ALTER DATABASE postgres SET temp_buffers = '1MB';
CREATE SCHEMA IF NOT EXISTS sys;
GRANT USAGE ON SCHEMA sys TO PUBLIC;
CREATE SCHEMA IF NOT EXISTS pg_dsql;
GRANT USAGE ON SCHEMA pg_dsql TO PUBLIC;

-- What is refused here is worded elsewhere: pg_dsql.text is made from the table of texts.
CREATE OR REPLACE FUNCTION pg_dsql.said(name text, VARIADIC vals text[] DEFAULT '{}') RETURNS TABLE (code text, message text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE val text;
BEGIN
  SELECT t.code, t.message INTO code, message FROM pg_dsql.text t WHERE t.rule = name;
  FOREACH val IN ARRAY vals LOOP
    IF strpos(message, '{}') > 0 THEN
      message := overlay(message placing coalesce(val, '') from strpos(message, '{}') for 2);
    END IF;
  END LOOP;
  RETURN NEXT;
END $$;
CREATE OR REPLACE FUNCTION pg_dsql.refuse(name text, VARIADIC vals text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE row record;
BEGIN
  SELECT * INTO row FROM pg_dsql.said(name, VARIADIC vals);
  RAISE EXCEPTION USING ERRCODE = row.code, MESSAGE = row.message;
END $$;

-- The mapping of IAM roles to database roles.
CREATE TABLE IF NOT EXISTS pg_dsql.iam_mapping (
  iam_oid oid NOT NULL, arn text NOT NULL, pg_role oid NOT NULL, grantor oid NOT NULL,
  PRIMARY KEY (arn, pg_role)
);
CREATE SEQUENCE IF NOT EXISTS pg_dsql.iam_oid START 26398;
CREATE OR REPLACE VIEW sys.iam_pg_role_mappings AS
  SELECT m.iam_oid, m.arn, m.pg_role AS pg_role_oid, r.rolname AS pg_role_name,
         m.grantor AS grantor_pg_role_oid, g.rolname AS grantor_pg_role_name
  FROM pg_dsql.iam_mapping m JOIN pg_roles r ON r.oid = m.pg_role LEFT JOIN pg_roles g ON g.oid = m.grantor;
GRANT SELECT ON sys.iam_pg_role_mappings TO PUBLIC;

-- The role's OID, if the caller may map IAM roles to it.
CREATE OR REPLACE FUNCTION pg_dsql.may_map(role name) RETURNS oid LANGUAGE plpgsql AS $$
DECLARE found record;
BEGIN
  SELECT oid, rolcanlogin INTO found FROM pg_roles WHERE rolname = role;
  IF found IS NULL THEN
    PERFORM pg_dsql.refuse('IamNoRole', role::text);
  END IF;
  IF role = 'admin' OR NOT (pg_has_role(session_user, found.oid, 'MEMBER WITH ADMIN OPTION')
      OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user)) THEN
    PERFORM pg_dsql.refuse('IamDenied', role::text);
  END IF;
  IF NOT found.rolcanlogin THEN
    PERFORM pg_dsql.refuse('IamLogin', role::text);
  END IF;
  RETURN found.oid;
END $$;
CREATE OR REPLACE PROCEDURE pg_dsql.iam_grant(role name, arn text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE id oid := pg_dsql.may_map(role);
BEGIN
  IF arn !~ '^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$' THEN
    PERFORM pg_dsql.refuse('IamArn');
  END IF;
  INSERT INTO pg_dsql.iam_mapping SELECT nextval('pg_dsql.iam_oid')::int::oid, iam_grant.arn, id, r.oid
    FROM pg_roles r WHERE r.rolname = session_user
    ON CONFLICT DO NOTHING;
END $$;
CREATE OR REPLACE PROCEDURE pg_dsql.iam_revoke(role name, arn text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE id oid := pg_dsql.may_map(role);
BEGIN
  DELETE FROM pg_dsql.iam_mapping m WHERE m.pg_role = id AND m.arn = iam_revoke.arn;
  IF NOT FOUND THEN
    PERFORM pg_dsql.refuse('IamRoleMissing', arn);
  END IF;
END $$;
-- DROP ROLE: as the caller, and not while an IAM role is mapped to it.
CREATE OR REPLACE PROCEDURE pg_dsql.drop_role(names name[], if_exists boolean) LANGUAGE plpgsql AS $$
DECLARE mapped name; list text;
BEGIN
  SELECT m.pg_role_name INTO mapped FROM sys.iam_pg_role_mappings m WHERE m.pg_role_name = ANY (names) LIMIT 1;
  IF mapped IS NOT NULL THEN PERFORM pg_dsql.refuse('RoleMapped', mapped::text); END IF;
  SELECT string_agg(quote_ident(n), ', ') INTO list FROM unnest(names) n;
  EXECUTE 'DROP ROLE ' || CASE WHEN if_exists THEN 'IF EXISTS ' ELSE '' END || list;
END $$;

-- The tables that statements with these names (quoted) may reach: by name, through views, and in the bodies of
-- the client's own functions. In steps whose plans are kept: a recursive query is planned at each call, and clears
-- the memory of a table for as many rows as it might have.
CREATE OR REPLACE FUNCTION pg_dsql.reached(names text[]) RETURNS SETOF oid LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
DECLARE words text[] := names; more text[] := names; bare name[]; tables oid[]; further oid[];
BEGIN
  LOOP
    bare := ARRAY(SELECT replace(substr(w, 2, length(w) - 2), '""', '"')::name FROM unnest(more) w);
    more := ARRAY(
      SELECT DISTINCT w FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys'),
        LATERAL regexp_matches(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), '[A-Za-z_][A-Za-z0-9_$]*', 'g') m,
        LATERAL concat('"', lower(m[1]), '"') w
      WHERE p.proname = ANY (bare) AND w <> ALL (words));
    EXIT WHEN more = '{}';
    words := words || more;
  END LOOP;
  tables := ARRAY(SELECT DISTINCT to_regclass(w)::oid FROM unnest(words) w WHERE to_regclass(w) IS NOT NULL);
  further := tables;
  WHILE further <> '{}' LOOP
    further := ARRAY(
      SELECT DISTINCT d.refobjid FROM pg_rewrite v
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = v.oid AND d.refclassid = 'pg_class'::regclass
      WHERE v.ev_class = ANY (further) AND d.refobjid <> ALL (tables));
    tables := tables || further;
  END LOOP;
  RETURN QUERY SELECT c.oid FROM pg_class c
    WHERE c.oid = ANY (tables) AND c.relkind IN ('r', 'v') AND c.relnamespace <> 'pg_catalog'::regnamespace;
END $$;

-- Private copies, at this transaction's snapshot, of the tables among `names` and of what hangs on them
-- by foreign keys or views. Answers every table that has one now. With `reading`, copies nothing and only
-- makes views that look at copied tables see the copies.
CREATE OR REPLACE FUNCTION pg_dsql.shadow(names text[], reading boolean) RETURNS TABLE (space text, relation text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  item record; part record; columns text; identities name[]; def text;
  path text := current_setting('search_path');
  who text := CASE current_setting('role') WHEN 'none' THEN session_user::text ELSE current_setting('role') END;
  made oid[] := '{}';
  copies text[] := pg_dsql.copies();
  wanted oid[] := ARRAY(SELECT pg_dsql.reached(names));
  further oid[] := wanted;
BEGIN
  -- Our own definitions are no client's DDL: event triggers stay silent.
  PERFORM set_config('session_replication_role', 'replica', true);
  WHILE further <> '{}' LOOP
    further := ARRAY(
      SELECT x.oid FROM (
        SELECT confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY (further) AND NOT reading
        UNION SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND confrelid = ANY (further) AND NOT reading
        UNION SELECT d.refobjid FROM pg_rewrite v
          JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = v.oid AND d.refclassid = 'pg_class'::regclass
          WHERE v.ev_class = ANY (further)
      ) x(oid) WHERE x.oid <> ALL (wanted));
    wanted := wanted || further;
  END LOOP;
  FOR item IN
    SELECT c.oid, c.relname, n.nspname, c.relkind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (wanted) AND c.relkind IN ('r', 'v') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')
      AND NOT (reading AND c.relkind = 'r')
      AND NOT EXISTS (SELECT FROM pg_class t WHERE t.relnamespace = pg_my_temp_schema() AND t.relname = c.relname)
    ORDER BY c.relkind, c.oid
  LOOP
    IF item.relkind = 'v' THEN
      PERFORM set_config('search_path', '', true);
      def := pg_get_viewdef(item.oid);
      PERFORM set_config('search_path', path, true);
      FOR n IN 1 .. cardinality(copies) BY 2 LOOP
        def := regexp_replace(def, '(^|[^[:alnum:]_".])' || quote_ident(copies[n]) || '\.' || quote_ident(copies[n + 1]) || '($|[^[:alnum:]_"])',
                              '\1pg_temp.' || quote_ident(copies[n + 1]) || '\2', 'g');
      END LOOP;
      CONTINUE WHEN def NOT LIKE '%pg\_temp.%';
      EXECUTE format('CREATE TEMP VIEW %I AS %s', item.relname, def);
    ELSE
      EXECUTE format('CREATE TEMP TABLE %I (LIKE %I.%I INCLUDING ALL)', item.relname, item.nspname, item.relname);
      -- Its indexes, in the order of their numbers, have names of PostgreSQL's choice; errors and ON CONFLICT tell them.
      -- One that may hold duplicates yet would refuse them here.
      FOR part IN SELECT c.relname AS chosen, o.relname AS name, own.unproved
          FROM (SELECT indexrelid, indisunique AND NOT indisvalid AS unproved, row_number() OVER (ORDER BY indexrelid) AS n
                FROM pg_index WHERE indrelid = item.oid) own
          JOIN (SELECT indexrelid, row_number() OVER (ORDER BY indexrelid) AS n FROM pg_index
                WHERE indrelid = to_regclass('pg_temp.' || quote_ident(item.relname))) copied USING (n)
          JOIN pg_class o ON o.oid = own.indexrelid JOIN pg_class c ON c.oid = copied.indexrelid LOOP
        IF part.unproved THEN
          EXECUTE format('DROP INDEX pg_temp.%I', part.chosen);
        ELSIF part.name <> part.chosen AND to_regclass('pg_temp.' || quote_ident(part.name)) IS NULL THEN
          EXECUTE format('ALTER INDEX pg_temp.%I RENAME TO %I', part.chosen, part.name);
        END IF;
      END LOOP;
      SELECT string_agg(quote_ident(attname), ',' ORDER BY attnum) FILTER (WHERE attgenerated = ''),
             coalesce(array_agg(attname) FILTER (WHERE attidentity <> ''), '{}')
        INTO columns, identities FROM pg_attribute WHERE attrelid = item.oid AND attnum > 0 AND NOT attisdropped;
      EXECUTE format('INSERT INTO pg_temp.%I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %I.%I',
                     item.relname, columns, columns, item.nspname, item.relname);
      FOR n IN 1 .. cardinality(identities) LOOP
        PERFORM setval(pg_get_serial_sequence('pg_temp.' || quote_ident(item.relname), identities[n]),
                       nextval(pg_get_serial_sequence(quote_ident(item.nspname) || '.' || quote_ident(item.relname), identities[n])));
      END LOOP;
      IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = item.oid AND tgname = 'pg_dsql_measure') THEN
        PERFORM pg_dsql.guard(to_regclass('pg_temp.' || quote_ident(item.relname)));
      END IF;
      made := made || item.oid;
    END IF;
    copies := copies || ARRAY[item.nspname::text, item.relname::text];
    SELECT string_agg(p, ', ') INTO def FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
      WHERE has_table_privilege(who, item.oid, p);
    IF def IS NOT NULL THEN
      EXECUTE format('GRANT %s ON pg_temp.%I TO %I', def, item.relname, who);
    END IF;
  END LOOP;
  FOR part IN SELECT k.conname, k.conrelid, c.relname, k.oid, k.confrelid FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
              WHERE k.contype = 'f' AND k.conrelid = ANY (made) LOOP
    SELECT regexp_replace(pg_get_constraintdef(part.oid), 'REFERENCES [^(]+\(', 'REFERENCES pg_temp.' || quote_ident(r.relname) || '(')
      INTO def FROM pg_class r WHERE r.oid = part.confrelid;
    IF def NOT LIKE '%NOT VALID' THEN def := def || ' NOT VALID'; END IF;
    EXECUTE format('ALTER TABLE pg_temp.%I ADD CONSTRAINT %I %s', part.relname, part.conname, def);
  END LOOP;
  PERFORM set_config('session_replication_role', 'origin', true), set_config('dsql.copies', copies::text, true);
  RETURN QUERY SELECT copies[n], copies[n + 1] FROM generate_series(1, cardinality(copies), 2) n;
END $$;
-- The copies that this transaction has: schema and name of what each stands for, in turns. A setting, since it
-- goes with the copies when the transaction goes back to its savepoint.
CREATE OR REPLACE FUNCTION pg_dsql.copies() RETURNS text[] LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN coalesce(nullif(current_setting('dsql.copies', true), ''), '{}')::text[];
END $$;
-- The schema of what a copy of this name stands for.
CREATE OR REPLACE FUNCTION pg_dsql.copied_from(copy text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE copies text[] := pg_dsql.copies();
BEGIN
  FOR n IN 1 .. cardinality(copies) BY 2 LOOP
    IF copies[n + 1] = copy THEN RETURN copies[n]; END IF;
  END LOOP;
  RETURN NULL;
END $$;
DROP FUNCTION IF EXISTS pg_dsql.shadowed();
-- This transaction and those of its savepoints.
CREATE OR REPLACE FUNCTION pg_dsql.mine() RETURNS xid[] LANGUAGE sql AS $$
  SELECT array_agg(transactionid) FROM pg_locks
  WHERE locktype = 'transactionid' AND pid = pg_backend_pid() AND mode = 'ExclusiveLock'
$$;
-- What stands in xmax of the table's rows that this transaction has locked: itself, and the numbers of rows that
-- several transactions share, which cannot be told from a transaction's but by looking. `updates`: only those that
-- it has locked FOR UPDATE, as far as that can be known.
CREATE OR REPLACE FUNCTION pg_dsql.marks(t regclass, updates boolean) RETURNS xid[] LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE mine xid[] := pg_dsql.mine(); marks xid[]; seen text[]; one text;
BEGIN
  marks := coalesce(mine, '{}');
  IF mine IS NULL THEN RETURN marks; END IF;
  EXECUTE format('SELECT array_agg(DISTINCT xmax::text) FROM %s WHERE xmax::text <> ''0''', t) INTO seen;
  FOREACH one IN ARRAY coalesce(seen, '{}') LOOP
    IF one::xid = ANY (mine) THEN CONTINUE; END IF;
    BEGIN
      IF EXISTS (SELECT FROM pg_get_multixact_members(one::xid) m WHERE m.xid = ANY (mine) AND (NOT updates OR m.mode = 'forupd')) THEN
        marks := marks || one::xid;
      END IF;
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
  RETURN marks;
END $$;
-- Rows that this transaction has locked FOR UPDATE are written back unchanged, so that an older
-- transaction which changes one of them later fails.
CREATE OR REPLACE FUNCTION pg_dsql.touch(names text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE item record;
BEGIN
  FOR item IN
    SELECT DISTINCT c.oid::regclass AS t, (SELECT quote_ident(attname) FROM pg_attribute a WHERE a.attrelid = c.oid
        AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a' ORDER BY a.attnum LIMIT 1) AS col
    FROM pg_dsql.reached(names) r JOIN pg_class c ON c.oid = r WHERE c.relkind = 'r'
  LOOP
    IF item.col IS NOT NULL THEN
      EXECUTE format('UPDATE %s SET %s = %s WHERE xmax = ANY ($1)', item.t, item.col, item.col)
        USING pg_dsql.marks(item.t, true);
    END IF;
  END LOOP;
END $$;
-- Roughly how many bytes this transaction has written to these tables: the values as they are told, and what a row
-- and an entry of a further index cost. Source of the figures: what 500 rows were seen to have room for, with none
-- and with four indexes of 100 bytes (limits file of the AWS DSQL skill, 2026-10-01).
CREATE OR REPLACE FUNCTION pg_dsql.size(names text[]) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE item record; mine xid[] := pg_dsql.mine(); part bigint; total bigint := 0;
BEGIN
  FOR item IN
    SELECT DISTINCT c.oid::regclass AS t, concat_ws(' + ', '146',
      (SELECT string_agg(format('coalesce(octet_length(%I%s), 0)', name, CASE WHEN kind <> 'bytea' THEN '::text' END), ' + ')
       FROM pg_dsql.columns(c.oid)),
      (SELECT string_agg(format('coalesce(4 * octet_length((%s)::text), 0)', pg_dsql.pg_get_indexdef(i.indexrelid, n, false)), ' + ')
       FROM pg_index i, generate_series(1, i.indnkeyatts) n WHERE i.indrelid = c.oid AND NOT i.indisprimary)) AS bytes
    FROM pg_dsql.reached(names) r JOIN pg_class c ON c.oid = r
    WHERE c.relkind = 'r'
  LOOP
    EXECUTE format('SELECT coalesce(sum(%s), 0) FROM %s x WHERE xmin = ANY ($1)', item.bytes, item.t) INTO part USING mine;
    total := total + part;
  END LOOP;
  RETURN total;
END $$;
-- Rows that this transaction has locked FOR KEY SHARE, in these tables and in those that they refer to:
-- the table, its primary key (or the row's place, without one), and who made this version of it. Whoever takes
-- away a row that this transaction has made or changed fails without that.
DROP FUNCTION IF EXISTS pg_dsql.shared(text[]);
CREATE FUNCTION pg_dsql.shared(names text[]) RETURNS TABLE (relation oid, key text, version text) LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE item record; mine xid[] := pg_dsql.mine();
BEGIN
  FOR item IN
    WITH named AS (SELECT c.oid FROM pg_dsql.reached(names) r JOIN pg_class c ON c.oid = r
                   WHERE c.relkind = 'r')
    SELECT DISTINCT x.oid, x.oid::regclass AS t, pg_dsql.key_of(x.oid) AS key FROM (
      SELECT oid FROM named UNION SELECT confrelid FROM pg_constraint JOIN named ON conrelid = named.oid WHERE contype = 'f') x
  LOOP
    RETURN QUERY EXECUTE format('SELECT %s::oid, (%s)::text, xmin::text FROM %s WHERE xmax = ANY ($1) AND NOT xmin = ANY ($2)',
                                item.oid, item.key, item.t)
      USING pg_dsql.marks(item.t, false), mine;
  END LOOP;
END $$;
-- An expression for what identifies a row of the table.
CREATE OR REPLACE FUNCTION pg_dsql.key_of(relation oid) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT 'json_build_array(' || string_agg(quote_ident(attname), ',') || ')'
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = relation AND i.indisprimary), 'ctid')
$$;
-- Whether these tables show a key twice: a row of this transaction, and one that was deleted after its
-- snapshot. A unique index allows that.
CREATE OR REPLACE FUNCTION pg_dsql.shown_twice(names text[]) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE item record; mine xid[] := pg_dsql.mine(); found boolean;
BEGIN
  IF mine IS NULL THEN RETURN false; END IF;
  FOR item IN
    SELECT c.oid::regclass AS t, string_agg(format('a.%1$I = b.%1$I', attname), ' AND ') AS same
    FROM pg_dsql.reached(names) r JOIN pg_class c ON c.oid = r
      JOIN pg_index i ON i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
      JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
    WHERE c.relkind = 'r' GROUP BY c.oid, i.indexrelid
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %1$s a JOIN %1$s b ON %2$s WHERE a.xmin = ANY ($1) AND NOT b.xmin = ANY ($1))',
                   item.t, item.same) INTO found USING mine;
    IF found THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
-- Whether the snapshot can show what this transaction has made, of which is known that it has committed. A savepoint
-- is a transaction of its own which the snapshot does not list: it is told by when it was committed, which it is
-- shortly before others see it; `dsql.at` is shortly after the snapshot.
CREATE OR REPLACE FUNCTION pg_dsql.shown(made xid8) RETURNS boolean LANGUAGE sql AS $$
  SELECT pg_visible_in_snapshot(made, pg_current_snapshot()) AND (current_setting('track_commit_timestamp') = 'off'
    OR coalesce(pg_xact_commit_timestamp(made::xid) <= nullif(current_setting('dsql.at', true), '')::timestamptz, true))
$$;
-- Whether this transaction has taken away, or locked FOR UPDATE, a row that another has shared. What its
-- snapshot never showed, it has not.
CREATE OR REPLACE FUNCTION pg_dsql.took(relations oid[], keys text[], versions text[], locking boolean) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE item record; found boolean;
BEGIN
  FOR item IN SELECT c.oid::regclass AS t, pg_dsql.key_of(c.oid) AS key, array_agg(DISTINCT x.key) AS keys
              FROM unnest(relations, keys, versions) x(relation, key, version) JOIN pg_class c ON c.oid = x.relation
              WHERE pg_dsql.shown(x.version::xid8) GROUP BY c.oid LOOP
    EXECUTE format('SELECT count(*) < cardinality($1) OR bool_or($3 AND xmax = ANY ($2)) FROM %s WHERE (%s)::text = ANY ($1)',
                   item.t, item.key) INTO found USING item.keys, pg_dsql.marks(item.t, true), locking;
    IF found THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
-- What EXPLAIN needs to know of tables: where a private copy comes from, its indexes by their own names,
-- how many rows the planner believes in, and (with `sizes`) how many bytes each column takes in a row.
CREATE OR REPLACE FUNCTION pg_dsql.explain_facts(spaces text[], names text[], sizes boolean) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE item record; part record; said json; bytes float8[]; columns json; list text; own oid; out json[] := '{}';
BEGIN
  -- The statement is identified from now on.
  PERFORM set_config('compute_query_id', 'on', true);
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
                          'columns', f.columns)), '[]')
                  FROM pg_dsql.index_facts(item.oid) f
                  LEFT JOIN pg_dsql.index_facts(own) o ON o.columns::text = f.columns::text AND o.is_primary = f.is_primary
                    AND o.is_unique = f.is_unique AND o.more = f.more));
  END LOOP;
  RETURN array_to_json(out);
END $$;
CREATE OR REPLACE FUNCTION pg_dsql.index_facts(relation oid)
RETURNS TABLE (name name, is_primary boolean, is_unique boolean, columns json, more text) LANGUAGE sql STABLE AS $$
  SELECT c.relname, i.indisprimary, i.indisunique,
         (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n)
            LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0),
         concat_ws(' ', i.indnkeyatts, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid))
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = relation
$$;
-- Answers queries of one value each; NULL for one that fails. As the caller: it sees what the caller sees.
CREATE OR REPLACE FUNCTION pg_dsql.explain_answers(queries text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE query text; answer text;
BEGIN
  FOREACH query IN ARRAY queries LOOP
    answer := NULL;
    BEGIN
      EXECUTE query INTO answer;
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    RETURN NEXT answer;
  END LOOP;
END $$;
