//! Everything that happens, as data. The only thing a front end may read.
//!
//! Events hold no channels, no handles and no secrets; they can be written down and played again.
//! Text in them is as it came from outside: whoever shows it passes it through `text::sanitize`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::command::{CommandKind, Refusal, RequestId};
use super::progress::Progress;
use workshop_base::problem::{self, Problem, Spot};
use workshop_course::code::diff::FileDiff;
use workshop_course::lesson::model::{ActionKind, Chapter, Course, Step, Target};
pub use workshop_psql::report::{Loss, SqlError, SqlLine, TxState};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Counts from 1 without gaps in one run of the engine.
    pub seq: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub at: u64,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// A step of the course.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepRef {
    pub chapter: u32,
    pub step: String,
}

impl StepRef {
    /// The step itself, if the course has it.
    pub fn of<'a>(&self, course: &'a Course) -> Option<&'a Step> {
        course.chapter(self.chapter)?.step(&self.step)
    }
}

/// A check of the course.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CheckRef {
    pub chapter: u32,
    pub check: String,
}

/// How a step, a check or a whole run came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Fail,
    /// It could not be run: that says nothing about the learner's work.
    Error,
    Skipped,
    /// It was declared to fail and failed as declared.
    FailedAsExpected,
    /// It was declared to fail and did not: the alarm.
    PassedUnexpectedly,
}

impl Verdict {
    /// Whether the lesson goes on from here.
    pub fn is_good(self) -> bool {
        match self {
            Verdict::Pass | Verdict::FailedAsExpected | Verdict::Skipped => true,
            Verdict::Fail | Verdict::Error | Verdict::PassedUnexpectedly => false,
        }
    }
}

/// The one record of a failure: every reporter and the checks panel render this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What sort of failure it is; it decides the exit code.
    #[serde(default = "failed")]
    pub kind: problem::Kind,
    /// What the lesson wanted, one line.
    pub expected: String,
    /// What came, one line or more.
    pub actual: String,
    /// SQLSTATE, when the database said one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// A command line that shows the same by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproduce: Option<String>,
    /// Every attempt, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// The last lines of output.
    #[serde(default)]
    pub output: Vec<String>,
    /// The author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_fail: Option<String>,
    #[serde(default)]
    pub hints: Vec<String>,
    /// Where the lesson says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
}

impl Failure {
    /// What to do by the program's own words. The author's hints, which are given one by one when asked for, are not
    /// among them.
    pub fn advice<'a>(&'a self, chapter: &'a Chapter) -> impl Iterator<Item = &'a str> {
        let authors = move || {
            let steps = chapter.steps.iter().flat_map(|step| &step.hints);
            steps.chain(chapter.checks.iter().flat_map(|check| &check.hints))
        };
        self.hints.iter().filter(move |hint| !authors().any(|known| known == *hint)).map(String::as_str)
    }
}

fn failed() -> problem::Kind {
    problem::Kind::Failed
}

impl Default for Failure {
    fn default() -> Self {
        Failure {
            kind: failed(),
            expected: String::new(),
            actual: String::new(),
            sqlstate: None,
            reproduce: None,
            attempts: Vec::new(),
            output: Vec::new(),
            on_fail: None,
            hints: Vec::new(),
            spot: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counts from 1.
    pub number: u32,
    pub at: u64,
    pub took_ms: u64,
    /// What came, one line.
    pub actual: String,
}

/// Work in the background that a person waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    Preflight,
    /// Installing the course's npm packages.
    Packages,
    /// Starting the sandbox; fetching PostgreSQL, the first time, is a part of it.
    Sandbox,
}

/// A part of a deploy with a clock of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Synth,
    Assets,
    ChangeSet,
    Resources,
    Outputs,
}

/// One CloudFormation resource, as its newest event tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    pub logical_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical_id: Option<String>,
    /// `AWS::Lambda::Function`
    pub resource_type: String,
    /// `CREATE_IN_PROGRESS`, …
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it began in this deploy, and when it ended.
    pub started: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// What such a resource took before, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Stdout,
    Stderr,
    /// The function's own log.
    Log,
    /// The runner's own word.
    Note,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    Added,
    Changed,
    Deleted,
}

/// Whether some part of the world is where a chapter leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// As chapter N leaves it.
    Chapter(u32),
    /// Between two chapters, or with edits of the learner's own: the nearest, and how many files differ.
    Near { chapter: u32, differs: u32 },
    /// Nothing there yet.
    Nothing,
    /// Could not be asked.
    Unknown,
}

