//! A sandbox's state carried from one working directory to another.
//!
//! Invariant: what is exported lies outside every sandbox, whole or not at all; only a sandbox that has never run is
//! given one.

use std::fs;
use std::io;
use std::path::Path;

use super::client;
use super::protocol::SandboxOptions;
use crate::postgres;
use crate::state::{FileLock, SandboxPaths, path_problem};
use workshop_base::copy_tree::copy_tree;
use workshop_base::problem::{Problem, Result};

/// The name that a state is saved under on its way out.
const LEAVING: &str = "leaving";

/// Moves the whole state of the sandbox that runs in `workdir` to `to`, a directory that is not there yet. False when none runs: then there is nothing to carry.
///
/// # Errors
/// As [`client::save`], and when it cannot be moved there.
pub async fn export(workdir: &Path, options: &SandboxOptions, to: &Path) -> Result<bool> {
    if client::status(workdir, options).await?.is_none() {
        return Ok(false);
    }
    client::save(workdir, options, LEAVING).await?;
    let places = SandboxPaths::new(workdir, options.cache.clone(), options.kind)
        .map_err(|error| path_problem(workdir, &error))?;
    let from = places.saved().join(LEAVING);
    let moved = match fs::rename(&from, to) {
        // To another disk it goes as a copy.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            copy_tree(&from, to, &|_| true).and_then(|()| fs::remove_dir_all(&from))
        }
        renamed => renamed,
    };
    moved.map_err(|error| path_problem(to, &error))?;
    Ok(true)
}

/// Gives the sandbox of `workdir`, which must not have run yet, a state that was exported.
///
/// # Errors
/// When it runs or has state of its own, when what was exported is not whole, or when it cannot be copied.
pub async fn seed(workdir: &Path, options: &SandboxOptions, from: &Path) -> Result<()> {
    let places = SandboxPaths::new(workdir, options.cache.clone(), options.kind)
        .map_err(|error| path_problem(workdir, &error))?;
    places.make().map_err(|error| path_problem(&places.state, &error))?;
    let lock = places.lock();
    let held = FileLock::try_take(&lock).map_err(|error| path_problem(&lock, &error))?;
    let own = fs::read_dir(places.cloud().join("blobs")).is_ok_and(|mut blobs| blobs.next().is_some());
    if held.is_none() || own {
        return Err(Problem::usage(format!("the sandbox of {} has state of its own", workdir.display()))
            .hint("`workshop sandbox reset` deletes it"));
    }
    let (data, from) = (places.postgres(), from.to_owned());
    let cloud = places.cloud();
    let copied = tokio::task::spawn_blocking(move || {
        postgres::seed(&data, &from.join("postgres")).map_err(Problem::from)?;
        copy_tree(&from.join("cloud"), &cloud, &|_| true).map_err(|error| path_problem(&cloud, &error))
    });
    copied.await.map_err(|error| Problem::environment(format!("copying the sandbox's state: {error}")))?
}
