//! The state of a workshop: a fold over its events, held alike by the TUI, the reporters and the saved session.
//!
//! Invariant: nothing in here comes from anywhere but [`Progress::apply`]; the same events give the same state,
//! and every beginning of a run is a valid state. Streams of text (child output, console rows, logs) are not
//! state: whoever shows them keeps as much of them as it likes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::event::*;
use crate::lesson::model::{ActionKind, Target};
use crate::problem::Problem;

/// How many troubles and refusals are kept.
const KEPT: usize = 20;

/// All that a front end needs to draw, from events alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Number and time of the newest event.
    pub seq: u64,
    pub at: u64,
    pub title: String,
    pub target: Option<Target>,
    pub workdir: Option<PathBuf>,
    pub position: Option<Position>,
    pub located: Option<Located>,
    /// Background work, by what it is.
    pub tasks: BTreeMap<Task, TaskState>,
    /// In the order in which they were looked at.
    pub preflight: Vec<Prerequisite>,
    /// The step that runs now.
    pub running: Option<StepRef>,
    #[serde(with = "pairs")]
    pub steps: BTreeMap<StepRef, StepState>,
    #[serde(with = "pairs")]
    pub checks: BTreeMap<CheckRef, CheckState>,
    #[serde(with = "pairs")]
    pub chapters: BTreeMap<u32, ChapterState>,
    /// The newest deploy, running or over.
    pub deploy: Option<DeployState>,
    /// The status of a stack that changes without us.
    pub deploy_found: Option<String>,
    pub outputs: BTreeMap<String, Output>,
    pub captures: BTreeMap<String, serde_json::Value>,
    pub sessions: BTreeMap<String, SessionState>,
    pub invoked: Option<Invocation>,
    pub load: Option<LoadState>,
    /// What the runner wrote and put aside, by journal entry.
    #[serde(with = "pairs")]
    pub journal: BTreeMap<u64, JournalState>,
    pub distance: Option<Distance>,
    /// The chapter that `hunks` counts in, and which of its hunks are in the working directory.
    pub hunks_chapter: Option<u32>,
    pub hunks: BTreeSet<(String, usize)>,
    pub pacing: Pacing,
    /// What things took before, milliseconds: resource types, `deploy`, …
    pub usual: BTreeMap<String, u64>,
    pub refused: Option<Refusal>,
    /// Newest last.
    pub troubles: Vec<Problem>,
    /// Lines left out of the stream so far.
    pub lines_dropped: u64,
    pub closed: Option<Verdict>,
}

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
    /// Why the connection ended, and whether a transaction was lost with it.
    pub lost: Option<(String, bool)>,
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub at: u64,
    pub command: String,
    pub reason: String,
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

