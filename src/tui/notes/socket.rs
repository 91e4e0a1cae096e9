//! The socket between the two terminals.

use std::path::{Path, PathBuf};

/// Returns where the state is published.
pub fn path_in(workdir: &Path) -> PathBuf {
    workdir.join(".workshop/notes.sock")
}
