//! One execution environment: a Node process that runs one invocation at a time until it is replaced,
//! idle for too long, or broken.
//!
//! Its log is one pipe for stdout and stderr, so that lines keep their order; the runtime marks the end
//! of an invocation's log in it, so that the report never overtakes what the function wrote.

use std::fs::File;
use std::io::{self, Write};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};

use super::api::{ANSWER_LIMIT, FromRuntime, InvocationEvent, Registration};
use super::report::{self, InvocationEnd, InvocationReport, Tail};
use super::{FunctionVersion, PendingInvocation};
use crate::interfaces::InvokeResult;
use crate::launch::{Launch, Running, Spawner};

/// Lambda gives the code outside the handler ten seconds, then once more the function's own time.
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// A function's child may hold the log open after the function is gone.
const LOG_GRACE: Duration = Duration::from_millis(200);
/// A line of a log is cut there, in bytes.
const LINE_LIMIT: usize = 256 * 1024;
const END_MARK: &[u8] = b"\0workshop:end ";
/// What CloudWatch shows as the kind of an invocation's failure.
const UNHANDLED: &str = "Unhandled";

/// A piece of the log.
#[derive(Debug)]
enum LogPiece {
    Line(String),
    /// The runtime has logged all of an invocation. Peak memory in KiB.
    End(u64),
}

#[derive(Debug)]
pub struct Environment {
    running: Running,
    runtime: mpsc::UnboundedReceiver<FromRuntime>,
    _registration: Registration,
    pieces: mpsc::Receiver<LogPiece>,
    /// Where the runtime waits for its next invocation.
    next: Option<oneshot::Sender<InvocationEvent>>,
    exit: Option<ExitStatus>,
    log_file: Option<File>,
    started: Instant,
    /// Of the first invocation only.
    init: Option<Duration>,
    used_kib: u64,
}

/// What an invocation came to.
#[derive(Debug)]
pub struct InvocationOutcome {
    pub result: InvokeResult,
    /// Whether the environment can run another.
    pub alive: bool,
}

/// How an invocation ended, before it is written down.
struct InvocationEnding {
    payload: Bytes,
    error: bool,
    end: Breakage,
    took: Duration,
}

enum Breakage {
    No,
    TimedOut,
    Kind(&'static str),
}

impl Environment {
    /// Starts the process; the runtime reports when it is ready.
    pub async fn start(
        spawner: &Spawner,
        mut launch: Launch,
        registration: Registration,
        runtime: mpsc::UnboundedReceiver<FromRuntime>,
        log_file: Option<File>,
    ) -> io::Result<Environment> {
        let (reader, writer) = io::pipe()?;
        launch.stdout = Stdio::from(writer.try_clone()?);
        launch.stderr = Stdio::from(writer);
        let running = spawner.start(launch).await?;
        let (to, pieces) = mpsc::channel(256);
        // Ends with the last process that holds the pipe, or with this environment.
        tokio::spawn(pump(pipe::Receiver::from_owned_fd(reader.into())?, to));
        Ok(Environment {
            running,
            runtime,
            _registration: registration,
            pieces,
            next: None,
            exit: None,
            log_file,
            started: Instant::now(),
            init: None,
            used_kib: 0,
        })
    }

    /// Waits until the code outside the handler has run. The error is the invocation's outcome.
    pub async fn init(
        &mut self,
        job: &PendingInvocation,
        version: &FunctionVersion,
        now: SystemTime,
    ) -> Result<(), InvocationOutcome> {
        let limit = INIT_LIMIT + version.spec.timeout;
        let deadline = tokio::time::sleep(limit);
        tokio::pin!(deadline);
        let mut tail = Tail::default();
        let (kind, payload) = loop {
            tokio::select! {
                biased;
                piece = self.pieces.recv(), if !self.pieces.is_closed() || !self.pieces.is_empty() => match piece {
                    Some(LogPiece::Line(line)) => { self.write(&line); tail.push(&line); }
                    Some(LogPiece::End(used)) => self.used_kib = used,
                    None => {}
                },
                message = self.runtime.recv() => match message {
                    Some(FromRuntime::Next(give)) => {
                        self.next = Some(give);
                        self.init = Some(self.started.elapsed());
                        return Ok(());
                    }
                    Some(FromRuntime::InitFailed { kind, payload }) => break (kind, payload),
                    Some(FromRuntime::Answer { .. } | FromRuntime::TooLarge { .. } | FromRuntime::Failed { .. })
                        | None => {}
                },
                status = self.running.wait() => {
                    let payload = report::exit_payload(&job.request_id, status.ok());
                    break (report::EXIT_ERROR.into(), payload.into());
                }
                () = &mut deadline => {
                    self.look_at_memory();
                    let payload = report::timeout_payload(&job.request_id, limit);
                    tail.push(&report::timeout_line(&job.request_id, now, limit));
                    break ("Sandbox.Timedout".into(), payload.into());
                }
            }
        };
        self.running.kill();
        self.drain(&mut tail).await;
        let took = self.started.elapsed();
        let own = report::init_line(took, &kind)
            + &report::start_line(&job.request_id)
            + &report::end_lines(&InvocationReport {
                request_id: &job.request_id,
                duration: took,
                init: None,
                memory_mb: version.spec.memory_mb,
                used_kib: self.used_kib,
                end: InvocationEnd::Broken(&kind),
            });
        self.write(&own);
        tail.push(&own);
        Err(InvocationOutcome { result: result(job, payload, true, tail.take()), alive: false })
    }

