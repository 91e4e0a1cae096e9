//! One run of a sandbox, from the lock on its state to the last file that it removes.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use tokio::net::UnixListener;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::clients::accept;
use super::daemon::{Daemon, Signals, StartPhase, Users};
use super::services::GRACE;
use crate::clock::SandboxClock;
use crate::control::SandboxOptions;
use crate::control::connection::ControlConnection;
use crate::control::protocol::{ARGUMENT, RunArguments, StartupReport};
use crate::postgres::account::open_dir;
use crate::state::{FileLock, SandboxPaths, path_problem};
use crate::sweep::sweep;
use workshop_base::bounded_log::BoundedLog;
use workshop_base::files;
use workshop_base::log::{self, LevelFilter};
use workshop_base::problem::{Problem, Result};

/// A lock that another process is about to give back is waited for this long.
const HANDOVER: Duration = Duration::from_secs(20);
/// Bytes of the log before it is set aside.
const LOG_LIMIT: u64 = 8 << 20;

/// Becomes the sandbox, apart from any terminal: what [`crate::control`] starts. Its only output is a
/// line on stdout that says whether it came up.
pub fn detached(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let_go_of_the_starter();
    let run = std::env::current_exe().ok().and_then(|exe| RunArguments::parse(exe, args));
    let Some(run) = run else {
        eprintln!("{ARGUMENT} is for the sandbox's own use");
        return ExitCode::from(2);
    };
    // Fails only for the leader of a group, which a started child is not.
    let _ = rustix::process::setsid();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            hello(&StartupReport::Problem(Problem::environment(format!("the sandbox cannot run: {error}"))));
            return ExitCode::from(3);
        }
    };
    let ended = runtime.block_on(serve(run));
    runtime.shutdown_timeout(GRACE);
    match ended {
        Ok(_) => ExitCode::SUCCESS,
        Err(problem) => {
            hello(&StartupReport::Problem(problem.clone()));
            ExitCode::from(problem.kind.exit_code())
        }
    }
}

/// Closes every descriptor but the standard three: one that a shell or a program left open for whoever starts us would
/// otherwise stay open as long as the sandbox runs, and with it a pipe that someone reads to its end, or a lock.
/// Call it before anything is opened, while there is one thread.
fn let_go_of_the_starter() {
    let Ok(open) = fs::read_dir("/dev/fd") else { return };
    // Collected first: the directory that is being read is among them.
    let open: Vec<i32> = open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // That of the directory is closed already.
        let _ = nix::unistd::close(descriptor);
    }
}

/// Runs the sandbox in the foreground until a signal or `stop` ends it; returns the exit code.
///
/// # Errors
/// When one of this directory runs already, or this one cannot be started.
pub async fn main(workdir: &Path, options: &SandboxOptions) -> Result<u8> {
    let run = RunArguments { workdir: workdir.to_path_buf(), options: options.clone(), keep: true };
    match serve(run).await? {
        StartupReport::Up | StartupReport::Problem(_) => Ok(0),
        StartupReport::Taken => Err(Problem::environment("the sandbox of this directory runs already")
            .hint("stop it with `workshop sandbox stop`")),
    }
}

fn hello(hello: &StartupReport) {
    let mut line = serde_json::to_vec(hello).expect("plain data");
    line.push(b'\n');
    // Whoever started it may be gone.
    let _ = io::stdout().write_all(&line).and_then(|()| io::stdout().flush());
}

