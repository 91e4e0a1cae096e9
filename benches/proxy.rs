//! What the database proxy costs, with TLS on, beside a proxy that only copies bytes; what rows in the order of their
//! keys cost beside rows as they lie; transfers between few and many rows; connections held; a result of a million rows.
//!
//! `cargo bench --bench proxy` runs everything in about three minutes; `-- throughput`, `ordered`, `transfers`, `held` or
//! `rows` one part of it. `-- minute` is the long run: twenty workers for a minute on 2, 20 and 500 rows, and again with the
//! sandbox killed in the middle. pgbench must be on the PATH for `throughput` and `ordered`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops where it is")]

mod common;
#[path = "../tests/it/dsql/ledger.rs"]
mod ledger;
#[path = "../tests/it/dsql/raw.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod raw;
#[path = "../tests/it/dsql/real.rs"]
mod real;
#[path = "../tests/it/support.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod support;
#[path = "../tests/it/dsql/world.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod world;

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Goal, figure, heading};
use raw::Raw;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;
use workshop_sandbox::interfaces::Databases;
use world::{World, host};

/// How long pgbench runs each time, and how often each is run, in turns: short and often, since what else the
/// machine does comes and goes.
const SECONDS: &str = "1";
const ROUNDS: usize = 11;
/// Rows of the tables that are read.
const ACCOUNTS: u32 = 100_000;
/// How long the workers of one line of the table transfer.
const TRANSFERS: Duration = Duration::from_secs(5);
const WORKERS: u64 = 20;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let want = |part: &str| wanted.iter().any(|w| w == part) || wanted.is_empty() && part != "minute";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        if want("throughput") {
            throughput().await;
        }
        if want("ordered") {
            ordered().await;
        }
        if want("transfers") {
            transfers().await;
        }
        if want("held") {
            held().await;
        }
        if want("rows") {
            rows().await;
        }
        if want("minute") {
            minute().await;
        }
    });
}

/// `pgbench -S` through the proxy and through one that copies bytes, in turns.
async fn throughput() {
    heading("pgbench -S over TLS: transactions a second");
    let world = World::new().await;
    let mut raw = Raw::connect(&world, "c", "admin").await.expect("connected");
    raw.query("create table pgbench_branches (bid int primary key, bbalance int, filler char(88))").await;
    raw.query("create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84))").await;
    raw.query("insert into pgbench_branches values (1, 0, '')").await;
    fill(&mut raw, "pgbench_accounts").await;
    let copy = copying(&world).await;
    for (mode, clients) in [("simple", 1), ("prepared", 1), ("simple", 8), ("prepared", 8)] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let mut turns = [(world.address, &mut ours), (copy, &mut theirs)];
            // Each is as often the first, which finds the database's processes idle.
            if round % 2 == 1 {
                turns.reverse();
            }
            for (address, rates) in turns {
                rates.push(pgbench(&world, address, &["-S", "-M", mode, "-c", &clients.to_string()]).await);
            }
        }
        let what = format!("{mode}, {clients} client{}", if clients == 1 { "" } else { "s" });
        let beside = Some(("a byte-copying TLS proxy", median(theirs)));
        figure(&what, "tps", median(ours), beside, &Goal::RatioAtLeast(0.9));
    }
    world.end().await;
}

/// Adds as many accounts as pgbench has at its smallest, in transactions of a size that DSQL takes.
async fn fill(raw: &mut Raw, table: &str) {
    for start in (1..=ACCOUNTS).step_by(2_500) {
        let end = start + 2_499;
        let insert = format!("insert into {table} select i, 1, 0, '' from generate_series({start}, {end}) i");
        assert_eq!(raw.query(&insert).await, ["INSERT 0 2500"]);
    }
    raw.query(&format!("analyze {table}")).await;
}

