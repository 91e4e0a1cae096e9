//! Actions and checks that the small course has no use for: sessions side by side, loads, plans.

use super::*;
use workshop_base::problem::Kind;
use workshop_course::lesson::model::{
    Check, CheckKind, FaultKind, Generator, GeneratorKind, LoadAction, LoadFigure, NumberBound, NumberInText, Origin,
    SimulateAction, SqlAction, SqlExpect, SqlStatement, Step, StepAction, StepPart, StepTexts, Template,
};

/// The small course, with another action in the place of its shell step.
fn with_action(action: StepAction) -> Bench {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    let step = course.chapters[1].steps.iter_mut().find(|s| s.id == "shell").unwrap();
    step.action = action;
    bench.course = Arc::new(course);
    bench.world.set_stack("CREATE_COMPLETE");
    bench
}

async fn at_action(bench: &Bench) -> Run {
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "shell").await;
    run
}

fn statement(session: &str, run: &str, sqlstate: Option<&str>) -> SqlStatement {
    SqlStatement {
        session: session.into(),
        role: Some("admin".into()),
        run: Template(run.into()),
        expect: SqlExpect { sqlstate: sqlstate.map(str::to_owned), ..SqlExpect::default() },
        capture: Vec::new(),
        capture_printed: Vec::new(),
    }
}

#[tokio::test]
async fn sessions_side_by_side_take_turns_and_a_conflict_may_be_what_is_wanted() {
    let script = [("a", "BEGIN"), ("b", "BEGIN"), ("b", "COMMIT"), ("a", "COMMIT")];
    for wanted in [Some("40001"), None] {
        let statements =
            script.map(|(session, run)| statement(session, run, wanted.filter(|_| (session, run) == ("a", "COMMIT"))));
        let bench = with_action(StepAction::Sql(SqlAction { statements: statements.to_vec() }));
        // The first session takes these with it: its BEGIN, and its COMMIT, which loses.
        bench.world.result(StatementResult::default());
        bench.world.result(sql_error("40001", "change conflicts with another transaction (OC000)"));
        let mut run = at_action(&bench).await;
        let (verdict, failure) = run.run().await;
        match wanted {
            Some(_) => assert_eq!((verdict, failure), (Verdict::Pass, None)),
            None => {
                assert_eq!(verdict, Verdict::Fail);
                assert_eq!(failure.unwrap().sqlstate.as_deref(), Some("40001"), "and it is not tried again");
            }
        }
        let seen = run.quit().await;
        let asked: Vec<(&str, &str)> = seen
            .iter()
            .filter_map(|e| match &e.kind {
                EventKind::SqlStarted { session, text, .. } => Some((session.as_str(), text.as_str())),
                _ => None,
            })
            .collect();
        assert_eq!(asked, script);
    }
}