/// Where the learner is: the step that "next" acts on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub chapter: u32,
    pub step: String,
}

/// Which world a run works in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    pub target: Target,
    /// 12 digits.
    pub account: String,
    pub region: String,
}

impl Whereabouts {
    /// What it means that a directory's work was elsewhere until now, and the way back.
    pub fn instead_of(&self, before: &Whereabouts) -> String {
        let back = match (before.target, self.target) {
            (Target::Local, Target::Local) => "--region goes back",
            (Target::Local, Target::Aws) => "--target local goes back",
            (Target::Aws, Target::Local) => "its stack, if any, stays there and may cost money; --target aws goes back",
            (Target::Aws, Target::Aws) => {
                "its stack, if any, stays there and may cost money; --profile and --region go back"
            }
        };
        format!(
            "This work was in {before} until now, and goes on in {self}. What was deployed and checked there is not here: {back}"
        )
    }
}

/// `the sandbox, us-east-1`, `AWS account 123456789012, us-east-1`.
impl std::fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.target {
            Target::Local => write!(f, "the sandbox, {}", self.region),
            Target::Aws => write!(f, "AWS account {}, {}", self.account, self.region),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// First event of a run.
    Opened {
        title: String,
        target: Target,
        workdir: PathBuf,
        position: Position,
    },
    /// What earlier runs left in this working directory; follows `Opened`. It is the whole state, so that
    /// a fold that begins here is complete.
    Restored {
        progress: Box<Progress>,
    },
    /// The position changed without anything being run.
    Moved {
        position: Position,
    },
    /// The target answers, and is not the one that was known. `before`: where this directory's work was until now, if
    /// anywhere; what was deployed and checked there is not here.
    Reached {
        here: Whereabouts,
        before: Option<Whereabouts>,
    },
    /// Cheap probes at the start: where things really are.
    Located {
        files: Place,
        stack: Place,
        database: Place,
    },

    /// What the probes found of a deploy that this run does not watch. One that is under way: `Run` on a deploy step
    /// attaches to it. One that is over: the events before this one tell what it did.
    DeployFound {
        status: String,
    },

    /// Background work goes on; `done`/`total` in `unit`s when they are known.
    Preparing {
        task: Task,
        label: String,
        done: u64,
        #[serde(default)]
        total: Option<u64>,
        unit: String,
    },
    Prepared {
        task: Task,
        took_ms: u64,
    },
    PrepareFailed {
        task: Task,
        problem: Problem,
    },
    /// One prerequisite looked at.
    Preflight {
        name: String,
        verdict: Verdict,
        found: String,
        fix: Option<String>,
    },

    StepStarted {
        at_step: StepRef,
        attempt: u32,
        action: ActionKind,
        expects_failure: bool,
        /// What it took before, milliseconds.
        #[serde(default)]
        usual_ms: Option<u64>,
    },
    StepFinished {
        at_step: StepRef,
        attempt: u32,
        verdict: Verdict,
        took_ms: u64,
        #[serde(default)]
        failure: Option<Failure>,
    },

    /// Lines of a child process or a function's log, batched.
    Output {
        at_step: Option<StepRef>,
        stream: Stream,
        lines: Vec<String>,
    },
    /// Lines that were left out because they came too fast; the log file has them.
    OutputDropped {
        count: u64,
    },

    /// Files of the working directory were written by the runner; `journal` undoes it.
    FilesWritten {
        at_step: Option<StepRef>,
        files: BTreeMap<String, FileChange>,
        journal: u64,
    },
    /// The learner's own edits were put aside before the runner wrote; `journal` brings them back.
    EditsKept {
        files: Vec<String>,
        journal: u64,
    },
    /// The learner's own edits are back, in what the course has there now.
    EditsRestored {
        files: Vec<String>,
        /// Those that are back as a whole, as they were: the course has changed the same lines since.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        whole: Vec<String>,
        journal: u64,
    },
    /// The working directory against the current chapter's snapshot changed.
    Distance {
        chapter: u32,
        hunks_to_go: u32,
        files: Vec<String>,
    },
    /// Hunks of the chapter that are in the working directory now, by file and index.
    HunksApplied {
        chapter: u32,
        hunks: Vec<(String, usize)>,
    },

