//! One execution environment: a Node process that runs one invocation at a time until it is replaced,
//! idle for too long, or broken.
//!
//! Its log is one pipe for stdout and stderr, so that lines keep their order; the runtime marks the end
//! of an invocation's log in it, so that the report never overtakes what the function wrote.

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};

use super::api::{ANSWER_LIMIT, FromRuntime, InvocationEvent, Registration};
use super::log::FunctionLog;
use super::output::{LogPiece, pump};
use super::report::{self, InvocationEnd, InvocationReport, Tail};
use super::types::{FunctionVersion, PendingInvocation};
use crate::interfaces::{InvokeResult, LogSettings};
use crate::launch::{Launch, Running, Spawner};
use crate::sweep::sweep;

/// Lambda gives the code outside the handler ten seconds, then once more the function's own time.
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// A function's child may hold the log open after the function is gone: so much silence is its end.
const LOG_GRACE: Duration = Duration::from_millis(200);
/// What an invocation has written is read for so long after its end.
const LOG_LIMIT: Duration = Duration::from_secs(20);
/// A process that could not load its code has this long to say so on stderr and end.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// CloudWatch's word for the kind of an invocation's failure.
const UNHANDLED: &str = "Unhandled";

#[derive(Debug)]
pub struct Environment {
    running: Running,
    runtime: mpsc::UnboundedReceiver<FromRuntime>,
    _registration: Registration,
    pieces: mpsc::Receiver<LogPiece>,
    /// The runtime's request for its next invocation, while it waits for one.
    next: Option<oneshot::Sender<InvocationEvent>>,
    exit: Option<ExitStatus>,
    log: FunctionLog,
    /// The mark that every process of it carries.
    marker: PathBuf,
    /// The name of its log stream.
    stream: String,
    /// The end of all that was logged since the last answer.
    unread: Tail,
    started: Instant,
    /// Of the first invocation only.
    init: Option<Duration>,
    used_kib: u64,
    /// The end of the log of the invocation under way.
    tail: Tail,
}

/// The result of an invocation, and the state that it left.
#[derive(Debug)]
pub struct InvocationOutcome {
    pub result: InvokeResult,
    /// The environment can run another.
    pub alive: bool,
}

/// The end of an invocation, before it is written down.
struct InvocationEnding {
    payload: Bytes,
    error: bool,
    end: InvocationEnd<'static>,
    took: Duration,
    streamed: Option<String>,
}

impl Environment {
    /// Starts the process; the runtime reports when it is ready.
    ///
    /// # Errors
    /// When there are no more pipes, or the process cannot be started.
    pub async fn start(
        spawner: &Spawner,
        mut launch: Launch,
        registration: Registration,
        runtime: mpsc::UnboundedReceiver<FromRuntime>,
        log: FunctionLog,
        marker: PathBuf,
        stream: String,
    ) -> io::Result<Environment> {
        let (reader, writer) = io::pipe()?;
        launch.stdout = Stdio::from(writer.try_clone()?);
        launch.stderr = Stdio::from(writer);
        let running = spawner.start(launch).await?;
        let (to, pieces) = mpsc::channel(16);
        // Ends with the last process that holds the pipe, or with this environment.
        tokio::spawn(pump(pipe::Receiver::from_owned_fd(reader.into())?, to));
        Ok(Environment {
            running,
            runtime,
            _registration: registration,
            pieces,
            next: None,
            exit: None,
            log,
            marker,
            stream,
            unread: Tail::new(report::KEPT),
            started: Instant::now(),
            init: None,
            used_kib: 0,
            tail: Tail::new(report::TAIL),
        })
    }

