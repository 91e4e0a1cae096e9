-- Private copies of tables, and what a COMMIT must know and leave behind. Run by the superuser after limits.sql, at
-- each start of the proxy; every statement can be run again.
--
-- `words` are names as statements have them, quoted; `path` is where the client's session looks for such without a
-- schema.

-- Returns the relations that these words name.
CREATE OR REPLACE FUNCTION pg_dsql.found(words text[], path name[]) RETURNS oid[] LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
RETURN ARRAY(
  SELECT DISTINCT x.oid
  FROM unnest(words) w, LATERAL parse_ident(w) parts, LATERAL (
    SELECT c.oid FROM pg_class c JOIN pg_dsql.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = parts[cardinality(parts)]::name
      AND CASE cardinality(parts) WHEN 1 THEN n.nspname = ANY (path) ELSE n.nspname = parts[1]::name END
    ORDER BY array_position(path, n.nspname) LIMIT 1) x);
-- Returns what a function's body names, as it is written and folded: the words outside of strings, and maybe others.
CREATE OR REPLACE FUNCTION pg_dsql.named(body text) RETURNS SETOF name LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
  SELECT w::name FROM regexp_matches(body, '(?:[^[:space:][:punct:]]|[_$])+', 'g') m, LATERAL (VALUES (m[1]), (lower(m[1]))) x(w)
  UNION SELECT replace(m[1], '""', '"')::name FROM regexp_matches(body, '"((?:[^"]|"")+)"', 'g') m
