//! The target: made ready in the background, reached once, lost and made ready again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::background::BackgroundTasks;
use crate::cloud::{CloudTarget, Report, millis};
use crate::command::RequestId;
use crate::config::{EngineConfig, Mode};
use crate::context::{Ready, SharedConditions};
use crate::event::{EventKind, Preparation, TargetId};
use crate::install::Packages;
use crate::kept::KeptCdk;
use crate::messages::{EventSink, Internal};
use crate::processes::Processes;
use crate::sessions::Sessions;
use crate::setup::CommandRun;
use crate::{probes, step};
use workshop_base::problem::{Problem, Result};
use workshop_course::code::tree::Tree;

/// The connection to the cloud where the work is done, and what goes over it or comes from it.
pub(super) struct TargetConnection {
    config: Arc<EngineConfig>,
    /// None while it is being made ready.
    state: watch::Sender<Option<Result<Arc<dyn CloudTarget>>>>,
    /// Counts the places: what an earlier one still comes to is nothing.
    place: u64,
    /// Cancelled when the talk leaves this place, or with the run.
    here: CancellationToken,
    /// Cancelled when the talk leaves this place, and not with the run: what that ends has time to end in order.
    left: CancellationToken,
    preparing: bool,
    /// The request to make it ready, if there was one.
    prepare_request: Option<RequestId>,
    pub(super) packages: Packages,
    pub(super) sessions: Sessions,
    /// The processes that steps have started and that go on.
    pub(super) processes: Processes,
    /// The CDK between two deploys.
    pub(super) cdk: KeptCdk,
    /// The conditions that it is under.
    pub(super) conditions: SharedConditions,
    /// The stacks that this run has made, or may have.
    pub(super) own_stacks: Arc<Mutex<BTreeSet<String>>>,
    /// The values that steps and checks captured here, by name.
    pub(super) captures: Arc<Mutex<BTreeMap<String, Value>>>,
}

impl TargetConnection {
    /// Makes the connection of a run, before anything is made ready.
    pub(super) fn new(config: Arc<EngineConfig>, sink: EventSink, here: CancellationToken) -> TargetConnection {
        TargetConnection {
            state: watch::channel(None).0,
            place: 0,
            here,
            left: CancellationToken::new(),
            preparing: false,
            prepare_request: None,
            packages: Packages::new(&config.cache),
            sessions: Sessions::new(sink.clone()),
            processes: Processes::new(sink),
            cdk: KeptCdk::default(),
            conditions: SharedConditions::default(),
            captures: Arc::default(),
            own_stacks: Arc::default(),
            config,
        }
    }

    /// Goes on with another configuration: the course was written on.
    pub(super) fn set_config(&mut self, config: Arc<EngineConfig>) {
        self.config = config;
    }

    /// Returns a token that is cancelled when the talk leaves this place, or with the run.
    pub(super) fn here(&self) -> CancellationToken {
        self.here.clone()
    }

    /// Returns a token that is cancelled when the talk leaves this place: what runs here is dropped then.
    pub(super) fn left(&self) -> CancellationToken {
        self.left.clone()
    }

    /// Lets nobody wait any more for the place that is being left.
    pub(super) fn leave(&mut self, tasks: &BackgroundTasks) {
        std::mem::replace(&mut self.here, tasks.child_token()).cancel();
        std::mem::take(&mut self.left).cancel();
    }

    /// Takes up another place, which is ready; returns the request to make the other one ready, if there was one.
    pub(super) fn take_over(&mut self, target: Arc<dyn CloudTarget>, tasks: &mut BackgroundTasks) -> Option<RequestId> {
        self.place += 1;
        self.end_preparing(Ok(target), tasks)
    }

    /// Tells whether this is about the place where the talk is.
    pub(super) fn is_place(&self, place: u64) -> bool {
        self.place == place
    }

    /// Returns the state to wait on.
    pub(super) fn subscribe(&self) -> Ready {
        self.state.subscribe()
    }

    /// Returns the target, if it is ready.
    pub(super) fn connected(&self) -> Option<Arc<dyn CloudTarget>> {
        self.state.borrow().as_ref().and_then(|state| state.as_ref().ok().cloned())
    }

    /// Tells whether it is being made ready.
    pub(super) fn is_preparing(&self) -> bool {
        self.preparing
    }

    /// Tells whether it has to be made ready again.
    pub(super) fn needs_preparing(&self) -> bool {
        !self.preparing && matches!(*self.state.borrow(), Some(Err(_)))
    }

