//! Deploys: the stack's events are the truth.

use super::*;
use workshop_base::problem::Kind;
use workshop_course::lesson::model::{DeployAction, PlannedWait, Step, StepAction};

const STACK: &str = "AWS::CloudFormation::Stack";

/// As CloudFormation says it of a resource that its handler could not make.
const WRAPPED: &str = "Resource handler returned message: \"Syntax errors in policy. (Service: Iam, Status Code: 400, \
                       Request ID: 1-2)\" (RequestToken: 3-4, HandlerErrorCode: InvalidRequest)";

async fn at_deploy(bench: &Bench) -> Run {
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "deploy").await;
    run
}

#[tokio::test]
async fn phases_have_clocks_and_resources_and_outputs_are_told() {
    let bench = Bench::new();
    bench.world.deploys();
    let mut run = at_deploy(&bench).await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    let deploy = run.progress.deploy.clone().unwrap();
    let phases: Vec<Phase> = deploy.phases.iter().map(|p| p.phase).collect();
    assert_eq!(phases, [Phase::Synth, Phase::Assets, Phase::ChangeSet, Phase::Resources, Phase::Outputs]);
    assert!(deploy.phases.iter().all(|p| p.took_ms.is_some()));
    assert_eq!(deploy.resources.len(), 1);
    assert_eq!((deploy.resources[0].started, deploy.resources[0].ended), (10_100, Some(10_200)));
    assert_eq!(deploy.stack.unwrap().status, "UPDATE_COMPLETE");
    assert_eq!(run.progress.outputs["DSQL"].value, "it's a value");
    assert!(run.seen.iter().any(|e| matches!(e.kind, EventKind::OutputsListed(_))), "what it had before is gone");
    assert_eq!(run.progress.usual["AWS::IAM::Role"], 100);
    // Another deploy is told how long this one took, unless the lesson says how long it takes; nothing is known of what is
    // no deploy.
    let other = StepRef { chapter: 8, step: "other".into() };
    let mut step = bench.course.chapters[1].step("deploy").unwrap().clone();
    assert!(run.progress.usual_of(&other, &step).is_some());
    step.wait.local = Some(Duration::from_secs(77));
    assert_eq!(run.progress.usual_of(&other, &step), Some(77_000));
    let here = StepRef { chapter: 1, step: "deploy".into() };
    assert_eq!(
        run.progress.usual_of(&here, &step),
        Some(run.progress.usual["step 1/deploy"]),
        "what it took comes first"
    );
    let step = Step { action: StepAction::Read, wait: PlannedWait::default(), ..step };
    assert_eq!(run.progress.usual_of(&other, &step), None);
    assert_eq!(*bench.world.launched.lock().unwrap(), ["--no cdk deploy --progress events --require-approval never"]);
    run.quit().await;
}

#[tokio::test]
async fn a_cloud_that_answers_later_than_it_is_asked_again_holds_no_deploy_up() {
    let bench = Bench::new();
    *bench.world.slow.lock().unwrap() = Duration::from_millis(10);
    bench.world.deploys();
    let mut run = at_deploy(&bench).await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert_eq!(run.progress.deploy.clone().unwrap().resources.len(), 1);
    run.quit().await;
}

