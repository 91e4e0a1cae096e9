//! One run, written by every reporter.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::github::FenceWord;
use super::names::CourseNames;
use super::reports::{Reports, reporter};
use super::types::ReportFormat;
use workshop_base::problem::{Kind, Problem, Spot};
use workshop_course::lesson::model::*;
use workshop_engine::command::{CommandKind, Refusal};
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
        after: None,
        optional: false,
        targets: Vec::new(),
        elsewhere: None,
        part: None,
        hints: Vec::new(),
        action: StepAction::Read,
        expect: StepExpect::Success,
        timeout: Duration::from_secs(60),
        wait: PlannedWait::default(),
        origin: origin(),
    };
    Arc::new(Course {
        title: "A course & more".into(),
        code: "X1".into(),
        slot: Duration::from_secs(600),
        target: Target::Local,
        workdir: "my-stack".into(),
        stack: Some("Stack".into()),
        function: Some(Template("function".into())),
        variables: Default::default(),
        setup: Vec::new(),
        teardown: Vec::new(),
        choices: Vec::new(),
        chosen: Default::default(),
        targets: Vec::new(),
        cloud: false,
        database: workshop_course::lesson::model::CourseDatabase::Cluster,
        costs: None,
        prerequisites: Vec::new(),
        facts: Vec::new(),
        chapters: vec![Chapter {
            number: 1,
            diff: Vec::new(),
            snapshot: Default::default(),
            id: "ch01".into(),
            title: "Begin <here>".into(),
            budget: Duration::from_secs(120),
            on_stage: true,
            goals: Vec::new(),
            steps: vec![
                step("deploy", "Deploy the #1 stack"),
                step("refuse", "See the refusal"),
                Step { action: StepAction::Check(vec!["balance".into()]), ..step("proof", "Look at it") },
            ],
            checks: Vec::new(),
            origin: origin(),
        }],
        lessons: "lessons".into(),
        snapshots: "snapshots".into(),
    })
}

