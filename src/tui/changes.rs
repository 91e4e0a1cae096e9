//! When the screen changes by itself: wheels that turn, clocks that go on, a word that has stood long enough.

use super::clock;
use super::model::{Model, Mood};
use super::theme::SPINNER_MS;

/// Milliseconds that a word for the person at the keyboard stands.
const TOAST_MS: u64 = 8_000;

impl Model {
    /// Milliseconds until the screen changes by itself; None: not before something happens.
    pub fn next_tick(&self) -> Option<u64> {
        [self.next_change(), self.toast_ends()].into_iter().flatten().min()
    }

    /// Milliseconds until the word that stands goes by itself; what went wrong stays until a key is pressed.
    pub fn toast_ends(&self) -> Option<u64> {
        let goes = self.toast.as_ref().is_some_and(|(_, mood)| *mood != Mood::Bad);
        goes.then(|| (self.toast_since + TOAST_MS).saturating_sub(self.now))
    }

    fn next_change(&self) -> Option<u64> {
        if self.closing.is_some() {
            return Some(200);
        }
        let sql = self.progress.sessions.values().any(|s| s.running.is_some());
        let checks = self.progress.checks.values().any(|c| c.verdict.is_none());
        let tasks = self.progress.tasks.values().any(|t| t.is_running());
        let runs = self.progress.running.is_some() || self.progress.bringing.is_some();
        if runs || sql || checks || tasks {
            return Some(SPINNER_MS - self.now % SPINNER_MS);
        }
        // The header counts minutes; the card says for how many seconds a process has been running.
        let pace = clock::pace(&self.course, &self.progress, self.now).filter(|_| self.shows_clock());
        let here = self.progress.position.as_ref().map(|position| position.chapter);
        let served = self.progress.served.values().filter(|served| Some(served.at_step.chapter) == here);
        let second = served.filter(|served| served.is_running()).map(|served| {
            let since = self.now.saturating_sub(served.started);
            // One that has not said yet that it is ready has a wheel.
            if served.ready.is_some() { 1000 - since % 1000 } else { SPINNER_MS - self.now % SPINNER_MS }
        });
        second.chain(pace.as_ref().and_then(clock::next_minute)).min()
    }
}
