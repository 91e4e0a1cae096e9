//! What the sessions of a cluster know of each other, ask of each other, and decide for each other.
//!
//! Invariant: plain data behind locks that are held for a moment; nothing here waits.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;

/// What other sessions may know of a session, and ask of it.
pub struct SessionEntry {
    pub pid: i32,
    pub key: i32,
    pub requests: mpsc::UnboundedSender<SessionRequest>,
    pub current: Mutex<Option<Arc<ConflictState>>>,
}

/// Asks of one session to another.
#[derive(Debug)]
pub enum SessionRequest {
    /// Give up the row locks of this transaction: another waits for them.
    Park(Arc<ConflictState>),
    /// The cluster is deleted, and the session ends with it.
    End,
}

/// What becomes of a transaction, as others decide it.
#[derive(Debug, Default)]
pub struct ConflictState {
    doomed: AtomicBool,
    /// Transactions that wanted the same row: the first of two to commit dooms the other.
    rivals: Mutex<Vec<Arc<ConflictState>>>,
    pub asked: AtomicBool,
    /// Where it began among the commits that share keys.
    pub shares: AtomicU64,
}

impl ConflictState {
    /// Decides that the transaction must not commit.
    pub fn doom(&self) {
        self.doomed.store(true, Ordering::SeqCst);
    }

    /// Returns whether another transaction was first.
    pub fn doomed(&self) -> bool {
        self.doomed.load(Ordering::SeqCst)
    }

    /// This transaction has committed.
    pub fn won(&self) {
        for rival in lock(&self.rivals).drain(..) {
            rival.doom();
        }
    }

    /// This transaction is over without having committed.
    pub fn over(&self) {
        lock(&self.rivals).clear();
    }

    /// The transaction holds locks again, which others may ask it to give up.
    pub fn resumed(&self) {
        self.asked.store(false, Ordering::SeqCst);
    }

    /// Makes rivals of two transactions: the first of them to commit dooms the other.
    pub fn against(self: &Arc<Self>, other: &Arc<ConflictState>) {
        for (one, two) in [(self, other), (other, self)] {
            let mut rivals = lock(&one.rivals);
            if !rivals.iter().any(|r| Arc::ptr_eq(r, two)) {
                rivals.push(two.clone());
            }
        }
    }
}

impl SessionEntry {
    /// Which transaction this session is in.
    pub fn set_current(&self, conflict: Option<Arc<ConflictState>>) {
        *lock(&self.current) = conflict;
    }
}

/// A poisoned lock means that a task panicked while it held plain data: the data is still whole.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}