/// A table with a primary key, whose rows come in its order, beside the same without one, whose rows come as they lie:
/// point reads and full scans in turns, of rows as they were added, and once each of them has been written anew.
async fn ordered() {
    heading("Rows in the order of their keys");
    let world = World::new().await;
    let mut raw = Raw::connect(&world, "c", "admin").await.expect("connected");
    let scripts = tempfile::tempdir().unwrap();
    for (table, key) in [("keyed", "primary key"), ("plain", "unique")] {
        raw.query(&format!("create table {table} (aid int {key}, bid int, abalance int, filler char(84))")).await;
        fill(&mut raw, table).await;
        let script = format!("\\set aid random(1, {ACCOUNTS})\nSELECT abalance FROM {table} WHERE aid = :aid;\n");
        std::fs::write(scripts.path().join(table), script).unwrap();
    }
    for when in ["as added", "all written anew"] {
        // The proxy looks through large tables once they are read and nobody writes to them.
        for _ in 0..5 {
            scan(&mut raw, "keyed").await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        for mode in ["simple", "prepared"] {
            let (mut keyed, mut plain) = (Vec::new(), Vec::new());
            for round in 0..ROUNDS {
                let mut turns = [("keyed", &mut keyed), ("plain", &mut plain)];
                if round % 2 == 1 {
                    turns.reverse();
                }
                for (table, rates) in turns {
                    let script = scripts.path().join(table);
                    let arguments = ["-M", mode, "-f", script.to_str().unwrap()];
                    rates.push(pgbench(&world, world.address, &arguments).await);
                }
            }
            let beside = Some(("no primary key", median(plain)));
            figure(&format!("point reads, {mode}, {when}"), "tps", median(keyed), beside, &Goal::RatioAtLeast(0.9));
        }
        let (mut keyed, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..2 * ROUNDS {
            keyed.push(common::ms(scan(&mut raw, "keyed").await));
            plain.push(common::ms(scan(&mut raw, "plain").await));
        }
        let beside = Some(("no primary key", median(plain)));
        figure(&format!("{ACCOUNTS} rows, {when}"), "ms", median(keyed), beside, &Goal::Ratio(1.1));
        for table in ["keyed", "plain"] {
            for part in 0..40 {
                let update = format!("update {table} set abalance = abalance + 1 where aid % 40 = {part}");
                assert_eq!(raw.query(&update).await, ["UPDATE 2500"]);
            }
            raw.query(&format!("analyze {table}")).await;
        }
    }
    world.end().await;
}

/// Reads all of a table, and returns how long that took.
async fn scan(raw: &mut Raw, table: &str) -> Duration {
    let began = Instant::now();
    raw.start(&format!("select * from {table}")).await;
    let mut rows = 0;
    loop {
        match raw.message().await.expect("a message").0 {
            b'D' => rows += 1,
            b'Z' => break,
            _ => {}
        }
    }
    assert_eq!(rows, ACCOUNTS);
    began.elapsed()
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

async fn pgbench(world: &World, address: SocketAddr, arguments: &[&str]) -> f64 {
    let host = host("c");
    let output = tokio::process::Command::from(support::command("pgbench"))
        .args(["-n", "-T", SECONDS])
        .args(arguments)
        .env("PGHOST", &host)
        .env("PGHOSTADDR", address.ip().to_string())
        .env("PGPORT", address.port().to_string())
        .env("PGSSLMODE", "verify-full")
        .env("PGSSLROOTCERT", &world.ca_file)
        .env("PGUSER", "admin")
        .env("PGDATABASE", "postgres")
        .env("PGPASSWORD", world.token(&host, "admin"))
        .stdin(Stdio::null())
        .output()
        .await
        .expect("pgbench runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let tps = text.lines().find_map(|l| l.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    tps.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// A proxy that does TLS and nothing else; where it listens.
async fn copying(world: &World) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = world.servers.ensure("c").await.unwrap();
    let socket = server.socket_dir.join(format!(".s.PGSQL.{}", server.port));
    let tls = world.tls.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (tls, socket) = (TlsAcceptor::from(Arc::clone(&tls)), socket.clone());
            tokio::spawn(async move {
                client.set_nodelay(true).unwrap();
                client.read_exact(&mut [0; 8]).await.unwrap();
                client.write_all(b"S").await.unwrap();
                let mut client = tls.accept(client).await.unwrap();
                let mut server = UnixStream::connect(socket).await.unwrap();
                // pgbench may leave without a word.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

/// Twenty workers that move money between K rows, beside the figures of the prototype that proved the idea
/// (a Python program on two cores: other hardware, so only an order of size).
async fn transfers() {
    for (idle, prototype) in [(20, [14.0, 25.0, 84.0, 392.0]), (0, [154.0, 388.0, 759.0, 1710.0])] {
        match idle {
            0 => heading("Transfers back to back, 20 workers: commits a second"),
            _ => heading("Transfers with 20 ms idle between the writes, 20 workers: commits a second"),
        }
        for (rows, beside) in [2, 5, 20, 500].into_iter().zip(prototype) {
            let world = World::new().await;
            let mut raw = Raw::connect(&world, "c", "admin").await.expect("connected");
            ledger::prepare(&mut raw, rows).await;
            let plan = ledger::Plan {
                rows,
                idle: Duration::from_millis(idle),
                until: Instant::now() + TRANSFERS,
                noted: false,
            };
            let connect = async || Raw::connect(&world, "c", "admin").await.expect("connected");
            let mut total = ledger::Tally::default();
            for tally in futures::future::join_all((0..WORKERS).map(|w| ledger::worker(w, plan, connect))).await {
                total.add(tally);
            }
            ledger::balance(&mut raw, rows, &total, false).await;
            let rate = total.commits as f64 / TRANSFERS.as_secs_f64();
            let what = format!("{rows} rows (slowest statement {:.0} ms)", common::ms(total.slowest));
            figure(&what, "/s", rate, Some(("the prototype", beside)), &Goal::RatioAtLeast(1.0));
            world.end().await;
        }
    }
}

/// Two hundred connections, in a sandbox of their own process.
async fn held() {
    heading("Connections held, in the sandbox's own process");
    let real = real::Real::start().await;
    let before = real.memory().await.0;
    let began = Instant::now();
    let mut all = Vec::new();
    for _ in 0..200 {
        all.push(real.connect().await);
    }
    let took = began.elapsed();
    for raw in &mut all {
        assert_eq!(raw.query("select 1").await, ["1", "SELECT 1"]);
    }
    let after = real.memory().await.0;
    figure("200 connections made, one after another", "ms", common::ms(took), None, &Goal::None);
    figure("memory a connection, of the proxy", "KiB", (after - before) as f64 / 200.0, None, &Goal::AtMost(40.0));
    figure("memory of the proxy with all of them", "MiB", after as f64 / 1024.0, None, &Goal::AtMost(100.0));
    drop(all);
    real.end().await;
}

/// A million rows to a client that reads as fast as it can, and to one that does not.
async fn rows() {
    heading("A million rows of 100 bytes");
    let real = real::Real::start().await;
    let mut raw = real.connect().await;
    raw.query("select 1").await;
    let before = real.memory().await.0;
    for (what, pause) in [("to a client that reads", None), ("to a client that stops for a second", Some(1))] {
        let began = Instant::now();
        raw.start("select repeat('x', 100) from generate_series(1, 1000000)").await;
        if let Some(seconds) = pause {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        let (mut seen, mut bytes) = (0u64, 0usize);
        loop {
            let (kind, body) = raw.message().await.expect("a message");
            match kind {
                b'D' => {
                    seen += 1;
                    bytes += body.len();
                }
                b'Z' => break,
                _ => {}
            }
        }
        assert_eq!(seen, 1_000_000);
        let rate = bytes as f64 / 1e6 / began.elapsed().as_secs_f64();
        figure(what, "MB/s", rate, None, &Goal::None);
        let more = real.memory().await.1.saturating_sub(before) as f64 / 1024.0;
        figure("  memory of the proxy at its peak, more than idle", "MiB", more, None, &Goal::AtMost(8.0));
    }
    real.end().await;
}

/// The long run.
async fn minute() {
    let minute = Duration::from_secs(60);
    for kills in [0, 2] {
        match kills {
            0 => heading("Twenty workers for a minute"),
            _ => heading("Twenty workers for a minute, the sandbox killed twice in the middle"),
        }
        for rows in [2, 20, 500] {
            let told = real::transfers(rows, minute, kills).await;
            println!("{rows:>4} rows: {told}");
        }
    }
}
