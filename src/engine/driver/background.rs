//! The tasks beside the driver. They tell what they find through the driver's own channel, and end with the run.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::messages::EventSink;

/// Owns the tasks of a run: none outlives it.
pub(super) struct BackgroundTasks {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    sink: EventSink,
}

impl BackgroundTasks {
    /// Makes the tasks of a run: none yet. They send to `sink`.
    pub(super) fn new(sink: EventSink) -> BackgroundTasks {
        BackgroundTasks { tasks: JoinSet::new(), stop: CancellationToken::new(), sink }
    }

    /// Returns the way to tell the driver something.
    pub(super) fn sink(&self) -> EventSink {
        self.sink.clone()
    }

    /// Returns a token that is cancelled with the run, or by itself.
    pub(super) fn child_token(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Starts a task that sees to its own end when [`BackgroundTasks::child_token`] is cancelled.
    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Starts a task that is dropped, wherever it is, when the run ends.
    pub(super) fn spawn_until_stopped(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Waits for the next task to end; None when there is none.
    pub(super) async fn join_next(&mut self) -> Option<()> {
        // A panic in a task is caught where it would leave something running; elsewhere it has said itself.
        self.tasks.join_next().await.map(drop)
    }

    /// Tells all tasks to end.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until all tasks have ended.
    pub(super) async fn ended(&mut self) {
        while self.join_next().await.is_some() {}
    }
}
