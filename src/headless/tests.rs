//! One run, written by every reporter.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::report::{Format, Reports, reporter};
use workshop_base::problem::{Kind, Problem};
use workshop_course::lesson::model::*;
use workshop_engine::event::*;

/// A sink whose bytes can be read afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn course() -> Arc<Course> {
    let origin = || Origin { file: "lessons/ch01.yaml".into(), line: 3 };
    let step = |id: &str, title: &str| Step {
        id: id.into(),
        title: title.into(),
        budget: Duration::from_secs(60),
        on_stage: true,
        say: String::new(),
        notes: None,
        while_running: None,
        hints: Vec::new(),
        action: StepAction::Read,
        expect: StepExpect::Success,
        timeout: Duration::from_secs(60),
        origin: origin(),
    };
    Arc::new(Course {
        title: "A course & more".into(),
        code: "X1".into(),
        slot: Duration::from_secs(600),
        target: Target::Local,
        stack: "Stack".into(),
        function: "function".into(),
        costs: None,
        prerequisites: Vec::new(),
        chapters: vec![Chapter {
            number: 1,
            diff: Vec::new(),
            snapshot: Default::default(),
            id: "ch01".into(),
            title: "Begin <here>".into(),
            budget: Duration::from_secs(120),
            on_stage: true,
            goals: Vec::new(),
            steps: vec![step("deploy", "Deploy the #1 stack"), step("refuse", "See the refusal")],
            checks: Vec::new(),
            origin: origin(),
        }],
        lessons: "lessons".into(),
        snapshots: "snapshots".into(),
    })
}

fn events() -> Vec<Event> {
    let at_step = |step: &str| StepRef { chapter: 1, step: step.into() };
    let started = |step: &str| EventKind::StepStarted {
        at_step: at_step(step),
        attempt: 1,
        action: ActionKind::Deploy,
        expects_failure: step == "refuse",
        usual_ms: None,
    };
    let finished = |step: &str, verdict, failure| EventKind::StepFinished {
        at_step: at_step(step),
        attempt: 1,
        verdict,
        took_ms: 1234,
        failure,
    };
    let refusal = Failure { actual: "access denied\nmore".into(), ..Failure::default() };
    let kinds = vec![
        EventKind::Opened {
            title: "A course & more".into(),
            target: Target::Local,
            workdir: "work".into(),
            position: Position { chapter: 1, step: "deploy".into() },
        },
        EventKind::Preparing {
            task: Task::Packages,
            label: "installing packages".into(),
            done: 5,
            total: Some(10),
            unit: "MB".into(),
        },
        started("deploy"),
        EventKind::ResourceChanged {
            at_step: at_step("deploy"),
            resource: Resource {
                logical_id: "Cluster".into(),
                physical_id: None,
                resource_type: "AWS::DSQL::Cluster".into(),
                status: "CREATE_FAILED".into(),
                reason: Some("no\u{1b}[2J room".into()),
                started: 0,
                ended: Some(1),
                usual_ms: None,
            },
        },
        EventKind::TypesChecked {
            at_step: at_step("deploy"),
            problems: vec![TypeProblem {
                file: "lambda/src/index.ts".into(),
                line: 12,
                column: 5,
                code: "TS2322".into(),
                message: "Type 'string' does not fit.\nIt is 100 % \u{1b}[31mred.".into(),
            }],
            took_ms: 900,
        },
        finished("deploy", Verdict::Pass, None),
        started("refuse"),
        finished("refuse", Verdict::FailedAsExpected, Some(refusal)),
        EventKind::CheckFinished {
            at_check: CheckRef { chapter: 1, check: "balance".into() },
            title: "the balance is right".into(),
            verdict: Verdict::Fail,
            attempts: 2,
            took_ms: 25,
            failure: Some(super::failure::sample()),
        },
        EventKind::CheckFinished {
            at_check: CheckRef { chapter: 1, check: "connects".into() },
            title: "it connects".into(),
            verdict: Verdict::Pass,
            attempts: 3,
            took_ms: 2500,
            failure: None,
        },
        EventKind::Trouble { problem: Problem::environment("the network went away").hint("try again") },
        EventKind::Closed { verdict: Verdict::Fail, kind: Some(Kind::Failed) },
    ];
    kinds.into_iter().enumerate().map(|(i, kind)| Event { seq: i as u64 + 1, at: 0, kind }).collect()
}

fn written(format: Format) -> String {
    let out = Shared::default();
    let mut reports = Reports::new(vec![reporter(format, Box::new(out.clone()), course(), false)]);
    events().iter().for_each(|event| reports.event(event));
    reports.finish().unwrap();
    let bytes = out.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains('\u{1b}'), "a control sequence got through:\n{text}");
    text
}

fn golden(name: &str, format: Format) {
    let text = written(format);
    insta::with_settings!({ snapshot_path => "../../tests/golden/reports", prepend_module_to_snapshot => false, omit_expression => true,
        filters => [(r#"uuid="[^"]+""#, r#"uuid="…""#)] }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn human() {
    golden("human", Format::Human);
}

#[test]
fn plain() {
    golden("plain", Format::Plain);
}

#[test]
fn tap() {
    golden("tap", Format::Tap);
}

#[test]
fn junit() {
    golden("junit", Format::Junit);
}

#[test]
fn github() {
    golden("github", Format::Github);
}

#[test]
fn json_lines_are_the_events_themselves() {
    let text = written(Format::Json);
    let read: Vec<Event> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(read, events());
}

/// The second Ctrl-C drops a run where it stands.
#[test]
fn a_report_that_is_dropped_says_so_and_is_whole() {
    let dropped = |format| {
        let out = Shared::default();
        let mut reports = Reports::new(vec![reporter(format, Box::new(out.clone()), course(), false)]);
        events()[..7].iter().for_each(|event| reports.event(event));
        drop(reports);
        String::from_utf8(out.0.lock().unwrap().clone()).unwrap()
    };
    assert!(dropped(Format::Human).ends_with("interrupted, not proved: 1 passed\n"));
    assert!(dropped(Format::Tap).ends_with("  ...\nBail out! interrupted before its end\n"));
    let junit = dropped(Format::Junit);
    assert!(junit.contains("errors=\"1\"") && junit.trim_end().ends_with("</testsuites>"), "{junit}");
    assert!(dropped(Format::Github).ends_with("::error ::interrupted before its end\n"));
    let read: Vec<Event> = dropped(Format::Json).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let closed = EventKind::Closed { verdict: Verdict::Error, kind: Some(Kind::Interrupted) };
    assert_eq!(read.last(), Some(&Event { seq: 8, at: 0, kind: closed }));
}

#[test]
fn a_run_that_could_not_begin_is_reported_too() {
    let out = Shared::default();
    let formats = [Format::Tap, Format::Junit].map(|format| reporter(format, Box::new(out.clone()), course(), false));
    let code = Reports::new(formats.into()).fail(&Problem::environment("no credentials").hint("sign in"));
    assert_eq!(code, 3);
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    assert!(text.starts_with("TAP version 14\nBail out! no credentials: sign in\n"), "{text}");
    assert!(text.contains("message=\"no credentials\"") && text.trim_end().ends_with("</testsuites>"), "{text}");
}
