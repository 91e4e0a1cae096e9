//! The beginning of a run: where it starts, where things really are, and the target made ready beside it.

use std::sync::Arc;

use super::position;
use super::state::Driver;
use crate::cloud::CloudTarget;
use crate::command::{CommandKind, RequestId};
use crate::config::Mode;
use crate::event::{EventKind, Position, Preparation, RequestOutcome, StepRef, Stream};
use crate::messages::{Internal, ProbeResults};
use crate::stack_since::StackSince;
use crate::{files, probes, processes, record, setup, stack_since, step};
use workshop_base::problem::{Problem, Result};

impl Driver {
    /// Claims the directory, takes up the saved session, and tells where the run begins. Returns the chapter that everything is
    /// to be brought to, if that is what the run begins with.
    ///
    /// # Errors
    /// When the course has no steps, when the directory is somebody else's, another course's, in use or not writable, when a
    /// newer workshop has saved the session, and when there is no such chapter.
    pub(super) fn open(&mut self) -> Result<Option<u32>> {
        let config = self.config.clone();
        let course = &config.course;
        if course.chapters.iter().all(|c| c.steps.is_empty()) {
            return Err(Problem::course("the course has no steps"));
        }
        // A directory that was made for a run has none, unless a checkpoint was laid out in it.
        let saved = record::saved_of(&config.workdir, course)?;
        if config.mode != Mode::CheckOnly {
            self.run.record_to(record::claim(&config.workdir)?);
            self.workspace.open_journal()?;
            setup::end_left_behind(&config.workdir);
        } else if !config.workdir.is_dir() {
            return Err(Problem::usage(format!("there is no directory {}", config.workdir.display())));
        }
        let bring = self.brings_at_once(saved.is_some());
        let position = match config.chapter {
            Some(number) => {
                let start = position::chapter_start(course, number)?;
                if bring.is_some() { position::first(course) } else { start }
            }
            None => {
                let progress = saved.as_ref().map(|saved| &saved.progress);
                let left = progress.and_then(|progress| Some((progress, progress.position.as_ref()?)));
                let position = left.and_then(|(progress, left)| match position::step_at(course, left) {
                    Some(_) => Some(left.clone()),
                    None => position::instead_of(course, left, progress),
                });
                position.unwrap_or_else(|| position::recognise(course, &config.workdir))
            }
        };
        let lost = saved.as_ref().and_then(|saved| saved.progress.position.clone());
        let lost = lost.filter(|lost| config.chapter.is_none() && position::step_at(course, lost).is_none());
        if config.mode == Mode::Interactive {
            let gather = self.workspace.watch(self.tasks.sink());
            self.tasks.spawn_until_stopped(gather);
        }
        self.run.open(position.clone());
        let is_new = saved.is_none();
        let left = saved.as_ref().and_then(|saved| saved.progress.position.clone());
        let left = left.filter(|left| position::step_at(course, left).is_some());
        if let Some(saved) = saved {
            if config.mode != Mode::CheckOnly {
                processes::end_left_behind(&config.workdir, &saved.progress);
            }
            self.target.set_captures(saved.progress.captures.clone());
            self.deploys.restore(saved.deployed, saved.deployed_files);
            self.emit(EventKind::Restored { progress: Box::new(saved.progress) });
        }
        self.tell_unknown_kept();
        if is_new && config.chapter.is_none() && position != position::first(course) {
            let title = course.chapter(position.chapter).map_or("", |chapter| chapter.title.as_str());
            let line = format!("the files here are as the chapter before “{title}” leaves them: it goes on from there");
            self.emit(EventKind::Output { at_step: None, stream: Stream::Note, lines: vec![line] });
        }
        if let Some(lost) = lost {
            let title = position::step_at(course, &position).map_or("", |step| step.title.as_str());
            let line = format!(
                "you were at step {} of chapter {}, which the course has no more: it goes on at “{title}”",
                lost.step, lost.chapter
            );
            self.emit(EventKind::Output { at_step: None, stream: Stream::Note, lines: vec![line] });
        }
        // Going to a chapter by name is a move like any other: the files follow.
        if let Some(left) = left.filter(|left| config.chapter.is_some() && *left != position)
            && config.mode == Mode::Interactive
            && let Err((_, reason)) = self.announce_move(&position)
        {
            self.emit(EventKind::Moved { position: left });
            self.trouble(asked_at_the_start(reason, position.chapter));
            self.report_distance();
        } else if config.chapter.is_some() && config.mode != Mode::CheckOnly {
            if let Err(problem) = self.move_to(position) {
                self.trouble(problem);
            }
        } else {
            self.report_distance();
        }
        Ok(bring)
    }

