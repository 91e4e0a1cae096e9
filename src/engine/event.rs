//! Everything that happens, as data. The only thing a front end may read.
//!
//! Events hold no channels, no handles and no secrets; they can be written down and played again.
//! Text in them is as it came from outside: whoever shows it passes it through `text::sanitize`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::command::{BringTo, CommandKind, Refusal, RequestId};
pub use super::model::*;
use super::progress::state::Progress;
use workshop_base::problem::{self, Problem};
use workshop_course::code::diff::FileDiff;
use workshop_course::lesson::model::{ActionKind, Course, Target};
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

/// The things that happen.
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
    /// The work that earlier runs left in this working directory; follows `Opened`. It is the whole state, so that
    /// a fold that begins here is complete.
    Restored {
        progress: Box<Progress>,
    },
    /// The author has changed the course while it is open: the run goes on with it as it is now.
    CourseReloaded {
        position: Position,
        /// The step where one was, which the course has no more; the position is the step in its place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gone: Option<String>,
        /// The course itself, for who shows it in the same process.
        #[serde(skip)]
        course: Option<Arc<Course>>,
    },
    /// The author has changed the course, and it is not valid: the run goes on with it as it was.
    CourseInvalid {
        problems: Vec<Problem>,
    },
    /// The position changed without anything being run.
    Moved {
        position: Position,
    },
    /// The target answers, and is not the one that was known. `before`: where this directory's work was until now, if
    /// anywhere; what was deployed and checked there is not here.
    Reached {
        here: TargetId,
        before: Option<TargetId>,
    },
    /// Cheap probes at the start: where things really are.
    Located {
        files: ChapterMatch,
        stack: ChapterMatch,
        database: ChapterMatch,
    },

    /// The probes have found a deploy that this run does not watch. One that is under way: `Run` on a deploy step
    /// attaches to it. One that is over: the events before this one tell what it did.
    DeployFound {
        status: String,
    },

    /// Background work goes on; `done`/`total` in `unit`s when they are known.
    Preparing {
        task: Preparation,
        label: String,
        done: u64,
        #[serde(default)]
        total: Option<u64>,
        unit: String,
    },
    Prepared {
        task: Preparation,
        took_ms: u64,
    },
    PrepareFailed {
        task: Preparation,
        problem: Problem,
    },
    /// One prerequisite looked at.
    Preflight {
        name: String,
        verdict: Verdict,
        found: String,
        fix: Option<String>,
    },

    /// Everything is being brought to where a chapter begins: so many of the steps that are to be run for that are over.
    Bringing {
        to: BringTo,
        done: u32,
        total: u32,
    },
    /// The standby of a talk in an account has come on, or has stopped.
    Standby {
        state: StandbyState,
    },
    /// The talk goes on in another place, at the same step and with the same files: on its standby, or in the account again.
    /// The fold takes over what was done there.
    Switched {
        onto_standby: bool,
        here: TargetId,
        progress: Box<Progress>,
        /// The steps that were done where the talk was until now, and not here.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        behind: Vec<StepRef>,
    },
    /// The account cannot be reached: the network before it is gone.
    AccountGone {
        problem: Problem,
    },
    /// The account answers again.
    AccountBack,
    /// The account throttles what is asked of it: it is asked again, more slowly.
    AccountThrottled,
    /// The target's whole state was put back to what it was at another time: this is what was done by then. The fold
    /// takes it over, but for the journal and what is known of durations.
    StateRestored {
        progress: Box<Progress>,
    },

    StepStarted {
        at_step: StepRef,
        attempt: u32,
        action: ActionKind,
        expects_failure: bool,
        /// Milliseconds that it took before, or that the lesson plans for it.
        #[serde(default)]
        usual_ms: Option<u64>,
    },
    /// One statement of a step begins that is walked statement by statement; `index` counts from 0.
    StatementStarted {
        at_step: StepRef,
        index: usize,
        total: usize,
    },
    /// It is over, and the step waits before the next one. After its last statement the step is finished instead.
    StatementFinished {
        at_step: StepRef,
        index: usize,
        total: usize,
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

    /// A long-running process was started; `command` as a shell runs it.
    ProcessStarted {
        name: String,
        at_step: StepRef,
        command: String,
    },
    /// It is ready: its step is over, and it goes on. `by` says how that was seen.
    ProcessReady {
        name: String,
        took_ms: u64,
        by: String,
    },
    /// Lines of it, batched.
    ProcessOutput {
        name: String,
        stream: Stream,
        lines: Vec<String>,
    },
    /// It runs no more.
    ProcessEnded {
        name: String,
        end: ProcessEnd,
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
    /// The learner's own edits in these files meet what the course changes next. `ShowDiff` of `Collision` shows both,
    /// `Settle` says with which to go on.
    EditsCollide {
        files: Vec<String>,
    },
    /// The learner's own edits went along into what the course has there now: nothing was put aside.
    EditsMerged {
        files: Vec<String>,
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
    /// The files that are not as they were when the stack was deployed last: what runs is older. None: what runs is what is
    /// there, or that is not known.
    Undeployed {
        files: Vec<String>,
    },
    /// Hunks of the chapter that are in the working directory now, by file and index: word for word, or in other words that
    /// mean the same.
    HunksApplied {
        chapter: u32,
        hunks: Vec<(String, usize)>,
        /// Those in whose place there are lines of the learner's own. The same in other words is among `hunks`, too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        own: Vec<OwnHunk>,
    },

    PhaseStarted {
        at_step: StepRef,
        phase: Phase,
    },
    PhaseFinished {
        at_step: StepRef,
        phase: Phase,
        took_ms: u64,
        /// The deploy came no further.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        failed: bool,
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
    /// The types of what is deployed, looked at beside it, which goes on all the same; no `problems`: they fit.
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
    /// These are all outputs that a stack has: what it gave out besides, before, is there no more.
    OutputsListed(StackOutputNames),

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
        /// The prompts for what is typed next, as `\set PROMPT1` and `\set PROMPT2` have them.
        #[serde(default)]
        prompts: Option<SqlPrompts>,
    },
    /// A session was ended on request.
    SessionClosed {
        session: String,
    },
    /// The answer to [`super::command::Command::Complete`]: candidates for the word that starts at `from`.
    Completions {
        id: u64,
        from: usize,
        candidates: Vec<SqlCandidate>,
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
        #[serde(default)]
        p90_ms: f64,
        p99_ms: f64,
        #[serde(default)]
        max_ms: f64,
        /// The median of the function's own time; the rest of `p50_ms` is the way and the wait for an environment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        function_p50_ms: Option<f64>,
        /// How many took how long, by [`LATENCY_BOUNDS_MS`]: of those that went well, and of those that failed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        latencies: Vec<u32>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        latencies_failed: Vec<u32>,
    },

    /// A step or a check took a value for later ones: `${capture.NAME}`.
    Captured {
        name: String,
        value: serde_json::Value,
    },

    /// The target is under conditions until the step is over: what holds, one thing each. Nothing: it is as always again.
    Simulated {
        conditions: Vec<String>,
    },

    CheckStarted {
        at_check: CheckRef,
        title: String,
        attempt: u32,
    },
    /// One attempt at a check is over, the last one too.
    CheckTried {
        at_check: CheckRef,
        attempt: Attempt,
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
