-- What every cluster's database holds besides the client's own objects. Run by the superuser at each start of the
-- proxy; every statement can be run again. The files that follow: catalogue, limits, conflict, explain, jobs, closing.
--
-- Nobody may use pg_dsql, the sandbox's own schema. A client meets what is in it through views and through functions
-- whose bodies are parsed already (BEGIN ATOMIC, RETURN); the proxy, which speaks in the client's session as the
-- client's role, through functions `pg_catalog._sandbox_…` that ask for its key. Every function that runs with its
-- owner's rights names where it looks, temporary objects last, and none of them runs what a client has written: not
-- its statements, constraints, index functions or views.
SET allow_system_table_mods = on;
SET client_min_messages = warning;
SET session_replication_role = replica;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'admin') THEN
    CREATE ROLE admin LOGIN CREATEROLE;
  END IF;
END $$;
ALTER DATABASE postgres OWNER TO admin;
ALTER SCHEMA public OWNER TO admin;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE, CONNECT ON DATABASE postgres TO admin;
-- DSQL has no temporary tables; private copies are the proxy's.
REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC, admin;
ALTER DATABASE postgres SET default_transaction_isolation = 'repeatable read';
ALTER DATABASE postgres SET deadlock_timeout = '20ms';
ALTER DATABASE postgres SET jit = off;
-- A committed row must outlive a killed server; earlier versions of this file had it otherwise.
ALTER DATABASE postgres RESET synchronous_commit;
ALTER DATABASE postgres SET timezone = 'UTC';
ALTER DATABASE postgres SET temp_buffers = '1MB';
-- Of DSQL's own, which a session may set and see.
ALTER DATABASE postgres SET dsql.enable_batched_nestloop = 'on';
CREATE SCHEMA IF NOT EXISTS sys;
GRANT USAGE ON SCHEMA sys TO PUBLIC;
CREATE SCHEMA IF NOT EXISTS pg_dsql;
REVOKE ALL ON SCHEMA pg_dsql FROM PUBLIC;

-- PostgreSQL knows what is its own by numbers: what must answer otherwise is moved out of sight, and something else
-- takes its name.
DO $$ BEGIN
  UPDATE pg_proc p SET proname = x.name, pronamespace = 'pg_dsql'::regnamespace
    FROM (VALUES (89, 'version'), (3432, 'gen_random_uuid'), (2077, 'current_setting'), (3294, 'current_setting'),
                 (2078, 'set_config'), (1643, 'pg_get_indexdef'), (2507, 'pg_get_indexdef'),
                 (1387, 'pg_get_constraintdef'), (2508, 'pg_get_constraintdef'), (1215, 'obj_description'),
                 (2079, 'pg_table_is_visible'), (1403, 'current_schemas')) x(oid, name)
    WHERE p.oid = x.oid AND pronamespace <> 'pg_dsql'::regnamespace;
END $$;

-- What the proxy says with each of its own calls, so that nobody else can make them.
CREATE TABLE IF NOT EXISTS pg_dsql.door (key text NOT NULL);
REVOKE ALL ON pg_dsql.door FROM PUBLIC;
CREATE OR REPLACE FUNCTION pg_dsql.proven(said text) RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_dsql.door d WHERE d.key = said) THEN
    RAISE insufficient_privilege USING MESSAGE = 'permission denied for schema pg_dsql';
  END IF;
END $$;
-- Whose privileges count in this session.
CREATE OR REPLACE FUNCTION pg_dsql.asking() RETURNS name LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
RETURN CASE pg_dsql.current_setting('role') WHEN 'none' THEN session_user ELSE pg_dsql.current_setting('role')::name END;

-- What is refused here is worded elsewhere: pg_dsql.text is made from the table of texts.
CREATE OR REPLACE FUNCTION pg_dsql.said(name text, VARIADIC vals text[] DEFAULT '{}') RETURNS TABLE (code text, message text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
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
CREATE OR REPLACE FUNCTION pg_dsql.refuse(name text, VARIADIC vals text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
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
-- Returns the role's OID, if whoever asks may map IAM roles to it.
CREATE OR REPLACE FUNCTION pg_dsql.may_map(role name) RETURNS oid LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE found record; who name := pg_dsql.asking();
BEGIN
  SELECT oid, rolcanlogin INTO found FROM pg_catalog.pg_roles WHERE rolname = role;
  IF found IS NULL THEN
    PERFORM pg_dsql.refuse('IamNoRole', role::text);
  END IF;
  IF role = 'admin' OR NOT (pg_has_role(who, found.oid, 'MEMBER WITH ADMIN OPTION')
      OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = who)) THEN
    PERFORM pg_dsql.refuse('IamDenied', role::text);
  END IF;
  IF NOT found.rolcanlogin THEN
    PERFORM pg_dsql.refuse('IamLogin', role::text);
  END IF;
  RETURN found.oid;
END $$;
CREATE OR REPLACE PROCEDURE pg_catalog._sandbox_iam_grant(role name, arn text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE id oid := pg_dsql.may_map(role);
BEGIN
  IF arn !~ '^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$' THEN
    PERFORM pg_dsql.refuse('IamArn');
  END IF;
  IF EXISTS (SELECT FROM pg_dsql.iam_mapping m WHERE m.arn = _sandbox_iam_grant.arn AND m.pg_role = id) THEN
    PERFORM pg_dsql.refuse('IamMapped', role::text, arn);
  END IF;
  INSERT INTO pg_dsql.iam_mapping SELECT nextval('pg_dsql.iam_oid')::int::oid, _sandbox_iam_grant.arn, id, r.oid
    FROM pg_catalog.pg_roles r WHERE r.rolname = pg_dsql.asking()
    ON CONFLICT DO NOTHING;
END $$;
CREATE OR REPLACE PROCEDURE pg_catalog._sandbox_iam_revoke(role name, arn text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE id oid := pg_dsql.may_map(role);
BEGIN
  DELETE FROM pg_dsql.iam_mapping m WHERE m.pg_role = id AND m.arn = _sandbox_iam_revoke.arn;
  IF NOT FOUND THEN
    PERFORM pg_dsql.refuse('IamRoleMissing', arn);
  END IF;
END $$;
