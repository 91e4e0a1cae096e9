//! Everything brought to where a chapter begins, and steps walked statement by statement.

use super::*;
use crate::cloud::StateStore;
use crate::command::{BringTo, Refusal};
use workshop_course::lesson::model::{ServeAction, SqlStatement, StepAction, Template};

/// Remembers what it is asked for.
#[derive(Default)]
pub(super) struct Kept(Mutex<Vec<String>>);

impl Kept {
    fn note(&self, what: String) -> BoxFuture<'_, Result<()>> {
        self.0.lock().unwrap().push(what);
        Box::pin(std::future::ready(Ok(())))
    }

    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl StateStore for Kept {
    fn save(&self, name: String) -> BoxFuture<'_, Result<()>> {
        self.note(format!("save {name}"))
    }
    fn restore(&self, name: String) -> BoxFuture<'_, Result<()>> {
        self.note(format!("restore {name}"))
    }
    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.note("clear".to_owned())
    }
}

pub(super) fn start(bench: &Bench, kept: &Arc<Kept>, chapter: Option<u32>) -> Run {
    let setup = EngineConfig { states: Some(kept.clone()), chapter, ..bench.setup(Mode::Interactive) };
    let (handle, events) = super::super::start(setup);
    Run::of(handle, events)
}

fn done(run: &Run) -> Vec<String> {
    run.progress.steps.keys().map(|at| format!("{}/{}", at.chapter, at.step)).collect()
}

fn here(run: &Run) -> String {
    run.progress.position.as_ref().map(|at| format!("{}/{}", at.chapter, at.step)).unwrap_or_default()
}

#[tokio::test]
async fn a_chapter_opened_in_a_new_directory_comes_with_all_that_leads_to_it() {
    let (bench, kept) = (Bench::new(), Arc::<Kept>::default());
    let mut run = start(&bench, &kept, Some(1));
    let end = run.until(|e| matches!(e, EventKind::Done { command: CommandKind::Bring, .. })).await;
    assert!(matches!(end, EventKind::Done { id: 0, outcome: RequestOutcome::Complete, .. }), "{end:?}");
    assert_eq!((here(&run).as_str(), done(&run).join(" ").as_str()), ("1/change", "0/copy 0/test"));
    assert!(run.progress.steps.values().all(|step| step.verdict == Some(Verdict::Pass)));
    assert_eq!(run.progress.bringing, None);
    assert_eq!(bench.read("src/app.ts").as_deref(), Some(APP0));
    assert!(kept.asked().is_empty(), "nothing was there that had to go");
    run.quit().await;
    // Where work was begun, a chapter is opened as ever, and what it needs is one request away.
    let mut again = start(&bench, &kept, Some(1));
    again.opened().await;
    assert_eq!(again.progress.bringing, None);
    again.quit().await;
}

#[tokio::test]
async fn going_back_puts_the_target_back_and_there_is_a_way_back_from_that() {
    let (bench, kept) = (Bench::new(), Arc::<Kept>::default());
    bench.world.deploys();
    bench.world.launch(&[Act::Stack("UPDATE_COMPLETE"), Act::Exit(0)]);
    let mut run = start(&bench, &kept, Some(1));
    run.until(|e| matches!(e, EventKind::Done { command: CommandKind::Bring, .. })).await;
    run.go_to(1, "deploy").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    assert_eq!(kept.asked(), ["save chapter-1"], "before the first step of the chapter that reaches out");
    run.go_to(1, "shell").await;
    let brought = run.ask(Command::Bring { to: BringTo::Chapter(1) }).await;
    assert_eq!(brought, Ok(RequestOutcome::Complete));
    assert_eq!(kept.asked(), ["save before", "restore chapter-1"]);
    assert_eq!((here(&run).as_str(), done(&run).join(" ").as_str()), ("1/change", "0/copy 0/test"));
    assert_eq!(run.progress.deploy, None);
    let back = run.ask(Command::Bring { to: BringTo::Before }).await;
    assert_eq!(back, Ok(RequestOutcome::Complete));
    assert_eq!(kept.asked(), ["restore before"]);
    assert_eq!((here(&run).as_str(), done(&run).join(" ").as_str()), ("1/shell", "0/copy 0/test 1/deploy"));
    // The first chapter begins with nothing.
    assert_eq!(run.ask(Command::Bring { to: BringTo::Chapter(0) }).await, Ok(RequestOutcome::Complete));
    assert_eq!(kept.asked(), ["save before", "clear"]);
    assert_eq!((here(&run).as_str(), done(&run).len()), ("0/look", 0));
    assert_eq!(bench.read("src/app.ts"), None, "the files are as it begins, too");
    let seen = run.quit().await;
    let mut folded = Progress::default();
    seen.iter().for_each(|event| folded.apply(event));
    assert_eq!(folded.steps.len(), 0);
}

