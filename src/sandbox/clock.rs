//! The sandbox's clock: the machine's time plus an offset that a person can move.
//!
//! Everything that AWS would judge by its own clock (token expiry, the age of a transaction, the life
//! of credentials) asks this one, so that `workshop sandbox clock +16m` shows in a second what takes a
//! quarter of an hour in a cloud. TLS certificates are judged by their clients and do not follow it.
//!
//! Clients date by the machine's clock, which does not move. So this one remembers when it was moved: what was dated
//! before has aged, and what is dated from then on is new.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::interfaces;

/// A clock that can be moved. Cloning shares the offset.
#[derive(Debug, Clone, Default)]
pub struct SandboxClock {
    offset_ms: Arc<AtomicI64>,
    moves: Arc<Mutex<Vec<Move>>>,
    moved: Arc<tokio::sync::Notify>,
}

/// From when on, by the machine's clock, which offset holds.
#[derive(Debug, Clone, Copy)]
struct Move {
    from: SystemTime,
    offset_ms: i64,
}

impl SandboxClock {
    /// A clock that shows the machine's time until it is moved.
    pub fn new() -> Self {
        SandboxClock::default()
    }

    /// Returns the time that this clock shows.
    pub fn now(&self) -> SystemTime {
        shifted(SystemTime::now(), self.offset_ms())
    }

    /// Returns what this clock showed when the machine's showed `dated`.
    pub fn dated(&self, dated: SystemTime) -> SystemTime {
        let moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = moves.iter().rev().find(|one| one.from <= dated).map_or(0, |one| one.offset_ms);
        shifted(dated, offset)
    }

    /// Returns a view for those who only read it.
    pub fn reader(&self) -> interfaces::TimeSource {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }

    /// Returns a view for those who read dates too that clients have written.
    pub fn time(&self) -> interfaces::Time {
        let clock = self.clone();
        interfaces::Time {
            now: self.reader(),
            dated: Arc::new(move |dated| clock.dated(dated)),
            moved: self.moved.clone(),
        }
    }

    /// Returns how far this clock is ahead of the machine's (negative: behind), in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    /// Moves the clock by so many milliseconds and answers the new offset. What is dated in this second still counts as
    /// dated before, for dates have whole seconds: see [`SandboxClock::settled`].
    pub fn advance_ms(&self, by: i64) -> i64 {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = self.offset_ms.fetch_add(by, Ordering::Relaxed).saturating_add(by);
        let second = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() + 1;
        moves.push(Move { from: SystemTime::UNIX_EPOCH + Duration::from_secs(second), offset_ms: offset });
        self.moved.notify_waiters();
        offset
    }

    /// Sets the offset, in milliseconds, as if it had never been another: 0 is the machine's time again.
    pub fn set_offset_ms(&self, offset: i64) {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        self.offset_ms.store(offset, Ordering::Relaxed);
        *moves = vec![Move { from: SystemTime::UNIX_EPOCH, offset_ms: offset }];
        self.moved.notify_waiters();
    }

    /// Ends when what is dated now counts as dated after the last move: within a second.
    pub async fn settled(&self) {
        let from = self.moves.lock().unwrap_or_else(PoisonError::into_inner).last().map(|last| last.from);
        if let Some(left) = from.and_then(|from| from.duration_since(SystemTime::now()).ok()) {
            tokio::time::sleep(left).await;
        }
    }
}

fn shifted(time: SystemTime, offset_ms: i64) -> SystemTime {
    let by = Duration::from_millis(offset_ms.unsigned_abs());
    let moved = if offset_ms < 0 { time.checked_sub(by) } else { time.checked_add(by) };
    moved.unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together_and_back() {
        let clock = SandboxClock::new();
        let read = clock.reader();
        assert_eq!(clock.advance_ms(16 * 60_000), 960_000);
        let ahead = read().duration_since(SystemTime::now()).expect("ahead of the machine");
        assert!(ahead > Duration::from_secs(950), "{ahead:?}");
        clock.set_offset_ms(-5_000);
        assert!(clock.now() < SystemTime::now());
    }

    #[test]
    fn what_was_dated_before_a_move_has_aged_and_what_is_dated_after_it_has_not() {
        let clock = SandboxClock::new();
        let (minute, second) = (Duration::from_secs(60), Duration::from_secs(1));
        let before = SystemTime::now();
        assert_eq!(clock.dated(before), before);
        clock.advance_ms(600_000);
        let between = SystemTime::now() + second;
        assert_eq!((clock.dated(before), clock.dated(between)), (before, between + 10 * minute));
        clock.advance_ms(600_000);
        let after = SystemTime::now() + 5 * second;
        assert_eq!(clock.dated(after), after + 20 * minute);
        assert_eq!(clock.dated(before), before);
        clock.set_offset_ms(0);
        assert_eq!((clock.dated(between), clock.dated(after)), (between, after));
    }
}
