//! What ends a walk before its plan does: somebody who stops it, or the time that it was given.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use workshop_base::problem::{Kind, Problem};

/// How long the end of a walk that took too long may take in its turn: processes have their own grace, and the commands
/// that end a course are run.
const ENDING: Duration = Duration::from_mins(5);

/// What ends a walk before its plan does.
#[derive(Debug, Clone, Default)]
pub struct WalkLimits {
    /// When it is cancelled, what runs is ended in order and the run with it.
    pub stop: CancellationToken,
    /// How long all of it may take; then it is ended in the same way. None: there is no limit.
    pub time: Option<Duration>,
}

/// The time that is left to a walk.
pub(super) struct WalkClock {
    until: Option<Instant>,
}

impl WalkClock {
    /// Begins to count.
    pub(super) fn new(limits: &WalkLimits) -> WalkClock {
        WalkClock { until: limits.time.and_then(|time| Instant::now().checked_add(time)) }
    }

    /// Gives the walk what its end may take.
    pub(super) fn end(&mut self) {
        self.until = Some(Instant::now() + ENDING);
    }

    /// Waits until the time is over.
    pub(super) async fn over(&self) {
        match self.until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}

impl WalkLimits {
    /// Says that the time was not enough.
    pub(super) fn too_long(&self) -> Problem {
        let limit = self.time.unwrap_or_default();
        let limit = match limit.as_secs() {
            0 => format!("{limit:?}"),
            seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
            seconds => format!("{seconds} s"),
        };
        Problem::new(Kind::TimedOut, format!("the run has not come to its end in {limit}, and is ended"))
            .hint("look at what it waits for; --time-limit gives it more, or `none`")
    }
}
