//! How the rest of the world finds, starts and directs a sandbox: one process per working directory,
//! reached through a socket that only its owner can open.
//!
//! Whoever uses a sandbox holds a [`Lease`]: a connection. The sandbox goes with its last lease, however
//! that ends, unless it was started by hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::postgres;
use super::progress::StartProgress;
use super::serve::{self, Run};
use super::state::{self, FileLock, SandboxPaths};
use workshop_base::problem::{Problem, Result};

/// How long another sandbox of the same directory may take to go away.
const HANDOVER: Duration = Duration::from_secs(30);
/// How long a process is waited for whose socket has closed.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// What a client asks, one JSON line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ControlRequest {
    /// Stay as long as this connection does; answers progress, then `Ready`.
    Hold,
    /// Stay until told to stop; answers like `Hold`, and ends.
    Keep {
        port: Option<u16>,
    },
    /// Answers nothing: the connection ends with the process.
    Stop,
    Status,
    Env,
    /// Milliseconds to move the clock by.
    Advance(i64),
    /// Milliseconds ahead of the machine's clock.
    SetClock(i64),
    Save(String),
    Restore(String),
}

/// What it answers, one JSON line each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ControlReply {
    Progress(StartProgress),
    Ready(BTreeMap<String, String>),
    Status(Box<SandboxStatus>),
    /// The clock's offset in milliseconds.
    Clock(i64),
    Done,
    /// The request is refused.
    Problem(Problem),
    /// The start failed; the process is about to end.
    Failed(Problem),
}

/// The first line on a starting sandbox's stdout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StartupReport {
    /// The control socket takes connections.
    Up,
    /// Another one of this directory is up already.
    Taken,
    Problem(Problem),
}

/// What a running sandbox says about itself. No secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxStatus {
    pub pid: u32,
    /// RFC 3339, by the machine's clock.
    pub started: String,
    /// Of this program.
    pub version: String,
    pub endpoint: String,
    pub dsql_port: u16,
    pub region: String,
    pub account: String,
    pub postgres: String,
    pub node: String,
    /// The certificate authority.
    pub ca: PathBuf,
    /// Where to connect to direct it.
    pub control: PathBuf,
    #[serde(default)]
    pub clusters: Vec<String>,
    /// Connections that keep it running.
    #[serde(default)]
    pub users: usize,
    /// Started by hand: stays without users.
    #[serde(default)]
    pub kept: bool,
    /// How far its clock is ahead of the machine's.
    #[serde(default)]
    pub clock_offset_ms: i64,
    #[serde(default)]
    pub saved: Vec<String>,
}

/// What [`ensure`] and [`start`] need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxOptions {
    /// This program, which is started again as the sandbox: `std::env::current_exe`.
    pub exe: PathBuf,
    /// Shared by all sandboxes: [`state::cache_dir`].
    pub cache: PathBuf,
    /// None: the one that the state has, else `us-east-1`.
    pub region: Option<String>,
    /// For AWS calls. None: the last one if it is free, else any.
    pub port: Option<u16>,
}

