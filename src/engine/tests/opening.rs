//! Own lines on the way to a chapter, at the beginning of a run and in it; and a run in a directory of another course.

use super::bringing::{self, Kept};
use super::*;
use crate::command::BringTo;
use workshop_base::problem::Kind;

/// A course of three chapters that change the same line, without anything else.
fn three_chapters() -> Bench {
    let mut bench = Bench::new();
    let put = |path: &str, text: &str| {
        let path = bench.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("lessons/course.yaml", "title: Three\ncode: T3\nslot: 10\nprerequisites: []\nchapters: [ch00, ch01, ch02]\n");
    for (number, word) in ["zero", "one", "two"].into_iter().enumerate() {
        let lesson = format!(
            "snapshot: ch0{number}\ntitle: {word}\nminutes: 2\ngoals: [g]\nsteps:\n\
             - {{id: edit, title: Edit, minutes: 1, say: s, edit: all}}\n\
             - {{id: run, title: Run, minutes: 1, say: s, shell: {{run: cat a.txt}}}}\n\
             checks:\n- {{id: c{number}, title: C, file: {{path: a.txt, contains: {word}}}}}\n"
        );
        put(&format!("lessons/ch0{number}.yaml"), &lesson);
        put(&format!("snapshots/ch0{number}/a.txt"), &text(word));
        let _ = std::fs::remove_dir_all(bench.dir.path().join(format!("snapshots/ch0{number}/src")));
        let _ = std::fs::remove_file(bench.dir.path().join(format!("snapshots/ch0{number}/old.txt")));
    }
    let loaded =
        workshop_course::lesson::load::load(&bench.dir.path().join("lessons"), &bench.dir.path().join("snapshots"));
    bench.course =
        Arc::new(loaded.unwrap_or_else(|problems| panic!("{}", workshop_course::lesson::lint::plain(&problems))));
    bench
}

fn text(word: &str) -> String {
    format!("1\n2\n3\n{word}\n5\n6\n7\n")
}

fn at_chapter(bench: &Bench, chapter: u32) -> Run {
    let mut setup = bench.setup(Mode::Interactive);
    setup.chapter = Some(chapter);
    let (handle, events) = super::super::start(setup);
    Run::of(handle, events)
}

#[tokio::test]
async fn who_opens_at_a_chapter_that_their_lines_meet_is_asked_and_stays_until_they_have_answered() {
    for course in [false, true] {
        let bench = three_chapters();
        let mut run = bench.start(Mode::Interactive);
        run.opened().await;
        run.run().await;
        run.quit().await;
        bench.write("a.txt", &text("mine"));
        let left = Position { chapter: 0, step: "edit".into() };
        let mut run = at_chapter(&bench, 2);
        let asked = run.until(|e| matches!(e, EventKind::EditsCollide { .. })).await;
        assert_eq!(asked, EventKind::EditsCollide { files: vec!["a.txt".into()] });
        let EventKind::Trouble { problem } = run.until(|e| matches!(e, EventKind::Trouble { .. })).await else {
            unreachable!()
        };
        assert_eq!(problem.hint.as_deref(), Some("to ask again, go to chapter 2 from here"));
        assert_eq!((run.progress.position.as_ref(), bench.read("a.txt")), (Some(&left), Some(text("mine"))));
        if course {
            run.ask(Command::Settle { own: false }).await.unwrap();
        }
        run.go_to(2, "edit").await;
        assert_eq!(bench.read("a.txt").unwrap(), text(if course { "one" } else { "mine" }));
        let kept = run.seen.iter().any(|event| matches!(event.kind, EventKind::EditsKept { .. }));
        assert_eq!(kept, course);
        run.quit().await;
    }
}

#[tokio::test]
async fn own_lines_go_along_to_a_chapter_past_those_where_they_had_no_place() {
    let (bench, kept) = (three_chapters(), Arc::new(Kept::default()));
    let mut run = bringing::start(&bench, &kept, None);
    run.opened().await;
    run.go_to(2, "edit").await;
    run.run().await;
    run.go_to(2, "run").await;
    run.run().await;
    bench.write("a.txt", &text("mine"));
    let brought = run.ask(Command::Bring { to: BringTo::Chapter(1) }).await;
    assert_eq!(brought, Ok(RequestOutcome::Complete));
    assert!(kept.asked().contains(&"clear".to_owned()), "it begins with nothing");
    assert_eq!(bench.read("a.txt").unwrap(), text("mine"));
    let is_back = |e: &Event| matches!(&e.kind, EventKind::EditsRestored { files, whole, .. } if files == &["a.txt"] && whole.is_empty());
    assert!(run.seen.iter().any(is_back));
    run.quit().await;
}

#[tokio::test]
async fn a_directory_of_another_course_is_left_as_it_is() {
    let mut bench = three_chapters();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.run().await;
    run.quit().await;
    let session = bench.read(".workshop/session.json");
    let mut course = (*bench.course).clone();
    (course.code, course.title) = ("T4".into(), "Four".into());
    bench.course = Arc::new(course);
    for mode in [Mode::Interactive, Mode::CheckOnly] {
        let mut run = bench.start(mode);
        let end = run.until(|e| matches!(e, EventKind::Closed { .. })).await;
        assert_eq!(end, EventKind::Closed { verdict: Verdict::Error, kind: Some(Kind::Usage) });
        let said = run.progress.troubles.last().unwrap();
        assert!(said.message.contains("the work on another course, “Three” (T3)"), "{said}");
        assert!(said.hint.as_ref().is_some_and(|hint| hint.contains("--workdir")));
        assert_eq!(bench.read(".workshop/session.json"), session);
    }
    let torn = crate::setup::teardown(&bench.setup(Mode::Interactive), &CancellationToken::new(), |_| {}).await;
    assert!(torn.unwrap_err().message.contains("another course"));
    // A session of before there was a mark is nobody's in particular.
    bench.write(".workshop/session.json", &session.unwrap().replace(r#""course":"T3""#, r#""course":"""#));
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.quit().await;
}

#[tokio::test]
async fn a_directory_that_is_deleted_under_the_workshop_is_told_as_that() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(0, "copy").await;
    std::fs::remove_dir_all(bench.workdir()).unwrap();
    let (verdict, failure) = run.run().await;
    let failure = failure.unwrap();
    assert_eq!(verdict, Verdict::Error);
    assert!(failure.hints[0].starts_with("it was deleted or moved"), "{:?}", failure.hints);
    let job = ProcessSpec::shell("true", bench.workdir(), Duration::from_secs(5));
    let never = CancellationToken::new();
    let problem = crate::aws_target::start_problem(process::run(job, &never, |_, _| ()).await.unwrap_err());
    assert!(problem.message.ends_with(&format!("there is no directory {}", bench.workdir().display())), "{problem}");
    assert!(problem.hint.unwrap().starts_with("it was deleted or moved"));
    run.send(Command::Quit);
    run.until(|e| matches!(e, EventKind::Closed { .. })).await;
}
