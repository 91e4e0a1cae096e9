//! Requests of a front end. Plain data: no channels, no handles.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::model::{CheckRef, DiffOf, StepRef};

/// Names a request among all of a run. The front end chooses it; 0 stands for the lesson itself.
pub type RequestId = u64;

/// Something that a front end asks for. It is answered by one `Refused`, and nothing was done; or by one `Accepted` and,
/// when it is over, one `Done`, each with its id. `Closed` ends whatever is not answered by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: RequestId,
    pub command: Command,
}

/// The thing asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Run the current step's action (again, if it ran before). Done with its verdict.
    Run,
    /// Move to the next step, reconciling the files with where it starts. Runs nothing.
    Next,
    Back,
    GoTo {
        chapter: u32,
        step: Option<String>,
    },
    /// Run the next statement of the current step alone, and stop before the one after it; any other step runs whole.
    /// Done with the step's verdict when that was its last.
    RunStatement,
    /// Bring everything to where a chapter begins: files, packages, stack, database, what is done, and the clock.
    /// What was saved there is restored, and what is missing is run, step by step. Done with the first verdict that is
    /// not good. Or move the talk onto its standby, or back to the account; there what runs is left, and files stay.
    Bring {
        to: BringTo,
    },
    /// Run a step's action with the files as they are, wherever the position is: what a standby is told. Done with its
    /// verdict.
    Follow {
        at_step: StepRef,
    },
    /// Checks by reference; empty: all of the current chapter. With `must_fail` each is tried once and
    /// has to fail: the proof that it says something about its chapter. Done with the first verdict that is not good.
    Check {
        checks: Vec<CheckRef>,
        #[serde(default)]
        must_fail: bool,
    },
    /// Write all hunks of a step or a chapter, and run nothing else.
    Apply {
        scope: Scope,
    },
    /// Take back what the runner wrote.
    Undo {
        scope: Scope,
    },
    /// Write one hunk of the current chapter, or take it back.
    ApplyHunk {
        file: String,
        index: usize,
    },
    UndoHunk {
        file: String,
        index: usize,
    },
    /// Where own edits meet the course's, as `EditsCollide` has told: go on with one's own, or with the course's. What was asked
    /// for is to be asked for again.
    Settle {
        own: bool,
    },
    /// Bring back the learner's own edits put aside under this journal entry.
    RestoreEdits {
        journal: u64,
    },
    /// Stop what runs: a deploy's update is cancelled, a child is ended. Done when that has ended.
    Cancel,
    /// Leave a deploy running in the cloud and go on.
    Detach,
    /// One console input: a statement, several, or a backslash command. Its events carry the request's id.
    Sql {
        session: String,
        text: String,
        /// Columns of the screen that shows what it answers, for `\x auto`; where there is none, nothing is expanded.
        #[serde(default)]
        columns: Option<usize>,
    },
    CancelSql {
        session: String,
    },
    /// Ends a console session: what it runs is cancelled, its transaction is rolled back, its connection closed.
    CloseSession {
        session: String,
    },
    /// Retry the whole transaction that ended in a conflict.
    RetrySql {
        session: String,
    },
    /// Candidates at a cursor (byte offset into `text`).
    Complete {
        session: String,
        text: String,
        cursor: usize,
    },
    ShowDiff {
        of: DiffOf,
    },
    /// Prepare again after a `PrepareFailed`: packages, sandbox, preflight. Done when the target is ready.
    Prepare,
    Pause,
    Resume,
    /// Begin the time spent again from zero: after a rehearsal, before the session.
    RestartClock,
    /// Ask the probes again.
    Locate,
    /// End in order. A running step must have been cancelled or detached first.
    Quit,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Step(StepRef),
    Chapter(u32),
}

/// The state that everything is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BringTo {
    /// As this chapter begins.
    Chapter(u32),
    /// As it was before the last time that everything was brought somewhere.
    Before,
    /// Onto the standby, at the same step.
    Standby,
    /// Back to the account, at the same step.
    Account,
}

/// A command without what it is about: what an answer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandKind {
    Run,
    Next,
    Back,
    GoTo,
    RunStatement,
    Bring,
    Follow,
    Check,
    Apply,
    Undo,
    Settle,
    RestoreEdits,
    Cancel,
    Detach,
    Sql,
    CancelSql,
    CloseSession,
    RetrySql,
    Complete,
    ShowDiff,
    Prepare,
    Pause,
    Resume,
    RestartClock,
    Locate,
    Quit,
}

