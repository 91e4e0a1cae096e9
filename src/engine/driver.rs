//! The driver: one task that owns the truth. Commands and the news of its own tasks come in through one
//! channel, in one order; events go out.
//!
//! Invariant: only the driver touches the journal, the position and the record; whatever runs beside it only
//! tells. Nothing here waits for anything but the next message.

mod checking;
mod opening;
mod position;
mod requests;
mod steps;
mod telling;
mod working;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::command::RequestId;
use super::event::{Event, EventKind, StepRef, Verdict};
use super::install::Packages;
use super::internal::{Internal, Tell};
use super::journal::Journal;
use super::progress::Progress;
use super::record::Record;
use super::sessions::Sessions;
use super::setup::{Handle, Setup};
use super::world::{World, millis};
use super::{files, step};
use requests::Waiting;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_course::code::tree::Tree;

/// Starts a run. The first event is `Opened`, the last `Closed`; after it the channel ends.
pub fn start(setup: Setup) -> (Handle, UnboundedReceiver<Event>) {
    let (events, received) = mpsc::unbounded_channel();
    let (messages, inbox) = mpsc::unbounded_channel();
    let alive = CancellationToken::new();
    let handle = Handle::new(messages.clone(), alive.clone());
    let driver = Driver::new(Arc::new(setup), events, messages);
    tokio::spawn(driver.run(inbox, alive));
    (handle, received)
}

/// What runs now. One thing at a time.
enum Busy {
    No,
    Step {
        request: RequestId,
        at_step: StepRef,
        attempt: u32,
        begun: Instant,
        cancel: CancellationToken,
        detach: Arc<Notify>,
        /// Requests to end it, which are over when it is.
        waiting: Vec<Waiting>,
    },
    Checks {
        request: RequestId,
        cancel: CancellationToken,
        waiting: Vec<Waiting>,
    },
}

struct Driver {
    setup: Arc<Setup>,
    events: UnboundedSender<Event>,
    tell: Tell,
    progress: Progress,
    /// When the first event is yet to come.
    seq: u64,
    journal: Option<Journal>,
    record: Option<Record>,
    unsaved: bool,
    /// The last try to save the state failed.
    unsavable: bool,
    busy: Busy,
    ready: watch::Sender<Option<Result<Arc<dyn World>>>>,
    preparing: bool,
    /// Who asked for it, if anybody did.
    prepare_asked: Option<RequestId>,
    packages: Packages,
    sessions: Sessions,
    captures: Arc<Mutex<BTreeMap<String, serde_json::Value>>>,
    /// After which step the stack was deployed, and its newest event then.
    deployed: Option<(StepRef, String)>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    /// Lockfiles that are as the runner left them, when a step begins that may rewrite them.
    lockfiles: Vec<String>,
    watch: Option<super::watch::Watch>,
    /// The files whose distance was told last.
    told: Option<Tree>,
    /// The first thing that was not good in this run.
    worst: Option<(Verdict, Kind)>,
    quit: bool,
    /// The person has been told what a deploy to their account costs.
    told_costs: bool,
}

impl Driver {
    fn new(setup: Arc<Setup>, events: UnboundedSender<Event>, messages: UnboundedSender<Internal>) -> Driver {
        let tell = Tell::new(messages);
        Driver {
            packages: Packages::new(&setup.cache),
            sessions: Sessions::new(tell.clone()),
            setup,
            events,
            tell,
            progress: Progress::default(),
            seq: 0,
            journal: None,
            record: None,
            unsaved: false,
            unsavable: false,
            busy: Busy::No,
            ready: watch::channel(None).0,
            preparing: false,
            prepare_asked: None,
            captures: Arc::default(),
            deployed: None,
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
            lockfiles: Vec::new(),
            watch: None,
            told: None,
            worst: None,
            quit: false,
            told_costs: false,
        }
    }

    async fn run(mut self, mut inbox: UnboundedReceiver<Internal>, alive: CancellationToken) {
        match self.open() {
            Ok(()) => {
                self.prepare();
                self.serve(&mut inbox, &alive).await;
            }
            Err(problem) => {
                if self.progress.position.is_none() {
                    let position = self.first_position();
                    self.opened(position);
                }
                self.blame(Verdict::Error, problem.kind);
                self.event(EventKind::Trouble { problem });
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
        self.ready.send_replace(Some(Err(step::interrupted())));
        while self.tasks.join_next().await.is_some() {}
        self.sessions.close().await;
        // What the tasks said last belongs to the run.
        while let Ok(message) = inbox.try_recv() {
            match message {
                // Whoever left early has stopped it; it is no failure, and the next start takes it up again.
                Internal::Tell(EventKind::PrepareFailed { problem, .. }) if problem.kind == Kind::Interrupted => {}
                Internal::Tell(kind) => self.event(kind),
                Internal::StepEnded { at_step, outcome } => self.step_ended(at_step, outcome),
                Internal::ChecksEnded(verdict) => self.checks_ended(verdict),
                Internal::Request(_)
                | Internal::RequestEnded { .. }
                | Internal::NotDetachable(_)
                | Internal::World(..)
                | Internal::Lost(_)
                | Internal::Located(..)
                | Internal::FilesChanged
                | Internal::Deployed(..) => {}
            }
        }
        let (verdict, kind) = match self.worst {
            Some((verdict, kind)) => (verdict, Some(kind)),
            None => (Verdict::Pass, None),
        };
        self.event(EventKind::Closed { verdict, kind });
        self.save();
        // Whoever sees the events end may start a run here at once: the directory is free by then.
        self.record = None;
    }

    fn take(&mut self, message: Internal) {
        match message {
            Internal::Request(request) => self.request(request),
            Internal::RequestEnded { id, command, outcome } => self.done(id, command, outcome),
            Internal::NotDetachable(reason) => self.not_detachable(reason),
            Internal::Tell(kind) => self.event(kind),
            Internal::World(result, took) => self.world_ready(result, millis(took)),
            Internal::Lost(world) => self.world_lost(&world),
            Internal::StepEnded { at_step, outcome } => self.step_ended(at_step, outcome),
            Internal::ChecksEnded(verdict) => self.checks_ended(verdict),
            Internal::Located(found, asked) => self.located(found, asked),
            Internal::FilesChanged => {
                let now = files::current(&self.setup.course, &self.setup.workdir);
                if self.told.as_ref() != Some(&now) {
                    self.tell_distance();
                    self.follow_file_checks();
                }
            }
            Internal::Deployed(step, event) => self.deployed = Some((step, event)),
        }
    }
}

/// What is said when the runner itself has failed.
fn fault() -> Problem {
    Problem::environment("the workshop made a mistake of its own")
        .hint("run it again; .workshop/events.jsonl shows what led to it")
}

/// How often the state is saved while things happen.
const SAVE_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
