//! The loop: messages in, one after the other, and the end in order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_util::sync::CancellationToken;

use super::activity::PastPoint;
use super::position;
use super::state::Driver;
use crate::cloud::millis;
use crate::command::CommandKind;
use crate::config::{EngineConfig, Handle, Mode};
use crate::event::{Event, EventKind, RequestOutcome, Verdict};
use crate::messages::Internal;
use workshop_base::problem::{Kind, Problem};
use workshop_base::process::GRACE;

/// Starts a run. The first event is `Opened`, the last `Closed`; after it the channel ends.
pub fn start(config: EngineConfig) -> (Handle, UnboundedReceiver<Event>) {
    let (events, received) = mpsc::unbounded_channel();
    let (messages, inbox) = mpsc::unbounded_channel();
    let alive = CancellationToken::new();
    let handle = Handle::new(messages.clone(), alive.clone());
    let driver = Driver::new(Arc::new(config), events, messages);
    tokio::spawn(driver.serve(inbox, alive));
    (handle, received)
}

impl Driver {
    async fn serve(mut self, mut inbox: UnboundedReceiver<Internal>, alive: CancellationToken) {
        match self.open() {
            Ok(bring) => {
                self.resume_place();
                self.prepare(None);
                self.start_standby();
                if let Some(chapter) = bring {
                    // Who opens a chapter where nothing was done yet has asked for it.
                    self.emit(EventKind::Accepted { id: 0, command: CommandKind::Bring });
                    self.bring(0, PastPoint::Chapter(chapter));
                }
                self.handle_messages(&mut inbox, &alive).await;
            }
            Err(problem) => {
                if self.run.progress().position.is_none() {
                    self.run.open(position::first(&self.config.course));
                }
                self.run.fail(Verdict::Error, problem.kind);
                self.trouble(problem);
            }
        }
        self.close(&mut inbox).await;
    }

    async fn handle_messages(&mut self, inbox: &mut UnboundedReceiver<Internal>, alive: &CancellationToken) {
        let mut save = tokio::time::interval(SAVE_EVERY);
        save.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.quit {
            tokio::select! {
                biased;
                () = alive.cancelled() => return self.run.interrupt(),
                Some(message) = inbox.recv() => self.handle(message),
                Some(()) = self.tasks.join_next() => {}
                _ = save.tick(), if self.run.is_unsaved() => self.save(),
            }
        }
    }

    /// Ends what runs, then connections, then tells the end. Children are ended by their own futures.
    async fn close(&mut self, inbox: &mut UnboundedReceiver<Internal>) {
        let target = self.target.close();
        if let Some(follower) = self.standby.take_follower() {
            follower.end().await;
        }
        self.tasks.stop();
        // What follows a talk holds nobody up, and is done again.
        let in_order = if self.config.mode == Mode::Standby { Duration::ZERO } else { ENDING };
        if tokio::time::timeout(in_order, self.tasks.ended()).await.is_err() {
            self.target.leave(&self.tasks);
            self.tasks.ended().await;
        }
        self.target.tear_down(target, &self.tasks.sink()).await;
        // What the tasks said last belongs to the run.
        while let Ok(message) = inbox.try_recv() {
            match message {
                // Whoever left early has stopped it; it is no failure, and the next start takes it up again.
                Internal::Emit(EventKind::PrepareFailed { problem, .. }) if problem.kind == Kind::Interrupted => {}
                Internal::Emit(kind) => self.emit(kind),
                Internal::StepEnded { at_step, outcome } => self.step_ended(at_step, outcome),
                Internal::ChecksEnded(verdict) => self.checks_ended(verdict),
                // The stack is as the run has left it.
                Internal::Deployed(at_step, event_id) => self.deploys.mark(at_step, event_id),
                Internal::RolledBack { since, newest } => self.deploys.move_mark(&since, newest),
                Internal::Request(_)
                | Internal::RequestEnded { .. }
                | Internal::NotDetachable(_)
                | Internal::BringReady(_)
                | Internal::BringOn
                | Internal::Followed(..)
                | Internal::NotFollowed(..)
                | Internal::Switched(_)
                | Internal::Ready(..)
                | Internal::Lost(_)
                | Internal::Located(..)
                | Internal::FilesChanged
                | Internal::DeployedElsewhere(_)
                | Internal::Course(_)
                | Internal::Save(_) => {}
            }
        }
        self.run.close();
        self.save();
        // Whoever sees the events end may start a run here at once: the directory is free by then.
        self.run.release();
    }

    fn handle(&mut self, message: Internal) {
        match message {
            Internal::Request(request) => self.request(request),
            Internal::RequestEnded { id, command, outcome } => {
                if matches!(outcome, RequestOutcome::Failed(_)) {
                    self.ask_why();
                }
                self.run.finish(id, command, outcome);
            }
            Internal::NotDetachable(reason) => self.refuse_detach(reason),
            Internal::Emit(EventKind::AccountGone { problem }) => self.account_gone(problem),
            Internal::Emit(EventKind::AccountBack) => self.account_back(),
            Internal::Emit(kind) => {
                self.deploys.observe(&kind);
                let lost = matches!(kind, EventKind::SessionLost { .. });
                self.emit(kind);
                if lost {
                    self.ask_why();
                }
            }
            Internal::Ready(place, ..) if !self.target.is_place(place) => {}
            Internal::Ready(_, result, took) => self.target_prepared(result, millis(took)),
            Internal::Followed(generation, event) => self.followed(generation, &event),
            Internal::NotFollowed(generation, problem) => self.not_followed(generation, problem),
            Internal::Switched(ready) => self.switched(ready),
            Internal::Lost(target) => self.target_lost(&target),
            Internal::StepEnded { at_step, outcome } => self.step_ended(at_step, outcome),
            Internal::ChecksEnded(verdict) => self.checks_ended(verdict),
            Internal::BringReady(ready) => self.bring_ready(ready),
            Internal::BringOn => self.bring_on(),
            Internal::Located(found, request) => self.located(found, request),
            Internal::FilesChanged => {
                if self.workspace.has_changed() {
                    self.workspace.is_unfollowed = true;
                    self.report_distance();
                }
                self.look_for_other_deploys();
            }
            Internal::Deployed(at_step, event_id) => self.deploys.mark(at_step, event_id),
            Internal::RolledBack { since, newest } => self.deploys.move_mark(&since, newest),
            Internal::DeployedElsewhere(since) => {
                // Unless we have deployed after that.
                if self.deploys.newest().is_some_and(|(_, event_id)| *event_id == since) {
                    self.deploys.forget_files();
                    self.report_distance();
                }
            }
            Internal::Course(reading) => self.take_course(reading),
            Internal::Save(saved) => {
                self.save();
                // Whoever asked may have been stopped.
                let _ = saved.send(());
            }
        }
    }
}

/// Returns what is said when the runner itself has failed.
pub(super) fn internal_error() -> Problem {
    Problem::environment("the workshop made a mistake of its own")
        .hint("run it again; .workshop/events.jsonl shows what led to it")
}

/// The pause between two savings of the state while things happen.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// The time that what runs has to end in order when the run ends: a command its grace, and what is asked of the cloud then. What
/// takes longer is dropped where it stands.
const ENDING: Duration = GRACE.saturating_add(Duration::from_secs(3));
