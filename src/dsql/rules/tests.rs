use super::super::classify::classify;

/// `sqlstate message`, `=> rewritten`, or `ok`.
fn judge(sql: &str) -> String {
    let statement = classify(sql, &[]).remove(0);
    match (statement.refusal, statement.rewrite) {
        (Some(failure), _) => format!("{} {}", failure.code, failure.message),
        (None, Some(rewrite)) => format!("=> {}", rewrite.sql),
        (None, None) => "ok".into(),
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        assert_eq!(judge(sql), *expected, "{sql}");
    }
}

#[test]
fn nothing_is_locked_that_could_be_left_out() {
    check(&[
        ("select * from t for update nowait", "=> select * from t for update       "),
        (
            "select * from t FOR UPDATE OF t, s.u SKIP /* ü */ LOCKED limit 1",
            "=> select * from t FOR UPDATE OF t, s.u      /* ü */        limit 1",
        ),
        (
            "with x as (select 1 from t for key share skip locked) select 1",
            "=> with x as (select 1 from t for key share            ) select 1",
        ),
        ("explain select nowait from skip locked for update", "ok"),
        (
            "select 1 from t for share nowait",
            "0A000 locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported",
        ),
    ]);
}

#[test]
fn statements_that_dsql_does_not_have() {
    check(&[
        ("TRUNCATE t", "0A000 unsupported statement: Truncate"),
        ("create extension if not exists pgcrypto", "0A000 unsupported statement: CreateExtension"),
        ("create materialized view v as select 1", "0A000 unsupported statement: CreateTableAs"),
        ("create table t as select 1 as x", "0A000 unsupported statement: CreateTableAs"),
        ("create table t (a) as select 1", "0A000 unsupported statement: CreateTableAs"),
        ("select 1 as x into t", "0A000 unsupported statement: CreateTableAs"),
        ("create type m as enum ('a')", "0A000 CREATE TYPE not supported"),
        ("create type p as (a int)", "0A000 unsupported statement: CompositeType"),
        ("create type r as range (subtype = int4)", "0A000 unsupported statement: CreateRange"),
        ("alter type m add value 'c'", "0A000 ALTER TYPE not supported"),
        ("alter type m rename to n", "0A000 unsupported object in RENAME statement"),
        ("drop type m", "0A000 unsupported object in DROP statement"),
        ("drop domain d cascade", "0A000 DROP DOMAIN with CASCADE unsupported"),
        ("drop domain d", "ok"),
        ("grant usage on schema public to myapp", "0A000 feature not supported on system entity"),
        ("revoke create on schema app, public from myapp", "0A000 feature not supported on system entity"),
        ("grant usage on schema app to public", "ok"),
        ("grant connect on database postgres to myapp", "0A000 unsupported object type in GRANT"),
        ("grant select on all tables in schema public to myapp", "ok"),
        ("grant myapp to admin", "ok"),
        ("alter statistics s.x set statistics 101", "22023 statistics target 101 exceeds maximum allowed value of 100"),
        ("alter statistics x set statistics 100", "ok"),
        ("create temp table t (a int)", "0A000 TEMPORARY or TEMP table not supported for CREATE TABLE"),
        ("create unlogged table t (a int)", "0A000 UNLOGGED table not supported for CREATE TABLE"),
        ("create trigger g after insert on t execute function f()", "0A000 CREATE TRIGGER not supported"),
        ("vacuum t", "0A000 unsupported VACUUM statement"),
        ("merge into t using s on true when matched then delete", "0A000 unsupported statement type: MERGE"),
        ("select * from t tablesample system (1)", "0A000 TABLESAMPLE clause not supported"),
        (
            "create function f() returns int language plpgsql as 'x'",
            "0A000 CREATE FUNCTION with language plpgsql not supported",
        ),
        ("create function f() returns int language sql as 'select 1'", "ok"),
        ("create procedure p() language sql as 'select 1'", "0A000 PROCEDURE is not supported"),
        ("listen x", "0A000 unsupported statement: Listen"),
        ("create policy p on t", "0A000 unsupported statement: CreatePolicy"),
        ("select pg_dsql.iam_grant('a','b')", "3F000 schema \"pg_dsql\" does not exist"),
        ("select _sandbox_size('a','b','c')", "42883 function _sandbox_size() does not exist"),
        ("prepare p as select 1", "0A000 unsupported statement: Prepare"),
        ("execute p", "0A000 unsupported statement: Execute"),
        ("discard all", "0A000 unsupported statement: Discard"),
        ("declare c cursor for select 1", "0A000 unsupported statement: DeclareCursor"),
        ("select pg_advisory_lock(1)", "0A000 function pg_advisory_lock not supported"),
        ("select pg_catalog.pg_try_advisory_xact_lock(1)", "0A000 function pg_try_advisory_xact_lock not supported"),
        ("create schema s create index i on t (a)", "0A000 unsupported statement: CreateSchema"),
        ("create schema s create table t (a money)", "0A000 datatype money not supported"),
    ]);
}

