//! What a start tells the person who waits for it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One thing under way. A later one replaces it on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartProgress {
    /// `fetching PostgreSQL 16`, …: lower case, without a full stop.
    pub what: String,
    /// Bytes done so far, when it is a download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// Bytes in all, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl StartProgress {
    /// Done and in all, in MB, when it is a download.
    pub fn megabytes(&self) -> Option<(u64, Option<u64>)> {
        const MB: u64 = 1024 * 1024;
        self.done.map(|done| (done / MB, self.total.map(|total| total.div_ceil(MB))))
    }
}

/// Takes progress to whoever waits. Cloning shares it.
#[derive(Clone)]
pub struct ProgressSink(Arc<dyn Fn(StartProgress) + Send + Sync>);

impl ProgressSink {
    /// Makes one that hands every step to `to`.
    pub fn new(to: impl Fn(StartProgress) + Send + Sync + 'static) -> Self {
        ProgressSink(Arc::new(to))
    }

    /// To nobody.
    pub fn silent() -> Self {
        ProgressSink::new(|_| {})
    }

    /// Tells what is under way: lower case, without a full stop.
    pub fn say(&self, what: &str) {
        (self.0)(StartProgress { what: what.into(), done: None, total: None });
    }

    /// Tells how much of a download is there, in bytes.
    pub fn bytes(&self, what: &str, done: u64, total: Option<u64>) {
        // What is on the disk may be a little more than the package said.
        (self.0)(StartProgress { what: what.into(), done: Some(total.map_or(done, |all| done.min(all))), total });
    }
}

impl std::fmt::Debug for ProgressSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProgressSink")
    }
}
