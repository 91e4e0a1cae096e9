//! Directories that are made for one run, in a place that others use at the same time: also from another container, where
//! the same process id is somebody else's.
//!
//! Invariant: a directory is its run's as long as the lock beside it is held, and that ends with the process, however it ends.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use workshop_base::files;
use workshop_base::problem::{Problem, Result};

/// No run takes so long.
const LONG: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Ends the name of the lock beside a directory.
const LOCK: &str = ".lock";

/// A directory of this run alone. It goes when this does, unless it was moved to its place by then.
#[derive(Debug)]
pub struct LockedDir {
    path: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl LockedDir {
    /// Makes an empty directory in `root` whose name begins with `prefix`, and removes what runs that were killed have left
    /// there under that prefix; `ends` gets each before it is removed.
    ///
    /// # Errors
    /// When `root` cannot be written to.
    pub fn new(root: &Path, prefix: &str, ends: impl Fn(&Path)) -> io::Result<LockedDir> {
        fs::create_dir_all(root)?;
        sweep(root, prefix, ends);
        loop {
            let path = root.join(format!("{prefix}{:016x}", rand::random::<u64>()));
            let lock = lock_of(&path);
            // Another start may have taken it for one that was left, as long as it was not held.
            if let Some(held) = held(files::lockable(&lock)?, &lock)? {
                fs::create_dir(&path)?;
                return Ok(LockedDir { path, lock, _held: held });
            }
        }
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for LockedDir {
    fn drop(&mut self) {
        remove(&self.path, &self.lock);
    }
}

/// Removes the directories that nobody holds.
fn sweep(root: &Path, prefix: &str, ends: impl Fn(&Path)) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let (name, lock) = (entry.file_name(), entry.path());
        if name.to_str().and_then(|name| name.strip_prefix(prefix)).is_some_and(is_number) && is_old(&lock) {
            let _ = fs::remove_dir_all(&lock);
            continue;
        }
        let Some(dir) = name
            .to_str()
            .and_then(|name| name.strip_suffix(LOCK))
            .filter(|dir| dir.starts_with(prefix) && dir.len() > prefix.len())
        else {
            continue;
        };
        let opened = File::options().write(true).open(&lock);
        // Held until it is gone: whoever else looks here leaves it to us.
        if let Ok(Some(_held)) = opened.and_then(|file| held(file, &lock)) {
            let dir = root.join(dir);
            ends(&dir);
            remove(&dir, &lock);
        }
    }
}

/// Tells a directory that earlier versions made, by a process id and without a lock.
fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells that nobody has made anything in a directory for long: no run takes that.
fn is_old(dir: &Path) -> bool {
    let age = dir.symlink_metadata().and_then(|made| made.modified()).map(|made| made.elapsed());
    matches!(age, Ok(Ok(age)) if age > LONG)
}

/// Takes the lock; None when somebody has it, or has removed it meanwhile.
///
/// # Errors
/// When the disk has no locks.
fn held(file: File, path: &Path) -> io::Result<Option<File>> {
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let ours = file.metadata()?;
    let is_there = path.symlink_metadata().is_ok_and(|there| (ours.dev(), ours.ino()) == (there.dev(), there.ino()));
    Ok(is_there.then_some(file))
}

/// Removes a directory, then its lock. Where a run was dropped, something may still be writing its last file; what cannot be
/// removed is tried again by a later run.
fn remove(dir: &Path, lock: &Path) {
    let gone = |dir: &Path| match fs::remove_dir_all(dir) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(()) => true,
    };
    if (0..3).any(|_| gone(dir)) {
        let _ = fs::remove_file(lock);
    }
}

fn lock_of(dir: &Path) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(LOCK);
    PathBuf::from(name)
}

/// Makes a directory of this run's own in the cache. What a run that was killed has left there ends and goes: its commands, the
/// servers that it has started, its files.
///
/// # Errors
/// When the cache cannot be written.
pub fn scratch_dir(cache: &Path) -> Result<LockedDir> {
    let root = cache.join("scratch");
    LockedDir::new(&root, "", workshop_engine::end_left_below).map_err(|e| {
        Problem::environment(format!("{} cannot be written: {e}", root.display()))
            .hint("set WORKSHOP_CACHE to a directory that can be written")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn a_directory_is_its_runs_as_long_as_that_lives_and_then_goes() {
        let root = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(root.path()).unwrap().count();
        let ended = RefCell::new(Vec::new());
        let made =
            |prefix: &str| LockedDir::new(root.path(), prefix, |dir| ended.borrow_mut().push(dir.to_owned())).unwrap();
        let (one, two) = (made("a-"), made("a-"));
        assert_ne!(one.path(), two.path(), "two of one process id do not meet");
        fs::write(one.path().join("file"), "").unwrap();
        drop(two);
        assert_eq!(names(), 2, "the other one and its lock are there");
        // Killed: nothing is removed, and the lock is free.
        let left = one.path().to_owned();
        let LockedDir { _held, .. } = &one;
        flock(_held, FlockOperation::Unlock).unwrap();
        std::mem::forget(one);
        drop(made("b-"));
        assert!(left.exists() && ended.borrow().is_empty(), "of another prefix");
        let earlier = ["a-12", "a-13", "a-1x"].map(|name| root.path().join(name));
        for dir in &earlier {
            fs::create_dir(dir).unwrap();
        }
        let then = std::time::SystemTime::now() - 2 * LONG;
        for dir in [&earlier[0], &earlier[2]] {
            File::open(dir).unwrap().set_modified(then).unwrap();
        }
        drop(made("a-"));
        assert_eq!(earlier.each_ref().map(|dir| dir.exists()), [false, true, true], "of an earlier version, and old");
        earlier[1..].iter().for_each(|dir| fs::remove_dir(dir).unwrap());
        assert_eq!((ended.borrow().as_slice(), names()), ([left].as_slice(), 0));
    }
}