/// A query that makes a table is told by its INTO, wherever it stands.
#[test]
fn a_query_into_a_table() {
    const REFUSED: &str = "0A000 unsupported statement: CreateTableAs";
    check(&[
        ("select a, (select b from s limit 1) into u from t", REFUSED),
        ("with x as (select 1 as a) select a into u from x", REFUSED),
        ("(select a into u from t union select 1)", REFUSED),
        ("select a into temp u from t", REFUSED),
        ("explain select a, (select b from s) into u from t", REFUSED),
        ("explain create table u as select 1", REFUSED),
        ("select a as into from t", "ok"),
        ("select t.into from t", "ok"),
        ("with x as (insert into t values (1) returning a) select a from x", "ok"),
    ]);
}

/// What a function holds is looked at as if it were sent.
#[test]
fn bodies_of_functions() {
    let function = |rest: &str| format!("create function f() returns int language sql {rest}");
    for (rest, expected) in [
        ("as 'truncate t'", "0A000 unsupported statement: Truncate"),
        (
            "as $$ select 1; create temp table t (a int) $$",
            "0A000 TEMPORARY or TEMP table not supported for CREATE TABLE",
        ),
        ("as $$ select a into t from u $$", "0A000 unsupported statement: CreateTableAs"),
        ("as $$ create index i on t (a) $$", "0A000 unsupported mode. please use CREATE INDEX ASYNC."),
        (
            "as $$ create function g() returns int language sql as 'select 1' $$",
            "0A000 unsupported statement: CreateFunction",
        ),
        ("as 'select set_config(''a'', ''b'', true)'", "ok"),
        ("as 'select pg_advisory_lock(1)'", "0A000 function pg_advisory_lock not supported"),
        ("begin atomic select 1; select pg_dsql.x(); end", "3F000 schema \"pg_dsql\" does not exist"),
        ("return (select pg_notify('a', 'b'))", "0A000 function pg_notify not supported"),
        (r"as E'truncate\x20t'", "0A000 unsupported statement: function body"),
        (
            "set statement_timeout = 1 as 'select 1'",
            "0A000 setting configuration parameter \"statement_timeout\" not supported",
        ),
        ("set search_path = public as 'update t set a = 1'", "ok"),
        ("begin atomic update t set a = 1; end", "ok"),
        ("begin atomic select language from t; end", "ok"),
    ] {
        assert_eq!(judge(&function(rest)), expected, "{rest}");
    }
    check(&[
        ("create function f(language text, set int, return int) returns text language sql as 'select $1'", "ok"),
        ("create function f() returns table (returns int4range, language text) language sql as 'select 1'", "ok"),
        ("create function f(returns int) returns int4range return null", "0A000 datatype int4range not supported"),
        (
            "create function f(return int) returns int return (select pg_notify('a', 'b'))",
            "0A000 function pg_notify not supported",
        ),
        (
            "create function f(language text) returns int begin atomic truncate t; end",
            "0A000 unsupported statement: Truncate",
        ),
        (
            "create function f(language sql) returns int as 'x' language plpgsql",
            "0A000 CREATE FUNCTION with language plpgsql not supported",
        ),
    ]);
}

