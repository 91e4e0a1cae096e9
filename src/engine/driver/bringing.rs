//! Bringing everything to where a chapter begins: the target's state put back where that is needed, then the steps that
//! are missing, one after the other, as if they had been asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use super::activity::{Activity, Bringing, PastPoint, PendingRequest, RunningBring};
use super::admission::Refused;
use super::position;
use super::state::Driver;
use crate::bring::{self, BringFrom, BringStart, PastState};
use crate::cloud::StateStore;
use crate::command::{CommandKind, Refusal, RequestId};
use crate::config::Mode;
use crate::context::StepContext;
use crate::event::{ChapterMatch, EventKind, Position, RequestOutcome, StepRef, Verdict};
use crate::messages::Internal;
use crate::progress::{JournalState, Journaled};
use crate::record::Saved;
use crate::saved_states::{self, BEFORE};
use crate::{probes, step};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_course::lesson::model::{CourseDatabase, Step};

impl Driver {
    /// Refuses to bring an account anywhere.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn require_bringable(&self) -> Result<(), Refused> {
        if self.config.states.is_none() {
            let reason = match self.config.course.database {
                CourseDatabase::Cluster => {
                    "only the sandbox can be put back as a whole: an account is not. Run the steps one after the other, or \
                     work with --target local in another directory"
                }
                CourseDatabase::Postgres | CourseDatabase::Url(_) | CourseDatabase::UrlFrom(_) => {
                    "only the sandbox can be put back as a whole: the course's own database is not. Run the steps one after \
                     the other"
                }
            };
            return Err((Refusal::Unsupported, reason.to_owned()));
        }
        Ok(())
    }

    /// Refuses to go back to where nothing was before.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn require_state_before(&self) -> Result<(), Refused> {
        match saved_states::session(&self.config.workdir, BEFORE) {
            Some(_) => Ok(()),
            None => Err((Refusal::Unknown, "nothing was put back here: there is no state before that".to_owned())),
        }
    }

    /// Tells whether a run that begins at a chapter brings all of it: in a directory where nothing was done yet.
    pub(super) fn brings_at_once(&self, begun: bool) -> Option<u32> {
        let first = position::first(&self.config.course).chapter;
        let fresh = !begun && self.config.mode == Mode::Interactive && self.config.states.is_some();
        self.config.chapter.filter(|chapter| fresh && *chapter > first)
    }

    /// Begins; [`Driver::end_bringing`] is the end.
    pub(super) fn bring(&mut self, request: RequestId, to: PastPoint) {
        self.prepare_if_failed();
        let cancel = self.tasks.child_token();
        self.activity = Activity::Bringing(RunningBring { cancel: cancel.clone(), pending: Vec::new() });
        self.stepped = None;
        let journal = self.run.progress().journal.keys().next_back().copied().unwrap_or_default();
        let written = self.workspace.written();
        self.bringing = Some(Bringing { request, to, queue: VecDeque::new(), done: 0, total: 0, journal, written });
        self.emit(EventKind::Bringing { to: to.into(), done: 0, total: 0 });
        let Some(store) = self.config.states.clone() else { return };
        let ctx = self.context(None, cancel, Arc::default());
        let now = self.saved_now();
        self.tasks.spawn(async move {
            let ready = make_ready(&ctx, store.as_ref(), to, &now).await;
            ctx.sink.send(Internal::BringReady(ready));
        });
    }

    /// Takes over the state that was put back, and begins with the steps that are missing.
    pub(super) fn bring_ready(&mut self, ready: Result<BringStart>) {
        let Some(to) = self.bringing.as_ref().map(|bringing| bringing.to) else { return };
        let BringStart { from, past } = match ready {
            Ok(start) => start,
            // Who stopped it knows why.
            Err(problem) if problem.kind == Kind::Interrupted => {
                return self.end_bringing(RequestOutcome::Verdict(Verdict::Error));
            }
            Err(problem) => return self.end_bringing(RequestOutcome::Failed(problem)),
        };
        let course = self.config.course.clone();
        let then = past.as_ref().and_then(|past| past.progress.position.clone());
        if let Some(PastState { progress, deployed, deployed_files }) = past {
            self.target.set_captures(progress.captures.clone());
            self.deploys.restore(deployed, deployed_files);
            self.emit(EventKind::StateRestored { progress });
        }
        match to {
            PastPoint::Before => {
                let known = then.filter(|then| position::step_at(&course, then).is_some());
                let moved = known.map_or(Ok(()), |then| self.move_to(then));
                self.end_bringing(moved.map_or_else(RequestOutcome::Failed, |()| RequestOutcome::Complete));
            }
            PastPoint::Chapter(chapter) => {
                let queue = bring::steps_to_run(&course, self.run.progress(), from, chapter);
                if let Some(bringing) = &mut self.bringing {
                    bringing.total = u32::try_from(queue.len()).unwrap_or(u32::MAX);
                    bringing.queue = queue;
                }
                self.bring_on();
            }
        }
    }

    /// Runs the next of the steps that are missing; after the last one everything is there.
    pub(super) fn bring_on(&mut self) {
        let Some(Bringing { request, to, queue, done, total, .. }) = &mut self.bringing else { return };
        let (request, to, next) = (*request, *to, queue.pop_front());
        let (done, total) = (*done, *total);
        self.emit(EventKind::Bringing { to: to.into(), done, total });
        let Some(RunningBring { pending, .. }) = self.activity.end_bringing() else { return };
        // Told to stop between two steps.
        if pending.iter().any(|request| request.command == CommandKind::Cancel) {
            self.pause_bringing(pending);
            return self.end_bringing(RequestOutcome::Verdict(Verdict::Error));
        }
        let (position, last) = match (next, to) {
            (Some(StepRef { chapter, step }), _) => (Ok(Position { chapter, step }), false),
            (None, PastPoint::Chapter(chapter)) => (position::chapter_start(&self.config.course, chapter), true),
            (None, PastPoint::Before) => return,
        };
        let moved = position.and_then(|position| self.move_to(position));
        match moved {
            Ok(()) if !last => {
                self.run_step(request, CommandKind::Bring);
                self.activity.wait_for_end(pending);
            }
            moved => {
                self.pause_bringing(pending);
                let moved = moved.and_then(|()| self.bring_along());
                self.end_bringing(moved.map_or_else(RequestOutcome::Failed, |()| RequestOutcome::Complete));
            }
        }
    }

    /// Lets own edits go along that were in the way of steps that were run, and are in the way of nothing here: the newest first,
    /// which may be made of those before it.
    fn bring_along(&mut self) -> Result<()> {
        let Some(Bringing { journal: begun, written, .. }) = &self.bringing else { return Ok(()) };
        let (begun, written) = (*begun, written.clone());
        let kept = |state: &JournalState| matches!(state.what, Journaled::Kept(_)) && !state.restored;
        let since = self.run.progress().journal.range(begun + 1..).rev();
        let aside: Vec<u64> = since.filter(|(_, state)| kept(state)).map(|(id, _)| *id).collect();
        for id in aside {
            let events = self.workspace.bring_along(id, &written)?;
            self.emit_all(events);
        }
        Ok(())
    }

    /// Goes on after a step that came out well, or ends with what it came to; also when it was told to stop.
    pub(super) fn brought_step(&mut self, outcome: RequestOutcome, stopped: bool) {
        let well = !stopped && matches!(outcome, RequestOutcome::Verdict(verdict) if verdict.is_good());
        match &mut self.bringing {
            Some(bringing) if well => {
                bringing.done += 1;
                self.pause_bringing(Vec::new());
                self.tasks.sink().send(Internal::BringOn);
            }
            Some(_) => self.end_bringing(outcome),
            None => {}
        }
    }

    /// Is between two steps of the way.
    fn pause_bringing(&mut self, pending: Vec<PendingRequest>) {
        self.activity = Activity::Bringing(RunningBring { cancel: self.tasks.child_token(), pending });
    }

    /// Answers the request, and those to cancel it.
    fn end_bringing(&mut self, outcome: RequestOutcome) {
        let Some(Bringing { request, .. }) = self.bringing.take() else { return };
        let pending = self.activity.end_bringing().map_or_else(Vec::new, |bring| bring.pending);
        self.run.finish(request, CommandKind::Bring, outcome);
        self.run.finish_pending(pending, false);
        self.take_waiting_course();
        self.save();
        self.switch_when_idle();
    }

    /// Returns the state to keep before a step that is the first of its chapter to reach out: as the chapter begins.
    pub(super) fn state_to_keep(&self, at_step: &StepRef, step: &Step) -> Option<Saved> {
        let (course, progress) = (&self.config.course, self.run.progress());
        let is_first = course.chapters.first().is_some_and(|first| first.number == at_step.chapter);
        let later = progress
            .steps
            .keys()
            .any(|at| at.chapter >= at_step.chapter && at.of(course).is_some_and(bring::reaches_out));
        let kept = self.config.states.is_some() && self.config.mode == Mode::Interactive;
        if !kept || is_first || later || !bring::reaches_out(step) {
            return None;
        }
        let now = self.saved_now();
        Some(Saved { progress: now.progress.before_chapter(at_step.chapter), ..now })
    }

    /// Returns what is done by now, as a session is saved.
    pub(super) fn saved_now(&self) -> Saved {
        Saved {
            progress: self.run.progress().clone(),
            deployed: self.deploys.newest().cloned(),
            deployed_files: self.deploys.files().clone(),
            course: self.config.course.code.clone(),
            ..Saved::default()
        }
    }
}

