//! Whole walks, and what they leave.

use super::*;
use crate::walk::{Beginning, Ended, Plan, WalkLimits, walk};
use workshop_base::problem::Kind;
use workshop_course::lesson::model::{CourseCommand, Template};

/// The answers that make every step of the small course come out as declared.
fn well(bench: &Bench) {
    bench.world.deploys();
    bench.world.answer("", Some("unable to accept connection, access denied"));
    for _ in 0..3 {
        bench.world.answer(r#"{"n": 2}"#, None);
    }
}

async fn walk_all(bench: &Bench, plan: &Plan) -> (Ended, Vec<Event>) {
    let mut seen = Vec::new();
    let limits = WalkLimits::default();
    let ended = walk(bench.setup(Mode::Scratch), plan, Beginning::default(), &limits, |e| seen.push(e.clone())).await;
    (ended, seen)
}

/// `step verdict` and `check verdict`, in order.
fn verdicts(seen: &[Event]) -> Vec<String> {
    let of = |event: &Event| match &event.kind {
        EventKind::StepFinished { at_step, verdict, .. } => {
            Some(format!("{}/{} {verdict:?}", at_step.chapter, at_step.step))
        }
        EventKind::CheckFinished { at_check, verdict, .. } => {
            Some(format!("  {}/{} {verdict:?}", at_check.chapter, at_check.check))
        }
        _ => None,
    };
    seen.iter().filter_map(of).collect()
}

#[tokio::test]
async fn a_walk_runs_every_step_and_then_the_last_chapters_checks() {
    let bench = Bench::new();
    well(&bench);
    bench.world.result(StatementResult { tag: "GRANT".into(), ..StatementResult::default() });
    let feed = bench.world.clone();
    let mut seen = Vec::new();
    let limits = WalkLimits::default();
    let ended = walk(bench.setup(Mode::Scratch), &Plan::Through(1), Beginning::default(), &limits, |e| {
        // The session has taken its results when the grant is over; then come those of the checks.
        if matches!(&e.kind, EventKind::StepFinished { at_step, .. } if at_step.step == "grant") {
            feed.result(rows(&["n"], &[&["2"]]));
            feed.result(rows(&["n"], &[&["2"]]));
        }
        seen.push(e.clone());
    })
    .await;
    assert_eq!(
        verdicts(&seen),
        [
            "0/look Pass",
            "0/copy Pass",
            "  0/has-app Pass",
            "0/test Pass",
            "1/change Pass",
            "1/deploy Pass",
            "1/refused FailedAsExpected",
            "1/grant Pass",
            "1/shell Pass",
            "1/more Pass",
            "  1/answers Pass",
            "  1/moved Pass",
            "1/test Pass",
            "  1/answers Pass",
            "  1/moved Pass",
        ]
    );
    assert_eq!(ended, Ended { verdict: Verdict::Pass, kind: None });
    assert_eq!(bench.read("src/app.ts").as_deref(), Some(APP1));
    let asked = bench.world.asked.lock().unwrap();
    assert!(asked.contains(&"admin: SELECT n FROM t WHERE n = '2'".to_owned()), "{asked:?}");
    let mut live = Progress::default();
    seen.iter().for_each(|e| live.apply(e));
    agree(&seen, &live, &bench.workdir());
    assert_eq!(live.captures["n"], 2);
    assert_eq!(live.chapters[&0].verdict, Verdict::Pass);
    assert_eq!(live.chapters[&1].verdict, Verdict::Pass);
}

/// Whenever a run is killed: the next one begins with what it had saved.
#[tokio::test]
async fn every_prefix_of_the_events_is_a_valid_state_to_begin_with() {
    let bench = Bench::new();
    bench.world.deploys();
    bench.world.answer(r#"{"n": 2}"#, None);
    let (_, seen) = walk_all(&bench, &Plan::Through(1)).await;
    let mut left = Progress::default();
    for event in &seen {
        left.apply(event);
        begins_anew(&left);
        let mut record = crate::record::claim(&bench.workdir()).unwrap();
        record.save(&crate::record::Saved { progress: left.clone(), ..Default::default() }).unwrap();
        drop(record);
        let mut run = bench.start(Mode::Interactive);
        run.opened().await;
        assert_eq!(run.progress.position, left.position, "after {event:?}");
        assert_eq!(run.progress.running, None);
        let done = |of: &Progress| of.steps.values().filter(|step| step.verdict.is_some()).count();
        assert_eq!(done(&run.progress), done(&left), "after {event:?}");
        run.quit().await;
    }
}

#[tokio::test]
async fn a_walk_stops_at_the_first_step_that_is_not_good_and_says_so() {
    let bench = Bench::new();
    bench.world.deploys();
    bench.world.answer(r#"{"n": 2}"#, None);
    let (ended, seen) = walk_all(&bench, &Plan::Through(1)).await;
    assert_eq!(verdicts(&seen).last().unwrap(), "1/refused PassedUnexpectedly");
    assert_eq!(ended, Ended { verdict: Verdict::PassedUnexpectedly, kind: Some(Kind::Failed) });
}

#[tokio::test]
async fn a_failure_that_is_not_the_declared_one_is_a_failure() {
    let bench = Bench::new();
    bench.world.deploys();
    bench.world.answer("", Some("Preparation timed out after 3.00 seconds"));
    let (ended, seen) = walk_all(&bench, &Plan::Through(1)).await;
    assert_eq!(ended, Ended { verdict: Verdict::Fail, kind: Some(Kind::Failed) });
    let failure = seen.iter().find_map(|e| match &e.kind {
        EventKind::StepFinished { at_step, failure, .. } if at_step.step == "refused" => failure.clone(),
        _ => None,
    });
    let failure = failure.unwrap();
    assert_eq!(failure.expected, "a failure that matches /access denied/");
    assert_eq!(failure.actual, "the function failed: Preparation timed out after 3.00 seconds");
    assert!(failure.reproduce.unwrap().starts_with("aws lambda invoke"));
    assert_eq!(failure.output, ["START", "END"]);
    assert!(failure.spot.unwrap().file.ends_with("ch01.yaml"));
}

#[tokio::test]
async fn a_target_that_cannot_be_made_ready_ends_the_walk_as_an_environment_problem() {
    let bench = Bench::new();
    let mut setup = bench.setup(Mode::Scratch);
    setup.prepare = Arc::new(|_| {
        let problem = Problem::environment("no credentials").hint("sign in");
        Box::pin(std::future::ready(Err(problem)))
    });
    let ended = walk(setup, &Plan::Through(1), Beginning::default(), &WalkLimits::default(), |_| {}).await;
    assert_eq!(ended, Ended { verdict: Verdict::Error, kind: Some(Kind::Environment) });
}

#[tokio::test]
async fn without_what_the_course_needs_a_walk_does_not_begin_and_says_one_thing() {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    course.prerequisites = vec![workshop_course::lesson::model::Prerequisite {
        name: "Tool".into(),
        command: "no-such-tool --version".into(),
        version: ">=1".into(),
        targets: Vec::new(),
        fix: "install it".into(),
    }];
    bench.course = Arc::new(course);
    let (ended, seen) = walk_all(&bench, &Plan::Through(1)).await;
    assert_eq!(ended, Ended { verdict: Verdict::Error, kind: Some(Kind::Environment) });
    assert_eq!(verdicts(&seen), [""; 0]);
    let problems: Vec<String> = seen
        .iter()
        .filter_map(|e| match &e.kind {
            EventKind::PrepareFailed { problem, .. }
            | EventKind::Trouble { problem }
            | EventKind::Done { outcome: RequestOutcome::Failed(problem), .. } => Some(problem.to_string()),
            EventKind::Refused { reason, .. } => Some(reason.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(problems, ["Tool: `no-such-tool` was not found on PATH"]);
}

#[tokio::test]
async fn a_stopped_walk_ends_what_runs_and_says_interrupted() {
    let bench = Bench::new();
    bench.world.launch(&[Act::Print("synth"), Act::Hang]);
    let limits = WalkLimits::default();
    let mut last = None;
    let ended = walk(bench.setup(Mode::Scratch), &Plan::Through(1), Beginning::default(), &limits, |e| {
        if matches!(&e.kind, EventKind::Output { lines, .. } if lines[0] == "synth") {
            limits.stop.cancel();
        }
        last = Some(e.kind.clone());
    })
    .await;
    assert_eq!(ended.kind, Some(Kind::Interrupted));
    assert!(matches!(last, Some(EventKind::Closed { .. })));
}

#[tokio::test]
async fn a_walk_that_takes_too_long_says_so_and_is_ended() {
    let bench = Bench::new();
    bench.world.launch(&[Act::Print("synth"), Act::Hang]);
    let limits = WalkLimits { time: Some(Duration::from_millis(300)), ..WalkLimits::default() };
    let mut seen = Vec::new();
    let ended =
        walk(bench.setup(Mode::Scratch), &Plan::Through(1), Beginning::default(), &limits, |e| seen.push(e.clone()))
            .await;
    assert_eq!(ended, Ended { verdict: Verdict::Error, kind: Some(Kind::TimedOut) });
    let told = |kind: &EventKind| matches!(kind, EventKind::Trouble { problem } if problem.kind == Kind::TimedOut);
    let told = seen.iter().position(|e| told(&e.kind)).expect("it is told");
    let closed = EventKind::Closed { verdict: Verdict::Error, kind: Some(Kind::TimedOut) };
    assert!(told + 1 < seen.len() && seen.last().is_some_and(|last| last.kind == closed), "{:?}", seen.last());
}

#[tokio::test]
async fn a_proof_wants_checks_to_fail_before_their_chapter() {
    let bench = Bench::new();
    // Chapter 1's questions are answered as after it: they prove nothing.
    bench.world.set_stack("UPDATE_COMPLETE");
    bench.world.answer(r#"{"n": 2}"#, None);
    bench.world.result(rows(&["n"], &[&["2"]]));
    let (ended, seen) = walk_all(&bench, &Plan::Proof(None)).await;
    let said = verdicts(&seen);
    assert_eq!(
        said[..8],
        [
            "  0/has-app FailedAsExpected",
            "0/look Pass",
            "0/copy Pass",
            "  0/has-app Pass",
            "0/test Pass",
            "  0/proof-snapshot Pass",
            "  0/proof-minutes Pass",
            "  0/has-app Pass",
        ]
    );
    assert_eq!(said[8..10], ["  1/answers PassedUnexpectedly", "  1/moved PassedUnexpectedly"]);
    assert_ne!(ended.verdict, Verdict::Pass);
}

#[tokio::test]
async fn a_proof_goes_on_after_a_chapter_that_did_not_come_out() {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    let declared = course.chapters[1].steps.iter().find(|step| step.id == "refused").unwrap().expect.clone();
    course.chapters[0].steps[2].expect = declared;
    bench.course = Arc::new(course);
    let (ended, seen) = walk_all(&bench, &Plan::Proof(None)).await;
    let said = verdicts(&seen);
    assert_eq!(said[..3], ["  0/has-app FailedAsExpected", "0/look Pass", "0/copy Pass"]);
    assert_eq!(said[4..6], ["0/test PassedUnexpectedly", "  0/has-app Skipped"]);
    assert!(said[6].starts_with("  1/answers "), "{said:?}");
    assert_eq!(ended, Ended { verdict: Verdict::PassedUnexpectedly, kind: Some(Kind::Failed) });
}

#[tokio::test]
async fn one_chapter_is_proved_after_the_steps_that_lead_to_it() {
    let bench = Bench::new();
    let (_, seen) = walk_all(&bench, &Plan::Proof(Some(1))).await;
    let said = verdicts(&seen);
    assert_eq!(said[..3], ["0/look Pass", "0/copy Pass", "  0/has-app Pass"]);
    assert_eq!(said[3], "0/test Pass");
    assert!(said[4].starts_with("  1/answers "), "{said:?}");
}

#[tokio::test]
async fn looking_only_changes_nothing() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.workdir().join("src")).unwrap();
    bench.write("src/app.ts", "mine, without the word\n");
    let mut setup = bench.setup(Mode::CheckOnly);
    setup.chapter = Some(0);
    let made =
        CourseCommand { title: "Make".into(), run: Template("touch made".into()), timeout: Duration::from_secs(5) };
    setup.course = Arc::new(Course { setup: vec![made], ..(*bench.course).clone() });
    let plan = Plan::Checks(vec![0]);
    let mut seen = Vec::new();
    let ended = walk(setup, &plan, Beginning::default(), &WalkLimits::default(), |e| seen.push(e.clone())).await;
    assert_eq!(ended, Ended { verdict: Verdict::Fail, kind: Some(Kind::Failed) });
    assert_eq!(verdicts(&seen), ["  0/has-app Fail"]);
    let left: Vec<_> = std::fs::read_dir(bench.workdir()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["src"]);
}

#[tokio::test]
async fn a_walk_that_is_stopped_was_interrupted_whatever_it_had_come_to() {
    let bench = Bench::new();
    let limits = WalkLimits::default();
    let mut seen = Vec::new();
    let ended = walk(bench.setup(Mode::Scratch), &Plan::Checks(vec![1]), Beginning::default(), &limits, |e| {
        // The first of two: nothing is there that could answer it.
        if matches!(e.kind, EventKind::CheckFinished { verdict, .. } if !verdict.is_good()) {
            limits.stop.cancel();
        }
        seen.push(e.clone());
    })
    .await;
    assert_eq!(ended, Ended { verdict: Verdict::Error, kind: Some(Kind::Interrupted) });
    let last = seen.last().map(|e| e.kind.clone());
    assert_eq!(last, Some(EventKind::Closed { verdict: Verdict::Error, kind: Some(Kind::Interrupted) }));
}