/// A name that is a function's or a type's elsewhere may be that of rows.
#[test]
fn names_of_rows_are_no_functions() {
    check(&[
        ("insert into line (id) values (1)", "ok"),
        ("insert into public.path(id) values (1)", "ok"),
        ("with recursive path(id) as (select 1) select * from path", "ok"),
        ("with a as (select 1), path (id) as not materialized (table a) select * from path", "ok"),
        ("select * from json_to_recordset('[]') as line(a int), json_to_recordset('[]') box(b int)", "ok"),
        ("select * from t path(a, b) join public.u Box(c) on true, v \"line\"(d)", "ok"),
        ("delete from t using u lo_open(a) where false", "ok"),
        ("select * from t where point(1, 2) is null", "0A000 datatype point not supported"),
        ("select * from t cross join lo_get(1)", "0A000 function lo_get not supported"),
        ("create table lo_put (id int primary key)", "ok"),
        ("create table if not exists s.lo_put (id int primary key)", "ok"),
        ("create table t (id int references lo_put (id))", "ok"),
        ("create index async on lo_put (a)", "=> SELECT NULL::pg_catalog.text AS job_id"),
        ("copy lo_put (id) to stdout", "ok"),
        ("create view lo_unlink (a) as select 1", "ok"),
        ("create table t (exclude int)", "ok"),
        ("alter table t add exclude int", "ok"),
        ("select point(1, 2)", "0A000 datatype point not supported"),
        ("select 1, box(a) from t", "0A000 datatype box not supported"),
        ("select lo_total(1)", "ok"),
        ("select * from lo_get(1) as x", "0A000 function lo_get not supported"),
        ("select * from t, lo_get(1) as x (a int)", "0A000 function lo_get not supported"),
        ("select 1 from t join u on pg_try_advisory_lock(1)", "0A000 function pg_try_advisory_lock not supported"),
        ("create table t (a int default lo_creat(1))", "0A000 function lo_creat not supported"),
        ("create table t (a int, exclude using gist (a with =))", "0A000 EXCLUDE constraint not supported"),
    ]);
}

#[test]
fn parameters_are_a_list() {
    let refused = |name: &str| format!("0A000 setting configuration parameter \"{name}\" not supported");
    for (sql, name) in [
        ("set statement_timeout = 1", "statement_timeout"),
        ("set session statement_timeout to 1", "statement_timeout"),
        ("set app.user = 'x'", "app.user"),
        ("set \"client_min_messages\" = error", "client_min_messages"),
        ("set role myapp", "role"),
        ("set session authorization admin", "session_authorization"),
        ("reset lock_timeout", "lock_timeout"),
        ("alter role myapp set work_mem = '1GB'", "work_mem"),
        ("create role r in role s", ""),
        ("set search_path to a, b", ""),
        ("set time zone 'UTC'", ""),
        ("set names 'utf8'", ""),
        ("set local role myapp", ""),
        ("set session datestyle = iso", ""),
        ("set dsql.enable_batched_nestloop = off", ""),
        ("reset all", ""),
    ] {
        let expected = if name.is_empty() { "ok".to_owned() } else { refused(name) };
        assert_eq!(judge(sql), expected, "{sql}");
    }
    check(&[
        ("set local disable_sync_create_index = off", "=> set local dsql.disable_sync_create_index = off"),
        (
            "set disable_sync_create_index = maybe",
            "22023 parameter \"disable_sync_create_index\" requires a Boolean value",
        ),
        ("reset disable_sync_create_index", "=> reset dsql.disable_sync_create_index"),
        (
            "show disable_sync_create_index",
            "=> SELECT pg_catalog.current_setting('disable_sync_create_index') AS disable_sync_create_index",
        ),
    ]);
}

#[test]
fn transactions() {
    check(&[
        ("savepoint a", "0A000 unsupported transaction statement: SAVEPOINT"),
        ("rollback to savepoint a", "0A000 unsupported transaction statement: ROLLBACK TO"),
        ("rollback work to a", "0A000 unsupported transaction statement: ROLLBACK TO"),
        ("begin isolation level serializable", "0A000 Unsupported isolation level: SERIALIZABLE"),
        ("begin isolation level read committed", "0A000 Unsupported isolation level: READ COMMITTED"),
        ("begin isolation level repeatable read", "ok"),
        ("begin read only", "ok"),
        ("set transaction isolation level serializable", "0A000 Unsupported isolation level: SERIALIZABLE"),
        ("set transaction read only", "0A000 setting configuration parameter \"TRANSACTION\" not supported"),
        (
            "set default_transaction_isolation = 'repeatable read'",
            "0A000 setting configuration parameter \"default_transaction_isolation\" not supported",
        ),
        ("set local enable_hashjoin = off", "ok"),
        ("set constraints all deferred", "ok"),
        ("select * from t for share", "0A000 locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported"),
        (
            "select * from t for no key update",
            "0A000 locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported",
        ),
        ("select * from t for key share", "ok"),
    ]);
}

