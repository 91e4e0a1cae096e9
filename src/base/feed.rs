//! Text for a child that comes while the child runs.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The end of a channel that a child's standard input reads; the input ends when every sender is gone. The first child
/// that is given it takes it.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Mutex<Option<UnboundedReceiver<String>>>>);

impl Feed {
    /// Makes a feed, and what sends to it.
    pub fn new() -> (UnboundedSender<String>, Feed) {
        let (sender, receiver) = unbounded_channel();
        (sender, Feed(Arc::new(Mutex::new(Some(receiver)))))
    }

    pub(super) fn take(&self) -> Option<UnboundedReceiver<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