    /// Waits until the code outside the handler has run. The error is the invocation's outcome.
    ///
    /// # Errors
    /// When the code does not load, ends, or takes longer than ten seconds and the function's own time.
    pub async fn init(
        &mut self,
        call: &PendingInvocation,
        version: &FunctionVersion,
        now: SystemTime,
    ) -> Result<(), InvocationOutcome> {
        let limit = version.spec.timeout;
        let settings = &version.spec.logging;
        let opening = report::init_start_line(&version.spec, &self.stream, now);
        self.log.platform(&opening);
        self.unread.push(&opening);
        let deadline = tokio::time::sleep(INIT_LIMIT + limit);
        tokio::pin!(deadline);
        let (begun, mut logged) = (Instant::now(), false);
        // Without a kind, its time has run out.
        let (kind, payload): (Option<String>, Bytes) = loop {
            tokio::select! {
                biased;
                () = &mut deadline => {
                    self.look_at_memory();
                    let payload = report::timeout_payload(&call.request_id, limit);
                    break (None, payload.into());
                }
                piece = self.pieces.recv(), if !self.pieces.is_closed() || !self.pieces.is_empty() => match piece {
                    Some(LogPiece::Line(line)) => self.line(line),
                    Some(LogPiece::End(used)) => (self.used_kib, logged) = (used, true),
                    None => {}
                },
                message = self.runtime.recv() => match message {
                    Some(FromRuntime::Next(give)) => {
                        self.next = Some(give);
                        self.init = Some(self.started.elapsed());
                        if !logged {
                            self.drain().await;
                        }
                        // What was logged so far is the start's, not the first call's.
                        self.tail.take();
                        return Ok(());
                    }
                    Some(FromRuntime::InitFailed { kind, payload }) => {
                        // It ends by itself, with last words on stderr.
                        let _ = tokio::time::timeout(LAST_WORDS, self.running.wait()).await;
                        break (Some(kind), payload);
                    }
                    Some(FromRuntime::Answer { .. } | FromRuntime::TooLarge { .. } | FromRuntime::Failed { .. })
                        | None => {}
                },
                status = self.running.wait() => {
                    let payload = report::exit_payload(&call.request_id, status.ok());
                    break (Some(report::EXIT_ERROR.to_owned()), payload.into());
                }
            }
        };
        let now = now + begun.elapsed();
        self.running.kill();
        self.drain().await;
        // On AWS the code is then loaded once more, in the invocation's own time, which is the one that has run out.
        let (in_init, took) = match kind {
            Some(_) => (self.started.elapsed(), self.started.elapsed()),
            None => (INIT_LIMIT, limit),
        };
        self.platform(&report::init_line(settings, in_init, kind.as_deref(), now));
        self.platform(&report::start_line(settings, &call.request_id, &call.arn, &version.spec.version, now));
        if kind.is_none() {
            self.platform(&report::timeout_line(settings, &call.request_id, now, limit));
        }
        let report = InvocationReport {
            request_id: &call.request_id,
            duration: took,
            init: None,
            memory_mb: version.spec.memory_mb,
            used_kib: self.used_kib,
            end: kind.as_deref().map_or(InvocationEnd::TimedOut, InvocationEnd::Broken),
        };
        self.end_of(&report, settings, now);
        Err(InvocationOutcome { result: self.result(call, payload, true, Duration::ZERO), alive: false })
    }

    /// Runs one invocation. None when the process was gone before it got it.
    pub async fn invoke(
        &mut self,
        call: &PendingInvocation,
        version: &FunctionVersion,
        now: SystemTime,
    ) -> Option<InvocationOutcome> {
        let give = self.next().await?;
        // What it waited while this environment was made is its cold start's, and told there.
        let queued = match self.init {
            Some(_) => Duration::ZERO,
            None => call.came.elapsed(),
        };
        let limit = version.spec.timeout;
        let settings = &version.spec.logging;
        give.send(InvocationEvent {
            request_id: call.request_id.clone(),
            // By the machine's clock, which is the one that the runtime reads.
            deadline: SystemTime::now() + limit,
            function_arn: call.arn.clone(),
            trace_id: trace_id(now),
            payload: call.payload.clone(),
            client_context: call.client_context.clone(),
        })
        .ok()?;
        if self.init.is_some() {
            // Should it break, this is what is known of its memory.
            self.look_at_memory();
        }
        self.platform(&report::start_line(settings, &call.request_id, &call.arn, &version.spec.version, now));
        let ending = self.watch(call, limit, now, settings).await;
        let report = InvocationReport {
            request_id: &call.request_id,
            duration: ending.took,
            init: self.init.take(),
            memory_mb: version.spec.memory_mb,
            used_kib: self.used_kib,
            end: ending.end,
        };
        self.end_of(&report, settings, now + ending.took);
        let alive = self.exit.is_none() && matches!(ending.end, InvocationEnd::Answered);
        let result = self.result(call, ending.payload, ending.error, queued);
        Some(InvocationOutcome { result: InvokeResult { streamed: ending.streamed, ..result }, alive })
    }

