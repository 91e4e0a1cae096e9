//! The whole state under a name: saved, and brought back.

use std::fs;
use std::time::Duration;

use super::replacing::{BEING_SAVED, Half, clear, empty, name_is_fine, put_back, replace};
use super::services::{GRACE, Services};
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
        let (to, beside) = (places.saved().join(name), places.saved().join(BEING_SAVED));
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
        // Not in a destructor: what is given up on the way, as the process ends, is done at the next start.
        let replaced = put_back(places, name, &self.cloud, &self.servers).await;
        places.forget_replacing();
        replaced?;
        self.servers.prepare_spare();
        Ok(())
    }

    /// Deletes all that it holds and goes on with nothing. What was saved stays, and so do the credentials.
    ///
    /// # Errors
    /// When something is under way, or the disk refuses it.
    pub(super) async fn clear(&self, places: &SandboxPaths) -> Result<()> {
        let _still = self.still("nothing").await?;
        let replaced = empty(places, &self.cloud, &self.servers).await;
        places.forget_replacing();
        replaced?;
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