impl Progress {
    /// Takes one event in. Never fails: an event that speaks of something unknown makes it known.
    pub fn apply(&mut self, event: &Event) {
        // The run ended without a `Closed` when `Opened` comes again: count its time up to its last sign of life.
        let last = self.at;
        self.seq = event.seq;
        self.at = event.at;
        let at = event.at;
        match &event.kind {
            EventKind::Opened { title, target, workdir, position } => {
                self.settle(last);
                self.break_off();
                self.title = title.clone();
                self.target = Some(*target);
                self.workdir = Some(workdir.clone());
                self.closed = None;
                self.enter(position, at);
            }
            EventKind::Restored { progress } => {
                let (title, target, workdir) = (self.title.clone(), self.target, self.workdir.clone());
                let position = self.position.clone();
                *self = (**progress).clone();
                self.settle(self.at);
                self.break_off();
                (self.title, self.target, self.workdir) = (title, target, workdir);
                (self.seq, self.at, self.closed) = (event.seq, at, None);
                self.tasks.clear();
                self.preflight.clear();
                self.pacing.paused = false;
                if let Some(position) = position {
                    self.enter(&position, at);
                }
            }
            EventKind::Moved { position } => self.enter(position, at),
            EventKind::Located { files, stack, database } => {
                self.located = Some(Located { files: files.clone(), stack: stack.clone(), database: database.clone() });
            }
            EventKind::DeployFound { status } => self.deploy_found = Some(status.clone()),
            EventKind::Preparing { task, label, done, total, unit } => {
                let state = self.task(*task, at);
                state.label = label.clone();
                (state.done, state.total) = (*done, *total);
                state.unit = unit.clone();
            }
            EventKind::Prepared { task, took_ms } => self.task(*task, at).took_ms = Some(*took_ms),
            EventKind::PrepareFailed { task, problem } => self.task(*task, at).problem = Some(problem.clone()),
            EventKind::Preflight { name, verdict, found, fix } => {
                let new =
                    Prerequisite { name: name.clone(), verdict: *verdict, found: found.clone(), fix: fix.clone() };
                match self.preflight.iter_mut().find(|p| p.name == *name) {
                    Some(old) => *old = new,
                    None => self.preflight.push(new),
                }
            }
            EventKind::StepStarted { at_step, attempt, action, expects_failure, usual_ms } => {
                self.running = Some(at_step.clone());
                self.steps.insert(
                    at_step.clone(),
                    StepState {
                        attempt: *attempt,
                        action: *action,
                        expects_failure: *expects_failure,
                        usual_ms: *usual_ms,
                        started: at,
                        verdict: None,
                        took_ms: None,
                        failure: None,
                    },
                );
                if *action == ActionKind::Deploy {
                    self.deploy_found = None;
                    self.deploy = Some(DeployState::new(at_step, at, *usual_ms));
                }
            }
            EventKind::StepFinished { at_step, attempt: _, verdict, took_ms, failure } => {
                if self.running.as_ref() == Some(at_step) {
                    self.running = None;
                }
                if let Some(step) = self.steps.get_mut(at_step) {
                    step.verdict = Some(*verdict);
                    step.took_ms = Some(*took_ms);
                    step.failure = failure.clone();
                    if step.action == ActionKind::Deploy && *verdict == Verdict::Pass {
                        self.usual.insert(usual_key(at_step), *took_ms);
                    }
                }
            }
            EventKind::Output { .. } | EventKind::SqlText { .. } | EventKind::Completions { .. } => {}
            EventKind::OutputDropped { count } => self.lines_dropped += count,
            EventKind::FilesWritten { at_step, files, journal } => {
                let what = Journaled::Written(files.clone());
                self.journal.insert(*journal, JournalState { at, at_step: at_step.clone(), what, restored: false });
            }
            EventKind::EditsKept { files, journal } => {
                let what = Journaled::Kept(files.clone());
                let at_step = self.running.clone();
                self.journal.insert(*journal, JournalState { at, at_step, what, restored: false });
            }
            EventKind::EditsRestored { files: _, journal } => {
                if let Some(entry) = self.journal.get_mut(journal) {
                    entry.restored = true;
                }
            }
            EventKind::Distance { chapter, hunks_to_go, files } => {
                self.distance = Some(Distance { chapter: *chapter, hunks_to_go: *hunks_to_go, files: files.clone() });
            }
            EventKind::HunksApplied { chapter, hunks } => {
                self.hunks_chapter = Some(*chapter);
                self.hunks = hunks.iter().cloned().collect();
            }
            EventKind::PhaseStarted { at_step, phase } => {
                self.deploy_of(at_step, at).phases.push(PhaseState { phase: *phase, started: at, took_ms: None });
            }
            EventKind::PhaseFinished { at_step, phase, took_ms } => {
                let deploy = self.deploy_of(at_step, at);
                if let Some(state) = deploy.phases.iter_mut().rev().find(|p| p.phase == *phase) {
                    state.took_ms = Some(*took_ms);
                }
            }
            EventKind::ResourceChanged { at_step, resource } => {
                if let Some(ended) = resource.ended
                    && resource.is_complete()
                {
                    self.usual.insert(resource.resource_type.clone(), ended.saturating_sub(resource.started));
                }
                self.deploy_of(at_step, at).take(resource);
            }
            EventKind::RootCause { at_step, logical_id, reason } => {
                let deploy = self.deploy_of(at_step, at);
                deploy.root_cause = Some((logical_id.clone(), reason.clone()));
                deploy.arrange();
            }
            EventKind::StackOutput { key, value, description } => {
                self.outputs.insert(key.clone(), Output { value: value.clone(), description: description.clone() });
            }
            EventKind::SessionOpened { session, role, host } => {
                let state = self.session(session);
                state.role = role.clone();
                state.host = host.clone();
                state.open = true;
                state.tx = TxState::Idle;
                state.lost = None;
            }
            EventKind::SessionLost { session, transaction_lost, reason } => {
                let state = self.session(session);
                state.open = false;
                state.tx = if *transaction_lost { TxState::Unknown } else { TxState::Idle };
                state.running = None;
                state.lost = Some((reason.clone(), *transaction_lost));
            }
            EventKind::SqlStarted { id, session, text } => {
                self.session(session).running = Some(SqlRunning { id: *id, text: text.clone(), started: at });
            }
            EventKind::SqlFinished { id, session, tx, rows: _, took_ms: _, error } => {
                let state = self.session(session);
                state.tx = *tx;
                state.last_error = error.clone();
                if state.running.as_ref().is_some_and(|r| r.id == *id) {
                    state.running = None;
                }
            }
            EventKind::Invoked { at_step, payload, response, function_error, log_tail, took_ms } => {
                self.invoked = Some(Invocation {
                    at_step: at_step.clone(),
                    payload: payload.clone(),
                    response: response.clone(),
                    function_error: function_error.clone(),
                    log_tail: log_tail.clone(),
                    took_ms: *took_ms,
                });
            }
            EventKind::LoadProgress { at_step, done, failed, total, per_second, p50_ms, p99_ms } => {
                self.load = Some(LoadState {
                    at_step: at_step.clone(),
                    done: *done,
                    failed: *failed,
                    total: *total,
                    per_second: *per_second,
                    p50_ms: *p50_ms,
                    p99_ms: *p99_ms,
                });
            }
            EventKind::Captured { name, value } => {
                self.captures.insert(name.clone(), value.clone());
            }
            EventKind::CheckStarted { at_check, title, attempt } => {
                let started = match self.checks.get(at_check) {
                    Some(check) if check.verdict.is_none() => check.started,
                    _ => at,
                };
                self.checks.insert(
                    at_check.clone(),
                    CheckState {
                        title: title.clone(),
                        attempts: *attempt,
                        started,
                        verdict: None,
                        took_ms: None,
                        failure: None,
                    },
                );
            }
            EventKind::CheckFinished { at_check, title, verdict, attempts, took_ms, failure } => {
                let started = self.checks.get(at_check).map_or(at, |c| c.started);
                self.checks.insert(
                    at_check.clone(),
                    CheckState {
                        title: title.clone(),
                        attempts: *attempts,
                        started,
                        verdict: Some(*verdict),
                        took_ms: Some(*took_ms),
                        failure: failure.clone(),
                    },
                );
            }
            EventKind::ChecksFinished => {}
            // An answer to one who asked, not kept in the record: the state must not depend on it.
            EventKind::Diff { .. } => {}
            EventKind::Paused => {
                self.settle(at);
                self.pacing.paused = true;
            }
            EventKind::Resumed => {
                self.pacing.paused = false;
                self.pacing.since = Some(at);
            }
            EventKind::Refused { command, reason } => {
                self.refused = Some(Refusal { at, command: command.clone(), reason: reason.clone() });
            }
            EventKind::Trouble { problem } => {
                self.troubles.push(problem.clone());
                if self.troubles.len() > KEPT {
                    self.troubles.remove(0);
                }
            }
            EventKind::Detached { at_step } => {
                self.deploy_of(at_step, at).detached = true;
                if self.running.as_ref() == Some(at_step) {
                    self.running = None;
                }
            }
            EventKind::ChapterFinished { chapter, verdict, took_ms } => {
                self.chapters.insert(*chapter, ChapterState { verdict: *verdict, took_ms: *took_ms });
            }
            EventKind::Closed { verdict, kind: _ } => {
                self.settle(at);
                self.break_off();
                self.closed = Some(*verdict);
            }
        }
    }

