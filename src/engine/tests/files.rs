//! The working directory: going back and forth, own edits, hunks, resuming.

use super::*;
use crate::command::Scope;
use crate::progress::{JournalState, Journaled};

#[tokio::test]
async fn going_to_any_step_makes_the_files_what_they_are_there_and_back_again() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "test").await;
    assert_eq!(bench.read("src/app.ts").as_deref(), Some(APP1));
    assert_eq!(bench.read("src/new.ts").as_deref(), Some("new\n"));
    bench.write("src/notes.md", "the learner's");
    run.go_to(1, "deploy").await;
    assert_eq!(bench.read("src/app.ts").as_deref(), Some("hello\n1 DSQL\n2\n3\n4\n5\n6\n7\nend\n"));
    assert_eq!(bench.read("src/new.ts"), None);
    run.go_to(0, "look").await;
    assert_eq!(bench.read("src/app.ts"), None);
    assert_eq!(bench.read("src/notes.md").as_deref(), Some("the learner's"), "not the course's: not touched");
    assert!(run.progress.journal.values().all(|j| matches!(j.what, Journaled::Written(_))));
    assert!(run.ask(Command::Back).await.unwrap_err().contains("first step"));
    run.quit().await;
}

#[tokio::test]
async fn an_own_edit_is_kept_told_and_brought_back_after_a_restart() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    bench.write("src/app.ts", "mine\n");
    assert!(run.ask(Command::Next).await.unwrap_err().starts_with("your own lines in src/app.ts"));
    run.ask(Command::Settle { own: false }).await.unwrap();
    run.send(Command::Next);
    let kept = run.until(|e| matches!(e, EventKind::EditsKept { .. })).await;
    let EventKind::EditsKept { files, journal } = kept else { unreachable!() };
    assert_eq!(files, ["src/app.ts"]);
    run.until(|e| matches!(e, EventKind::HunksApplied { .. })).await;
    assert!(bench.read("src/app.ts").unwrap().contains("DSQL"));
    run.quit().await;

    let mut again = bench.start(Mode::Interactive);
    again.opened().await;
    assert_eq!(again.progress.position, Some(Position { chapter: 1, step: "deploy".into() }));
    assert!(matches!(again.progress.journal[&journal].what, Journaled::Kept(_)));
    again.send(Command::RestoreEdits { journal });
    again.until(|e| matches!(e, EventKind::EditsRestored { .. })).await;
    assert_eq!(bench.read("src/app.ts").as_deref(), Some("mine\n"));
    assert!(again.progress.journal[&journal].restored);
    again.quit().await;
}

#[tokio::test]
async fn a_step_that_went_well_with_own_lines_is_settled_and_one_goes_on() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    let text = bench.read("src/app.ts").unwrap().replace("1\n", "1 of my own\n");
    bench.write("src/app.ts", &text);
    assert!(run.ask(Command::Run).await.unwrap_err().starts_with("your own lines in src/app.ts"));
    assert_eq!(run.run().await.0, Verdict::Pass, "the second time it is with those");
    assert!(bench.read("src/app.ts").unwrap().contains("1 of my own"));
    let here = StepRef { chapter: 1, step: "change".into() };
    let step = here.of(&bench.course).unwrap();
    for _ in 0..50 {
        if run.progress.is_settled(&here, step) {
            break;
        }
        let _ = tokio::time::timeout(Duration::from_millis(50), run.event()).await;
    }
    assert!(run.progress.is_settled(&here, step), "{:?} {:?}", run.progress.hunks, run.progress.own_hunks);
    run.quit().await;
}

