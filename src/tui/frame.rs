//! When to draw: on change, and not more often than the eye can see. Pure.

use std::time::{Duration, Instant};

/// Between two frames at least.
pub const FRAME: Duration = Duration::from_millis(16);
/// Between a frame and the answer to a key at least: a key held down, or text typed by a program, still merges.
pub const ANSWER: Duration = Duration::from_millis(2);

/// Merges changes into frames. Time is an argument.
#[derive(Debug, Default)]
pub struct Pacer {
    last: Option<Instant>,
    /// Time after the last frame until what has changed may be shown; None while nothing has changed.
    after: Option<Duration>,
}

impl Pacer {
    /// Something has happened.
    pub fn changed(&mut self) {
        self.after = self.after.or(Some(FRAME));
    }

    /// Somebody has pressed a key and waits for what it does.
    pub fn pressed(&mut self) {
        self.after = Some(ANSWER);
    }

    /// When the next frame is due; None while nothing has changed.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        self.after.map(|after| self.last.map_or(now, |last| (last + after).max(now)))
    }

    /// Says whether something has changed and may be shown now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.due(now).is_some_and(|due| due <= now)
    }

    /// Notes that a frame was shown.
    pub fn drawn(&mut self, now: Instant) {
        self.last = Some(now);
        self.after = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_change_is_drawn_at_once_and_many_make_one_frame() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        assert_eq!(pacer.due(start), None);
        pacer.changed();
        assert!(pacer.is_due(start));
        pacer.drawn(start);
        assert_eq!(pacer.due(start), None, "nothing is drawn twice");
        for _ in 0..100 {
            pacer.changed();
        }
        assert!(!pacer.is_due(start + FRAME / 2));
        assert_eq!(pacer.due(start + FRAME / 2), Some(start + FRAME));
        assert!(pacer.is_due(start + FRAME));
    }

    #[test]
    fn a_key_does_not_wait_as_long_as_what_happens_by_itself() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.drawn(start);
        pacer.changed();
        pacer.pressed();
        pacer.changed();
        assert_eq!(pacer.due(start), Some(start + ANSWER));
        pacer.drawn(start + ANSWER);
        pacer.changed();
        assert_eq!(pacer.due(start + ANSWER), Some(start + ANSWER + FRAME), "only once");
    }
}
