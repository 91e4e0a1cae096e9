//! What a program asks of a sandbox: start it or join it, stop it, save, restore and reset it, move its clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::connection::{ControlConnection, unexpected};
use super::protocol::{
    ARGUMENT, ControlReply, ControlRequest, RunArguments, SandboxOptions, SandboxStatus, StartupReport,
};
use crate::postgres;
use crate::progress::StartProgress;
use crate::state::{FileLock, SandboxKind, SandboxPaths, name_of, path_problem};
use workshop_base::files;
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_base::problem::{Problem, Result};
use workshop_dsql::conditions::SandboxConditions;

/// Time that another sandbox of the same directory has to go away.
const HANDOVER: Duration = Duration::from_secs(30);
/// Time that conditions have to be taken back.
const TAKING_BACK: Duration = Duration::from_secs(5);

/// Keeps the sandbox running until it is dropped.
#[derive(Debug)]
pub struct Lease {
    /// The variables that child processes and SDK clients get; without PGHOST and PGPASSWORD.
    pub environment: BTreeMap<String, String>,
    connection: ControlConnection,
}

impl Lease {
    /// Returns when the sandbox has gone away: stopped by someone, or crashed. [`ensure`] brings it back.
    pub async fn lost(&mut self) {
        while let Ok(Some(_)) = self.connection.receive().await {}
    }
}

/// Makes sure that the sandbox of `workdir` runs, starting it if need be, and holds it.
///
/// # Errors
/// When the directory cannot be written to or is a link, PostgreSQL or Node.js cannot be had, or the start fails.
pub async fn ensure(
    workdir: &Path,
    options: &SandboxOptions,
    mut progress: impl FnMut(StartProgress),
) -> Result<Lease> {
    let (connection, environment) = join(workdir, options, false, &mut progress).await?;
    Ok(Lease { environment, connection })
}

/// Starts the sandbox of `workdir` until it is stopped, or keeps the one that runs.
///
/// # Errors
/// As [`ensure`], and when a port that was asked for is taken or is not the one that it runs on.
pub async fn start(
    workdir: &Path,
    options: &SandboxOptions,
    mut progress: impl FnMut(StartProgress),
) -> Result<SandboxStatus> {
    let (mut connection, _) = join(workdir, options, true, &mut progress).await?;
    // It hangs up once it knows that it is to stay.
    while let Ok(Some(_)) = connection.receive().await {}
    status(workdir, options).await?.ok_or_else(|| Problem::environment("the sandbox stopped as soon as it was ready"))
}

/// Stops the sandbox of `workdir` and waits until it is gone; false when none ran.
///
/// # Errors
/// When the directory is not there, or its state is a link.
pub async fn stop(workdir: &Path, options: &SandboxOptions) -> Result<bool> {
    let Some(places) = existing(workdir, options)? else { return Ok(false) };
    let Some(connection) = ControlConnection::open(&places).await else { return Ok(false) };
    connection.stop().await;
    Ok(true)
}

/// Asks the sandbox of `workdir` about itself; None when it does not run.
///
/// # Errors
/// When it is of another version, is still starting, or hangs up.
pub async fn status(workdir: &Path, options: &SandboxOptions) -> Result<Option<SandboxStatus>> {
    let Some(places) = existing(workdir, options)? else { return Ok(None) };
    let Some(mut connection) = ControlConnection::open(&places).await else { return Ok(None) };
    match connection.ask(&ControlRequest::Status).await? {
        ControlReply::Status(status) => Ok(Some(*status)),
        other => Err(unexpected(&other)),
    }
}

/// Tells if the last sandbox of `workdir` ended without cleaning up. The next start does it.
pub fn crashed(workdir: &Path, options: &SandboxOptions) -> bool {
    existing(workdir, options).ok().flatten().is_some_and(|places| places.sandbox_json().exists())
}

/// Returns the variables for a person's shell, with a cluster's and a fresh token if there is a cluster.
///
/// # Errors
/// When it does not run, or is still starting.
pub async fn env(workdir: &Path, options: &SandboxOptions) -> Result<BTreeMap<String, String>> {
    match ask(workdir, options, &ControlRequest::Env).await? {
        ControlReply::Ready(variables) => Ok(variables),
        other => Err(unexpected(&other)),
    }
}