#[tokio::test]
async fn own_lines_go_along_where_they_do_not_meet_the_courses() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    bench.write("src/app.ts", &APP0.replace("4\n", "4 mine\n"));
    run.go_to(1, "test").await;
    assert_eq!(bench.read("src/app.ts").unwrap(), APP1.replace("4\n", "4 mine\n"));
    assert!(run.seen.iter().any(|e| matches!(&e.kind, EventKind::EditsMerged { files } if files == &["src/app.ts"])));
    // And back, and forth again: they are still the learner's.
    run.go_to(1, "change").await;
    assert_eq!(bench.read("src/app.ts").unwrap(), APP0.replace("4\n", "4 mine\n"));
    assert!(!run.seen.iter().any(|e| matches!(e.kind, EventKind::EditsKept { .. })));
    run.quit().await;
}

/// What was taken back of a step is no edit of the learner's: the step writes it again.
#[tokio::test]
async fn a_step_that_was_taken_back_beside_own_lines_is_written_again() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    bench.write("src/app.ts", &APP0.replace("4\n", "4 mine\n"));
    let step = |id: &str| StepRef { chapter: 1, step: id.into() };
    let changed = APP0.replace("4\n", "4 mine\n").replace("1\n", "1 DSQL\n");
    let take_back = [
        Command::Undo { scope: Scope::Step(step("change")) },
        Command::UndoHunk { file: "src/app.ts".into(), index: 0 },
    ];
    for back in take_back {
        assert_eq!(run.ask(Command::Run).await, Ok(RequestOutcome::Verdict(Verdict::Pass)));
        assert_eq!(bench.read("src/app.ts").as_deref(), Some(changed.as_str()));
        assert_eq!(run.ask(back).await, Ok(RequestOutcome::Complete));
        assert_eq!(bench.read("src/app.ts").unwrap(), APP0.replace("4\n", "4 mine\n"));
    }
    assert_eq!(run.ask(Command::Run).await, Ok(RequestOutcome::Verdict(Verdict::Pass)));
    assert_eq!(bench.read("src/app.ts").as_deref(), Some(changed.as_str()));
    run.quit().await;
}

/// A chapter that is written whole leaves what does not meet it.
#[tokio::test]
async fn a_chapter_that_is_written_takes_own_lines_along_as_a_step_does() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    bench.write("src/app.ts", &APP0.replace("4\n", "4 mine\n"));
    assert_eq!(run.ask(Command::Apply { scope: Scope::Chapter(1) }).await, Ok(RequestOutcome::Complete));
    assert_eq!(bench.read("src/app.ts").unwrap(), APP1.replace("4\n", "4 mine\n"));
    assert!(!run.seen.iter().any(|e| matches!(e.kind, EventKind::EditsKept { .. })));
    run.quit().await;
}

#[tokio::test]
async fn an_edit_in_other_words_passes_and_stays_as_it_is() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    // Something that the chapter does not want, then what it wants, with a comment and otherwise laid out.
    for (line, likeness) in [("1 mine\n", None), ("// mine\n  1   DSQL // too\n", Some(Likeness::SameOtherLayout))] {
        let mine = APP0.replace("1\n", line);
        bench.write("src/app.ts", &mine);
        let told = run.until(|e| matches!(e, EventKind::HunksApplied { own, .. } if !own.is_empty())).await;
        let EventKind::HunksApplied { hunks, own, .. } = told else { unreachable!() };
        let same = own[0].likeness.as_ref().is_some_and(Likeness::is_same);
        assert_eq!(
            (same, hunks.contains(&(own[0].file.clone(), 0))),
            (likeness.is_some(), likeness.is_some()),
            "{own:?}"
        );
        if likeness.is_some() {
            assert_eq!(own[0].likeness, likeness);
        }
    }
    let mine = bench.read("src/app.ts");
    assert_eq!(run.run().await.0, Verdict::Pass);
    assert_eq!(bench.read("src/app.ts"), mine, "it stays as it is");
    assert!(!run.seen.iter().any(|e| matches!(e.kind, EventKind::EditsKept { .. })));
    run.quit().await;
}

