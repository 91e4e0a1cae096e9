//! Whole states of the target, kept under names, each with what was done by then: how everything is brought back to where
//! a chapter began.
//!
//! The target's part is its own ([`StateStore`]); ours is a session beside it, in `.workshop/states`. A name counts when both
//! are there.

use std::collections::BTreeSet;
use std::path::Path;

use super::cloud::StateStore;
use super::record::Saved;
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_base::problem::{Problem, Result};

/// The state before the last time that everything was brought somewhere.
pub(super) const BEFORE: &str = "before";
/// What was done in the account that a talk has left for its standby; the account itself keeps its state.
pub(super) const ACCOUNT: &str = "account";
/// The directory of the sessions, below the workshop's own.
const DIR: &str = "states";

/// Returns the name of the state that a chapter begins with.
pub(super) fn of_chapter(number: u32) -> String {
    format!("chapter-{number}")
}

/// Saves the target's state under a name, and what was done by now beside it.
///
/// # Errors
/// When the target refuses it, and when the disk is full or not writable.
pub(super) async fn save(store: &dyn StateStore, workdir: &Path, name: &str, session: &Saved) -> Result<()> {
    // Half of a pair is none: the old session goes before the state does.
    let dir = dir(workdir)?;
    let file = file_of(name);
    dir.remove(&file).or_else(ignore_missing).map_err(|e| unusable(&dir, &e))?;
    store.save(name.to_owned()).await?;
    keep_session(workdir, name, session)
}

/// Saves under a name what was done by now, and nothing of the target.
///
/// # Errors
/// When the disk is full or not writable.
pub(super) fn keep_session(workdir: &Path, name: &str, session: &Saved) -> Result<()> {
    let dir = dir(workdir)?;
    let bytes = serde_json::to_vec(session).map_err(|e| Problem::environment(format!("the session: {e}")))?;
    dir.replace(&file_of(name), &bytes).map_err(|e| unusable(&dir, &e))
}

/// Reads what was done when a state was saved; None when there is none of that name, or it is damaged.
pub(super) fn session(workdir: &Path, name: &str) -> Option<Saved> {
    let bytes = dir(workdir).ok()?.read(&file_of(name)).ok()??;
    serde_json::from_slice(&bytes).ok()
}

/// Returns the chapters whose beginning is saved.
pub(super) fn chapters(workdir: &Path) -> BTreeSet<u32> {
    let Ok(dir) = dir(workdir) else { return BTreeSet::new() };
    let number = |name: String| name.strip_prefix("chapter-")?.strip_suffix(".json")?.parse().ok();
    let entries = std::fs::read_dir(dir.path()).into_iter().flatten().flatten();
    entries.filter_map(|entry| number(entry.file_name().into_string().ok()?)).collect()
}

/// Tells whether a talk that is on its standby has deployed in the account that it has left.
pub fn left_a_stack(workdir: &Path) -> bool {
    session(workdir, ACCOUNT).is_some_and(|saved| saved.deployed.is_some())
}

fn file_of(name: &str) -> String {
    format!("{name}.json")
}

fn dir(workdir: &Path) -> Result<PrivateDir> {
    let opened = PrivateDir::open(workdir, OURS).and_then(|ours| ours.below(DIR));
    opened.map_err(|e| {
        Problem::environment(format!("opening {OURS}/{DIR} in {}: {e}", workdir.display()))
            .hint("make it writable for you")
    })
}

fn ignore_missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn unusable(dir: &PrivateDir, error: &std::io::Error) -> Problem {
    Problem::environment(format!("writing to {}: {error}", dir.path().display()))
        .hint("free some disk space, or make it writable, and try again")
}
