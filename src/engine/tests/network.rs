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

/// Starts a run over a network, whose step waits for an answer that never comes.
async fn waits_for_an_answer(bench: &Bench) -> Run {
    *bench.world.never_answers.lock().unwrap() = true;
    *bench.world.network.lock().unwrap() = Some(true);
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    run.go_to(1, "refused").await;
    run.send(Command::Run);
    run.until(|e| matches!(e, EventKind::StepStarted { .. })).await;
    run
}

#[tokio::test]
async fn a_network_that_is_gone_is_told_once_while_a_call_waits_and_so_is_its_return() {
    let bench = Bench::new();
    let network = |there: bool| *bench.world.network.lock().unwrap() = Some(there);
    let mut run = waits_for_an_answer(&bench).await;
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
async fn services_that_fail_while_something_waits_are_told_and_their_return_also_when_nothing_runs_any_more() {
    let bench = Bench::new();
    let mut run = waits_for_an_answer(&bench).await;
    *bench.world.out_of_order.lock().unwrap() = true;
    let fails = |kind: &EventKind| matches!(kind, EventKind::AccountGone { problem } if problem.message.starts_with("AWS does not work"));
    run.until(fails).await;
    run.send(Command::Cancel);
    run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    assert!(run.progress.account_gone.is_some());
    *bench.world.out_of_order.lock().unwrap() = false;
    run.until(is_back).await;
    assert!(run.progress.account_gone.is_none());
    run.quit().await;
}

#[tokio::test]
async fn an_outage_that_is_known_is_not_forgotten_by_what_begins_next() {
    let bench = Bench::new();
    let mut run = waits_for_an_answer(&bench).await;
    *bench.world.network.lock().unwrap() = Some(false);
    run.until(is_gone).await;
    run.send(Command::Cancel);
    run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    run.go_to(0, "copy").await;
    run.run().await;
    assert!(run.progress.account_gone.is_some(), "it lasts");
    *bench.world.network.lock().unwrap() = Some(true);
    run.until(is_back).await;
    run.quit().await;
}

#[tokio::test]
async fn an_account_that_throttles_is_told_once_while_something_waits() {
    let bench = Bench::new();
    let mut run = waits_for_an_answer(&bench).await;
    let says = |kind: &EventKind| matches!(kind, EventKind::AccountThrottled);
    let throttle = || bench.world.throttled.send_modify(|count| *count += 1);
    let throttling = async {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            throttle();
        }
    };
    tokio::select! {
        _ = run.until(says) => {}
        () = throttling => {}
    }
    throttle();
    run.send(Command::Cancel);
    run.until(|e| matches!(e, EventKind::StepFinished { .. })).await;
    assert_eq!(run.seen.iter().filter(|event| says(&event.kind)).count(), 1, "once");
    run.quit().await;
}

#[tokio::test]
async fn a_network_that_goes_while_nothing_runs_is_told_before_anything_needs_it() {
    let bench = Bench::new();
    *bench.world.network.lock().unwrap() = Some(true);
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    for _ in 0..2 {
        run.until(|e| matches!(e, EventKind::Located { .. })).await;
        *bench.world.network.lock().unwrap() = Some(false);
        run.until(is_gone).await;
        *bench.world.network.lock().unwrap() = Some(true);
        run.until(is_back).await;
        run.send(Command::Locate);
    }
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

#[tokio::test]
async fn an_account_whose_services_are_out_of_order_is_told_after_what_failed_for_it_and_so_is_its_return() {
    let bench = Bench::new();
    let out_of_order = |is: bool| *bench.world.out_of_order.lock().unwrap() = is;
    *bench.world.network.lock().unwrap() = Some(true);
    let mut run = super::standby::start(EngineConfig { target: Target::Aws, ..bench.setup(Mode::Interactive) });
    run.opened().await;
    let fails = |kind: &EventKind| matches!(kind, EventKind::AccountGone { problem } if problem.message == "AWS does not work (the service answered 503)");
    for step in ["refused", "deploy"] {
        out_of_order(true);
        run.go_to(1, step).await;
        if step == "deploy" {
            assert!(run.ask(Command::Run).await.unwrap_err().contains("cost"));
        }
        assert_ne!(run.run().await.0, Verdict::Pass);
        run.until(fails).await;
        assert!(run.progress.account_gone.is_some());
        out_of_order(false);
        run.until(is_back).await;
        assert!(run.progress.account_gone.is_none());
    }
    run.quit().await;
}