#[tokio::test]
async fn the_way_back_leads_to_where_one_was_also_when_nothing_had_to_go() {
    let (bench, kept) = (Bench::new(), Arc::<Kept>::default());
    let mut run = start(&bench, &kept, Some(1));
    run.until(|e| matches!(e, EventKind::Done { command: CommandKind::Bring, .. })).await;
    assert_eq!(run.ask(Command::Bring { to: BringTo::Chapter(1) }).await, Ok(RequestOutcome::Complete));
    assert_eq!(kept.asked(), ["save before"], "else the way back led to an older state");
    // What was done of the chapter is not done when it begins again, also where no state had to be put back.
    run.go_to(1, "change").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    let change = StepRef { chapter: 1, step: "change".into() };
    assert!(run.progress.is_done(&change));
    assert_eq!(run.ask(Command::Bring { to: BringTo::Chapter(1) }).await, Ok(RequestOutcome::Complete));
    assert!(!run.progress.is_done(&change));
    run.quit().await;
}

#[tokio::test]
async fn what_was_started_ends_and_what_steps_took_is_remembered_when_a_chapter_begins_again() {
    let (mut bench, kept) = (Bench::new(), Arc::<Kept>::default());
    let mut course = (*bench.course).clone();
    let step = course.chapters[1].steps.iter_mut().find(|s| s.id == "shell").unwrap();
    step.action = StepAction::Serve(ServeAction {
        name: "api".into(),
        run: Template("sleep 1000".into()),
        cwd: String::new(),
        ready: None,
        capture: Vec::new(),
    });
    bench.course = Arc::new(course);
    let mut run = start(&bench, &kept, Some(1));
    run.until(|e| matches!(e, EventKind::Done { command: CommandKind::Bring, .. })).await;
    run.go_to(1, "shell").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    *bench.clock.lock().unwrap() += 5_000;
    assert_eq!(run.ask(Command::Bring { to: BringTo::Chapter(1) }).await, Ok(RequestOutcome::Complete));
    let ended = |event: &Event| matches!(event.kind, EventKind::ProcessEnded { end: ProcessEnd::Stopped, .. });
    assert!(run.seen.iter().any(ended) && run.progress.served.is_empty(), "it goes with its step");
    let shell = StepRef { chapter: 1, step: "shell".into() };
    let last = run.progress.pacing.last.get(&shell).copied();
    assert!(last.is_some_and(|ms| ms > 0), "what it took is known when it is to be done again");
    assert_eq!(run.progress.last_given().get(&shell).copied(), last);
    run.quit().await;
}

#[tokio::test]
async fn a_step_that_fails_on_the_way_ends_it_there() {
    let (bench, kept) = (Bench::new(), Arc::<Kept>::default());
    bench.world.launch(&[Act::Exit(1)]);
    let mut course = (*bench.course).clone();
    let mut third = course.chapters[1].clone();
    third.number = 2;
    course.chapters.push(third);
    let setup = EngineConfig {
        course: Arc::new(course),
        states: Some(kept.clone()),
        chapter: Some(2),
        ..bench.setup(Mode::Interactive)
    };
    let (handle, events) = super::super::start(setup);
    let mut run = Run::of(handle, events);
    let end = run.until(|e| matches!(e, EventKind::Done { command: CommandKind::Bring, .. })).await;
    let failed = RequestOutcome::Verdict(Verdict::Fail);
    assert!(matches!(&end, EventKind::Done { outcome, .. } if *outcome == failed), "{end:?}");
    assert_eq!(here(&run), "1/deploy", "where it can be looked at, and run again");
    assert_eq!(run.progress.bringing, None);
    run.quit().await;
}

#[tokio::test]
async fn what_came_out_badly_is_not_gone_on_from() {
    let (bench, kept) = (Bench::new(), Arc::<Kept>::default());
    bench.world.deploys();
    bench.world.launch(&[Act::Exit(1)]);
    bench.world.result(sql_error("42P07", "it is there already"));
    let mut course = (*bench.course).clone();
    let mut third = course.chapters[1].clone();
    third.number = 2;
    course.chapters.push(third);
    let course = Arc::new(course);
    let setup = EngineConfig { course, states: Some(kept.clone()), chapter: Some(1), ..bench.setup(Mode::Interactive) };
    let (handle, events) = super::super::start(setup);
    let mut run = Run::of(handle, events);
    run.until(|e| matches!(e, EventKind::Done { command: CommandKind::Bring, .. })).await;
    run.go_to(1, "deploy").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    run.go_to(1, "grant").await;
    assert_eq!(run.run().await.0, Verdict::Fail);
    assert_eq!(kept.asked(), ["save chapter-1"]);
    run.ask(Command::Bring { to: BringTo::Chapter(2) }).await.unwrap();
    // From the chapter's beginning, not in the middle of it.
    assert_eq!(kept.asked(), ["save before", "restore chapter-1", "save chapter-1"]);
    assert_eq!(here(&run), "1/deploy", "where the second deploy fails");
    run.quit().await;
}

#[tokio::test]
async fn an_account_is_not_put_back() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    let request = run.send(Command::Bring { to: BringTo::Chapter(1) });
    let refused = run.until(|e| matches!(e, EventKind::Refused { id, .. } if *id == request)).await;
    let EventKind::Refused { because, reason, .. } = refused else { unreachable!() };
    assert_eq!(because, Refusal::Unsupported);
    assert!(reason.contains("--target local"), "{reason}");
    run.quit().await;
}

