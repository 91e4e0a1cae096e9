//! A network that is gone while something waits.

use super::*;

fn is_gone(kind: &EventKind) -> bool {
    matches!(kind, EventKind::AccountGone { problem } if problem.message.starts_with("AWS does not answer: the network is gone"))
}

fn is_back(kind: &EventKind) -> bool {
    matches!(kind, EventKind::AccountBack)
}

fn says_back(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Output { lines, .. } if lines.iter().any(|line| line == "AWS answers again"))
}

#[tokio::test]
async fn a_network_that_is_gone_is_told_once_while_a_call_waits_and_so_is_its_return() {
    let bench = Bench::new();
    *bench.world.never_answers.lock().unwrap() = true;
    let network = |there: bool| *bench.world.network.lock().unwrap() = Some(there);
    network(true);
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "refused").await;
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::StepStarted { .. })).await;
    network(false);
    run.until(is_gone).await;
    network(true);
    run.until(is_back).await;
    assert_eq!(run.seen.iter().filter(|event| is_gone(&event.kind)).count(), 1, "once");
    run.send(Command::Cancel);
    run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    run.quit().await;
}

#[tokio::test]
async fn a_run_by_itself_does_not_fail_for_a_network_that_comes_back() {
    let bench = Bench::new();
    bench.world.launch(&[Act::Hang]);
    *bench.world.network.lock().unwrap() = Some(false);
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "deploy").await;
    run.send(Command::Run);
    let told =
        |kind: &EventKind| matches!(kind, EventKind::Output { lines, .. } if lines[0].contains("the network is gone"));
    run.until(told).await;
    *bench.world.network.lock().unwrap() = Some(true);
    run.until(says_back).await;
    run.send(Command::Cancel);
    run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    let events = run.quit().await;
    assert!(!events.iter().any(|event| matches!(event.kind, EventKind::AccountGone { .. })));
}
