//! Files of the sandbox: where they lie, how they are written, and the lock on them.
//!
//! Invariant: a file is either the old one or the new one, never half of one, also after a power cut.

use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Where a sandbox keeps its things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxPaths {
    /// The working directory that the sandbox belongs to.
    pub workdir: PathBuf,
    /// `<workdir>/.workshop/sandbox`
    pub state: PathBuf,
    /// Short-lived and with a short path: sockets and unpacked functions.
    pub run: PathBuf,
    /// Shared by all sandboxes: binaries, template.
    pub cache: PathBuf,
}

impl SandboxPaths {
    /// `workdir` must exist. `cache` as `$WORKSHOP_CACHE` or the platform has it: [`cache_dir`].
    pub fn new(workdir: &Path, cache: PathBuf) -> io::Result<SandboxPaths> {
        let workdir = fs::canonicalize(workdir)?;
        let state = workdir.join(".workshop/sandbox");
        let owner = rustix::process::geteuid().as_raw();
        let run = std::env::temp_dir().join(format!("workshop-{owner}-{}", short_hash(&state)));
        Ok(SandboxPaths { workdir, state, run, cache })
    }

    /// What says where a running sandbox is.
    pub fn sandbox_json(&self) -> PathBuf {
        self.state.join("sandbox.json")
    }

    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    pub fn control_socket(&self) -> PathBuf {
        self.run.join("control")
    }

    pub fn postgres(&self) -> PathBuf {
        self.state.join("postgres")
    }

    pub fn cloud(&self) -> PathBuf {
        self.state.join("cloud")
    }

    pub fn saved(&self) -> PathBuf {
        self.state.join("saved")
    }

    pub fn log(&self) -> PathBuf {
        self.state.join("log")
    }
}

/// The cache directory: `$WORKSHOP_CACHE`, else the platform's with `/workshop`.
pub fn cache_dir() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("WORKSHOP_CACHE").filter(|dir| !dir.is_empty()) {
        return Some(PathBuf::from(dir));
    }
    let strategy = etcetera::base_strategy::choose_base_strategy().ok()?;
    Some(etcetera::base_strategy::BaseStrategy::cache_dir(&strategy).join("workshop"))
}

/// Eight hex digits that stand for a path.
pub fn short_hash(path: &Path) -> String {
    hex(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..4])
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces a file in one step, on the disk when it returns; readable only by us.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written?;
    sync_parent(path);
    Ok(())
}

/// Takes care that a directory's entry outlives a power cut. Some file systems cannot be asked to.
pub fn sync_parent(path: &Path) {
    if let Some(dir) = path.parent() {
        let _ = fs::File::open(dir).and_then(|dir| dir.sync_all());
    }
}

pub fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_private(path, &serde_json::to_vec_pretty(value)?)
}

/// Bytes that can still be written to a directory's disk.
pub fn free_in(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// What to do about a file that could not be read or written.
pub fn io_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some disk space and try again",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotFound => {
            "the directory must exist and be yours to write to; or name another: --workdir for the work, WORKSHOP_CACHE for the cache"
        }
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            "the file is damaged: `workshop sandbox reset` starts anew"
        }
        _ => "check the path and try again",
    }
}

/// A lock held by this process, gone with it however it ends.
#[derive(Debug)]
pub struct FileLock {
    _file: OwnedFd,
}

impl FileLock {
    /// None when another process holds it.
    pub fn try_take(path: &Path) -> io::Result<Option<FileLock>> {
        let file = open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(FileLock { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for it.
    pub async fn wait(path: &Path) -> io::Result<FileLock> {
        let file = open(path)?;
        let waiting = tokio::task::spawn_blocking(move || {
            flock(&file, FlockOperation::LockExclusive).map(|()| FileLock { _file: file })
        });
        Ok(waiting.await.map_err(io::Error::other)??)
    }
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_lock_is_held_once_and_released() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("lock");
        let held = FileLock::try_take(&path).expect("opened").expect("free");
        assert!(FileLock::try_take(&path).expect("opened").is_none());
        drop(held);
        // A child of another test that is just being started holds a copy until it has become its program.
        tokio::time::timeout(Duration::from_secs(10), FileLock::wait(&path)).await.expect("free").expect("taken");
    }

    #[test]
    fn two_directories_have_two_run_directories() {
        let (one, two) = (tempfile::tempdir().expect("made"), tempfile::tempdir().expect("made"));
        let places = |dir: &Path| SandboxPaths::new(dir, "/cache".into()).expect("exists");
        assert_ne!(places(one.path()).run, places(two.path()).run);
        assert_eq!(places(one.path()), places(&one.path().join(".")));
    }
}
