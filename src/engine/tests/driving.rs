//! One thing at a time, verdicts, attempts, sessions, clocks.

use super::*;
use workshop_base::problem::Kind;
use workshop_course::lesson::model::Step;

#[tokio::test]
async fn a_second_run_is_refused_while_one_runs_and_so_is_leaving() {
    let bench = Bench::new();
    bench.world.launch(&[Act::Hang]);
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "deploy").await;
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::StepStarted { .. })).await;
    for command in [Command::Run, Command::Next, Command::Quit, Command::Check { checks: vec![], must_fail: false }] {
        assert!(run.ask(command).await.unwrap_err().contains("“Deploy” is running"));
    }
    let cancel = run.send(Command::Cancel);
    let end = run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    let EventKind::StepFinished { verdict, failure, .. } = end else { unreachable!() };
    assert_eq!((verdict, failure.unwrap().kind), (Verdict::Error, Kind::Interrupted));
    assert_eq!(run.answer(cancel).await, Ok(RequestOutcome::Complete), "it is over when what ran is");
    assert_eq!(run.ask(Command::Cancel).await.unwrap_err(), "nothing is running");
    run.quit().await;
}

/// Runs a command line as a step, as far as it says "up".
async fn at_command(bench: &mut Bench, line: &str) -> Run {
    let mut course = (*bench.course).clone();
    for step in &mut course.chapters[1].steps {
        if let workshop_course::lesson::model::StepAction::Shell(shell) = &mut step.action {
            shell.run.0 = line.to_owned();
        }
    }
    bench.course = Arc::new(course);
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "shell").await;
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::Output { lines, .. } if lines.contains(&"up".to_owned()))).await;
    run
}

#[tokio::test]
async fn a_run_whose_front_end_goes_away_ends_its_children() {
    let mut bench = Bench::new();
    let pid = bench.dir.path().join("pid");
    let mut run = at_command(&mut bench, &format!("echo $$ > {}; echo up; exec sleep 1000", pid.display())).await;
    run.handle = None;
    let last = run.until(|e| matches!(e, EventKind::Closed { .. })).await;
    assert!(matches!(last, EventKind::Closed { kind: Some(Kind::Interrupted), .. }));
    assert!(run.events.recv().await.is_none(), "nothing comes after Closed");
    let pid = std::fs::read_to_string(pid).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    assert!(stat.is_err() || stat.is_ok_and(|s| s.contains(") Z ")), "the child outlived its run");
}

#[tokio::test]
async fn a_command_has_its_grace_also_when_the_run_ends() {
    let mut bench = Bench::new();
    let ended = bench.dir.path().join("ended");
    let tidies = format!("trap 'sleep 0.2; echo in order > {}; exit 0' TERM", ended.display());
    let mut run = at_command(&mut bench, &format!("{tidies}; echo up; while :; do sleep 0.05; done")).await;
    run.handle = None;
    run.until(|e| matches!(e, EventKind::Closed { .. })).await;
    assert_eq!(std::fs::read_to_string(ended).unwrap(), "in order\n");
    answered(&run.seen);
}

#[tokio::test]
async fn what_does_not_end_in_time_does_not_hold_the_end_of_a_run_up() {
    let bench = Bench::new();
    bench.world.set_stack("UPDATE_COMPLETE");
    bench.world.launch(&[
        Act::Stack("UPDATE_IN_PROGRESS"),
        Act::Event("TheStack", "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", None),
        Act::Hang,
    ]);
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "deploy").await;
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::ResourceChanged { .. })).await;
    // What CloudFormation says of the rollback takes longer than anybody waits.
    *bench.world.slow.lock().unwrap() = Duration::from_secs(3600);
    let begun = tokio::time::Instant::now();
    run.handle = None;
    run.until(|e| matches!(e, EventKind::Closed { .. })).await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    answered(&run.seen);
}

