//! A large table whose rows were written anew is laid in the order of its key again once it is quiet, and nobody is
//! wronged by that.

use std::time::{Duration, Instant};

use super::raw::Raw;
use super::script::asked_past_the_proxy;
use super::world::World;

const ROWS: u32 = 30_000;

/// Whether the rows lie by their key, as PostgreSQL has them, and no mark of how they were laid is left.
const LIES: &str = "select not exists (select from (select id < lag(id) over (order by ctid) as down from public.big) x where x.down) \
    and not exists (select from pg_index where indisclustered)";

async fn lies_in_order(world: &World) -> bool {
    asked_past_the_proxy(world, "c", LIES).await == ["t"]
}

/// Reads, so that the table is looked at, until it lies so.
async fn until_laid(world: &World, raw: &mut Raw) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !lies_in_order(world).await {
        assert!(Instant::now() < deadline, "it is never laid in order");
        assert_eq!(raw.query("select id from big limit 2").await, ["1", "2", "SELECT 2"]);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_table_is_laid_anew_and_transactions_go_on() {
    let world = World::new().await;
    let mut raw = connected(&world).await;
    raw.query("create table big (id int primary key, n int, pad text)").await;
    raw.query("create table small (id int primary key)").await;
    for start in (0..ROWS).step_by(2_500) {
        // From the last to the first.
        let insert = format!(
            "insert into big select {ROWS} - i, 0, repeat('x', 100) from generate_series({start}, {start} + 2499) i"
        );
        assert_eq!(raw.query(&insert).await, ["INSERT 0 2500"]);
    }
    let mut other = connected(&world).await;
    // Its snapshot is older than what is laid; it has not touched the table yet.
    other.query("begin").await;
    assert_eq!(other.query("select count(*) from small").await[0], "0");
    until_laid(&world, &mut raw).await;
    assert_eq!(other.query("select sum(n) from big").await, ["0", "SELECT 1 *"]);
    assert_eq!(other.query("update big set n = 1 where id = 7").await, ["UPDATE 1 *"]);
    assert_eq!(raw.query("update big set n = n + 2 where id = 7").await, ["UPDATE 1"]);
    // Both have written the row: the second to commit loses, as ever.
    assert!(other.query("commit").await[0].starts_with("ERROR 40001"));
    assert_eq!(raw.query("select n from big where id = 7").await, ["2", "SELECT 1"]);

    // Whoever has it open keeps it as it lies, and is not waited for by others.
    for start in (0..ROWS).step_by(2_500) {
        let update = format!("update big set n = 5 where id > {start} and id <= {start} + 2500");
        assert_eq!(raw.query(&update).await, ["UPDATE 2500"]);
    }
    other.query("begin").await;
    assert_eq!(other.query("select n from big where id = 8").await, ["5", "SELECT 1 *"]);
    for _ in 0..20 {
        assert_eq!(raw.query("select id from big limit 2").await, ["1", "2", "SELECT 2"]);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(!lies_in_order(&world).await);
    other.query("commit").await;
    until_laid(&world, &mut raw).await;
    world.end().await;
}

async fn connected(world: &World) -> Raw {
    Raw::connect(world, "c", "admin").await.expect("connected")
}
