//! The sandbox's clock: the machine's time plus an offset that a person can move.
//!
//! Everything that AWS would judge by its own clock (token expiry, the age of a transaction, the life
//! of credentials) asks this one, so that `workshop sandbox clock +16m` shows in a second what takes a
//! quarter of an hour in a cloud. TLS certificates are judged by their clients and do not follow it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use super::seams;

/// A clock that can be moved. Cloning shares the offset.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that shows the machine's time until it is moved.
    pub fn new() -> Self {
        Clock::default()
    }

    pub fn now(&self) -> SystemTime {
        let offset = self.offset_ms();
        let by = Duration::from_millis(offset.unsigned_abs());
        let machine = SystemTime::now();
        let moved = if offset < 0 { machine.checked_sub(by) } else { machine.checked_add(by) };
        moved.unwrap_or(machine)
    }

    /// For those who only read it.
    pub fn reader(&self) -> seams::Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }

    /// How far this clock is ahead of the machine's (negative: behind), in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    /// Moves the clock by so many milliseconds and answers the new offset.
    pub fn advance_ms(&self, by: i64) -> i64 {
        self.offset_ms.fetch_add(by, Ordering::Relaxed).saturating_add(by)
    }

    /// Sets the offset, in milliseconds: 0 is the machine's time again.
    pub fn set_offset_ms(&self, offset: i64) {
        self.offset_ms.store(offset, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together_and_back() {
        let clock = Clock::new();
        let read = clock.reader();
        assert_eq!(clock.advance_ms(16 * 60_000), 960_000);
        let ahead = read().duration_since(SystemTime::now()).expect("ahead of the machine");
        assert!(ahead > Duration::from_secs(950), "{ahead:?}");
        clock.set_offset_ms(-5_000);
        assert!(clock.now() < SystemTime::now());
    }
}
