//! The state of a workshop: a fold over its events, held alike by the TUI, the reporters and the saved session.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::*;

/// All that a front end needs to draw, from events alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    pub position: Option<Position>,
    pub steps: BTreeMap<StepRef, StepState>,
    pub checks: BTreeMap<CheckRef, CheckState>,
    pub outputs: BTreeMap<String, String>,
    /// The step that runs now.
    pub running: Option<StepRef>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepState {
    pub attempt: u32,
    pub started: u64,
    /// None while it runs.
    pub verdict: Option<Verdict>,
    pub took_ms: Option<u64>,
    pub failure: Option<Failure>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckState {
    pub title: String,
    pub attempts: u32,
    pub verdict: Option<Verdict>,
    pub took_ms: Option<u64>,
    pub failure: Option<Failure>,
}
