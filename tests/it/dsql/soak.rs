//! Half an hour of everything at once: twenty workers that move money, invocations of the course's function, a deploy
//! every half minute, and the sandbox killed twice. Run by hand, `SOAK=30 cargo test --test it soak -- --nocapture`, in
//! minutes; it prints how much the sandbox held each minute.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_lambda::primitives::Blob;
use serde_json::{Value, json};

use super::ledger::{self, Plan, Tally};
use super::raw::Raw;
use super::real::{Real, memory_of};

const WORKERS: u64 = 20;
const ROWS: u64 = 500;
const DEPLOYS: Duration = Duration::from_secs(30);
const LOOKS: Duration = Duration::from_secs(60);
const STACK: &str = "ReinventDat401Stack";
const FUNCTION: &str = "reinvent-dat401";

/// What the sandbox's processes hold together.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Of its own process, in KiB.
    memory: u64,
    descriptors: usize,
    processes: usize,
}

/// The course's project, as after its last chapter.
struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new() -> Project {
        let dir = tempfile::tempdir().expect("a directory");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/ch08"), dir.path());
        let project = Project { dir };
        let installed = crate::support::command("npm")
            .args(["ci", "--prefer-offline", "--no-audit", "--no-fund"])
            .current_dir(project.dir.path())
            .output()
            .expect("npm runs");
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        project
    }

    fn cdk(&self) -> PathBuf {
        self.dir.path().join("cdk")
    }

    /// Changes what a deploy has to bring about: how long the function may take.
    fn change(&self, number: u64) {
        let file = self.cdk().join("lib/dat401-stack.ts");
        let text = std::fs::read_to_string(&file).expect("the stack");
        let at = text.find("timeout: cdk.Duration.seconds(").expect("a timeout");
        let end = at + text[at..].find(')').expect("its end");
        let text = format!("{}timeout: cdk.Duration.seconds({}{}", &text[..at], 20 + number % 10, &text[end..]);
        std::fs::write(file, text).expect("written");
    }

    /// Runs the CDK; what it said if it failed.
    async fn run(&self, env: &BTreeMap<String, String>, arguments: &[&str]) -> Result<(), String> {
        let output = tokio::process::Command::from(crate::support::command("npx"))
            .arg("cdk")
            .args(arguments)
            .current_dir(self.cdk())
            .envs(env)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .expect("npx runs");
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("a directory").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, target).expect("copied")),
        }
    }
}

/// Sets the function's tables up, and its role.
async fn prepare(raw: &mut Raw, role: &str) {
    for sql in [
        "create role myapp with login",
        &format!("aws iam grant myapp to '{role}'"),
        "create table accounts (id int primary key, balance int)",
        "insert into accounts select i, 1000 from generate_series(1, 100) i",
        "create table transfers (id uuid primary key, payer_id int, payee_id int, amount int)",
        "grant select, update on accounts to myapp",
        "grant select, insert on transfers to myapp",
    ] {
        let got = raw.query(sql).await;
        assert!(!got[0].starts_with("ERROR"), "{sql}: {got:?}");
    }
    ledger::prepare(raw, ROWS).await;
}

fn function(env: &BTreeMap<String, String>) -> aws_sdk_lambda::Client {
    let keys = Credentials::new(&env["AWS_ACCESS_KEY_ID"], &env["AWS_SECRET_ACCESS_KEY"], None, None, "test");
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(env["AWS_REGION"].clone()))
        .endpoint_url(&env["AWS_ENDPOINT_URL"])
        .credentials_provider(keys)
        .http_client(super::real::http())
        .build();
    aws_sdk_lambda::Client::from_conf(config)
}

