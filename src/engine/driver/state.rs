//! The things that the driver owns.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cloud::CloudTarget;
use crate::command::{BringTo, CommandKind, RequestId};
use crate::config::EngineConfig;
use crate::context::SharedConditions;
use crate::event::Event;
use crate::install::Packages;
use crate::journal::Journal;
use crate::messages::{EventSink, Internal};
use crate::model::{StepRef, Verdict};
use crate::processes::Processes;
use crate::progress::Progress;
use crate::record::Record;
use crate::sessions::Sessions;
use crate::watch::FileWatch;
use workshop_base::problem::{Kind, Result};
use workshop_course::code::tree::Tree;
use workshop_course::lesson::model::Course;

/// The thing that runs now. One thing at a time.
pub(super) enum Busy {
    No,
    Step {
        request: RequestId,
        /// The command that the request was.
        asked: CommandKind,
        at_step: StepRef,
        part: StepPart,
        attempt: u32,
        begun: Instant,
        cancel: CancellationToken,
        detach: Arc<Notify>,
        /// Requests to end it, which are over when it is.
        waiting: Vec<Waiting>,
    },
    /// Everything is being brought somewhere, and none of the steps of that runs: the target is asked or put back.
    Bringing {
        cancel: CancellationToken,
        waiting: Vec<Waiting>,
    },
    Checks {
        request: RequestId,
        cancel: CancellationToken,
        waiting: Vec<Waiting>,
    },
}

pub(super) struct Driver {
    pub(super) setup: Arc<EngineConfig>,
    pub(super) events: UnboundedSender<Event>,
    pub(super) sink: EventSink,
    pub(super) progress: Progress,
    /// When the first event is yet to come.
    pub(super) seq: u64,
    pub(super) journal: Option<Journal>,
    pub(super) record: Option<Record>,
    pub(super) unsaved: bool,
    /// The last try to save the state failed.
    pub(super) unsavable: bool,
    pub(super) busy: Busy,
    pub(super) ready: watch::Sender<Option<Result<Arc<dyn CloudTarget>>>>,
    pub(super) preparing: bool,
    /// The request for it, if there was one.
    pub(super) prepare_asked: Option<RequestId>,
    pub(super) packages: Packages,
    pub(super) sessions: Sessions,
    pub(super) processes: Processes,
    pub(super) captures: Arc<Mutex<BTreeMap<String, serde_json::Value>>>,
    pub(super) conditions: SharedConditions,
    /// After which step the stack was deployed, and its newest event then.
    pub(super) deployed: Option<(StepRef, String)>,
    pub(super) tasks: JoinSet<()>,
    pub(super) stop: CancellationToken,
    /// Lockfiles that are as the runner left them, when a step begins that may rewrite them.
    pub(super) lockfiles: Vec<String>,
    pub(super) watch: Option<FileWatch>,
    /// The files whose distance was told last.
    pub(super) told: Option<Tree>,
    /// The first thing that was not good in this run.
    pub(super) worst: Option<(Verdict, Kind)>,
    pub(super) quit: bool,
    /// The person has been told what a deploy to their account costs.
    pub(super) told_costs: bool,
    /// The files that the person was asked about last, before they change.
    pub(super) told_strangers: Option<Vec<String>>,
    /// Own edits that meet the course's, as the person was told last.
    pub(super) collision: Option<Collision>,
    /// With which side to go on where they meet, by a digest of both: true, with the learner's own.
    pub(super) settled: BTreeMap<String, bool>,
    /// The files as they were when the stack was deployed last, as `files::digests` has it.
    pub(super) deployed_files: BTreeMap<String, String>,
    /// The same of a deploy that runs.
    pub(super) deploying_files: BTreeMap<String, String>,
    /// The look at the types of the newest deploy, while it has not begun or goes on.
    pub(super) types: Option<TypesLook>,
    /// The step that is walked statement by statement, while it waits before one.
    pub(super) stepping: Option<Stepping>,
    /// The way to a chapter, while everything is being brought there.
    pub(super) bringing: Option<Bringing>,
    /// The course as it was read while something ran.
    pub(super) next_course: Option<Arc<Course>>,
}

/// The part of a step that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepPart {
    Whole,
    /// From this statement on.
    From(usize),
    /// This statement alone, of so many.
    One {
        index: usize,
        total: usize,
    },
}

impl StepPart {
    /// Returns the statements that run, of so many.
    pub(super) fn statements(self, total: usize) -> std::ops::Range<usize> {
        match self {
            StepPart::Whole => 0..total,
            StepPart::From(first) => first.min(total)..total,
            StepPart::One { index, .. } => index.min(total)..(index + 1).min(total),
        }
    }
}

/// A step that waits before one of its statements.
pub(super) struct Stepping {
    pub(super) at_step: StepRef,
    pub(super) next: usize,
    pub(super) attempt: u32,
    /// Milliseconds that its statements have taken so far.
    pub(super) took_ms: u64,
}

/// The way to a chapter.
pub(super) struct Bringing {
    pub(super) request: RequestId,
    pub(super) to: BringTo,
    /// The steps that are to be run yet.
    pub(super) queue: VecDeque<StepRef>,
    pub(super) done: u32,
    pub(super) total: u32,
}

/// Own edits that meet the course's next ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Collision {
    /// Where the two meet: each file, and a digest of both sides.
    pub(super) files: BTreeMap<String, String>,
    /// The course's side of these files.
    pub(super) course: Tree,
}

/// A look at the types of what is being deployed.
pub(super) struct TypesLook {
    /// Told when the deploy leaves the processor alone, or is over.
    pub(super) due: Arc<Notify>,
    pub(super) cancel: CancellationToken,
}

impl Driver {
    pub(super) fn new(
        setup: Arc<EngineConfig>,
        events: UnboundedSender<Event>,
        messages: UnboundedSender<Internal>,
    ) -> Driver {
        let sink = EventSink::new(messages);
        Driver {
            packages: Packages::new(&setup.cache),
            sessions: Sessions::new(sink.clone()),
            processes: Processes::new(sink.clone()),
            setup,
            events,
            sink,
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
            conditions: SharedConditions::default(),
            deployed: None,
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
            lockfiles: Vec::new(),
            watch: None,
            told: None,
            worst: None,
            quit: false,
            told_costs: false,
            told_strangers: None,
            collision: None,
            settled: BTreeMap::new(),
            deployed_files: BTreeMap::new(),
            deploying_files: BTreeMap::new(),
            types: None,
            stepping: None,
            bringing: None,
            next_course: None,
        }
    }
}

/// A request that ends with what runs now.
pub(super) struct Waiting {
    pub(super) id: RequestId,
    pub(super) command: CommandKind,
}
