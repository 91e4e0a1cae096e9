//! Stopping what a console runs, from outside of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::session::Connector;
use crate::wire::{CancelKey, WireError};

/// A handle that cancels what its console runs: on the server, by a CancelRequest on a second connection, and
/// here, where a `\watch` or the rest of a script would go on.
#[derive(Clone)]
pub struct Canceller {
    shared: Arc<Shared>,
}

struct Shared {
    running: Mutex<Option<(Connector, CancelKey)>>,
    wanted: AtomicBool,
    told: Notify,
}

impl Canceller {
    /// Makes a handle for a console that runs nothing yet.
    pub(super) fn new() -> Canceller {
        let shared = Shared { running: Mutex::new(None), wanted: AtomicBool::new(false), told: Notify::new() };
        Canceller { shared: Arc::new(shared) }
    }

    /// Cancels. Says whether a statement was running on the server; nothing running is no error.
    ///
    /// # Errors
    /// When the server cannot be reached to be told. The console then gives the connection up by itself.
    pub async fn cancel(&self) -> Result<bool, WireError> {
        self.shared.wanted.store(true, Ordering::SeqCst);
        self.shared.told.notify_waiters();
        let running = self.shared.running.lock().map(|r| r.clone()).unwrap_or_default();
        match running {
            Some((connector, key)) => connector.cancel(key).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// A new run begins: what was asked before it does not count.
    pub(super) fn reset(&self) {
        self.shared.wanted.store(false, Ordering::SeqCst);
    }

    /// Tells whether it has been cancelled since its run began.
    pub fn is_wanted(&self) -> bool {
        self.shared.wanted.load(Ordering::SeqCst)
    }

    /// Says what runs on the server, so that it can be cancelled.
    pub(super) fn running(&self, what: Option<(Connector, CancelKey)>) {
        if let Ok(mut running) = self.shared.running.lock() {
            *running = what;
        }
    }

    /// Waits until someone cancels.
    pub(super) async fn wanted(&self) {
        loop {
            let told = self.shared.told.notified();
            if self.is_wanted() {
                return;
            }
            told.await;
        }
    }
}