#[tokio::test]
async fn the_installed_cdk_is_started_without_npx_and_finds_the_projects_programs() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::with(&[("cdk/cdk.json", "{}")]);
    let mut run = at_deploy(&bench).await;
    let (modules, nearer) = (bench.workdir().join("node_modules"), bench.workdir().join("cdk/node_modules"));
    std::fs::create_dir_all(modules.join("aws-cdk/bin")).unwrap();
    std::fs::write(modules.join("aws-cdk/bin/cdk"), "").unwrap();
    // The project's own Node.js, as some pin it, and a program of the application's.
    for (dir, name, line) in [(&modules, "node", "echo node \"$@\"; app"), (&nearer, "app", "echo the app in $(pwd)")] {
        let program = dir.join(".bin").join(name);
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        std::fs::write(&program, format!("#!/bin/sh\n{line}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    bench.world.set_stack("UPDATE_COMPLETE");
    assert_eq!(run.run().await, (Verdict::Pass, None));
    let printed: Vec<String> = run
        .seen
        .iter()
        .filter_map(|e| match &e.kind {
            EventKind::Output { stream: Stream::Stdout | Stream::Note, lines, .. } => Some(lines.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let program = modules.join("aws-cdk/bin/cdk");
    let said = format!("node {} deploy --progress events --require-approval never", program.display());
    assert!(printed.contains(&said), "{printed:?}");
    let place = std::fs::canonicalize(bench.workdir()).unwrap().join("cdk");
    assert!(printed.contains(&format!("the app in {}", place.display())), "{printed:?}");
    // What a person would type for the same.
    assert!(printed.iter().any(|line| line.starts_with("npx cdk deploy")), "{printed:?}");
    assert!(bench.world.launched.lock().unwrap().is_empty());
    run.quit().await;
}

/// A compiler that objects to one thing in a project and to nothing in another.
const COMPILER: &str = r#"#!/bin/sh
for last; do :; done
[ "$last" = good ] || echo "$last/index.ts(3,7): error TS2339: Property 'name' does not exist."
"#;

#[tokio::test]
async fn types_that_do_not_fit_are_told_and_do_not_stop_a_deploy() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::with(&[("good/tsconfig.json", "{}"), ("lambda/tsconfig.json", "{}")]);
    let mut run = at_deploy(&bench).await;
    let compiler = bench.workdir().join("node_modules/.bin/tsc");
    std::fs::create_dir_all(compiler.parent().unwrap()).unwrap();
    std::fs::write(&compiler, COMPILER).unwrap();
    std::fs::set_permissions(&compiler, std::fs::Permissions::from_mode(0o755)).unwrap();
    bench.world.deploys();
    assert_eq!(run.run().await, (Verdict::Pass, None));
    let problems = run.progress.deploy.clone().unwrap().types.unwrap();
    let said: Vec<String> = problems.iter().map(TypeProblem::to_string).collect();
    assert_eq!(said, ["lambda/index.ts:3:7: Property 'name' does not exist. (TS2339)"]);
    // When the deploy fails, they are one more place to look.
    bench.world.launch(&[Act::Exit(1)]);
    let hints = run.run().await.1.unwrap().hints;
    assert!(hints.iter().any(|h| h.contains("lambda/index.ts:3:7")), "{hints:?}");
    run.quit().await;
}

#[tokio::test]
async fn a_deploy_does_not_wait_for_the_compiler() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::with(&[("lambda/tsconfig.json", "{}")]);
    let mut run = bench.start(Mode::Interactive);
    run.until(|e| matches!(e, EventKind::Located { .. })).await;
    run.go_to(1, "deploy").await;
    let compiler = bench.workdir().join("node_modules/.bin/tsc");
    std::fs::create_dir_all(compiler.parent().unwrap()).unwrap();
    let waits = "#!/bin/sh\ntouch began\nwhile [ ! -e go ]; do sleep 0.02; done\necho 'lambda/index.ts(3,7): error TS2339: No.'\n";
    std::fs::write(&compiler, waits).unwrap();
    std::fs::set_permissions(&compiler, std::fs::Permissions::from_mode(0o755)).unwrap();
    bench.world.deploys();
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert_eq!(run.progress.deploy.as_ref().unwrap().types, None, "it has not ended");
    bench.write("go", "");
    run.until(|e| matches!(e, EventKind::TypesChecked { .. })).await;
    assert_eq!(run.progress.deploy.as_ref().unwrap().types.as_ref().map(Vec::len), Some(1));
    run.quit().await;
}

#[tokio::test]
async fn a_deploy_that_fails_ends_its_phase_as_failed_says_why_and_tells_no_older_outputs() {
    let bench = Bench::new();
    bench.world.set_stack("UPDATE_COMPLETE");
    bench.world.launch(&[
        Act::Print("Error: Transform failed with 1 error:"),
        Act::Print("/work/cdk/lib/stack.ts:41:15: ERROR: Unexpected \";\""),
        Act::Print("Subprocess exited with error 1"),
        Act::Exit(1),
    ]);
    bench.world.launch(&[
        Act::Print("✨  Synthesis time: 1.2s"),
        Act::Print("TheStack: creating CloudFormation changeset..."),
        Act::Print("❌  TheStack failed: ValidationError: Unrecognized resource types: [AWS::SQS::Queue]."),
        Act::Exit(1),
    ]);
    let mut run = at_deploy(&bench).await;
    for (phases, why) in [
        (vec![(Phase::Synth, true)], "/work/cdk/lib/stack.ts:41:16: Unexpected \";\""),
        (
            vec![(Phase::Synth, false), (Phase::Assets, false), (Phase::ChangeSet, true)],
            "Unrecognized resource types: [AWS::SQS::Queue].",
        ),
    ] {
        let from = run.seen.len();
        let failure = run.run().await.1.unwrap();
        assert_eq!(failure.actual.lines().next(), Some(why));
        assert!(failure.actual.contains("exit code 1"), "{}", failure.actual);
        let deploy = run.progress.deploy.clone().unwrap();
        assert_eq!(deploy.phases.iter().map(|p| (p.phase, p.failed)).collect::<Vec<_>>(), phases);
        let told = run.seen[from..].iter().any(|e| matches!(e.kind, EventKind::StackOutput { .. }));
        assert!(!told, "they are those of the deploy before");
    }
    run.quit().await;
}

#[tokio::test]
async fn the_first_deploy_to_an_account_says_what_it_costs_and_waits_to_be_asked_again() {
    let bench = Bench::new();
    let mut setup = bench.setup(Mode::Interactive);
    setup.target = Target::Aws;
    let (handle, events) = super::super::start(setup);
    let mut run = Run::of(handle, events);
    run.until(|e| matches!(e, EventKind::Located { .. })).await;
    run.go_to(1, "deploy").await;
    let reason = run.ask(Command::Run).await.unwrap_err();
    assert!(reason.contains("account 123456789012, us-east-1") && reason.contains("cost money"), "{reason}");
    assert!(bench.world.launched.lock().unwrap().is_empty());
    for _ in 0..2 {
        bench.world.deploys();
        assert_eq!(run.run().await.0, Verdict::Pass);
    }
    run.quit().await;
    // Whoever has deployed there is not asked by the next run.
    let mut again = bench.setup(Mode::Interactive);
    again.target = Target::Aws;
    let (handle, events) = super::super::start(again);
    let mut run = Run::of(handle, events);
    run.until(|e| matches!(e, EventKind::Located { .. })).await;
    bench.world.deploys();
    assert_eq!(run.run().await.0, Verdict::Pass);
    run.quit().await;
}

#[tokio::test]
async fn a_deploy_without_a_bootstrap_is_the_environments_fault() {
    let bench = Bench::new();
    *bench.world.unbootstrapped.lock().unwrap() = true;
    bench.world.launch(&[
        Act::Print(
            "❌  SSM parameter /cdk-bootstrap/hnb659fds/version not found. Has the environment been bootstrapped?",
        ),
        Act::Exit(1),
    ]);
    let mut run = at_deploy(&bench).await;
    let (verdict, failure) = run.run().await;
    let failure = failure.unwrap();
    assert_eq!((verdict, failure.kind), (Verdict::Error, workshop_base::problem::Kind::Environment));
    assert!(
        failure.actual.contains("not bootstrapped in account 123456789012, region us-east-1"),
        "{}",
        failure.actual
    );
    assert!(failure.hints[0].contains("npx cdk bootstrap"), "{:?}", failure.hints);
    run.quit().await;
}

#[tokio::test]
async fn the_root_cause_is_the_first_failure_that_is_not_a_cascade() {
    let bench = Bench::new();
    bench.world.launch(&[
        Act::Stack("UPDATE_IN_PROGRESS"),
        Act::Event("TheStack", STACK, "UPDATE_IN_PROGRESS", None),
        Act::Event("Slow", "AWS::Lambda::Function", "CREATE_IN_PROGRESS", None),
        Act::Event("Bad", "AWS::IAM::Policy", "CREATE_IN_PROGRESS", None),
        Act::Event("Slow", "AWS::Lambda::Function", "CREATE_FAILED", Some("Resource creation cancelled")),
        Act::Event("Bad", "AWS::IAM::Policy", "CREATE_FAILED", Some(WRAPPED)),
        Act::Event("TheStack", STACK, "UPDATE_ROLLBACK_COMPLETE", None),
        Act::Stack("UPDATE_ROLLBACK_COMPLETE"),
        Act::Print("❌  TheStack failed"),
        Act::Print("Source Location: new TheStack (/work/cdk/lib/stack.ts:51:5)"),
        Act::Print("Source Location: <anonymous> (/work/cdk/bin/app.ts:6:1)"),
        Act::Exit(1),
    ]);
    let mut run = at_deploy(&bench).await;
    let (verdict, failure) = run.run().await;
    let failure = failure.unwrap();
    assert_eq!(verdict, Verdict::Fail);
    let said = "Bad: Syntax errors in policy. (InvalidRequest) (the stack is UPDATE_ROLLBACK_COMPLETE)";
    assert_eq!(failure.actual, said);
    assert_eq!(failure.output[0], "❌  TheStack failed");
    assert_eq!(failure.hints[0], "look at /work/cdk/lib/stack.ts:51:5, which makes it");
    assert!(failure.hints[1].starts_with("the stack is as it was before"), "{:?}", failure.hints);
    let deploy = run.progress.deploy.clone().unwrap();
    let order: Vec<&str> = deploy.resources.iter().map(|r| r.logical_id.as_str()).collect();
    assert_eq!(order, ["Bad", "Slow"], "the root cause stands before its cascade");
    run.quit().await;
}

#[tokio::test]
async fn cancelling_stops_the_command_and_then_the_update() {
    let bench = Bench::new();
    bench.world.launch(&[
        Act::Stack("UPDATE_IN_PROGRESS"),
        Act::Event("TheStack", STACK, "UPDATE_IN_PROGRESS", None),
        Act::Hang,
    ]);
    let mut run = at_deploy(&bench).await;
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::ResourceChanged { .. })).await;
    run.send(Command::Cancel);
    let end = run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    assert!(matches!(end, EventKind::StepFinished { verdict: Verdict::Error, .. }));
    assert_eq!(*bench.world.cancelled_updates.lock().unwrap(), 1);
    run.quit().await;
}

#[tokio::test]
async fn a_deploy_is_let_go_once_it_is_in_the_cloud_and_found_again() {
    let bench = Bench::new();
    bench.world.launch(&[Act::Print("synth"), Act::Hang]);
    let mut run = at_deploy(&bench).await;
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::Output { lines, .. } if lines[0] == "synth")).await;
    run.send(Command::Detach);
    assert!(run.refused().await.contains("not reached the cloud"));
    bench.world.set_stack("UPDATE_IN_PROGRESS");
    bench.world.happen("TheStack", STACK, "UPDATE_IN_PROGRESS", None);
    run.until(|e| matches!(e, EventKind::ResourceChanged { .. })).await;
    assert_eq!(run.ask(Command::Detach).await, Ok(RequestOutcome::Complete));
    assert!(run.seen.iter().any(|e| matches!(e.kind, EventKind::Done { outcome: RequestOutcome::Detached, .. })));
    assert!(run.progress.running.is_none() && run.progress.deploy.as_ref().unwrap().detached);

    // Run again: it watches what is under way before it deploys.
    bench.world.deploys();
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::Output { lines, .. } if lines[0].contains("watching until that has ended")))
        .await;
    bench.world.happen("TheStack", STACK, "UPDATE_COMPLETE", None);
    bench.world.set_stack("UPDATE_COMPLETE");
    let end = run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    assert!(matches!(end, EventKind::StepFinished { verdict: Verdict::Pass, attempt: 2, .. }));
    run.quit().await;
}