#[tokio::test]
async fn a_new_file_that_was_typed_in_another_layout_is_nobody_elses() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "more").await;
    let rest = bench.read("src/app.ts").unwrap();
    bench.write("src/new.ts", "// other\nold\n");
    let next = Command::GoTo { chapter: 1, step: Some("test".into()) };
    assert!(
        run.ask(next.clone()).await.unwrap_err().contains("own lines in src/new.ts"),
        "another file is asked about"
    );
    let typed = "// mine\n  new;\n";
    bench.write("src/new.ts", typed);
    run.ask(next).await.unwrap();
    assert_eq!(bench.read("src/new.ts").as_deref(), Some(typed));
    assert_ne!(bench.read("src/app.ts").unwrap(), rest, "and the rest of the step is the course's");
    run.quit().await;
}

#[tokio::test]
async fn own_lines_that_meet_the_courses_are_put_aside_and_come_back_whole() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    // The course changes that line too: what the learner had is worth more than a guess.
    let mine = APP0.replace("1\n", "one\n");
    bench.write("src/app.ts", &mine);
    let test = Command::GoTo { chapter: 1, step: Some("test".into()) };
    assert!(run.ask(test.clone()).await.is_err());
    assert_eq!(bench.read("src/app.ts").as_deref(), Some(mine.as_str()), "nothing was put aside in silence");
    run.ask(Command::ShowDiff { of: DiffOf::Collision }).await.unwrap();
    let shown = run.seen.iter().find_map(|e| match &e.kind {
        EventKind::Diff { of: DiffOf::Collision, files } => Some((files[0].before.clone(), files[0].after.clone())),
        _ => None,
    });
    assert_eq!(shown, Some((mine.clone(), APP1.to_owned())), "both sides are there to look at");
    run.ask(Command::Settle { own: false }).await.unwrap();
    run.send(test);
    let kept = run.until(|e| matches!(e, EventKind::EditsKept { .. })).await;
    let EventKind::EditsKept { journal, .. } = kept else { unreachable!() };
    run.until(|e| matches!(e, EventKind::HunksApplied { .. })).await;
    assert_eq!(bench.read("src/app.ts").as_deref(), Some(APP1));
    run.send(Command::RestoreEdits { journal });
    let restored = run.until(|e| matches!(e, EventKind::EditsRestored { .. })).await;
    let EventKind::EditsRestored { whole, .. } = restored else { unreachable!() };
    assert_eq!(whole, ["src/app.ts"]);
    assert_eq!(bench.read("src/app.ts"), Some(mine));
    run.quit().await;
}

#[tokio::test]
async fn who_asks_again_goes_on_with_their_own_lines_to_the_end_and_is_not_asked_about_them_again() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    let mine = APP0.replace("1\n", "one, in my words\n");
    bench.write("src/app.ts", &mine);
    assert!(run.ask(Command::Next).await.is_err());
    assert_eq!(run.ask(Command::Next).await, Ok(RequestOutcome::Complete));
    assert_eq!(bench.read("src/app.ts"), Some(mine.clone()));
    // What the course changes elsewhere comes to it.
    run.go_to(1, "test").await;
    let both = mine.replace("end\n", "bottom\n");
    assert_eq!(bench.read("src/app.ts"), Some(both.clone()));
    run.quit().await;
    let mut again = bench.start(Mode::Interactive);
    again.opened().await;
    again.ask(Command::Back).await.unwrap();
    again.ask(Command::Next).await.unwrap();
    assert_eq!(bench.read("src/app.ts"), Some(both));
    assert!(again.progress.journal.values().all(|entry| matches!(entry.what, Journaled::Written(_))));
    again.quit().await;
}

