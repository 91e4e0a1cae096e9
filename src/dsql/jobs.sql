-- The work that DSQL does on its own time, and the rows of sys.jobs that tell of it. Run after explain.sql,
-- at each start of the proxy; every statement can be run again.
--
-- An index is filled by the statement that creates it, under the lock that PostgreSQL needs for that, and
-- marked invalid and (if it is to be one) unique: from then on every change is entered into it and must
-- respect it. What remains for the job needs no lock that a reader or writer would notice: it looks for
-- duplicates and marks the index valid.

CREATE TABLE IF NOT EXISTS pg_dsql.job (
  job_id text PRIMARY KEY, status text NOT NULL, details text, job_type text NOT NULL,
  class_id oid NOT NULL DEFAULT 1259, object_id oid,
  start_time timestamptz NOT NULL DEFAULT clock_timestamp(), update_time timestamptz
);
-- When the job entered its status, in milliseconds of the sandbox's clock; set by the worker.
ALTER TABLE pg_dsql.job ADD COLUMN IF NOT EXISTS since bigint;
-- The constraint that is to be validated.
ALTER TABLE pg_dsql.job ADD COLUMN IF NOT EXISTS argument name;
-- What the object was called, for when it is gone, and the table that it belongs to.
ALTER TABLE pg_dsql.job ADD COLUMN IF NOT EXISTS known_as text, ADD COLUMN IF NOT EXISTS holder oid,
  ADD COLUMN IF NOT EXISTS holder_known_as text;
ALTER TABLE pg_dsql.job ALTER COLUMN details DROP NOT NULL, ALTER COLUMN details DROP DEFAULT,
  ALTER COLUMN update_time DROP NOT NULL, ALTER COLUMN update_time DROP DEFAULT;
DROP VIEW IF EXISTS sys.jobs;
CREATE VIEW sys.jobs AS
  SELECT job_id, status, details, job_type, class_id, object_id,
         (SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.oid = j.object_id) AS object_name,
         date_trunc('second', start_time) AS start_time, date_trunc('second', update_time) AS update_time
  FROM pg_dsql.job j ORDER BY j.start_time, job_id;
GRANT SELECT ON sys.jobs TO PUBLIC;

-- A uuid as DSQL writes those of jobs: lower-case base32 without padding.
CREATE OR REPLACE FUNCTION sys.uuid_to_base32_str(uuid) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT string_agg(substr('abcdefghijklmnopqrstuvwxyz234567', substr(bits, 5 * n + 1, 5)::bit(5)::int + 1, 1), '' ORDER BY n)
  FROM (SELECT (('x' || replace($1::text, '-', ''))::bit(128) || b'00')::text) x(bits), generate_series(0, 25) n
$$;
CREATE OR REPLACE FUNCTION sys.base32_str_to_uuid(text) RETURNS uuid LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE bits text;
BEGIN
  IF $1 !~ '^[a-z2-7]{25}[aeimquy4]$' THEN PERFORM pg_dsql.refuse('JobId'); END IF;
  SELECT string_agg((strpos('abcdefghijklmnopqrstuvwxyz234567', substr($1, n, 1)) - 1)::bit(5)::text, '' ORDER BY n) INTO bits
    FROM generate_series(1, 26) n;
  RETURN (SELECT string_agg(lpad(to_hex(substr(bits, 8 * n + 1, 8)::bit(8)::int), 2, '0'), '' ORDER BY n)
          FROM generate_series(0, 15) n)::uuid;
END $$;

CREATE OR REPLACE FUNCTION pg_dsql.called(object oid) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = object
$$;
-- Takes note of a job that starts when this transaction commits.
CREATE OR REPLACE FUNCTION pg_dsql.submit(kind text, object oid, argument name DEFAULT NULL, state text DEFAULT 'submitted')
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE id text := sys.uuid_to_base32_str(gen_random_uuid());
BEGIN
  INSERT INTO pg_dsql.job (job_id, status, job_type, object_id, argument, known_as, holder, holder_known_as, update_time)
    SELECT id, state, kind, object, argument, pg_dsql.called(object), table_of, pg_dsql.called(table_of),
           CASE WHEN state <> 'submitted' THEN clock_timestamp() END
    FROM coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = object), object) table_of;
  RETURN id;