#[tokio::test]
async fn who_waits_for_a_stack_waits_for_no_answer_longer_than_the_step_may_take() {
    for stopped in [false, true] {
        let mut bench = Bench::new();
        let mut course = (*bench.course).clone();
        let step = course.chapters[1].steps.iter_mut().find(|step| step.id == "deploy").unwrap();
        step.timeout = Duration::from_millis(if stopped { 600_000 } else { 1_500 });
        bench.course = Arc::new(course);
        bench.world.set_stack("UPDATE_IN_PROGRESS");
        bench.world.happen("TheStack", STACK, "UPDATE_IN_PROGRESS", None);
        let mut run = at_deploy(&bench).await;
        let deploy = run.send(Command::Run);
        run.until(|e| matches!(e, EventKind::ResourceChanged { .. })).await;
        // From now on nothing answers.
        *bench.world.slow.lock().unwrap() = Duration::from_secs(3600);
        if stopped {
            tokio::time::sleep(Duration::from_millis(50)).await;
            run.send(Command::Cancel);
        }
        assert_eq!(run.answer(deploy).await, Ok(RequestOutcome::Verdict(Verdict::Error)));
        let at_step = StepRef { chapter: 1, step: "deploy".into() };
        let said = run.progress.steps[&at_step].failure.clone().unwrap().actual;
        assert_eq!(said, if stopped { "it was cancelled" } else { "no end after 1.5 s" });
        run.quit().await;
    }
}

