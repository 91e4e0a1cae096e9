//! Files of the sandbox: where they lie, how they are written, and the lock on them.
//!
//! Invariant: a file is either the old one or the new one, never half of one, also after a power cut.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::Serialize;
use sha2::{Digest, Sha256};
use workshop_base::files;
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_base::problem::Problem;

/// The state's directory in the workshop's own.
const NAME: &str = "sandbox";
/// The name of the socket that clients connect to, and of the file that says where it is.
const CONTROL: &str = "control";
/// The same of a plain database.
const DATABASE: &str = "database";
/// The name of the file that says that the state is being replaced.
const REPLACING: &str = "replacing";

/// What a process of the sandbox is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SandboxKind {
    /// The local cloud: AWS endpoint, functions, clusters.
    #[default]
    Cloud,
    /// A plain PostgreSQL server on loopback, and nothing else.
    Database,
}

/// The places of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxPaths {
    /// The working directory that the sandbox belongs to.
    pub workdir: PathBuf,
    kind: SandboxKind,
    /// `<workdir>/.workshop/sandbox`, or `database` for a plain one.
    pub state: PathBuf,
    /// Short-lived and with a short path: sockets and unpacked functions.
    pub run: PathBuf,
    /// Shared by all sandboxes: binaries, template.
    pub cache: PathBuf,
}

impl SandboxPaths {
    /// `workdir` must exist. `cache` as `$WORKSHOP_CACHE` or the platform has it: [`cache_dir`].
    ///
    /// # Errors
    /// When `workdir` is not there.
    pub fn new(workdir: &Path, cache: PathBuf, kind: SandboxKind) -> io::Result<SandboxPaths> {
        let workdir = fs::canonicalize(workdir)?;
        let state = workdir.join(OURS).join(name_of(kind));
        let owner = rustix::process::geteuid().as_raw();
        let run = std::env::temp_dir().join(format!("workshop-{owner}-{}", short_hash(&state)));
        Ok(SandboxPaths { workdir, kind, state, run, cache })
    }

    /// Makes the state's directory and that of its logs, which nobody else enters; those that exist must be directories and
    /// no links. No more than these: a sandbox that runs although its state was deleted would write into the others.
    ///
    /// # Errors
    /// When one of them is a link or a file, or cannot be made.
    pub fn make_logs(&self) -> io::Result<()> {
        PrivateDir::open(&self.workdir, OURS)?.below(name_of(self.kind))?.below("log").map(drop)
    }

    /// Makes all directories of the state, as [`SandboxPaths::make_logs`] does. Call it when no other sandbox of this
    /// directory runs any more.
    ///
    /// # Errors
    /// As [`SandboxPaths::make_logs`].
    pub fn make(&self) -> io::Result<()> {
        let state = PrivateDir::open(&self.workdir, OURS)?.below(name_of(self.kind))?;
        if self.kind == SandboxKind::Database {
            return state.below("postgres").map(drop);
        }
        for name in ["postgres", "saved", "tls", "python"] {
            state.below(name)?;
        }
        state.below("log")?.below("lambda")?;
        state.below("cloud")?.below("blobs")?;
        Ok(())
    }

    /// Returns the file that says where a running sandbox is.
    pub fn sandbox_json(&self) -> PathBuf {
        self.state.join("sandbox.json")
    }

    /// Returns the file whose lock says that a sandbox runs.
    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    /// Returns the file that says how a plain database is reached. It holds a password.
    pub fn access(&self) -> PathBuf {
        self.state.join("access.json")
    }

    /// Returns the socket that clients connect to.
    pub fn control_socket(&self) -> PathBuf {
        self.run.join(CONTROL)
    }

    /// Notes where the socket is, for clients whose own directory for temporary files is another.
    ///
    /// # Errors
    /// When the disk refuses the file.
    pub fn note_control_socket(&self) -> io::Result<()> {
        files::replace(&self.state.join(CONTROL), self.control_socket().as_os_str().as_encoded_bytes())
    }

    /// Returns the same places, as a sandbox has noted them which was started with another directory for temporary files.
    /// What the file says is taken for no more than that directory: the rest has to be what ours would be, and this user's.
    pub fn noted(&self) -> Option<SandboxPaths> {
        let state = PrivateDir::existing(&self.workdir.join(OURS), name_of(self.kind)).ok()??;
        let socket = PathBuf::from(String::from_utf8(state.read(CONTROL).ok()??).ok()?);
        let run = socket.parent().filter(|run| run.is_absolute() && run.file_name() == self.run.file_name())?;
        let own = fs::symlink_metadata(run).is_ok_and(|run| run.uid() == rustix::process::geteuid().as_raw());
        let places = SandboxPaths { run: run.to_path_buf(), ..self.clone() };
        (own && places.run != self.run && places.control_socket() == socket).then_some(places)
    }

    /// Notes that the whole state is being replaced by a saved one, or, where the name is empty, by nothing.
    ///
    /// # Errors
    /// When the disk refuses the file.
    pub fn note_replacing(&self, name: &str) -> io::Result<()> {
        files::replace(&self.state.join(REPLACING), name.as_bytes())
    }

