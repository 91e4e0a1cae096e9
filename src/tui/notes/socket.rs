//! The socket between the two terminals.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use workshop_engine::progress::Progress;

/// All that the first terminal tells: a line of JSON each time something has changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Published {
    pub progress: Progress,
    /// Somebody presents, and is led past what learners take by themselves.
    pub presents: bool,
}

/// Returns where the state is published.
pub fn path_in(workdir: &Path) -> PathBuf {
    workdir.join(".workshop/notes.sock")
}
