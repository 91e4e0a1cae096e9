//! The process that is kept, and commands given to it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::app_line::AppLine;
use super::scripts;
use crate::cloud::{CloudTarget, Lines};
use crate::processes::ENDLESS;
use workshop_base::problem::Result;
use workshop_base::process::{ExitCause, Feed, OutputPipe, ProcessExit, ProcessSpec};

/// Sets a line of the host's own off from what the CDK prints.
const SIGN: char = '\u{1}';

/// A command of the CDK as the kept process takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCommand {
    /// The CDK's program, as npm lays it out.
    pub program: PathBuf,
    /// The directories of the project's programs, nearest first.
    pub bins: Vec<PathBuf>,
    pub args: Vec<String>,
    /// None: the application runs in a process of its own.
    pub app: Option<AppLine>,
}

/// The CDK of a run. Cheap to clone.
#[derive(Clone, Default)]
pub struct KeptCdk(Arc<Mutex<Slot>>);

#[derive(Default)]
struct Slot {
    host: Option<Host>,
    /// Counts commands, so that each has a mark of its own.
    commands: u64,
    /// None of this run's could be kept.
    given_up: bool,
}

struct Host {
    /// The program, where it runs, and the target whose environment it has.
    of: (PathBuf, PathBuf, usize),
    feed: UnboundedSender<String>,
    news: UnboundedReceiver<News>,
    stop: CancellationToken,
    _alive: DropGuard,
}

enum News {
    Lines(OutputPipe, Vec<String>),
    Ended(Result<ProcessExit>),
}

/// How far a command came.
enum Came {
    Ended(Result<ProcessExit>),
    /// The process ended before it began the command.
    NotBegun,
}

impl KeptCdk {
    /// Runs a command to its end, in the kept process where that can be; `job` is the same command by itself. `note` is told
    /// when it is run by itself after all.
    ///
    /// # Errors
    /// As [`CloudTarget::child`].
    pub async fn run(
        &self,
        world: Arc<dyn CloudTarget>,
        workdir: &Path,
        (job, kept): (ProcessSpec, Option<KeptCommand>),
        cancel: CancellationToken,
        mut lines: Lines,
        note: impl Fn(&str),
    ) -> Result<ProcessExit> {
        if let Some(kept) = kept {
            let mut slot = self.0.lock().await;
            // The second is a new one: the first may have found that it was not as a new one would be.
            let tries = if slot.given_up { 0 } else { 2 };
            for _ in 0..tries {
                if let Some(ended) = slot.run(&world, workdir, &job, &kept, &cancel, &mut lines).await {
                    return ended;
                }
            }
            if !std::mem::replace(&mut slot.given_up, true) {
                note("the CDK cannot be kept in memory here: it is started anew for each command");
            }
        }
        world.child(job, cancel, lines).await
    }

    /// Ends what is kept, and waits until it is gone.
    pub async fn close(&self) {
        if let Some(host) = self.0.lock().await.host.take() {
            host.end().await;
        }
    }
}

impl Slot {
    /// Runs a command, in a process that is there or a new one. None when it was not begun.
    async fn run(
        &mut self,
        world: &Arc<dyn CloudTarget>,
        workdir: &Path,
        job: &ProcessSpec,
        kept: &KeptCommand,
        cancel: &CancellationToken,
        lines: &mut Lines,
    ) -> Option<Result<ProcessExit>> {
        let of = (kept.program.clone(), job.cwd.clone(), Arc::as_ptr(world).cast::<()>().addr());
        if self.host.as_ref().is_some_and(|host| host.of != of)
            && let Some(host) = self.host.take()
        {
            host.end().await;
        }
        let mut host = match self.host.take() {
            Some(host) => host,
            None => Host::start(world.clone(), workdir, job, kept, of).ok()?,
        };
        self.commands += 1;
        let mark = format!("{SIGN}cdk {}", self.commands);
        let command = json!({ "args": kept.args, "mark": mark, "app": kept.app });
        // A process that has ended is told as such below.
        let _ = host.feed.send(format!("{command}\n"));
        let begun = std::time::Instant::now();
        let came = tokio::select! {
            came = host.follow(&mark, kept.app.as_ref(), lines) => came,
            () = cancel.cancelled() => Came::Ended(host.end_as(ExitCause::Cancelled, begun).await),
            () = tokio::time::sleep(job.deadline) => Came::Ended(host.end_as(ExitCause::TimedOut, begun).await),
        };
        match came {
            Came::NotBegun => None,
            Came::Ended(ended) => {
                // What failed may have left something behind.
                if ended.as_ref().is_ok_and(ProcessExit::success) && !host.stop.is_cancelled() {
                    self.host = Some(host);
                } else {
                    host.end().await;
                }
                Some(ended)
            }
        }
    }
}

