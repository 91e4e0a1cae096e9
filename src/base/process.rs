//! Child processes: each is a group of its own with a deadline, a story and an end.
//!
//! stdin is null or what is given, both pipes are drained while it runs, and it ends by TERM, a grace time, then KILL
//! of the whole group. After it has ended, a short window waits for grandchildren that hold the pipes.
//!
//! Invariant: no child started here outlives the future that runs it, unless that future is told to
//! let go of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, setpriority_pgrp};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::surroundings::GIT_REPOSITORY;

pub use super::feed::Feed;

/// Time that a group has to end after TERM before it is killed.
pub const GRACE: Duration = Duration::from_secs(5);
/// Time that a pipe may stay open in silence after the child itself has ended.
const LEAK_WINDOW: Duration = Duration::from_millis(200);
/// The same for one that is written to all the time.
const LEAK_LIMIT: Duration = Duration::from_secs(5);
/// Longer lines are cut into pieces of this many bytes, so that no output fills the memory. A document of JSON that a lesson looks
/// into is often one line.
const LINE_LIMIT: usize = 1 << 20;
/// Bytes that [`output`] keeps of a pipe.
const OUTPUT_LIMIT: usize = 1 << 20;
/// The most lines handed over at once.
const BATCH: usize = 512;
/// The most batches of lines that wait for their reader; each may be a line of [`LINE_LIMIT`].
const WAITING: usize = 4;

/// Describes a child: its program, where and with which environment it runs, and for how long.
#[derive(Debug, Clone)]
pub struct ProcessSpec {
    pub program: OsString,
    pub args: Vec<OsString>,
    pub cwd: PathBuf,
    /// Set on top of our own environment.
    pub env: BTreeMap<String, String>,
    /// Taken out of our own environment first.
    pub env_remove: Vec<String>,
    pub deadline: Duration,
    /// Text for its standard input; None: there is nothing to read.
    pub stdin: Option<String>,
    /// Text for its standard input that comes while it runs, in place of `stdin`.
    pub feed: Option<Feed>,
    pub priority: Priority,
}

/// The share of the processor that a job gets beside others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Priority {
    #[default]
    Normal,
    /// A tenth of what others get (`nice` 10): it goes on also beside those who never rest.
    Low,
    /// The rest that nobody else wants (`nice` 19).
    Least,
}

