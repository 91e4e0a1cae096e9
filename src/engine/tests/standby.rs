//! A talk in an account, the standby that follows it, and the way from one to the other.

use super::*;
use crate::cloud::Prepare;
use crate::command::{BringTo, Refusal};
use crate::config::StandbyConfig;

fn always(world: &Arc<Script>) -> Prepare {
    let world = world.clone();
    Arc::new(move |_| {
        let world: Arc<dyn CloudTarget> = world.clone();
        Box::pin(std::future::ready(Ok(world)))
    })
}

fn setup(bench: &Bench, there: &Arc<Script>) -> EngineConfig {
    let standby = StandbyConfig {
        start: super::super::start,
        workdir: bench.workdir().join(".workshop/standby"),
        prepare: always(there),
        follow: always(there),
        states: None,
        template_check: None,
    };
    EngineConfig { target: Target::Aws, standby: Some(standby), ..bench.setup(Mode::Interactive) }
}

/// A talk in an account that has a network before it, and its standby's sandbox.
fn talk() -> (Bench, Arc<Script>) {
    let bench = Bench::new();
    *bench.world.network.lock().unwrap() = Some(true);
    (bench, Arc::default())
}

pub(super) fn start(config: EngineConfig) -> Run {
    let (handle, events) = super::super::start(config);
    Run::of(handle, events)
}

impl Run {
    /// Waits until the standby has done what is done in the account.
    async fn level(&mut self) {
        if !self.progress.standby.as_ref().is_some_and(StandbyState::is_level) {
            self.until(|e| matches!(e, EventKind::Standby { state } if state.is_level())).await;
        }
    }

    /// Goes to the deploy, and runs it: the first in an account says what it costs.
    async fn deploy(&mut self) {
        self.go_to(1, "deploy").await;
        assert!(self.ask(Command::Run).await.unwrap_err().contains("cost"));
        assert_eq!(self.run().await.0, Verdict::Pass);
    }

    async fn move_to(&mut self, to: BringTo) -> Vec<StepRef> {
        let from = self.seen.len();
        assert_eq!(self.ask(Command::Bring { to }).await, Ok(RequestOutcome::Complete));
        let behind = self.seen[from..].iter().find_map(|event| match &event.kind {
            EventKind::Switched { behind, .. } => Some(behind.clone()),
            _ => None,
        });
        behind.expect("the talk is elsewhere")
    }
}

fn at(chapter: u32, step: &str) -> StepRef {
    StepRef { chapter, step: step.to_owned() }
}

#[tokio::test]
async fn the_standby_does_what_was_done_with_the_files_that_it_was_done_with() {
    let (bench, there) = talk();
    bench.world.deploys();
    there.deploys();
    let mut run = start(setup(&bench, &there));
    run.opened().await;
    run.go_to(0, "copy").await;
    run.run().await;
    run.go_to(0, "test").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    run.level().await;
    bench.write("src/own.ts", "mine\n");
    run.deploy().await;
    run.level().await;
    let standby = bench.workdir().join(".workshop/standby");
    assert_eq!(there.launched.lock().unwrap().len(), 1);
    assert!(there.cwds.lock().unwrap()[0].starts_with(&standby));
    assert_eq!(bench.read(".workshop/standby/src/own.ts").as_deref(), Some("mine\n"));
    assert_eq!(bench.read(".workshop/standby/src/app.ts"), bench.read("src/app.ts"));
    assert!(!bench.workdir().join(".workshop/standby/.workshop/standby").exists());
    run.quit().await;
    // It goes on where it was, and has nothing to do.
    let mut again = start(setup(&bench, &there));
    again.level().await;
    assert_eq!(there.launched.lock().unwrap().len(), 1);
    again.quit().await;
}