    /// Makes everything ready in the background: nothing waits for it until it must. `project` is what npm is to
    /// install; `request` is answered by whoever gets [`TargetConnection::end_preparing`]'s answer.
    pub(super) fn prepare(&mut self, request: Option<RequestId>, project: Tree, tasks: &mut BackgroundTasks) {
        self.preparing = true;
        self.prepare_request = request.or(self.prepare_request.take());
        if matches!(*self.state.borrow(), Some(Err(_))) {
            self.state.send_replace(None);
        }
        let (course, target, mode) = (self.config.course.clone(), self.config.target, self.config.mode);
        let to_emit = tasks.sink();
        let report = Report::new(move |kind| to_emit.emit(kind));
        // A person reads the first page meanwhile; a run by itself would fail in several places at once.
        let (fit, mut is_fit) = watch::channel(mode == Mode::Interactive);

        let (sink, preflight_report) = (tasks.sink(), report.clone());
        tasks.spawn_until_stopped(async move {
            let began = Instant::now();
            let result = probes::preflight(&course, target, &preflight_report).await;
            let is_good = result.is_ok();
            sink.emit(prepared(Preparation::Preflight, result, began));
            if is_good {
                fit.send_replace(true);
            }
        });

        let (sink, stop, config, target_report, place) =
            (tasks.sink(), self.here.child_token(), self.config.clone(), report.clone(), self.place);
        tasks.spawn(async move {
            // Without what it needs nothing is begun, and nothing more is said than what is missing.
            if !matches!(stop.run_until_cancelled(is_fit.wait_for(|fit| *fit)).await, Some(Ok(_))) {
                return;
            }
            let began = Instant::now();
            let result = stop.run_until_cancelled((config.prepare)(target_report)).await;
            let mut result = result.unwrap_or_else(|| Err(step::interrupted()));
            if let (Ok(target), Mode::Interactive | Mode::Scratch | Mode::Standby) = (&result, config.mode)
                && !config.course.setup.is_empty()
            {
                let began = Instant::now();
                let run = CommandRun { setup: &config, world: target, sink: &sink, cancel: &stop, what: "setup" };
                let ended = run.run(&config.course.setup).await;
                sink.emit(prepared(Preparation::Setup, ended.clone(), began));
                if let Err(problem) = ended {
                    result = Err(problem);
                }
            }
            sink.send(Internal::Ready(place, result, began.elapsed()));
        });

        // A run by itself comes to its install step at once, and that fetches what is missing.
        if mode == Mode::Interactive {
            let (sink, stop, packages) = (tasks.sink(), tasks.child_token(), self.packages.clone());
            tasks.spawn(async move {
                let began = Instant::now();
                let result = packages.ensure(&project, &report, &stop).await;
                if !matches!(result, Ok(None)) {
                    sink.emit(prepared(Preparation::Packages, result.map(drop), began));
                }
            });
        }
    }

    /// Takes the target up that was made ready, or what kept it from that; returns the request for it.
    pub(super) fn end_preparing(
        &mut self,
        result: Result<Arc<dyn CloudTarget>>,
        tasks: &mut BackgroundTasks,
    ) -> Option<RequestId> {
        self.preparing = false;
        if let Ok(target) = &result {
            let (sink, target) = (tasks.sink(), target.clone());
            tasks.spawn_until_stopped(async move {
                target.lost().await;
                sink.send(Internal::Lost(target));
            });
        }
        self.state.send_replace(Some(result));
        self.prepare_request.take()
    }

    /// Names where a target is.
    pub(super) fn id_of(&self, target: &dyn CloudTarget) -> TargetId {
        TargetId { target: self.config.target, account: target.account(), region: target.region() }
    }

    /// Forgets what was captured: it is another target now.
    pub(super) fn forget_captures(&self) {
        self.set_captures(BTreeMap::new());
    }

    /// Takes up the values that a saved session captured.
    pub(super) fn set_captures(&self, values: BTreeMap<String, Value>) {
        if let Ok(mut captures) = self.captures.lock() {
            *captures = values;
        }
    }

    /// Takes note that a target has gone away; returns what is to be said, when it is the one in use.
    ///
    /// A sandbox that was stopped elsewhere, or has crashed, comes back when something needs it: not at once, as whoever
    /// stopped it may be about to delete its state.
    pub(super) fn lose(&mut self, lost: &Arc<dyn CloudTarget>) -> Option<Problem> {
        let in_use = self.connected().is_some_and(|target| Arc::ptr_eq(&target, lost));
        if !in_use || self.preparing {
            return None;
        }
        let problem =
            Problem::environment("the sandbox has stopped").hint("the next step that needs it starts it again");
        self.state.send_replace(Some(Err(problem.clone())));
        Some(problem)
    }

    /// Lets nobody wait for it any more: the run ends. Returns the target, if it was ready.
    pub(super) fn close(&mut self) -> Option<Arc<dyn CloudTarget>> {
        self.state.send_replace(Some(Err(step::interrupted())))?.ok()
    }

    /// Ends what goes on over it, then runs the commands that end a course, after a run by itself: a person ends it by asking
    /// for that. Trouble goes to `sink`.
    pub(super) async fn tear_down(&self, target: Option<Arc<dyn CloudTarget>>, sink: &EventSink) {
        self.processes.close().await;
        self.cdk.close().await;
        self.sessions.close().await;
        let commands = &self.config.course.teardown;
        let (Some(world), Mode::Scratch, false) = (&target, self.config.mode, commands.is_empty()) else { return };
        let cancel = &CancellationToken::new();
        let run = CommandRun { setup: &self.config, world, sink, cancel, what: "teardown" };
        if let Err(problem) = run.run_all(commands).await {
            sink.emit(EventKind::Trouble { problem });
        }
    }
}

/// Tells how one part of the preparation came out.
fn prepared(task: Preparation, result: Result<()>, began: Instant) -> EventKind {
    match result {
        Ok(()) => EventKind::Prepared { task, took_ms: millis(began.elapsed()) },
        Err(problem) => EventKind::PrepareFailed { task, problem },
    }
}