#[tokio::test]
async fn a_new_file_in_own_words_is_asked_about_once_and_stays() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "grant").await;
    // Typed ahead: the course has no such file yet.
    bench.write("src/new.ts", "mine\n");
    run.go_to(1, "more").await;
    assert_eq!(bench.read("src/new.ts").as_deref(), Some("mine\n"));
    let reason = run.ask(Command::Run).await.unwrap_err();
    assert!(reason.starts_with("your own lines in src/new.ts are where the course changes them"), "{reason}");
    assert_eq!(run.run().await, (Verdict::Pass, None), "asked again, it goes on with the learner's");
    assert_eq!(bench.read("src/new.ts").as_deref(), Some("mine\n"));
    assert!(bench.read("src/app.ts").unwrap().contains("bottom"), "the step's other changes are made");
    for id in ["test", "more", "grant", "test"] {
        run.go_to(1, id).await;
        assert_eq!(bench.read("src/new.ts").as_deref(), Some("mine\n"), "{id}");
    }
    assert!(
        run.progress.journal.values().all(|entry| matches!(entry.what, Journaled::Written(_))),
        "nothing put aside"
    );
    run.quit().await;
}

#[tokio::test]
async fn the_courses_new_file_can_be_taken_in_the_place_of_ones_own() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "more").await;
    bench.write("src/new.ts", "mine\n");
    run.ask(Command::Run).await.unwrap_err();
    run.ask(Command::Settle { own: false }).await.unwrap();
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert_ne!(bench.read("src/new.ts").as_deref(), Some("mine\n"));
    assert!(run.progress.journal.values().any(|j| matches!(&j.what, Journaled::Kept(f) if f == &["src/new.ts"])));
    run.quit().await;
}

/// Whoever lays a whole file out anew is not asked about it where the course writes nothing.
#[tokio::test]
async fn a_file_that_was_written_anew_stands_for_what_the_course_wrote_there() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "deploy").await;
    let mine = "quite other lines\nof my own\n";
    bench.write("src/app.ts", mine);
    for id in ["refused", "grant", "shell", "more"] {
        assert_eq!(run.ask(Command::Next).await, Ok(RequestOutcome::Complete), "{id}");
        assert_eq!(bench.read("src/app.ts").as_deref(), Some(mine), "{id}");
    }
    run.quit().await;
}

#[tokio::test]
async fn a_directory_made_by_hand_is_recognised_and_not_changed_without_asking() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.workdir().join(".workshop")).unwrap();
    std::fs::create_dir_all(bench.workdir().join("src")).unwrap();
    bench.write("src/app.ts", APP0);
    bench.write("old.txt", "old\n");
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    assert_eq!(run.progress.position, Some(Position { chapter: 1, step: "change".into() }), "after chapter 0");
    for attempt in 0..2 {
        let asked = run.ask(Command::GoTo { chapter: 0, step: Some("look".into()) }).await;
        match attempt {
            0 => {
                let reason = asked.unwrap_err();
                assert!(reason.starts_with("old.txt, src/app.ts would change"), "{reason}");
                assert_eq!(bench.read("src/app.ts").as_deref(), Some(APP0));
            }
            _ => assert_eq!(asked, Ok(RequestOutcome::Complete)),
        }
    }
    assert_eq!(bench.read("src/app.ts"), None);
    // What the workshop has written is its own: there is nothing to ask.
    run.go_to(1, "deploy").await;
    run.go_to(0, "look").await;
    run.quit().await;
}

#[tokio::test]
async fn a_check_of_what_runs_says_that_the_files_have_changed_since_it_was_deployed() {
    let bench = Bench::new();
    bench.world.deploys();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "deploy").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    for says in [false, true] {
        if says {
            bench.write("src/app.ts", &bench.read("src/app.ts").unwrap().replace("4\n", "4 mine\n"));
        }
        bench.world.answer("", Some("another error"));
        run.go_to(1, "refused").await;
        let failure = run.run().await.1.unwrap();
        let told = failure.hints.iter().any(|hint| hint.contains("src/app.ts changed after the last deploy"));
        assert_eq!(told, says, "{:?}", failure.hints);
    }
    assert_eq!(run.progress.undeployed, ["src/app.ts"], "the screen's first row has it");
    // Deployed by hand, in a shell: what runs is not known, and nothing is said of it.
    let mut newer = bench.world.events.lock().unwrap().last().unwrap().clone();
    newer.id = "by hand".to_owned();
    bench.world.events.lock().unwrap().push(newer);
    bench.world.answer("", Some("another error"));
    let failure = run.run().await.1.unwrap();
    assert!(!failure.hints.iter().any(|hint| hint.contains("deploy again")), "{:?}", failure.hints);
    assert!(run.progress.undeployed.is_empty());
    run.quit().await;
}