    /// Returns what was noted and not forgotten.
    pub fn being_replaced(&self) -> Option<String> {
        let state = PrivateDir::existing(&self.workdir.join(OURS), name_of(self.kind)).ok()??;
        String::from_utf8(state.read(REPLACING).ok()??).ok()
    }

    /// Notes that the state is one again.
    pub fn forget_replacing(&self) {
        // One that cannot be deleted leads to the same state once more.
        let _ = fs::remove_file(self.state.join(REPLACING));
    }

    /// Returns the directory of the clusters' data, if PostgreSQL's account reaches it.
    pub fn postgres(&self) -> PathBuf {
        self.state.join("postgres")
    }

    /// Returns the directory of what the endpoint remembers.
    pub fn cloud(&self) -> PathBuf {
        self.state.join("cloud")
    }

    /// Returns the directory of the saved states.
    pub fn saved(&self) -> PathBuf {
        self.state.join("saved")
    }

    /// Returns the directory of the logs.
    pub fn log(&self) -> PathBuf {
        self.state.join("log")
    }
}

/// Returns the name of a state's directory in the workshop's own.
pub(crate) fn name_of(kind: SandboxKind) -> &'static str {
    match kind {
        SandboxKind::Cloud => NAME,
        SandboxKind::Database => DATABASE,
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
    hex::encode(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..4])
}

/// Replaces a file in one step by `value` as JSON that people can read; only its owner reads it.
///
/// # Errors
/// When the disk refuses it; the old file is still there then.
pub fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    files::replace(path, &serde_json::to_vec_pretty(value)?)
}

/// Advises what to do about a file that could not be read or written.
pub fn io_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some disk space and try again",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotFound => {
            "the directory must exist and be yours to write to; or name another: --workdir for the work, WORKSHOP_CACHE for the cache"
        }
        io::ErrorKind::InvalidInput => "remove it, or take another directory, and try again",
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            "the file is damaged: `workshop sandbox reset` starts anew"
        }
        _ => "check the path and try again",
    }
}

/// Returns what went wrong with the file or directory at `path`, and what to do about it.
pub fn path_problem(path: &Path, error: &io::Error) -> Problem {
    let said = error.to_string();
    let place = path.display().to_string();
    // Some errors name the place already, or one above it.
    let text = if said.starts_with('/') { said } else { format!("{place}: {said}") };
    Problem::environment(text).hint(io_hint(error))
}

/// A lock held by this process, gone with it however it ends.
#[derive(Debug)]
pub struct FileLock {
    _file: OwnedFd,
}

impl FileLock {
    /// None when another process holds it.
    ///
    /// # Errors
    /// When the file is a link or cannot be opened.
    pub fn try_take(path: &Path) -> io::Result<Option<FileLock>> {
        let file: OwnedFd = files::lockable(path)?.into();
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(FileLock { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for it.
    ///
    /// # Errors
    /// When the file is a link or cannot be opened.
    pub async fn wait(path: &Path) -> io::Result<FileLock> {
        let file: OwnedFd = files::lockable(path)?.into();
        let waiting = tokio::task::spawn_blocking(move || {
            flock(&file, FlockOperation::LockExclusive).map(|()| FileLock { _file: file })
        });
        Ok(waiting.await.map_err(io::Error::other)??)
    }
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
    fn a_note_of_the_socket_leads_to_another_temporary_directory_and_nowhere_else() {
        let dir = tempfile::tempdir().expect("made");
        let places = SandboxPaths::new(dir.path(), "/cache".into(), SandboxKind::Cloud).expect("exists");
        assert_eq!(places.noted(), None, "there is no state");
        places.make_logs().expect("made");
        let other = tempfile::tempdir().expect("made");
        let run = other.path().join(places.run.file_name().expect("named"));
        let elsewhere = SandboxPaths { run, ..places.clone() };
        elsewhere.note_control_socket().expect("written");
        assert_eq!(places.noted(), None, "nothing is there");
        fs::create_dir(&elsewhere.run).expect("made");
        assert_eq!(places.noted().as_ref(), Some(&elsewhere));
        assert_eq!(elsewhere.noted(), None, "they are its own");
        fs::create_dir(other.path().join("run")).expect("made");
        let strange = other.path().join("run/control");
        for wrong in [elsewhere.run.join("agent").to_str(), strange.to_str(), Some("control"), Some("")] {
            fs::write(places.state.join("control"), wrong.expect("plain text")).expect("written");
            assert_eq!(places.noted(), None, "{wrong:?}");
        }
    }

    #[test]
    fn two_directories_have_two_run_directories() {
        let (one, two) = (tempfile::tempdir().expect("made"), tempfile::tempdir().expect("made"));
        let places = |dir: &Path| SandboxPaths::new(dir, "/cache".into(), SandboxKind::Cloud).expect("exists");
        assert_ne!(places(one.path()).run, places(two.path()).run);
        assert_eq!(places(one.path()), places(&one.path().join(".")));
    }
}
