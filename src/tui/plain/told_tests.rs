//! Lines say what the screen says.

use super::state::Plain;
use crate::tui::fixture;
use workshop_course::lesson::model::{ActionKind, Target};
use workshop_engine::command::{BringTo, Command, CommandKind};
use workshop_engine::event::{CheckRef, Event, EventKind, Failure, Position, RequestOutcome, StepRef, Verdict};

fn tell(plain: &mut Plain, kind: EventKind) -> Vec<String> {
    plain.event(&Event { seq: 1, at: 0, kind })
}

fn at(step: &str, target: Target) -> Plain {
    let mut course = (*fixture::course()).clone();
    course.chapters[1].steps[1].while_running = Some("Meanwhile: ${outputs.Url}".into());
    course.chapters[1].checks[0].hints = vec!["Open ${outputs.Url}".into()];
    let mut plain = Plain::new(std::sync::Arc::new(course));
    let position = Position { chapter: 1, step: step.into() };
    tell(&mut plain, EventKind::Opened { title: "c".into(), target, workdir: "w".into(), position });
    plain
}

fn started(step: &str, action: ActionKind) -> EventKind {
    let at_step = StepRef { chapter: 1, step: step.into() };
    EventKind::StepStarted { at_step, attempt: 1, action, expects_failure: false, usual_ms: None }
}

fn finished(step: &str, verdict: Verdict) -> EventKind {
    let at_step = StepRef { chapter: 1, step: step.into() };
    EventKind::StepFinished { at_step, attempt: 1, verdict, took_ms: 5, failure: None }
}

#[test]
fn where_everything_was_put_is_told_for_what_it_is() {
    for (to, said) in [
        (BringTo::Chapter(1), Some("Everything is as chapter 1 begins; bring back takes that back.")),
        (BringTo::Before, Some("Everything is as it was before.")),
        (BringTo::Standby, None),
        (BringTo::Account, None),
    ] {
        let mut plain = at("deploy", Target::Local);
        tell(&mut plain, EventKind::Bringing { to, done: 0, total: 0 });
        let outcome = RequestOutcome::Complete;
        let told = tell(&mut plain, EventKind::Done { id: 1, command: CommandKind::Bring, outcome });
        assert_eq!(told.first().map(String::as_str), said, "{to:?}");
    }
}

#[test]
fn a_hint_is_promised_where_there_is_one() {
    let mut plain = at("deploy", Target::Local);
    tell(&mut plain, EventKind::StackOutput { key: "Url".into(), value: "https://x".into(), description: None });
    let told = tell(&mut plain, started("deploy", ActionKind::Deploy));
    assert!(told.contains(&"Meanwhile: https://x".to_owned()), "{told:?}");
    let (asked, said) = plain.line("quit");
    assert!(asked.is_empty() && said[0].starts_with("“Deploy the cluster” still runs"), "{said:?}");
    assert!(plain.line("status").1.contains(&"Running: Deploy the cluster.".to_owned()));
    let told = tell(&mut plain, finished("deploy", Verdict::Fail));
    assert_eq!(told.last().map(String::as_str), Some("run tries again."));
    tell(
        &mut plain,
        EventKind::CheckFinished {
            at_check: CheckRef { chapter: 1, check: "connects".into() },
            title: "it connects".into(),
            verdict: Verdict::Fail,
            attempts: 1,
            took_ms: 0,
            failure: Some(Failure { on_fail: Some("Not at ${outputs.Url}".into()), ..Failure::default() }),
        },
    )
    .iter()
    .find(|line| *line == "  why: Not at https://x")
    .expect("what the author says of it");
    assert!(plain.line("").1[0].ends_with("next goes on without it, hint helps."));
    assert_eq!(plain.line("hint").1, ["Hint 1 of 1 for “The function connects”: Open https://x"]);
    assert_eq!(plain.line("hint").1, ["There are no more hints here."]);
    assert!(plain.line("").1[0].ends_with("next goes on without it."));
}

