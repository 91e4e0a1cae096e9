//! The runtime that async work runs on, and how it is stopped.

use std::io::Write as _;

use tokio_util::sync::CancellationToken;

use workshop_base::problem::{Kind, Problem, Result};

/// Runs async work to its end on a runtime of its own.
///
/// # Errors
/// When no threads can be started, and those of the work.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| {
        Problem::environment(format!("no threads can be started: {e}")).hint("close other programs and try again")
    })?;
    let result = runtime.block_on(work);
    // A blocking read that will never end must not hold the program.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

/// Runs work that can be stopped. The first INT, TERM or HUP cancels its token: what runs ends in order. The second
/// drops the work where it stands; children are groups that die with their guards.
///
/// # Errors
/// When it was dropped, and those of the work.
pub async fn until_stopped<T>(work: impl AsyncFnOnce(CancellationToken) -> Result<T>) -> Result<T> {
    let (stop, now) = (CancellationToken::new(), CancellationToken::new());
    let (stopped, at_once) = (stop.clone(), now.clone());
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let streams = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        let mut streams: Vec<_> = streams.into_iter().flatten().collect();
        while !streams.is_empty() {
            futures::future::select_all(streams.iter_mut().map(|s| Box::pin(s.recv()))).await;
            if stopped.is_cancelled() {
                break;
            }
            stopped.cancel();
            let _ = writeln!(std::io::stderr(), "stopping; once more to stop at once");
        }
        at_once.cancel();
    });
    now.run_until_cancelled(work(stop)).await.unwrap_or_else(|| Err(Problem::new(Kind::Interrupted, "stopped at once")))
}