/// Keeps the sandbox running until it is dropped.
#[derive(Debug)]
pub struct Lease {
    /// What child processes and SDK clients get; without PGHOST and PGPASSWORD.
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
pub async fn ensure(
    workdir: &Path,
    options: &SandboxOptions,
    mut progress: impl FnMut(StartProgress),
) -> Result<Lease> {
    let (connection, environment) = join(workdir, options, false, &mut progress).await?;
    Ok(Lease { environment, connection })
}

/// Starts the sandbox of `workdir` until it is stopped; says so when it runs already.
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
pub async fn stop(workdir: &Path, options: &SandboxOptions) -> Result<bool> {
    let Some(places) = existing(workdir, options)? else { return Ok(false) };
    let Some(connection) = ControlConnection::open(&places).await else { return Ok(false) };
    connection.stop().await;
    Ok(true)
}

/// None when it does not run.
pub async fn status(workdir: &Path, options: &SandboxOptions) -> Result<Option<SandboxStatus>> {
    let Some(places) = existing(workdir, options)? else { return Ok(None) };
    let Some(mut connection) = ControlConnection::open(&places).await else { return Ok(None) };
    match connection.ask(&ControlRequest::Status).await? {
        ControlReply::Status(status) => Ok(Some(*status)),
        other => Err(unexpected(&other)),
    }
}

/// Whether the last sandbox of `workdir` ended without cleaning up. The next start does it.
pub fn crashed(workdir: &Path, options: &SandboxOptions) -> bool {
    existing(workdir, options).ok().flatten().is_some_and(|places| places.sandbox_json().exists())
}

/// The variables for a person's shell, with a cluster's and a fresh token if there is a cluster.
pub async fn env(workdir: &Path, options: &SandboxOptions) -> Result<BTreeMap<String, String>> {
    match ask(workdir, options, &ControlRequest::Env).await? {
        ControlReply::Ready(variables) => Ok(variables),
        other => Err(unexpected(&other)),
    }
}

/// Stops the sandbox and deletes all that it holds.
pub async fn reset(workdir: &Path, options: &SandboxOptions) -> Result<()> {
    stop(workdir, options).await?;
    let Some(places) = existing(workdir, options)? else { return Ok(()) };
    let path = places.lock();
    let held = tokio::time::timeout(HANDOVER, FileLock::wait(&path)).await;
    let _lock = match held {
        Ok(lock) => lock.map_err(|error| trouble(&path, &error))?,
        Err(_) => {
            return Err(Problem::environment("another sandbox of this directory does not go away").hint("try again"));
        }
    };
    postgres::wipe(&places.postgres())?;
    for dir in [&places.run, &places.state] {
        match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(trouble(dir, &error)),
            _ => {}
        }
    }
    Ok(())
}

/// Saves the whole state under a name, replacing an older one of that name.
pub async fn save(workdir: &Path, options: &SandboxOptions, name: &str) -> Result<()> {
    done(ask(workdir, options, &ControlRequest::Save(name.into())).await?)
}

/// Brings a saved state back. Database connections end.
pub async fn restore(workdir: &Path, options: &SandboxOptions, name: &str) -> Result<()> {
    done(ask(workdir, options, &ControlRequest::Restore(name.into())).await?)
}

