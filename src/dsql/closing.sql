-- What is shut once everything is there. Run by the superuser last, at each start of the proxy.

-- Functions of earlier starts, which anybody could call.
DO $$
DECLARE item record;
BEGIN
  FOR item IN SELECT p.oid::regprocedure AS f, p.prokind FROM pg_proc p WHERE p.pronamespace = 'pg_dsql'::regnamespace
      AND p.proname IN ('iam_grant', 'iam_revoke', 'drop_role', 'analyze', 'shadow', 'shadowed', 'touch', 'size', 'shared', 'shown_twice', 'took',
                        'explain_facts', 'explain_answers', 'without_limit', 'await_index', 'create_index_async', 'validate_async') LOOP
    EXECUTE format('DROP %s IF EXISTS %s', CASE item.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, item.f);
  END LOOP;
END $$;
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA pg_dsql FROM PUBLIC;
-- What parsed bodies and views call in the client's name.
DO $$
DECLARE item record;
BEGIN
  FOR item IN SELECT p.oid::regprocedure AS f FROM pg_proc p WHERE p.pronamespace = 'pg_dsql'::regnamespace AND p.proname IN (
      'version', 'gen_random_uuid', 'current_setting', 'set_config', 'pg_get_indexdef', 'pg_get_constraintdef', 'obj_description',
      'pg_table_is_visible', 'current_schemas', 'seeded_uuid', 'settable', 'own_setting', 'version_setting', 'index_def', 'constraint_def',
      'copies', 'copied_from') LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', item.f);
  END LOOP;
  -- Functions that run a text, or take locks that DSQL does not have: refused by name, and should the name get past,
  -- by this.
  FOR item IN SELECT p.oid::regprocedure AS f FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
      AND p.proname ~ '^({refused})$' LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', item.f);
  END LOOP;
END $$;
RESET session_replication_role;
RESET allow_system_table_mods;
RESET client_min_messages;