/// Stops the sandbox and deletes all that it holds.
///
/// # Errors
/// When it does not stop, or a file cannot be deleted.
pub async fn reset(workdir: &Path, options: &SandboxOptions) -> Result<()> {
    stop(workdir, options).await?;
    let Some(places) = existing(workdir, options)? else { return Ok(()) };
    let path = places.lock();
    let held = tokio::time::timeout(HANDOVER, FileLock::wait(&path)).await;
    let _lock = match held {
        Ok(lock) => lock.map_err(|error| path_problem(&path, &error))?,
        Err(_) => {
            return Err(Problem::environment("another sandbox of this directory does not go away").hint("try again"));
        }
    };
    postgres::wipe(&places.postgres())?;
    // The state says where the run of a sandbox was that another TMPDIR had started.
    let noted = places.noted().map(|before| before.run);
    for dir in noted.iter().chain([&places.run, &places.state]) {
        match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(path_problem(dir, &error)),
            _ => {}
        }
    }
    Ok(())
}

/// Saves the whole state under a name, replacing an older one of that name.
///
/// # Errors
/// When the name is no file name, something is under way, or the disk is full.
pub async fn save(workdir: &Path, options: &SandboxOptions, name: &str) -> Result<()> {
    done(ask(workdir, options, &ControlRequest::Save(name.into())).await?)
}

/// Brings a saved state back. Database connections end.
///
/// # Errors
/// When nothing is saved under the name or it is damaged, or something is under way.
pub async fn restore(workdir: &Path, options: &SandboxOptions, name: &str) -> Result<()> {
    done(ask(workdir, options, &ControlRequest::Restore(name.into())).await?)
}

/// Deletes all that it holds, while it goes on with the same credentials. What was saved stays; database connections end.
///
/// # Errors
/// When it does not run, or something is under way.
pub async fn clear(workdir: &Path, options: &SandboxOptions) -> Result<()> {
    done(ask(workdir, options, &ControlRequest::Clear).await?)
}

/// Moves the clock as `+16m`, `-90s`, `+1h30m` say; `0` sets it right. Returns its offset in milliseconds.
///
/// # Errors
/// When `by` is no span of time, leads further than ten years, or the sandbox does not run.
pub async fn clock(workdir: &Path, options: &SandboxOptions, by: &str) -> Result<i64> {
    let request = match by.trim() {
        "0" | "now" => ControlRequest::SetClock(0),
        by => ControlRequest::Advance(milliseconds(by).ok_or_else(|| {
            Problem::usage(format!("`{by}` is no span of time")).hint("write it like +16m, -90s or +1h30m, or 0")
        })?),
    };
    match ask(workdir, options, &request).await? {
        ControlReply::Clock(offset) => Ok(offset),
        other => Err(unexpected(&other)),
    }
}

/// Conditions that the sandbox is under until this is dropped.
#[derive(Debug)]
pub struct Simulation {
    connection: ControlConnection,
}

impl Simulation {
    /// Takes the conditions back, and returns when the sandbox is as always.
    pub async fn end(self) {
        // Gone meanwhile, it is under no conditions either.
        let _ = tokio::time::timeout(TAKING_BACK, self.connection.hang_up()).await;
    }
}

/// Puts the sandbox of `workdir` under conditions. They end when what this returns is dropped, or with this process.
///
/// # Errors
/// When it does not run, somebody else has set some, or the clock would go further than ten years.
pub async fn simulate(workdir: &Path, options: &SandboxOptions, conditions: SandboxConditions) -> Result<Simulation> {
    let mut connection = connected(workdir, options).await?;
    match connection.ask(&ControlRequest::Simulate(conditions)).await? {
        ControlReply::Done => Ok(Simulation { connection }),
        other => Err(unexpected(&other)),
    }
}

/// `+1h30m` in milliseconds.
fn milliseconds(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut sum: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        let scale = match &rest[digits..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(number.checked_mul(scale)?)?;
        rest = &rest[unit..];
    }
    (!text.is_empty() && sum != 0).then_some(sign * sum)
}