#[test]
fn types_identity_and_numeric() {
    check(&[
        ("create table t (id serial primary key)", "42704 type \"serial\" does not exist"),
        ("create table t (a int[])", "0A000 datatype integer[] not supported"),
        ("create table t (a text array)", "0A000 datatype text[] not supported"),
        ("create table t (a bit varying(3))", "0A000 datatype bit varying not supported"),
        ("create table t (a money)", "0A000 datatype money not supported"),
        (
            "create table t (a numeric, b decimal not null default 0, c numeric(5,2))",
            "=> create table t (a numeric(18,6), b decimal(18,6) not null default 0, c numeric(5,2))",
        ),
        ("create table t (a timestamp(3) with time zone, b double precision, c character varying(10))", "ok"),
        (
            "create table t (a bigint generated always as identity)",
            "0A000 identity column is not supported without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1",
        ),
        (
            "create table t (a int generated by default as identity (cache 1))",
            "0A000 datatype integer not supported, identity column type must be bigint",
        ),
        ("create table t (a bigint generated by default as identity (start 5 cache 65536) primary key)", "ok"),
        (
            "create sequence s",
            "0A000 CREATE SEQUENCE is not supported without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1",
        ),
        ("create sequence s cache 2", "22023 CACHE (2) must be greater than or equal to 65536 or equal to 1"),
        ("create sequence s as integer cache 1", "22023 sequence type must be bigint"),
        ("create sequence s as bigint cache 1", "ok"),
        ("create sequence s cache 1", "ok"),
        ("create table t (a char(5000))", "54000 Datatype limit greater than 4096 bytes not supported for char"),
        (
            "create table t (a int, primary key (a,b,c,d,e,f,g,h,i))",
            "54011 more than 8 column keys in an index are not supported",
        ),
        ("create table t (a int) partition by range (a)", "0A000 PARTITION BY clause not supported for CREATE TABLE"),
        ("create table t (a int) with (fillfactor = 70)", "0A000 WITH clause not supported for CREATE TABLE"),
        (
            "create table if not exists s.t (id uuid primary key default gen_random_uuid(), constraint c check (id is not null))",
            "ok",
        ),
        ("create domain d as numeric check (value > 0)", "=> create domain d as numeric(18,6) check (value > 0)"),
    ]);
}

#[test]
fn indexes() {
    check(&[
        // Whether it may, the session knows.
        ("create index i on t (a)", "=> create index i on t (a)"),
        ("create index concurrently i on t (a)", "0A000 CONCURRENTLY not supported for CREATE INDEX"),
        ("create index async i on t (a desc)", "0A000 specifying sort order not supported for index keys"),
        ("create index async i on t (a text_pattern_ops)", "0A000 opclass not supported for index keys"),
        ("create index async i on t using btree (a)", "0A000 USING not supported for CREATE INDEX"),
        ("create index i on t using Btree_Index (a)", "=> create index i on t                   (a)"),
        (
            "create index async i on t using btree_index (a desc)",
            "0A000 specifying sort order not supported for index keys",
        ),
        ("create index async s.i on t (a)", "42601 syntax error at or near \".\""),
        (
            "create unique index async if not exists i on s.t (lower(a), (a || 'x')) include (b) where a > 'x'",
            "=> SELECT NULL::pg_catalog.text AS job_id",
        ),
        ("create index async on t (a)", "=> SELECT NULL::pg_catalog.text AS job_id"),
        ("drop index concurrently i", "0A000 DROP INDEX CONCURRENTLY must be first action in transaction"),
        ("analyze s.t", "=> analyze s.t"),
        ("analyze", "0A000 unsupported ANALYZE statement: exactly one relation can be analyzed at a time"),
        ("analyze s.t, u", "0A000 unsupported ANALYZE statement: exactly one relation can be analyzed at a time"),
        ("analyze verbose t", "0A000 unsupported ANALYZE statement"),
        ("analyze t (a)", "0A000 unsupported ANALYZE statement"),
    ]);
}

