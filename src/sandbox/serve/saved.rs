//! The whole state under a name: saved, and brought back.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::services::{GRACE, Services};
use crate::aws::{Cloud, StateError};
use crate::state::{SandboxPaths, path_problem};
use workshop_base::copy_tree::copy_tree;
use workshop_base::problem::{Problem, Result};

/// Time that a cluster has to be there, or to be gone, before somebody is told to come again.
const SETTLING: Duration = Duration::from_secs(15);

impl Services {
    /// Saves the whole state under a name.
    ///
    /// # Errors
    /// When the name is no file name, something is under way, or the disk is full; an older one of that name is still there then.
    pub(super) async fn save(&self, places: &SandboxPaths, name: &str) -> Result<()> {
        let _still = self.still(name).await?;
        let (to, beside) = (places.saved().join(name), places.saved().join(".making"));
        clear(&beside)?;
        let half = Half(&beside);
        fs::create_dir_all(&beside).map_err(|error| path_problem(&beside, &error))?;
        self.cloud.save()?;
        self.servers.save(&beside.join("postgres")).await?;
        copy_tree(&places.cloud(), &beside.join("cloud"), &|_| true).map_err(|error| path_problem(&beside, &error))?;
        replace(half.0, &to)
    }

    /// Brings a saved state back.
    ///
    /// # Errors
    /// When there is none of that name, it is damaged, or something is under way.
    pub(super) async fn restore(&self, places: &SandboxPaths, name: &str) -> Result<()> {
        let _still = self.still(name).await?;
        let from = places.saved().join(name);
        if !from.is_dir() {
            return Err(Problem::usage(format!("nothing is saved as `{name}`"))
                .hint("`workshop sandbox status` lists what is saved"));
        }
        let unusable = |why: &str| {
            Problem::environment(format!("what is saved as `{name}` {why}"))
                .hint("restore another one, or save it anew")
        };
        if !["cloud", "postgres"].iter().all(|part| from.join(part).is_dir()) {
            return Err(unusable("is damaged"));
        }
        let (cloud, beside) = (places.cloud(), places.state.join("cloud.making"));
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
        self.servers.restore(&from.join("postgres")).await?;
        replace(half.0, &cloud)?;
        self.cloud.reload().await?;
        self.servers.prepare_spare();
        Ok(())
    }

    /// Deletes all that it holds and goes on with nothing. What was saved stays, and so do the credentials.
    ///
    /// # Errors
    /// When something is under way, or the disk refuses it.
    pub(super) async fn clear(&self) -> Result<()> {
        let _still = self.still("nothing").await?;
        self.cloud.clear().await?;
        self.servers.clear().await?;
        self.servers.prepare_spare();
        Ok(())
    }

    /// Only a state that stands still can be saved or replaced, by one at a time: it does until the guard is
    /// dropped.
    async fn still(&self, name: &str) -> Result<tokio::sync::RwLockWriteGuard<'_, ()>> {
        if !name_is_fine(name) {
            return Err(Problem::usage(format!("`{name}` is no name for a saved state"))
                .hint("use letters, digits, dots, dashes and underscores"));
        }
        let Ok(still) = tokio::time::timeout(GRACE, self.cloud.hold()).await else {
            return Err(Problem::environment("a request is under way").hint("wait until it has been answered"));
        };
        if self.cloud.busy() {
            return Err(Problem::environment("a stack operation is under way").hint("wait until it has ended"));
        }
        if tokio::time::timeout(SETTLING, self.cloud.settled()).await.is_err() {
            return Err(Problem::environment("a cluster is being created or deleted").hint("wait until that is done"));
        }
        Ok(still)
    }
}

/// A directory that is being made beside, until it takes its place. Half of it is of no use, and fills a disk that may be full for
/// that very reason.
struct Half<'a>(&'a Path);

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

fn clear(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(path_problem(dir, &error)),
        _ => Ok(()),
    }
}

/// Puts a directory where another one may be. Whatever fails, one of the two is there.
fn replace(new: &Path, at: &Path) -> Result<()> {
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
