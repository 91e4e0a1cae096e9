//! The CDK that is kept between deploys: a small one of JavaScript, run for real.

use super::*;

/// Stands for the CDK: counts its commands, and runs the application as it is told to.
const CDK: &str = r#"
const { spawn } = require('node:child_process');
let commands = 0;
exports.cli = (args) => {
  commands += 1;
  console.log(`cdk ${process.pid}`);
  const at = args.indexOf('--app');
  const app = at < 0 ? JSON.parse(require('node:fs').readFileSync('cdk.json')).app : args[at + 1];
  const child = spawn(app, { shell: true, stdio: 'inherit', env: { ...process.env, CDK_OUTDIR: 'cdk.out' } });
  child.on('exit', (code) => {
    console.log(`command ${commands} of ${args[0]} ended`);
    process.exitCode = code;
  });
};
"#;
const PROGRAM: &str = "const { cli } = require(\"../lib\");\n\ncli();\n";
const PACKAGE: &str = "exports.runs = 0;\n";
/// An application that synthesises when its own work is done, as the CDK's do.
const APP: &str = r#"
const kept = require('kept');
kept.runs += 1;
process.once('beforeExit', () => console.log(`run ${kept.runs}: ${require('./what')} in ${process.env.CDK_OUTDIR}`));
"#;

fn bench() -> Bench {
    Bench::with(&[
        ("cdk/cdk.json", r#"{"app": "node app.js"}"#),
        ("cdk/app.js", APP),
        ("cdk/what.js", "module.exports = 'one';\n"),
    ])
}

async fn at_deploy(bench: &Bench) -> Run {
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "deploy").await;
    for (path, text) in [("aws-cdk/bin/cdk", PROGRAM), ("aws-cdk/lib/index.js", CDK), ("kept/index.js", PACKAGE)] {
        let file = bench.workdir().join("node_modules").join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    bench.world.set_stack("UPDATE_COMPLETE");
    run
}

fn printed(events: &[Event]) -> Vec<String> {
    let lines = events.iter().filter_map(|event| match &event.kind {
        EventKind::Output { lines, .. } => Some(lines.clone()),
        _ => None,
    });
    lines.flatten().collect()
}

/// Deploys, and gives what was said and printed.
async fn deploy(run: &mut Run, wanted: Verdict) -> Vec<String> {
    let from = run.seen.len();
    let (verdict, failure) = run.run().await;
    let printed = printed(&run.seen[from..]);
    assert_eq!(verdict, wanted, "{failure:?} {printed:?}");
    printed
}

fn says(printed: &[String], line: &str) {
    assert!(printed.iter().any(|one| one == line), "no {line:?} in {printed:?}");
}

fn pid(printed: &[String]) -> i32 {
    printed.iter().rev().find_map(|line| line.strip_prefix("cdk ")?.parse().ok()).unwrap()
}

fn is_gone(pid: i32) -> bool {
    rustix::process::test_kill_process(rustix::process::Pid::from_raw(pid).unwrap()).is_err()
}

#[tokio::test]
async fn the_cdk_and_its_application_are_kept_and_end_with_the_run() {
    let bench = bench();
    let mut run = at_deploy(&bench).await;
    let first = deploy(&mut run, Verdict::Pass).await;
    says(&first, "npx cdk deploy --progress events --require-approval never");
    says(&first, "run 1: one in cdk.out");
    says(&first, "command 1 of deploy ended");
    bench.write("cdk/what.js", "module.exports = 'two';\n");
    let second = deploy(&mut run, Verdict::Pass).await;
    says(&second, "run 2: two in cdk.out");
    says(&second, "command 2 of deploy ended");
    assert_eq!(pid(&first), pid(&second));
    assert!(bench.world.launched.lock().unwrap().is_empty());
    run.quit().await;
    assert!(is_gone(pid(&first)));
}

#[tokio::test]
async fn what_has_changed_is_loaded_anew() {
    let bench = bench();
    let mut run = at_deploy(&bench).await;
    deploy(&mut run, Verdict::Pass).await;
    bench.write("node_modules/kept/index.js", "exports.runs = 10;\n");
    let printed = deploy(&mut run, Verdict::Pass).await;
    says(&printed, "run 11: one in cdk.out");
    says(&printed, "command 2 of deploy ended");
    bench.write("cdk/package.json", r#"{"name": "app"}"#);
    says(&deploy(&mut run, Verdict::Pass).await, "run 11: one in cdk.out");
    bench.write("node_modules/aws-cdk/lib/index.js", &format!("{CDK}// Another version.\n"));
    says(&deploy(&mut run, Verdict::Pass).await, "command 1 of deploy ended");
    // The project's directory is made anew, as a checkout makes it.
    let (project, old) = (bench.workdir().join("cdk"), bench.workdir().join("old"));
    std::fs::rename(&project, &old).unwrap();
    std::fs::create_dir(&project).unwrap();
    for file in ["cdk.json", "app.js", "what.js"] {
        std::fs::copy(old.join(file), project.join(file)).unwrap();
    }
    std::fs::remove_dir_all(old).unwrap();
    says(&deploy(&mut run, Verdict::Pass).await, "command 1 of deploy ended");
    run.quit().await;
}

#[tokio::test]
async fn what_failed_or_left_something_behind_is_not_used_again() {
    let bench = bench();
    let mut run = at_deploy(&bench).await;
    deploy(&mut run, Verdict::Pass).await;
    // It fails where another has run before, and only there.
    bench.write("cdk/what.js", "module.exports = require('kept').runs === 1 ? 'first' : missing;\n");
    says(&deploy(&mut run, Verdict::Pass).await, "run 1: first in cdk.out");
    bench.write("cdk/what.js", "globalThis.left = 1;\nmodule.exports = 'left';\n");
    says(&deploy(&mut run, Verdict::Pass).await, "run 2: left in cdk.out");
    bench.write("cdk/what.js", "module.exports = typeof left;\n");
    says(&deploy(&mut run, Verdict::Pass).await, "run 1: undefined in cdk.out");
    bench.write("cdk/what.js", "throw new Error('no such thing');\n");
    let printed = deploy(&mut run, Verdict::Fail).await;
    assert_eq!(printed.iter().filter(|line| line.contains("Error: no such thing")).count(), 1, "{printed:?}");
    bench.write("cdk/what.js", "module.exports = 'mended';\n");
    let printed = deploy(&mut run, Verdict::Pass).await;
    says(&printed, "run 1: mended in cdk.out");
    says(&printed, "command 1 of deploy ended");
    run.quit().await;
}

#[tokio::test]
async fn a_deploy_that_is_stopped_takes_the_kept_process_with_it() {
    let bench = bench();
    let mut run = at_deploy(&bench).await;
    bench.write("node_modules/aws-cdk/lib/index.js", CDK);
    bench.write("cdk/what.js", "setInterval(() => {}, 1000);\n");
    bench.write("cdk/app.js", "require('./what');\n");
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::Output { lines, .. } if lines.iter().any(|l| l.starts_with("cdk ")))).await;
    run.send(Command::Cancel);
    run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    assert!(is_gone(pid(&printed(&run.seen))));
    run.quit().await;
}