    async fn watch(
        &mut self,
        call: &PendingInvocation,
        limit: Duration,
        now: SystemTime,
        settings: &LogSettings,
    ) -> InvocationEnding {
        let begun = Instant::now();
        let deadline = tokio::time::sleep(limit);
        tokio::pin!(deadline);
        let mut logged = false;
        let ending = loop {
            let done = |payload: Bytes, error, end| InvocationEnding {
                payload,
                error,
                end,
                took: begun.elapsed(),
                streamed: None,
            };
            tokio::select! {
                biased;
                // First: a function that never stops writing runs out of time all the same.
                () = &mut deadline => {
                    self.look_at_memory();
                    self.running.kill();
                    let payload = report::timeout_payload(&call.request_id, limit);
                    break done(payload.into(), true, InvocationEnd::TimedOut);
                }
                piece = self.pieces.recv(), if !self.pieces.is_closed() || !self.pieces.is_empty() => match piece {
                    Some(LogPiece::Line(line)) => self.line(line),
                    Some(LogPiece::End(used)) => { self.used_kib = used; logged = true; }
                    None => logged = true,
                },
                message = self.runtime.recv() => match message {
                    Some(FromRuntime::Answer { request_id, payload, streamed }) if request_id == call.request_id => {
                        let ending = done(payload, false, InvocationEnd::Answered);
                        break InvocationEnding { streamed, ..ending };
                    }
                    Some(FromRuntime::Failed { request_id, payload }) if request_id == call.request_id => {
                        break done(payload, true, InvocationEnd::Answered);
                    }
                    Some(FromRuntime::TooLarge { request_id }) if request_id == call.request_id => {
                        break done(report::too_large_payload(ANSWER_LIMIT).into(), true, InvocationEnd::Answered);
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
                    let payload = report::exit_payload(&call.request_id, self.exit);
                    break done(payload.into(), true, InvocationEnd::Broken(report::EXIT_ERROR));
                }
            }
        };
        if !logged {
            self.drain().await;
        }
        if matches!(ending.end, InvocationEnd::TimedOut) {
            self.platform(&report::timeout_line(settings, &call.request_id, now + ending.took, limit));
        }
        ending
    }

    /// Waits until the runtime asks for an invocation; None when it is gone.
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
                if let Some(LogPiece::Line(line)) = piece {
                    let line = self.log.on_aws(line);
                    self.log.line(&line);
                    self.unread.push(&line);
                }
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

    /// Ends the process, its group, and whatever it has started that left the group.
    pub async fn end(mut self) {
        self.running.kill();
        let _ = self.running.wait().await;
        let marker = std::mem::take(&mut self.marker);
        let _ = tokio::task::spawn_blocking(move || sweep(&marker)).await;
    }

    /// Takes what is left of the log: a process that has written much has answered before all of it is read.
    async fn drain(&mut self) {
        let until = tokio::time::Instant::now() + LOG_LIMIT;
        while tokio::time::Instant::now() < until
            && let Ok(Some(piece)) = tokio::time::timeout(LOG_GRACE, self.pieces.recv()).await
        {
            match piece {
                LogPiece::Line(line) => self.line(line),
                LogPiece::End(used) => {
                    self.used_kib = used;
                    return;
                }
            }
        }
    }

    /// Takes the process's peak memory from the kernel, where it can be asked.
    fn look_at_memory(&mut self) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running.pid())).unwrap_or_default();
        // "VmHWM:     61234 kB"
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
        self.used_kib = self.used_kib.max(peak.unwrap_or_default());
    }

    /// Takes a line of the function's.
    fn line(&mut self, line: String) {
        let line = self.log.on_aws(line);
        self.log.line(&line);
        self.keep(&line);
    }

    /// Adds lines of the service's own.
    fn platform(&mut self, text: &str) {
        self.log.platform(text);
        self.keep(text);
    }

    fn keep(&mut self, text: &str) {
        self.tail.push(text);
        self.unread.push(text);
    }

    /// Closes an invocation's log: what was not kept of it, and its report.
    fn end_of(&mut self, report: &InvocationReport<'_>, settings: &LogSettings, now: SystemTime) {
        if let Some(said) = self.log.end_invocation() {
            self.keep(&said);
        }
        self.platform(&report::end_lines(settings, report, now));
    }

    fn result(&mut self, call: &PendingInvocation, payload: Bytes, error: bool, queued: Duration) -> InvokeResult {
        InvokeResult {
            request_id: call.request_id.clone(),
            payload,
            function_error: error.then(|| UNHANDLED.to_string()),
            log_tail: self.tail.take(),
            log: self.unread.take(),
            log_stream: self.stream.clone(),
            queued,
            streamed: None,
        }
    }
}

/// As X-Ray writes them.
fn trace_id(now: SystemTime) -> String {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (root, parent) = (rand::random::<u128>() >> 32, rand::random::<u64>());
    format!("Root=1-{seconds:08x}-{root:024x};Parent={parent:016x};Sampled=0")
}