#[tokio::test]
async fn a_deploy_by_hand_ends_not_deployed_and_one_that_was_rolled_back_does_not() {
    let bench = Bench::new();
    bench.world.deploys();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "deploy").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    bench.write("src/app.ts", &bench.read("src/app.ts").unwrap().replace("4\n", "4 mine\n"));
    run.until(|e| matches!(e, EventKind::Undeployed { .. })).await;
    // Ours, rolled back: what runs is as old as before.
    bench.world.launch(&[
        Act::Stack("UPDATE_IN_PROGRESS"),
        Act::Event("TheStack", "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", None),
        Act::Event("TheStack", "AWS::CloudFormation::Stack", "UPDATE_ROLLBACK_COMPLETE", None),
        Act::Stack("UPDATE_ROLLBACK_COMPLETE"),
        Act::Exit(1),
    ]);
    assert_eq!(run.run().await.0, Verdict::Fail);
    bench.world.answer("", Some("another error"));
    run.go_to(1, "refused").await;
    let failure = run.run().await.1.unwrap();
    assert!(failure.hints.iter().any(|hint| hint.contains("changed after the last deploy")), "{:?}", failure.hints);
    assert_eq!(run.progress.undeployed, ["src/app.ts"]);
    // By hand, as the CDK does it: what is to be deployed is written first, the stack ends later.
    std::fs::create_dir_all(bench.workdir().join("cdk.out")).unwrap();
    bench.write("cdk.out/manifest.json", "{}");
    let push = |id: &str, status: &str| {
        let mut newer = bench.world.events.lock().unwrap().last().unwrap().clone();
        (newer.id, newer.status) = (id.to_owned(), status.to_owned());
        bench.world.events.lock().unwrap().push(newer);
    };
    push("begun", "UPDATE_IN_PROGRESS");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(run.progress.undeployed, ["src/app.ts"], "it goes on");
    push("back", "UPDATE_ROLLBACK_COMPLETE");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(run.progress.undeployed, ["src/app.ts"], "what runs is as old as before");
    // Once more, and this time it comes through.
    std::fs::remove_dir_all(bench.workdir().join("cdk.out")).unwrap();
    std::fs::create_dir_all(bench.workdir().join("cdk.out")).unwrap();
    bench.write("cdk.out/manifest.json", "{ }");
    push("done", "UPDATE_COMPLETE");
    run.until(|e| matches!(e, EventKind::Undeployed { files } if files.is_empty())).await;
    run.quit().await;
}

#[tokio::test]
async fn an_own_file_that_is_no_text_is_asked_about_and_can_stay() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    let own = [0xff, 0xfe, 0];
    std::fs::write(bench.workdir().join("src/app.ts"), own).unwrap();
    let reason = run.ask(Command::Run).await.unwrap_err();
    assert!(reason.starts_with("your own lines in src/app.ts"), "{reason}");
    run.ask(Command::Run).await.unwrap();
    assert_eq!(std::fs::read(bench.workdir().join("src/app.ts")).unwrap(), own);
    run.quit().await;
}

