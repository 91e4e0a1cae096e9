//! The course's npm packages: installed once for each lockfile, then laid out by copying.
//!
//! Invariant: an installation in the cache is whole or not there; it is built beside and renamed. What is
//! laid out for a person is a copy (a clone where the file system can), so nothing done in a working directory
//! reaches the cache or another directory. Only a scratch directory, where nobody edits, gets hard links.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::cloud::Report;
use super::event::Preparation;
use super::processes;
use workshop_base::private_dir::OURS;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::process::{self, ExitCause, ProcessSpec};
use workshop_base::surroundings;
use workshop_course::code::tree::{SourceFile, Tree};

const LOCKFILE: &str = "package-lock.json";
/// Fetching some 250 MB over a slow line.
const DEADLINE: Duration = Duration::from_mins(15);
/// The pause between two looks whether another workshop has built an installation.
const LOOK: Duration = Duration::from_millis(200);
/// npm's own record of what is installed: the one file that it rewrites in place.
const RECORD: &str = ".package-lock.json";
/// The number of files copied at a time.
const COPIERS: usize = 4;
/// Switches off what npm would do besides installing.
pub const QUIET: &[(&str, &str)] =
    &[("npm_config_audit", "false"), ("npm_config_fund", "false"), ("npm_config_update_notifier", "false")];

/// The installations in the cache. Cheap to clone.
#[derive(Clone)]
pub struct Packages {
    dir: PathBuf,
    /// One at a time builds; the others find it built.
    building: Arc<tokio::sync::Mutex<()>>,
}

impl Packages {
    /// Names the installations below a cache directory; makes nothing yet.
    pub fn new(cache: &Path) -> Packages {
        Packages { dir: cache.join("npm"), building: Arc::default() }
    }

    /// Returns the installation for a project's lockfile if it is there; None also for a project without one.
    pub fn known(&self, project: &Tree) -> Option<PathBuf> {
        let lockfile = project.get(LOCKFILE).and_then(SourceFile::text)?;
        Some(self.dir.join(name(lockfile))).filter(|installation| installation.is_dir())
    }

    /// The installation for a project's lockfile, built first if need be. None for a project without one.
    ///
    /// # Errors
    /// When npm is not there, cannot reach its registry, or the disk is full.
    pub async fn ensure(&self, project: &Tree, report: &Report, cancel: &CancellationToken) -> Result<Option<PathBuf>> {
        let Some(lockfile) = project.get(LOCKFILE).and_then(SourceFile::text) else { return Ok(None) };
        let hash = name(lockfile);
        let installation = self.dir.join(&hash);
        let _one = tokio::select! {
            one = self.building.lock() => one,
            () = cancel.cancelled() => return Err(stopped()),
        };
        if installation.is_dir() {
            return Ok(Some(installation));
        }
        fs::create_dir_all(&self.dir).map_err(|e| unusable(&self.dir, &e))?;
        // Another workshop may build the same: wait for it instead of fetching twice.
        let lock_path = self.dir.join(format!("{hash}.lock"));
        let lock = fs::File::create(&lock_path).map_err(|e| unusable(&lock_path, &e))?;
        report.preparing(Preparation::Packages, WAITING, 0, None, "");
        // Asked again and again: whoever leaves is not held by a wait that nobody can end.
        while let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            if error != Errno::WOULDBLOCK {
                return Err(unusable(&lock_path, &error.into()));
            }
            if cancel.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
                return Err(stopped());
            }
        }
        if installation.is_dir() {
            return Ok(Some(installation));
        }
        let building = self.dir.join(format!("{hash}.building"));
        // Left by a build that was killed; the lock says that nobody works on it but perhaps its npm.
        let left = building.clone();
        let cleared = tokio::task::spawn_blocking(move || {
            processes::end_left_below(&left);
            remove(&left)
        });
        cleared.await.unwrap_or_else(|e| Err(io::Error::other(e))).map_err(|e| unusable(&building, &e))?;
        let built = build(&building, project, lockfile, report, cancel).await;
        match built {
            Ok(()) => {
                fs::rename(&building, &installation).map_err(|e| unusable(&installation, &e))?;
                Ok(Some(installation))
            }
            Err(problem) => {
                // The problem that matters is npm's.
                let _ = remove(&building);
                Err(problem)
            }
        }
    }
}

