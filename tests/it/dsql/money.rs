//! Many workers move money between few rows: none is made or lost, every commit counts exactly once, and
//! nobody waits.

use std::time::{Duration, Instant};

use super::raw::Raw;
use super::world::World;

const WORKERS: u64 = 20;
const FOR: Duration = Duration::from_secs(3);

/// A small generator of our own: the same choices in every run.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[derive(Default)]
struct Tally {
    commits: u64,
    conflicts: u64,
    slowest: Duration,
}

async fn worker(mut raw: Raw, seed: u64, rows: u64) -> Tally {
    let (mut state, mut tally, began) = (seed + 1, Tally::default(), Instant::now());
    while began.elapsed() < FOR {
        let from = next(&mut state) % rows + 1;
        let to = (from + next(&mut state) % (rows - 1)) % rows + 1;
        raw.query("begin").await;
        for (sign, id) in [("-", from), ("+", to)] {
            let asked = Instant::now();
            let got = match state.is_multiple_of(2) {
                true => raw.query(&format!("update acct set bal = bal {sign} 1 where id = {id}")).await,
                false => {
                    let sql = format!("update acct set bal = bal {sign} $1 where id = $2");
                    raw.extended(&sql, &["1", &id.to_string()]).await
                }
            };
            assert_eq!(got, ["UPDATE 1 *"]);
            tally.slowest = tally.slowest.max(asked.elapsed());
        }
        let got = raw.query("insert into done values (gen_random_uuid()) returning 1").await;
        assert_eq!(got, ["1", "INSERT 0 1 *"]);
        match raw.query("commit").await[0].as_str() {
            "COMMIT" => tally.commits += 1,
            "ERROR 40001 change conflicts with another transaction (OC000)" => tally.conflicts += 1,
            other => panic!("{other}"),
        }
    }
    tally
}

async fn run(rows: u64) {
    let world = World::new().await;
    let mut raw = Raw::connect(&world, "c", "admin").await.expect("connected");
    raw.query("create table acct (id int primary key, bal bigint)").await;
    raw.query("create table done (id uuid primary key)").await;
    raw.query(&format!("insert into acct select i, 100 from generate_series(1, {rows}) i")).await;
    let mut workers = Vec::new();
    for seed in 0..WORKERS {
        let raw = Raw::connect(&world, "c", "admin").await.expect("connected");
        workers.push(tokio::spawn(worker(raw, seed, rows)));
    }
    let mut total = Tally::default();
    for worker in workers {
        let tally = worker.await.expect("ended");
        total.commits += tally.commits;
        total.conflicts += tally.conflicts;
        total.slowest = total.slowest.max(tally.slowest);
    }
    let sum = raw.query("select sum(bal) from acct").await;
    assert_eq!(sum[0], (100 * rows).to_string());
    assert_eq!(raw.query("select count(*) from done").await[0], total.commits.to_string());
    assert!(total.commits > 0);
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