#[tokio::test]
async fn hunks_go_in_and_out_around_the_learners_own_lines() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "change").await;
    bench.write("src/app.ts", &APP0.replace("4\n", "4 mine\n"));
    let app = || "src/app.ts".to_owned();
    run.send(Command::ApplyHunk { file: app(), index: 1 });
    run.until(|e| matches!(e, EventKind::HunksApplied { .. })).await;
    assert_eq!(bench.read("src/app.ts").as_deref(), Some("hello\n1\n2\n3\n4 mine\n5\n6\n7\nbottom\n"));
    assert_eq!(run.progress.hunks.iter().cloned().collect::<Vec<_>>(), [(app(), 1)]);
    assert_eq!(run.progress.distance.as_ref().unwrap().hunks_to_go, 2);
    assert!(run.progress.journal.values().all(|j| matches!(j.what, Journaled::Written(_))), "nothing was put aside");
    run.send(Command::UndoHunk { file: app(), index: 1 });
    run.until(|e| matches!(e, EventKind::HunksApplied { .. })).await;
    assert_eq!(bench.read("src/app.ts").unwrap(), APP0.replace("4\n", "4 mine\n"));
    // Own lines in the hunk's place: refused, and said what to do.
    bench.write("src/app.ts", &APP0.replace("1\n", "one\n"));
    let came = run.ask(Command::ApplyHunk { file: app(), index: 0 }).await;
    let Ok(RequestOutcome::Failed(problem)) = came else { panic!("{came:?}") };
    assert!(problem.hint.unwrap().contains("run the edit step instead"));
    assert!(run.ask(Command::ApplyHunk { file: app(), index: 9 }).await.unwrap_err().contains("no such change"));
    run.quit().await;
}

#[tokio::test]
async fn undoing_a_step_leaves_the_other_steps_and_the_learners_lines() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "test").await;
    bench.write("src/app.ts", &APP1.replace("4\n", "4 mine\n"));
    let step = |id: &str| StepRef { chapter: 1, step: id.into() };
    run.send(Command::Undo { scope: Scope::Step(step("more")) });
    run.until(|e| matches!(e, EventKind::HunksApplied { .. })).await;
    assert_eq!(bench.read("src/app.ts").as_deref(), Some("hello\n1 DSQL\n2\n3\n4 mine\n5\n6\n7\nend\n"));
    assert_eq!(bench.read("src/new.ts"), None);
    run.send(Command::Undo { scope: Scope::Chapter(1) });
    run.until(|e| matches!(e, EventKind::HunksApplied { .. })).await;
    assert_eq!(bench.read("src/app.ts").as_deref(), Some(APP0));
    assert!(run.progress.journal.values().any(|j| matches!(&j.what, Journaled::Kept(f) if f == &["src/app.ts"])));
    // What changes nothing says so.
    for command in [Command::Undo { scope: Scope::Chapter(1) }, Command::Undo { scope: Scope::Step(step("more")) }] {
        assert!(run.ask(command).await.unwrap_err().contains("nothing of it"));
    }
    run.quit().await;
}

#[tokio::test]
async fn a_save_in_the_learners_editor_shows_at_once() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    assert_eq!(run.progress.distance.as_ref().unwrap().hunks_to_go, 3);
    bench.write("src/app.ts", APP1);
    run.until(|e| matches!(e, EventKind::Distance { hunks_to_go: 1, .. })).await;
    run.quit().await;
}

#[tokio::test]
async fn checks_of_files_follow_a_save_too() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(0, "test").await;
    bench.write("src/app.ts", "good-bye\n");
    let finished = run.until(|e| matches!(e, EventKind::CheckFinished { .. })).await;
    assert!(matches!(finished, EventKind::CheckFinished { verdict: Verdict::Fail, failure: Some(_), .. }));
    bench.write("src/app.ts", "hello again\n");
    run.until(|e| matches!(e, EventKind::CheckFinished { verdict: Verdict::Pass, .. })).await;
    run.quit().await;
}

