//! The state taken back to what it was at another time.

use super::state::Progress;
use workshop_course::lesson::model::ActionKind;

impl Progress {
    /// Returns what was done when a chapter began: what later chapters brought is taken away.
    #[must_use]
    pub fn before_chapter(mut self, chapter: u32) -> Progress {
        self.forget_from(chapter);
        self.pacing.spent.retain(|at, _| at.chapter < chapter);
        self.deploy = self.deploy.filter(|deploy| deploy.at_step.chapter < chapter);
        self.load = self.load.filter(|load| load.at_step.chapter < chapter);
        self.invoked = None;
        self
    }

    /// Forgets what was done in a chapter and those behind it: everything is as it begins.
    pub(super) fn forget_from(&mut self, chapter: u32) {
        self.steps.retain(|at, _| at.chapter < chapter);
        self.checks.retain(|at, _| at.chapter < chapter);
        self.chapters.retain(|number, _| *number < chapter);
        self.served.retain(|_, served| served.at_step.chapter < chapter || served.is_running());
    }

    /// Forgets what the target gave out: it holds nothing any more.
    pub(crate) fn forget_target(&mut self) {
        self.outputs.clear();
        self.captures.clear();
    }

    /// Forgets the past elsewhere: what was done in another account, or in the sandbox, says nothing of this one; what was read and what was changed
    /// in the files does. What runs now runs here.
    pub(super) fn leave_behind(&mut self) {
        let running = self.running.clone();
        let stays = |action| matches!(action, ActionKind::Read | ActionKind::Edit);
        self.steps.retain(|at, step| stays(step.action) || running.as_ref() == Some(at));
        self.checks.retain(|_, check| check.verdict.is_none());
        self.deploy_before = None;
        self.deploy = self.deploy.take().filter(|deploy| running.as_ref() == Some(&deploy.at_step));
        self.sessions.retain(|_, session| session.open || session.running.is_some());
        self.chapters.clear();
        self.outputs.clear();
        self.captures.clear();
        self.usual.clear();
        (self.located, self.deploy_found, self.invoked, self.load) = (None, None, None, None);
    }

    /// Takes over what was done in another place. Files, position and clock stay as they are, and so do what was read, what
    /// was changed in the files, and what runs on this machine.
    pub(super) fn put_elsewhere(&mut self, there: &Progress, at: u64) {
        let (pacing, mut steps) = (self.pacing.clone(), self.steps.clone());
        let stays =
            |action| matches!(action, ActionKind::Read | ActionKind::Edit | ActionKind::Serve | ActionKind::Stop);
        steps.retain(|_, step| stays(step.action));
        let done_there = there.steps.iter().filter(|(_, step)| !stays(step.action));
        steps.extend(done_there.map(|(at_step, step)| {
            // What was tried there once more in vain is as it was done here.
            let vain = there.has_effect(at_step) && !there.is_done(at_step);
            let own = self.steps.get(at_step).filter(|_| vain && self.is_done(at_step));
            (at_step.clone(), own.unwrap_or(step).clone())
        }));
        self.put_back(there, at);
        (self.pacing, self.steps, self.usual) = (pacing, steps, there.usual.clone());
        // What was under way there has ended with the move.
        self.checks.retain(|_, check| check.verdict.is_some());
    }

    /// Takes over what was done at another time. What was written and put aside since stays known, and so does what is
    /// under way.
    pub(super) fn put_back(&mut self, then: &Progress, at: u64) {
        self.settle(at);
        self.keep_times(&then.pacing.spent);
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
            served: now.served,
            conditions: now.conditions,
            course_problems: now.course_problems,
            troubles: now.troubles,
            standby: now.standby,
            on_standby: now.on_standby,
            account_gone: now.account_gone,
            lines_dropped: now.lines_dropped,
            located: None,
            running: None,
            stepping: None,
            deploy_found: None,
            closed: None,
            sessions: Default::default(),
            ..then.clone()
        };
        self.pacing.last = now.pacing.last;
        self.pacing.paused = now.pacing.paused;
        self.run_clock(at);
    }
}