/// The name of an installation: a hash of its lockfile.
fn name(lockfile: &str) -> String {
    hex::encode(&Sha256::digest(lockfile.as_bytes())[..16])
}

async fn build(dir: &Path, project: &Tree, lockfile: &str, report: &Report, cancel: &CancellationToken) -> Result<()> {
    for (path, file) in project.iter().filter(|(p, _)| p.rsplit('/').next() == Some("package.json")) {
        put(&dir.join(path), file.text().unwrap_or_default())?;
    }
    put(&dir.join(LOCKFILE), lockfile)?;
    let total = lockfile.matches("\"node_modules/").count() as u64;
    let mut job = processes::with_mark(dir, ProcessSpec::shell("", dir, DEADLINE));
    job.program = "npm".into();
    job.args = ["ci", "--no-progress"].map(Into::into).to_vec();
    // A user's NODE_ENV or npm_config_omit would leave out what the course needs.
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    job.env_remove.extend(names.filter(|name| surroundings::decides_npm(name)));
    job.env.extend(QUIET.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    let mut tail: VecDeque<String> = VecDeque::new();
    let ended = {
        let npm = process::run(job, cancel, |_, lines| {
            tail.extend(lines);
            while tail.len() > 30 {
                tail.pop_front();
            }
        });
        tokio::pin!(npm);
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                ended = &mut npm => break ended,
                _ = tick.tick() => {
                    report.preparing(Preparation::Packages, FETCHING, installed(&dir.join("node_modules")), Some(total), "packages");
                }
            }
        }
    };
    let ended = ended.map_err(|e| Problem::environment(e).hint("install Node.js 20 or newer, with npm"))?;
    match ended.cause {
        ExitCause::Exited(0) => Ok(()),
        ExitCause::Cancelled => Err(stopped()),
        ExitCause::TimedOut => Err(Problem::new(Kind::TimedOut, "npm did not finish within 15 minutes").hint(NETWORK)),
        ExitCause::Exited(_) | ExitCause::Signaled(_) => Err(explain(&tail)),
    }
}

fn stopped() -> Problem {
    Problem::new(Kind::Interrupted, "installing the packages was stopped")
}

/// Explains npm's last words.
fn explain(tail: &VecDeque<String>) -> Problem {
    const OFFLINE: &[&str] = &["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH"];
    let says = |words: &[&str]| tail.iter().any(|line| words.iter().any(|w| line.contains(w)));
    if says(OFFLINE) {
        return Problem::environment("npm cannot reach its registry").hint(NETWORK);
    }
    if says(&["ENOSPC"]) {
        return Problem::environment("the disk is full")
            .hint("free some space (about 600 MB are needed), then try again");
    }
    let word = tail.iter().rev().find(|l| l.contains("npm error") && !l.contains("complete log")).or(tail.back());
    Problem::environment(format!("npm ci failed: {}", word.map_or("it printed nothing", String::as_str)))
        .hint("see that `npm ci` works in a copy of the chapter's snapshot, then try again")
}

/// Counts the packages that are there so far; scopes count their own.
fn installed(modules: &Path) -> u64 {
    let entries = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten();
    let count = entries(modules).map(|entry| {
        if entry.file_name().as_encoded_bytes().starts_with(b"@") { entries(&entry.path()).count() as u64 } else { 1 }
    });
    count.sum()
}

/// The way that packages are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Copies,
    /// Hard links where the file system allows it, else copies.
    Links,
}