fn names() -> CourseNames {
    CourseNames(Some(course()))
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
    let balance = || EventKind::CheckFinished {
        at_check: CheckRef { chapter: 1, check: "balance".into() },
        title: "the balance is \u{202e}right".into(),
        verdict: Verdict::Fail,
        attempts: 3,
        took_ms: 25,
        failure: Some(super::failure::sample()),
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
            task: Preparation::Packages,
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
        started("proof"),
        balance(),
        finished("proof", Verdict::Fail, Some(super::failure::sample())),
        balance(),
        balance(),
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

fn written(format: ReportFormat) -> String {
    written_of(&events(), format)
}

fn written_of(events: &[Event], format: ReportFormat) -> String {
    let out = Shared::default();
    let mut reports = Reports::new(vec![reporter(format, Box::new(out.clone()), names(), false, None)]);
    events.iter().for_each(|event| reports.event(event));
    reports.finish().unwrap();
    let bytes = out.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    for unsafe_one in ['\u{1b}', '\u{9b}', '\u{202e}'] {
        assert!(!text.contains(unsafe_one), "{unsafe_one:?} got through:\n{text}");
    }
    text
}

fn golden(name: &str, format: ReportFormat) {
    let text = written(format);
    insta::with_settings!({ snapshot_path => "../../tests/golden/reports", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn human() {
    golden("human", ReportFormat::Human);
}

#[test]
fn plain() {
    golden("plain", ReportFormat::Plain);
}

#[test]
fn tap() {
    golden("tap", ReportFormat::Tap);
}

#[test]
fn junit() {
    golden("junit", ReportFormat::Junit);
}

#[test]
fn github() {
    golden("github", ReportFormat::Github);
}

#[test]
fn json_lines_are_the_events_themselves() {
    let text = written(ReportFormat::Json);
    let read: Vec<Event> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(read, events());
    // Held against what is written here, and not against what reads by the same rules.
    let opened = r#"{"seq":1,"at":0,"event":"opened","title":"A course & more","target":"local","workdir":"work","position":{"chapter":1,"step":"deploy"}}"#;
    assert_eq!(text.lines().next(), Some(opened));
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let step = |step: &str| serde_json::json!({"chapter": 1, "step": step});
    let members = [
        (1, serde_json::json!({"event": "preparing", "task": "packages", "done": 5, "total": 10, "unit": "MB"})),
        (
            2,
            serde_json::json!({"event": "step_started", "at_step": step("deploy"), "attempt": 1, "action": "deploy",
            "expects_failure": false}),
        ),
        (3, serde_json::json!({"event": "resource_changed", "at_step": step("deploy")})),
        (4, serde_json::json!({"event": "types_checked", "took_ms": 900})),
        (
            5,
            serde_json::json!({"event": "step_finished", "at_step": step("deploy"), "verdict": "pass", "took_ms": 1234,
            "failure": null}),
        ),
        (7, serde_json::json!({"event": "step_finished", "at_step": step("refuse"), "verdict": "failed_as_expected"})),
        (
            9,
            serde_json::json!({"event": "check_finished", "at_check": {"chapter": 1, "check": "balance"},
            "title": "the balance is \u{202e}right", "verdict": "fail", "attempts": 3, "took_ms": 25}),
        ),
        (14, serde_json::json!({"event": "trouble"})),
        (15, serde_json::json!({"event": "closed", "verdict": "fail", "kind": "failed"})),
    ];
    for (at, expected) in members {
        assert_eq!((&lines[at]["seq"], &lines[at]["at"]), (&(at + 1).into(), &0.into()));
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&lines[at][name], value, "{name} of {}", lines[at]);
        }
    }
    let resource = &lines[3]["resource"];
    assert_eq!((&resource["logical_id"], &resource["status"]), (&"Cluster".into(), &"CREATE_FAILED".into()));
    assert_eq!((&resource["reason"], &resource["ended"]), (&"no\u{1b}[2J room".into(), &1.into()));
    assert_eq!(lines[9]["failure"]["sqlstate"], "40001");
    assert_eq!(lines[14]["problem"]["hint"], "try again");
}

/// The second Ctrl-C drops a run where it stands.
#[test]
fn a_report_that_is_dropped_says_so_and_is_whole() {
    let dropped = |format| {
        let out = Shared::default();
        let mut reports = Reports::new(vec![reporter(format, Box::new(out.clone()), names(), false, None)]);
        events()[..7].iter().for_each(|event| reports.event(event));
        drop(reports);
        String::from_utf8(out.0.lock().unwrap().clone()).unwrap()
    };
    assert!(dropped(ReportFormat::Human).ends_with("interrupted, not proved: 1 passed\n"));
    assert!(
        dropped(ReportFormat::Tap)
            .ends_with("  ...\nnot ok 2 - the run comes out well\nBail out! interrupted before its end\n")
    );
    let out = Shared::default();
    let mut reports = Reports::new(vec![reporter(ReportFormat::Tap, Box::new(out.clone()), names(), false, None)]);
    events()[..7].iter().for_each(|event| reports.event(event));
    let code = reports.exit_code();
    reports.finish().unwrap();
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    assert!(
        code != 0 && text.ends_with("Bail out! interrupted before its end\n"),
        "who tells of the end is gone: {text}"
    );
    let junit = dropped(ReportFormat::Junit);
    assert!(junit.contains("errors=\"1\"") && junit.trim_end().ends_with("</testsuites>"), "{junit}");
    assert!(dropped(ReportFormat::Github).ends_with("::error ::interrupted before its end\n"));
    let read: Vec<Event> = dropped(ReportFormat::Json).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let closed = EventKind::Closed { verdict: Verdict::Error, kind: Some(Kind::Interrupted) };
    assert_eq!(read.last(), Some(&Event { seq: 8, at: 0, kind: closed }));
}

#[test]
fn a_run_that_could_not_begin_is_reported_too() {
    let out = Shared::default();
    let formats = [ReportFormat::Tap, ReportFormat::Junit]
        .map(|format| reporter(format, Box::new(out.clone()), names(), false, None));
    let code = Reports::new(formats.into()).fail(&[Problem::environment("no credentials").hint("sign in")]);
    assert_eq!(code, 3);
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.starts_with("TAP version 13\nnot ok 1 - the run comes out well\nBail out! no credentials: sign in\n"),
        "{text}"
    );
    assert!(text.contains("message=\"no credentials\"") && text.trim_end().ends_with("</testsuites>"), "{text}");
}

fn with_fence(formats: &[ReportFormat]) -> String {
    let (out, word) = (Shared::default(), FenceWord::new(7));
    let reporters = formats.iter().map(|f| reporter(*f, Box::new(out.clone()), names(), false, Some(&word))).collect();
    let mut reports = Reports::new(reporters);
    out.clone().write_all(word.opening().as_bytes()).unwrap();
    events().iter().for_each(|event| reports.event(event));
    reports.finish().unwrap();
    out.clone().write_all(word.closing().as_bytes()).unwrap();
    String::from_utf8(out.0.lock().unwrap().clone()).unwrap()
}

/// The commands that GitHub's runner would obey in an output, as its source reads lines.
fn obeyed(output: &str) -> Vec<String> {
    let (mut stopped, mut found): (Option<String>, Vec<String>) = (None, Vec::new());
    for line in output.lines() {
        let line = line.trim_start();
        let old = line.find("##[").map(|at| &line[at..]).filter(|rest| rest.contains(']'));
        let new = line.strip_prefix("::").and_then(|rest| rest.split_once("::"));
        match (&stopped, new) {
            (Some(word), Some((command, _))) if command == word => stopped = None,
            (Some(_), _) => {}
            (None, Some(("stop-commands", word))) => stopped = Some(word.to_owned()),
            (None, Some((command, _))) => found.push(command.split(' ').next().unwrap_or_default().to_owned()),
            (None, None) => found.extend(old.map(str::to_owned)),
        }
    }
    assert_eq!(stopped, None, "the fence is left open");
    found
}

#[test]
fn github_s_runner_obeys_our_annotations_and_nothing_of_what_came_from_outside() {
    let both = obeyed(&with_fence(&[ReportFormat::Human, ReportFormat::Github]));
    assert_eq!(both, ["warning", "error", "error", "error", "error"]);
    assert_eq!(obeyed(&with_fence(&[ReportFormat::Plain])), [""; 0]);
    for format in [ReportFormat::Tap, ReportFormat::Junit, ReportFormat::Json] {
        assert_eq!(obeyed(&written(format)), [""; 0], "{format:?}");
    }
    assert!(obeyed(&written(ReportFormat::Human)).contains(&"error".to_owned()), "the test says nothing");
}

/// Every attribute and element is one that Jenkins xUnit's junit-10.xsd names, and every case is one of its own.
#[test]
fn junit_holds_against_jenkins_schema() {
    let allowed = |element: &str| match element {
        "testsuites" => "name time tests failures errors",
        "testsuite" => "name tests failures errors group time skipped timestamp hostname id package file log url",
        "testcase" => "name time classname group",
        "failure" | "error" | "skipped" => "type message",
        "system-out" | "system-err" => "",
        other => panic!("{other} is not in the schema"),
    };
    let text = written(ReportFormat::Junit);
    let (tag, attribute) =
        (regex::Regex::new(r"<([a-z-]+)([^>]*)>").unwrap(), regex::Regex::new(r#"([a-z]+)=""#).unwrap());
    for found in tag.captures_iter(&text) {
        let names: Vec<&str> = allowed(&found[1]).split(' ').collect();
        for given in attribute.captures_iter(&found[2]) {
            assert!(names.contains(&&given[1]), "{} has {}", &found[1], &given[1]);
        }
    }
    let case = regex::Regex::new(r#"<testcase (classname="[^"]*" name="[^"]*")"#).unwrap();
    let cases: Vec<&str> = case.captures_iter(&text).map(|found| found.get(1).unwrap().as_str()).collect();
    let different: std::collections::BTreeSet<&&str> = cases.iter().collect();
    assert_eq!((cases.len(), different.len()), (7, 7), "{cases:?}");
    assert!(text.contains(r#"<testsuites name="A course &amp; more" tests="7" failures="3" errors="1""#), "{text}");
}

#[test]
fn an_invalid_course_is_reported_problem_by_problem() {
    let out = Shared::default();
    let formats = [ReportFormat::Junit, ReportFormat::Github];
    let reporters = formats.map(|f| reporter(f, Box::new(out.clone()), CourseNames::default(), false, None));
    let spot = |line| Spot { file: "lessons/ch01.yaml".into(), line, column: 3, excerpt: "x".into(), length: 1 };
    let problem = |line| Problem::course("`deploy` cannot be `deplpy`").at(spot(line)).hint("did you mean `deploy`?");
    assert_eq!(Reports::new(reporters.into()).fail(&[problem(4), problem(9)]), 2);
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("::error file=lessons/ch01.yaml,line=9,col=3::`deploy` cannot be `deplpy`%0Adid you"),
        "{text}"
    );
    for name in [
        "classname=\"course\" name=\"lessons/ch01.yaml:4:3: `deploy`",
        "name=\"lessons/ch01.yaml:9:3: `deploy`",
        "errors=\"2\"",
    ] {
        assert!(text.contains(name), "{name} is missing in\n{text}");
    }
}

#[test]
fn what_an_author_says_of_a_failure_has_its_references_filled_in() {
    let kind = EventKind::StackOutput { key: "Url".into(), value: "https://x".into(), description: None };
    let mut events = [vec![Event { seq: 0, at: 0, kind }], events()].concat();
    for event in &mut events {
        if let EventKind::CheckFinished { failure: Some(failure), .. } = &mut event.kind {
            (failure.on_fail, failure.hints) = (Some("not ${outputs.Url}".into()), vec!["go ${outputs.Url}".into()]);
        }
    }
    for format in [ReportFormat::Human, ReportFormat::Tap, ReportFormat::Junit, ReportFormat::Github] {
        let text = written_of(&events, format);
        assert!(["not https://x", "go https://x"].iter().all(|filled| text.contains(filled)), "{text}");
    }
}

/// Perl's reader of TAP, where there is one: Debian brings it.
#[test]
fn prove_passes_a_run_that_passed_and_fails_one_that_did_not() {
    use std::process::Command;
    if !Command::new("prove").arg("--version").output().is_ok_and(|out| out.status.success()) {
        eprintln!("there is no prove here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let all = events();
    let good = |event: &&Event| match &event.kind {
        EventKind::CheckFinished { verdict, .. } | EventKind::StepFinished { verdict, .. } => verdict.is_good(),
        EventKind::Trouble { .. } => false,
        _ => true,
    };
    let well = |event: &Event| match event.kind {
        EventKind::Closed { .. } => {
            Event { kind: EventKind::Closed { verdict: Verdict::Pass, kind: None }, ..event.clone() }
        }
        _ => event.clone(),
    };
    let good: Vec<Event> = all.iter().filter(good).map(well).collect();
    let failed: Vec<Event> = all.iter().filter(|e| !matches!(e.kind, EventKind::Trouble { .. })).cloned().collect();
    for (name, events, passes) in [("good", &good, true), ("failed", &failed, false), ("stopped", &all, false)] {
        let file = dir.path().join(name);
        std::fs::write(&file, written_of(events, ReportFormat::Tap)).unwrap();
        let out = Command::new("prove").args(["-e", "cat"]).arg(&file).output().unwrap();
        assert_eq!(out.status.success(), passes, "{name}: {}", String::from_utf8_lossy(&out.stdout));
    }
}

#[test]
fn the_option_that_is_tried_is_named_and_the_others_are() {
    let option = |id: &str, title: &str| ChoiceOption { id: id.into(), title: title.into(), files: Vec::new() };
    let options = vec![option("js", "JavaScript"), option("py", "Python")];
    let course = Course {
        choices: vec![Choice { id: "language".into(), title: "Language".into(), options }],
        chosen: [("language".to_owned(), "py".to_owned())].into(),
        ..(*course()).clone()
    };
    let said = CourseNames(Some(Arc::new(course))).chosen();
    assert_eq!(said, ["Language: Python (not tried here: --choose language=js)"]);
    assert!(CourseNames(Some(self::course())).chosen().is_empty());
}

/// The exit code says that it failed: no report of it may be read as one that passed.
#[test]
fn a_run_that_did_not_come_out_well_is_in_no_report_one_that_did() {
    let passed = EventKind::StepFinished {
        at_step: StepRef { chapter: 1, step: "deploy".into() },
        attempt: 1,
        verdict: Verdict::Pass,
        took_ms: 1,
        failure: None,
    };
    let refused = EventKind::Refused {
        id: 7,
        command: CommandKind::Next,
        because: Refusal::Unknown,
        reason: "there is no such step".into(),
    };
    let closed = EventKind::Closed { verdict: Verdict::Error, kind: Some(Kind::Usage) };
    let report = |kinds: &[&EventKind], drift: Vec<Problem>, format| {
        let out = Shared::default();
        let mut reports =
            Reports::of_course(vec![reporter(format, Box::new(out.clone()), names(), false, None)], drift);
        for (seq, kind) in (1..).zip(kinds) {
            reports.event(&Event { seq, at: 0, kind: (*kind).clone() });
        }
        let code = reports.exit_code();
        reports.finish().unwrap();
        (code, String::from_utf8(out.0.lock().unwrap().clone()).unwrap())
    };
    for (kinds, why) in [
        (&[&passed, &refused, &closed][..], "next was refused: there is no such step"),
        (&[&passed, &closed], "did not come out well"),
    ] {
        let (code, tap) = report(kinds, Vec::new(), ReportFormat::Tap);
        assert!(code == 2 && tap.contains("\nBail out! ") && tap.contains(why), "{tap}");
        let (_, junit) = report(kinds, Vec::new(), ReportFormat::Junit);
        assert!(junit.contains("errors=\"1\"") && junit.contains(why), "{junit}");
    }
    // The steps come out, and the snapshots are not what they say.
    let closed = EventKind::Closed { verdict: Verdict::Pass, kind: None };
    let drift = || vec![Problem::failed("a.txt is not what the lessons make of it")];
    for (format, holds) in [
        (ReportFormat::Tap, "Bail out! a.txt is not"),
        (ReportFormat::Junit, "errors=\"1\""),
        (ReportFormat::Github, "::error ::a.txt is not"),
        (ReportFormat::Human, "not proved: 1 passed"),
        (ReportFormat::Json, r#"{"seq":3,"at":0,"event":"closed","verdict":"fail","kind":"failed"}"#),
    ] {
        let (code, text) = report(&[&passed, &closed], drift(), format);
        assert!(code == 1 && text.contains(holds), "{format:?}: {text}");
        let (code, text) = report(&[&passed, &closed], Vec::new(), format);
        assert!(code == 0 && !text.contains(holds), "{format:?}: {text}");
    }
}

/// `| head -1` reads one report, and another lies on a full disk.
#[test]
fn a_reader_that_has_gone_away_hides_no_report_that_cannot_be_written() {
    struct Broken(io::ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let ended = |kinds: &[io::ErrorKind]| {
        let reporters =
            kinds.iter().map(|kind| reporter(ReportFormat::Json, Box::new(Broken(*kind)), names(), false, None));
        let mut reports = Reports::new(reporters.collect());
        events().iter().for_each(|event| reports.event(event));
        reports.finish().unwrap_err().kind()
    };
    use io::ErrorKind::{BrokenPipe, StorageFull};
    assert_eq!(ended(&[BrokenPipe, StorageFull]), StorageFull);
    assert_eq!((ended(&[StorageFull, BrokenPipe]), ended(&[BrokenPipe])), (StorageFull, BrokenPipe));
}
