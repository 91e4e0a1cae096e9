//! The standby of a talk in an account: a second run, in a sandbox and a directory of its own, that is told to do what was
//! done here. It does so in the background; here it is only known how far it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::background::BackgroundTasks;
use super::state::Driver;
use crate::command::{Command, CommandKind, Request};
use crate::config::{EngineConfig, Handle, Mode, StandbyConfig};
use crate::event::{
    AwsSelection, Event, EventKind, Position, Preparation, RequestOutcome, StandbyState, StepRef, Verdict,
};
use crate::messages::{EventSink, Internal};
use crate::progress::Progress;
use crate::standby::{self, ProjectFiles};
use crate::{files, network};
use workshop_base::problem::{Kind, Problem};
use workshop_course::lesson::model::{Course, Target};

/// The time that a standby has to end in order; what is left of it then ends by itself.
const ENDING: Duration = Duration::from_secs(3);

/// Knows the standby of a run, if it has one.
#[derive(Default)]
pub(super) struct Standby {
    follower: Option<Follower>,
    /// Counts those that were started: what an earlier one still says is nothing.
    generation: u64,
    /// What is done there: the fold of the follower's events.
    pub(super) progress: Progress,
    /// It has told what was done there before.
    is_known: bool,
    is_ready: bool,
    /// The sources as they were when a step began that the standby has not done.
    files: BTreeMap<StepRef, Arc<ProjectFiles>>,
    /// Done here again since.
    again: BTreeSet<StepRef>,
    problem: Option<Problem>,
    told: Option<StandbyState>,
}

/// A run that does what it is told, while it is there.
pub(super) struct Follower {
    handle: Arc<Handle>,
    /// Cancelled when its last event has come.
    closed: CancellationToken,
    running: Option<StepRef>,
    requests: u64,
}

impl Follower {
    /// Ends it in order, as far as that takes no long time.
    pub(super) async fn end(self) {
        drop(self.handle);
        let _ = tokio::time::timeout(ENDING, self.closed.cancelled()).await;
    }
}

impl Standby {
    /// Starts what follows, unless it is there.
    fn start(&mut self, config: &EngineConfig, standby: &StandbyConfig, tasks: &mut BackgroundTasks) {
        if self.follower.is_some() {
            return;
        }
        self.generation += 1;
        (self.is_known, self.is_ready, self.problem, self.progress) = (false, false, None, Progress::default());
        let (handle, mut events) = (standby.start)(EngineConfig {
            workdir: standby.workdir.clone(),
            target: Target::Local,
            asked: AwsSelection::default(),
            mode: Mode::Standby,
            chapter: None,
            prepare: standby.follow.clone(),
            states: None,
            template_check: standby.template_check.clone(),
            standby: None,
            ..config.clone()
        });
        let (sink, generation, closed) = (tasks.sink(), self.generation, CancellationToken::new());
        let ended = closed.clone().drop_guard();
        tasks.spawn_until_stopped(async move {
            while let Some(event) = events.recv().await {
                sink.send(Internal::Followed(generation, Box::new(event)));
            }
            drop(ended);
        });
        self.follower = Some(Follower { handle: Arc::new(handle), closed, running: None, requests: 0 });
    }

    /// Takes in what it tells. Returns false for one that is no more.
    fn take(&mut self, generation: u64, event: &Event) -> bool {
        if generation != self.generation {
            return false;
        }
        self.progress.apply(event);
        self.is_known |= !matches!(event.kind, EventKind::Opened { .. } | EventKind::Restored { .. });
        match &event.kind {
            EventKind::Prepared { task: Preparation::Sandbox, .. } => self.is_ready = true,
            EventKind::PrepareFailed { problem, .. } if problem.kind != Kind::Interrupted => {
                self.problem = Some(problem.clone());
                // Another takes its place when it is tried again: this one makes nothing ready twice.
                (self.follower, self.is_ready) = (None, false);
            }
            EventKind::Trouble { problem } => self.problem = Some(problem.clone()),
            EventKind::StepFinished { at_step, failure, .. } => match self.progress.has_effect(at_step) {
                true => {
                    self.files.remove(at_step);
                    self.again.remove(at_step);
                }
                false => {
                    let why = failure.as_ref().map_or(String::new(), |failure| failure.actual.clone());
                    let hint = failure.as_ref().and_then(|failure| failure.hints.first().cloned());
                    let mut problem = Problem::failed(why);
                    problem.hint = hint;
                    self.problem = Some(problem);
                }
            },
            EventKind::Done { command: CommandKind::Follow, outcome, .. } => {
                if let RequestOutcome::Failed(problem) = outcome {
                    self.problem = Some(problem.clone());
                }
                self.idle();
            }
            EventKind::Refused { command: CommandKind::Follow, reason, .. } => {
                self.problem = Some(Problem::failed(reason));
                self.idle();
            }
            EventKind::Closed { .. } => (self.follower, self.is_ready) = (None, false),
            _ => {}
        }
        true
    }

    fn idle(&mut self) {
        if let Some(follower) = &mut self.follower {
            follower.running = None;
        }
    }

    /// Takes the follower out, for it to be ended.
    pub(super) fn take_follower(&mut self) -> Option<Follower> {
        self.is_ready = false;
        self.follower.take()
    }