/// Runs a sandbox to its end. Returns `Taken` at once when one of this directory runs already.
async fn serve(run: RunArguments) -> Result<StartupReport> {
    let RunArguments { workdir, options, keep } = run;
    let places = SandboxPaths::new(&workdir, options.cache.clone(), options.kind)
        .map_err(|error| path_problem(&workdir, &error))?;
    places.make_logs().map_err(|error| path_problem(&places.state, &error))?;
    fs::create_dir_all(&places.cache).map_err(|error| path_problem(&places.cache, &error))?;
    let Some(_lock) = take(&places).await? else {
        hello(&StartupReport::Taken);
        return Ok(StartupReport::Taken);
    };
    log_to(&places.log().join("sandbox.log"));
    for dir in [&places.state, &places.cloud()] {
        files::remove_unfinished(dir);
    }
    end_forgotten(&places).await;
    places.make().map_err(|error| path_problem(&places.state, &error))?;
    // Whatever a crash left there is of no use. Its functions' children were ended by its sweeper, unless that was killed too.
    for run in places.noted().map(|before| before.run).iter().chain([&places.run]) {
        sweep(run);
        match fs::remove_dir_all(run) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(path_problem(run, &error)),
            _ => {}
        }
    }
    open_dir(&places.run).map_err(|error| path_problem(&places.run, &error))?;
    let socket = places.control_socket();
    let listener = UnixListener::bind(&socket).map_err(|error| path_problem(&socket, &error))?;
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600)).map_err(|error| path_problem(&socket, &error))?;
    places.note_control_socket().map_err(|error| path_problem(&places.state, &error))?;
    let mut signals = Signals::new().map_err(|error| path_problem(&socket, &error))?;
    hello(&StartupReport::Up);

    let daemon = Arc::new(Daemon {
        places,
        clock: SandboxClock::new(),
        started: SystemTime::now(),
        phase: watch::Sender::new(StartPhase::Starting(None)),
        users: watch::Sender::new(Users { kept: keep, ..Users::default() }),
        services: Mutex::new(None),
        stop: CancellationToken::new(),
    });
    let accepting = tokio::spawn(accept(listener, daemon.clone()));
    let starting = tokio::spawn({
        let daemon = daemon.clone();
        async move {
            let start = AssertUnwindSafe(daemon.start(&options)).catch_unwind();
            if start.await.is_err() {
                let problem =
                    Problem::environment("the sandbox's start broke off half-way, which is a fault of this program");
                daemon.phase.send_replace(StartPhase::Failed(
                    problem
                        .hint(format!("the end of {} says where", daemon.places.log().join("sandbox.log").display())),
                ));
            }
        }
    });
    daemon.last(&mut signals).await;
    tracing::info!("stopping");
    accepting.abort();
    let _ = fs::remove_file(&socket);
    // A start under way is given up; its children go with it.
    if matches!(*daemon.phase.borrow(), StartPhase::Starting(_)) {
        starting.abort();
    }
    let _ = starting.await;
    if let Some(services) = daemon.services.lock().await.take() {
        services.stop().await;
    }
    let _ = fs::remove_file(daemon.places.sandbox_json());
    let _ = fs::remove_dir_all(&daemon.places.run);
    tracing::info!("stopped");
    Ok(StartupReport::Up)
}

/// Time that a sandbox which lost its state has to end.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// Ends a sandbox that answers although its state is gone: whoever deleted the directory forgot it.
async fn end_forgotten(places: &SandboxPaths) {
    let Some(connection) = ControlConnection::open_any(places).await else { return };
    tracing::warn!("a sandbox of this directory lost its state; it is stopped");
    let _ = tokio::time::timeout(FORGOTTEN, connection.stop()).await;
}

/// Takes the lock on the state; None when a sandbox that answers has it.
async fn take(places: &SandboxPaths) -> Result<Option<FileLock>> {
    let path = places.lock();
    let deadline = tokio::time::Instant::now() + HANDOVER;
    loop {
        if let Some(lock) = FileLock::try_take(&path).map_err(|error| path_problem(&path, &error))? {
            return Ok(Some(lock));
        }
        if ControlConnection::open_any(places).await.is_some() {
            return Ok(None);
        }
        if tokio::time::Instant::now() > deadline {
            return Err(Problem::environment("another sandbox of this directory neither answers nor goes away")
                .hint(format!("look for it with `fuser {}`", path.display())));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn log_to(path: &Path) {
    let Ok(file) = BoundedLog::open(path, LOG_LIMIT) else { return };
    log::write_to(file, LevelFilter::INFO);
}
