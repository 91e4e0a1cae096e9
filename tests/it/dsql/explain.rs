//! EXPLAIN where a script cannot show it: parameters, column types, and a lock that nobody waits for.

use super::raw::Raw;
use super::world::World;

async fn connected(world: &World) -> Raw {
    let mut raw = Raw::connect(world, "c", "admin").await.expect("connected");
    raw.query("create table t (id int primary key, n int)").await;
    raw.query("insert into t select i, i from generate_series(1, 100) i").await;
    raw
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_with_parameters_is_explained_with_them() {
    let world = World::new().await;
    let mut raw = connected(&world).await;
    let plan = raw.extended("explain (costs off) select n from t where id = $1", &["7"]).await;
    assert_eq!(
        plan,
        [
            "Index Only Scan using t_pkey on t",
            "  Index Cond: (id = 7)",
            "  -> Storage Scan on t_pkey",
            "      Projections: n",
            "      -> B-Tree Scan on t_pkey",
            "          Index Cond: (id = 7)",
            "EXPLAIN"
        ]
    );
    let write = "explain (analyze, costs off, timing off, summary off) update t set n = $1 where id = $2";
    assert_eq!(raw.extended(write, &["70", "7"]).await[0], "Update on t (actual rows=0 loops=1)");
    assert_eq!(raw.query("select n from t where id = 7").await, ["70", "SELECT 1"]);
    // A few lines now, the rest later.
    raw.query("begin").await;
    raw.start_with("explain (costs off) select n from t where id = $1", &["7"], 2).await;
    assert_eq!(raw.finish().await[2], "(more) *");
    raw.query("rollback").await;
    world.end().await;
}

/// A driver asks for the types of columns, and takes them in binary.
#[tokio::test(flavor = "multi_thread")]
async fn a_driver_reads_plans() {
    let world = World::new().await;
    drop(connected(&world).await);
    let (client, connection) = super::extended::driver(&world).await;
    let rows = client.query("explain select n from t where id = $1", &[&7]).await.expect("a plan");
    assert_eq!(rows[0].columns()[0].name(), "QUERY PLAN");
    assert!(rows[0].get::<_, String>(0).starts_with("Index Only Scan using t_pkey on t  (cost="));
    for (format, kind) in [("json", "json"), ("xml", "xml"), ("yaml", "text")] {
        let statement = client.prepare(&format!("explain (format {format}) select n from t")).await.expect("prepared");
        assert_eq!(statement.columns()[0].type_().name(), kind);
        assert_eq!(client.query(&statement, &[]).await.expect("a plan").len(), 1);
    }
    drop(client);
    connection.await.expect("ended").expect("well");
    world.end().await;
}

/// Nobody waits for the rows that an EXPLAIN ANALYZE has changed, nor it for another's.
#[tokio::test(flavor = "multi_thread")]
async fn explaining_a_write_waits_for_nobody() {
    let world = World::new().await;
    let mut one = connected(&world).await;
    let mut two = Raw::connect(&world, "c", "admin").await.expect("connected");
    two.query("select 1 from t").await;
    one.query("begin").await;
    let explained = "explain (analyze, costs off, timing off, summary off) update t set n = n + 1 where id = 1";
    assert_eq!(one.query(explained).await.last().map(String::as_str), Some("EXPLAIN *"));
    assert_eq!(two.query("update t set n = 50 where id = 1").await, ["UPDATE 1"]);
    // Its own row, in its own snapshot, through the real index's name.
    let seen = one.query("explain (analyze, costs off, timing off, summary off) select id from t where n = 2").await;
    assert!(seen[0].contains(" on t (actual rows=2 loops=1)"), "{seen:?}");
    assert_eq!(one.query("commit").await, ["ERROR 40001 change conflicts with another transaction (OC000)"]);
    assert_eq!(two.query("select n from t where id = 1").await, ["50", "SELECT 1"]);
    world.end().await;
}