#[tokio::test]
async fn a_talk_moves_off_an_account_that_does_not_answer_and_back_when_it_does() {
    let (bench, there) = talk();
    bench.world.deploys();
    there.deploys();
    let mut run = start(setup(&bench, &there));
    run.opened().await;
    run.deploy().await;
    run.level().await;
    run.go_to(1, "refused").await;
    *bench.world.never_answers.lock().unwrap() = true;
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::StepStarted { .. })).await;
    *bench.world.network.lock().unwrap() = Some(false);
    run.until(|e| matches!(e, EventKind::AccountGone { .. })).await;

    assert_eq!(run.move_to(BringTo::Standby).await, []);
    assert!(run.progress.on_standby && run.progress.is_done(&at(1, "deploy")));
    assert_eq!(run.progress.position, Some(Position { chapter: 1, step: "refused".into() }));
    assert_eq!(run.progress.outputs["DSQL"].value, "it's a value");
    assert_eq!(run.progress.reached.as_ref().map(|here| here.target), Some(Target::Local));
    there.answer("", Some("access denied"));
    let asked = bench.world.asked.lock().unwrap().len();
    assert_eq!(run.run().await.0, Verdict::FailedAsExpected);
    assert_eq!(bench.world.asked.lock().unwrap().len(), asked, "nothing of it reaches the account");
    assert_eq!(there.asked.lock().unwrap().last().unwrap(), r#"the-function {"n": 1}"#);

    // It is not gone back to before it answers, and its answer is told.
    let refused = run.ask(Command::Bring { to: BringTo::Account }).await;
    assert!(matches!(refused, Ok(RequestOutcome::Failed(_))), "{refused:?}");
    assert!(run.progress.on_standby);
    *bench.world.network.lock().unwrap() = Some(true);
    run.until(|e| matches!(e, EventKind::AccountBack)).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(run.move_to(BringTo::Account).await, [at(1, "refused")], "what is missing there is told");
    assert_eq!(run.seen.iter().filter(|event| matches!(event.kind, EventKind::AccountBack)).count(), 1, "once");
    assert!(!run.progress.on_standby && run.progress.is_done(&at(1, "deploy")));
    assert_eq!(run.progress.reached.as_ref().map(|here| here.target), Some(Target::Aws));
    *bench.world.never_answers.lock().unwrap() = false;
    bench.world.answer("", Some("access denied"));
    // What is done once more here is done once more there.
    there.answer("", Some("access denied"));
    let asked = there.asked.lock().unwrap().len();
    assert_eq!(run.run().await.0, Verdict::FailedAsExpected);
    run.level().await;
    assert_eq!(there.asked.lock().unwrap().len(), asked + 1);
    // What is repaired there already does not keep it from going on.
    bench.world.answer("", Some("access denied"));
    there.answer("{}", None);
    assert_eq!(run.run().await.0, Verdict::FailedAsExpected);
    run.level().await;
    assert!(run.progress.standby.as_ref().is_some_and(|state| state.problem.is_none()));
    // And what is done once more is tried there each time, as often as the talk does it.
    bench.world.answer("", Some("access denied"));
    there.answer("{}", None);
    let asked = there.asked.lock().unwrap().len();
    assert_eq!(run.run().await.0, Verdict::FailedAsExpected);
    run.level().await;
    assert_eq!(there.asked.lock().unwrap().len(), asked + 1);
    // Moved onto, the standby has it as it was done.
    assert_eq!(run.move_to(BringTo::Standby).await, []);
    assert!(run.progress.is_done(&at(1, "refused")), "{:?}", run.progress.steps[&at(1, "refused")]);
    assert!(run.progress.checks.values().all(|check| check.verdict.is_some()));
    run.move_to(BringTo::Account).await;
    run.level().await;
    run.quit().await;
    // Nor does it do that again, or anything else, when the talk goes on another day.
    there.answer("{}", None);
    let (asked, launched) = (asked + 1, there.launched.lock().unwrap().len());
    let mut again = start(setup(&bench, &there));
    again.until(|e| matches!(e, EventKind::Standby { state } if state.is_ready)).await;
    again.level().await;
    again.quit().await;
    assert_eq!((there.asked.lock().unwrap().len(), there.launched.lock().unwrap().len()), (asked, launched));
}

#[tokio::test]
async fn checks_that_a_talk_leaves_in_the_account_were_given_up() {
    let (bench, there) = talk();
    *bench.world.never_answers.lock().unwrap() = true;
    let mut run = start(setup(&bench, &there));
    run.opened().await;
    run.level().await;
    let at_check = CheckRef { chapter: 1, check: "answers".into() };
    let checks = run.send(Command::Check { checks: vec![at_check.clone()], must_fail: false });
    run.until(|e| matches!(e, EventKind::CheckStarted { .. })).await;
    run.send(Command::Bring { to: BringTo::Standby });
    assert_eq!(run.answer(checks).await, Ok(RequestOutcome::Verdict(Verdict::Error)));
    let state = &run.progress.checks[&at_check];
    let failure = state.failure.as_ref().unwrap();
    assert_eq!((state.verdict, failure.kind), (Some(Verdict::Error), workshop_base::problem::Kind::Interrupted));
    run.until(|e| matches!(e, EventKind::Switched { .. })).await;
    run.quit().await;
}

