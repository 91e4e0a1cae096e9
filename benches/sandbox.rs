//! The local cloud's own speed: its start with a warm cache, a warm function that does nothing, an update deploy,
//! and what it is all for: the course walked to chapter 3 and proved.
//!
//! `cargo bench --bench sandbox` runs everything in about two minutes (the deploy installs a snapshot's packages with
//! npm first); `-- start`, `invoke`, `deploy` or `check` one part of it. Node and npm must be on the PATH.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops where it is")]

mod common;
#[path = "../tests/it/support.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Goal, figure, heading, ms, quantile, sorted_times};
use workshop_engine::aws::{Clients, Environment, invoke};
use workshop_sandbox::control::{self, SandboxOptions};

const STARTS: usize = 10;
const CALLS: usize = 500;
const DEPLOYS: usize = 5;
const CHECKS: usize = 3;

/// A function that does nothing, and a cluster, so that a start has a server to bring up.
const TEMPLATE: &str = r#"{"Resources": {
  "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}},
  "Cluster": {"Type": "AWS::DSQL::Cluster", "Properties": {"DeletionProtectionEnabled": false}},
  "Noop": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "noop", "Runtime": "nodejs22.x",
    "Handler": "index.handler", "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    "Code": {"ZipFile": "exports.handler = async () => ({})"}}}
}}"#;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let want = |part: &str| wanted.iter().any(|w| w == part) || wanted.is_empty();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        heading("the local cloud");
        if want("start") || want("invoke") {
            start_and_invoke(want("start"), want("invoke")).await;
        }
        if want("deploy") {
            deploy().await;
        }
        if want("check") {
            check();
        }
    });
}

fn options() -> SandboxOptions {
    SandboxOptions {
        exe: support::exe(),
        cache: support::cache(),
        region: None,
        port: None,
        database_port: None,
        kind: Default::default(),
        background: false,
    }
}

async fn start_and_invoke(start: bool, invoke: bool) {
    let dir = tempfile::tempdir().unwrap();
    let options = options();
    let environment = up(dir.path(), &options).await;
    if start {
        control::reset(dir.path(), &options).await.unwrap();
        let empty = starts(dir.path(), &options).await;
        figure("start to ready, empty, median", "ms", ms(quantile(&empty, 0.5)), None, &Goal::AtMost(500.0));
    }
    let environment = if start { up(dir.path(), &options).await } else { environment };
    let clients = Clients::connect(&Environment(environment)).await.unwrap();
    stack(&clients).await;
    if invoke {
        calls(&clients).await;
    }
    if start {
        let full = starts(dir.path(), &options).await;
        figure("start to ready, with a cluster, median", "ms", ms(quantile(&full, 0.5)), None, &Goal::AtMost(500.0));
        figure("start to ready, with a cluster, worst", "ms", ms(quantile(&full, 1.0)), None, &Goal::AtMost(500.0));
    }
    control::stop(dir.path(), &options).await.unwrap();
}

async fn up(workdir: &Path, options: &SandboxOptions) -> BTreeMap<String, String> {
    control::start(workdir, options, |_| {}).await.unwrap();
    control::env(workdir, options).await.unwrap()
}

/// In order of length. Each is from the command to a sandbox that says that it is ready.
async fn starts(workdir: &Path, options: &SandboxOptions) -> Vec<Duration> {
    let mut all = Vec::new();
    for _ in 0..STARTS {
        control::stop(workdir, options).await.unwrap();
        let begun = Instant::now();
        control::start(workdir, options, |_| {}).await.unwrap();
        all.push(begun.elapsed());
    }
    all.sort_unstable();
    all
}

async fn stack(clients: &Clients) {
    let create = clients.cloudformation.create_stack().stack_name("bench").template_body(TEMPLATE);
    create.capabilities("CAPABILITY_IAM".into()).send().await.unwrap();
    loop {
        let described = clients.cloudformation.describe_stacks().stack_name("bench").send().await.unwrap();
        let status = described.stacks()[0].stack_status().unwrap().as_str().to_owned();
        if !status.ends_with("IN_PROGRESS") {
            assert_eq!(status, "CREATE_COMPLETE");
            return;
        }
    }
}

/// Through the endpoint and the SDK, signature and all; Node's own answer is part of it.
async fn calls(clients: &Clients) {
    let begun = Instant::now();
    let first = invoke::invoke(clients, "noop", "{}").await.unwrap();
    assert_eq!(first.function_error, None);
    figure("invoke, cold", "ms", ms(begun.elapsed()), None, &Goal::None);
    let mut all = Vec::new();
    for _ in 0..CALLS {
        let begun = Instant::now();
        assert_eq!(invoke::invoke(clients, "noop", "{}").await.unwrap().response, "{}");
        all.push(begun.elapsed());
    }
    all.sort_unstable();
    figure("invoke, warm, median", "ms", ms(quantile(&all, 0.5)), None, &Goal::AtMost(3.0));
    figure("invoke, warm, 99 of 100", "ms", ms(quantile(&all, 0.99)), None, &Goal::None);
}

/// An update of the function of the last chapter that has one, by the real CDK, from the command to its end.
async fn deploy() {
    let dir = tempfile::tempdir().unwrap();
    let options = options();
    let environment = up(dir.path(), &options).await;
    let app = dir.path().join("app");
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/ch03");
    assert!(Command::new("cp").arg("-r").args([&snapshot, &app]).status().unwrap().success());
    let run = |program: &str, args: &[&str], dir: &Path| {
        let mut command = support::command(program);
        command.args(args).current_dir(dir).envs(&environment).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "{program} {args:?}");
    };
    run("npm", &["ci", "--prefer-offline", "--no-audit", "--no-fund"], &app);
    let cdk = app.join("cdk");
    run("npx", &["cdk", "bootstrap"], &cdk);
    run("npx", &["cdk", "deploy"], &cdk);
    let source = app.join("lambda/src/index.ts");
    let code = fs::read_to_string(&source).unwrap();
    let mut all = Vec::new();
    for round in 0..DEPLOYS {
        fs::write(&source, format!("{code}\nconsole.log('version {round}');\n")).unwrap();
        let begun = Instant::now();
        run("npx", &["cdk", "deploy"], &cdk);
        all.push(begun.elapsed());
    }
    all.sort_unstable();
    figure("update deploy, command to outputs, median", "ms", ms(quantile(&all, 0.5)), None, &Goal::AtMost(2500.0));
    figure("update deploy, command to outputs, worst", "ms", ms(quantile(&all, 1.0)), None, &Goal::None);
    control::stop(dir.path(), &options).await.unwrap();
}

/// From the command to its exit, in a scratch directory with a sandbox of its own; what the cache lacks is fetched
/// by the first, which is not counted. The types are looked at beside each deploy.
fn check() {
    let walk = || {
        let mut command = support::command(support::exe());
        command.args(["--chapter", "3", "--check", "--fresh"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    };
    walk();
    let all = sorted_times(CHECKS, walk);
    figure("--chapter 3 --check, median", "ms", ms(quantile(&all, 0.5)), None, &Goal::AtMost(30_000.0));
    figure("--chapter 3 --check, worst", "ms", ms(quantile(&all, 1.0)), None, &Goal::AtMost(30_000.0));
}
