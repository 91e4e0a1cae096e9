//! Jobs where a script cannot show them: nobody waits for a build, a wait can be cancelled, a restart
//! finds what was left.

use super::raw::Raw;
use super::world::World;

/// Job identifiers come alone in their row.
async fn submit(client: &mut Raw, sql: &str) -> String {
    let answer = client.query(sql).await;
    assert_eq!(answer.len(), 2, "{answer:?}");
    answer[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_transaction_neither_holds_up_a_build_nor_is_held_up() {
    let world = World::new().await;
    let mut presenter = Raw::connect(&world, "c", "admin").await.expect("connected");
    let mut reader = Raw::connect(&world, "c", "admin").await.expect("connected");
    let mut builder = Raw::connect(&world, "c", "admin").await.expect("connected");
    presenter.query("create table t (id int primary key, n int)").await;
    presenter.query("insert into t select i, i from generate_series(1, 500) i").await;
    for client in [&mut reader, &mut builder] {
        client.query("select 1 from t limit 1").await;
    }
    // One has written, one has only read, and both are silent.
    presenter.query("begin").await;
    assert_eq!(presenter.query("update t set n = 0 where id = 1").await, ["UPDATE 1 *"]);
    reader.query("begin").await;
    assert_eq!(reader.query("select n from t where id = 1").await, ["1", "SELECT 1 *"]);
    let job = submit(&mut builder, "create index async t_n on t (n)").await;
    // While it is being built, others read and write.
    assert_eq!(builder.query("update t set n = 7 where id = 7").await, ["UPDATE 1"]);
    world.advance(121);
    assert_eq!(builder.query(&format!("call sys.wait_for_job('{job}')")).await, ["t", "CALL"]);
    assert_eq!(reader.query("commit").await, ["COMMIT"]);
    assert_eq!(presenter.query("commit").await, ["ERROR 40001 schema has been updated by another transaction (OC001)"]);
    builder.query("set enable_seqscan = off").await;
    assert_eq!(builder.query("select id from t where n = 1").await, ["1", "SELECT 1"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_can_be_cancelled_and_takes_a_parameter() {
    let world = World::new().await;
    let mut one = Raw::connect(&world, "c", "admin").await.expect("connected");
    one.query("create table t (id int primary key)").await;
    let job = submit(&mut one, "create index async on t (id)").await;
    one.start_with("call sys.wait_for_job($1)", &[&job], 0).await;
    let mut other = Raw::connect(&world, "c", "admin").await.expect("connected");
    let running =
        "select count(*) from pg_stat_activity where query like 'call sys.wait_for_job%' and state = 'active'";
    while other.query(running).await[0] != "1" {}
    one.cancel(&world).await;
    assert_eq!(one.finish().await, ["ERROR 57014 canceling statement due to user request"]);
    one.start_with("call sys.wait_for_job($1)", &[&job], 0).await;
    world.advance(121);
    assert_eq!(one.finish().await, ["t", "CALL"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_is_done_after_a_restart() {
    let mut world = World::new().await;
    let mut one = Raw::connect(&world, "c", "admin").await.expect("connected");
    one.query("create table t (id int primary key, v text)").await;
    one.query("insert into t values (1, 'a'), (2, 'a')").await;
    let good = submit(&mut one, "create index async t_v on t (v)").await;
    let bad = submit(&mut one, "create unique index async t_v2 on t (v)").await;
    world.advance(61);
    let status = "select string_agg(distinct status, ' ') from sys.jobs";
    while one.query(status).await[0] != "processing" {}
    world.restart().await;
    let mut one = Raw::connect(&world, "c", "admin").await.expect("connected");
    let valid = "select relname, indisvalid from pg_index join pg_class c on c.oid = indexrelid \
                 where relname ~ '^t_v' order by 1";
    assert_eq!(one.query(valid).await, ["t_v|f", "t_v2|f", "SELECT 2"]);
    world.advance(61);
    assert_eq!(one.query(&format!("call sys.wait_for_job('{good}')")).await, ["t", "CALL"]);
    assert_eq!(one.query(&format!("call sys.wait_for_job('{bad}')")).await, ["f", "CALL"]);
    assert_eq!(one.query(valid).await, ["t_v|t", "t_v2|f", "SELECT 2"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_is_not_committed_holds_up_its_job_only() {
    let world = World::new().await;
    let mut one = Raw::connect(&world, "c", "admin").await.expect("connected");
    let mut two = Raw::connect(&world, "c", "admin").await.expect("connected");
    one.query("create table t (id int primary key, n int)").await;
    two.query("select 1 from t").await;
    let job = submit(&mut one, "create index async t_n on t (n)").await;
    two.query("select 1 from t").await;
    two.query("begin").await;
    assert_eq!(two.query("drop index t_n").await, ["DROP INDEX *"]);
    world.advance(121);
    // The drop is put off: it holds what the job needs, and has not happened.
    assert_eq!(one.query(&format!("call sys.wait_for_job('{job}')")).await, ["t", "CALL"]);
    assert_eq!(two.query("commit").await, ["ERROR 40001 schema has been updated by another transaction (OC001)"]);
    two.query("select 1 from t").await;
    assert_eq!(two.query("drop index t_n").await, ["DROP INDEX"]);
    world.end().await;
}