#[tokio::test]
async fn a_deploy_under_way_is_found_at_the_start() {
    let bench = Bench::new();
    bench.world.set_stack("UPDATE_IN_PROGRESS");
    let mut run = bench.start(Mode::Interactive);
    let found = run.until(|e| matches!(e, EventKind::DeployFound { .. })).await;
    assert_eq!(found, EventKind::DeployFound { status: "UPDATE_IN_PROGRESS".into() });
    run.quit().await;
}

#[tokio::test]
async fn nothing_to_change_after_a_rollback_is_no_failure() {
    // The cause is repaired: what is wanted is what the rollback left, and the stack goes on saying what was before.
    let bench = Bench::new();
    bench.world.set_stack("UPDATE_ROLLBACK_COMPLETE");
    bench.world.launch(&[Act::Print("✅  TheStack (no changes)"), Act::Print("TheStack.Role = arn:1"), Act::Exit(0)]);
    let mut run = at_deploy(&bench).await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    // One that takes something back now is one.
    bench.world.launch(&[
        Act::Event("TheStack", STACK, "UPDATE_IN_PROGRESS", None),
        Act::Event("TheStack", STACK, "UPDATE_ROLLBACK_COMPLETE", None),
        Act::Exit(0),
    ]);
    assert_eq!(run.run().await.0, Verdict::Fail);
    run.quit().await;
}