    /// Milliseconds spent on a step until `now`.
    pub fn spent_on_step(&self, step: &StepRef, now: u64) -> u64 {
        let settled = self.pacing.spent.get(step).copied().unwrap_or(0);
        let here = self.position.as_ref().is_some_and(|p| p.chapter == step.chapter && p.step == step.step);
        match self.pacing.since {
            Some(since) if here => settled + now.saturating_sub(since),
            _ => settled,
        }
    }

    /// Milliseconds spent in a chapter until `now`.
    pub fn spent_on_chapter(&self, chapter: u32, now: u64) -> u64 {
        let settled: u64 = self.pacing.spent.iter().filter(|(s, _)| s.chapter == chapter).map(|(_, ms)| ms).sum();
        match (self.pacing.since, &self.position) {
            (Some(since), Some(position)) if position.chapter == chapter => settled + now.saturating_sub(since),
            _ => settled,
        }
    }

    /// Whether a step is at its end and the lesson goes on from it.
    pub fn is_done(&self, step: &StepRef) -> bool {
        self.steps.get(step).and_then(|s| s.verdict).is_some_and(Verdict::is_good)
    }

    /// Whether a step was begun and broken off: by a crash, by leaving, by a detach.
    pub fn is_broken_off(&self, step: &StepRef) -> bool {
        self.running.as_ref() != Some(step) && self.steps.get(step).is_some_and(|s| s.verdict.is_none())
    }