#[test]
fn an_edit_that_was_taken_back_is_told_as_open() {
    let mut plain = at("cluster", Target::Local);
    let told = |plain: &mut Plain| plain.line("outline").1.into_iter().find(|line| line.starts_with("1.1 "));
    tell(&mut plain, started("cluster", ActionKind::Edit));
    tell(&mut plain, finished("cluster", Verdict::Pass));
    assert_eq!(told(&mut plain).as_deref(), Some("1.1  Add a cluster, passed, you are here"));
    tell(&mut plain, EventKind::HunksApplied { chapter: 1, hunks: Vec::new(), own: Vec::new() });
    assert_eq!(told(&mut plain).as_deref(), Some("1.1  Add a cluster, you are here"));
    tell(&mut plain, EventKind::Moved { position: Position { chapter: 1, step: "deploy".into() } });
    assert_eq!(told(&mut plain).as_deref(), Some("1.1  Add a cluster"), "it was tried, and is not there");
}

#[test]
fn what_was_meant_to_fail_leads_where_that_helps() {
    for (target, back) in
        [(Target::Local, "bring brings everything to where this chapter begins."), (Target::Aws, "run already.")]
    {
        let mut plain = at("refused", target);
        let told = tell(&mut plain, finished("refused", Verdict::PassedUnexpectedly));
        assert!(told.last().is_some_and(|line| line.starts_with("Alarm: ") && line.ends_with(back)), "{told:?}");
    }
    let mut plain = at("refused", Target::Local);
    for (verdict, leads) in [(Verdict::Fail, false), (Verdict::FailedAsExpected, true)] {
        tell(&mut plain, started("refused", ActionKind::Check));
        tell(&mut plain, finished("refused", verdict));
        let asked = plain.line("repair").0.into_iter().map(|request| request.command).next();
        assert_eq!(asked.is_some(), leads, "{verdict:?}");
        assert!(asked.is_none_or(|command| command == Command::GoTo { chapter: 1, step: Some("grant".into()) }));
    }
}

fn failed(check: &str, verdict: Verdict) -> EventKind {
    EventKind::CheckFinished {
        at_check: CheckRef { chapter: 1, check: check.into() },
        title: check.into(),
        verdict,
        attempts: 1,
        took_ms: 0,
        failure: None,
    }
}

#[test]
fn each_hint_is_told_once_whichever_checks_fail() {
    let mut plain = at("prove", Target::Local);
    let hint = |plain: &mut Plain| plain.line("hint").1.remove(0);
    tell(&mut plain, failed("connects", Verdict::Fail));
    assert!(hint(&mut plain).starts_with("Hint 1 of 1 for “The function connects”"));
    tell(&mut plain, failed("connects", Verdict::Pass));
    tell(&mut plain, failed("grants", Verdict::Fail));
    assert!(hint(&mut plain).starts_with("Hint 1 of 2 for “The role may connect”"), "its first is not passed over");
    assert!(hint(&mut plain).starts_with("Hint 2 of 2 for “The role may connect”"));
    assert_eq!(hint(&mut plain), "There are no more hints here.");
}

#[test]
fn what_was_cancelled_is_told_as_that() {
    let mut plain = at("deploy", Target::Local);
    let at_step = StepRef { chapter: 1, step: "deploy".into() };
    tell(&mut plain, started("deploy", ActionKind::Deploy));
    let resource = r#"{"logical_id":"Stack","resource_type":"AWS::CloudFormation::Stack","status":"CREATE_IN_PROGRESS","started":1}"#;
    let resource = serde_json::from_str(resource).expect("a resource");
    tell(&mut plain, EventKind::ResourceChanged { at_step: at_step.clone(), resource });
    let failure = Failure { kind: workshop_base::problem::Kind::Interrupted, ..Failure::default() };
    let end = |failure| EventKind::StepFinished {
        at_step: at_step.clone(),
        attempt: 1,
        verdict: Verdict::Error,
        took_ms: 5,
        failure: Some(failure),
    };
    let told = tell(&mut plain, end(failure));
    assert_eq!(
        told,
        [
            "Deploy the cluster: cancelled after 5 ms.",
            "The stack was CREATE_IN_PROGRESS by then, and CloudFormation goes on with that to its end. Running the step \
             again finds it.",
            "run runs it again.",
        ]
    );
    assert!(plain.line("").1[0].starts_with("This step was cancelled. run tries again"));
    assert!(plain.line("outline").1.iter().any(|line| line.starts_with("1.2  Deploy the cluster, cancelled")));
}

