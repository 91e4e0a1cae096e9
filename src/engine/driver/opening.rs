//! The beginning of a run: where it starts, and what is made ready beside it.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::state::{Busy, Driver};
use crate::cloud::{CloudTarget, Report, millis};
use crate::command::{CommandKind, RequestId};
use crate::config::Mode;
use crate::context::StepContext;
use crate::event::{EventKind, Position, Preparation, RequestOutcome, StepRef, Stream, TargetId};
use crate::journal::Journal;
use crate::messages::{EventSink, Internal, ProbeResults};
use crate::probes;
use crate::record;
use crate::setup::CommandRun;
use crate::step;
use crate::watch::FileWatch;
use workshop_base::problem::{Problem, Result};

impl Driver {
    /// Claims the directory, takes up the saved session, and tells where the run begins. Returns the chapter that everything is
    /// to be brought to, if that is what the run begins with.
    ///
    /// # Errors
    /// When the course has no steps, when the directory is somebody else's, in use or not writable, when a newer workshop
    /// has saved the session, and when there is no such chapter.
    pub(super) fn open(&mut self) -> Result<Option<u32>> {
        let setup = self.setup.clone();
        if setup.course.chapters.iter().all(|c| c.steps.is_empty()) {
            return Err(Problem::course("the course has no steps"));
        }
        // A directory that was made for a run has none, unless a checkpoint was laid out in it.
        let saved = record::saved(&setup.workdir)?;
        if setup.mode != Mode::CheckOnly {
            self.record = Some(record::claim(&setup.workdir)?);
            self.journal = Some(Journal::open(&setup.workdir)?);
        } else if !setup.workdir.is_dir() {
            return Err(Problem::usage(format!("there is no directory {}", setup.workdir.display())));
        }
        let bring = self.brings_at_once(saved.is_some());
        let position = match setup.chapter {
            Some(number) => {
                let start = self.start_of(number)?;
                if bring.is_some() { self.first_position() } else { start }
            }
            None => match saved.as_ref().and_then(|saved| saved.progress.position.clone()) {
                Some(position) if self.step_at(&position).is_some() => position,
                Some(lost) => {
                    saved.as_ref().and_then(|saved| self.instead_of(&lost, saved)).unwrap_or_else(|| self.recognised())
                }
                None => self.recognised(),
            },
        };
        let lost = saved.as_ref().and_then(|saved| saved.progress.position.clone());
        let lost = lost.filter(|lost| setup.chapter.is_none() && self.step_at(lost).is_none());
        if setup.mode == Mode::Interactive {
            let (watch, gather) = FileWatch::start(self.sink.clone());
            self.watch = Some(watch);
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                stop.run_until_cancelled(gather).await;
            });
        }
        self.opened(position.clone());
        if let Some(saved) = saved {
            if let Ok(mut captures) = self.captures.lock() {
                captures.clone_from(&saved.progress.captures);
            }
            self.deployed = saved.deployed;
            self.deployed_files = saved.deployed_files;
            self.emit(EventKind::Restored { progress: Box::new(saved.progress) });
        }
        if self.progress.seq == 1 && position != self.first_position() && setup.chapter.is_none() {
            let title = setup.course.chapter(position.chapter).map_or("", |chapter| chapter.title.as_str());
            let line = format!("the files here are as the chapter before “{title}” leaves them: it goes on from there");
            self.emit(EventKind::Output { at_step: None, stream: Stream::Note, lines: vec![line] });
        }
        if let Some(lost) = lost {
            let title = self.step_at(&position).map_or("", |step| step.title.as_str());
            let line = format!(
                "you were at step {} of chapter {}, which the course has no more: it goes on at “{title}”",
                lost.step, lost.chapter
            );
            self.emit(EventKind::Output { at_step: None, stream: Stream::Note, lines: vec![line] });
        }
        // Going to a chapter by name is a move like any other: the files follow.
        if setup.chapter.is_some() && setup.mode != Mode::CheckOnly {
            if let Err(problem) = self.move_to(position) {
                self.trouble(problem);
            }
        } else {
            self.tell_distance();
        }
        Ok(bring)
    }

    /// Tells the first event of a run.
    pub(super) fn opened(&mut self, position: Position) {
        self.emit(EventKind::Opened {
            title: self.setup.course.title.clone(),
            target: self.setup.target,
            workdir: self.setup.workdir.clone(),
            position,
        });
    }

    /// Makes everything ready in the background: nothing waits for it until it must.
    pub(super) fn prepare(&mut self) {
        self.preparing = true;
        if matches!(*self.ready.borrow(), Some(Err(_))) {
            self.ready.send_replace(None);
        }
        let setup = self.setup.clone();
        let sink = self.sink.clone();
        let to_emit = sink.clone();
        let report = Report::new(move |kind| to_emit.emit(kind));
        let stop = self.stop.clone();
        let packages = self.packages.clone();
        let project = self.progress.position.as_ref().and_then(|p| setup.course.chapter(p.chapter));
        let project = project.map(|c| c.snapshot.clone()).unwrap_or_default();

        let (flight, preflight_sink, course, target) =
            (report.clone(), sink.clone(), setup.course.clone(), setup.target);
        // A person reads the first page meanwhile; a run by itself would fail in several places at once.
        let (fit, mut is_fit) = watch::channel(setup.mode == Mode::Interactive);
        self.tasks.spawn(async move {
            let begun = Instant::now();
            let result = probes::preflight(&course, target, &flight).await;
            let good = result.is_ok();
            finished(&preflight_sink, Preparation::Preflight, result, begun);
            if good {
                fit.send_replace(true);
            }
        });
        let (world_report, ready_sink, world_stop) = (report.clone(), sink.clone(), stop.clone());
        let (prepare, config) = (setup.prepare.clone(), setup.clone());
        self.tasks.spawn(async move {
            // Without what it needs nothing is begun, and nothing more is said than what is missing.
            if !matches!(world_stop.run_until_cancelled(is_fit.wait_for(|fit| *fit)).await, Some(Ok(_))) {
                return;
            }
            let begun = Instant::now();
            let result = world_stop.run_until_cancelled(prepare(world_report)).await;
            let mut result = result.unwrap_or_else(|| Err(step::interrupted()));
            if let (Ok(world), Mode::Interactive | Mode::Scratch) = (&result, config.mode)
                && !config.course.setup.is_empty()
            {
                let (begun, sink) = (Instant::now(), &ready_sink);
                let run = CommandRun { setup: &config, world, sink, cancel: &world_stop, what: "setup" };
                let ended = run.run(&config.course.setup).await;
                finished(sink, Preparation::Setup, ended.clone(), begun);
                if let Err(problem) = ended {
                    result = Err(problem);
                }
            }
            ready_sink.send(Internal::Ready(result, begun.elapsed()));
        });
        // A run by itself comes to its install step at once, and that fetches what is missing.
        if self.setup.mode == Mode::Interactive {
            self.tasks.spawn(async move {
                let begun = Instant::now();
                let result = packages.ensure(&project, &report, &stop).await;
                if !matches!(result, Ok(None)) {
                    finished(&sink, Preparation::Packages, result.map(drop), begun);
                }
            });
        }
    }

    /// Takes the target up that was made ready, or what kept it from that.
    pub(super) fn world_ready(&mut self, result: Result<Arc<dyn CloudTarget>>, took_ms: u64) {
        self.preparing = false;
        let ended = match &result {
            Ok(_) => EventKind::Prepared { task: Preparation::Sandbox, took_ms },
            Err(problem) => EventKind::PrepareFailed { task: Preparation::Sandbox, problem: problem.clone() },
        };
        let ready = result.is_ok();
        if let Ok(world) = &result {
            self.reached(world.as_ref());
            let (sink, world, stop) = (self.sink.clone(), world.clone(), self.stop.clone());
            self.tasks.spawn(async move {
                if stop.run_until_cancelled(world.lost()).await.is_some() {
                    sink.send(Internal::Lost(world));
                }
            });
        }
        let outcome = match &result {
            Ok(_) => RequestOutcome::Complete,
            Err(problem) => RequestOutcome::Failed(problem.clone()),
        };
        self.ready.send_replace(Some(result));
        // Whoever prepared may have told its end already.
        let told = self.progress.tasks.get(&Preparation::Sandbox).is_some_and(|task| task.took_ms.is_some());
        // Where nothing is needed, nothing was made ready.
        let failed = self.progress.tasks.get(&Preparation::Setup).is_some_and(|task| task.problem.is_some());
        let silent = ready && !self.setup.course.needs_target() || !ready && failed;
        if !(ready && told || silent) {
            self.emit(ended);
        }
        if let Some(id) = self.prepare_asked.take() {
            self.done(id, CommandKind::Prepare, outcome);
        }
        if ready && self.setup.mode == Mode::Interactive {
            self.locate(None);
        }
    }

    /// Tells where the target is, when it is not where this work was until now.
    fn reached(&mut self, world: &dyn CloudTarget) {
        if !self.setup.course.needs_cloud() {
            return;
        }
        let here = TargetId { target: self.setup.target, account: world.account(), region: world.region() };
        let before = self.progress.reached.clone();
        if before.as_ref() == Some(&here) {
            return;
        }
        if before.is_some() {
            (self.deployed, self.deployed_files) = (None, std::collections::BTreeMap::new());
            if let Ok(mut captures) = self.captures.lock() {
                captures.clear();
            }
        }
        self.emit(EventKind::Reached { here, before });
    }

    /// A sandbox that was stopped elsewhere, or has crashed, comes back when something needs it: not at once, as
    /// whoever stopped it may be about to delete its state.
    pub(super) fn world_lost(&mut self, lost: &Arc<dyn CloudTarget>) {
        let current = matches!(&*self.ready.borrow(), Some(Ok(world)) if Arc::ptr_eq(world, lost));
        if !current || self.preparing {
            return;
        }
        let problem =
            Problem::environment("the sandbox has stopped").hint("the next step that needs it starts it again");
        self.ready.send_replace(Some(Err(problem.clone())));
        self.emit(EventKind::PrepareFailed { task: Preparation::Sandbox, problem });
    }

    /// Makes the target ready again for what is about to need it. A run by itself ends with its first failure.
    pub(super) fn prepare_again(&mut self) {
        let failed = matches!(*self.ready.borrow(), Some(Err(_)));
        if failed && !self.preparing && self.setup.mode == Mode::Interactive {
            self.prepare();
        }
    }

    /// Asks the probes where files, stack and database are; [`Driver::located`] takes the answer.
    pub(super) fn locate(&mut self, asked: Option<RequestId>) {
        let ctx = self.ctx(None, self.stop.child_token(), Arc::default());
        let (sink, deployed) = (self.sink.clone(), self.deployed.clone());
        let last = self.progress.deploy.as_ref();
        let unseen = last.filter(|d| self.progress.is_broken_off(&d.at_step)).map(|d| (d.at_step.clone(), d.started));
        self.tasks.spawn(async move {
            let stop = ctx.cancel.clone();
            if let Some(found) = stop.run_until_cancelled(probes::locate(&ctx, deployed, unseen)).await {
                sink.send(Internal::Located(found, asked));
            }
        });
    }

    /// Tells what the probes found, and answers who asked.
    pub(super) fn located(&mut self, found: ProbeResults, asked: Option<RequestId>) {
        let ProbeResults { files, stack, database, under_way, unseen } = found;
        self.emit(EventKind::Located { files, stack, database });
        match under_way {
            // What runs by now tells of itself.
            _ if matches!(self.busy, Busy::Step { .. }) => {}
            Some(status) if unseen.is_empty() => self.emit(EventKind::DeployFound { status }),
            Some(_) | None => unseen.into_iter().for_each(|kind| self.emit(kind)),
        }
        if let Some(id) = asked {
            self.done(id, CommandKind::Locate, RequestOutcome::Complete);
        }
    }

    /// Makes what a task holds, as things are now.
    pub(super) fn ctx(&self, at_step: Option<StepRef>, cancel: CancellationToken, detach: Arc<Notify>) -> StepContext {
        StepContext {
            setup: self.setup.clone(),
            sink: self.sink.clone(),
            ready: self.ready.subscribe(),
            packages: self.packages.clone(),
            sessions: self.sessions.clone(),
            processes: self.processes.clone(),
            cancel,
            detach,
            captures: self.captures.clone(),
            conditions: self.conditions.clone(),
            usual: Arc::new(self.progress.usual.clone()),
            deployed_files: Arc::new(self.deployed_files.clone()),
            deployed: self.deployed.clone(),
            at_step,
        }
    }
}

fn finished(sink: &EventSink, task: Preparation, result: Result<()>, begun: Instant) {
    sink.emit(match result {
        Ok(()) => EventKind::Prepared { task, took_ms: millis(begun.elapsed()) },
        Err(problem) => EventKind::PrepareFailed { task, problem },
    });
}