#[tokio::test]
async fn no_stack_after_the_command_said_all_is_well_is_still_a_failure() {
    let bench = Bench::new();
    bench.world.launch(&[Act::Gone, Act::Exit(0)]);
    let mut run = at_deploy(&bench).await;
    let (verdict, failure) = run.run().await;
    assert_eq!((verdict, failure.unwrap().actual.as_str()), (Verdict::Fail, "exit code 0, and the stack is not there"));
    run.quit().await;
}

#[tokio::test]
async fn what_a_deploy_came_to_that_nobody_watched_is_told_at_the_next_start() {
    let bench = Bench::new();
    bench.world.deploys();
    let mut run = bench.start(Mode::Interactive);
    run.until(|e| matches!(e, EventKind::Located { .. })).await;
    run.go_to(1, "deploy").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    run.quit().await;

    // Killed in its next deploy, before that reached the cloud: nothing is told of the one before.
    let mut saved = crate::record::saved(&bench.workdir()).unwrap().unwrap();
    let at_step = StepRef { chapter: 1, step: "deploy".into() };
    saved.progress.running = Some(at_step.clone());
    saved.progress.closed = None;
    saved.progress.steps.get_mut(&at_step).unwrap().verdict = None;
    let killed = serde_json::to_string(&saved).unwrap();
    bench.write(".workshop/session.json", &killed);
    let mut run = bench.start(Mode::Interactive);
    run.until(|e| matches!(e, EventKind::Located { .. })).await;
    run.send(Command::Pause);
    run.until(|e| matches!(e, EventKind::Paused)).await;
    assert!(run.progress.is_broken_off(&at_step));
    assert_eq!(run.progress.deploy_found, None);
    run.quit().await;

    // Killed later: the cloud went on alone.
    for (id, kind, status, reason) in [
        ("TheStack", STACK, "UPDATE_IN_PROGRESS", None),
        ("Policy", "AWS::IAM::Policy", "UPDATE_IN_PROGRESS", None),
        ("Policy", "AWS::IAM::Policy", "UPDATE_FAILED", Some("Syntax errors in policy.")),
        ("TheStack", STACK, "UPDATE_ROLLBACK_COMPLETE", None),
    ] {
        bench.world.happen(id, kind, status, reason);
    }
    bench.world.set_stack("UPDATE_ROLLBACK_COMPLETE");
    bench.write(".workshop/session.json", &killed);
    let mut run = bench.start(Mode::Interactive);
    let found = run.until(|e| matches!(e, EventKind::DeployFound { .. })).await;
    assert_eq!(found, EventKind::DeployFound { status: "UPDATE_ROLLBACK_COMPLETE".into() });
    let deploy = run.progress.deploy.clone().unwrap();
    assert_eq!(deploy.root_cause, Some(("Policy".into(), "Syntax errors in policy.".into())));
    let phase = deploy.phases.last().unwrap();
    assert_eq!((phase.phase, phase.took_ms), (Phase::Resources, Some(300)));
    assert!(run.progress.is_broken_off(&at_step), "it is for the step to say whether that is well");
    run.quit().await;
}

