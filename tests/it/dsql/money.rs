//! Many workers move money between few rows: none is made or lost, every commit counts exactly once, nobody waits;
//! also when the sandbox is killed meanwhile. `cargo bench --bench proxy -- minute` is the long form.

use std::time::{Duration, Instant};

use super::ledger::{self, Plan, Tally};
use super::raw::Raw;
use super::world::World;

const WORKERS: u64 = 20;
const FOR: Duration = Duration::from_secs(3);

async fn run(rows: u64) {
    let world = World::new().await;
    let mut raw = Raw::connect(&world, "c", "admin").await.expect("connected");
    ledger::prepare(&mut raw, rows).await;
    let plan = Plan { rows, idle: Duration::ZERO, until: Instant::now() + FOR, noted: true };
    let connect = async || Raw::connect(&world, "c", "admin").await.expect("connected");
    let mut total = Tally::default();
    for tally in futures::future::join_all((0..WORKERS).map(|w| ledger::worker(w, plan, connect))).await {
        total.add(tally);
    }
    assert!(total.commits > 0 && total.lost == 0);
    ledger::balance(&mut raw, rows, &total, true).await;
    eprintln!(
        "{rows} rows: {} commits, {} conflicts in {FOR:?}; slowest statement {:?}",
        total.commits, total.conflicts, total.slowest
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_two_rows() {
    run(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_twenty_rows() {
    run(20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_five_hundred_rows() {
    run(500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_sandbox_is_killed_and_comes_back() {
    eprintln!("{}", super::real::transfers(20, Duration::from_secs(6), 2).await);
}
