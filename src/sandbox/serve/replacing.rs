//! The state replaced as a whole: by one that was saved, or by nothing, also where a process was killed in the middle of it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::aws::{Cloud, StateError};
use crate::postgres::Servers;
use crate::state::{SandboxPaths, path_problem};
use workshop_base::copy_tree::copy_tree;
use workshop_base::problem::{Problem, Result};

/// The directories in which a state is being made: the endpoint's, beside its own, and one that is saved, beside the others.
const MAKING: &str = "cloud.making";
pub(super) const BEING_SAVED: &str = ".making";

/// Replaces the state by what is saved under a name. Nothing else may be under way.
///
/// # Errors
/// When there is nothing of that name, or it is damaged, and when the disk refuses it.
pub(super) async fn put_back(places: &SandboxPaths, name: &str, cloud: &Arc<Cloud>, servers: &Servers) -> Result<()> {
    let from = places.saved().join(name);
    if !from.is_dir() {
        return Err(Problem::usage(format!("nothing is saved as `{name}`"))
            .hint("`workshop sandbox status` lists what is saved"));
    }
    let unusable = |why: &str| {
        Problem::environment(format!("what is saved as `{name}` {why}")).hint("restore another one, or save it anew")
    };
    if !["cloud", "postgres"].iter().all(|part| from.join(part).is_dir()) {
        return Err(unusable("is damaged"));
    }
    let beside = places.state.join(MAKING);
    clear(&beside)?;
    let half = Half(&beside);
    copy_tree(&from.join("cloud"), &beside, &|_| true).map_err(|error| path_problem(&beside, &error))?;
    // Before anything takes the place of what there is.
    match Cloud::holds_state(&beside) {
        Ok(true) => {}
        Ok(false) | Err(StateError::Damaged { .. }) => return Err(unusable("is damaged")),
        Err(StateError::Format { .. }) => return Err(unusable("was saved by another version of the workshop")),
        Err(error @ StateError::Io { .. }) => return Err(error.into()),
    }
    note(places, name)?;
    servers.restore(&from.join("postgres")).await?;
    replace(half.0, &places.cloud())?;
    cloud.reload().await?;
    Ok(())
}

/// Replaces the state by nothing. Nothing else may be under way.
///
/// # Errors
/// When the disk refuses it.
pub(super) async fn empty(places: &SandboxPaths, cloud: &Arc<Cloud>, servers: &Servers) -> Result<()> {
    note(places, "")?;
    cloud.clear().await?;
    servers.clear().await?;
    Ok(())
}

/// Ends what a process that was killed had begun: databases and endpoint were to be replaced together, and may be of two
/// states.
///
/// # Errors
/// When that cannot be done now, as the disk is full, say: it is tried again at the next start. What was saved and is there no
/// more, or is damaged, is given up.
pub(super) async fn finish_replacing(places: &SandboxPaths, cloud: &Arc<Cloud>, servers: &Servers) -> Result<()> {
    for half in [places.state.join(MAKING), places.saved().join(BEING_SAVED)] {
        // What cannot be deleted now is next time.
        let _ = clear(&half);
    }
    let Some(name) = places.being_replaced() else { return Ok(()) };
    tracing::warn!(name, "the state was being replaced when the sandbox was killed; that is done now");
    match name.as_str() {
        "" => empty(places, cloud, servers).await?,
        name if is_whole(places, name) => put_back(places, name, cloud, servers).await?,
        name => tracing::error!(name, "what was being brought back is there no more, or damaged"),
    }
    places.forget_replacing();
    Ok(())
}

/// Tells if a state of that name is saved that can be brought back.
fn is_whole(places: &SandboxPaths, name: &str) -> bool {
    let from = places.saved().join(name);
    name_is_fine(name) && from.join("postgres").is_dir() && matches!(Cloud::holds_state(&from.join("cloud")), Ok(true))
}

/// Says on the disk that the state is being replaced by what is saved under a name; empty: by nothing.
fn note(places: &SandboxPaths, name: &str) -> Result<()> {
    places.note_replacing(name).map_err(|error| path_problem(&places.state, &error))
}

/// A directory that is being made beside, until it takes its place. Half of it is of no use, and fills a disk that may be full for
/// that very reason.
pub(super) struct Half<'a>(pub(super) &'a Path);

impl Drop for Half<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0);
    }
}

/// Tells if a saved state may be called so: a plain file name of at most 64 characters.
pub(super) fn name_is_fine(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.chars().all(plain)
}

/// Deletes a directory with all that is in it, if it is there.
pub(super) fn clear(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(path_problem(dir, &error)),
        _ => Ok(()),
    }
}

/// Puts a directory where another one may be. Whatever fails, one of the two is there.
pub(super) fn replace(new: &Path, at: &Path) -> Result<()> {
    // In one step, where the file system has that: a process that is killed between two would leave none of them.
    if renameat_with(CWD, new, CWD, at, RenameFlags::EXCHANGE).is_ok() {
        let _ = fs::remove_dir_all(new);
        return Ok(());
    }
    let old = at.with_file_name(".old");
    clear(&old)?;
    let had = at.exists();
    if had {
        fs::rename(at, &old).map_err(|error| path_problem(at, &error))?;
    }
    if let Err(error) = fs::rename(new, at) {
        if had {
            let _ = fs::rename(&old, at);
        }
        return Err(path_problem(at, &error));
    }
    // What cannot be deleted now is next time.
    let _ = fs::remove_dir_all(&old);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_saved_states_are_file_names() {
        assert!(name_is_fine("chapter-3"));
        for wrong in ["", ".making", "../x", "a/b", "ä"] {
            assert!(!name_is_fine(wrong), "{wrong}");
        }
    }
}