#[test]
fn alterations() {
    check(&[
        ("alter table t add column a int default 7", "0A000 ALTER TABLE ADD COLUMN with constraint not supported"),
        ("alter table t add a int not null", "0A000 ALTER TABLE ADD COLUMN with constraint not supported"),
        (
            "alter table t add column a numeric, drop column b",
            "=> alter table t add column a numeric(18,6), drop column b",
        ),
        (
            "alter table t alter column a type bigint",
            "0A000 unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement",
        ),
        ("alter table t alter a set not null", "0A000 unsupported ALTER TABLE ALTER COLUMN ... SET NOT NULL statement"),
        ("alter table t alter a set default 1, alter b drop not null", "ok"),
        ("alter table t add constraint c check (a > 0)", "0A000 unsupported ALTER TABLE ADD CONSTRAINT statement"),
        ("alter table t add constraint c check (a > 0) not valid", "ok"),
        ("alter table t add primary key (a)", "0A000 unsupported ALTER TABLE ADD CONSTRAINT statement"),
        ("alter table t add constraint u unique using index i", "ok"),
        ("alter table t validate constraint c", "0A000 unsupported ALTER TABLE VALIDATE CONSTRAINT statement"),
        (
            "alter table async t validate constraint c",
            "=> SELECT pg_catalog._sandbox_validate('t', 'c', pg_catalog.current_schemas(false)) AS job_id",
        ),
        ("alter table async s.t validate constraint c, add d int", "42601 syntax error at or near \"async\""),
        ("alter table async t validate constraint", "42601 syntax error at end of input"),
        ("alter table t enable row level security", "0A000 unsupported ALTER TABLE ENABLE ROW SECURITY statement"),
        (
            "alter table t add column b bigint generated by default as identity (cache 1)",
            "0A000 ALTER TABLE ADD COLUMN with constraint not supported",
        ),
        (
            "alter table t add column b integer generated always as identity (cache 1)",
            "0A000 ALTER TABLE ADD COLUMN with constraint not supported",
        ),
        ("alter table t disable trigger all", "=> alter table t disable trigger USER"),
        ("alter table t enable trigger user", "ok"),
        ("alter table t enable trigger g", "0A000 unsupported ALTER TABLE ENABLE TRIGGER statement"),
        ("drop trigger if exists g on t", "ok"),
        ("drop trigger g on t", "0A000 unsupported object in DROP statement"),
        ("select to_tsvector('simple', 'a b')", "ok"),
        ("select to_tsvector('a b')", "42704 text search configuration \"english\" does not exist"),
        ("select to_tsvector($1)", "42704 text search configuration \"english\" does not exist"),
        ("select to_tsvector($1, b), ts_headline(c, $2, q) from t", "ok"),
        ("select ts_headline(b, q) from t", "42704 text search configuration \"english\" does not exist"),
        ("select to_tsquery('german', 'a')", "42704 text search configuration \"german\" does not exist"),
        ("create table u partition of t for values in (1)", "0A000 PARTITION OF clause not supported for CREATE TABLE"),
        ("alter table t rename column a to b", "ok"),
        ("alter table t owner to myapp", "ok"),
    ]);
}

#[test]
fn aws_iam() {
    check(&[
        (
            "AWS IAM GRANT myapp TO 'arn:aws:iam::1:role/r'",
            "=> CALL pg_catalog._sandbox_iam_grant('myapp', 'arn:aws:iam::1:role/r')",
        ),
        ("aws iam revoke \"My App\" from 'x'", "=> CALL pg_catalog._sandbox_iam_revoke('My App', 'x')"),
        ("AWS IAM GRANT myapp 'x'", "42601 syntax error at or near \"'x'\""),
        ("AWS IAM GRANT myapp TO", "42601 syntax error at end of input"),
        ("show server_version", "=> SELECT pg_catalog.current_setting('server_version') AS server_version"),
        ("show server_version foo", "ok"),
        (
            "show all",
            "=> SELECT name, pg_catalog.current_setting(name) AS setting, short_desc AS description FROM pg_catalog.pg_settings",
        ),
    ]);
}