#[tokio::test]
async fn what_a_stack_gives_out_no_more_is_known_no_more() {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    let steps = &mut course.chapters[1].steps;
    let action = StepAction::Deploy(DeployAction::Destroy.into());
    let destroy = Step { id: "destroy".into(), action, ..steps[1].clone() };
    steps.insert(2, destroy);
    bench.course = Arc::new(course);
    bench.world.deploys();
    bench.world.launch(&[
        Act::Print("TheStack: destroying..."),
        Act::Event("TheStack", "AWS::CloudFormation::Stack", "DELETE_IN_PROGRESS", None),
        Act::Event("TheStack", "AWS::CloudFormation::Stack", "DELETE_COMPLETE", None),
        // By its ARN it can be asked for still.
        Act::Stack("DELETE_COMPLETE"),
        Act::Exit(0),
    ]);
    let mut run = at_deploy(&bench).await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert!(run.progress.outputs.contains_key("DSQL"));
    run.go_to(1, "destroy").await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert!(run.progress.outputs.is_empty(), "{:?}", run.progress.outputs);
    run.quit().await;
}

/// A run in an account: one by itself, or a person's.
fn in_account(setup: EngineConfig) -> Run {
    let (handle, events) = super::super::start(EngineConfig { target: Target::Aws, ..setup });
    Run::of(handle, events)
}