    fn enter(&mut self, position: &Position, at: u64) {
        self.settle(at);
        self.position = Some(position.clone());
        self.pacing.began.get_or_insert(at);
        if !self.pacing.paused {
            self.pacing.since = Some(at);
        }
    }

    /// Books the time that the current step's clock has run.
    fn settle(&mut self, at: u64) {
        let Some(since) = self.pacing.since.take() else { return };
        if let Some(position) = &self.position {
            let step = StepRef { chapter: position.chapter, step: position.step.clone() };
            *self.pacing.spent.entry(step).or_default() += at.saturating_sub(since);
        }
    }

    /// What cannot outlive a run: the running step, open connections, unfinished work.
    fn break_off(&mut self) {
        self.running = None;
        self.checks.retain(|_, check| check.verdict.is_some());
        self.tasks.retain(|_, task| !task.is_running());
        for session in self.sessions.values_mut().filter(|s| s.open) {
            let lost = session.tx != TxState::Idle;
            session.open = false;
            session.running = None;
            session.tx = if lost { TxState::Unknown } else { TxState::Idle };
            session.lost = Some((ENDED.to_owned(), lost));
        }
    }

    fn task(&mut self, task: Task, at: u64) -> &mut TaskState {
        let state = self.tasks.entry(task).or_insert_with(|| TaskState::new(at));
        if !state.is_running() {
            *state = TaskState::new(at);
        }
        state
    }

    fn session(&mut self, name: &str) -> &mut SessionState {
        self.sessions.entry(name.to_owned()).or_insert_with(|| SessionState {
            role: String::new(),
            host: String::new(),
            open: false,
            tx: TxState::Idle,
            running: None,
            last_error: None,
            lost: None,
        })
    }

    fn deploy_of(&mut self, step: &StepRef, at: u64) -> &mut DeployState {
        if self.deploy.as_ref().is_none_or(|d| d.at_step != *step) {
            self.deploy = Some(DeployState::new(step, at, None));
        }
        self.deploy.get_or_insert_with(|| DeployState::new(step, at, None))
    }
}

/// Under which name [`Progress::usual`] remembers how long a step took.
pub fn usual_key(step: &StepRef) -> String {
    format!("step {}/{}", step.chapter, step.step)
}

impl TaskState {
    fn new(at: u64) -> Self {
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

impl Resource {
    pub fn is_in_progress(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS")
    }
    pub fn is_failed(&self) -> bool {
        self.status.ends_with("_FAILED")
    }
    pub fn is_complete(&self) -> bool {
        self.status.ends_with("_COMPLETE")
    }
    /// The event of the stack itself, which is listed among its resources.
    pub fn is_stack(&self) -> bool {
        self.resource_type == "AWS::CloudFormation::Stack"
    }
}

impl DeployState {
    fn new(at_step: &StepRef, started: u64, usual_ms: Option<u64>) -> Self {
        DeployState {
            at_step: at_step.clone(),
            started,
            usual_ms,
            phases: Vec::new(),
            stack: None,
            resources: Vec::new(),
            root_cause: None,
            detached: false,
        }
    }

    fn take(&mut self, resource: &Resource) {
        if resource.is_stack() {
            self.stack = Some(resource.clone());
            return;
        }
        match self.resources.iter_mut().find(|r| r.logical_id == resource.logical_id) {
            Some(old) => *old = resource.clone(),
            None => self.resources.push(resource.clone()),
        }
        self.arrange();
    }

    fn arrange(&mut self) {
        let root = self.root_cause.as_ref().map(|(id, _)| id.clone());
        self.resources.sort_by_key(|r| {
            let rank = match r {
                r if root.as_ref() == Some(&r.logical_id) => 0,
                r if r.is_failed() => 1,
                r if r.is_in_progress() => 3,
                _ => 2,
            };
            (rank, if rank == 3 { r.started } else { r.ended.unwrap_or(r.started) })
        });
    }
}

/// Maps whose keys are not strings, written as lists of pairs: JSON has string keys only.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}

const ENDED: &str = "the workshop was closed";
