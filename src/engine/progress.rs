//! The state of a workshop: a fold over its events, held alike by the TUI, the reporters and the saved session.
//!
//! Invariant: nothing in here comes from anywhere but [`Progress::apply`]; the same events give the same state,
//! and every beginning of a run is a valid state. Streams of text (child output, console rows, logs) are not
//! state: whoever shows them keeps as much of them as it likes.

mod deploy;
mod fold;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::event::{CheckRef, Position, StepRef, Task, Verdict, Whereabouts};
pub use deploy::is_in_progress;
pub use state::*;
use workshop_base::problem::Problem;
use workshop_course::lesson::model::{Chapter, EditHunk, Step, StepAction, StepExpect, Target};

/// All that a front end needs to draw, from events alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Number and time of the newest event.
    pub seq: u64,
    pub at: u64,
    pub title: String,
    pub target: Option<Target>,
    /// Where the target was when it answered last.
    pub reached: Option<Whereabouts>,
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
    /// Newest last.
    pub troubles: Vec<Problem>,
    /// Lines left out of the stream so far.
    pub lines_dropped: u64,
    pub closed: Option<Verdict>,
}

impl Progress {
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

    /// Where the repair of a step that is meant to fail begins: the first step after it, up to the one that the lesson
    /// names, that has not been done. None for a step that is not meant to fail.
    pub fn repair<'a>(&self, chapter: &'a Chapter, step: &Step) -> Option<&'a Step> {
        let StepExpect::Failure(failure) = &step.expect else { return None };
        let index = |id: &str| chapter.steps.iter().position(|s| s.id == id);
        let repair = &chapter.steps[index(&step.id)? + 1..=index(&failure.repaired_by)?];
        let done = |s: &&Step| self.is_settled(&StepRef { chapter: chapter.number, step: s.id.clone() }, s);
        repair.iter().find(|s| !done(s)).or(repair.last())
    }

    /// Whether there is nothing left to do at a step. An edit that went well once and is not in the files now, after
    /// going back, is there to be made again.
    pub fn is_settled(&self, here: &StepRef, step: &Step) -> bool {
        let again = match &step.action {
            StepAction::Read => return true,
            StepAction::Edit(edit) => {
                let known = self.hunks_chapter == Some(here.chapter);
                let there = |hunk: &EditHunk| self.hunks.contains(&(hunk.file.clone(), hunk.index));
                known && !edit.hunks.iter().all(there)
            }
            StepAction::Deploy(_)
            | StepAction::Sql(_)
            | StepAction::Shell(_)
            | StepAction::Invoke(_)
            | StepAction::Check(_)
            | StepAction::Load(_) => false,
        };
        self.is_done(here) && !again
    }

    /// Whether a step was begun and broken off: by a crash, by leaving, by a detach.
    pub fn is_broken_off(&self, step: &StepRef) -> bool {
        self.running.as_ref() != Some(step) && self.steps.get(step).is_some_and(|s| s.verdict.is_none())
    }
}

/// Under which name [`Progress::usual`] remembers how long a step took.
pub fn usual_key(step: &StepRef) -> String {
    format!("step {}/{}", step.chapter, step.step)
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
