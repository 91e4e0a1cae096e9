//! Starts the sandbox's children so that none outlives it. The other side is [`super::child`].
//!
//! Invariant: every child is started by one thread that lives as long as the [`Spawner`]; on Linux the
//! tie between parent and child is to that thread, so dropping the spawner kills what it started.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, Signal};
use tokio::sync::oneshot;

use super::child::{self, ChildPlan, DeathSignal};

/// One program to start.
#[derive(Debug)]
pub struct Launch {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// The whole environment: nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    pub dir: PathBuf,
    /// Numeric user and group to run as, when not our own.
    pub user: Option<(u32, u32)>,
    pub signal: DeathSignal,
    pub stdout: Stdio,
    pub stderr: Stdio,
}

type SpawnRequest = Box<dyn FnOnce() + Send>;

/// Cheap to clone; children live at most as long as its last clone.
#[derive(Debug, Clone)]
pub struct Spawner {
    exe: PathBuf,
    guard: bool,
    jobs: mpsc::Sender<SpawnRequest>,
}

impl Spawner {
    /// `exe` is the `workshop` binary, which is started again for each child.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new(exe: PathBuf) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<SpawnRequest>();
        std::thread::Builder::new().name("spawner".into()).spawn(move || {
            for job in queue {
                job();
            }
        })?;
        Ok(Spawner { exe, guard: !cfg!(target_os = "linux"), jobs })
    }

    /// Uses the guardian of [`super::child`] even where the kernel could do without, for tests.
    #[must_use]
    pub fn guarded(mut self) -> Self {
        self.guard = true;
        self
    }

    /// Starts a program in a process group of its own. Call inside a tokio runtime.
    ///
    /// # Errors
    /// When our own program cannot be started; that it could not become the other one shows in its exit code, 127.
    pub async fn start(&self, launch: Launch) -> io::Result<Running> {
        let plan = ChildPlan {
            user: launch.user,
            signal: launch.signal,
            parent: std::process::id(),
            guard: self.guard,
            program: launch.program.into_os_string(),
            args: launch.args,
        };
        let mut command = tokio::process::Command::new(&self.exe);
        command
            .arg(child::ARGUMENT)
            .args(plan.to_args())
            .env_clear()
            .envs(launch.env)
            .current_dir(&launch.dir)
            .stdin(if self.guard { Stdio::piped() } else { Stdio::null() })
            .stdout(launch.stdout)
            .stderr(launch.stderr)
            .process_group(0)
            .kill_on_drop(true);
        let runtime = tokio::runtime::Handle::current();
        let (reply, answer) = oneshot::channel();
        let job: SpawnRequest = Box::new(move || {
            let _inside = runtime.enter();
            let _ = reply.send(command.spawn());
        });
        let gone = || io::Error::other("the spawner thread is gone");
        self.jobs.send(job).map_err(|_| gone())?;
        let mut child = answer.await.map_err(|_| gone())??;
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or_else(gone)?;
        let life = child.stdin.take();
        Ok(Running { child, pid, _life: life, _spawner: self.clone() })
    }
}

/// The process that stands beside a sandbox. Dropping it makes it sweep and end.
#[derive(Debug)]
pub(crate) struct Sweeper {
    child: tokio::process::Child,
}

impl Sweeper {
    /// Starts one for the functions below `run`; `exe` is this program.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(exe: &Path, run: &Path) -> io::Result<Sweeper> {
        let mut command = tokio::process::Command::new(exe);
        command
            .args([child::ARGUMENT, child::SWEEP])
            .arg(run)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A signal to our group is not meant for it.
            .process_group(0);
        Ok(Sweeper { child: command.spawn()? })
    }

    /// Lets it sweep, and waits until it has ended.
    pub async fn end(mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait().await;
    }
}

/// A started child. Dropping it kills the process.
#[derive(Debug)]
pub struct Running {
    child: tokio::process::Child,
    pid: Pid,
    /// The pipe that a guardian watches. Kept out of `child`, whose `wait` would close it.
    _life: Option<tokio::process::ChildStdin>,
    /// The tie is to the spawner's thread: as long as a child is held, so is the thread.
    _spawner: Spawner,
}

impl Running {
    /// Returns the process id; through a guardian, the guardian's.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Signals the process itself; through a guardian, the program that it guards.
    pub fn signal(&self, signal: Signal) {
        let _ = rustix::process::kill_process(self.pid, signal);
    }

    /// Kills the whole group.
    pub fn kill(&self) {
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When somebody else has waited for it.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Takes its stdout, once, if that was piped.
    pub fn stdout(&mut self) -> Option<tokio::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Takes its stderr, once, if that was piped.
    pub fn stderr(&mut self) -> Option<tokio::process::ChildStderr> {
        self.child.stderr.take()
    }

    /// Tells if it has ended.
    pub fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not after the process was reaped: its number may belong to another by then.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}