#[tokio::test]
async fn a_move_that_waits_for_its_standby_can_be_stopped_and_can_do_without_it() {
    let (bench, there) = talk();
    bench.world.deploys();
    there.launch(&[Act::Hang]);
    let mut run = start(setup(&bench, &there));
    run.opened().await;
    run.deploy().await;
    let waits = |e: &EventKind| matches!(e, EventKind::Bringing { to: BringTo::Standby, total: 1.., .. });
    run.send(Command::Bring { to: BringTo::Standby });
    run.until(waits).await;
    assert_eq!(run.ask(Command::Cancel).await, Ok(RequestOutcome::Complete));
    assert!(!run.progress.on_standby && run.progress.bringing.is_none());
    let first = run.send(Command::Bring { to: BringTo::Standby });
    run.until(waits).await;
    let again = run.send(Command::Bring { to: BringTo::Standby });
    assert_eq!(run.answer(first).await, Ok(RequestOutcome::Complete));
    assert!(run.progress.on_standby, "until then it goes on, and is told to");
    assert_eq!(run.answer(again).await, Ok(RequestOutcome::Complete));
    run.quit().await;
}

#[tokio::test]
async fn a_talk_that_was_left_on_its_standby_goes_on_there() {
    let (bench, there) = talk();
    let mut run = start(setup(&bench, &there));
    run.opened().await;
    run.go_to(0, "copy").await;
    run.run().await;
    run.move_to(BringTo::Standby).await;
    run.quit().await;
    assert_eq!(crate::begun(&bench.workdir()).unwrap().map(|begun| begun.target), Some(Target::Aws));
    *bench.world.network.lock().unwrap() = Some(false);
    let mut again = start(setup(&bench, &there));
    again.until(|e| matches!(e, EventKind::Located { .. })).await;
    assert!(again.progress.on_standby && again.progress.is_done(&at(0, "copy")));
    assert!(again.progress.reached.as_ref().is_some_and(|here| here.target == Target::Local));
    again.quit().await;
    // Without one it is in the account again, with what was done there.
    let mut without = start(EngineConfig { standby: None, ..setup(&bench, &there) });
    without.until(|e| matches!(e, EventKind::Switched { onto_standby: false, .. })).await;
    assert!(!without.progress.on_standby);
    without.quit().await;
}

#[tokio::test]
async fn a_standby_that_is_behind_is_waited_for_and_what_it_cannot_do_is_told() {
    let (bench, there) = talk();
    bench.world.deploys();
    there.deploys();
    *there.slow.lock().unwrap() = Duration::from_millis(100);
    let mut run = start(setup(&bench, &there));
    run.opened().await;
    run.deploy().await;
    assert!(!run.progress.standby.as_ref().unwrap().behind.is_empty(), "it has just been told");
    let from = run.seen.len();
    assert_eq!(run.move_to(BringTo::Standby).await, []);
    let waits = |event: &Event| matches!(event.kind, EventKind::Bringing { to: BringTo::Standby, done: 0, total: 1.. });
    assert!(run.seen[from..].iter().any(waits), "it is told how far it is");
    run.move_to(BringTo::Account).await;
    bench.world.deploys();
    there.launch(&[Act::Exit(9)]);
    there.launch(&[Act::Exit(9)]);
    assert_eq!(run.run().await.0, Verdict::Pass);
    run.until(|e| matches!(e, EventKind::Standby { state } if state.problem.is_some())).await;
    assert_eq!(run.move_to(BringTo::Standby).await, [at(1, "deploy")]);
    run.quit().await;
}

#[tokio::test]
async fn an_account_that_answers_too_late_does_not_take_the_talk_back() {
    let (bench, there) = talk();
    let (account, let_go) = (bench.world.clone(), Arc::new(tokio::sync::Notify::new()));
    let waits = let_go.clone();
    let prepare: Prepare = Arc::new(move |_| {
        let (world, waits) = (account.clone(), waits.clone());
        Box::pin(async move {
            waits.notified().await;
            Ok(world as Arc<dyn CloudTarget>)
        })
    });
    let mut run = start(EngineConfig { prepare, ..setup(&bench, &there) });
    run.opened().await;
    run.move_to(BringTo::Standby).await;
    let_go.notify_waiters();
    run.until(|e| matches!(e, EventKind::Located { .. })).await;
    run.go_to(1, "refused").await;
    there.answer("", Some("access denied"));
    assert_eq!(run.run().await.0, Verdict::FailedAsExpected);
    assert!(bench.world.asked.lock().unwrap().is_empty());
    run.quit().await;
}

#[tokio::test]
async fn where_nothing_follows_there_is_nothing_to_move_onto() {
    let (bench, there) = talk();
    let mut run = start(EngineConfig { standby: None, ..setup(&bench, &there) });
    run.opened().await;
    run.ask(Command::Bring { to: BringTo::Standby }).await.unwrap_err();
    let because = |e: &Event| matches!(e.kind, EventKind::Refused { because: Refusal::Unsupported, .. });
    assert!(run.seen.iter().any(because));
    run.quit().await;
}
