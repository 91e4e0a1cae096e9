//! The loop: messages in, one after the other, and the end in order.

use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_util::sync::CancellationToken;

use super::state::Driver;
use crate::cloud::{CloudTarget, millis};
use crate::command::{BringTo, CommandKind};
use crate::config::{EngineConfig, Handle, Mode};
use crate::event::{Event, EventKind, Verdict};
use crate::messages::Internal;
use crate::setup::CommandRun;
use crate::{files, step};
use workshop_base::problem::{Kind, Problem, Result};

/// Starts a run. The first event is `Opened`, the last `Closed`; after it the channel ends.
pub fn start(setup: EngineConfig) -> (Handle, UnboundedReceiver<Event>) {
    let (events, received) = mpsc::unbounded_channel();
    let (messages, inbox) = mpsc::unbounded_channel();
    let alive = CancellationToken::new();
    let handle = Handle::new(messages.clone(), alive.clone());
    let driver = Driver::new(Arc::new(setup), events, messages);
    tokio::spawn(driver.run(inbox, alive));
    (handle, received)
}

impl Driver {
    async fn run(mut self, mut inbox: UnboundedReceiver<Internal>, alive: CancellationToken) {
        match self.open() {
            Ok(bring) => {
                self.prepare();
                if let Some(chapter) = bring {
                    // Who opens a chapter where nothing was done yet has asked for it.
                    self.emit(EventKind::Accepted { id: 0, command: CommandKind::Bring });
                    self.bring(0, BringTo::Chapter(chapter));
                }
                self.serve(&mut inbox, &alive).await;
            }
            Err(problem) => {
                if self.progress.position.is_none() {
                    let position = self.first_position();
                    self.opened(position);
                }
                self.blame(Verdict::Error, problem.kind);
                self.emit(EventKind::Trouble { problem });
            }
        }
        self.close(&mut inbox).await;
    }

    async fn serve(&mut self, inbox: &mut UnboundedReceiver<Internal>, alive: &CancellationToken) {
        let mut save = tokio::time::interval(SAVE_EVERY);
        save.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.quit {
            tokio::select! {
                biased;
                () = alive.cancelled() => {
                    // Whatever it had come to: it did not come to its end.
                    let verdict = self.worst.map_or(Verdict::Error, |(verdict, _)| verdict);
                    self.worst = Some((verdict, Kind::Interrupted));
                    return;
                }
                Some(message) = inbox.recv() => self.take(message),
                Some(_) = self.tasks.join_next() => {}
                _ = save.tick(), if self.unsaved => self.save(),
            }
        }
    }

    /// Ends what runs, then connections, then tells the end. Children are ended by their own futures.
    async fn close(&mut self, inbox: &mut UnboundedReceiver<Internal>) {
        self.stop.cancel();
        let world = self.ready.borrow().clone();
        self.ready.send_replace(Some(Err(step::interrupted())));
        while self.tasks.join_next().await.is_some() {}
        self.processes.close().await;
        self.sessions.close().await;
        self.tear_down(world).await;
        // What the tasks said last belongs to the run.
        while let Ok(message) = inbox.try_recv() {
            match message {
                // Whoever left early has stopped it; it is no failure, and the next start takes it up again.
                Internal::Emit(EventKind::PrepareFailed { problem, .. }) if problem.kind == Kind::Interrupted => {}
                Internal::Emit(kind) => self.emit(kind),
                Internal::StepEnded { at_step, outcome } => self.step_ended(at_step, outcome),
                Internal::ChecksEnded(verdict) => self.checks_ended(verdict),
                Internal::Request(_)
                | Internal::RequestEnded { .. }
                | Internal::NotDetachable(_)
                | Internal::BringReady(_)
                | Internal::BringOn
                | Internal::Ready(..)
                | Internal::Lost(_)
                | Internal::Located(..)
                | Internal::FilesChanged
                | Internal::Course(_)
                | Internal::Save(_)
                | Internal::DeployedElsewhere
                | Internal::Deployed(..) => {}
            }
        }
        let (verdict, kind) = match self.worst {
            Some((verdict, kind)) => (verdict, Some(kind)),
            None => (Verdict::Pass, None),
        };
        self.emit(EventKind::Closed { verdict, kind });
        self.save();
        // Whoever sees the events end may start a run here at once: the directory is free by then.
        self.record = None;
    }

    /// Runs the commands that end a course, after a run by itself: a person ends it by asking for that.
    async fn tear_down(&self, world: Option<Result<Arc<dyn CloudTarget>>>) {
        let commands = &self.setup.course.teardown;
        let (Some(Ok(world)), Mode::Scratch, false) = (&world, self.setup.mode, commands.is_empty()) else { return };
        let (sink, cancel) = (&self.sink, &CancellationToken::new());
        let run = CommandRun { setup: &self.setup, world, sink, cancel, what: "teardown" };
        if let Err(problem) = run.run(commands).await {
            sink.emit(EventKind::Trouble { problem });
        }
    }

    fn take(&mut self, message: Internal) {
        match message {
            Internal::Request(request) => self.request(request),
            Internal::RequestEnded { id, command, outcome } => self.done(id, command, outcome),
            Internal::NotDetachable(reason) => self.not_detachable(reason),
            Internal::Emit(kind) => self.emit(kind),
            Internal::Ready(result, took) => self.world_ready(result, millis(took)),
            Internal::Lost(world) => self.world_lost(&world),
            Internal::StepEnded { at_step, outcome } => self.step_ended(at_step, outcome),
            Internal::ChecksEnded(verdict) => self.checks_ended(verdict),
            Internal::BringReady(ready) => self.bring_ready(ready),
            Internal::BringOn => self.bring_on(),
            Internal::Located(found, asked) => self.located(found, asked),
            Internal::FilesChanged => {
                let now = files::current(&self.setup.course, &self.setup.workdir);
                if self.told.as_ref() != Some(&now) {
                    self.tell_distance();
                    self.follow_file_checks();
                }
            }
            Internal::Deployed(step, event) => self.deployed = Some((step, event)),
            Internal::Course(reading) => self.take_course(reading),
            Internal::Save(saved) => {
                self.save();
                // Whoever asked may have been stopped.
                let _ = saved.send(());
            }
            Internal::DeployedElsewhere => {
                self.deployed_files.clear();
                self.tell_distance();
            }
        }
    }
}

/// Returns what is said when the runner itself has failed.
pub(super) fn fault() -> Problem {
    Problem::environment("the workshop made a mistake of its own")
        .hint("run it again; .workshop/events.jsonl shows what led to it")
}

/// The pause between two savings of the state while things happen.
const SAVE_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
