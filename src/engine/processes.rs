//! The long-running processes of a run: servers and second terminals, which go on when their step is over.
//!
//! Invariant: each is a process group with a name; one of a name runs at a time; none outlives the chapter that started it,
//! or the run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::cloud::CloudTarget;
use super::event::{EventKind, ProcessEnd, StepRef};
use super::messages::EventSink;
use super::output::{CapturedOutput, OutputForwarder};
use super::progress::{Progress, ServedState};
use workshop_base::marked;
use workshop_base::private_dir::OURS;
use workshop_base::process::{ExitCause, ProcessSpec};
use workshop_course::lesson::model::ActionKind;

/// Longer than any workshop: a process ends with its chapter, not by its age.
pub const ENDLESS: Duration = Duration::from_secs(30 * 24 * 3600);

/// The variable by which every process below one of these is known: a path in the working directory that is its own.
const SERVED: &str = "WORKSHOP_SERVED";

/// The same of what a step, a check, a command around a course or npm runs. A server that one of them leaves running on purpose
/// carries it as well, so that only what was broken off is looked for.
const COMMAND: &str = "WORKSHOP_COMMAND";

/// Describes a process that goes on when its step is over, known by its mark.
pub fn served(workdir: &Path, line: &str, cwd: PathBuf) -> ProcessSpec {
    marked_spec(SERVED, &workdir.join(OURS), ProcessSpec::shell(line, cwd, ENDLESS))
}

/// Describes a command of a step, or of checks, known by its mark.
pub fn command(
    workdir: &Path,
    at_step: Option<&StepRef>,
    line: &str,
    cwd: impl Into<PathBuf>,
    deadline: Duration,
) -> ProcessSpec {
    with_mark(&command_mark(workdir, at_step), ProcessSpec::shell(line, cwd, deadline))
}

/// Gives a command a mark: a path by which what a crash leaves of it is found again.
pub fn with_mark(mark: &Path, job: ProcessSpec) -> ProcessSpec {
    marked_spec(COMMAND, mark, job)
}

/// Ends what runs that were killed have left of the commands with a mark below a place, and of what they served there. Nobody may be
/// at work there any more. Blocking.
pub fn end_left_below(place: &Path) {
    for marker in [SERVED, COMMAND] {
        marked::kill(marker, place);
    }
}

fn marked_spec(marker: &str, mark: &Path, mut job: ProcessSpec) -> ProcessSpec {
    job.env.insert(marker.to_owned(), mark.to_string_lossy().into_owned());
    job
}

fn command_mark(workdir: &Path, at_step: Option<&StepRef>) -> PathBuf {
    let name = at_step.map_or_else(|| "checks".to_owned(), |at_step| format!("{}-{}", at_step.chapter, at_step.step));
    workdir.join(OURS).join(name)
}

/// Ends what an earlier run in a working directory has left, which came to no end of its own: what it served, and the commands of
/// the steps and checks that ran when it was saved last. What does not end is told when its port or its files are wanted.
/// Blocking.
pub fn end_left_behind(workdir: &Path, saved: &Progress) {
    let broken_off = || saved.steps.iter().filter(|(_, state)| state.verdict.is_none());
    // One that was just being started had not been told of when the session was saved.
    let starting = broken_off().any(|(_, state)| state.action == ActionKind::Serve);
    if starting || saved.served.values().any(ServedState::is_running) {
        marked::kill(SERVED, &workdir.join(OURS));
    }
    let steps = broken_off().map(|(step, _)| Some(step));
    let checks = saved.checks.values().any(|check| check.verdict.is_none()).then_some(None);
    for at_step in steps.chain(checks) {
        marked::kill(COMMAND, &command_mark(workdir, at_step));
    }
}

/// All of a run. Cheap to clone.
#[derive(Clone)]
pub struct Processes {
    sink: EventSink,
    open: Arc<Mutex<BTreeMap<String, RunningProcess>>>,
    tasks: Arc<Mutex<JoinSet<()>>>,
    closing: CancellationToken,
}

struct RunningProcess {
    at_step: StepRef,
    stop: CancellationToken,
    state: watch::Receiver<ProcessState>,
}

/// A process as it is now.
#[derive(Debug, Clone, Default)]
pub struct ProcessState {
    /// What it has printed, as far as that can be looked through.
    pub printed: Arc<Mutex<CapturedOutput>>,
    /// Counts the batches of lines, so that who waits for output is woken.
    pub batches: u64,
    pub end: Option<ProcessEnd>,
}

impl Processes {
    /// Makes the processes of a run: none yet.
    pub fn new(sink: EventSink) -> Processes {
        Processes { sink, open: Arc::default(), tasks: Arc::default(), closing: CancellationToken::new() }
    }