async fn join(
    workdir: &Path,
    options: &SandboxOptions,
    keep: bool,
    progress: &mut impl FnMut(StartProgress),
) -> Result<(ControlConnection, BTreeMap<String, String>)> {
    let places = SandboxPaths::new(workdir, options.cache.clone(), options.kind)
        .map_err(|error| path_problem(workdir, &error))?;
    places.make_logs().map_err(|error| path_problem(&places.state, &error))?;
    let request = if keep {
        ControlRequest::Keep { port: options.port, database_port: options.database_port }
    } else {
        ControlRequest::Hold
    };
    let deadline = tokio::time::Instant::now() + HANDOVER;
    let mut ours = false;
    loop {
        if let Some(mut connection) = ControlConnection::open(&places).await {
            connection.send(&request).await;
            while let Some(reply) = connection.receive().await? {
                match reply {
                    ControlReply::Progress(step) => progress(step),
                    ControlReply::Ready(environment) => return Ok((connection, environment)),
                    ControlReply::Failed(_) if !ours => break,
                    other => return Err(unexpected(&other)),
                }
            }
            // It was on its way out: another is started as soon as it is gone.
        }
        if tokio::time::Instant::now() > deadline {
            let what = match options.kind {
                SandboxKind::Cloud => "the sandbox",
                SandboxKind::Database => "the database",
            };
            return Err(Problem::environment(format!("{what} does not come up"))
                .hint(format!("look at {}", places.log().join("sandbox.log").display())));
        }
        ours = launch(&places, options).await?;
        if !ours {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The priority of a sandbox in the background, as `nice` counts. Not the least: it cannot be taken back when a talk moves
/// there.
const YIELDING: &str = "5";

/// Starts the process; returns when its control socket takes connections, or another's: then false.
async fn launch(places: &SandboxPaths, options: &SandboxOptions) -> Result<bool> {
    let log = places.log().join("sandbox.log");
    let errors = files::append(&log).map_err(|error| path_problem(&log, &error))?;
    let mut command = match options.background {
        // POSIX's own: before the process has begun threads, which would keep the priority that they began with.
        true => {
            let mut nice = tokio::process::Command::new("nice");
            nice.args(["-n", YIELDING]).arg(&options.exe);
            nice
        }
        false => tokio::process::Command::new(&options.exe),
    };
    let run = RunArguments { workdir: places.workdir.clone(), options: options.clone(), keep: false };
    command.arg(ARGUMENT).args(run.to_args());
    let mut child = command
        .current_dir(&places.workdir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .map_err(|error| path_problem(&options.exe, &error))?;
    let stdout = child.stdout.take().ok_or_else(|| Problem::environment("the sandbox has no output"))?;
    let mut forsaken = Forsaken(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
    let line = BufReader::new(stdout).lines().next_line().await.ok().flatten().unwrap_or_default();
    forsaken.0 = None;
    match serde_json::from_str(&line) {
        Ok(StartupReport::Up) => Ok(true),
        Ok(StartupReport::Taken) => Ok(false),
        Ok(StartupReport::Problem(problem)) => Err(problem),
        Err(_) => Err(Problem::environment("the sandbox ended as soon as it was started")
            .hint(format!("look at the end of {}", log.display()))),
    }
}

/// Stops a process that nobody will come for: whoever started it has given up before it was up.
struct Forsaken(Option<Pid>);

impl Drop for Forsaken {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }
}

/// The places of a sandbox that has ever been started.
fn existing(workdir: &Path, options: &SandboxOptions) -> Result<Option<SandboxPaths>> {
    let state = PrivateDir::existing(workdir, OURS).and_then(|ours| match ours {
        Some(_) => PrivateDir::existing(&workdir.join(OURS), name_of(options.kind)),
        None => Ok(None),
    });
    if state.map_err(|error| path_problem(workdir, &error))?.is_none() {
        return Ok(None);
    }
    SandboxPaths::new(workdir, options.cache.clone(), options.kind)
        .map(Some)
        .map_err(|error| path_problem(workdir, &error))
}

async fn ask(workdir: &Path, options: &SandboxOptions, request: &ControlRequest) -> Result<ControlReply> {
    connected(workdir, options).await?.ask(request).await
}

async fn connected(workdir: &Path, options: &SandboxOptions) -> Result<ControlConnection> {
    let absent = || Problem::environment("the sandbox is not running").hint("start it with `workshop sandbox start`");
    let places = existing(workdir, options)?.ok_or_else(absent)?;
    ControlConnection::open(&places).await.ok_or_else(absent)
}

fn done(reply: ControlReply) -> Result<()> {
    match reply {
        ControlReply::Done => Ok(()),
        other => Err(unexpected(&other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time() {
        assert_eq!(milliseconds("+16m"), Some(960_000));
        assert_eq!(milliseconds("1h30m"), Some(5_400_000));
        assert_eq!(milliseconds("-90s"), Some(-90_000));
        for wrong in ["", "+", "16", "m", "+5x", "0s", "+9999999999999999999d"] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }
}