/// Has the function move money until the plan's end: how often it said that it had, and how often it could not be reached
/// or did not answer.
async fn invocations(real: &Real, until: Instant) -> (u64, u64) {
    let (mut done, mut lost, mut state) = (0, 0, 4711);
    while Instant::now() < until {
        let client = function(&real.env().await);
        for _ in 0..20 {
            let payer = ledger::next(&mut state) % 100 + 1;
            let payload = json!({"payer_id": payer, "payee_id": payer % 100 + 1, "amount": 1}).to_string();
            match client.invoke().function_name(FUNCTION).payload(Blob::new(payload)).send().await {
                Ok(answer) if answer.function_error().is_none() => done += 1,
                Ok(_) | Err(_) => lost += 1,
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (done, lost)
}

/// Deploys a change every so often; how often that came about. One that a kill met may fail, and no other.
async fn deploys(real: &Real, project: &Project, kills: &AtomicU64, until: Instant) -> (u64, u64) {
    let (mut done, mut met) = (0, 0);
    while Instant::now() + DEPLOYS < until {
        let (begun, before) = (Instant::now(), kills.load(Ordering::SeqCst));
        project.change(done + met);
        let ended = project.run(&real.env().await, &["deploy"]).await;
        match ended {
            Ok(()) => done += 1,
            Err(said) => {
                assert_ne!(kills.load(Ordering::SeqCst), before, "a deploy that nothing met has failed: {said}");
                met += 1;
            }
        }
        let mut raw = real.connect().await;
        let sum = raw.query("select sum(bal) from acct").await;
        if sum[0] != "connection closed" {
            assert_eq!(sum[0], (100 * ROWS).to_string(), "at every moment");
        }
        tokio::time::sleep(DEPLOYS.saturating_sub(begun.elapsed())).await;
    }
    (done, met)
}

async fn killer(real: &Real, kills: &AtomicU64, time: Duration) {
    for _ in 0..2 {
        tokio::time::sleep(time / 4).await;
        kills.fetch_add(1, Ordering::SeqCst);
        real.kill().await;
        real.up().await;
        eprintln!("killed, and up again");
    }
}

/// Looks every minute. The sandbox that was killed last is the one whose figures are compared.
async fn watch(real: &Real, until: Instant) -> Vec<Held> {
    let mut all = Vec::new();
    let mut pid = 0;
    while Instant::now() + LOOKS < until {
        tokio::time::sleep(LOOKS).await;
        let Some(now) = real.try_pid().await else { continue };
        let family = crate::lifecycle::family(now);
        let descriptors = |pid: &i32| std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        let held = Held { memory: memory_of(now).0, descriptors: descriptors(&now), processes: family.len() };
        if pid != now {
            all.clear();
        }
        pid = now;
        eprintln!("{held:?}");
        all.push(held);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soak() {
    let Some(minutes) = std::env::var("SOAK").ok().and_then(|minutes| minutes.parse().ok()) else { return };
    let time = Duration::from_mins(minutes);
    let (project, real) = (Project::new(), Real::empty().await);
    let env = real.env().await;
    project.run(&env, &["bootstrap"]).await.expect("bootstrapped");
    project.run(&env, &["deploy", "--outputs-file", "outputs.json"]).await.expect("deployed");
    let outputs: Value = serde_json::from_slice(&std::fs::read(project.cdk().join("outputs.json")).unwrap()).unwrap();
    let mut raw = real.connect().await;
    prepare(&mut raw, outputs[STACK]["LambdaRoleArn"].as_str().expect("a role")).await;
    drop(raw);

    let until = Instant::now() + time;
    let kills = AtomicU64::new(0);
    let plan = Plan { rows: ROWS, idle: Duration::from_millis(5), until, noted: true };
    let workers =
        futures::future::join_all((0..WORKERS).map(|w| ledger::worker(w, plan, async || real.connect().await)));
    let (tallies, (invoked, lost), (deployed, met), held, ()) = tokio::join!(
        workers,
        invocations(&real, until),
        deploys(&real, &project, &kills, until),
        watch(&real, until),
        killer(&real, &kills, time),
    );
    let mut total = Tally::default();
    tallies.into_iter().for_each(|tally| total.add(tally));
    eprintln!(
        "{} commits, {} conflicts, {} connections lost, slowest statement {:?}; {invoked} invocations, {lost} lost; \
         {deployed} deploys, {met} met by a kill",
        total.commits, total.conflicts, total.lost, total.slowest
    );

    let mut raw = real.connect().await;
    ledger::balance(&mut raw, ROWS, &total, true).await;
    assert_eq!(raw.query("select sum(balance) from accounts").await[0], "100000");
    let moved = raw.query("select count(*) from transfers").await[0].parse::<u64>().expect("a number");
    assert!((invoked..=invoked + lost).contains(&moved), "{moved} transfers, {invoked} answers, {lost} not known");
    drop(raw);
    let (first, last) = (held[held.len() / 3], held[held.len() - 1]);
    assert!(last.descriptors <= first.descriptors + 16 && last.processes <= first.processes + 8, "{first:?} {last:?}");
    assert!(last.memory <= first.memory * 3 / 2 + 8 * 1024, "{first:?} {last:?}");
    let family = crate::lifecycle::family(real.pid().await);
    real.end().await;
    crate::support::until("every process of it is gone", || !family.iter().any(|pid| crate::support::alive(*pid)))
        .await;
}