/// Opens the course with these statements in its step with SQL.
async fn with_statements(bench: &Bench, texts: &[&str]) -> Run {
    bench.world.set_stack("CREATE_COMPLETE");
    let mut course = (*bench.course).clone();
    for step in &mut course.chapters[1].steps {
        if let StepAction::Sql(sql) = &mut step.action {
            let one = sql.statements[0].clone();
            let of = |text: &&str| SqlStatement { run: Template((*text).to_owned()), ..one.clone() };
            sql.statements = texts.iter().map(of).collect();
        }
    }
    let setup = EngineConfig { course: Arc::new(course), ..bench.setup(Mode::Scratch) };
    let (handle, events) = super::super::start(setup);
    let mut run = Run::of(handle, events);
    run.opened().await;
    run
}

#[tokio::test]
async fn a_step_is_walked_statement_by_statement_or_on_to_its_end() {
    let bench = Bench::new();
    let mut run = with_statements(&bench, &["GRANT ALL ON t TO app"; 3]).await;
    run.go_to(1, "grant").await;
    for _ in 0..7 {
        bench.world.result(StatementResult { tag: "GRANT".into(), ..StatementResult::default() });
    }
    let ran = |run: &Run| run.seen.iter().filter(|e| matches!(e.kind, EventKind::SqlFinished { .. })).count();
    let at = StepRef { chapter: 1, step: "grant".into() };
    for next in [1, 2] {
        assert_eq!(run.ask(Command::RunStatement).await, Ok(RequestOutcome::Complete));
        let stepping = run.progress.stepping.clone().unwrap();
        assert_eq!((stepping.next, stepping.total, ran(&run)), (next, 3, next));
        assert_eq!(run.progress.running, None, "it waits");
        assert!(!run.progress.is_broken_off(&at));
    }
    assert_eq!(run.ask(Command::RunStatement).await, Ok(RequestOutcome::Verdict(Verdict::Pass)));
    assert_eq!((run.progress.stepping.clone(), ran(&run)), (None, 3));
    assert_eq!(run.progress.steps[&at].attempt, 1, "one attempt in three parts");
    // One by itself, then the rest at once.
    assert_eq!(run.ask(Command::RunStatement).await, Ok(RequestOutcome::Complete));
    assert_eq!(run.ask(Command::Run).await, Ok(RequestOutcome::Verdict(Verdict::Pass)));
    assert_eq!((ran(&run), run.progress.steps[&at].attempt), (6, 2));
    // Who goes away in the middle begins anew.
    assert_eq!(run.ask(Command::RunStatement).await, Ok(RequestOutcome::Complete));
    run.go_to(1, "shell").await;
    assert_eq!(run.progress.stepping, None);
    assert!(run.progress.is_broken_off(&at));
    // A step of another kind runs whole.
    assert!(matches!(run.ask(Command::RunStatement).await, Ok(RequestOutcome::Verdict(_))));
    run.quit().await;
}

#[tokio::test]
async fn a_transaction_that_a_step_has_left_open_is_rolled_back_when_the_step_begins_anew_and_a_persons_own_is_not() {
    let bench = Bench::new();
    let mut run = with_statements(&bench, &["BEGIN", "UPDATE t SET n = 1", "COMMIT"]).await;
    let ran = |run: &Run| -> Vec<(String, String)> {
        let started = run.seen.iter().filter_map(|e| match &e.kind {
            EventKind::SqlStarted { session, text, .. } => Some((session.clone(), text.clone())),
            _ => None,
        });
        started.collect()
    };
    let own = Command::Sql { session: "mine".into(), text: "BEGIN".into(), columns: None };
    assert_eq!(run.ask(own).await, Ok(RequestOutcome::Complete));
    run.go_to(1, "grant").await;
    assert_eq!(run.ask(Command::RunStatement).await, Ok(RequestOutcome::Complete));
    let (session, _) = ran(&run).pop().unwrap();
    // Away in the middle of it, and back.
    run.go_to(1, "shell").await;
    run.go_to(1, "grant").await;
    assert_eq!(run.ask(Command::Run).await, Ok(RequestOutcome::Verdict(Verdict::Pass)));
    let told = |text: &str| (session.clone(), text.to_owned());
    let after: Vec<_> = ran(&run).into_iter().skip(2).collect();
    assert_eq!(after, [told("ROLLBACK;"), told("BEGIN"), told("UPDATE t SET n = 1"), told("COMMIT")]);
    // Nothing was left open this time.
    assert_eq!(run.ask(Command::Run).await, Ok(RequestOutcome::Verdict(Verdict::Pass)));
    assert_eq!(ran(&run).len(), 2 + 4 + 3);
    run.quit().await;
}

#[tokio::test]
async fn where_nothing_follows_it_is_said_why() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    let reason = run.ask(Command::Bring { to: BringTo::Standby }).await.unwrap_err();
    assert_eq!(reason, "the talk is on this machine already; from an account it could move here");
    run.quit().await;
}