    /// Tells whether it still comes on by itself.
    pub(super) fn comes_on(&self) -> bool {
        self.follower.is_some() && self.problem.is_none()
    }

    /// Says how far it is from where the account is.
    pub(super) fn state(&self, course: &Course, account: &Progress) -> StandbyState {
        StandbyState {
            is_ready: self.is_ready,
            running: self.follower.as_ref().and_then(|follower| follower.running.clone()),
            behind: standby::behind(course, account, &self.progress, &self.again),
            problem: self.problem.clone(),
        }
    }

    /// Gives the next step to a follower that does nothing.
    fn go_on(&mut self, config: &EngineConfig, workdir: &std::path::Path, behind: &[StepRef], sink: &EventSink) {
        let (Some(next), None, true) = (behind.first(), &self.problem, self.is_known) else { return };
        let files = self.files.get(next).cloned();
        let generation = self.generation;
        let Some(follower) = self.follower.as_mut().filter(|follower| follower.running.is_none()) else { return };
        follower.running = Some(next.clone());
        follower.requests += 1;
        let request = Request { id: follower.requests, command: Command::Follow { at_step: next.clone() } };
        let (handle, sink) = (follower.handle.clone(), sink.clone());
        let (course, from, to) = (config.course.clone(), config.workdir.clone(), workdir.to_owned());
        let position = Position { chapter: next.chapter, step: next.step.clone() };
        // What was done before this run has left no copy: the course's own files, and what else is there.
        tokio::task::spawn_blocking(move || {
            let of_course = || {
                let tracked = files::tracked(&course);
                files::at(&course, &position).map(|tree| ProjectFiles::read(&from).with(&tracked, &tree))
            };
            let files = files.map_or_else(of_course, |files| Ok(files.as_ref().clone()));
            match files.and_then(|files| files.write(&to)) {
                Ok(()) => handle.send(request),
                Err(problem) => sink.send(Internal::NotFollowed(generation, problem)),
            }
        });
    }
}

impl Driver {
    /// Starts the standby, where the talk is in an account and one is configured.
    pub(super) fn start_standby(&mut self) {
        let config = self.config.clone();
        let Some(standby) = config.standby.as_ref().filter(|_| !self.run.progress().on_standby) else { return };
        self.standby.start(&config, standby, &mut self.tasks);
        self.follow_on();
    }

    /// Takes in what the standby tells, and has it go on.
    pub(super) fn followed(&mut self, generation: u64, event: &Event) {
        if self.standby.take(generation, event) {
            self.follow_on();
        }
    }

    /// Takes note of what keeps the standby from going on.
    pub(super) fn not_followed(&mut self, generation: u64, problem: Problem) {
        if generation == self.standby.generation {
            self.standby.problem = Some(problem);
            self.standby.idle();
            self.follow_on();
        }
    }

    /// Keeps the sources that a step begins with, for the standby to do the same.
    pub(super) fn keep_for_standby(&mut self, at_step: &StepRef) {
        let step = at_step.of(&self.config.course).filter(|step| standby::follows(step));
        if step.is_some() && self.is_followed() {
            let files = Arc::new(ProjectFiles::read(&self.config.workdir));
            self.standby.files.insert(at_step.clone(), files);
        }
    }

    /// Has the standby do what was done here.
    pub(super) fn step_to_follow(&mut self, at_step: &StepRef, verdict: Verdict) {
        if !self.is_followed() {
            return;
        }
        if !verdict.is_good() {
            self.standby.files.remove(at_step);
        } else if self.standby.progress.has_effect(at_step) {
            self.standby.again.insert(at_step.clone());
        }
        self.try_again_to_follow();
    }

    /// Has a standby that has stopped try once more.
    pub(super) fn try_again_to_follow(&mut self) {
        self.standby.problem = None;
        self.start_standby();
        self.follow_on();
    }

    /// Has it told when something in an account ended badly because the network is gone or a service is out of order: that
    /// leads on to the standby.
    pub(super) fn ask_why(&mut self) {
        let progress = self.run.progress();
        let known = progress.account_gone.is_some() || progress.on_standby || self.switching.is_some();
        if self.config.target != Target::Aws || self.config.mode != Mode::Interactive || known {
            return;
        }
        let (ctx, here) = (self.background_context(), self.target.here());
        self.tasks.spawn_until_stopped(async move {
            here.run_until_cancelled(network::after(&ctx)).await;
        });
    }

    fn is_followed(&self) -> bool {
        self.config.standby.is_some() && !self.run.progress().on_standby
    }

    /// Gives the standby its next step, and tells how far it is when that has changed.
    pub(super) fn follow_on(&mut self) {
        if !self.is_followed() {
            return;
        }
        let config = self.config.clone();
        let Some(there) = &config.standby else { return };
        let behind = self.standby.state(&config.course, self.run.progress()).behind;
        self.standby.go_on(&config, &there.workdir, &behind, &self.tasks.sink());
        let state = self.standby.state(&config.course, self.run.progress());
        if self.standby.told.as_ref() != Some(&state) {
            self.standby.told = Some(state.clone());
            self.emit(EventKind::Standby { state });
        }
        self.switch_when_level();
    }
}