#[tokio::test]
async fn a_diff_is_answered_and_not_recorded() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    let of = DiffOf::Step(StepRef { chapter: 1, step: "change".into() });
    run.send(Command::ShowDiff { of });
    let answer = run.until(|e| matches!(e, EventKind::Diff { .. })).await;
    let EventKind::Diff { files, .. } = answer else { unreachable!() };
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].hunks[0].note.as_deref(), Some("the change"));
    let refused = run.ask(Command::ShowDiff { of: DiffOf::Chapters { from: 0, to: 9 } }).await;
    assert!(refused.unwrap_err().contains("no chapter 9"));
    run.quit().await;
    let record = std::fs::read_to_string(bench.workdir().join(".workshop/events.jsonl")).unwrap();
    for line in record.lines() {
        let kind = serde_json::from_str::<Event>(line).unwrap().kind;
        let looks = match kind {
            EventKind::Accepted { command, .. } | EventKind::Done { command, .. } => command.only_looks(),
            kind => matches!(kind, EventKind::Diff { .. }),
        };
        assert!(!looks, "{line}");
    }
}

#[tokio::test]
async fn a_directory_of_someones_is_left_alone() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.workdir()).unwrap();
    bench.write("thesis.tex", "years of work");
    let mut run = bench.start(Mode::Interactive);
    let trouble = run.until(|e| matches!(e, EventKind::Trouble { .. })).await;
    let EventKind::Trouble { problem } = trouble else { unreachable!() };
    assert!(problem.hint.unwrap().contains("--workdir"));
    let closed = run.until(|e| matches!(e, EventKind::Closed { .. })).await;
    assert_eq!(closed, EventKind::Closed { verdict: Verdict::Error, kind: Some(workshop_base::problem::Kind::Usage) });
    assert_eq!(std::fs::read_dir(bench.workdir()).unwrap().count(), 1);
}

#[tokio::test]
async fn resuming_says_where_things_really_are() {
    let bench = Bench::new();
    bench.world.deploys();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "deploy").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    run.quit().await;
    // Behind our back the files went back to the start, and the stack stayed.
    bench.write("src/app.ts", APP0);
    let mut again = bench.start(Mode::Interactive);
    again.until(|e| matches!(e, EventKind::Located { .. })).await;
    let located = again.progress.located.clone().unwrap();
    assert_eq!(located.files, ChapterMatch::Chapter(0));
    assert_eq!(located.stack, ChapterMatch::Chapter(1));
    again.quit().await;

    // Someone else deploys: the saved position is not trusted any more.
    bench.world.happen("TheStack", "AWS::CloudFormation::Stack", "UPDATE_COMPLETE", None);
    let mut third = bench.start(Mode::Interactive);
    third.until(|e| matches!(e, EventKind::Located { .. })).await;
    assert_ne!(third.progress.located.clone().unwrap().stack, ChapterMatch::Chapter(1));
    third.quit().await;
}

