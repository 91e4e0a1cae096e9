//! The driver's parts. Each has state and methods of its own and knows none of the others; the driver leads from
//! one to the other, and tells what they return.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::activity::{Activity, Bringing, SteppedStep};
use super::background::BackgroundTasks;
use super::deploys::Deploys;
use super::run::Run;
use super::standby::Standby;
use super::switching::Switching;
use super::target::TargetConnection;
use super::workspace::Workspace;
use crate::cloud::CloudTarget;
use crate::config::EngineConfig;
use crate::context::StepContext;
use crate::event::{Event, EventKind, StepRef};
use crate::messages::{EventSink, Internal};
use workshop_base::problem::Problem;
use workshop_course::lesson::model::Course;

pub(super) struct Driver {
    pub(super) config: Arc<EngineConfig>,
    /// The events so far, their fold, and how the run came out.
    pub(super) run: Run,
    /// The one thing that runs now.
    pub(super) activity: Activity,
    /// The step that is walked statement by statement, while it waits before one.
    pub(super) stepped: Option<SteppedStep>,
    /// The way to a chapter, while everything is being brought there.
    pub(super) bringing: Option<Bringing>,
    /// The way to the standby or back, while the talk is on it.
    pub(super) switching: Option<Switching>,
    /// The standby, as far as one follows.
    pub(super) standby: Standby,
    /// The run as it was begun: on the standby, how the account is reached.
    pub(super) account: Arc<EngineConfig>,
    /// The account that the talk has left.
    pub(super) left_account: Option<Arc<dyn CloudTarget>>,
    /// Ends the watch of the account that the talk has left.
    pub(super) account_watch: Option<CancellationToken>,
    /// The course as it was read while something ran.
    pub(super) next_course: Option<Arc<Course>>,
    /// The learner's files.
    pub(super) workspace: Workspace,
    /// The cloud, and what reaches it.
    pub(super) target: TargetConnection,
    /// The deploys of the stack.
    pub(super) deploys: Deploys,
    pub(super) tasks: BackgroundTasks,
    /// The loop ends after this message.
    pub(super) quit: bool,
}

impl Driver {
    pub(super) fn new(
        config: Arc<EngineConfig>,
        events: UnboundedSender<Event>,
        messages: UnboundedSender<Internal>,
    ) -> Driver {
        let sink = EventSink::new(messages);
        let tasks = BackgroundTasks::new(sink.clone());
        Driver {
            run: Run::new(config.clone(), events),
            activity: Activity::Idle,
            stepped: None,
            bringing: None,
            next_course: None,
            workspace: Workspace::new(config.clone()),
            target: TargetConnection::new(config.clone(), sink, tasks.child_token()),
            deploys: Deploys::default(),
            tasks,
            switching: None,
            standby: Standby::default(),
            account: config.clone(),
            left_account: None,
            account_watch: None,
            quit: false,
            config,
        }
    }

    /// Goes on with another course in all parts.
    pub(super) fn set_course(&mut self, course: Arc<Course>) {
        self.set_config(EngineConfig { course, ..EngineConfig::clone(&self.config) });
    }

    /// Goes on with another configuration in all parts.
    pub(super) fn set_config(&mut self, config: EngineConfig) {
        self.config = Arc::new(config);
        self.run.set_config(self.config.clone());
        self.workspace.set_config(self.config.clone());
        self.target.set_config(self.config.clone());
    }

    /// Sends an event out.
    pub(super) fn emit(&mut self, kind: EventKind) {
        self.run.emit(kind);
    }

    /// Sends out, in order, what a part did.
    pub(super) fn emit_all(&mut self, kinds: impl IntoIterator<Item = EventKind>) {
        kinds.into_iter().for_each(|kind| self.run.emit(kind));
    }

    /// Tells of something that went wrong outside a step.
    pub(super) fn trouble(&mut self, problem: impl Into<Problem>) {
        self.emit(EventKind::Trouble { problem: problem.into() });
    }

    /// Saves the state, where the run may write; says once when it cannot.
    pub(super) fn save(&mut self) {
        self.run.save(&self.deploys);
    }

    /// Makes the context of a task, as things are now.
    pub(super) fn context(
        &self,
        at_step: Option<StepRef>,
        cancel: CancellationToken,
        detach: Arc<Notify>,
    ) -> StepContext {
        StepContext {
            setup: self.config.clone(),
            sink: self.tasks.sink(),
            ready: self.target.subscribe(),
            packages: self.target.packages.clone(),
            sessions: self.target.sessions.clone(),
            processes: self.target.processes.clone(),
            cdk: self.target.cdk.clone(),
            cancel,
            detach,
            captures: self.target.captures.clone(),
            conditions: self.target.conditions.clone(),
            reached: self.run.progress().reached.clone(),
            own_stacks: self.target.own_stacks.clone(),
            usual: Arc::new(self.run.progress().usual.clone()),
            deployed_files: Arc::new(self.deploys.files().clone()),
            deployed: self.deploys.newest().cloned(),
            at_step,
        }
    }

    /// Makes the context of a task that belongs to no step and ends with the run.
    pub(super) fn background_context(&self) -> StepContext {
        self.context(None, self.tasks.child_token(), Arc::default())
    }
}
