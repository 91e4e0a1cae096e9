//! The course changed by its author while it is open.

use super::*;
use workshop_course::code::tree::SourceFile;

/// The bench's course with a change.
fn changed(bench: &Bench, change: impl FnOnce(&mut Course)) -> Arc<Course> {
    let mut course = Course::clone(&bench.course);
    change(&mut course);
    Arc::new(course)
}

async fn reload(run: &mut Run, course: Arc<Course>) -> EventKind {
    run.handle.as_ref().unwrap().reload(Ok(course));
    run.until(|kind| matches!(kind, EventKind::CourseReloaded { .. })).await
}

#[tokio::test]
async fn the_place_is_kept_and_a_step_that_is_gone_is_told() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "shell").await;
    let course = changed(&bench, |course| course.chapters[1].steps[4].title = "Another".into());
    let told = reload(&mut run, course.clone()).await;
    let EventKind::CourseReloaded { position, gone, course: told } = told else { unreachable!() };
    assert_eq!((position.chapter, position.step.as_str(), gone), (1, "shell", None));
    assert_eq!(told, Some(course), "for who shows it");

    let course = changed(&bench, |course| course.chapters[1].steps[4].id = "listen".into());
    let EventKind::CourseReloaded { position, gone, .. } = reload(&mut run, course).await else { unreachable!() };
    assert_eq!((position.step.as_str(), gone.as_deref()), ("listen", Some("shell")));
    assert_eq!(run.progress.position, Some(position));

    // A chapter in front of it: the chapter is known by its snapshot, not by its number.
    let course = changed(&bench, |course| {
        let first = Chapter { id: "ch-new".into(), ..course.chapters[0].clone() };
        course.chapters.insert(0, first);
        (0..).zip(&mut course.chapters).for_each(|(number, chapter)| chapter.number = number);
    });
    let EventKind::CourseReloaded { position, .. } = reload(&mut run, course).await else { unreachable!() };
    assert_eq!((position.chapter, position.step.as_str()), (2, "shell"), "`listen` stood in its place");
    run.quit().await;
}

#[tokio::test]
async fn a_step_that_is_walked_by_statements_begins_anew_when_its_course_is_another() {
    let mut bench = Bench::new();
    bench.world.set_stack("UPDATE_COMPLETE");
    let statements = |course: &mut Course, count: usize| {
        let grant = course.chapters[1].steps.iter_mut().find(|step| step.id == "grant").unwrap();
        let workshop_course::lesson::model::StepAction::Sql(sql) = &mut grant.action else { unreachable!() };
        let first = sql.statements[0].clone();
        sql.statements = vec![first; count];
    };
    bench.course = changed(&bench, |course| statements(course, 2));
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "grant").await;
    assert_eq!(run.ask(Command::RunStatement).await, Ok(RequestOutcome::Complete));
    let course = changed(&bench, |course| statements(course, 1));
    reload(&mut run, course).await;
    let from = run.seen.len();
    assert_eq!(run.run().await.0, Verdict::Pass);
    assert!(run.seen[from..].iter().any(|event| matches!(event.kind, EventKind::SqlStarted { .. })), "it has run");
    run.quit().await;
}

#[tokio::test]
async fn files_that_are_the_runners_follow_and_own_edits_stay() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    bench.write("src/app.ts", "mine\n");
    let course = changed(&bench, |course| {
        for chapter in &mut course.chapters {
            chapter.snapshot.insert("old.txt".into(), SourceFile::plain("older\n"));
            chapter.snapshot.insert("src/app.ts".into(), SourceFile::plain("theirs\n"));
        }
    });
    reload(&mut run, course).await;
    run.until(|kind| matches!(kind, EventKind::Distance { .. })).await;
    assert_eq!(bench.read("old.txt").as_deref(), Some("older\n"));
    assert_eq!(bench.read("src/app.ts").as_deref(), Some("mine\n"));
    run.quit().await;
}

#[tokio::test]
async fn what_is_not_valid_is_told_until_it_is_mended_and_nothing_else_changes() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "grant").await;
    let problem = Problem::course("`minutes` is text");
    run.handle.as_ref().unwrap().reload(Err(vec![problem.clone()]));
    run.until(|kind| matches!(kind, EventKind::CourseInvalid { .. })).await;
    assert_eq!(run.progress.course_problems, [problem]);
    assert_eq!(run.progress.position.as_ref().map(|p| p.step.as_str()), Some("grant"));
    reload(&mut run, bench.course.clone()).await;
    assert_eq!(run.progress.course_problems, []);
    run.quit().await;
}

#[tokio::test]
async fn a_step_that_runs_ends_as_it_began() {
    let bench = Bench::new();
    bench.world.launch(&[Act::Hang]);
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "deploy").await;
    run.send(Command::Run);
    run.until(|kind| matches!(kind, EventKind::StepStarted { .. })).await;
    let course = changed(&bench, |course| course.chapters[1].steps[1].id = "ship".into());
    run.handle.as_ref().unwrap().reload(Ok(course));
    run.send(Command::Cancel);
    let mut seen = Vec::new();
    loop {
        match run.event().await {
            EventKind::StepFinished { at_step, .. } => seen.push(at_step.step),
            EventKind::CourseReloaded { position, .. } => {
                seen.push(position.step);
                break;
            }
            _ => {}
        }
    }
    assert_eq!(seen, ["deploy", "ship"]);
    run.quit().await;
}

#[tokio::test]
async fn what_is_not_valid_when_a_step_ends_stays_told() {
    let bench = Bench::new();
    bench.world.launch(&[Act::Hang]);
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "deploy").await;
    run.send(Command::Run);
    run.until(|kind| matches!(kind, EventKind::StepStarted { .. })).await;
    let course = changed(&bench, |course| course.chapters[1].steps[1].title = "Ship it".into());
    let problem = Problem::course("`minutes` is text");
    let handle = run.handle.as_ref().unwrap();
    handle.reload(Ok(course));
    handle.reload(Err(vec![problem.clone()]));
    run.until(|kind| matches!(kind, EventKind::CourseInvalid { .. })).await;
    run.send(Command::Cancel);
    run.until(|kind| matches!(kind, EventKind::StepFinished { .. })).await;
    run.go_to(1, "grant").await;
    assert_eq!(run.progress.course_problems, [problem]);
    let seen = run.quit().await;
    assert!(!seen.iter().any(|event| matches!(event.kind, EventKind::CourseReloaded { .. })));
}

#[tokio::test]
async fn a_session_whose_step_is_gone_goes_on_in_its_chapter_and_says_so() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    run.ask(Command::Run).await.unwrap();
    run.ask(Command::Next).await.unwrap();
    run.quit().await;
    let course = changed(&bench, |course| course.chapters[1].steps[1].id = "ship".into());
    let (handle, events) = super::super::start(EngineConfig { course, ..bench.setup(Mode::Interactive) });
    let mut run = Run::of(handle, events);
    let EventKind::Opened { position, .. } = run.event().await else { panic!("opened first") };
    assert_eq!((position.chapter, position.step.as_str()), (1, "ship"), "the first that is not done");
    let note = run.until(|kind| matches!(kind, EventKind::Output { .. })).await;
    let EventKind::Output { lines, .. } = note else { unreachable!() };
    assert!(lines[0].contains("step deploy of chapter 1, which the course has no more"), "{lines:?}");
    run.quit().await;
}