    /// Tells a person what of theirs was put aside and is in no session: that was killed before it was saved, or is damaged.
    fn tell_unknown_kept(&mut self) {
        if self.config.mode == Mode::Interactive {
            let known = self.run.progress().journal.keys().next_back().copied().unwrap_or_default();
            let kept = self.workspace.kept_since(known);
            self.emit_all(kept);
        }
    }

    /// Goes to a position, and brings the files along.
    ///
    /// # Errors
    /// When there is no such position, and those of writing the files.
    pub(super) fn move_to(&mut self, position: Position) -> Result<()> {
        let course = self.config.course.clone();
        let files = files::at(&course, &position)?;
        if !self.workspace.stays_ahead(self.run.progress().position.as_ref(), &position) {
            self.workspace.applied_ahead = None;
            let at_hand = self.step_at_hand();
            let written = self.workspace.write_around(None, at_hand.as_ref(), &files::wanted(&course, &files))?;
            self.emit_all(written);
        }
        self.target.processes.leave(position.chapter);
        if self.run.progress().position.as_ref() != Some(&position) {
            self.stepped = None;
            self.leave_conditions(&position);
            self.run.enter(position);
        }
        self.report_distance();
        self.save();
        Ok(())
    }

    /// Takes the conditions back that belong to another step than the one that is entered.
    fn leave_conditions(&mut self, to: &Position) {
        if self.run.progress().conditions.is_empty() {
            return;
        }
        let stays = position::step_at(&self.config.course, to).map(|step| StepRef::in_lesson(to.chapter, step));
        let ctx = self.background_context();
        self.tasks.spawn_until_stopped(async move { ctx.end_conditions(stays.as_ref()).await });
    }

    /// Names the step at hand.
    pub(super) fn step_at_hand(&self) -> Option<StepRef> {
        let (chapter, step) = position::current(&self.config.course, self.run.progress())?;
        Some(StepRef { chapter: chapter.number, step: step.id.clone() })
    }

    /// Tells how far the files are from the end of the chapter where the learner is.
    pub(super) fn report_distance(&mut self) {
        if let Some(chapter) = self.run.chapter() {
            let events = self.workspace.measure(chapter, self.deploys.files(), &self.run.progress().undeployed);
            self.emit_all(events);
        }
        self.follow_file_checks();
    }

    /// Looks for a deploy by hand, when the CDK has written what it deploys, and not for us.
    pub(super) fn look_for_other_deploys(&mut self) {
        let Some(stack) = self.config.course.stack.clone() else { return };
        let is_news = self.deploys.note_synthesis(files::synthesized_at(&self.config.course, &self.config.workdir));
        if !is_news || !self.activity.is_idle() || self.run.progress().undeployed.is_empty() {
            return;
        }
        let Some((_, since)) = self.deploys.newest().cloned() else { return };
        let look = self.tasks.child_token();
        self.deploys.begin_look(look.clone());
        let (ctx, sink) = (self.background_context(), self.tasks.sink());
        self.tasks.spawn_until_stopped(async move {
            let Ok(target) = ctx.world().await else { return };
            match look.run_until_cancelled(stack_since::others_end(target.as_ref(), &stack, &since)).await.flatten() {
                Some(StackSince::Changed) => sink.send(Internal::DeployedElsewhere(since)),
                Some(StackSince::RolledBack(newest)) => sink.send(Internal::RolledBack { since, newest }),
                Some(StackSince::Same | StackSince::UnderWay) | None => {}
            }
        });
    }

    /// Makes the target ready in the background.
    pub(super) fn prepare(&mut self, request: Option<RequestId>) {
        let project = self.run.chapter().map(|chapter| chapter.snapshot.clone()).unwrap_or_default();
        self.target.prepare(request, project, &mut self.tasks);
    }

    /// Restarts the sandbox, or reaches for the account again, for what is about to need it. A run by itself ends with its
    /// first failure.
    pub(super) fn prepare_if_failed(&mut self) {
        if self.target.needs_preparing() && self.config.mode == Mode::Interactive {
            self.prepare(None);
        }
    }