#[tokio::test]
async fn a_check_is_tried_until_it_passes_and_counts_its_attempts() {
    let bench = Bench::new();
    bench.world.answer(r#"{"n": 0}"#, None);
    bench.world.answer(r#"{"n": 1}"#, None);
    bench.world.answer(r#"{"n": 2.0}"#, None);
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    let check = CheckRef { chapter: 1, check: "answers".into() };
    run.check(vec![check.clone()]).await;
    let state = &run.progress.checks[&check];
    assert_eq!((state.verdict, state.attempts), (Some(Verdict::Pass), 3));
    let said: Vec<&str> = state.tries.iter().map(|attempt| attempt.actual.as_str()).collect();
    assert_eq!(said, [r#"$.n is 0 in {"n":0}"#, r#"$.n is 1 in {"n":1}"#, "as wanted"]);
    run.quit().await;
}

#[tokio::test]
async fn a_check_that_is_stopped_between_two_tries_was_given_up_and_has_not_failed() {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    let patience = course.chapters[1].checks[0].eventually.as_mut().unwrap();
    (patience.every, patience.within) = (Duration::from_secs(60), Duration::from_secs(600));
    bench.course = Arc::new(course);
    bench.world.answer(r#"{"n": 0}"#, None);
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    let at_check = CheckRef { chapter: 1, check: "answers".into() };
    let check = run.send(Command::Check { checks: vec![at_check.clone()], must_fail: false });
    run.until(|e| matches!(e, EventKind::CheckTried { .. })).await;
    run.send(Command::Cancel);
    assert_eq!(run.answer(check).await, Ok(RequestOutcome::Verdict(Verdict::Error)));
    let state = &run.progress.checks[&at_check];
    let failure = state.failure.clone().unwrap();
    assert_eq!((state.verdict, state.attempts, failure.attempts.len()), (Some(Verdict::Error), 1, 1));
    assert_eq!((failure.kind, failure.actual.as_str()), (Kind::Interrupted, "it was cancelled"));
    run.quit().await;
}

#[tokio::test]
async fn a_chapter_is_over_when_what_may_be_left_out_of_it_is_left_behind() {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    course.chapters[0].steps[2].optional = true;
    bench.course = Arc::new(course);
    let chapter = |run: &Run| run.progress.chapters.get(&0).map(|chapter| chapter.verdict);
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(0, "copy").await;
    run.run().await;
    assert_eq!(chapter(&run), None, "one may still want it");
    run.go_to(0, "test").await;
    assert_eq!(chapter(&run), None);
    run.go_to(0, "look").await;
    assert_eq!(chapter(&run), None, "nor is it over for who goes back");
    run.go_to(1, "change").await;
    assert_eq!(chapter(&run), Some(Verdict::Pass));
    run.go_to(0, "test").await;
    bench.write("src/app.ts", "nothing of it");
    run.run().await;
    let test = StepRef { chapter: 0, step: "test".into() };
    assert_eq!(run.progress.steps.get(&test).and_then(|state| state.verdict), Some(Verdict::Fail));
    assert_eq!(chapter(&run), Some(Verdict::Pass), "nor does it fail with it");
    let told = run.seen.iter().filter(|e| matches!(e.kind, EventKind::ChapterFinished { .. })).count();
    assert_eq!(told, 1);
    run.quit().await;
}

#[tokio::test]
async fn a_chapter_ends_with_its_last_page_and_not_before_it() {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    for chapter in [0, 1] {
        let page = course.chapters[0].steps[0].clone();
        course.chapters[chapter].steps.push(Step { id: "end".into(), ..page });
    }
    course.chapters[0].steps.retain(|step| step.id != "test");
    course.chapters[1].steps.retain(|step| ["change", "end"].contains(&step.id.as_str()));
    bench.course = Arc::new(course);
    let chapter = |run: &Run, number| run.progress.chapters.get(&number).map(|chapter| chapter.verdict);
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(0, "copy").await;
    run.run().await;
    run.ask(Command::Next).await.unwrap();
    assert_eq!(chapter(&run, 0), None, "it is being read");
    run.ask(Command::Next).await.unwrap();
    assert_eq!(chapter(&run, 0), Some(Verdict::Pass));
    run.run().await;
    assert_eq!(chapter(&run, 1), None);
    run.ask(Command::Next).await.unwrap();
    assert_eq!(chapter(&run, 1), Some(Verdict::Pass), "nothing leads on from the last page");
    run.quit().await;
}

#[tokio::test]
async fn a_check_that_fails_leaves_a_whole_record() {
    let bench = Bench::new();
    bench.world.set_stack("UPDATE_COMPLETE");
    bench.world.answer(r#"{"n": 2}"#, None);
    bench.world.result(rows(&["n"], &[&["7"], &["8"]]));
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    let check = |id: &str| CheckRef { chapter: 1, check: id.into() };
    run.check(vec![check("answers"), check("moved")]).await;
    let failure = run.progress.checks[&check("moved")].failure.clone().unwrap();
    assert_eq!((failure.expected.as_str(), failure.actual.as_str()), ("2", "7\n8"));
    assert_eq!(failure.hints, ["look at t"]);
    assert_eq!(failure.attempts.len(), 1);
    let reproduce = failure.reproduce.unwrap();
    assert_eq!(reproduce, r"workshop sql -c 'SELECT n FROM t WHERE n = '\''2'\'''");
    run.quit().await;
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_noted_and_a_cluster_that_wakes_up_is_waited_for() {
    for (error, attempts) in [
        (sql_error("40001", "schema has been updated by another transaction (OC001)"), 2),
        (sql_error("08006", "unable to accept connection, waking up cluster"), 1),
    ] {
        let bench = Bench::new();
        bench.world.set_stack("UPDATE_COMPLETE");
        bench.world.answer(r#"{"n": 2}"#, None);
        bench.world.result(error);
        bench.world.result(rows(&["n"], &[&["2"]]));
        let mut run = bench.start(Mode::Scratch);
        run.opened().await;
        let check = |id: &str| CheckRef { chapter: 1, check: id.into() };
        run.check(vec![check("answers"), check("moved")]).await;
        let state = &run.progress.checks[&check("moved")];
        assert_eq!((state.verdict, state.attempts), (Some(Verdict::Pass), attempts));
        run.quit().await;
    }
}

#[tokio::test]
async fn a_stale_catalogue_is_retried_in_a_step_and_other_errors_are_told() {
    let bench = Bench::new();
    bench.world.set_stack("UPDATE_COMPLETE");
    bench.world.result(sql_error("40001", "schema has been updated by another transaction (OC001)"));
    bench.world.result(sql_error("42501", "permission denied for table t"));
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "grant").await;
    let (verdict, failure) = run.run().await;
    let failure = failure.unwrap();
    assert_eq!((verdict, failure.sqlstate.as_deref()), (Verdict::Fail, Some("42501")));
    let session = &run.progress.sessions["main"];
    assert_eq!(session.host, "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws");
    assert_eq!(session.last_error.as_ref().unwrap().sqlstate, "42501");
    run.quit().await;
}

#[tokio::test]
async fn an_output_cannot_become_part_of_a_command() {
    let bench = Bench::new();
    bench.world.set_stack("UPDATE_COMPLETE");
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "shell").await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    run.quit().await;
}

#[tokio::test]
async fn the_console_keeps_its_transaction_and_says_when_the_run_took_it_away() {
    let bench = Bench::new();
    bench.world.set_stack("UPDATE_COMPLETE");
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    let asked = run.send(Command::Sql { session: "mine".into(), text: "BEGIN".into(), columns: None });
    run.until(|e| matches!(e, EventKind::SqlFinished { id, .. } if *id == asked)).await;
    assert_eq!(run.answer(asked).await, Ok(RequestOutcome::Complete));
    assert_eq!(run.progress.sessions["mine"].tx, TxState::Open);
    let asked = run.send(Command::Complete { session: "mine".into(), text: "SEL".into(), cursor: 3 });
    let found = run.until(|e| matches!(e, EventKind::Completions { .. })).await;
    assert_eq!(
        found,
        EventKind::Completions {
            id: asked,
            from: 3,
            candidates: vec![SqlCandidate { text: "SELECT".into(), kind: "keyword".into() }]
        }
    );
    run.quit().await;
    let mut again = bench.start(Mode::Interactive);
    again.until(|e| matches!(e, EventKind::Restored { .. })).await;
    let session = &again.progress.sessions["mine"];
    assert_eq!((session.open, session.tx), (false, TxState::Unknown));
    again.quit().await;
}

#[tokio::test]
async fn time_accumulates_per_step_stands_in_a_pause_and_between_runs() {
    let bench = Bench::new();
    let advance = |ms: u64| *bench.clock.lock().unwrap() += ms;
    let step = |chapter, step: &str| StepRef { chapter, step: step.into() };
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    advance(1_000);
    run.send(Command::Next);
    run.until(|e| matches!(e, EventKind::HunksApplied { .. })).await;
    advance(2_000);
    run.send(Command::Pause);
    run.until(|e| matches!(e, EventKind::Paused)).await;
    advance(60_000);
    run.send(Command::Resume);
    run.until(|e| matches!(e, EventKind::Resumed)).await;
    advance(500);
    run.send(Command::Back);
    run.until(|e| matches!(e, EventKind::HunksApplied { .. })).await;
    advance(250);
    run.quit().await;
    advance(3_600_000);
    let mut again = bench.start(Mode::Interactive);
    again.until(|e| matches!(e, EventKind::Restored { .. })).await;
    advance(4_000);
    let now = *bench.clock.lock().unwrap();
    assert_eq!(again.progress.spent_on_step(&step(0, "look"), now), 1_000 + 250 + 4_000);
    assert_eq!(again.progress.spent_on_step(&step(0, "copy"), now), 2_500);
    assert_eq!(again.progress.spent_on_chapter(0, now), 1_000 + 250 + 4_000 + 2_500);
    again.send(Command::RestartClock);
    again.until(|e| matches!(e, EventKind::ClockRestarted)).await;
    advance(700);
    let now = *bench.clock.lock().unwrap();
    assert_eq!(again.progress.spent_on_chapter(0, now), 700, "the clock begins again where one stands");
    again.quit().await;
}

#[tokio::test]
async fn a_target_that_has_gone_away_is_made_ready_again_by_what_needs_it() {
    let ready = |e: &EventKind| matches!(e, EventKind::Prepared { task: Preparation::Sandbox, .. });
    let gone = |e: &EventKind| matches!(e, EventKind::PrepareFailed { task: Preparation::Sandbox, .. });
    let bench = Bench::new();
    bench.world.set_stack("UPDATE_COMPLETE");
    let mut run = bench.start(Mode::Interactive);
    run.until(ready).await;
    for input in ["SELECT 1", "SELECT 2"] {
        bench.world.gone.notify_one();
        run.until(gone).await;
        run.send(Command::Sql { session: "main".into(), text: input.into(), columns: None });
        run.until(ready).await;
        run.until(|e| matches!(e, EventKind::SqlFinished { .. })).await;
    }
    bench.world.answer(r#"{"n": 2}"#, None);
    bench.world.gone.notify_one();
    run.until(gone).await;
    let answers = CheckRef { chapter: 1, check: "answers".into() };
    run.send(Command::Check { checks: vec![answers.clone()], must_fail: false });
    run.until(ready).await;
    run.until(|e| matches!(e, EventKind::Done { .. })).await;
    assert_eq!(run.progress.checks[&answers].verdict, Some(Verdict::Pass));
    run.quit().await;
}

#[tokio::test]
async fn a_run_by_itself_ends_with_its_target() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Scratch);
    run.until(|e| matches!(e, EventKind::Prepared { task: Preparation::Sandbox, .. })).await;
    bench.world.gone.notify_one();
    run.until(|e| matches!(e, EventKind::PrepareFailed { task: Preparation::Sandbox, .. })).await;
    let seen = run.quit().await;
    let end = seen.last().map(|e| e.kind.clone());
    assert!(matches!(end, Some(EventKind::Closed { kind: Some(Kind::Environment), .. })), "{end:?}");
}

#[tokio::test]
async fn work_that_goes_on_in_another_account_keeps_its_files_and_nothing_of_what_was_deployed() {
    let bench = Bench::new();
    let step = |chapter, step: &str| StepRef { chapter, step: step.into() };
    let reached = |e: &EventKind| matches!(e, EventKind::Reached { .. });
    let mut run = bench.start(Mode::Interactive);
    run.until(reached).await;
    run.go_to(0, "copy").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    bench.world.deploys();
    run.go_to(1, "deploy").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    bench.world.answer(r#"{"n": 2}"#, None);
    run.check(vec![CheckRef { chapter: 1, check: "answers".into() }]).await;
    assert_eq!((run.progress.outputs.len(), run.progress.captures.len()), (1, 1));
    run.quit().await;
    assert_eq!(crate::begun(&bench.workdir()).unwrap().map(|b| b.target), Some(Target::Local));

    // The same again: nothing to tell.
    let mut run = bench.start(Mode::Interactive);
    run.until(|e| matches!(e, EventKind::Located { .. })).await;
    assert!(!run.seen.iter().any(|e| reached(&e.kind)), "{:?}", run.seen);
    assert_eq!((run.progress.outputs.len(), run.progress.captures.len()), (1, 1));
    run.quit().await;

    let (handle, events) = super::super::start(EngineConfig { target: Target::Aws, ..bench.setup(Mode::Interactive) });
    let mut run = Run::of(handle, events);
    let EventKind::Reached { here, before: Some(before) } = run.until(reached).await else { panic!("nothing is said") };
    assert_eq!((here.target, before.target), (Target::Aws, Target::Local));
    let said = here.instead_of(&before);
    assert!(
        said.contains("the sandbox") && said.contains("AWS account 123456789012") && said.contains("--target local")
    );
    run.until(|e| matches!(e, EventKind::Located { .. })).await;
    let now = &run.progress;
    assert_eq!(now.position, Some(Position { chapter: 1, step: "deploy".into() }));
    assert!(now.is_done(&step(0, "copy")) && !now.steps.contains_key(&step(1, "deploy")));
    assert_eq!((now.outputs.len(), now.captures.len(), now.checks.len(), now.deploy.is_none()), (0, 0, 0, true));
    run.quit().await;
    assert_eq!(crate::begun(&bench.workdir()).unwrap().map(|b| b.target), Some(Target::Aws));
}
