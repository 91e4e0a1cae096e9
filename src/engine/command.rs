//! What a front end may ask of the engine. Plain data: no channels, no handles.

use serde::{Deserialize, Serialize};

use super::event::{CheckRef, DiffOf, StepRef};

/// A request. The answer is events; one that cannot be met now is `Refused`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Run the current step's action (again, if it ran before).
    Run,
    /// Move to the next step, reconciling the files with where it starts. Runs nothing.
    Next,
    Back,
    GoTo {
        chapter: u32,
        step: Option<String>,
    },
    /// Checks by reference; empty: all of the current chapter. With `must_fail` each is tried once and
    /// has to fail: the proof that it says something about its chapter.
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
    /// Bring back the learner's own edits put aside under this journal entry.
    RestoreEdits {
        journal: u64,
    },
    /// Stop what runs: a deploy's update is cancelled, a child is ended.
    Cancel,
    /// Leave a deploy running in the cloud and go on.
    Detach,
    /// One console input: a statement, several, or a backslash command.
    Sql {
        id: u64,
        session: String,
        text: String,
    },
    CancelSql {
        session: String,
    },
    /// Retry the whole transaction that ended in a conflict.
    RetrySql {
        id: u64,
        session: String,
    },
    /// Candidates at a cursor (byte offset into `text`).
    Complete {
        id: u64,
        session: String,
        text: String,
        cursor: usize,
    },
    ShowDiff {
        of: DiffOf,
    },
    /// Prepare again after a `PrepareFailed`: packages, sandbox, preflight.
    Prepare,
    Pause,
    Resume,
    /// Begin the time spent again from zero: after a rehearsal, before the session.
    RestartClock,
    /// Ask the probes again.
    Locate,
    /// End in order. A running step must have been cancelled or detached first, else `Refused`.
    Quit,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Step(StepRef),
    Chapter(u32),
}