#[tokio::test]
async fn a_cdk_that_cannot_be_kept_is_started_for_each_command() {
    let bench = bench();
    let mut run = at_deploy(&bench).await;
    let refuses = "if (require.main.filename.endsWith('host.cjs')) throw new Error('not here');\n";
    bench.write(
        "node_modules/aws-cdk/lib/index.js",
        &format!("{refuses}{}", CDK.replace("= (args)", "= (args = process.argv.slice(2))")),
    );
    for is_first in [true, false] {
        let printed = deploy(&mut run, Verdict::Pass).await;
        assert_eq!(printed.iter().any(|line| line.contains("cannot be kept in memory here")), is_first, "{printed:?}");
        says(&printed, "run 1: one in cdk.out");
        says(&printed, "command 1 of deploy ended");
    }
    run.quit().await;
}

#[tokio::test]
async fn another_kind_of_application_runs_as_its_project_says() {
    let bench = Bench::with(&[("cdk/cdk.json", r#"{"app": "echo its own words"}"#)]);
    let mut run = at_deploy(&bench).await;
    for command in 1..=2 {
        let printed = deploy(&mut run, Verdict::Pass).await;
        says(&printed, "its own words");
        says(&printed, &format!("command {command} of deploy ended"));
    }
    // A module of ECMAScript is never forgotten: it runs in a process of its own.
    bench.write("cdk/cdk.json", r#"{"app": "node app.js"}"#);
    bench.write("cdk/package.json", r#"{"type": "module"}"#);
    for text in ["one", "two"] {
        bench.write("cdk/app.js", &format!("console.log('a module: {text}');\n"));
        says(&deploy(&mut run, Verdict::Pass).await, &format!("a module: {text}"));
    }
    run.quit().await;
}