#[test]
fn a_transaction_that_is_open_is_not_left_without_a_word() {
    for by_hand in [true, false] {
        let mut plain = at("deploy", Target::Local);
        plain.by_hand = by_hand;
        let opened = EventKind::SessionOpened { session: "A".into(), role: "admin".into(), host: "h".into() };
        tell(&mut plain, opened);
        let leaves = |plain: &mut Plain| plain.line("quit").0.len() == 1;
        let (session, tx) = ("A".to_owned(), workshop_engine::event::TxState::Open);
        tell(&mut plain, EventKind::SqlStarted { id: 3, session: session.clone(), text: "begin;".into() });
        tell(
            &mut plain,
            EventKind::SqlFinished { id: 3, session, tx, rows: 0, took_ms: 1, error: None, prompts: None },
        );
        assert!(plain.line("status").1.contains(&"Session A: open, as admin, in a transaction.".to_owned()));
        if by_hand {
            let (asked, said) = plain.line("quit");
            assert!(asked.is_empty() && said[0].starts_with("Session A is in a transaction"), "{said:?}");
            plain.line("status");
            assert!(!leaves(&mut plain), "another line is no answer");
        }
        assert!(leaves(&mut plain), "who says it again means it; a script has said it");
    }
}

#[test]
fn the_status_tells_what_the_screens_first_row_tells() {
    let mut plain = at("deploy", Target::Local);
    tell(&mut plain, EventKind::Undeployed { files: vec!["a.ts".into(), "b.ts".into()] });
    tell(&mut plain, EventKind::Paused);
    tell(&mut plain, EventKind::Simulated { conditions: vec!["the clock is 16 minutes ahead".into()] });
    let told = plain.line("status").1;
    for line in [
        "Not deployed as it is now: a.ts, b.ts.",
        "The stage clock is paused: resume lets it run on.",
        "For this step: the clock is 16 minutes ahead.",
    ] {
        assert!(told.contains(&line.to_owned()), "{told:?}");
    }
}

#[test]
fn a_plan_of_another_time_is_none_to_compare_with() {
    let explain = |plain: &mut Plain, rows: u32| {
        let session = "A".to_owned();
        let text = "EXPLAIN ANALYZE SELECT 1 FROM t;".to_owned();
        tell(plain, EventKind::SqlStarted { id: 3, session: session.clone(), text });
        let row =
            format!("Seq Scan on t  (cost=0.00..1.01 rows={rows} width=4) (actual time=1.0..1.0 rows={rows} loops=1)");
        let lines = vec![(workshop_engine::event::SqlLine::Row, row)];
        tell(plain, EventKind::SqlText { id: 3, session: session.clone(), lines });
        let tx = workshop_engine::event::TxState::Idle;
        let end = EventKind::SqlFinished { id: 3, session, tx, rows: 1, took_ms: 1, error: None, prompts: None };
        tell(plain, end).into_iter().find(|line| line.starts_with("In short")).expect("a plan")
    };
    let mut plain = at("deploy", Target::Local);
    explain(&mut plain, 7);
    assert!(explain(&mut plain, 9).contains("before 7 rows"));
    tell(&mut plain, EventKind::StateRestored { progress: Default::default() });
    assert!(!explain(&mut plain, 5).contains("before"));
}

#[test]
fn a_phase_that_failed_is_told_as_such_and_files_by_their_place() {
    let mut plain = at("deploy", Target::Local);
    tell(&mut plain, started("deploy", ActionKind::Deploy));
    let at_step = StepRef { chapter: 1, step: "deploy".into() };
    let phase = workshop_engine::event::Phase::Synth;
    let finished = |failed| EventKind::PhaseFinished { at_step: at_step.clone(), phase, took_ms: 3_000, failed };
    assert_eq!(tell(&mut plain, finished(false)), ["Synthesize: 3.0 s"]);
    assert_eq!(tell(&mut plain, finished(true)), ["Synthesize: failed after 3.0 s"]);
    plain.progress.workdir = Some("/home/me/app".into());
    let failure = Failure { actual: "/home/me/app/cdk/lib/a.ts:3:1: no".into(), ..Failure::default() };
    let (at_step, verdict) = (at_step.clone(), Verdict::Fail);
    let told =
        tell(&mut plain, EventKind::StepFinished { at_step, attempt: 1, verdict, took_ms: 5, failure: Some(failure) });
    assert!(told.contains(&"  got: cdk/lib/a.ts:3:1: no".to_owned()), "{told:?}");
}
