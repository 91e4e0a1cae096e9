//! A million rows through the console to a file, beside psql: `workshop sql` and `psql` on the same cluster of the
//! sandbox, over TLS, in turns.
//!
//! `cargo bench --bench console` takes under a minute; `-- unaligned`, `csv`, `aligned` or `expanded` is one part of
//! it. psql must be on the PATH. Both write the same bytes, which is looked at. What a client costs is its own time on
//! the processor; how long a run takes is mostly the server's and the proxy's.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops where it is")]

mod common;
#[path = "../tests/it/support.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod support;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Goal, figure, heading, ms};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use sha2::{Digest, Sha256};
use workshop_sandbox::control::{self, SandboxOptions};

/// How often each program runs, in turns; the median counts.
const ROUNDS: usize = 5;
/// 1,000,000 rows of 45 bytes unaligned. The numbers are of one width, so that the first rows tell it.
const QUERY: &str = "select 1000000 + n as id, 'customer number ' || 1000000 + n as name, 2000000 - n as balance, 'open' as state \
     from generate_series(1, 1000000) n";
/// The forms, with psql's flags for them, which are ours too.
const FORMS: [(&str, &[&str]); 4] =
    [("unaligned", &["-At"]), ("csv", &["--csv"]), ("aligned", &[]), ("expanded", &["-x"])];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let options = SandboxOptions {
        exe: support::exe(),
        cache: support::cache(),
        region: None,
        port: None,
        database_port: None,
        kind: Default::default(),
        background: false,
    };
    let environment = runtime.block_on(up(dir.path(), &options));
    for (form, flags) in FORMS {
        if wanted.is_empty() || wanted.iter().any(|w| w == form) {
            compare(form, flags, dir.path(), &environment);
        }
    }
    runtime.block_on(control::stop(dir.path(), &options)).unwrap();
    runtime.block_on(control::reset(dir.path(), &options)).unwrap();
}

/// A sandbox with a cluster, and the variables that reach it.
async fn up(workdir: &Path, options: &SandboxOptions) -> BTreeMap<String, String> {
    control::start(workdir, options, |_| {}).await.unwrap();
    let environment = control::env(workdir, options).await.unwrap();
    let clients =
        workshop_engine::aws::Clients::connect(&workshop_engine::aws::Environment(environment)).await.unwrap();
    clients.dsql.create_cluster().send().await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let environment = control::env(workdir, options).await.unwrap();
        let mut psql = support::command("psql");
        psql.args(["-X", "-c", "select 1"]).envs(&environment).stdin(Stdio::null());
        psql.stdout(Stdio::null()).stderr(Stdio::null());
        if environment.contains_key("PGPASSWORD") && psql.status().expect("psql is there").success() {
            return environment;
        }
        assert!(Instant::now() < deadline, "there is no cluster");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What one run of a program took.
struct Run {
    /// From its start to its end.
    whole: Duration,
    /// Its own time on the processor.
    processor: Duration,
    /// Its peak, in MiB.
    memory: f64,
    bytes: u64,
    hash: String,
}

fn compare(form: &str, flags: &[&str], workdir: &Path, environment: &BTreeMap<String, String>) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut workshop = support::command(support::exe());
        workshop.args(["sql", "--workdir"]).arg(workdir).args(["-h", &environment["PGHOST"]]);
        ours.push(run(workshop, flags, workdir, environment));
        let mut psql = support::command("psql");
        psql.arg("-X");
        theirs.push(run(psql, flags, workdir, environment));
    }
    for (a, b) in ours.iter().zip(&theirs) {
        assert_eq!((a.bytes, &a.hash), (b.bytes, &b.hash), "the two write the same");
    }
    let flags = if flags.is_empty() { String::new() } else { format!(" ({})", flags.join(" ")) };
    heading(&format!("A million rows {form}{flags} to a file of {} MB", ours[0].bytes / 1_000_000));
    let psql = |of: fn(&Run) -> f64| Some(("psql", median(&theirs, of)));
    let whole = |r: &Run| ms(r.whole);
    figure("from start to end", "ms", median(&ours, whole), psql(whole), &Goal::Ratio(1.0));
    let processor = |r: &Run| ms(r.processor);
    figure("time on the processor", "ms", median(&ours, processor), psql(processor), &Goal::Ratio(0.7));
    let memory = |r: &Run| r.memory;
    figure("memory at its peak", "MiB", median(&ours, memory), psql(memory), &Goal::AtMost(40.0));
}

fn median(runs: &[Run], of: fn(&Run) -> f64) -> f64 {
    let mut all: Vec<f64> = runs.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Runs a program that writes the query's result to a file, and watches it.
fn run(mut command: Command, flags: &[&str], workdir: &Path, environment: &BTreeMap<String, String>) -> Run {
    let file = workdir.join("rows.out");
    command.args(flags).args(["-c", QUERY]).envs(environment).stdin(Stdio::null());
    command.stdout(File::create(&file).unwrap());
    let began = Instant::now();
    let mut child = command.spawn().expect("workshop and psql are there");
    let pid = Pid::from_child(&child);
    let mut peak = 0;
    // It is looked at until it has ended, and left to be read for its times.
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    while waitid(WaitId::Pid(pid), ended).unwrap().is_none() {
        peak = peak.max(high_water(&pid));
        std::thread::sleep(Duration::from_millis(5));
    }
    let whole = began.elapsed();
    let processor = processor_time(&pid);
    assert!(child.wait().unwrap().success());
    let written = fs::read(&file).unwrap();
    let hash = Sha256::digest(&written).iter().map(|b| format!("{b:02x}")).collect();
    Run { whole, processor, memory: peak as f64 / 1024.0, bytes: written.len() as u64, hash }
}

/// The most memory that a process has held so far, in KiB.
fn high_water(pid: &Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// User and system time of a process that has ended and is not waited for yet. The kernel counts in 10 ms.
fn processor_time(pid: &Pid) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    Duration::from_millis(fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
}
