//! When to draw: on change, and not more often than the eye can see. Pure.

use std::time::{Duration, Instant};

/// Between two frames at least.
pub const FRAME: Duration = Duration::from_millis(16);

/// Merges changes into frames. Time is an argument.
#[derive(Debug, Default)]
pub struct Pacer {
    last: Option<Instant>,
    dirty: bool,
}

impl Pacer {
    pub fn changed(&mut self) {
        self.dirty = true;
    }

    /// When the next frame is due; None while nothing has changed.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        self.dirty.then(|| self.last.map_or(now, |last| (last + FRAME).max(now)))
    }

    pub fn is_due(&self, now: Instant) -> bool {
        self.due(now).is_some_and(|due| due <= now)
    }

    pub fn drawn(&mut self, now: Instant) {
        self.last = Some(now);
        self.dirty = false;
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
}
