//! Checks on their own: asked for by a person, or following each save.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;

use super::{Busy, Driver, fault};
use crate::checks::{self, Wanted};
use crate::event::{CheckRef, EventKind, Verdict};
use crate::internal::Internal;
use workshop_course::lesson::model::Check;

impl Driver {
    pub(super) fn check(&mut self, checks: &[CheckRef], must_fail: bool) {
        if !self.is_free("check", false) {
            return;
        }
        let Some(position) = self.progress.position.clone() else { return };
        let course = self.setup.course.clone();
        let all = course
            .chapter(position.chapter)
            .map(|c| c.checks.iter().map(|check| CheckRef { chapter: c.number, check: check.id.clone() }).collect());
        let chosen = if checks.is_empty() { all.unwrap_or_default() } else { checks.to_vec() };
        let unknown = chosen.iter().find(|r| course.chapter(r.chapter).and_then(|c| c.check(&r.check)).is_none());
        if let Some(unknown) = unknown {
            self.refuse("check", format!("chapter {} has no check `{}`", unknown.chapter, unknown.check));
            return;
        }
        if chosen.is_empty() {
            self.refuse("check", format!("chapter {} has no checks", position.chapter));
            return;
        }
        self.prepare_again();
        let cancel = self.stop.child_token();
        self.busy = Busy::Checks { cancel: cancel.clone() };
        let ctx = self.ctx(None, cancel, Arc::default());
        self.tasks.spawn(async move {
            let wanted = if must_fail { Wanted::Fail } else { Wanted::Pass };
            for one in &chosen {
                let Some(chapter) = course.chapter(one.chapter) else { continue };
                let Some(check): Option<&Check> = chapter.check(&one.check) else { continue };
                let one = [check];
                let running = AssertUnwindSafe(checks::run_all(&ctx, chapter, &one, &wanted)).catch_unwind();
                if running.await.is_err() {
                    ctx.tell.event(EventKind::Trouble { problem: fault() });
                }
            }
            ctx.tell.send(Internal::ChecksEnded);
        });
    }

    /// Checks of files cost nothing: they follow each save.
    pub(super) fn follow_file_checks(&mut self) {
        if !matches!(self.busy, Busy::No) {
            return;
        }
        let setup = self.setup.clone();
        let Some(chapter) = self.progress.position.as_ref().and_then(|p| setup.course.chapter(p.chapter)) else {
            return;
        };
        for check in &chapter.checks {
            let Some(mismatch) = checks::file_now(&setup, chapter, check) else { continue };
            let at_check = CheckRef { chapter: chapter.number, check: check.id.clone() };
            let verdict = if mismatch.is_none() { Verdict::Pass } else { Verdict::Fail };
            if self.progress.checks.get(&at_check).is_some_and(|c| c.verdict == Some(verdict)) {
                continue;
            }
            let (title, at) = (check.title.clone(), setup.clock.now());
            let failure = mismatch.map(|mismatch| checks::file_failure(check, mismatch, at));
            self.event(EventKind::CheckStarted { at_check: at_check.clone(), title: title.clone(), attempt: 1 });
            self.event(EventKind::CheckFinished { at_check, title, verdict, attempts: 1, took_ms: 0, failure });
        }
    }

    pub(super) fn checks_ended(&mut self) {
        self.busy = Busy::No;
        self.event(EventKind::ChecksFinished);
        self.save();
    }
}