#[tokio::test]
async fn a_run_by_itself_leaves_a_stack_alone_that_somebody_else_has_made_in_the_account() {
    let bench = Bench::new();
    let mut run = in_account(bench.setup(Mode::Scratch));
    run.opened().await;
    run.go_to(1, "deploy").await;
    // It was not there when this run looked, and another was faster.
    bench.world.set_stack("CREATE_IN_PROGRESS");
    let (verdict, failure) = run.run().await;
    let failure = failure.unwrap();
    assert_eq!((verdict, failure.kind), (Verdict::Error, Kind::Environment));
    assert!(failure.actual.contains("somebody else has made it since"), "{}", failure.actual);
    assert!(bench.world.launched.lock().unwrap().is_empty());
    let begun = run.seen.iter().any(|event| matches!(event.kind, EventKind::PhaseStarted { .. }));
    assert!(!begun, "by that it is known what is to be deleted in the end");
    *bench.world.stack.lock().unwrap() = None;
    for _ in 0..2 {
        bench.world.deploys();
        assert_eq!(run.run().await.0, Verdict::Pass, "what it has made itself it changes again");
    }
    run.quit().await;
}

#[tokio::test]
async fn an_account_that_is_another_one_than_before_is_not_changed_before_that_is_told() {
    let bench = Bench::new();
    let mut run = in_account(bench.setup(Mode::Interactive));
    run.until(|e| matches!(e, EventKind::Reached { .. })).await;
    run.quit().await;
    let session = bench.read(".workshop/session.json").unwrap();
    assert!(session.contains("123456789012"));
    bench.write(".workshop/session.json", &session.replace("123456789012", "210987654321"));
    // Whoever they are is said later than somebody presses a key.
    let (asked, answers) = (Arc::new(tokio::sync::Notify::new()), bench.world.clone());
    let gate = asked.clone();
    let prepare: crate::cloud::Prepare = Arc::new(move |_| {
        let (gate, world) = (gate.clone(), answers.clone());
        Box::pin(async move {
            gate.notified().await;
            Ok(world as Arc<dyn CloudTarget>)
        })
    });
    let mut run = in_account(EngineConfig { prepare, ..bench.setup(Mode::Interactive) });
    run.opened().await;
    run.go_to(1, "deploy").await;
    let costs = run.ask(Command::Run).await.unwrap_err();
    assert!(costs.contains("your AWS account"), "{costs}");
    let id = run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::StepStarted { .. })).await;
    asked.notify_one();
    let end = run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    let EventKind::StepFinished { verdict, failure: Some(failure), .. } = end else { panic!("{end:?}") };
    let said =
        "this is account 123456789012, us-east-1; what was done here so far is in account 210987654321, us-east-1";
    assert_eq!((verdict, failure.actual.as_str()), (Verdict::Error, said));
    run.answer(id).await.unwrap();
    assert!(bench.world.launched.lock().unwrap().is_empty());
    let costs = run.ask(Command::Run).await.unwrap_err();
    assert!(costs.contains("account 123456789012"), "whose it is is asked about: {costs}");
    bench.world.deploys();
    assert_eq!(run.run().await.0, Verdict::Pass);
    run.quit().await;
}

#[tokio::test]
async fn a_package_that_the_project_does_not_name_is_not_brought_by_installing() {
    let bench = Bench::new();
    bench.world.set_stack("UPDATE_COMPLETE");
    let mut run = at_deploy(&bench).await;
    bench.write("package-lock.json", r#"{"packages": {"node_modules/pg": {}}}"#);
    for (said, advice) in [
        ("Error: Cannot find module 'pg/lib'", "`npm install` in the project's root"),
        ("Error: Cannot find module 'pgg'", "`pgg` is not among the project's packages"),
    ] {
        bench.world.launch(&[Act::Print(said), Act::Exit(1)]);
        let hints = run.run().await.1.unwrap().hints;
        assert!(hints[0].contains(advice), "{hints:?}");
    }
    run.quit().await;
}