    PhaseStarted {
        at_step: StepRef,
        phase: Phase,
    },
    PhaseFinished {
        at_step: StepRef,
        phase: Phase,
        took_ms: u64,
    },
    ResourceChanged {
        at_step: StepRef,
        resource: Resource,
    },
    /// The first resource that failed and why.
    RootCause {
        at_step: StepRef,
        logical_id: String,
        reason: String,
    },
    /// The types of what is being deployed, looked at beside the deploy; nothing in `problems` means that they fit.
    /// A deploy goes on all the same: what runs is JavaScript.
    TypesChecked {
        at_step: StepRef,
        problems: Vec<TypeProblem>,
        took_ms: u64,
    },
    StackOutput {
        key: String,
        value: String,
        #[serde(default)]
        description: Option<String>,
    },

    /// A console session was opened, or opened again.
    SessionOpened {
        session: String,
        role: String,
        host: String,
    },
    /// A connection ended.
    SessionLost {
        session: String,
        loss: Loss,
        reason: String,
    },
    SqlStarted {
        id: u64,
        session: String,
        text: String,
    },
    SqlText {
        id: u64,
        session: String,
        lines: Vec<(SqlLine, String)>,
    },
    SqlFinished {
        id: u64,
        session: String,
        tx: TxState,
        rows: u64,
        took_ms: u64,
        #[serde(default)]
        error: Option<SqlError>,
    },
    /// The answer to [`super::command::Command::Complete`]: candidates for the word that starts at `from`.
    Completions {
        id: u64,
        from: usize,
        candidates: Vec<String>,
    },

    Invoked {
        at_step: Option<StepRef>,
        payload: String,
        response: String,
        function_error: Option<String>,
        log_tail: Vec<String>,
        took_ms: u64,
    },
    LoadProgress {
        at_step: StepRef,
        done: u32,
        failed: u32,
        total: u32,
        per_second: f64,
        p50_ms: f64,
        p99_ms: f64,
    },

    /// A step or a check took a value for later ones: `${capture.NAME}`.
    Captured {
        name: String,
        value: serde_json::Value,
    },

    CheckStarted {
        at_check: CheckRef,
        title: String,
        attempt: u32,
    },
    CheckFinished {
        at_check: CheckRef,
        title: String,
        verdict: Verdict,
        attempts: u32,
        took_ms: u64,
        #[serde(default)]
        failure: Option<Failure>,
    },

    /// The answer to [`super::command::Command::ShowDiff`]. Not kept in the saved run.
    Diff {
        of: DiffOf,
        files: Vec<FileDiff>,
    },

    /// The stage clock.
    Paused,
    Resumed,
    /// The time spent on every step is zero again.
    ClockRestarted,
    /// A request is being carried out: `Done` follows.
    Accepted {
        id: RequestId,
        command: CommandKind,
    },
    /// A request that is not carried out, and why. Nothing was done.
    Refused {
        id: RequestId,
        command: CommandKind,
        because: Refusal,
        /// The same for a person.
        reason: String,
    },
    /// An accepted request is over; its last event.
    Done {
        id: RequestId,
        command: CommandKind,
        outcome: RequestOutcome,
    },
    /// Something went wrong outside a step.
    Trouble {
        problem: Problem,
    },
    /// A deploy goes on without us.
    Detached {
        at_step: StepRef,
    },
    ChapterFinished {
        chapter: u32,
        verdict: Verdict,
        took_ms: u64,
    },
    /// Last event of a run. `kind` is the first reason why it is not good; it decides the exit code.
    Closed {
        verdict: Verdict,
        #[serde(default)]
        kind: Option<problem::Kind>,
    },
}

/// What an accepted request came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// It was carried out.
    Complete,
    /// What ran came to this.
    Verdict(Verdict),
    /// The deploy goes on without us.
    Detached,
    /// It could not be carried out. What was done until then stands, and was told.
    Failed(Problem),
}

/// One thing that the TypeScript compiler objects to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeProblem {
    /// Below the working directory.
    pub file: String,
    /// Both count from 1.
    pub line: u32,
    pub column: u32,
    /// `TS2339`
    pub code: String,
    /// One line or more.
    pub message: String,
}

impl std::fmt::Display for TypeProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {} ({})", self.file, self.line, self.column, self.message, self.code)
    }
}

/// Which two states a diff lies between.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffOf {
    /// The hunks of one edit step.
    Step(StepRef),
    /// Two chapters' snapshots.
    Chapters { from: u32, to: u32 },
    /// The working directory against a chapter's snapshot.
    Mine { chapter: u32 },
}