/// Puts an installation's packages into a working directory that has none. False when it has some: then the
/// command that installs brings them in order itself.
///
/// # Errors
/// When the disk is full or not writable.
pub async fn lay_out(
    installation: PathBuf,
    workdir: PathBuf,
    layout: Layout,
    cancel: &CancellationToken,
) -> Result<bool> {
    let (modules, packages) = (workdir.join("node_modules"), installation.clone());
    if modules.symlink_metadata().is_ok() {
        return Ok(false);
    }
    let beside = workdir.join(OURS).join("node_modules.new");
    let (stop, half) = (cancel.clone(), beside.clone());
    // Never left behind while it copies: whoever stops it may delete what it copies into.
    let copy = move || {
        remove(&beside)?;
        let all = beside.join("all");
        copy_tree(&installation.join("node_modules"), &all, layout, &stop)?;
        // npm trusts its own record of what is installed only if it is the newest of all.
        if let Ok(record) = fs::File::options().append(true).open(all.join(RECORD)) {
            record.set_modified(std::time::SystemTime::now())?;
        }
        for nested in nested_modules(&installation)? {
            let to = workdir.join(&nested);
            // A workspace that is a link leads to somebody else's directory.
            let real = |dir: &Path| dir.symlink_metadata().is_ok_and(|meta| meta.is_dir());
            if to.parent().is_some_and(real) && to.symlink_metadata().is_err() {
                // Whole or not there, too: half of it would be taken for it after a crash.
                let whole = beside.join("nested");
                copy_tree(&installation.join(&nested), &whole, layout, &stop)?;
                fs::rename(&whole, &to)?;
            }
        }
        fs::rename(&all, &modules)?;
        // The packages are there: the next time removes what is left of it.
        let _ = remove(&beside);
        io::Result::Ok(())
    };
    let copied = tokio::task::spawn_blocking(move || {
        copy().inspect_err(|_| {
            // Half of it is of no use, and fills a disk that may be full for that very reason.
            let _ = remove(&half);
        })
    });
    match copied.await {
        Ok(Ok(())) => Ok(true),
        Ok(Err(_)) if cancel.is_cancelled() => Err(stopped()),
        Ok(Err(e)) if e.kind() == io::ErrorKind::StorageFull => {
            let megabytes = bytes_under(&packages) >> 20;
            Err(Problem::environment(format!("the disk is full: the npm packages take {megabytes} MB"))
                .hint("free some disk space, then run it again; nothing is lost"))
        }
        Ok(Err(e)) => Err(unusable(Path::new("node_modules"), &e)),
        Err(e) => Err(Problem::environment(format!("copying the packages: {e}"))),
    }
}

/// The size of all files below a directory.
fn bytes_under(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_under(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

/// `node_modules` of workspaces, relative to the installation.
fn nested_modules(installation: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(installation)?.flatten() {
        let nested = Path::new(&entry.file_name()).join("node_modules");
        if entry.file_name() != "node_modules" && installation.join(&nested).is_dir() {
            found.push(nested);
        }
    }
    Ok(found)
}

/// Copies a tree: directories, files with their modes, links as links.
fn copy_tree(from: &Path, to: &Path, layout: Layout, stop: &CancellationToken) -> io::Result<()> {
    let mut files = Vec::new();
    let mut dirs = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = dirs.pop() {
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let to = to.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                dirs.push((entry.path(), to));
            } else if kind.is_symlink() {
                symlink(fs::read_link(entry.path())?, to)?;
            } else {
                files.push((entry.path(), to));
            }
        }
    }
    // `fs::copy` clones where the file system can (APFS, btrfs, XFS).
    let place = |from: &Path, to: &Path| match layout {
        _ if stop.is_cancelled() => Err(io::ErrorKind::Interrupted.into()),
        Layout::Links if !from.ends_with(RECORD) && fs::hard_link(from, to).is_ok() => Ok(()),
        Layout::Links | Layout::Copies => fs::copy(from, to).map(drop),
    };
    std::thread::scope(|scope| {
        let pieces = files.chunks(files.len().div_ceil(COPIERS).max(1));
        let copiers: Vec<_> =
            pieces.map(|piece| scope.spawn(move || piece.iter().try_for_each(|(from, to)| place(from, to)))).collect();
        copiers.into_iter().try_for_each(|c| c.join().unwrap_or_else(|_| Err(io::Error::other("a copier panicked"))))
    })
}

fn put(path: &Path, text: &str) -> Result<()> {
    let write = || {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)
    };
    write().map_err(|e| unusable(path, &e))
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn unusable(path: &Path, error: &io::Error) -> Problem {
    let problem = Problem::environment(format!("{}: {error}", path.display()));
    match error.kind() {
        io::ErrorKind::StorageFull => problem.hint("free some disk space, then try again"),
        _ => problem.hint("make it writable, or set WORKSHOP_CACHE to another directory"),
    }
}