impl Host {
    /// Starts the process, which then waits for commands.
    ///
    /// # Errors
    /// When its programs cannot be written.
    fn start(
        world: Arc<dyn CloudTarget>,
        workdir: &Path,
        job: &ProcessSpec,
        kept: &KeptCommand,
        of: (PathBuf, PathBuf, usize),
    ) -> std::io::Result<Host> {
        let (dir, script) = scripts::lay_out(workdir)?;
        let path = std::env::join_paths(std::iter::once(&dir).chain(&kept.bins)).map_err(std::io::Error::other)?;
        let (feed, fed) = Feed::new();
        let args: [OsString; 6] =
            ["-c".into(), START.into(), "sh".into(), path, script.into(), kept.program.clone().into()];
        let spec = ProcessSpec {
            program: "sh".into(),
            args: args.to_vec(),
            feed: Some(fed),
            deadline: ENDLESS,
            ..job.clone()
        };
        let (told, news) = unbounded_channel();
        let stop = CancellationToken::new();
        let (cancel, lines) = (stop.clone(), told.clone());
        tokio::spawn(async move {
            let lines = Box::new(move |pipe, batch| {
                let _ = lines.send(News::Lines(pipe, batch));
            });
            let ended = world.child(spec, cancel, lines).await;
            let _ = told.send(News::Ended(ended));
        });
        let alive = stop.clone().drop_guard();
        Ok(Host { of, feed, news, stop, _alive: alive })
    }

    /// Passes on what a command prints, to its end on both pipes.
    async fn follow(&mut self, mark: &str, app: Option<&AppLine>, lines: &mut Lines) -> Came {
        let begun = std::time::Instant::now();
        let (mut has_begun, mut open) = (false, [true, true]);
        let mut code = 0;
        // What a process says that does not come as far as to begin is nobody's affair.
        let mut held: Vec<(OutputPipe, Vec<String>)> = Vec::new();
        while open.contains(&true) {
            let (pipe, batch) = match self.news.recv().await {
                Some(News::Lines(pipe, batch)) => (pipe, batch),
                Some(News::Ended(ended)) if has_begun || ended.is_err() => return Came::Ended(ended),
                Some(News::Ended(_)) | None => return Came::NotBegun,
            };
            let mut printed = Vec::with_capacity(batch.len());
            for line in batch {
                let Some((before, said)) = line.split_once(mark) else {
                    printed.push(match app {
                        Some(app) => app.named(line),
                        None => line,
                    });
                    continue;
                };
                if !before.is_empty() {
                    printed.push(before.to_owned());
                }
                match said.trim() {
                    "begun" => has_begun = true,
                    said => {
                        code = said.parse().unwrap_or(1);
                        open[usize::from(pipe == OutputPipe::Stderr)] = false;
                    }
                }
            }
            if !printed.is_empty() {
                held.push((pipe, printed));
            }
            if has_begun {
                held.drain(..).for_each(|(pipe, printed)| lines(pipe, printed));
            }
        }
        Came::Ended(Ok(ProcessExit { cause: ExitCause::Exited(code), took: begun.elapsed(), leaked: false }))
    }

    /// Ends the process and its command, and says that as the command's end.
    async fn end_as(&mut self, cause: ExitCause, begun: std::time::Instant) -> Result<ProcessExit> {
        self.stop.cancel();
        self.ended().await;
        Ok(ProcessExit { cause, took: begun.elapsed(), leaked: false })
    }

    async fn end(mut self) {
        self.stop.cancel();
        self.ended().await;
    }

    async fn ended(&mut self) {
        while let Some(News::Lines(..)) = self.news.recv().await {}
    }
}

/// Starts Node.js with the project's programs on PATH, as for the CDK by itself.
const START: &str = r#"PATH="$1:$PATH"; shift; exec node "$@""#;
