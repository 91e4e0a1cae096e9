//! The stage clock's times: how long was spent on each step, now and when the talk was last given.

use std::collections::BTreeMap;

use super::state::Progress;
use crate::event::StepRef;

impl Progress {
    /// Tells whether one is at a step.
    pub fn is_at(&self, step: &StepRef) -> bool {
        self.position.as_ref().is_some_and(|p| p.chapter == step.chapter && p.step == step.step)
    }

    /// Milliseconds spent on a step until `now`.
    pub fn spent_on_step(&self, step: &StepRef, now: u64) -> u64 {
        let settled = self.pacing.spent.get(step).copied().unwrap_or(0);
        match self.pacing.since {
            Some(since) if self.is_at(step) => settled + now.saturating_sub(since),
            _ => settled,
        }
    }

    /// Milliseconds spent in a chapter until `now`.
    pub fn spent_on_chapter(&self, chapter: u32, now: u64) -> u64 {
        let settled: u64 = self.pacing.spent.iter().filter(|(s, _)| s.chapter == chapter).map(|(_, ms)| ms).sum();
        match (self.pacing.since, &self.position) {
            (Some(since), Some(position)) if position.chapter == chapter => settled + now.saturating_sub(since),
            _ => settled,
        }
    }

    /// Returns the milliseconds that each step took when the talk was last given: now, as far as it has come, or before the
    /// clock began again.
    pub fn last_given(&self) -> BTreeMap<StepRef, u64> {
        let mut given = self.pacing.spent.clone();
        given.retain(|step, _| self.is_done(step) || !self.pacing.last.contains_key(step));
        self.pacing.last.iter().for_each(|(step, ms)| _ = given.entry(step.clone()).or_insert(*ms));
        given
    }

    /// Keeps what the steps took that are done, for their clock begins again; those that have as much in `still` go on.
    pub(super) fn keep_times(&mut self, still: &BTreeMap<StepRef, u64>) {
        let begins = |step: &StepRef, ms: u64| still.get(step).is_none_or(|then| *then < ms) && self.is_done(step);
        let kept: Vec<(StepRef, u64)> = self
            .pacing
            .spent
            .iter()
            .filter(|(step, ms)| begins(step, **ms))
            .map(|(at, ms)| (at.clone(), *ms))
            .collect();
        self.pacing.last.extend(kept);
    }

    /// Has the clock of the step at hand run from now on, unless it is paused. It does not run while everything is brought to
    /// a chapter: nobody talks through the steps that are run for that.
    pub(super) fn run_clock(&mut self, at: u64) {
        self.pacing.since = (!self.pacing.paused && self.bringing.is_none()).then_some(at);
    }

    /// Books the time that the current step's clock has run.
    pub(super) fn settle(&mut self, at: u64) {
        let Some(since) = self.pacing.since.take() else { return };
        if let Some(position) = &self.position {
            let step = StepRef { chapter: position.chapter, step: position.step.clone() };
            *self.pacing.spent.entry(step).or_default() += at.saturating_sub(since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{BringTo, CommandKind};
    use crate::event::{Event, EventKind, Position, RequestOutcome};
    use workshop_course::lesson::model::Target;

    #[test]
    fn what_is_brought_is_no_rehearsal() {
        let at = |chapter, step: &str| Position { chapter, step: step.into() };
        let events = [
            (
                0,
                EventKind::Opened {
                    title: "t".into(),
                    target: Target::Local,
                    workdir: "/w".into(),
                    position: at(0, "a"),
                },
            ),
            (1_000, EventKind::Bringing { to: BringTo::Chapter(2), done: 0, total: 2 }),
            (5_000, EventKind::Moved { position: at(1, "b") }),
            (60_000, EventKind::Bringing { to: BringTo::Chapter(2), done: 1, total: 2 }),
            (70_000, EventKind::Paused),
            (80_000, EventKind::Resumed),
            (90_000, EventKind::Moved { position: at(2, "c") }),
            (95_000, EventKind::Done { id: 1, command: CommandKind::Bring, outcome: RequestOutcome::Complete }),
        ];
        let mut progress = Progress::default();
        for (seq, (at, kind)) in (1..).zip(events) {
            progress.apply(&Event { seq, at, kind });
        }
        let step = |chapter, step: &str| StepRef { chapter, step: step.into() };
        assert_eq!(progress.pacing.spent, [(step(0, "a"), 1_000)].into());
        assert_eq!(progress.spent_on_step(&step(2, "c"), 97_000), 2_000, "from when it is there on, the clock runs");
    }
}