$$;
-- Returns the tables that statements with these words may reach: by name, through views, and in the bodies of the
-- client's own functions, which look for names wherever they like. In steps whose plans are kept: a recursive query is
-- planned at each call, and clears the memory of a table for as many rows as it might have.
-- With all the words that are names there.
CREATE OR REPLACE FUNCTION pg_dsql.reach(names text[], path name[], OUT tables oid[], OUT words name[]) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE more name[]; called name[]; further oid[] := pg_dsql.found(names, path);
BEGIN
  tables := '{}';
  more := ARRAY(SELECT replace(substr(w, 2, length(w) - 2), '""', '"')::name FROM unnest(names) w);
  words := more;
  LOOP
    -- Views look at relations and call functions.
    called := '{}';
    WHILE further <> '{}' LOOP
      tables := tables || further;
      SELECT coalesce(array_agg(DISTINCT d.refobjid) FILTER (WHERE p.oid IS NULL AND d.refobjid <> ALL (tables)), '{}'),
             coalesce(array_agg(DISTINCT p.proname) FILTER (WHERE p.proname <> ALL (words)), '{}')
        INTO further, called
        FROM pg_rewrite v JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = v.oid
            AND d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
          LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
        WHERE v.ev_class = ANY (tables) AND (p.oid IS NOT NULL OR d.refclassid = 'pg_class'::regclass);
    END LOOP;
    more := more || called;
    words := words || called;
    more := ARRAY(
      SELECT DISTINCT w FROM pg_proc p
        JOIN pg_dsql.pg_namespace n ON n.oid = p.pronamespace AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys'),
        LATERAL pg_dsql.named(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)) w
      WHERE p.proname = ANY (more) AND w <> ALL (words));
    EXIT WHEN more = '{}';
    words := words || more;
    further := ARRAY(SELECT c.oid FROM pg_class c WHERE c.relname = ANY (more) AND c.oid <> ALL (tables) AND c.oid >= 16384);
  END LOOP;
  tables := ARRAY(SELECT c.oid FROM pg_class c JOIN pg_dsql.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (tables) AND c.relkind IN ('r', 'v') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys'));
END $$;
CREATE OR REPLACE FUNCTION pg_dsql.reached(names text[], path name[]) RETURNS SETOF oid LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT unnest(r.tables) FROM pg_dsql.reach(names, path) r;
END $$;

-- Makes one private copy, which belongs to whom its table belongs and may be used by whom that may be used: rows
-- first, as they are stored, so that nothing of the client's is run by whoever copies. What a definition holds to be
-- computed is computed by its owner when an index is made, and by the client when it changes a row.
CREATE OR REPLACE FUNCTION pg_dsql.copy_table(item oid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET allow_system_table_mods = on AS $$
DECLARE
  space name; relation name; copy oid; part record; columns text; identities name[]; parts text[]; generated int2[];
BEGIN
  SELECT n.nspname, c.relname INTO space, relation FROM pg_class c JOIN pg_dsql.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = item;
  EXECUTE format('CREATE TEMP TABLE %I (LIKE %I.%I INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING IDENTITY INCLUDING STORAGE INCLUDING COMPRESSION)',
                 relation, space, relation);
  SELECT oid INTO copy FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relname = relation;
  SELECT string_agg(quote_ident(attname), ',' ORDER BY attnum), coalesce(array_agg(attname) FILTER (WHERE attidentity <> ''), '{}')
    INTO columns, identities FROM pg_attribute WHERE attrelid = item AND attnum > 0 AND NOT attisdropped;
  generated := ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = copy AND attgenerated <> '');
  IF generated <> '{}' THEN UPDATE pg_attribute SET attgenerated = '' WHERE attrelid = copy AND attnum = ANY (generated); END IF;
  IF columns IS NOT NULL THEN
    -- In a transaction of its own, so that these rows are none of those that the client's statements write.
    BEGIN
      EXECUTE format('INSERT INTO pg_temp.%I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM %I.%I', relation, columns, columns, space, relation);
    EXCEPTION WHEN OTHERS THEN
      RAISE;
    END;
  END IF;
  IF generated <> '{}' THEN UPDATE pg_attribute SET attgenerated = 's' WHERE attrelid = copy AND attnum = ANY (generated); END IF;
  FOR n IN 1 .. cardinality(identities) LOOP
    PERFORM setval(pg_get_serial_sequence('pg_temp.' || quote_ident(relation), identities[n]),
                   nextval(pg_get_serial_sequence(quote_ident(space) || '.' || quote_ident(relation), identities[n])));
  END LOOP;
  -- Before the indexes, which are made with the rights of their table's owner.
  UPDATE pg_class c SET relowner = o.relowner, relacl = CASE c.oid WHEN copy THEN o.relacl END FROM pg_class o
    WHERE o.oid = item AND (c.oid = copy OR c.oid IN (SELECT objid FROM pg_depend
      WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjid = copy AND deptype = 'i'));
  IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = item AND attacl IS NOT NULL) THEN
    UPDATE pg_attribute c SET attacl = o.attacl FROM pg_attribute o
      WHERE o.attrelid = item AND o.attacl IS NOT NULL AND c.attrelid = copy AND c.attname = o.attname;
  END IF;
  -- An index that may hold duplicates yet would refuse them here. One whose name is taken gets another.
  FOR part IN
    SELECT i.indexrelid AS id, c.relname AS name, i.indisunique AS uniquely, k.oid AS held,
           EXISTS (SELECT FROM pg_class t WHERE t.relnamespace = pg_my_temp_schema() AND t.relname = c.relname) AS taken
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = item AND k.contype IN ('p', 'u', 'x')
    WHERE i.indrelid = item AND NOT (i.indisunique AND NOT i.indisvalid) ORDER BY i.indexrelid
  LOOP
    IF part.held IS NOT NULL THEN
      EXECUTE format('ALTER TABLE pg_temp.%I ADD %s %s', relation, CASE WHEN NOT part.taken THEN format('CONSTRAINT %I', part.name) END,
                     pg_dsql.pg_get_constraintdef(part.held));
    ELSE
      EXECUTE format('CREATE %s %s ON pg_temp.%I %s', CASE WHEN part.uniquely THEN 'UNIQUE INDEX' ELSE 'INDEX' END,
                     CASE WHEN NOT part.taken THEN quote_ident(part.name) END, relation,
                     substr(pg_dsql.pg_get_indexdef(part.id), 1 + length(format('CREATE %s %I ON %I.%I ',
                       CASE WHEN part.uniquely THEN 'UNIQUE INDEX' ELSE 'INDEX' END, part.name, space, relation))));
    END IF;
  END LOOP;
  parts := ARRAY(SELECT format('ADD CONSTRAINT %I %s%s', conname, d, CASE WHEN d NOT LIKE '%NOT VALID' THEN ' NOT VALID' END)
                 FROM pg_constraint k, LATERAL pg_dsql.pg_get_constraintdef(k.oid) d WHERE conrelid = item AND contype = 'c' ORDER BY k.oid);
  IF parts <> '{}' THEN
    EXECUTE format('ALTER TABLE pg_temp.%I %s', relation, array_to_string(parts, ', '));
  END IF;
  IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = item AND tgname = 'pg_dsql_measure') THEN
    PERFORM pg_dsql.guard(copy);
  END IF;
  -- The planner is to think of it as of its original.
  UPDATE pg_class c SET reltuples = o.reltuples, relpages = o.relpages FROM pg_class o WHERE o.oid = item AND c.oid = copy;
