//! The state of a hunk in a learner's file.

use serde::{Deserialize, Serialize};

/// The state of a hunk in a learner's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HunkState {
    /// The lines are as before the hunk.
    Pending,
    /// The lines are as after the hunk.
    Applied,
    /// The lines are neither: the learner changed them.
    Conflict,
}

/// A hunk whose lines the learner has changed. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` has other lines where change {} belongs", hunk + 1)]
pub struct Conflict {
    pub path: String,
    /// Index of the hunk in its file.
    pub hunk: usize,
}