END $$;
-- What becomes of an index that has just been made, and filled: unless it is to be there at once, it is invalid and
-- (if it is to be one) unique, respected from now on, and a job will see to it. `dsql.index` says what the proxy was
-- asked for, `dsql.job` what the client is told.
CREATE OR REPLACE FUNCTION pg_dsql.on_index(index oid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET allow_system_table_mods = on AS $$
DECLARE asked text := pg_dsql.current_setting('dsql.index', true);
BEGIN
  IF asked = 'sync' THEN RETURN; END IF;
  UPDATE pg_index SET indisvalid = false, indisunique = indisunique OR coalesce(asked = 'unique', false) WHERE indexrelid = index;
  PERFORM pg_dsql.set_config('dsql.job', pg_dsql.submit('INDEX_BUILD', index), true);
END $$;
-- Returns the job that validates a constraint. For anybody who owns the table.
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_validate(named text, wanted name, path name[]) RETURNS SETOF text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE kind text; relation text; target oid := (pg_dsql.found(ARRAY[named], path))[1];
BEGIN
  IF target IS NULL THEN PERFORM pg_dsql.refuse('JobObjectGone', array_to_string(parse_ident(named), '.')); END IF;
  SELECT relname INTO relation FROM pg_class WHERE oid = target;
  IF NOT pg_has_role(pg_dsql.asking(), (SELECT relowner FROM pg_class WHERE oid = target), 'USAGE') THEN
    RAISE insufficient_privilege USING MESSAGE = format('must be owner of table %s', relation);
  END IF;
  SELECT contype INTO kind FROM pg_constraint WHERE conrelid = target AND conname = wanted;
  IF kind IS NULL THEN
    PERFORM pg_dsql.refuse('NoConstraint', wanted::text, relation);
  ELSIF kind NOT IN ('c', 'f') THEN
    PERFORM pg_dsql.refuse('NotValidatable', wanted::text, relation);
  END IF;
  RETURN NEXT pg_dsql.submit('VALIDATE_CONSTRAINT', target, wanted);
END $$;
-- Takes note of an ANALYZE, which is done at once. For anybody who owns the table.
CREATE OR REPLACE FUNCTION pg_catalog._sandbox_analyzed(target regclass) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_dsql.submit('ANALYZE', c.oid, NULL, 'completed') FROM pg_class c
    WHERE c.oid = target AND c.relkind = 'r' AND pg_has_role(pg_dsql.asking(), c.relowner, 'USAGE');
END $$;

-- Returns how a job has ended, whatever this transaction's snapshot says: while the row is kept, the worker holds
-- one lock for a job that was completed, another for one that failed.
CREATE OR REPLACE FUNCTION pg_dsql.ended(id text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  FOR n IN 1..2 LOOP
    IF pg_try_advisory_lock_shared(hashtextextended(id, n)) THEN
      PERFORM pg_advisory_unlock_shared(hashtextextended(id, n));
    ELSE
      RETURN n = 1;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION pg_dsql.wait(id text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE job record; done boolean;
BEGIN
  PERFORM sys.base32_str_to_uuid(coalesce(id, ''));
  SELECT status, pg_xact_status(xmin::text::xid8) AS writer INTO job FROM pg_dsql.job WHERE job_id = id;
  IF job IS NULL THEN PERFORM pg_dsql.refuse('NoJob', id); END IF;
  IF job.status IN ('completed', 'failed') THEN RETURN job.status = 'completed'; END IF;
  IF job.writer = 'in progress' THEN PERFORM pg_dsql.refuse('OwnJob', id); END IF;
  LOOP
    done := pg_dsql.ended(id);
    IF done IS NOT NULL THEN RETURN done; END IF;
    PERFORM pg_sleep(0.02);
  END LOOP;
END $$;
CREATE OR REPLACE PROCEDURE sys.wait_for_job(job_id text, INOUT succeeded boolean DEFAULT NULL) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  succeeded := pg_dsql.wait(job_id);
END $$;

-- Returns what identifies this session: AWS's own examples for Go, Java, Prisma and Tortoise ask for it.
CREATE OR REPLACE FUNCTION sys.current_session_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN md5(concat(pg_backend_pid(), ' ', (SELECT pg_stat_get_backend_start(n) FROM pg_stat_get_backend_idset() n
  WHERE pg_stat_get_backend_pid(n) = pg_backend_pid())))::uuid::text;

-- Source: AWS user guide, system tables and commands, read 2026-10.
CREATE OR REPLACE FUNCTION sys.dsql_major_version() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE RETURN 1;

-- Tables and indexes that are dropped are cleared away by a job, which knows them by number only. The
-- index of a primary key is the table.
CREATE OR REPLACE FUNCTION pg_dsql.on_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_dsql.submit('DROP', d.objid) FROM pg_event_trigger_dropped_objects() d
    WHERE d.classid = 'pg_class'::regclass AND d.object_type IN ('table', 'index') AND NOT d.is_temporary
      AND d.schema_name !~ '^pg_' AND d.objid::text <> ALL (string_to_array(pg_dsql.current_setting('dsql.pkeys', true), ','));
  -- What has gone, by its name or that of the table which it belonged to, and the tables that have lost an index.
  PERFORM pg_dsql.set_config('dsql.dropped', ARRAY(
      SELECT DISTINCT CASE d.object_type WHEN 'type' THEN d.object_identity ELSE format('%I.%I', d.address_names[1], d.address_names[2]) END
      FROM pg_event_trigger_dropped_objects() d
      WHERE d.object_type IN ('table', 'view', 'index', 'sequence', 'function', 'table column', 'table constraint', 'default value')
        AND d.address_names[2] IS NOT NULL OR d.object_type = 'type' AND d.object_identity !~ '\[\]$')::text, true),
    pg_dsql.set_config('dsql.losers', ARRAY(
      SELECT DISTINCT split_part(x, ' ', 2)::oid FROM unnest(string_to_array(pg_dsql.current_setting('dsql.indexes', true), ',')) x
      JOIN pg_event_trigger_dropped_objects() d ON d.classid = 'pg_class'::regclass AND d.objid::text = split_part(x, ' ', 1))::text, true);
END $$;
CREATE OR REPLACE FUNCTION pg_dsql.before_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_dsql.set_config('dsql.pkeys', coalesce((SELECT string_agg(indexrelid::text, ',') FROM pg_index WHERE indisprimary), ''), true),
    pg_dsql.set_config('dsql.indexes', coalesce((SELECT string_agg(concat(indexrelid, ' ', indrelid), ',') FROM pg_index
      WHERE indexrelid >= 16384), ''), true);
END $$;
DROP EVENT TRIGGER IF EXISTS pg_dsql_dropped;
DROP EVENT TRIGGER IF EXISTS pg_dsql_before_drop;
CREATE EVENT TRIGGER pg_dsql_before_drop ON ddl_command_start
  WHEN TAG IN ('DROP TABLE', 'DROP INDEX', 'DROP SCHEMA', 'DROP OWNED', 'ALTER TABLE') EXECUTE FUNCTION pg_dsql.before_drop();
CREATE EVENT TRIGGER pg_dsql_dropped ON sql_drop EXECUTE FUNCTION pg_dsql.on_drop();

-- Returns whether the index holds a key twice.
CREATE OR REPLACE FUNCTION pg_dsql.has_duplicates(index oid) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE i pg_index; keys text; present text; found boolean;
BEGIN
  SELECT * INTO i FROM pg_index WHERE indexrelid = index;
  SELECT string_agg('(' || pg_get_indexdef(index, n, true) || ')', ', '),
         string_agg('(' || pg_get_indexdef(index, n, true) || ') IS NOT NULL', ' AND ')
    INTO keys, present FROM generate_series(1, i.indnkeyatts) n;
  EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %s AND %s GROUP BY %s HAVING count(*) > 1)', i.indrelid::regclass,
                 CASE WHEN i.indnullsnotdistinct THEN 'true' ELSE present END,
                 coalesce('(' || pg_get_expr(i.indpred, i.indrelid) || ')', 'true'), keys) INTO found;
  RETURN found;
END $$;
-- Does what the job is for. `failure` is what the constraint's validation has come to, by its SQLSTATE and text, which
-- is done as the table's owner: it runs what the client has defined. Returns the row's new status; an error means that
-- it must be tried again.
DROP FUNCTION IF EXISTS pg_dsql.run_job(text);
CREATE OR REPLACE FUNCTION pg_dsql.run_job(id text, failure text, why text) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET allow_system_table_mods = on AS $$
DECLARE job record; state text := 'completed'; said text; target regclass; code text;
BEGIN
  SELECT * INTO job FROM pg_dsql.job j WHERE j.job_id = id;
  IF job.job_type IN ('INDEX_BUILD', 'VALIDATE_CONSTRAINT') THEN
    SELECT coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = c.oid), c.oid) INTO target FROM pg_class c WHERE c.oid = job.object_id;
    IF target IS NULL THEN
      -- The table went with its index, or the index alone: a build that was cancelled.
      SELECT message INTO said FROM pg_dsql.said('JobObjectGone',
        CASE WHEN EXISTS (SELECT FROM pg_class WHERE oid = job.holder) THEN job.known_as ELSE job.holder_known_as END);
    ELSE
      BEGIN
        -- Keeps away other definitions, not readers or writers.
        EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', target);
        IF job.job_type = 'VALIDATE_CONSTRAINT' THEN
          IF failure <> '' THEN
            state := 'failed';
            said := CASE failure WHEN '23514' THEN (SELECT message FROM pg_dsql.said('JobCheck', job.argument::text)) ELSE why END;
          END IF;
        ELSIF (SELECT indisunique FROM pg_index WHERE indexrelid = job.object_id) AND pg_dsql.has_duplicates(job.object_id) THEN
          state := 'failed';
          SELECT message INTO said FROM pg_dsql.said('JobDuplicates');
        ELSE
          UPDATE pg_index SET indisvalid = true WHERE indexrelid = job.object_id;
        END IF;
      EXCEPTION
        WHEN lock_not_available OR deadlock_detected OR query_canceled OR serialization_failure THEN RAISE;
        WHEN OTHERS THEN
          state := 'failed';
          said := SQLERRM;
      END;
    END IF;
  END IF;
  UPDATE pg_dsql.job j SET status = state, details = said, update_time = clock_timestamp() WHERE j.job_id = id;
  RETURN state;
END $$;
