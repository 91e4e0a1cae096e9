//! The context of a running step or check: its run's setup, the way to tell, the ready world, and its end.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::cloud::{CloudTarget, HeldConditions, Lines};
use super::config::{EngineConfig, Mode};
use super::event::{DEPLOY_AGAIN, EventKind, StepRef, Stream, TargetId};
use super::expect::ActionOutcome;
use super::files;
use super::install::Packages;
use super::kept::{KeptCdk, KeptCommand};
use super::messages::{EventSink, Internal};
use super::mismatch::Mismatch;
use super::output::{OutputForwarder, OutputSource};
use super::processes::{self, Processes};
use super::sessions::Sessions;
use super::stack_since::{self, StackSince};
use super::values::Values;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::process::{ProcessExit, ProcessSpec};
use workshop_course::lesson::template::{self, Reference};

/// The state of the target: None while it is being made ready.
pub type Ready = watch::Receiver<Option<Result<Arc<dyn CloudTarget>>>>;

/// Longer than this nobody waits without a word.
const LONG: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub struct StepContext {
    pub setup: Arc<EngineConfig>,
    pub sink: EventSink,
    pub ready: Ready,
    pub packages: Packages,
    pub sessions: Sessions,
    pub processes: Processes,
    pub cdk: KeptCdk,
    /// Ends this step, or this run of checks.
    pub cancel: CancellationToken,
    /// Asks a deploy to let go.
    pub detach: Arc<Notify>,
    pub captures: Arc<Mutex<BTreeMap<String, Value>>>,
    /// Milliseconds that things took before.
    pub usual: Arc<BTreeMap<String, u64>>,
    /// The files as they were when the stack was deployed last, as `files::digests` has it; empty when that is not known.
    pub deployed_files: Arc<BTreeMap<String, String>>,
    /// After which step the stack was deployed, and its newest event then.
    pub deployed: Option<(StepRef, String)>,
    pub at_step: Option<StepRef>,
    pub conditions: SharedConditions,
    /// The place where the work was done until this step began, as far as that is known.
    pub reached: Option<TargetId>,
    /// The stacks that this run has made, or may have.
    pub own_stacks: Arc<Mutex<BTreeSet<String>>>,
}

/// The conditions that the target is under, with the step of the lesson that they belong to: its id there.
pub type SharedConditions = Arc<tokio::sync::Mutex<Option<(StepRef, Box<dyn HeldConditions>)>>>;

impl StepContext {
    /// Takes the conditions back that the target is under, unless they are this step's.
    pub async fn end_conditions(&self, except: Option<&StepRef>) {
        let mut conditions = self.conditions.lock().await;
        if conditions.as_ref().is_some_and(|(of, _)| Some(of) != except)
            && let Some((_, held)) = conditions.take()
        {
            held.end().await;
            self.sink.emit(EventKind::Simulated { conditions: Vec::new() });
        }
    }

    /// Describes a command of this step, or of these checks: what a crash leaves of it is found again.
    pub fn command(&self, line: &str, cwd: impl Into<PathBuf>, deadline: Duration) -> ProcessSpec {
        match self.setup.mode {
            // It looks at a directory that may be another's just now.
            Mode::CheckOnly => ProcessSpec::shell(line, cwd, deadline),
            _ => processes::command(&self.setup.workdir, self.at_step.as_ref(), line, cwd, deadline),
        }
    }

    /// Waits until the target is ready.
    ///
    /// # Errors
    /// When it could not be made ready.
    pub async fn world(&self) -> Result<Arc<dyn CloudTarget>> {
        let mut ready = self.ready.clone();
        let state = self.waiting("the target to be ready", ready.wait_for(Option::is_some)).await.map(|s| s.clone());
        match state {
            Ok(Some(result)) => result,
            Ok(None) | Err(_) => Err(Problem::new(Kind::Interrupted, "the workshop is closing")),
        }
    }

    /// The values that these texts refer to, as they are now.
    ///
    /// # Errors
    /// When the stack cannot be asked.
    pub async fn values<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Result<Values> {
        let captures = self.captures.lock().map(|c| c.clone()).unwrap_or_default();
        let course = &self.setup.course;
        let mut values = Values::new(course, captures);
        if let Some(chapter) = self.at_step.as_ref().and_then(|step| course.chapter(step.chapter)) {
            values.learn_keepers(chapter);
        }
        let mut needs: Vec<Reference> = texts.into_iter().flat_map(template::references).collect();
        let function = course.function.as_ref().filter(|_| needs.contains(&Reference::Function));
        needs.extend(function.into_iter().flat_map(|name| template::references(&name.0)));
        let at_hand = |r: &Reference| {
            use Reference::{Capture, Choice, Function, Stack, Variable};
            matches!(r, Capture(_) | Stack | Function | Variable(_) | Choice(_))
        };
        if !needs.iter().all(at_hand) {
            let world = self.world().await?;
            let asking = values.ask(world.as_ref(), course.stack.as_deref(), &needs);
            self.waiting("CloudFormation's answer about the stack", asking).await?;
        }
        if let Some(function) = function {
            let name = values.plain(function)?;
            values.set(Reference::Function, name);
        }
        Ok(values)
    }

