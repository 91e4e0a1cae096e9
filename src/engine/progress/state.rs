//! The parts of the state: plain data, each as the newest events told it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::pairs;
use crate::aws::stack::TOOLKIT;
use crate::cloud::millis;
use crate::command::BringTo;
use crate::model::{
    Attempt, ChapterMatch, CheckRef, DEPLOY_AGAIN, Failure, FileChange, OwnHunk, Phase, Position, Preparation,
    ProcessEnd, RUN_AGAIN, Resource, SqlPrompts, StandbyState, StepRef, TargetId, TypeProblem, Verdict,
};
use workshop_base::problem::Problem;
use workshop_course::lesson::model::{ActionKind, Chapter, EditHunk, Step, StepAction, StepExpect, Target};
use workshop_psql::report::{Loss, SqlError, TxState};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    pub files: ChapterMatch,
    pub stack: ChapterMatch,
    pub database: ChapterMatch,
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
    /// Tells whether it is neither over nor failed.
    pub fn is_running(&self) -> bool {
        self.took_ms.is_none() && self.problem.is_none()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrerequisiteState {
    pub name: String,
    pub verdict: Verdict,
    pub found: String,
    pub fix: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepState {
    pub attempt: u32,
    /// It had been done, or at least tried again, before this run of it.
    #[serde(default)]
    pub was_done: bool,
    pub action: ActionKind,
    pub expects_failure: bool,
    pub usual_ms: Option<u64>,
    pub started: u64,
    /// None while it runs; or, when `running` names another step or none, it was broken off.
    pub verdict: Option<Verdict>,
    pub took_ms: Option<u64>,
    pub failure: Option<Failure>,
}

/// A step that is walked statement by statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepThrough {
    pub at_step: StepRef,
    /// The statement that is run next, from 0; while the step runs, the one that runs.
    pub next: usize,
    pub total: usize,
}

/// How far everything has been brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BringState {
    pub to: BringTo,
    /// Milliseconds since 1970-01-01 UTC.
    pub started: u64,
    pub done: u32,
    pub total: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckState {
    pub title: String,
    pub attempts: u32,
    /// The attempts so far, the newest last; of several that came to the same one after the other, the last.
    #[serde(default)]
    pub tries: Vec<Attempt>,
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
    /// The compiler's objections; None until it has looked.
    #[serde(default)]
    pub types: Option<Vec<TypeProblem>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseState {
    pub phase: Phase,
    pub started: u64,
    pub took_ms: Option<u64>,
    /// The deploy came no further.
    #[serde(default)]
    pub failed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputState {
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
    /// The prompts for what is typed next, once it has said them.
    #[serde(default)]
    pub prompts: Option<SqlPrompts>,
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
pub struct InvocationState {
    pub at_step: Option<StepRef>,
    pub payload: String,
    pub response: String,
    pub function_error: Option<String>,
    pub log_tail: Vec<String>,
    pub took_ms: u64,
}

/// A long-running process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedState {
    pub at_step: StepRef,
    pub command: String,
    pub started: u64,
    /// By what it was seen to be ready, once it is.
    pub ready: Option<String>,
    pub ended: Option<ProcessEnd>,
}

impl ServedState {
    /// Tells whether it has not ended.
    pub fn is_running(&self) -> bool {
        self.ended.is_none()
    }
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
    #[serde(default)]
    pub function_p50_ms: Option<f64>,
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

/// The time spent on each step. Time accumulates: going back continues a step's clock. A pause and the time
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
    /// Milliseconds that steps took when they were last done, before the clock began again for them.
    #[serde(with = "pairs")]
    pub last: BTreeMap<StepRef, u64>,
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

/// All that a front end needs to draw, from events alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Number and time of the newest event.
    pub seq: u64,
    pub at: u64,
    pub title: String,
    pub target: Option<Target>,
    /// The target as it answered last.
    pub reached: Option<TargetId>,
    pub workdir: Option<PathBuf>,
    pub position: Option<Position>,
    pub located: Option<Located>,
    /// Background work, by what it is.
    pub tasks: BTreeMap<Preparation, TaskState>,
    /// In the order in which they were looked at.
    pub preflight: Vec<PrerequisiteState>,
    /// The step that runs now.
    pub running: Option<StepRef>,
    /// The step that is being walked statement by statement, running or waiting.
    pub stepping: Option<StepThrough>,
    /// Everything is being brought to where a chapter begins.
    pub bringing: Option<BringState>,
    #[serde(with = "pairs")]
    pub steps: BTreeMap<StepRef, StepState>,
    #[serde(with = "pairs")]
    pub checks: BTreeMap<CheckRef, CheckState>,
    #[serde(with = "pairs")]
    pub chapters: BTreeMap<u32, ChapterState>,
    /// The newest deploy, running or over.
    pub deploy: Option<DeployState>,
    /// The deploy before it, as far as it came.
    pub deploy_before: Option<DeployState>,
    /// The status of a stack that changes without us.
    pub deploy_found: Option<String>,
    pub outputs: BTreeMap<String, OutputState>,
    pub captures: BTreeMap<String, serde_json::Value>,
    /// The conditions that the target is under, one thing each.
    pub conditions: Vec<String>,
    pub sessions: BTreeMap<String, SessionState>,
    /// Long-running processes by name, those that have ended among them.
    pub served: BTreeMap<String, ServedState>,
    pub invoked: Option<InvocationState>,
    pub load: Option<LoadState>,
    /// The files that the runner wrote and put aside, by journal entry.
    #[serde(with = "pairs")]
    pub journal: BTreeMap<u64, JournalState>,
    pub distance: Option<Distance>,
    /// The files that are not as they were deployed.
    pub undeployed: Vec<String>,
    /// The chapter that `hunks` counts in, and which of its hunks are in the working directory.
    pub hunks_chapter: Option<u32>,
    pub hunks: BTreeSet<(String, usize)>,
    /// Those in whose place there are lines of the learner's own.
    pub own_hunks: Vec<OwnHunk>,
    pub pacing: Pacing,
    /// Milliseconds that things took before: resource types, `deploy`, …
    pub usual: BTreeMap<String, u64>,
    /// What is wrong with the course as its author is writing it, while the run goes on with it as it was.
    pub course_problems: Vec<Problem>,
    /// Newest last.
    pub troubles: Vec<Problem>,
    /// Lines left out of the stream so far.
    pub lines_dropped: u64,
    pub closed: Option<Verdict>,
    /// The standby that follows; None: none does.
    pub standby: Option<StandbyState>,
    /// The talk is on the standby.
    pub on_standby: bool,
    /// Why the account cannot be reached, as long as it cannot.
    pub account_gone: Option<Problem>,
}

impl Progress {
    /// Returns the milliseconds that a step usually takes: what it took before, what the lesson plans for it, or, of a
    /// deploy, what the newest one took.
    pub fn usual_of(&self, at_step: &StepRef, step: &Step) -> Option<u64> {
        let before = self.usual.get(&usual_key(at_step)).copied();
        let planned = || self.target_in_use().and_then(|target| step.wait.on(target)).map(millis);
        let deploy = || self.usual.get(USUAL_DEPLOY).copied().filter(|_| step.action.kind() == ActionKind::Deploy);
        before.or_else(planned).or_else(deploy)
    }

    /// Returns the target that steps run on: the sandbox, too, where a talk in an account is on its standby.
    pub fn target_in_use(&self) -> Option<Target> {
        if self.on_standby { Some(Target::Local) } else { self.target }
    }

    /// Keeps which files are not as they were deployed; once all are, what was to be done about that in older failures goes.
    pub(super) fn keep_undeployed(&mut self, files: &[String]) {
        self.undeployed = files.to_vec();
        if !files.is_empty() {
            return;
        }
        // What was to be done about an older failure has been done.
        let steps = self.steps.values_mut().filter_map(|step| step.failure.as_mut());
        let failures = steps.chain(self.checks.values_mut().filter_map(|check| check.failure.as_mut()));
        for hint in failures.flat_map(|failure| &mut failure.hints).filter(|hint| hint.ends_with(DEPLOY_AGAIN)) {
            *hint = RUN_AGAIN.to_owned();
        }
    }

    /// Keeps what a step took, and of a deploy for others. What a bootstrap took tells nothing of others, nor does one that
    /// changed nothing.
    pub(super) fn keep_usual(&mut self, at_step: &StepRef, action: ActionKind, took_ms: u64) {
        if action == ActionKind::Deploy {
            let stack = self.deploy.as_ref().and_then(|deploy| deploy.stack.as_ref());
            let Some(stack) = stack else { return };
            if stack.logical_id != TOOLKIT {
                self.usual.insert(USUAL_DEPLOY.to_owned(), took_ms);
            }
        }
        self.usual.insert(usual_key(at_step), took_ms);
    }

    /// Tells whether a step is at its end and the lesson goes on from it.
    pub fn is_done(&self, step: &StepRef) -> bool {
        self.steps.get(step).and_then(|s| s.verdict).is_some_and(Verdict::is_good)
    }

    /// Tells whether what a step does is there: it was done, or tried once more in vain. A talk that was here has left what it
    /// did: a refusal that is repaired, rows that are there already. But what a deploy brings has to come.
    pub fn has_effect(&self, at_step: &StepRef) -> bool {
        self.steps.get(at_step).is_some_and(|step| match step.verdict {
            Some(Verdict::PassedUnexpectedly) => true,
            Some(verdict) => verdict.is_good() || step.was_done && step.action != ActionKind::Deploy,
            None => false,
        })
    }

    /// Finds where the repair of a step that is meant to fail begins: the first step after it, up to the one that the lesson
    /// names, that has not been done. None for a step that is not meant to fail.
    pub fn repair<'a>(&self, chapter: &'a Chapter, step: &Step) -> Option<&'a Step> {
        let StepExpect::Failure(failure) = &step.expect else { return None };
        let index = |id: &str| chapter.steps.iter().position(|s| s.id == id);
        let repair = &chapter.steps[index(&step.id)? + 1..=index(&failure.repaired_by)?];
        let done = |s: &&Step| self.is_settled(&StepRef { chapter: chapter.number, step: s.id.clone() }, s);
        repair.iter().find(|s| !done(s)).or(repair.last())
    }

    /// Tells whether there is nothing left to do at a step. An edit that went well once and is not in the files now, after
    /// going back, is there to be made again.
    pub fn is_settled(&self, here: &StepRef, step: &Step) -> bool {
        let again = match &step.action {
            StepAction::Read => return true,
            StepAction::Edit(edit) => {
                let known = self.hunks_chapter == Some(here.chapter);
                // Lines of the learner's own in its place are what the step went well with.
                let own =
                    |hunk: &EditHunk| self.own_hunks.iter().any(|own| own.index == hunk.index && own.file == hunk.file);
                let there = |hunk: &EditHunk| self.hunks.contains(&(hunk.file.clone(), hunk.index)) || own(hunk);
                known && !edit.hunks.iter().all(there)
            }
            // One that has ended meanwhile is there to be started again.
            StepAction::Serve(serve) => !self.served.get(&serve.name).is_some_and(ServedState::is_running),
            StepAction::Deploy(_)
            | StepAction::Stop(_)
            | StepAction::Sql(_)
            | StepAction::Shell(_)
            | StepAction::Invoke(_)
            | StepAction::Check(_)
            | StepAction::Load(_)
            | StepAction::Simulate(_) => false,
        };
        self.is_done(here) && !again
    }

    /// Tells whether a step was begun and broken off: by a crash, by leaving, by a detach.
    pub fn is_broken_off(&self, step: &StepRef) -> bool {
        let waits = self.stepping.as_ref().is_some_and(|stepping| stepping.at_step == *step);
        !waits && self.running.as_ref() != Some(step) && self.steps.get(step).is_some_and(|s| s.verdict.is_none())
    }
}

/// Under which name [`Progress::usual`] remembers how long a step took.
pub fn usual_key(step: &StepRef) -> String {
    format!("step {}/{}", step.chapter, step.step)
}

/// Under which name [`Progress::usual`] remembers how long the newest deploy took, whichever step's.
const USUAL_DEPLOY: &str = "deploy";
