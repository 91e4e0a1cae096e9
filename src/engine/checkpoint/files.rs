//! The working directory's part of a checkpoint: its files, the journal, and what the session knows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use crate::install::{self, Layout};
use crate::progress::{Progress, SessionState};
use crate::record::{self, Saved};
use workshop_base::copy_tree::copy_tree;
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_base::problem::{Problem, Result};
use workshop_psql::report::TxState;

/// The names within a checkpoint.
const FILES: &str = "files";
const JOURNAL: &str = "journal";
const SESSION: &str = "session.json";
/// npm's own record of what is installed.
const PACKAGES: &str = "node_modules/.package-lock.json";

/// A working directory that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Its npm packages are those of the installation, which was left out.
    pub packages: bool,
}

/// Copies a working directory whose run stands still to `to`: its files, and of what the run knows that which its next
/// chapters need. Its npm packages stay out where they are the installation's in the cache.
///
/// # Errors
/// When a console session has a transaction open, which no copy can hold; when nothing was run here; when the disk is
/// full or not writable.
pub fn take(workdir: &Path, installation: Option<&Path>, to: &Path) -> Result<Taken> {
    let saved = record::saved(workdir)?.ok_or_else(|| {
        Problem::usage(format!("{} holds no session", workdir.display()))
            .hint("it is kept by a run that has ended well")
    })?;
    if let Some(name) = saved.progress.sessions.iter().find(|(_, session)| is_open(session)).map(|(name, _)| name) {
        return Err(Problem::usage(format!("session {name} has a transaction open, which cannot be kept"))
            .hint("end it with COMMIT or ROLLBACK before the chapter ends"));
    }
    let pristine = installation.filter(|installation| same_packages(workdir, installation));
    let wanted = |path: &Path| {
        let laid = || pristine.is_some_and(|installation| installation.join(path).is_dir());
        path != Path::new(OURS) && !(path.ends_with("node_modules") && laid())
    };
    let taking = || {
        copy_tree(workdir, &to.join(FILES), &wanted)?;
        let journal = workdir.join(OURS).join(JOURNAL);
        if journal.is_dir() {
            copy_tree(&journal, &to.join(JOURNAL), &|_| true)?;
        }
        fs::write(to.join(SESSION), serde_json::to_vec(&for_the_next(saved))?)
    };
    taking().map_err(|error| unkept(to, &error))?;
    Ok(Taken { packages: pristine.is_some() })
}

/// Lays a checkpoint's files out in a working directory that is not there yet, with the packages of an installation where
/// those were left out of it. A run in [`Mode::Scratch`](crate::Mode) that begins there takes up what is known.
///
/// # Errors
/// When it is not whole, and when the disk is full or not writable.
pub async fn lay_out(from: &Path, workdir: &Path, installation: Option<PathBuf>) -> Result<()> {
    let laying = || {
        let session = fs::read(from.join(SESSION))?;
        copy_tree(&from.join(FILES), workdir, &|_| true)?;
        let ours = PrivateDir::open(workdir, OURS)?;
        if from.join(JOURNAL).is_dir() {
            copy_tree(&from.join(JOURNAL), &ours.path().join(JOURNAL), &|_| true)?;
        }
        ours.replace(SESSION, &session)
    };
    laying().map_err(|error| unkept(workdir, &error))?;
    if let Some(installation) = installation {
        install::lay_out(installation, workdir.to_owned(), Layout::Links, &CancellationToken::new()).await?;
    }
    Ok(())
}

/// The part of a session that later chapters need: what happened until then is no part of the run that begins there.
fn for_the_next(saved: Saved) -> Saved {
    let Progress { captures, outputs, target, usual, .. } = saved.progress;
    let progress = Progress { captures, outputs, target, usual, ..Progress::default() };
    Saved { progress, ..saved }
}

fn is_open(session: &SessionState) -> bool {
    session.open && matches!(session.tx, TxState::Open | TxState::Failed)
}

/// Compares npm's records of what is installed, which it writes anew in its own style.
fn same_packages(workdir: &Path, installation: &Path) -> bool {
    let read =
        |dir: &Path| -> Option<serde_json::Value> { serde_json::from_slice(&fs::read(dir.join(PACKAGES)).ok()?).ok() };
    read(workdir).is_some_and(|here| Some(here) == read(installation))
}

fn unkept(path: &Path, error: &io::Error) -> Problem {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull => "free some disk space, or remove checkpoints: `workshop checkpoint remove`",
        _ => "run it with --fresh",
    };
    Problem::environment(format!("{}: {error}", path.display())).hint(hint)
}
