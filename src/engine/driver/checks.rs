//! Checks on their own: asked for by a person, or following each save.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;

use super::activity::{Activity, RunningChecks};
use super::event_loop::internal_error;
use super::state::Driver;
use crate::attempt;
use crate::checks::{self, Expectation};
use crate::command::{CommandKind, RequestId};
use crate::config::Mode;
use crate::event::{CheckRef, EventKind, RequestOutcome, Verdict};
use crate::expect;
use crate::messages::Internal;
use crate::network;
use workshop_course::lesson::model::Check;

impl Driver {
    /// Begins checks; [`Driver::checks_ended`] is their end.
    pub(super) fn check(&mut self, request: RequestId, chosen: Vec<CheckRef>, must_fail: bool) {
        let course = self.config.course.clone();
        self.prepare_if_failed();
        let cancel = self.tasks.child_token();
        self.activity = Activity::Checks(RunningChecks { request, cancel: cancel.clone(), pending: Vec::new() });
        let ctx = self.context(None, cancel, Arc::default());
        let left = self.target.left();
        self.tasks.spawn(async move {
            let wanted = if must_fail { Expectation::Fail } else { Expectation::Pass };
            let mut verdict = Verdict::Pass;
            for one in &chosen {
                if ctx.cancel.is_cancelled() {
                    verdict = Verdict::Error;
                    break;
                }
                let Some(chapter) = course.chapter(one.chapter) else { continue };
                let Some(check): Option<&Check> = chapter.check(&one.check) else { continue };
                let one = [check];
                let attempts = network::beside(&ctx, checks::run_all(&ctx, chapter, &one, &wanted));
                let running = AssertUnwindSafe(left.run_until_cancelled(attempts)).catch_unwind();
                let failed = match running.await {
                    // The talk leaves the target.
                    Ok(None) => Some(Verdict::Error),
                    Ok(Some(ends)) => {
                        ends.into_iter().map(|(_, verdict, _)| verdict).find(|verdict| !verdict.is_good())
                    }
                    Err(_) => {
                        ctx.sink.emit(EventKind::Trouble { problem: internal_error() });
                        Some(Verdict::Error)
                    }
                };
                if let (true, Some(bad)) = (verdict.is_good(), failed) {
                    verdict = bad;
                }
            }
            ctx.sink.send(Internal::ChecksEnded(verdict));
        });
    }

    /// Checks of files cost nothing: after somebody's save all of them are looked at, after what we write ourselves those that
    /// have a verdict, which may be another now. What is saved while something runs is looked at when that is over.
    pub(super) fn follow_file_checks(&mut self) {
        if self.config.mode != Mode::Interactive || !self.activity.is_idle() {
            return;
        }
        let all = std::mem::take(&mut self.workspace.is_unfollowed);
        let config = self.config.clone();
        let Some(chapter) = self.run.progress().position.as_ref().and_then(|p| config.course.chapter(p.chapter)) else {
            return;
        };
        for check in &chapter.checks {
            let at_check = CheckRef { chapter: chapter.number, check: check.id.clone() };
            let known = self.run.progress().checks.get(&at_check).and_then(|known| known.verdict);
            if known.is_none() && !all {
                continue;
            }
            let Some(mismatch) = attempt::file_now(&config, chapter, check) else { continue };
            let verdict = if mismatch.is_none() { Verdict::Pass } else { Verdict::Fail };
            // It is still as the step that declares it to fail has left it.
            let as_declared = verdict == Verdict::Fail && known == Some(Verdict::FailedAsExpected);
            if known == Some(verdict) || as_declared {
                continue;
            }
            let (title, at) = (check.title.clone(), config.clock.now());
            let failure = mismatch.map(|mismatch| attempt::file_failure(check, mismatch, at));
            self.emit(EventKind::CheckStarted { at_check: at_check.clone(), title: title.clone(), attempt: 1 });
            self.emit(EventKind::CheckFinished { at_check, title, verdict, attempts: 1, took_ms: 0, failure });
        }
    }

    /// Tells the end of checks that were given up: the talk has left their target, or we have failed.
    pub(super) fn end_given_up_checks(&mut self) {
        let checks = &self.run.progress().checks;
        let running = checks.iter().filter(|(_, check)| check.verdict.is_none());
        let ends: Vec<EventKind> = running
            .map(|(at_check, check)| EventKind::CheckFinished {
                at_check: at_check.clone(),
                title: check.title.clone(),
                verdict: Verdict::Error,
                attempts: check.attempts,
                took_ms: self.config.clock.now().saturating_sub(check.started),
                failure: Some(expect::given_up(check.tries.clone())),
            })
            .collect();
        self.emit_all(ends);
    }

    /// Answers the request for checks, and those to cancel it.
    pub(super) fn checks_ended(&mut self, verdict: Verdict) {
        let Some(RunningChecks { request, pending, .. }) = self.activity.end_checks() else { return };
        self.end_given_up_checks();
        self.follow_file_checks();
        if verdict == Verdict::Error {
            self.ask_why();
        }
        self.run.finish(request, CommandKind::Check, RequestOutcome::Verdict(verdict));
        self.run.finish_pending(pending, false);
        self.take_waiting_course();
        self.save();
        self.switch_when_idle();
    }
}