    /// Says which files are not as they were deployed, when something that was deployed is not as it should be. Says nothing
    /// where somebody has deployed without us since: what runs is not known then.
    pub async fn undeployed(&self, chapter: u32) -> Option<String> {
        if self.deployed_files.is_empty() {
            return None;
        }
        let now = files::digests(&files::current(&self.setup.course, &self.setup.workdir));
        let changed = files::changed(&self.deployed_files, &now);
        let (first, others) = changed.split_first()?;
        let (by, event) = self.deployed.as_ref()?;
        let stack = self.setup.course.stack.clone()?;
        match stack_since::since(self.world().await.ok()?.as_ref(), &stack, event).await.ok()? {
            StackSince::Same => {}
            StackSince::RolledBack(newest) => self.sink.send(Internal::RolledBack { since: event.clone(), newest }),
            StackSince::UnderWay => return None,
            StackSince::Changed => {
                self.sink.send(Internal::DeployedElsewhere(event.clone()));
                return None;
            }
        }
        let more = match others.len() {
            0 => String::new(),
            1 => " and one other file".to_owned(),
            n => format!(" and {n} other files"),
        };
        Some(match by.chapter == chapter {
            true => format!("{first}{more} changed after the last deploy: what runs is older; {DEPLOY_AGAIN}"),
            false => format!(
                "what runs was deployed in chapter {}, and {first}{more} changed since: {DEPLOY_AGAIN}",
                by.chapter
            ),
        })
    }

    /// Keeps a value for `${capture.NAME}` of later steps, and tells it.
    pub fn capture(&self, name: &str, value: Value) {
        if let Ok(mut captures) = self.captures.lock() {
            captures.insert(name.to_owned(), value.clone());
        }
        self.sink.emit(EventKind::Captured { name: name.to_owned(), value });
    }

    /// Makes what forwards a child's output, with a file of this name in `.workshop/log`.
    pub fn pump(&self, world: &Arc<dyn CloudTarget>, log: &str) -> OutputForwarder {
        let source = OutputSource::Step(self.at_step.clone());
        OutputForwarder::new(self.sink.clone(), source, &self.setup, world.clone(), log)
    }

    /// The same for a long-running process.
    pub fn pump_of_process(&self, world: &Arc<dyn CloudTarget>, name: &str) -> OutputForwarder {
        let source = OutputSource::Process(name.to_owned());
        OutputForwarder::new(self.sink.clone(), source, &self.setup, world.clone(), &format!("serve-{name}.log"))
    }

    /// Keeps the values that a step names, each looked up by its source.
    ///
    /// # Errors
    /// When one of them is not there.
    pub fn keep(
        &self,
        captures: &[(String, String)],
        find: impl Fn(&str) -> Result<Option<serde_json::Value>>,
    ) -> Result<(), ActionOutcome> {
        for (name, source) in captures {
            let Some(value) = find(source)? else {
                return Err(ActionOutcome::failed(Mismatch::not_there(source, name).into()));
            };
            self.capture(name, value);
        }
        Ok(())
    }

    /// Says which long-running processes have died, for what fails without them.
    pub fn dead_processes(&self) -> Vec<String> {
        let title = |at: &StepRef| at.of(&self.setup.course).map_or(at.step.clone(), |step| step.title.clone());
        processes::dead_hint(title, &self.processes.dead())
    }

    /// Says something of the runner's own in the log.
    pub fn note(&self, line: String) {
        let at_step = self.at_step.clone();
        self.sink.emit(EventKind::Output { at_step, stream: Stream::Note, lines: vec![line] });
    }

    /// Runs a command of the CDK to its end: `job`, or the same in the process that is kept.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn run_cdk(
        &self,
        world: Arc<dyn CloudTarget>,
        job: ProcessSpec,
        kept: Option<KeptCommand>,
        cancel: CancellationToken,
        lines: Lines,
    ) -> Result<ProcessExit> {
        let note = |line: &str| self.note(line.to_owned());
        self.cdk.run(world, &self.setup.workdir, (job, kept), cancel, lines, note).await
    }

    /// Waits, and says what for when that takes long.
    pub async fn waiting<T>(&self, what: &str, answer: impl Future<Output = T>) -> T {
        tokio::pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            () = tokio::time::sleep(LONG) => {}
        }
        self.note(format!("still waiting for {what}"));
        answer.await
    }

    /// Waits for something that may be dropped half-way, until the user stops it or its time is over.
    ///
    /// # Errors
    /// The outcome that ends the step: cancelled, or its time is over.
    pub async fn within<T>(&self, limit: Duration, what: impl Future<Output = T>) -> Result<T, ActionOutcome> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(ActionOutcome::Cancelled),
            answer = tokio::time::timeout(limit, what) => answer.map_err(|_| ActionOutcome::Broken(timed_out(limit))),
        }
    }
}

/// Returns what is said of something that came to no end in its time.
pub fn timed_out(limit: Duration) -> Problem {
    Problem::new(Kind::TimedOut, format!("no end after {} s", limit.as_secs_f64()))
        .hint("look at the log, then run it again; `timeout` in the lesson sets the limit")
}