#[tokio::test]
async fn a_session_connects_as_the_role_that_a_statement_names_and_no_transaction_is_lost_for_it() {
    let app = |run: &str| SqlStatement { role: Some("app".into()), ..statement("a", run, None) };
    for (script, roles, error) in [
        (vec![statement("a", "SELECT 1", None), app("SELECT 2"), app("SELECT 3")], vec!["admin", "app"], None),
        (vec![statement("a", "BEGIN", None), app("SELECT 2")], vec!["admin"], Some("a transaction open")),
    ] {
        let bench = with_action(StepAction::Sql(SqlAction { statements: script }));
        let mut run = at_action(&bench).await;
        let failure = run.run().await.1;
        assert_eq!(
            failure.as_ref().is_some_and(|f| f.actual.contains(error.unwrap_or("?"))),
            error.is_some(),
            "{failure:?}"
        );
        let opened: Vec<String> = run
            .seen
            .iter()
            .filter_map(|e| match &e.kind {
                EventKind::SessionOpened { role, .. } => Some(role.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(opened, roles);
        run.quit().await;
    }
}

#[tokio::test]
async fn no_password_or_token_gets_into_the_record_of_a_run() {
    let texts = ["create role r with login password 'hunter2'", "select 'X-Amz-Signature=0123'"];
    let statements = texts.map(|run| statement("a", run, None));
    let bench = with_action(StepAction::Sql(SqlAction { statements: statements.to_vec() }));
    let mut run = at_action(&bench).await;
    run.run().await;
    let seen = run.quit().await;
    let told = |e: &Event| match &e.kind {
        EventKind::SqlStarted { text, .. } => Some(text.clone()),
        _ => None,
    };
    let told: Vec<String> = seen.iter().filter_map(told).collect();
    assert_eq!(told, ["create role r with login password '…'", "…"]);
}

/// A load of so many invocations, so many at once, all of which must succeed.
fn load_of(invocations: u32, concurrency: u32) -> LoadAction {
    LoadAction {
        function: None,
        payload: Template("{}".into()),
        generate: Vec::new(),
        warm_up: 0,
        invocations,
        concurrency,
        success_at_least: 1.0,
        expect: Vec::new(),
        capture: Vec::new(),
    }
}

#[tokio::test]
async fn a_load_counts_what_fails_and_is_good_from_the_share_that_it_wants() {
    for (wanted, verdict, said) in
        [(1.0, Verdict::Fail, "100"), (0.995, Verdict::Fail, "99.5"), (0.8, Verdict::Pass, "")]
    {
        let load = LoadAction { success_at_least: wanted, ..load_of(10, 3) };
        let bench = with_action(StepAction::Load(load));
        for index in 0..10 {
            bench.world.answer("{}", (index % 5 == 4).then_some("change conflicts with another transaction (OC000)"));
        }
        let mut run = at_action(&bench).await;
        let (came, failure) = run.run().await;
        assert_eq!(came, verdict);
        let load = run.progress.load.clone().unwrap();
        assert_eq!((load.done, load.failed, load.total), (10, 2, 10));
        assert!(load.p50_ms <= load.p99_ms);
        if let Some(failure) = failure {
            assert_eq!(failure.expected, format!("at least {said} % of 10 invocations succeed"));
            assert!(failure.actual.starts_with("2 of 10 failed; the first: change conflicts"), "{}", failure.actual);
        }
        assert_eq!(bench.world.asked.lock().unwrap().len(), 10);
        run.quit().await;
    }
}

#[tokio::test]
async fn a_load_that_never_comes_to_its_function_could_not_be_run() {
    let load = load_of(4, 2);
    for (answers, came, said) in [(0, Verdict::Error, "no answer is scripted"), (1, Verdict::Fail, "3 of 4 failed; ")] {
        let bench = with_action(StepAction::Load(load.clone()));
        (0..answers).for_each(|_| bench.world.answer("{}", None));
        let mut run = at_action(&bench).await;
        let (verdict, failure) = run.run().await;
        assert_eq!(verdict, came);
        assert!(failure.is_some_and(|failure| failure.actual.starts_with(said)), "{said}");
        run.quit().await;
    }
}

#[tokio::test]
async fn a_loads_figures_are_held_against_their_bounds_and_kept() {
    let bound = |least: Option<&str>, most: Option<&str>, times| NumberBound {
        at_least: least.map(|text| Template(text.into())),
        at_most: most.map(|text| Template(text.into())),
        times,
    };
    let mean = LoadFigure::Mean("$.attempts".into());
    let none = LoadFigure::Sum("$.tries".into());
    for (expect, kept, verdict, expected) in [
        (
            vec![(LoadFigure::Failed, bound(None, Some("1"), 1.0)), (mean.clone(), bound(Some("2"), Some("4"), 0.75))],
            &mean,
            Verdict::Pass,
            "",
        ),
        (vec![(LoadFigure::Failed, bound(None, Some("0"), 1.0))], &mean, Verdict::Fail, "failed is at most 0"),
        (vec![(mean.clone(), bound(None, Some("2"), 0.5))], &mean, Verdict::Fail, "mean($.attempts) is at most 1"),
        (vec![(none.clone(), bound(None, Some("2"), 1.0))], &mean, Verdict::Fail, "sum($.tries) is at most 2"),
        (vec![(LoadFigure::Sum("$.attempts".into()), bound(Some("6"), None, 1.0))], &mean, Verdict::Pass, ""),
        (Vec::new(), &none, Verdict::Fail, "sum($.tries) is there, for `tries`"),
    ] {
        let capture = vec![("tries".into(), kept.clone()), ("lost".into(), LoadFigure::Failed)];
        let load = LoadAction { success_at_least: 0.5, expect, capture, ..load_of(4, 1) };
        let bench = with_action(StepAction::Load(load));
        for tries in [1, 2, 3] {
            bench.world.answer(&format!("{{\"attempts\": {tries}}}"), None);
        }
        bench.world.answer("{}", Some("Insufficient balance"));
        let mut run = at_action(&bench).await;
        let (came, failure) = run.run().await;
        assert_eq!((came, failure.map(|f| f.expected).unwrap_or_default()), (verdict, expected.to_owned()));
        if verdict == Verdict::Pass {
            assert_eq!(run.progress.captures["tries"], serde_json::json!(2.0));
            assert_eq!(run.progress.captures["lost"], serde_json::json!(1.0));
        }
        run.quit().await;
    }
}

#[tokio::test]
async fn conditions_last_until_their_step_of_the_lesson_is_over_or_left() {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    let steps = &mut course.chapters[1].steps;
    let at = steps.iter().position(|step| step.id == "shell").unwrap();
    let origin = steps[at].origin.clone();
    let whole = StepTexts { title: "Shell".into(), ..StepTexts::default() };
    let part = |number| {
        let (step, whole, own) = ("shell".into(), whole.clone(), StepTexts::default());
        Some(StepPart { number, of: 3, step, whole, own, origin: origin.clone() })
    };
    let shell = Step { part: part(2), id: "shell-2".into(), ..steps[at].clone() };
    let last = Step { part: part(3), id: "shell-3".into(), ..steps[at].clone() };
    let simulate = SimulateAction { clock_ms: 960_000, faults: [(FaultKind::WakingUp, 1)].into(), limits: None };
    steps[at].action = StepAction::Simulate(simulate);
    steps[at].part = part(1);
    steps.insert(at + 1, shell);
    steps.insert(at + 2, last);
    bench.course = Arc::new(course);
    bench.world.set_stack("CREATE_COMPLETE");
    let told = || std::mem::take(&mut *bench.world.controlled.lock().unwrap());

    let mut run = at_action(&bench).await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    let says = "its clock is 16 min ahead, the next new connection finds it waking up";
    assert_eq!(run.progress.conditions.join(", "), says);
    run.go_to(1, "shell-2").await;
    run.run().await;
    assert_eq!(told(), [says], "they last from action to action of the step");
    run.go_to(1, "shell-3").await;
    run.run().await;
    assert_eq!(told(), ["as always"], "the step is over");
    assert!(run.progress.conditions.is_empty());

    run.go_to(1, "shell").await;
    run.run().await;
    run.go_to(1, "grant").await;
    run.until(|e| matches!(e, EventKind::Simulated { conditions } if conditions.is_empty())).await;
    assert_eq!(told(), [says, "as always"], "the step was left");
    run.quit().await;
}

#[tokio::test]
async fn a_load_can_be_stopped() {
    let load = load_of(10, 3);
    let bench = with_action(StepAction::Load(load));
    *bench.world.never_answers.lock().unwrap() = true;
    let mut run = at_action(&bench).await;
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::LoadProgress { .. })).await;
    assert_eq!(bench.world.asked.lock().unwrap().len(), 3, "no more at a time than the lesson says");
    run.send(Command::Cancel);
    let end = run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    assert!(matches!(end, EventKind::StepFinished { verdict: Verdict::Error, .. }));
    run.quit().await;
}

#[tokio::test]
async fn a_plan_is_asked_for_and_held_against_what_it_must_and_must_not_say() {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    course.chapters[1].checks.push(Check {
        id: "plan".into(),
        title: "The index is used".into(),
        kind: CheckKind::Plan {
            query: Template("SELECT n FROM t".into()),
            analyze: true,
            matches: vec!["Index Only Scan".into()],
            rejects: vec!["Full Scan".into()],
            numbers: vec![NumberInText {
                pattern: "Read: ([0-9.]+) DPU".into(),
                bound: NumberBound { at_most: Some(Template("0.5".into())), times: 0.1, ..NumberBound::default() },
            }],
        },
        eventually: None,
        timeout: Duration::from_secs(5),
        capture: vec![("read".into(), "Read: ([0-9.]+)".into())],
        on_fail: None,
        hints: Vec::new(),
        origin: Origin { file: "ch01.yaml".into(), line: 1 },
    });
    bench.course = Arc::new(course);
    bench.world.set_stack("CREATE_COMPLETE");
    let read = &["  Read: 0.05 DPU"];
    let number = "/Read: ([0-9.]+) DPU/ is at most 0.05";
    let plans: [(&[&[&str]], Verdict, &str); 5] = [
        (&[&["Index Only Scan using t_n on t"], &["  -> Storage Scan on t_n"], read], Verdict::Pass, ""),
        (&[&["Sort"], &["  -> B-Tree Scan on t"], read], Verdict::Fail, "a plan that matches /Index Only Scan/"),
        (&[&["Index Only Scan using t_n"], &["Full Scan on u"], read], Verdict::Fail, "a plan without /Full Scan/"),
        (&[&["Index Only Scan using t_n on t"], &["  Read: 0.06 DPU"]], Verdict::Fail, number),
        (&[&["Index Only Scan using t_n on t"]], Verdict::Fail, number),
    ];
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    for (plan, wanted, expected) in plans {
        bench.world.result(rows(&["QUERY PLAN"], plan));
        run.send(Command::Check { checks: vec![CheckRef { chapter: 1, check: "plan".into() }], must_fail: false });
        let end = run.until(|e| matches!(e, EventKind::CheckFinished { .. })).await;
        let EventKind::CheckFinished { verdict, failure, .. } = end else { unreachable!() };
        assert_eq!((verdict, failure.map(|f| f.expected).unwrap_or_default()), (wanted, expected.to_owned()));
        run.until(|e| matches!(e, EventKind::Done { .. })).await;
    }
    assert_eq!(bench.world.asked.lock().unwrap()[0], "admin: EXPLAIN (ANALYZE, VERBOSE) SELECT n FROM t");
    assert_eq!(run.progress.captures["read"], serde_json::json!(0.05));
    run.quit().await;
}

#[tokio::test]
async fn a_failure_that_is_declared_may_be_named_long_before_the_end_of_the_output() {
    let run = "echo 'not ok 7 - the balance'; seq 500; exit 1";
    let mut bench = with_action(StepAction::Shell(workshop_course::lesson::model::ShellAction {
        run: Template(run.into()),
        cwd: ".".into(),
        installs: false,
        matches: None,
        stdin: None,
        capture: Vec::new(),
    }));
    let mut course = (*bench.course).clone();
    let step = course.chapters[1].steps.iter_mut().find(|s| s.id == "shell").unwrap();
    step.expect =
        workshop_course::lesson::model::StepExpect::Failure(workshop_course::lesson::model::ExpectedFailure {
            matches: "not ok 7".into(),
            sqlstate: None,
            repaired_by: "more".into(),
        });
    bench.course = Arc::new(course);
    let mut run = at_action(&bench).await;
    let (verdict, failure) = run.run().await;
    assert_eq!(verdict, Verdict::FailedAsExpected);
    let came = failure.map(|failure| failure.actual).unwrap_or_default();
    assert_eq!(came.lines().next(), Some("not ok 7 - the balance"), "what was announced is what is told");
    run.quit().await;
}

#[tokio::test]
async fn what_fails_for_want_of_disk_space_is_not_the_learners_fault() {
    let full = "ERROR: could not extend file \"base/5/1\": No space left on device";
    let shell = "echo 'npm error nospc ENOSPC: no space left on device, write' >&2; exit 228";
    let actions = [
        StepAction::Deploy(workshop_course::lesson::model::DeployAction::Deploy.into()),
        StepAction::Shell(workshop_course::lesson::model::ShellAction {
            run: Template(shell.into()),
            cwd: ".".into(),
            installs: false,
            matches: None,
            stdin: None,
            capture: Vec::new(),
        }),
        StepAction::Sql(SqlAction { statements: vec![statement("main", "INSERT INTO t VALUES (1)", None)] }),
        StepAction::Check(vec!["moved".into()]),
    ];
    for action in actions {
        let bench = with_action(action.clone());
        bench.world.launch(&[Act::Print("Error: ENOSPC: no space left on device, write"), Act::Exit(1)]);
        bench.world.result(sql_error("53100", full));
        let mut run = at_action(&bench).await;
        if matches!(action, StepAction::Check(_)) {
            bench.world.answer(r#"{"n": 2}"#, None);
            let answers = CheckRef { chapter: 1, check: "answers".into() };
            run.check(vec![answers]).await;
        }
        let (verdict, failure) = run.run().await;
        let failure = failure.unwrap();
        assert_eq!((verdict, failure.kind), (Verdict::Error, Kind::Environment), "{action:?}");
        assert!(failure.hints[0].contains("free some space"), "{:?}", failure.hints);
        run.quit().await;
    }
}

#[tokio::test]
async fn a_load_makes_up_its_values_and_does_not_count_what_warms_up() {
    let generators = [("n", GeneratorKind::Integer { from: 1, to: 1000 }), ("id", GeneratorKind::Uuid)];
    let generators = generators.map(|(name, kind)| Generator { name: name.into(), kind, differs_from: None });
    let load = LoadAction {
        payload: Template(r#"{"n": ${generate.n}, "id": "${generate.id}"}"#.into()),
        generate: generators.to_vec(),
        warm_up: 4,
        ..load_of(6, 2)
    };
    let bench = with_action(StepAction::Load(load));
    for _ in 0..10 {
        bench.world.answer("{}", None);
    }
    // The cold starts.
    *bench.world.slow_invocations.lock().unwrap() = (4, Duration::from_millis(400));
    let mut run = at_action(&bench).await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    let load = run.progress.load.clone().unwrap();
    assert_eq!((load.done, load.failed, load.total), (6, 0, 6));
    assert!(load.per_second > 6.0 / 0.8, "{}", load.per_second);
    let asked = bench.world.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 10);
    let payloads: std::collections::BTreeSet<String> = asked.iter().map(|asked| format!("{asked:?}")).collect();
    assert_eq!(payloads.len(), 10, "{payloads:?}");
    run.quit().await;
}

#[tokio::test]
async fn steps_keep_values_for_what_comes_after_them() {
    let mut first = statement("a", "select job_id from jobs", None);
    first.capture = vec![("job".into(), "job_id".into())];
    let statements = vec![first, statement("a", "select wait(${capture.job})", None)];
    let bench = with_action(StepAction::Sql(SqlAction { statements }));
    bench.world.result(StatementResult {
        columns: vec!["job_id".into()],
        rows: vec![vec![Some("j-1".into())]],
        row_count: 1,
        ..StatementResult::default()
    });
    bench.world.result(StatementResult::default());
    let mut run = at_action(&bench).await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert_eq!(run.progress.captures.get("job"), Some(&serde_json::json!("j-1")));
    let seen = run.quit().await;
    let mut texts = seen.iter().filter_map(|e| match &e.kind {
        EventKind::SqlStarted { text, .. } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(texts.next_back(), Some("select wait('j-1')"));

    let missing = |capture: &str| {
        StepAction::Shell(workshop_course::lesson::model::ShellAction {
            run: Template("echo port=8080".into()),
            cwd: String::new(),
            installs: false,
            matches: None,
            stdin: None,
            capture: vec![("port".into(), capture.into())],
        })
    };
    for (pattern, verdict) in [("port=([0-9]+)", Verdict::Pass), ("host=(.+)", Verdict::Fail)] {
        let bench = with_action(missing(pattern));
        bench.world.launch(&[Act::Print("port=8080"), Act::Exit(0)]);
        let mut run = at_action(&bench).await;
        assert_eq!(run.run().await.0, verdict);
        if verdict == Verdict::Pass {
            assert_eq!(run.progress.captures.get("port"), Some(&serde_json::json!(8080)));
        }
        run.quit().await;
    }
}

#[tokio::test]
async fn a_check_that_is_to_fail_is_known_by_all_that_it_prints_and_so_is_its_step() {
    use workshop_course::lesson::model::{ExpectedFailure, FileIs, StepExpect};
    let command = CheckKind::Command {
        run: Template("echo boom here; seq 1 60; exit 1".into()),
        cwd: String::new(),
        exit_code: 0,
        matches: None,
        stdin: None,
    };
    let file = CheckKind::File { path: "src/app.ts".into(), is: FileIs::Contains("nowhere".into()) };
    for (kind, matches) in [(command, "boom here"), (file, "it does not")] {
        let mut bench = with_action(StepAction::Check(vec!["long".into()]));
        let mut course = (*bench.course).clone();
        let chapter = &mut course.chapters[1];
        chapter.checks.push(Check { id: "long".into(), kind, eventually: None, ..chapter.checks[0].clone() });
        let step = chapter.steps.iter_mut().find(|step| step.id == "shell").unwrap();
        step.expect = StepExpect::Failure(ExpectedFailure {
            matches: matches.into(),
            sqlstate: None,
            repaired_by: "more".into(),
        });
        bench.course = Arc::new(course);
        // After a person's step the files are looked at once more.
        let mut run = bench.start(Mode::Interactive);
        run.opened().await;
        run.go_to(1, "shell").await;
        let (verdict, failure) = run.run().await;
        assert_eq!(verdict, Verdict::FailedAsExpected, "{failure:?}");
        let known = &run.progress.checks[&CheckRef { chapter: 1, check: "long".into() }];
        assert_eq!(known.verdict, Some(Verdict::FailedAsExpected), "{matches}");
        run.quit().await;
    }
}

#[tokio::test]
async fn checks_of_files_follow_what_the_workshop_writes() {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    let chapter = &mut course.chapters[1];
    let is = workshop_course::lesson::model::FileIs::Contains("DSQL".into());
    let kind = CheckKind::File { path: "src/app.ts".into(), is };
    chapter.checks.push(Check { id: "file".into(), kind, eventually: None, ..chapter.checks[0].clone() });
    bench.course = Arc::new(course);
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    let at_check = CheckRef { chapter: 1, check: "file".into() };
    run.check(vec![at_check.clone()]).await;
    let verdict = |run: &Run| run.progress.checks[&at_check].verdict;
    assert_eq!(verdict(&run), Some(Verdict::Pass));
    let scope = crate::command::Scope::Step(StepRef { chapter: 1, step: "change".into() });
    run.ask(Command::Undo { scope: scope.clone() }).await.unwrap();
    assert_eq!(verdict(&run), Some(Verdict::Fail), "it was taken back");
    run.ask(Command::Apply { scope }).await.unwrap();
    assert_eq!(verdict(&run), Some(Verdict::Pass));
    run.quit().await;
}
