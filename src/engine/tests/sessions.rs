//! Console sessions that lessons and people share: what is given up never runs, and takes nothing else along.

use super::*;

fn typed(text: &str) -> Command {
    Command::Sql { session: "main".into(), text: text.into(), columns: None }
}

fn is_started(wanted: &str) -> impl Fn(&EventKind) -> bool {
    let wanted = wanted.to_owned();
    move |kind| matches!(kind, EventKind::SqlStarted { text, .. } if text.starts_with(&wanted))
}

async fn at_grant(bench: &Bench) -> Run {
    bench.world.set_stack("UPDATE_COMPLETE");
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "grant").await;
    run.send(typed("WAIT;"));
    run.until(is_started("WAIT")).await;
    run
}

#[tokio::test]
async fn a_cancelled_step_that_waits_behind_a_persons_statement_never_runs_and_leaves_that_alone() {
    let bench = Bench::new();
    let mut run = at_grant(&bench).await;
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::StepStarted { .. })).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    run.send(Command::Cancel);
    run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    assert!(run.progress.sessions["main"].running.is_some(), "the person's goes on");
    run.send(Command::CancelSql { session: "main".into() });
    run.until(|e| matches!(e, EventKind::SqlFinished { .. })).await;
    run.ask(typed("SELECT 1;")).await.unwrap();
    let seen = run.quit().await;
    assert!(!seen.iter().any(|event| is_started("GRANT")(&event.kind)), "it was given up");
}

#[tokio::test]
async fn what_waits_in_a_session_that_is_closed_never_runs_and_the_session_stays_closed() {
    let bench = Bench::new();
    let mut run = at_grant(&bench).await;
    run.send(typed("INSERT 1;"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    run.send(Command::CloseSession { session: "main".into() });
    run.until(|e| matches!(e, EventKind::SqlFinished { .. })).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!run.progress.sessions.contains_key("main"));
    let seen = run.quit().await;
    assert!(!seen.iter().any(|event| is_started("INSERT")(&event.kind)), "nobody sees what it does any more");
}