/// Moves the clock as `+16m`, `-90s`, `+1h30m` say; `0` sets it right. Answers its offset in milliseconds.
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
    let state = workdir.join(".workshop/sandbox");
    std::fs::create_dir_all(&state).map_err(|error| trouble(&state, &error))?;
    let places = SandboxPaths::new(workdir, options.cache.clone()).map_err(|error| trouble(workdir, &error))?;
    let request = if keep { ControlRequest::Keep { port: options.port } } else { ControlRequest::Hold };
    let deadline = tokio::time::Instant::now() + HANDOVER;
    let mut ours = false;
    loop {
        if let Some(mut connection) = ControlConnection::open(&places).await {
            connection.send(&request).await?;
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
            return Err(Problem::environment("the sandbox does not come up")
                .hint(format!("look at {}", places.log().join("sandbox.log").display())));
        }
        ours = launch(&places, options).await?;
        if !ours {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Starts the process; returns when its control socket takes connections, or another's: then false.
async fn launch(places: &SandboxPaths, options: &SandboxOptions) -> Result<bool> {
    let log = places.log();
    std::fs::create_dir_all(&log).map_err(|error| trouble(&log, &error))?;
    let log = log.join("sandbox.log");
    let errors =
        std::fs::OpenOptions::new().create(true).append(true).open(&log).map_err(|error| trouble(&log, &error))?;
    let mut command = tokio::process::Command::new(&options.exe);
    let run = Run { workdir: places.workdir.clone(), options: options.clone(), keep: false };
    command.arg(serve::ARGUMENT).args(run.to_args());
    let mut child = command
        .current_dir(&places.workdir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .map_err(|error| trouble(&options.exe, &error))?;
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

/// Ends a sandbox that answers although its state is gone: whoever deleted the directory forgot it.
pub(super) async fn end_forgotten(places: &SandboxPaths) {
    let Some(connection) = ControlConnection::open_any(places).await else { return };
    tracing::warn!("a sandbox of this directory lost its state; it is stopped");
    let _ = tokio::time::timeout(HANDOVER, connection.stop()).await;
}

/// The places of a sandbox that has ever been started.
fn existing(workdir: &Path, options: &SandboxOptions) -> Result<Option<SandboxPaths>> {
    if !workdir.join(".workshop/sandbox").is_dir() {
        return Ok(None);
    }
    SandboxPaths::new(workdir, options.cache.clone()).map(Some).map_err(|error| trouble(workdir, &error))
}

async fn ask(workdir: &Path, options: &SandboxOptions, request: &ControlRequest) -> Result<ControlReply> {
    let absent = || Problem::environment("the sandbox is not running").hint("start it with `workshop sandbox start`");
    let places = existing(workdir, options)?.ok_or_else(absent)?;
    let mut connection = ControlConnection::open(&places).await.ok_or_else(absent)?;
    connection.ask(request).await
}

fn done(reply: ControlReply) -> Result<()> {
    match reply {
        ControlReply::Done => Ok(()),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(reply: &ControlReply) -> Problem {
    match reply {
        ControlReply::Problem(problem) | ControlReply::Failed(problem) => problem.clone(),
        _ => Problem::environment("the sandbox is of another version").hint("stop it with `workshop sandbox stop`"),
    }
}

pub(super) fn trouble(path: &Path, error: &std::io::Error) -> Problem {
    Problem::environment(format!("{}: {error}", path.display())).hint(state::io_hint(error))
}

/// Whether a process runs. One that has ended and that nobody has waited for does not.
fn lives(process: Pid) -> bool {
    let path = format!("/proc/{}/stat", process.as_raw_nonzero());
    // "1234 (workshop) Z 1 …": the name may hold anything, also a parenthesis.
    let ended = std::fs::read_to_string(path)
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')));
    !ended && rustix::process::test_kill_process(process).is_ok()
}

/// JSON lines over the control socket, seen from the client.
#[derive(Debug)]
struct ControlConnection {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl ControlConnection {
    /// None when nobody listens there.
    async fn open(places: &SandboxPaths) -> Option<ControlConnection> {
        // One whose state was deleted under it may still answer, and is of no use.
        if !places.lock().exists() {
            return None;
        }
        ControlConnection::open_any(places).await
    }

    async fn open_any(places: &SandboxPaths) -> Option<ControlConnection> {
        let stream = UnixStream::connect(places.control_socket()).await.ok()?;
        let (reader, writer) = stream.into_split();
        Some(ControlConnection { lines: BufReader::new(reader).lines(), writer })
    }

    async fn send(&mut self, request: &ControlRequest) -> Result<()> {
        let mut line = serde_json::to_vec(request).expect("a request is plain data");
        line.push(b'\n');
        // One that is going away is noticed by its silence.
        let _ = self.writer.write_all(&line).await;
        Ok(())
    }

    async fn receive(&mut self) -> Result<Option<ControlReply>> {
        match self.lines.next_line().await {
            Ok(Some(line)) => serde_json::from_str(&line).map(Some).map_err(|_| unexpected(&ControlReply::Done)),
            Ok(None) | Err(_) => Ok(None),
        }
    }

    /// Asks it to stop and waits until its process is gone.
    async fn stop(mut self) {
        let stream: &UnixStream = self.writer.as_ref();
        let process = stream.peer_cred().ok().and_then(|peer| Pid::from_raw(peer.pid()?));
        let process = process.filter(|process| *process != rustix::process::getpid());
        let _ = self.send(&ControlRequest::Stop).await;
        while let Ok(Some(_)) = self.receive().await {}
        // The socket closes a moment before its process has ended.
        let deadline = tokio::time::Instant::now() + LAST_MOMENT;
        while process.is_some_and(lives) && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn ask(&mut self, request: &ControlRequest) -> Result<ControlReply> {
        self.send(request).await?;
        match self.receive().await? {
            Some(ControlReply::Problem(problem)) => Err(problem),
            Some(reply) => Ok(reply),
            None => Err(Problem::environment("the sandbox is stopping").hint("try again")),
        }
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

    #[test]
    fn requests_and_replies_survive_the_wire() {
        for request in [ControlRequest::Hold, ControlRequest::Keep { port: Some(1) }, ControlRequest::Save("x".into())]
        {
            let line = serde_json::to_string(&request).expect("written");
            assert_eq!(serde_json::from_str::<ControlRequest>(&line).expect("read"), request);
        }
        let reply = ControlReply::Problem(Problem::usage("no").hint("yes"));
        let line = serde_json::to_string(&reply).expect("written");
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<ControlReply>(&line).expect("read"), reply);
    }
}