impl ProcessSpec {
    /// Makes the spec of a `sh -c` line, with our environment and no more.
    pub fn shell(line: impl Into<OsString>, cwd: impl Into<PathBuf>, deadline: Duration) -> ProcessSpec {
        ProcessSpec {
            program: "sh".into(),
            args: vec!["-c".into(), line.into()],
            cwd: cwd.into(),
            env: BTreeMap::new(),
            env_remove: Vec::new(),
            deadline,
            stdin: None,
            feed: None,
            priority: Priority::Normal,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputPipe {
    Stdout,
    Stderr,
}

/// Says what ended a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCause {
    Exited(i32),
    /// By a signal that was not ours.
    Signaled(i32),
    /// By us, at its deadline.
    TimedOut,
    /// By us, when asked.
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessExit {
    pub cause: ExitCause,
    pub took: Duration,
    /// A grandchild still held a pipe when the leak window closed; its group was killed.
    pub leaked: bool,
}

impl ProcessExit {
    /// Tells if it ended by itself with exit code 0.
    pub fn success(&self) -> bool {
        self.cause == ExitCause::Exited(0)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("`{program}` was not found on PATH")]
    NotFound { program: String },
    #[error("`{program}` could not be started: there is no directory {}", cwd.display())]
    NoDirectory { program: String, cwd: PathBuf },
    #[error("`{program}` could not be started: {source}")]
    Start { program: String, source: io::Error },
    #[error("waiting for `{program}`: {source}")]
    Wait { program: String, source: io::Error },
}

/// Tells if a program that could not be started is not there. The system says "permission denied" for it as soon as one
/// directory of `PATH` may not be read.
pub fn is_missing(program: &OsStr, error: &io::Error) -> bool {
    let nowhere = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Path::new(program).components().count() == 1
            && !std::env::split_paths(&path).any(|dir| dir.join(program).exists())
    };
    match error.kind() {
        io::ErrorKind::NotFound => true,
        io::ErrorKind::PermissionDenied => nowhere(),
        _ => false,
    }
}

/// Runs a child to its end. `on_lines` gets its output in order per pipe, in batches, while it runs.
///
/// # Errors
/// When it cannot be started. However it ends after that is an [`ProcessExit`].
pub async fn run(
    job: ProcessSpec,
    cancel: &CancellationToken,
    mut on_lines: impl FnMut(OutputPipe, Vec<String>),
) -> Result<ProcessExit, ProcessError> {
    let program = job.program.to_string_lossy().into_owned();
    let begun = Instant::now();
    let mut command = Command::new(&job.program);
    let reads = job.stdin.is_some() || job.feed.is_some();
    let stdin = if reads { Stdio::piped() } else { Stdio::null() };
    command.args(&job.args).current_dir(&job.cwd).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in job.env_remove.iter().map(String::as_str).chain(GIT_REPOSITORY) {
        command.env_remove(name);
    }
    command.envs(&job.env).process_group(0);
    let mut child = command.spawn().map_err(|source| match is_missing(&job.program, &source) {
        true if !job.cwd.is_dir() => ProcessError::NoDirectory { program: program.clone(), cwd: job.cwd.clone() },
        true => ProcessError::NotFound { program: program.clone() },
        false => ProcessError::Start { program: program.clone(), source },
    })?;
    let group = ProcessGroup::of(&child);
    group.take(job.priority);

    let mut feeding = JoinSet::new();
    if let Some(mut stdin) = child.stdin.take() {
        let (text, feed) = (job.stdin, job.feed.and_then(|feed| feed.take()));
        feeding.spawn(async move {
            // One that does not read to the end, or has ended, wants no more.
            let _ = stdin.write_all(text.unwrap_or_default().as_bytes()).await;
            let Some(mut feed) = feed else { return };
            while let Some(text) = feed.recv().await {
                if stdin.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
    // Bounded: a child that prints faster than anyone reads is held back, not buffered.
    let (lines, mut received) = mpsc::channel::<(OutputPipe, Vec<String>)>(WAITING);
    let mut readers = JoinSet::new();
    if let Some(out) = child.stdout.take() {
        readers.spawn(read_lines(OutputPipe::Stdout, out, lines.clone()));
    }
    if let Some(err) = child.stderr.take() {
        readers.spawn(read_lines(OutputPipe::Stderr, err, lines.clone()));
    }
    drop(lines);

    let deadline = tokio::time::sleep(job.deadline);
    tokio::pin!(deadline);
    let mut ours: Option<ExitCause> = None;
    let mut kill_at: Option<tokio::time::Instant> = None;
    let mut pipes_open = true;
    let status = loop {
        let kill = async {
            match kill_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            batch = received.recv(), if pipes_open => match batch {
                Some((pipe, batch)) => on_lines(pipe, batch),
                None => pipes_open = false,
            },
            status = child.wait() => break status.map_err(|source| ProcessError::Wait { program: program.clone(), source })?,
            () = cancel.cancelled(), if ours.is_none() => {
                ours = Some(ExitCause::Cancelled);
                group.signal(Signal::TERM);
                kill_at = Some(tokio::time::Instant::now() + GRACE);
            }
            () = &mut deadline, if ours.is_none() => {
                ours = Some(ExitCause::TimedOut);
                group.signal(Signal::TERM);
                kill_at = Some(tokio::time::Instant::now() + GRACE);
            }
            () = kill => {
                group.signal(Signal::KILL);
                kill_at = None;
            }
        }
    };
    let leaked = pipes_open && !take_rest(&mut received, &mut on_lines).await;
    readers.shutdown().await;
    feeding.shutdown().await;
    drop(group); // whatever of the group is left ends here
    let cause = ours.unwrap_or_else(|| cause_of(status));
    Ok(ProcessExit { cause, took: begun.elapsed(), leaked })
}

/// Takes what is still in the pipes of a child that has ended; false when somebody else holds one, be it without a word or
/// without a pause.
async fn take_rest(
    received: &mut mpsc::Receiver<(OutputPipe, Vec<String>)>,
    on_lines: &mut impl FnMut(OutputPipe, Vec<String>),
) -> bool {
    let until = tokio::time::Instant::now() + LEAK_LIMIT;
    while tokio::time::Instant::now() < until {
        match tokio::time::timeout(LEAK_WINDOW, received.recv()).await {
            Ok(Some((pipe, batch))) => on_lines(pipe, batch),
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
    false
}

fn cause_of(status: std::process::ExitStatus) -> ExitCause {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitCause::Exited(code),
        (None, Some(signal)) => ExitCause::Signaled(signal),
        (None, None) => ExitCause::Exited(-1),
    }
}

/// The group of a child. Dropping it, also when a future is dropped or a panic unwinds, kills what is left.
pub struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    /// Takes charge of a child that was started with `process_group(0)`.
    pub fn of(child: &tokio::process::Child) -> ProcessGroup {
        ProcessGroup(child.id().and_then(|id| Pid::from_raw(id.cast_signed())))
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // The group may be gone already: that is what was wanted.
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Gives the group a priority, which all that it starts later inherits.
    fn take(&self, priority: Priority) {
        let nice = match priority {
            Priority::Normal => return,
            Priority::Low => 10,
            Priority::Least => 19,
        };
        if let Some(pid) = self.0 {
            // Where it is not allowed, it is only slower for the others.
            let _ = setpriority_pgrp(Some(pid), nice);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Splits a pipe into lines at `\n` and `\r` (progress bars), cutting over-long ones.
async fn read_lines(pipe: OutputPipe, mut from: impl AsyncRead + Unpin, to: mpsc::Sender<(OutputPipe, Vec<String>)>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut rest: Vec<u8> = Vec::new();
    let mut after_cr = false;
    loop {
        let n = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(n) => n,
        };
        let mut batch = Vec::new();
        for piece in buffer[..n].split_inclusive(|b| matches!(b, b'\n' | b'\r')) {
            rest.extend_from_slice(piece);
            let end = rest.last().copied().filter(|b| matches!(b, b'\n' | b'\r'));
            if end.is_some() {
                rest.pop();
            }
            // The `\n` of a `\r\n` ends nothing: its line went out at the `\r`.
            let nothing = rest.is_empty() && (after_cr || end == Some(b'\r'));
            if (end.is_some() && !nothing) || rest.len() >= LINE_LIMIT {
                batch.push(String::from_utf8_lossy(&rest).into_owned());
                rest.clear();
            }
            if end.is_some() {
                after_cr = end == Some(b'\r');
            }
            if batch.len() >= BATCH && to.send((pipe, std::mem::take(&mut batch))).await.is_err() {
                return;
            }
        }
        if !batch.is_empty() && to.send((pipe, batch)).await.is_err() {
            return;
        }
    }
    if !rest.is_empty() {
        let _ = to.send((pipe, vec![String::from_utf8_lossy(&rest).into_owned()])).await;
    }
}

/// Runs a short command and collects its output, stdout and stderr apart: of each the first mebibyte, and a line that
/// counts the rest.
///
/// # Errors
/// When it cannot be started.
pub async fn output(job: ProcessSpec) -> Result<(ProcessExit, Vec<String>, Vec<String>), ProcessError> {
    let (mut out, mut err) = (BoundedLines::default(), BoundedLines::default());
    let ended = run(job, &CancellationToken::new(), |pipe, lines| match pipe {
        OutputPipe::Stdout => out.extend(lines),
        OutputPipe::Stderr => err.extend(lines),
    })
    .await?;
    Ok((ended, out.finish(), err.finish()))
}

/// Lines up to [`OUTPUT_LIMIT`], and the count of what came after them.
#[derive(Default)]
struct BoundedLines {
    lines: Vec<String>,
    bytes: usize,
    lost: usize,
}

impl BoundedLines {
    fn extend(&mut self, lines: Vec<String>) {
        for line in lines {
            if self.lost > 0 || self.bytes + line.len() > OUTPUT_LIMIT {
                self.lost += line.len() + 1;
            } else {
                self.bytes += line.len() + 1;
                self.lines.push(line);
            }
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.lost > 0 {
            self.lines.push(format!("… {} more bytes", self.lost));
        }
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(line: &str) -> ProcessSpec {
        ProcessSpec::shell(line, "/", Duration::from_secs(20))
    }

    #[tokio::test]
    async fn exit_code_and_both_pipes_arrive() {
        let (ended, out, err) = output(sh("printf 'a\\r\\n\\nc\\rd'; echo b >&2; exit 3")).await.unwrap();
        assert_eq!(ended.cause, ExitCause::Exited(3));
        assert_eq!(out, ["a", "", "c", "d"]);
        assert_eq!(err, ["b"]);
    }

    #[tokio::test]
    async fn what_is_given_is_read_to_its_end_and_need_not_be() {
        let mut job = sh("wc -c; read x || echo over");
        job.stdin = Some("x".repeat(300_000));
        assert_eq!(output(job.clone()).await.unwrap().1, ["300000", "over"]);
        job.args[1] = "exit 0".into();
        assert!(output(job).await.unwrap().0.success(), "and one that reads nothing ends all the same");
    }

    #[tokio::test]
    async fn what_is_fed_arrives_while_it_runs_and_the_last_feeder_ends_it() {
        let (feeder, feed) = Feed::new();
        let mut job = sh("while read line; do echo got $line; done; echo over");
        job.feed = Some(feed);
        feeder.send("a\n".to_owned()).unwrap();
        let mut feeder = Some(feeder);
        let mut got = Vec::new();
        let never = CancellationToken::new();
        let ended = run(job, &never, |_, lines| {
            if let (true, Some(feeder)) = (lines.contains(&"got a".to_owned()), &feeder) {
                feeder.send("b\n".to_owned()).unwrap();
            }
            if lines.contains(&"got b".to_owned()) {
                feeder = None;
            }
            got.extend(lines);
        });
        assert!(ended.await.unwrap().success());
        assert_eq!(got, ["got a", "got b", "over"]);
    }

    #[tokio::test]
    async fn a_job_has_the_priority_that_it_is_given() {
        for (priority, nice) in [(Priority::Low, 10), (Priority::Least, 19)] {
            // `nice` alone prints its own. It may have begun before it was told.
            let mut job = sh(&format!("until test $(nice) = {nice}; do :; done"));
            job.priority = priority;
            assert!(output(job).await.unwrap().0.success());
        }
    }

    #[tokio::test]
    async fn of_endless_output_the_beginning_is_kept_and_the_rest_counted() {
        let (ended, out, _) = output(sh("yes abcdefghi | head -n 300000")).await.unwrap();
        assert!(ended.success());
        let lines = OUTPUT_LIMIT / 10;
        assert!(out.len() <= lines + 2, "{}", out.len());
        assert_eq!(
            out.last().map(String::as_str),
            Some(format!("… {} more bytes", (300_000 - (out.len() - 1)) * 10).as_str())
        );
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let mut job = sh("");
        job.program = "no-such-program".into();
        assert!(matches!(output(job).await, Err(ProcessError::NotFound { program }) if program == "no-such-program"));
    }

    #[tokio::test]
    async fn the_deadline_ends_the_whole_group() {
        let mut job = sh("trap 'exit 0' TERM; sleep 1000 & echo $!; wait");
        job.deadline = Duration::from_millis(300);
        let (ended, out, _) = output(job).await.unwrap();
        assert_eq!(ended.cause, ExitCause::TimedOut);
        let pid = Pid::from_raw(out[0].parse().unwrap()).unwrap();
        // The grandchild was killed; a zombie waiting for init counts as gone.
        let gone = || match rustix::process::test_kill_process(pid) {
            Err(_) => true,
            Ok(()) => std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
                .is_ok_and(|s| s.contains(") Z ")),
        };
        let until = Instant::now() + Duration::from_secs(5);
        while !gone() && Instant::now() < until {
            tokio::task::yield_now().await;
        }
        assert!(gone());
    }

    #[tokio::test]
    async fn cancelling_ends_it() {
        let cancel = CancellationToken::new();
        let ended = run(sh("echo up; sleep 1000"), &cancel, |_, _| cancel.cancel()).await.unwrap();
        assert_eq!(ended.cause, ExitCause::Cancelled);
    }

    #[tokio::test]
    async fn a_grandchild_that_keeps_the_pipe_does_not_hang_us() {
        let (ended, out, _) = output(sh("sleep 1000 & echo done")).await.unwrap();
        assert_eq!((ended.cause, ended.leaked), (ExitCause::Exited(0), true));
        assert_eq!(out, ["done"]);
    }

    #[tokio::test]
    async fn a_grandchild_that_never_stops_writing_does_not_hang_us() {
        let ended = tokio::time::timeout(Duration::from_secs(20), output(sh("yes & exit 0"))).await.expect("it ends");
        let (ended, _, _) = ended.unwrap();
        assert_eq!((ended.cause, ended.leaked), (ExitCause::Exited(0), true));
    }

    #[tokio::test]
    async fn a_flood_is_bounded_in_line_length_and_complete() {
        let mut bytes = 0;
        let mut longest = 0;
        let ended = run(sh("head -c 3000000 /dev/zero | tr '\\0' x"), &CancellationToken::new(), |_, lines| {
            for l in lines {
                bytes += l.len();
                longest = longest.max(l.len());
            }
        })
        .await
        .unwrap();
        assert!(ended.success());
        assert_eq!(bytes, 3_000_000);
        assert!((LINE_LIMIT..=LINE_LIMIT + 64 * 1024).contains(&longest), "{longest}");
    }
}
