//! What a cluster's sessions and its worker of asynchronous jobs share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What a cluster's sessions and its worker share.
#[derive(Debug, Default)]
pub struct JobQueue {
    pub wake: Notify,
    /// When the first of the rows that the worker has not seen yet was committed.
    first: Mutex<Option<SystemTime>>,
    /// The cluster is no more.
    pub gone: CancellationToken,
}

impl JobQueue {
    /// There may be rows that were committed just now.
    pub fn wake(&self, now: SystemTime) {
        self.first().get_or_insert(now);
        self.wake.notify_one();
    }

    /// Returns when the first of the rows that nobody has looked at was committed.
    pub fn first(&self) -> MutexGuard<'_, Option<SystemTime>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
