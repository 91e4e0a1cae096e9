//! How many connections a cluster takes, and how fast.
//!
//! Invariant: pure; the time is an argument. Source of the figures: AWS user guide, quotas, read 2026-10.

use std::time::{Duration, SystemTime};

/// Connections at once.
pub const CONNECTIONS: usize = 10_000;
/// New connections per second, and how many may be saved up.
const RATE: f64 = 100.0;
const BURST: f64 = 1_000.0;
/// The life of a connection.
pub const CONNECTION_LIFE: Duration = Duration::from_secs(3_600);
/// The life of a transaction.
pub const TRANSACTION_LIFE: Duration = Duration::from_secs(300);
/// Rows that a transaction may change.
pub const ROWS: u64 = 3_000;
/// Bytes that a transaction may write.
pub const BYTES: u64 = 10 * 1024 * 1024;

/// Saves up the right to connect.
#[derive(Debug, Clone)]
pub struct Bucket {
    tokens: f64,
    at: SystemTime,
}

impl Bucket {
    /// Makes one with all that may be saved up.
    pub fn full(now: SystemTime) -> Self {
        Bucket { tokens: BURST, at: now }
    }

    /// Returns whether one more connection may be made now.
    pub fn take(&mut self, now: SystemTime) -> bool {
        let passed = now.duration_since(self.at).unwrap_or_default().as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + passed * RATE).min(BURST);
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_at_once_then_a_hundred_a_second() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut bucket = Bucket::full(start);
        assert_eq!((0..1_500).filter(|_| bucket.take(start)).count(), 1_000);
        let later = start + Duration::from_secs(2);
        assert_eq!((0..1_500).filter(|_| bucket.take(later)).count(), 200);
        // A clock that was moved back gives nothing and breaks nothing.
        assert!(!bucket.take(start));
    }
}