#[test]
fn a_hunk_is_the_lessons_own_wherever_it_is_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let course = workshop_course::lesson::load::load(&root.join("lessons"), &root.join("snapshots")).unwrap();
    let mut seen = 0;
    for chapter in &course.chapters {
        for step in &chapter.steps {
            let workshop_course::lesson::model::StepAction::Edit(edit) = &step.action else { continue };
            let at_step = StepRef { chapter: chapter.number, step: step.id.clone() };
            let shown = crate::files::step_diff(&course, &at_step).unwrap();
            for file in &shown {
                let own = chapter.diff.iter().find(|diff| diff.path == file.path).unwrap();
                let mut meant: Vec<_> = edit.hunks.iter().filter(|h| h.file == file.path).collect();
                meant.sort_by_key(|h| h.index);
                assert_eq!(file.hunks.len(), meant.len(), "{at_step:?} {}", file.path);
                for (hunk, meant) in file.hunks.iter().zip(meant) {
                    assert_eq!((&hunk.lines, &hunk.note), (&own.hunks[meant.index].lines, &meant.note));
                }
                // They point to where they say, and make of the one text the other.
                let all = workshop_course::code::apply::compose(file, |_| true);
                assert_eq!(all, file.file_after(), "{at_step:?} {}", file.path);
                let places = |text: &str, range: std::ops::Range<usize>| {
                    workshop_course::code::diff::split_lines(text)[range].concat()
                };
                for hunk in &file.hunks {
                    let after = places(&file.after, hunk.after_range());
                    let added: Vec<String> = hunk
                        .lines
                        .iter()
                        .filter(|line| line.side == workshop_course::code::diff::Side::Added)
                        .map(workshop_course::code::diff::DiffLine::text)
                        .collect();
                    assert_eq!(after.lines().collect::<Vec<_>>(), added, "{at_step:?} {}", file.path);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 10, "the course has edits");
}

#[tokio::test]
async fn a_chapter_that_was_written_whole_stays_so_on_the_way_through_it() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    run.ask(Command::Apply { scope: Scope::Chapter(1) }).await.unwrap();
    let all = || (bench.read("src/app.ts"), bench.read("src/new.ts"));
    let written = all();
    assert_eq!(written, (Some(APP1.to_owned()), Some("new\n".to_owned())));
    assert_eq!(run.run().await.0, Verdict::Pass);
    assert_eq!(all(), written, "the step finds it written");
    run.ask(Command::Next).await.unwrap();
    assert_eq!(all(), written, "and so does the next");
    run.ask(Command::Back).await.unwrap();
    assert_ne!(all(), written, "back is where this step begins");
    run.quit().await;
}

#[tokio::test]
async fn a_step_that_is_taken_back_comes_back_without_what_came_after_it_going() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "change").await;
    run.ask(Command::Apply { scope: Scope::Chapter(1) }).await.unwrap();
    let step = || Scope::Step(StepRef { chapter: 1, step: "change".into() });
    run.ask(Command::Undo { scope: step() }).await.unwrap();
    assert_ne!(bench.read("src/app.ts").as_deref(), Some(APP1));
    run.ask(Command::Apply { scope: step() }).await.unwrap();
    assert_eq!(bench.read("src/app.ts").as_deref(), Some(APP1));
    assert_eq!(bench.read("src/new.ts").as_deref(), Some("new\n"));
    run.quit().await;
}

#[tokio::test]
async fn taking_a_chapter_back_leaves_own_files_that_only_a_later_chapter_has() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(0, "look").await;
    run.ask(Command::Apply { scope: Scope::Chapter(0) }).await.unwrap();
    bench.write("src/new.ts", "mine\n");
    run.ask(Command::Undo { scope: Scope::Chapter(0) }).await.unwrap();
    assert_eq!(bench.read("src/new.ts").as_deref(), Some("mine\n"));
    run.quit().await;
}

#[tokio::test]
async fn what_was_put_aside_is_saved_at_once_and_found_when_the_session_is_lost() {
    let bench = Bench::new();
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "deploy").await;
    bench.write("src/app.ts", "mine\n");
    run.ask(Command::Undo { scope: Scope::Chapter(1) }).await.unwrap();
    let is_kept = |progress: &Progress| {
        let kept = |state: &JournalState| matches!(&state.what, Journaled::Kept(files) if files == &["src/app.ts"]);
        progress.journal.iter().find(|(_, state)| kept(state)).map(|(id, _)| *id)
    };
    // A kill from now on must not hide it.
    let saved = crate::record::saved(&bench.workdir()).unwrap().unwrap();
    assert_eq!(is_kept(&saved.progress), is_kept(&run.progress));
    run.quit().await;
    std::fs::remove_file(bench.workdir().join(".workshop/session.json")).unwrap();
    let mut again = bench.start(Mode::Interactive);
    again.opened().await;
    let journal = is_kept(&again.progress).expect("it is told of again");
    again.ask(Command::RestoreEdits { journal }).await.unwrap();
    assert_eq!(bench.read("src/app.ts").as_deref(), Some("mine\n"));
    again.quit().await;
    let mut third = bench.start(Mode::Interactive);
    third.opened().await;
    assert!(!third.seen.iter().any(|e| matches!(e.kind, EventKind::EditsKept { .. })), "once");
    third.quit().await;
}
