//! The parts of the state: plain data, each as the newest events told it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pairs;
use crate::event::{
    Failure, FileChange, Loss, Phase, Place, Resource, SqlError, StepRef, TxState, TypeProblem, Verdict,
};
use workshop_base::problem::Problem;
use workshop_course::lesson::model::ActionKind;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    pub files: Place,
    pub stack: Place,
    pub database: Place,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskState {
    pub label: String,
    pub started: u64,
    pub done: u64,
    pub total: Option<u64>,
    pub unit: String,
    /// Set when it is over and went well.
    pub took_ms: Option<u64>,
    /// Set when it is over and did not.
    pub problem: Option<Problem>,
}

impl TaskState {
    pub fn is_running(&self) -> bool {
        self.took_ms.is_none() && self.problem.is_none()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prerequisite {
    pub name: String,
    pub verdict: Verdict,
    pub found: String,
    pub fix: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepState {
    pub attempt: u32,
    pub action: ActionKind,
    pub expects_failure: bool,
    pub usual_ms: Option<u64>,
    pub started: u64,
    /// None while it runs; or, when `running` names another step or none, it was broken off.
    pub verdict: Option<Verdict>,
    pub took_ms: Option<u64>,
    pub failure: Option<Failure>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckState {
    pub title: String,
    pub attempts: u32,
    pub started: u64,
    pub verdict: Option<Verdict>,
    pub took_ms: Option<u64>,
    pub failure: Option<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChapterState {
    pub verdict: Verdict,
    pub took_ms: u64,
}

/// One deploy, bootstrap or destroy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeployState {
    pub at_step: StepRef,
    pub started: u64,
    pub usual_ms: Option<u64>,
    /// In the order in which they began.
    pub phases: Vec<PhaseState>,
    /// The stack itself, as its newest event tells.
    pub stack: Option<Resource>,
    /// In the order to show: failures first, the root cause before all; then what is done, in order of its end;
    /// then what is in progress, in order of its start.
    pub resources: Vec<Resource>,
    /// Logical id and reason of the first resource that failed.
    pub root_cause: Option<(String, String)>,
    /// It goes on without us.
    pub detached: bool,
    /// What the compiler objects to; None until it has looked.
    #[serde(default)]
    pub types: Option<Vec<TypeProblem>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseState {
    pub phase: Phase,
    pub started: u64,
    pub took_ms: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub value: String,
    pub description: Option<String>,
}

/// A console session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionState {
    pub role: String,
    pub host: String,
    /// False after the connection ended.
    pub open: bool,
    pub tx: TxState,
    /// The input that runs now.
    pub running: Option<SqlRunning>,
    pub last_error: Option<SqlError>,
    /// Why the connection ended, and what went with it.
    pub lost: Option<(String, Loss)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlRunning {
    pub id: u64,
    pub text: String,
    pub started: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    pub at_step: Option<StepRef>,
    pub payload: String,
    pub response: String,
    pub function_error: Option<String>,
    pub log_tail: Vec<String>,
    pub took_ms: u64,
}

/// Figures of the newest load, while it runs and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadState {
    pub at_step: StepRef,
    pub done: u32,
    pub failed: u32,
    pub total: u32,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalState {
    pub at: u64,
    pub at_step: Option<StepRef>,
    pub what: Journaled,
    /// Set when it was brought back.
    pub restored: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Journaled {
    Written(BTreeMap<String, FileChange>),
    /// Edits of the learner's own.
    Kept(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distance {
    pub chapter: u32,
    pub hunks_to_go: u32,
    pub files: Vec<String>,
}

/// How long was spent where. Time accumulates: going back continues a step's clock. A pause and the time
/// between two runs do not count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Pacing {
    /// Milliseconds spent up to `since`.
    #[serde(with = "pairs")]
    pub spent: BTreeMap<StepRef, u64>,
    /// Since when the clock of the current step runs; None while paused or closed.
    pub since: Option<u64>,
    pub paused: bool,
    /// When the first step ever was entered.
    pub began: Option<u64>,
}

impl TaskState {
    pub(super) fn new(at: u64) -> Self {
        TaskState {
            label: String::new(),
            started: at,
            done: 0,
            total: None,
            unit: String::new(),
            took_ms: None,
            problem: None,
        }
    }
}
