//! The runtimes that async work runs on, and how they are stopped.

use std::io::Write as _;
use std::time::Duration;

use rustix::process::Signal;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

use workshop_base::ignored::is_ignored;
use workshop_base::problem::{Kind, Problem, Result};

/// Runs async work to its end on a runtime of its own.
///
/// # Errors
/// When no threads can be started, and those of the work.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = started(Builder::new_multi_thread())?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(PATIENCE);
    result
}

/// Runs a front end to its end on this thread alone, and hands it the threads for all that runs beside it. On those, another
/// thread would hear of each key first, and wake the front end then.
///
/// # Errors
/// When no threads can be started, and those of the front end.
pub fn block_on_front_end<T>(front_end: impl AsyncFnOnce(&Handle) -> Result<T>) -> Result<T> {
    let (beside, own) = (started(Builder::new_multi_thread())?, started(Builder::new_current_thread())?);
    let result = own.block_on(front_end(beside.handle()));
    beside.shutdown_timeout(PATIENCE);
    own.shutdown_timeout(PATIENCE);
    result
}

/// The wait for a thread when the program ends: a blocking read that will never end must not hold it.
const PATIENCE: Duration = Duration::from_secs(1);

fn started(mut builder: Builder) -> Result<Runtime> {
    builder.enable_all().build().map_err(|e| {
        Problem::environment(format!("no threads can be started: {e}")).hint("close other programs and try again")
    })
}

/// Runs work that can be stopped. The first INT, TERM or HUP cancels its token: what runs ends in order; one that was ignored
/// when the program began, as under `nohup`, does nothing. The second
/// drops the work where it stands; children are groups that die with their guards.
///
/// # Errors
/// When it was dropped, and those of the work.
pub async fn until_stopped<T>(work: impl AsyncFnOnce(CancellationToken) -> Result<T>) -> Result<T> {
    let (stop, now) = (CancellationToken::new(), CancellationToken::new());
    let (stopped, at_once) = (stop.clone(), now.clone());
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let listened = [Signal::INT, Signal::TERM, Signal::HUP].into_iter().filter(|number| !is_ignored(*number));
        let mut streams: Vec<_> =
            listened.filter_map(|number| signal(SignalKind::from_raw(number.as_raw())).ok()).collect();
        if streams.is_empty() {
            return;
        }
        loop {
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