    /// Takes the target up that was made ready, or what kept it from that.
    pub(super) fn target_prepared(&mut self, result: Result<Arc<dyn CloudTarget>>, took_ms: u64) {
        if let Ok(target) = &result {
            self.report_reached(target.as_ref());
        }
        let (event, outcome) = match &result {
            Ok(_) => (EventKind::Prepared { task: Preparation::Sandbox, took_ms }, RequestOutcome::Complete),
            Err(problem) => (
                EventKind::PrepareFailed { task: Preparation::Sandbox, problem: problem.clone() },
                RequestOutcome::Failed(problem.clone()),
            ),
        };
        let is_ready = result.is_ok();
        if !self.run.progress().on_standby {
            self.left_account = result.as_ref().ok().cloned();
        }
        let request = self.target.end_preparing(result, &mut self.tasks);
        // Whoever prepared may have reported its end already.
        let task = self.run.progress().tasks.get(&Preparation::Sandbox);
        let is_reported = task.is_some_and(|task| task.took_ms.is_some());
        // Where nothing is needed, nothing was made ready; and what the setup failed of is said already.
        let setup = self.run.progress().tasks.get(&Preparation::Setup);
        let setup_failed = setup.is_some_and(|task| task.problem.is_some());
        let is_silent = is_ready && !self.config.course.needs_target() || !is_ready && setup_failed;
        if !(is_ready && is_reported || is_silent) {
            self.emit(event);
        }
        if let Some(id) = request {
            self.run.finish(id, CommandKind::Prepare, outcome);
        }
        if is_ready && self.config.mode == Mode::Interactive {
            self.locate(None);
            self.watch_account();
        }
    }

    /// Tells where the target is, when it is not where this work was until now.
    fn report_reached(&mut self, target: &dyn CloudTarget) {
        if !self.config.course.needs_cloud() {
            return;
        }
        let here = self.target.id_of(target);
        let before = self.run.progress().reached.clone();
        if before.as_ref() == Some(&here) {
            return;
        }
        if before.is_some() {
            self.deploys.forget();
            self.target.forget_captures();
        }
        self.emit(EventKind::Reached { here, before });
    }

    /// Tells that the target in use has gone away.
    pub(super) fn target_lost(&mut self, lost: &Arc<dyn CloudTarget>) {
        if let Some(problem) = self.target.lose(lost) {
            self.emit(EventKind::PrepareFailed { task: Preparation::Sandbox, problem });
        }
    }

    /// Asks the probes where files, stack and database are; [`Driver::located`] takes the answer.
    pub(super) fn locate(&mut self, request: Option<RequestId>) {
        let ctx = self.background_context();
        let deployed = self.deploys.newest().cloned();
        let progress = self.run.progress();
        let last = progress.deploy.as_ref().filter(|deploy| progress.is_broken_off(&deploy.at_step));
        let unseen = last.map(|deploy| (deploy.at_step.clone(), deploy.started));
        let here = self.target.here();
        self.tasks.spawn_until_stopped(async move {
            if let Some(found) = here.run_until_cancelled(probes::locate(&ctx, deployed, unseen)).await {
                return ctx.sink.send(Internal::Located(found, request));
            }
            if let Some(id) = request {
                let outcome = RequestOutcome::Failed(step::interrupted());
                ctx.sink.send(Internal::RequestEnded { id, command: CommandKind::Locate, outcome });
            }
        });
    }

    /// Tells what the probes found, and answers who asked.
    pub(super) fn located(&mut self, found: ProbeResults, request: Option<RequestId>) {
        let ProbeResults { files, stack, database, under_way, unseen } = found;
        self.emit(EventKind::Located { files, stack, database });
        match under_way {
            // What runs by now tells of itself.
            _ if self.activity.is_step() => {}
            Some(status) if unseen.is_empty() => self.emit(EventKind::DeployFound { status }),
            Some(_) | None => self.emit_all(unseen),
        }
        if let Some(id) = request {
            self.run.finish(id, CommandKind::Locate, RequestOutcome::Complete);
        }
    }
}

/// Says what keeps a run from beginning at a chapter. Starting once more is no answer to it: it is known to this run alone.
fn asked_at_the_start(reason: String, chapter: u32) -> Problem {
    Problem::usage(reason).hint(format!("to ask again, go to chapter {chapter} from here"))
}
