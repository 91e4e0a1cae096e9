//! States after chapters: what their names depend on, and runs that begin with them.

use std::path::PathBuf;

use super::*;
use crate::checkpoint::{self, key, lay_out, take};
use crate::walk::{Beginning, Ended, Plan, WalkLimits, walk};
use workshop_course::code::tree::SourceFile;

#[test]
fn a_key_changes_with_what_the_state_depends_on_and_with_nothing_else() {
    let course = Bench::new().course;
    let [first, second] = [0, 1].map(|number| key(&course, number, "x"));
    assert_ne!(first, second);
    assert_eq!(first.len(), 64);
    let changed = |change: &dyn Fn(&mut Course)| {
        let mut other = Course::clone(&course);
        change(&mut other);
        [key(&other, 0, "x") != first, key(&other, 1, "x") != second]
    };
    assert_eq!(changed(&|c| c.chapters[1].steps[0].say.push('!')), [false, true], "a later chapter is not asked");
    assert_eq!(changed(&|c| c.chapters[0].steps[0].say.push('!')), [true, true]);
    let put = |c: &mut Course| drop(c.chapters[0].snapshot.insert("new".into(), SourceFile::plain("x")));
    assert_eq!(changed(&put), [true, true]);
    let run = |c: &mut Course| c.chapters[0].snapshot.values_mut().for_each(|file| file.executable = true);
    assert_eq!(changed(&run), [true, true]);
    assert_eq!(changed(&|c| c.workdir.push('x')), [true, true]);
    assert_eq!(changed(&|c| c.lessons.push("elsewhere")), [false, false], "the course may lie anywhere");
    assert_eq!(changed(&|c| c.chapters[0].steps[0].origin.line += 1), [false, false], "a comment is none of it");
    assert_eq!(changed(&|c| c.chapters[0].origin.file = "/elsewhere/ch00.yaml".into()), [false, false]);
    assert_ne!(key(&course, 0, "y"), first);
}

/// Walks, and keeps the state after chapter 0 beside the bench's working directory.
async fn walk_keeping(bench: &Bench, plan: &Plan, after: Option<u32>) -> (Ended, Vec<Event>, Vec<(u32, Result<()>)>) {
    let (mut seen, kept) = (Vec::new(), Arc::new(Mutex::new(Vec::new())));
    let (workdir, to, all) = (bench.workdir(), place(bench), kept.clone());
    let keep: crate::walk::Keep<'_> = Box::new(move |chapter| {
        let (workdir, to, all) = (workdir.clone(), to.clone(), all.clone());
        Box::pin(async move {
            std::fs::create_dir_all(to.join(chapter.to_string())).unwrap();
            let taken = take(&workdir, None, &to.join(chapter.to_string())).map(drop);
            all.lock().unwrap().push((chapter, taken));
        })
    });
    let beginning = Beginning { after, keep: Some(keep) };
    let (limits, feed) = (WalkLimits::default(), bench.world.clone());
    let ended = walk(bench.setup(Mode::Scratch), plan, beginning, &limits, |e| {
        // The session has taken its results when the grant is over; then come those of the checks.
        if matches!(&e.kind, EventKind::StepFinished { at_step, .. } if at_step.step == "grant") {
            feed.result(rows(&["n"], &[&["2"]]));
            feed.result(rows(&["n"], &[&["2"]]));
        }
        seen.push(e.clone());
    })
    .await;
    let kept = std::mem::take(&mut *kept.lock().unwrap());
    (ended, seen, kept)
}

fn place(bench: &Bench) -> PathBuf {
    bench.dir.path().join("kept")
}

fn well(bench: &Bench) {
    bench.world.deploys();
    bench.world.answer("", Some("unable to accept connection, access denied"));
    for _ in 0..3 {
        bench.world.answer(r#"{"n": 2}"#, None);
    }
    bench.world.result(StatementResult { tag: "GRANT".into(), ..StatementResult::default() });
}

#[tokio::test]
async fn a_walk_begins_where_another_was_kept() {
    let bench = Bench::new();
    well(&bench);
    let (ended, seen, kept) = walk_keeping(&bench, &Plan::Through(1), None).await;
    assert_eq!(ended.verdict, Verdict::Pass, "{seen:#?}");
    assert_eq!(kept, [(0, Ok(())), (1, Ok(()))]);

    std::fs::remove_dir_all(bench.workdir()).unwrap();
    lay_out(&place(&bench).join("0"), &bench.workdir(), None).await.unwrap();
    assert_eq!(bench.read("src/app.ts").as_deref(), Some(APP0));
    let again = Bench { world: Arc::default(), ..bench };
    well(&again);
    let (ended, seen, kept) = walk_keeping(&again, &Plan::Through(1), Some(0)).await;
    assert_eq!(ended.verdict, Verdict::Pass, "{seen:#?}");
    assert_eq!(kept, [(1, Ok(()))]);
    let steps = |seen: &[Event]| -> Vec<u32> {
        let started = |event: &Event| match &event.kind {
            EventKind::StepStarted { at_step, .. } => Some(at_step.chapter),
            _ => None,
        };
        seen.iter().filter_map(started).collect()
    };
    assert_eq!(steps(&seen), [1; 7], "chapter 0 is not walked");
    let aside = seen.iter().any(|event| matches!(event.kind, EventKind::EditsKept { .. }));
    assert!(!aside, "the files are known as the run's own");
}

#[tokio::test]
async fn nothing_is_kept_after_what_did_not_come_out() {
    let bench = Bench::new();
    // No deploy, no answers: chapter 1 fails.
    let (ended, _, kept) = walk_keeping(&bench, &Plan::Proof(None), None).await;
    assert_ne!(ended.verdict, Verdict::Pass);
    assert_eq!(kept, [(0, Ok(()))]);
}

#[test]
fn a_transaction_that_is_open_cannot_be_kept() {
    let bench = Bench::new();
    let mut record = crate::record::claim(&bench.workdir()).unwrap();
    let mut saved = crate::record::Saved::default();
    let to = place(&bench);
    std::fs::create_dir_all(&to).unwrap();
    for (tx, kept) in [(TxState::Idle, true), (TxState::Open, false), (TxState::Failed, false)] {
        let session = crate::progress::SessionState {
            role: "admin".into(),
            host: "h".into(),
            open: true,
            tx,
            running: None,
            last_error: None,
            prompts: None,
            lost: None,
        };
        saved.progress.sessions.insert("A".into(), session);
        record.save(&saved).unwrap();
        let taken = take(&bench.workdir(), None, &to.join(format!("{tx:?}")));
        assert_eq!(taken.is_ok(), kept, "{taken:?}");
    }
    assert!(checkpoint::take(&bench.dir.path().join("elsewhere"), None, &to).is_err(), "nothing was run there");
}
