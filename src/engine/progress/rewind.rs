//! The state taken back to what it was at another time.

use super::state::Progress;

impl Progress {
    /// Returns what was done when a chapter began: what later chapters brought is taken away.
    #[must_use]
    pub fn before_chapter(mut self, chapter: u32) -> Progress {
        self.steps.retain(|at, _| at.chapter < chapter);
        self.checks.retain(|at, _| at.chapter < chapter);
        self.chapters.retain(|number, _| *number < chapter);
        self.pacing.spent.retain(|at, _| at.chapter < chapter);
        self.deploy = self.deploy.filter(|deploy| deploy.at_step.chapter < chapter);
        self.load = self.load.filter(|load| load.at_step.chapter < chapter);
        self.invoked = None;
        self
    }

    /// Forgets what the target gave out: it holds nothing any more.
    pub(crate) fn forget_target(&mut self) {
        self.outputs.clear();
        self.captures.clear();
    }

    /// Takes over what was done at another time. What was written and put aside since stays known, and so does what is
    /// under way.
    pub(super) fn put_back(&mut self, then: &Progress, at: u64) {
        self.settle(at);
        let now = std::mem::take(self);
        *self = Progress {
            seq: now.seq,
            at,
            title: now.title,
            target: now.target,
            reached: now.reached,
            workdir: now.workdir,
            position: now.position,
            tasks: now.tasks,
            preflight: now.preflight,
            bringing: now.bringing,
            journal: now.journal,
            distance: now.distance,
            hunks_chapter: now.hunks_chapter,
            hunks: now.hunks,
            own_hunks: now.own_hunks,
            usual: now.usual,
            troubles: now.troubles,
            lines_dropped: now.lines_dropped,
            located: None,
            running: None,
            stepping: None,
            deploy_found: None,
            closed: None,
            sessions: Default::default(),
            ..then.clone()
        };
        self.pacing.paused = now.pacing.paused;
        self.pacing.since = (!now.pacing.paused).then_some(at);
    }
}