    /// Runs one invocation. None when the process was gone before it got it.
    pub async fn invoke(
        &mut self,
        job: &PendingInvocation,
        version: &FunctionVersion,
        now: SystemTime,
    ) -> Option<InvocationOutcome> {
        let give = self.next().await?;
        let limit = version.spec.timeout;
        give.send(InvocationEvent {
            request_id: job.request_id.clone(),
            // By the machine's clock, which is the one that the runtime reads.
            deadline: SystemTime::now() + limit,
            function_arn: version.spec.arn.clone(),
            trace_id: trace_id(now),
            payload: job.payload.clone(),
        })
        .ok()?;
        // Should it break, this is what is known of its memory.
        self.look_at_memory();
        let mut tail = Tail::default();
        let start = report::start_line(&job.request_id);
        self.write(&start);
        tail.push(&start);
        let ending = self.watch(job, limit, now, &mut tail).await;
        let lines = report::end_lines(&InvocationReport {
            request_id: &job.request_id,
            duration: ending.took,
            init: self.init.take(),
            memory_mb: version.spec.memory_mb,
            used_kib: self.used_kib,
            end: match ending.end {
                Breakage::No => InvocationEnd::Answered,
                Breakage::TimedOut => InvocationEnd::TimedOut,
                Breakage::Kind(kind) => InvocationEnd::Broken(kind),
            },
        });
        self.write(&lines);
        tail.push(&lines);
        let alive = self.exit.is_none() && matches!(ending.end, Breakage::No);
        Some(InvocationOutcome { result: result(job, ending.payload, ending.error, tail.take()), alive })
    }

    async fn watch(
        &mut self,
        job: &PendingInvocation,
        limit: Duration,
        now: SystemTime,
        tail: &mut Tail,
    ) -> InvocationEnding {
        let begun = Instant::now();
        let deadline = tokio::time::sleep(limit);
        tokio::pin!(deadline);
        let mut logged = false;
        let mut ending: Option<InvocationEnding> = None;
        while ending.is_none() {
            let done =
                |payload: Bytes, error, end| Some(InvocationEnding { payload, error, end, took: begun.elapsed() });
            tokio::select! {
                biased;
                piece = self.pieces.recv(), if !self.pieces.is_closed() || !self.pieces.is_empty() => match piece {
                    Some(LogPiece::Line(line)) => { self.write(&line); tail.push(&line); }
                    Some(LogPiece::End(used)) => { self.used_kib = used; logged = true; }
                    None => logged = true,
                },
                message = self.runtime.recv() => match message {
                    Some(FromRuntime::Answer { request_id, payload }) if request_id == job.request_id => {
                        ending = done(payload, false, Breakage::No);
                    }
                    Some(FromRuntime::Failed { request_id, payload }) if request_id == job.request_id => {
                        ending = done(payload, true, Breakage::No);
                    }
                    Some(FromRuntime::TooLarge { request_id }) if request_id == job.request_id => {
                        ending = done(report::too_large_payload(ANSWER_LIMIT).into(), true, Breakage::No);
                    }
                    Some(FromRuntime::Next(give)) => self.next = Some(give),
                    Some(
                        FromRuntime::Answer { .. } | FromRuntime::Failed { .. } | FromRuntime::TooLarge { .. }
                        | FromRuntime::InitFailed { .. },
                    ) | None => {}
                },
                status = self.running.wait() => {
                    self.exit = status.ok();
                    // What its own last words are, comes after the mark.
                    logged = false;
                    let payload = report::exit_payload(&job.request_id, self.exit);
                    ending = done(payload.into(), true, Breakage::Kind(report::EXIT_ERROR));
                }
                () = &mut deadline => {
                    self.look_at_memory();
                    self.running.kill();
                    ending = done(report::timeout_payload(&job.request_id, limit).into(), true, Breakage::TimedOut);
                }
            }
        }
        if !logged {
            self.drain(tail).await;
        }
        let ending = ending.expect("the loop ends with one");
        if matches!(ending.end, Breakage::TimedOut) {
            let line = report::timeout_line(&job.request_id, now, limit);
            self.write(&line);
            tail.push(&line);
        }
        ending
    }