impl Command {
    /// Returns which command it is; one hunk and many are the same.
    pub fn kind(&self) -> CommandKind {
        match self {
            Command::Run => CommandKind::Run,
            Command::Next => CommandKind::Next,
            Command::Back => CommandKind::Back,
            Command::GoTo { .. } => CommandKind::GoTo,
            Command::RunStatement => CommandKind::RunStatement,
            Command::Bring { .. } => CommandKind::Bring,
            Command::Follow { .. } => CommandKind::Follow,
            Command::Check { .. } => CommandKind::Check,
            Command::Apply { .. } | Command::ApplyHunk { .. } => CommandKind::Apply,
            Command::Undo { .. } | Command::UndoHunk { .. } => CommandKind::Undo,
            Command::Settle { .. } => CommandKind::Settle,
            Command::RestoreEdits { .. } => CommandKind::RestoreEdits,
            Command::Cancel => CommandKind::Cancel,
            Command::Detach => CommandKind::Detach,
            Command::Sql { .. } => CommandKind::Sql,
            Command::CancelSql { .. } => CommandKind::CancelSql,
            Command::CloseSession { .. } => CommandKind::CloseSession,
            Command::RetrySql { .. } => CommandKind::RetrySql,
            Command::Complete { .. } => CommandKind::Complete,
            Command::ShowDiff { .. } => CommandKind::ShowDiff,
            Command::Prepare => CommandKind::Prepare,
            Command::Pause => CommandKind::Pause,
            Command::Resume => CommandKind::Resume,
            Command::RestartClock => CommandKind::RestartClock,
            Command::Locate => CommandKind::Locate,
            Command::Quit => CommandKind::Quit,
        }
    }
}

impl CommandKind {
    /// Tells whether it writes files of the course, or takes them back, beyond what a move does.
    pub fn writes(self) -> bool {
        matches!(self, CommandKind::Apply | CommandKind::Undo)
    }

    /// Tells whether its answer is only looked at: it changes no state, and no record keeps it.
    pub fn only_looks(self) -> bool {
        matches!(self, CommandKind::Complete | CommandKind::ShowDiff)
    }
}

/// The word that a person knows it by.
/// As the plain lines have it typed; what has no word there, by what it does.
impl fmt::Display for CommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CommandKind::Run => "run",
            CommandKind::Next => "next",
            CommandKind::Back => "back",
            CommandKind::GoTo => "go",
            CommandKind::RunStatement => "statement",
            CommandKind::Bring => "bring",
            CommandKind::Follow => "following the account",
            CommandKind::Check => "check",
            CommandKind::Apply => "apply",
            CommandKind::Undo => "undo",
            CommandKind::Settle => "take course",
            CommandKind::RestoreEdits => "restore",
            CommandKind::Cancel | CommandKind::CancelSql => "cancel",
            CommandKind::Detach => "detach",
            CommandKind::Sql => "sql",
            CommandKind::CloseSession => "closing the session",
            CommandKind::RetrySql => "retry",
            CommandKind::Complete => "completion",
            CommandKind::ShowDiff => "diff",
            CommandKind::Prepare => "prepare",
            CommandKind::Pause => "pause",
            CommandKind::Resume => "resume",
            CommandKind::RestartClock => "restart clock",
            CommandKind::Locate => "locate",
            CommandKind::Quit => "quit",
        })
    }
}

/// Why a request was not taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Something runs: it must end, or be cancelled, first.
    Busy,
    /// There is nothing to cancel, to retry or to let go of.
    NothingRuns,
    /// This run only looks.
    ReadOnly,
    /// The course, or the run, has nothing of that name.
    Unknown,
    /// The course ends here, or begins here.
    NoFurther,
    /// It is so already.
    Already,
    /// It costs money in someone's account: asked for again, it is done.
    Costs,
    /// The target cannot do it: an account is not put back.
    Unsupported,
    /// Own edits would have to give way to the course's: asked for again, it is done with them.
    OwnEdits,
    /// Files that the workshop has not written would change: asked for again, it is done, and they are put aside.
    StrangeFiles,
    /// A deploy that has not reached the cloud would not go on by itself.
    NotInTheCloud,
}