/// Keeps the state that a chapter begins with. When that fails, the way back to it is longer: nothing else is lost.
pub(super) async fn keep(ctx: &StepContext, chapter: u32, session: &Saved) {
    let Some(store) = &ctx.setup.states else { return };
    if ctx.world().await.is_err() {
        return;
    }
    let name = saved_states::of_chapter(chapter);
    if let Err(problem) = saved_states::save(store.as_ref(), &ctx.setup.workdir, &name, session).await {
        ctx.note(format!("the state at the beginning of chapter {chapter} is not kept: {problem}"));
    }
}

/// Finds out where everything is and puts back what is in the way.
async fn make_ready(ctx: &StepContext, store: &dyn StateStore, to: PastPoint, now: &Saved) -> Result<BringStart> {
    let stopped = || Err(step::interrupted());
    let Some(world) = ctx.cancel.run_until_cancelled(ctx.world()).await else { return stopped() };
    world?;
    // They belong to what is left, also where it is their own chapter that begins again.
    let running = ctx.processes.running();
    let running: Vec<&str> = running.iter().map(String::as_str).collect();
    if ctx.cancel.run_until_cancelled(ctx.processes.stop(&running)).await.is_none() {
        return stopped();
    }
    let workdir = &ctx.setup.workdir;
    let chapter = match to {
        PastPoint::Before => {
            let session = saved_states::session(workdir, BEFORE);
            let session = session.ok_or_else(|| Problem::usage("there is no state before that"))?;
            end_sessions(ctx);
            store.restore(BEFORE.to_owned()).await?;
            return Ok(BringStart { from: BringFrom::Here, past: Some(past_of(session)) });
        }
        PastPoint::Chapter(chapter) => chapter,
    };
    let looking = probes::locate(ctx, now.deployed.clone(), None);
    let Some(found) = ctx.cancel.run_until_cancelled(looking).await else { return stopped() };
    let saved = saved_states::chapters(workdir);
    let mut from = bring::from(&ctx.setup.course, &now.progress, &found.stack, &saved, chapter);
    let stays = from == BringFrom::Here;
    if !stays {
        end_sessions(ctx);
    }
    // What is about to go, or to be gone on from, can be had back as a whole.
    let holds = found.stack != ChapterMatch::Nothing || now.progress.steps.keys().any(|at| reached(ctx, at));
    if holds {
        saved_states::save(store, workdir, BEFORE, now).await?;
    }
    if stays {
        return Ok(BringStart { from, past: None });
    }
    let mut session = None;
    if let BringFrom::Chapter(number) = from {
        let name = saved_states::of_chapter(number);
        session = saved_states::session(workdir, &name);
        match (&session, store.restore(name).await) {
            (Some(_), Ok(())) => {}
            // A saved state that is damaged: the longer way leads there, too.
            (_, Err(problem)) => {
                ctx.note(format!("the saved beginning of chapter {number} is of no use: {problem}"));
                from = BringFrom::Nothing;
            }
            (None, Ok(())) => from = BringFrom::Nothing,
        }
    }
    if from == BringFrom::Nothing {
        store.clear().await?;
        let first = ctx.setup.course.chapters.first().map_or(0, |chapter| chapter.number);
        let mut progress = now.progress.clone().before_chapter(first);
        progress.forget_target();
        session = Some(Saved { progress, ..Saved::default() });
    }
    Ok(BringStart { from, past: session.map(past_of) })
}

fn past_of(session: Saved) -> PastState {
    let Saved { progress, deployed, deployed_files, .. } = session;
    PastState { progress: Box::new(progress), deployed, deployed_files }
}

fn reached(ctx: &StepContext, at: &StepRef) -> bool {
    at.of(&ctx.setup.course).is_some_and(bring::reaches_out)
}

/// Ends all console sessions: their connections end with the state that they lead to.
pub(super) fn end_sessions(ctx: &StepContext) {
    for session in ctx.sessions.end_all() {
        ctx.sink.emit(EventKind::SessionClosed { session });
    }
}