const WAITING: &str = "looking for the npm packages";
const FETCHING: &str = "installing the npm packages";
const NETWORK: &str = "check the network (and npm's registry and proxy settings), then try again";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_installation_is_copied_with_links_and_modes_and_only_where_there_is_none() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let installation = dir.path().join("cache");
        put(&installation.join("node_modules/a/index.js"), "a").unwrap();
        put(&installation.join("node_modules/a/cli.js"), "#!").unwrap();
        fs::set_permissions(installation.join("node_modules/a/cli.js"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(installation.join("node_modules/.bin")).unwrap();
        symlink("../a/cli.js", installation.join("node_modules/.bin/a")).unwrap();
        symlink("../cdk", installation.join("node_modules/cdk")).unwrap();
        put(&installation.join("cdk/node_modules/b/index.js"), "b").unwrap();
        let workdir = dir.path().join("work");
        fs::create_dir_all(workdir.join("cdk")).unwrap();

        assert!(
            lay_out(installation.clone(), workdir.clone(), Layout::Copies, &CancellationToken::new()).await.unwrap()
        );
        assert_eq!(fs::read_link(workdir.join("node_modules/cdk")).unwrap(), Path::new("../cdk"));
        assert_eq!(fs::read_to_string(workdir.join("node_modules/.bin/a")).unwrap(), "#!");
        let mode = fs::metadata(workdir.join("node_modules/a/cli.js")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        assert!(workdir.join("cdk/node_modules/b/index.js").is_file());

        fs::write(workdir.join("node_modules/a/index.js"), "mine").unwrap();
        assert!(!lay_out(installation.clone(), workdir, Layout::Copies, &CancellationToken::new()).await.unwrap());
        assert_eq!(fs::read_to_string(installation.join("node_modules/a/index.js")).unwrap(), "a");
    }

    #[tokio::test]
    async fn links_share_the_packages_but_not_npms_record() {
        use std::os::unix::fs::MetadataExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (installation, workdir) = (dir.path().join("cache"), dir.path().join("work"));
        put(&installation.join("node_modules/a/index.js"), "a").unwrap();
        put(&installation.join("node_modules").join(RECORD), "{}").unwrap();
        fs::create_dir_all(workdir.join(OURS)).unwrap();
        lay_out(installation.clone(), workdir.clone(), Layout::Links, &CancellationToken::new()).await.unwrap();
        let inode = |root: &Path, path: &str| fs::metadata(root.join("node_modules").join(path)).unwrap().ino();
        assert_eq!(inode(&installation, "a/index.js"), inode(&workdir, "a/index.js"));
        assert_ne!(inode(&installation, RECORD), inode(&workdir, RECORD));
    }

    #[tokio::test]
    async fn a_layout_that_is_stopped_leaves_no_packages() {
        let dir = tempfile::tempdir().unwrap();
        let (installation, workdir) = (dir.path().join("cache"), dir.path().join("work"));
        put(&installation.join("node_modules/a/index.js"), "a").unwrap();
        fs::create_dir_all(workdir.join(OURS)).unwrap();
        let cancel = CancellationToken::new();
        cancel.cancel();
        let stopped = lay_out(installation, workdir.clone(), Layout::Copies, &cancel).await.unwrap_err();
        assert_eq!(stopped.kind, Kind::Interrupted);
        assert!(!workdir.join("node_modules").exists());
        assert!(!workdir.join(OURS).join("node_modules.new").exists(), "no half of them either");
    }

    #[tokio::test]
    async fn whoever_leaves_does_not_wait_for_another_workshop_that_builds() {
        let cache = tempfile::tempdir().unwrap();
        let packages = Packages::new(cache.path());
        let project = Tree::from([(LOCKFILE.to_owned(), SourceFile::plain("{}"))]);
        fs::create_dir_all(&packages.dir).unwrap();
        let others = fs::File::create(packages.dir.join(format!("{}.lock", name("{}")))).unwrap();
        flock(&others, FlockOperation::LockExclusive).unwrap();
        let cancel = CancellationToken::new();
        let leaving = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            cancel.cancel();
        };
        let report = Report::silent();
        let waiting = tokio::time::timeout(Duration::from_secs(5), packages.ensure(&project, &report, &cancel));
        let (ended, ()) = tokio::join!(waiting, leaving);
        assert_eq!(ended.expect("it does not wait").unwrap_err().kind, Kind::Interrupted);
    }

    #[test]
    fn npms_words_are_explained() {
        let say = |line: &str| explain(&VecDeque::from([line.to_owned()]));
        assert_eq!(say("npm error code ENOTFOUND").message, "npm cannot reach its registry");
        assert!(say("npm error ENOSPC: no space left on device").message.contains("full"));
        assert!(
            say("npm error `npm ci` can only install with an existing package-lock.json").message.contains("existing")
        );
    }
}