END $$;
-- Makes a view of the client's look at copies, if it looks at any; it belongs to whom it belonged. Its new name.
CREATE OR REPLACE FUNCTION pg_dsql.copy_view(item oid, copies text[]) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET allow_system_table_mods = on AS $$
DECLARE def text := pg_get_viewdef(item); relation name; one text;
BEGIN
  FOR n IN 1 .. cardinality(copies) BY 2 LOOP
    one := quote_ident(copies[n]) || '.' || quote_ident(copies[n + 1]);
    def := regexp_replace(def, '(^|[^[:alnum:]_".])' || regexp_replace(one, '([^[:alnum:]_ ])', '\\\1', 'g') || '($|[^[:alnum:]_"])',
                          '\1' || replace('pg_temp.' || quote_ident(copies[n + 1]), '\', '\\') || '\2', 'g');
  END LOOP;
  IF def NOT LIKE '%pg\_temp.%' THEN RETURN NULL; END IF;
  SELECT relname INTO relation FROM pg_class WHERE oid = item;
  EXECUTE format('CREATE TEMP VIEW %I AS %s', relation, def);
  UPDATE pg_class c SET relowner = o.relowner, relacl = o.relacl, reloptions = o.reloptions FROM pg_class o
    WHERE o.oid = item AND c.relnamespace = pg_my_temp_schema() AND c.relname = relation;
  RETURN relation;
END $$;
-- Makes private copies, at this transaction's snapshot, of the tables among `names` and of what hangs on them by
-- foreign keys or views. Returns every table that has one now. With `reading`, copies nothing and only makes views
-- that look at copied tables see the copies.
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_copy(key text, names text[], path name[], reading boolean)
RETURNS TABLE (space text, relation text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  item record; part record; def text;
  made oid[] := '{}';
  copies text[] := pg_dsql.copies();
  wanted oid[]; further oid[]; words name[];
BEGIN
  PERFORM pg_dsql.proven(key);
  SELECT r.tables, r.words INTO wanted, words FROM pg_dsql.reach(names, path) r;
  further := wanted;
  -- Our own definitions are no client's DDL: event triggers stay silent.
  PERFORM pg_dsql.set_config('session_replication_role', 'replica', true);
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
    FROM pg_class c JOIN pg_dsql.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY (wanted) AND c.relkind IN ('r', 'v') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')
      AND NOT (reading AND c.relkind = 'r')
      AND NOT EXISTS (SELECT FROM pg_class t WHERE t.relnamespace = pg_my_temp_schema() AND t.relname = c.relname)
    ORDER BY c.relkind, c.oid
  LOOP
    IF item.relkind = 'v' THEN
      CONTINUE WHEN pg_dsql.copy_view(item.oid, copies) IS NULL;
    ELSE
      PERFORM pg_dsql.copy_table(item.oid);
      made := made || item.oid;
    END IF;
    copies := copies || ARRAY[item.nspname::text, item.relname::text];
  END LOOP;
  FOR part IN SELECT k.conname, c.relname, pg_dsql.pg_get_constraintdef(k.oid) AS def, r.relname AS target
              FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
              WHERE k.contype = 'f' AND k.conrelid = ANY (made) LOOP
    def := regexp_replace(part.def, 'REFERENCES [^(]+\(', 'REFERENCES pg_temp.' || replace(quote_ident(part.target), '\', '\\') || '(');
    IF def NOT LIKE '%NOT VALID' THEN def := def || ' NOT VALID'; END IF;
    EXECUTE format('ALTER TABLE pg_temp.%I ADD CONSTRAINT %I %s', part.relname, part.conname, def);
  END LOOP;
  PERFORM pg_dsql.set_config('session_replication_role', 'origin', true), pg_dsql.set_config('dsql.copies', copies::text, true);
  -- A body that is kept parsed means its tables by number, and would change the real ones.
  IF EXISTS (SELECT FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_class'::regclass
      JOIN pg_class c ON c.oid = d.refobjid JOIN pg_dsql.pg_namespace n ON n.oid = c.relnamespace
      JOIN generate_series(1, cardinality(copies), 2) x ON copies[x] = n.nspname AND copies[x + 1] = c.relname
    WHERE p.proname = ANY (words) AND p.prosqlbody IS NOT NULL) THEN
    PERFORM pg_dsql.refuse('Conflict');
  END IF;
  RETURN QUERY SELECT copies[n], copies[n + 1] FROM generate_series(1, cardinality(copies), 2) n;
END $$;

-- Returns this transaction and those of its savepoints that have not been released.
CREATE OR REPLACE FUNCTION pg_dsql.mine() RETURNS xid[] LANGUAGE sql SET search_path = pg_catalog, pg_temp
RETURN (SELECT array_agg(transactionid) FROM pg_locks
  WHERE locktype = 'transactionid' AND pid = pg_backend_pid() AND mode = 'ExclusiveLock');
-- Returns what stands in xmax of the table's rows that this transaction has locked: itself, and the numbers of rows
-- that several transactions share, which cannot be told from a transaction's but by looking. `updates`: only those
-- that it has locked FOR UPDATE, as far as that can be known.
CREATE OR REPLACE FUNCTION pg_dsql.marks(t regclass, updates boolean) RETURNS xid[] LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
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
-- Has rows that this transaction has locked FOR UPDATE written back unchanged, so that an older transaction which
-- changes one of them later fails. Returns the statements that do it, for whoever has locked them: to write a row is
-- to run what the client has defined. Where the client may not (it has locked them through somebody else's view) and
-- nothing would be run, it is done here.
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_touch(key text, names text[], path name[]) RETURNS SETOF text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE item record; marks xid[]; who name := pg_dsql.asking(); any_marked boolean; command text;
BEGIN
  PERFORM pg_dsql.proven(key);
  FOR item IN
    SELECT c.oid, c.oid::regclass AS t, a.attname AS col,
      has_table_privilege(who, c.oid, 'SELECT') AND has_column_privilege(who, c.oid, a.attnum, 'UPDATE')
        AND has_schema_privilege(who, c.relnamespace, 'USAGE') AS free
    FROM pg_dsql.reached(names, path) r JOIN pg_class c ON c.oid = r, LATERAL (
      SELECT attname, attnum FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attgenerated = '' AND a.attidentity <> 'a'
      ORDER BY NOT has_column_privilege(who, c.oid, a.attnum, 'UPDATE'), a.attnum LIMIT 1) a
    WHERE c.relkind = 'r'
  LOOP
    marks := pg_dsql.marks(item.t, true);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE xmax = ANY ($1))', item.t) INTO any_marked USING marks;
    CONTINUE WHEN NOT any_marked;
    command := format('UPDATE ONLY %s SET %I = %I WHERE xmax OPERATOR(pg_catalog.=) ANY (%L::pg_catalog.xid[])', item.t, item.col, item.col, marks);
    IF item.free THEN
      RETURN NEXT command;
    ELSIF EXISTS (SELECT FROM pg_constraint WHERE conrelid = item.oid AND contype = 'c')
        OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = item.oid AND attgenerated <> '') THEN
      PERFORM pg_dsql.refuse('Conflict');
    ELSE
      EXECUTE command;
    END IF;
  END LOOP;
END $$;
-- Returns a digest of the rows in these tables, or in their private copies, that this transaction has written: two are the
-- same if what a client could read of them is. Empty if there are none.
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_written(key text, names text[], path name[]) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE item record; mine xid[] := pg_dsql.mine(); copies text[] := pg_dsql.copies(); part text; total text := '';
BEGIN
  PERFORM pg_dsql.proven(key);
  IF mine IS NULL THEN RETURN total; END IF;
  FOR item IN
    SELECT c.oid, format('%I.%I', CASE WHEN EXISTS (SELECT FROM generate_series(1, cardinality(copies), 2) x
        WHERE copies[x] = n.nspname AND copies[x + 1] = c.relname) THEN 'pg_temp' ELSE n.nspname END, c.relname) AS t
    FROM pg_dsql.reached(names, path) r JOIN pg_class c ON c.oid = r JOIN pg_dsql.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' ORDER BY c.oid
  LOOP
    EXECUTE format('SELECT sum(hashtextextended(ROW(x.*)::text, 0)) FROM ONLY %s x WHERE xmin = ANY ($1)', item.t) INTO part USING mine;
    total := total || coalesce(item.oid || ':' || part || ' ', '');
  END LOOP;
  RETURN total;
END $$;
-- Returns roughly how many bytes this transaction has written to these tables: the values as they are told, and what
-- a row and an entry of a further index cost. Source of the figures: what 500 rows were seen to have room for, with
-- none and with four indexes of 100 bytes (limits file of the AWS DSQL skill, 2026-10-01).
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_size(key text, names text[], path name[]) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE item record; mine xid[] := pg_dsql.mine(); part bigint; total bigint := 0;
BEGIN
  PERFORM pg_dsql.proven(key);
  FOR item IN
    SELECT DISTINCT c.oid::regclass AS t, concat_ws(' + ', '146',
      (SELECT string_agg(format('coalesce(octet_length(%I%s), 0)', name, CASE WHEN kind <> 'bytea' THEN '::text' END), ' + ')
       FROM pg_dsql.columns(c.oid)),
      (SELECT string_agg(format('coalesce(4 * octet_length((%s)::text), 0)', pg_dsql.pg_get_indexdef(i.indexrelid, n, false)), ' + ')
       FROM pg_index i, generate_series(1, i.indnkeyatts) n WHERE i.indrelid = c.oid AND NOT i.indisprimary)) AS bytes
    FROM pg_dsql.reached(names, path) r JOIN pg_class c ON c.oid = r
    WHERE c.relkind = 'r'
  LOOP
    EXECUTE format('SELECT coalesce(sum(%s), 0) FROM %s x WHERE xmin = ANY ($1)', item.bytes, item.t) INTO part USING mine;
    total := total + part;
  END LOOP;
  RETURN total;
END $$;
-- Returns the rows that this transaction has locked FOR KEY SHARE, in these tables and in those that they refer to:
-- the table, its keys (or the row's place, without a primary one), and who made this version of it. Whoever takes
-- away a row that this transaction has made or changed fails without that.
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_shared(key text, names text[], path name[])
RETURNS TABLE (relation oid, shared text, version text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE item record; mine xid[] := pg_dsql.mine();
BEGIN
  PERFORM pg_dsql.proven(key);
  FOR item IN
    WITH named AS (SELECT c.oid FROM pg_dsql.reached(names, path) r JOIN pg_class c ON c.oid = r
                   WHERE c.relkind = 'r')
    SELECT DISTINCT x.oid, x.oid::regclass AS t, pg_dsql.key_of(x.oid) AS key FROM (
      SELECT oid FROM named UNION SELECT confrelid FROM pg_constraint JOIN named ON conrelid = named.oid WHERE contype = 'f') x
  LOOP
    RETURN QUERY EXECUTE format('SELECT %s::oid, (%s)::text, xmin::text FROM %s WHERE xmax = ANY ($1) AND NOT xmin = ANY ($2)',
                                item.oid, item.key, item.t)
      USING pg_dsql.marks(item.t, false), mine;
  END LOOP;
END $$;
-- Returns an expression for what others may rely on of a row of the table: the columns of its keys, where one of them is
-- the primary key; else where it stands. Source: AWS user guide, concurrency control, read 2026-10: key columns are those
-- of a unique index that is neither partial nor of expressions.
CREATE OR REPLACE FUNCTION pg_dsql.key_of(relation oid) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN coalesce((SELECT 'to_json(ROW(' || string_agg(quote_ident(attname), ',' ORDER BY attnum) || '))'
    FROM pg_attribute a WHERE a.attrelid = relation
      AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary)
      AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
                  AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))), 'ctid');
-- Returns whether these tables show a key twice: a row of this transaction, and one that was deleted after its
-- snapshot. A unique index allows that.
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_shown_twice(key text, names text[], path name[]) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE item record; mine xid[] := pg_dsql.mine(); found boolean;
BEGIN
  PERFORM pg_dsql.proven(key);
  IF mine IS NULL THEN RETURN false; END IF;
  FOR item IN
    SELECT c.oid::regclass AS t, string_agg(format('a.%1$I = b.%1$I', attname), ' AND ') AS same
    FROM pg_dsql.reached(names, path) r JOIN pg_class c ON c.oid = r
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
-- Returns whether the snapshot can show what this transaction has made, of which is known that it has committed. A
-- savepoint is a transaction of its own which the snapshot does not list: it is told by when it was committed, which
-- it is shortly before others see it; `taken` is shortly after the snapshot, in seconds since 1970.
CREATE OR REPLACE FUNCTION pg_dsql.shown(made xid8, taken numeric) RETURNS boolean LANGUAGE sql SET search_path = pg_catalog, pg_temp
RETURN pg_visible_in_snapshot(made, pg_current_snapshot()) AND (pg_dsql.current_setting('track_commit_timestamp') = 'off'
    OR coalesce(extract(epoch FROM pg_xact_commit_timestamp(made::xid)) <= taken, true));
-- Returns whether this transaction has taken away, or locked FOR UPDATE, a row that another has shared. What its
-- snapshot never showed, it has not.
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_took(key text, relations oid[], keys text[], versions text[], locking boolean, taken numeric)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE item record; found boolean;
BEGIN
  PERFORM pg_dsql.proven(key);
  FOR item IN SELECT c.oid::regclass AS t, pg_dsql.key_of(c.oid) AS key, array_agg(DISTINCT x.key) AS keys
              FROM unnest(relations, keys, versions) x(relation, key, version) JOIN pg_class c ON c.oid = x.relation
              WHERE pg_dsql.shown(x.version::xid8, taken) GROUP BY c.oid LOOP
    EXECUTE format('SELECT count(*) < cardinality($1) OR bool_or($3 AND xmax = ANY ($2)) FROM %s WHERE (%s)::text = ANY ($1)',
                   item.t, item.key) INTO found USING item.keys, pg_dsql.marks(item.t, true), locking;
    IF found THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;

-- Returns the names by which statements may use these relations, functions and types, and what has been dropped (as
-- `schema.name`): their own, and those of what hangs on them: views; tables by their columns' types, defaults and
-- constraints; domains; the client's functions that name them.
DROP FUNCTION IF EXISTS pg_dsql.used_as(oid[], text[]);
CREATE OR REPLACE FUNCTION pg_dsql.used_as(relations oid[], functions oid[], types oid[], dropped text[])
RETURNS TABLE (schema text, name text) LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE words text[]; r oid[]; f oid[]; t oid[];
BEGIN
  LOOP
    r := ARRAY(
      SELECT v.ev_class FROM pg_depend d JOIN pg_rewrite v ON v.oid = d.objid
        WHERE d.classid = 'pg_rewrite'::regclass AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (relations)
          OR d.refclassid = 'pg_proc'::regclass AND d.refobjid = ANY (functions)
          OR d.refclassid = 'pg_type'::regclass AND d.refobjid = ANY (types))
      UNION SELECT a.adrelid FROM pg_depend d JOIN pg_attrdef a ON a.oid = d.objid
        WHERE d.classid = 'pg_attrdef'::regclass AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (relations)
          OR d.refclassid = 'pg_proc'::regclass AND d.refobjid = ANY (functions))
      UNION SELECT k.conrelid FROM pg_depend d JOIN pg_constraint k ON k.oid = d.objid
        WHERE d.classid = 'pg_constraint'::regclass AND d.refclassid = 'pg_proc'::regclass AND d.refobjid = ANY (functions)
      UNION SELECT a.attrelid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'v')
        WHERE a.atttypid = ANY (types)
      EXCEPT SELECT unnest(relations));
    t := ARRAY(
      SELECT k.contypid FROM pg_depend d JOIN pg_constraint k ON k.oid = d.objid
        WHERE d.classid = 'pg_constraint'::regclass AND d.refclassid = 'pg_proc'::regclass AND d.refobjid = ANY (functions)
      UNION SELECT y.oid FROM pg_type y WHERE y.typbasetype = ANY (types)
      EXCEPT SELECT unnest(types));
    words := ARRAY(
      SELECT c.relname::text FROM pg_class c WHERE c.oid = ANY (relations || r)
      UNION SELECT p.proname::text FROM pg_proc p WHERE p.oid = ANY (functions)
      UNION SELECT y.typname::text FROM pg_type y WHERE y.oid = ANY (types || t)
      UNION SELECT (parse_ident(d))[2] FROM unnest(dropped) d);
    f := ARRAY(
      SELECT p.oid FROM pg_proc p JOIN pg_dsql.pg_namespace n ON n.oid = p.pronamespace
        AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')
      WHERE p.oid <> ALL (functions) AND EXISTS (
        SELECT FROM pg_dsql.named(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)) m
        WHERE m::text = ANY (words)));
    EXIT WHEN r = '{}' AND t = '{}' AND f = '{}';
    relations := relations || r; types := types || t; functions := functions || f;
  END LOOP;
  RETURN QUERY
    SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_dsql.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = ANY (relations) OR c.oid IN (SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = ANY (relations))
    UNION SELECT n.nspname::text, p.proname::text FROM pg_proc p JOIN pg_dsql.pg_namespace n ON n.oid = p.pronamespace
      WHERE p.oid = ANY (functions)
    UNION SELECT n.nspname::text, y.typname::text FROM pg_type y JOIN pg_dsql.pg_namespace n ON n.oid = y.typnamespace
      WHERE y.oid = ANY (types)
    UNION SELECT (parse_ident(d))[1], (parse_ident(d))[2] FROM unnest(dropped) d;