    /// Starts a process under a name; one of that name that still runs is ended first. Returns what to watch it by.
    pub async fn start(
        &self,
        name: &str,
        at_step: StepRef,
        world: Arc<dyn CloudTarget>,
        job: ProcessSpec,
        mut forward: OutputForwarder,
    ) -> watch::Receiver<ProcessState> {
        self.stop(&[name]).await;
        // Those that are being stopped may hold its port.
        self.settled().await;
        let stop = self.closing.child_token();
        let (told, state) = watch::channel(ProcessState::default());
        let (sink, named, cancel) = (self.sink.clone(), name.to_owned(), stop.clone());
        let task = async move {
            let (sent, mut received) = tokio::sync::mpsc::unbounded_channel();
            let lines = Box::new(move |pipe, batch| {
                let _ = sent.send((pipe, batch));
            });
            let printed = told.borrow().printed.clone();
            let masks = world.clone();
            let mut take = |(pipe, batch): (_, Vec<String>)| {
                let batch: Vec<String> = batch.into_iter().map(|line| masks.mask(line)).collect();
                if let Ok(mut printed) = printed.lock() {
                    batch.iter().for_each(|line| printed.line(line.clone()));
                }
                forward.child(pipe, batch);
                told.send_modify(|state| state.batches += 1);
            };
            let child = world.child(job, cancel, lines);
            tokio::pin!(child);
            let ended = loop {
                tokio::select! {
                    biased;
                    Some(batch) = received.recv() => take(batch),
                    ended = &mut child => break ended,
                }
            };
            while let Ok(batch) = received.try_recv() {
                take(batch);
            }
            let end = match ended.map(|ended| ended.cause) {
                Ok(ExitCause::Cancelled) => ProcessEnd::Stopped,
                Ok(ExitCause::Exited(code)) => ProcessEnd::Exited(code),
                Ok(ExitCause::Signaled(signal)) => ProcessEnd::Signaled(signal),
                Ok(ExitCause::TimedOut) => ProcessEnd::Stopped,
                Err(problem) => ProcessEnd::NotStarted(problem.to_string()),
            };
            drop(forward);
            // Told before those who wait go on: what they tell comes after it.
            sink.emit(EventKind::ProcessEnded { name: named, end: end.clone() });
            told.send_modify(|state| state.end = Some(end));
        };
        if let Ok(mut tasks) = self.tasks.lock() {
            while tasks.try_join_next().is_some() {}
            tasks.spawn(task);
        }
        self.lock().insert(name.to_owned(), RunningProcess { at_step, stop, state: state.clone() });
        state
    }

    /// Stops those of these names and waits until they are gone.
    pub async fn stop(&self, names: &[&str]) {
        for open in self.lock().iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, open)| open) {
            open.stop.cancel();
        }
        self.settled().await;
    }

    /// Asks all to stop that another chapter than this has started. Does not wait.
    pub fn leave(&self, chapter: u32) {
        for open in self.lock().values().filter(|open| open.at_step.chapter != chapter) {
            open.stop.cancel();
        }
    }

    /// Returns the names of those that run.
    pub fn running(&self) -> Vec<String> {
        let runs = |open: &RunningProcess| open.state.borrow().end.is_none() && !open.stop.is_cancelled();
        self.lock().iter().filter(|(_, open)| runs(open)).map(|(name, _)| name.clone()).collect()
    }

    /// Says which have ended by themselves, and what starts each again: what stands on one may fail for that.
    pub fn dead(&self) -> Vec<(String, StepRef, ProcessEnd)> {
        let open = self.lock();
        let ended = open.iter().filter_map(|(name, open)| {
            let end = open.state.borrow().end.clone()?;
            (end != ProcessEnd::Stopped).then(|| (name.clone(), open.at_step.clone(), end))
        });
        ended.collect()
    }

    /// Ends all, and waits for their tasks.
    pub async fn close(&self) {
        self.closing.cancel();
        let mut tasks = self.tasks.lock().map(|mut tasks| std::mem::take(&mut *tasks)).unwrap_or_default();
        while tasks.join_next().await.is_some() {}
    }

    /// Waits for those that were asked to stop.
    async fn settled(&self) {
        let stopping: Vec<watch::Receiver<ProcessState>> =
            self.lock().values().filter(|open| open.stop.is_cancelled()).map(|open| open.state.clone()).collect();
        for mut state in stopping {
            // A task that is gone has told its end, or was dropped with the run.
            let _ = state.wait_for(|state| state.end.is_some()).await;
        }
        self.lock().retain(|_, open| !open.stop.is_cancelled());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, RunningProcess>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what a process that ended by itself means for what stands on it.
pub fn dead_hint(title: impl Fn(&StepRef) -> String, dead: &[(String, StepRef, ProcessEnd)]) -> Vec<String> {
    let hint = |(name, at_step, end): &(String, StepRef, ProcessEnd)| {
        format!("{name} runs no more: {end}; run “{}” again", title(at_step))
    };
    dead.iter().map(hint).collect()
}
