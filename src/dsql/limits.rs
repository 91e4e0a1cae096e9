//! How many connections a cluster takes, and how fast.
//!
//! Invariant: pure; the time is an argument. Source of the figures: AWS user guide, quotas, read 2026-10.

use std::time::{Duration, SystemTime};

use crate::conditions::ConnectionLimits;

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
    limits: ConnectionLimits,
    tokens: f64,
    at: SystemTime,
}

impl Bucket {
    /// Makes one with all that may be saved up.
    pub fn full(limits: ConnectionLimits, now: SystemTime) -> Self {
        Bucket { limits, tokens: limits.burst.into(), at: now }
    }

    /// Returns whether one more connection may be made now. Under other limits than before it is full again.
    pub fn take(&mut self, limits: ConnectionLimits, now: SystemTime) -> bool {
        if limits != self.limits {
            *self = Bucket::full(limits, now);
        }
        let passed = now.duration_since(self.at).unwrap_or_default().as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + passed * f64::from(limits.per_second)).min(limits.burst.into());
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
        let limits = ConnectionLimits::default();
        let mut bucket = Bucket::full(limits, start);
        assert_eq!((0..1_500).filter(|_| bucket.take(limits, start)).count(), 1_000);
        let later = start + Duration::from_secs(2);
        assert_eq!((0..1_500).filter(|_| bucket.take(limits, later)).count(), 200);
        // A clock that was moved back gives nothing and breaks nothing.
        assert!(!bucket.take(limits, start));
        // Smaller ones hold at once, and the service's own again after them.
        let small = ConnectionLimits { per_second: 2, burst: 20, ..limits };
        assert_eq!((0..100).filter(|_| bucket.take(small, later)).count(), 20);
        assert_eq!((0..100).filter(|_| bucket.take(limits, later)).count(), 100);
    }
}