END $$;
-- Returns what these roles may use by others that they are members of: of these, and of what these are members of.
-- What a role owns or was granted itself rests on no membership.
CREATE OR REPLACE FUNCTION pg_dsql.lent(granted text[], members text[]) RETURNS TABLE (role text, schema text, name text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH lender AS (SELECT DISTINCT l.oid FROM pg_roles g JOIN pg_roles l ON pg_has_role(g.oid, l.oid, 'MEMBER') WHERE g.rolname = ANY (granted)),
    borrower AS (SELECT DISTINCT b.oid, b.rolname FROM pg_roles m JOIN pg_roles b ON NOT b.rolsuper AND pg_has_role(b.oid, m.oid, 'MEMBER')
                 WHERE m.rolname = ANY (members)),
    space AS (SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_dsql.pg_namespace n
              WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')),
    thing AS (
      SELECT s.nspname, c.relname AS name, c.relowner AS owner, nullif(c.relacl
        || ARRAY(SELECT unnest(a.attacl) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL), '{}') AS acl, s.nspowner, s.nspacl
      FROM pg_class c JOIN space s ON s.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'S')
      UNION ALL SELECT s.nspname, p.proname, p.proowner, p.proacl, s.nspowner, s.nspacl FROM pg_proc p JOIN space s ON s.oid = p.pronamespace)
  SELECT b.rolname::text, t.nspname::text, t.name::text FROM thing t, borrower b
  WHERE t.owner <> b.oid AND NOT EXISTS (SELECT FROM aclexplode(t.acl) x WHERE x.grantee = b.oid)
      AND EXISTS (SELECT FROM lender l WHERE l.oid = t.owner OR EXISTS (SELECT FROM aclexplode(t.acl) x WHERE x.grantee = l.oid))
    OR t.nspowner <> b.oid AND NOT EXISTS (SELECT FROM aclexplode(t.nspacl) x WHERE x.grantee IN (0, b.oid))
      AND EXISTS (SELECT FROM lender l WHERE l.oid = t.nspowner OR EXISTS (SELECT FROM aclexplode(t.nspacl) x WHERE x.grantee = l.oid))
$$;
-- Returns what this transaction has changed of the catalogue, by the names under which statements use it: whoever uses
-- it, whoever writes to what foreign keys tie to it, and the members of roles that were granted to these or taken from
-- them.
DROP FUNCTION IF EXISTS pg_catalog._sandbox_changes(text);
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_changes(key text, granted text[], members text[])
RETURNS TABLE (kind text, role text, schema text, name text) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE mine xid[] := pg_dsql.mine(); relations oid[]; functions oid[]; types oid[]; tied oid[]; gone text[];
BEGIN
  PERFORM pg_dsql.proven(key);
  types := ARRAY(
    SELECT y.oid FROM pg_type y WHERE y.typtype = 'd' AND y.xmin = ANY (mine)
    UNION SELECT k.contypid FROM pg_constraint k WHERE k.contypid <> 0 AND k.xmin = ANY (mine));
  functions := ARRAY(SELECT p.oid FROM pg_proc p LEFT JOIN pg_dsql.pg_namespace n ON n.oid = p.pronamespace AND n.xmin = ANY (mine)
    WHERE p.xmin = ANY (mine) OR n.oid IS NOT NULL);
  relations := ARRAY(
    SELECT c.oid FROM pg_class c WHERE c.xmin = ANY (mine) AND c.relkind IN ('r', 'v', 'S')
    UNION SELECT a.attrelid FROM pg_attribute a WHERE a.xmin = ANY (mine)
    UNION SELECT i.indrelid FROM pg_index i WHERE i.xmin = ANY (mine)
    UNION SELECT k.conrelid FROM pg_constraint k WHERE k.xmin = ANY (mine) AND k.conrelid <> 0
    UNION SELECT d.adrelid FROM pg_attrdef d WHERE d.xmin = ANY (mine)
    UNION SELECT g.tgrelid FROM pg_trigger g WHERE g.xmin = ANY (mine) AND NOT g.tgisinternal
    UNION SELECT v.ev_class FROM pg_rewrite v WHERE v.xmin = ANY (mine)
    UNION SELECT e.stxrelid FROM pg_statistic_ext e WHERE e.xmin = ANY (mine)
    UNION SELECT s.seqrelid FROM pg_sequence s WHERE s.xmin = ANY (mine)
    UNION SELECT c.oid FROM pg_class c JOIN pg_dsql.pg_namespace n ON n.oid = c.relnamespace WHERE n.xmin = ANY (mine)
    UNION SELECT unnest(coalesce(nullif(pg_dsql.current_setting('dsql.losers', true), ''), '{}')::oid[]));
  tied := ARRAY(
    SELECT k.confrelid FROM pg_constraint k WHERE k.contype = 'f' AND (k.conrelid = ANY (relations) OR k.xmin = ANY (mine))
    UNION SELECT k.conrelid FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = ANY (relations)
    UNION SELECT g.tgrelid FROM pg_trigger g WHERE g.xmin = ANY (mine) AND g.tgisinternal);
  gone := coalesce(nullif(pg_dsql.current_setting('dsql.dropped', true), ''), '{}')::text[];
  RETURN QUERY SELECT 'uses', NULL, u.* FROM pg_dsql.used_as(relations, functions, types, gone) u
    UNION ALL SELECT 'writes', NULL, u.* FROM pg_dsql.used_as(tied, '{}', '{}', '{}') u
    UNION ALL SELECT 'member', l.* FROM pg_dsql.lent(granted, members) l;
END $$;