    /// Where the runtime waits for an invocation, once it does.
    async fn next(&mut self) -> Option<oneshot::Sender<InvocationEvent>> {
        loop {
            if let Some(give) = self.next.take().filter(|give| !give.is_closed()) {
                return Some(give);
            }
            if !self.idle().await {
                return None;
            }
        }
    }

    /// Follows an environment that has nothing to do until something happens; false when it has ended.
    pub async fn idle(&mut self) -> bool {
        tokio::select! {
            biased;
            piece = self.pieces.recv(), if !self.pieces.is_closed() || !self.pieces.is_empty() => {
                // What a handler left running still logs.
                if let Some(LogPiece::Line(line)) = piece { self.write(&line); }
            }
            message = self.runtime.recv() => {
                if let Some(FromRuntime::Next(give)) = message { self.next = Some(give); }
            }
            status = self.running.wait() => {
                self.exit = status.ok();
                return false;
            }
        }
        true
    }

    pub async fn end(mut self) {
        self.running.kill();
        let _ = self.running.wait().await;
    }

    /// Takes what is left of the log.
    async fn drain(&mut self, tail: &mut Tail) {
        let rest = async {
            while let Some(piece) = self.pieces.recv().await {
                match piece {
                    LogPiece::Line(line) => {
                        if let Some(file) = &mut self.log_file {
                            let _ = file.write_all(line.as_bytes());
                        }
                        tail.push(&line);
                    }
                    LogPiece::End(used) => {
                        self.used_kib = used;
                        return;
                    }
                }
            }
        };
        let _ = tokio::time::timeout(LOG_GRACE, rest).await;
    }

    /// Takes the process's peak memory from the kernel, where it can be asked.
    fn look_at_memory(&mut self) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running.pid())).unwrap_or_default();
        // "VmHWM:     61234 kB"
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
        self.used_kib = self.used_kib.max(peak.unwrap_or_default());
    }

    fn write(&mut self, text: &str) {
        // A full disk must not fail the function.
        if let Some(file) = &mut self.log_file {
            let _ = file.write_all(text.as_bytes());
        }
    }
}

fn result(job: &PendingInvocation, payload: Bytes, error: bool, log_tail: String) -> InvokeResult {
    let function_error = error.then(|| UNHANDLED.to_string());
    InvokeResult { request_id: job.request_id.clone(), payload, function_error, log_tail }
}

/// As X-Ray writes them.
fn trace_id(now: SystemTime) -> String {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (root, parent) = (rand::random::<u128>() >> 32, rand::random::<u64>());
    format!("Root=1-{seconds:08x}-{root:024x};Parent={parent:016x};Sampled=0")
}

/// Cuts the pipe's bytes into lines and marks.
async fn pump(mut pipe: pipe::Receiver, to: mpsc::Sender<LogPiece>) {
    let mut held = Vec::new();
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        let read = match pipe.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        held.extend_from_slice(&buffer[..read]);
        for piece in cut(&mut held) {
            if to.send(piece).await.is_err() {
                return;
            }
        }
    }
    if !held.is_empty() {
        held.push(b'\n');
        for piece in cut(&mut held) {
            if to.send(piece).await.is_err() {
                return;
            }
        }
    }
}

/// Takes all whole lines out of `held`.
fn cut(held: &mut Vec<u8>) -> Vec<LogPiece> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(length) = held[from..].iter().position(|byte| *byte == b'\n') {
        let line = &held[from..from + length];
        from += length + 1;
        match line.windows(END_MARK.len()).position(|window| window == END_MARK) {
            Some(at) => {
                // A function may have left its last line open.
                if at > 0 {
                    pieces.push(LogPiece::Line(text(&line[..at])));
                }
                let used = String::from_utf8_lossy(&line[at..]);
                let used = used.rsplit(' ').next().and_then(|kib| kib.parse().ok());
                pieces.push(LogPiece::End(used.unwrap_or_default()));
            }
            None => pieces.push(LogPiece::Line(text(line))),
        }
    }
    held.drain(..from);
    if held.len() > LINE_LIMIT {
        pieces.push(LogPiece::Line(text(held)));
        held.clear();
    }
    pieces
}

fn text(line: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(line).into_owned();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_marks_are_told_apart_however_they_arrive() {
        let whole = b"one\ntwo \xf0\x9f\x98\x80\nopen\0workshop:end abc 61234\nthree\n";
        for split in 0..whole.len() {
            let mut held = whole[..split].to_vec();
            let mut pieces = cut(&mut held);
            held.extend_from_slice(&whole[split..]);
            pieces.extend(cut(&mut held));
            let shown: Vec<String> = pieces
                .iter()
                .map(|piece| match piece {
                    LogPiece::Line(line) => line.trim_end().to_string(),
                    LogPiece::End(used) => format!("<{used}>"),
                })
                .collect();
            assert_eq!(shown, ["one", "two 😀", "open", "<61234>", "three"], "split at {split}");
        }
    }
}
