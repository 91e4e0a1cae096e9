//! Deploys: the CDK command launches and logs, CloudFormation's own events are the truth.
//!
//! Because of that a deploy whose launcher or terminal died can be watched again, and its end is known
//! whatever the launcher printed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::OptionFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::by_hand;
use super::cause::{self, CauseFinder};
use super::cloud::{BoxFuture, CloudTarget};
use super::context::{StepContext, timed_out};
use super::deploy_command::{self, LaunchCommand};
use super::deploy_events::{NOT_THERE, Phases, Tracker, beginning, is_under_way, outputs, phase_of, stands};
use super::deploy_guards;
use super::event::{EventKind, Failure, Phase, StepRef, Stream};
use super::expect::ActionOutcome;
use super::messages::Internal;
use super::remedies;
use crate::aws::stack::{self, Stack, StackEvent, TOOLKIT};
use workshop_base::problem::{Problem, Result};
use workshop_base::process::{ExitCause, ProcessExit};
use workshop_course::lesson::model::{DeployAction, DeployStep, Step};

/// The time that a rollback may take that was asked for.
const ROLLED_BACK_WITHIN: Duration = Duration::from_mins(15);
/// So many questions after a stack, one behind the other, may stay without an answer.
const LOOKS_THAT_MAY_FAIL: u32 = 5;

/// Milliseconds that the cloud's clock may be behind ours.
const SKEW: u64 = 60_000;

/// The stack that a deploy changes.
fn stack_name(ctx: &StepContext, deploy: &DeployStep) -> String {
    match (deploy.action, &deploy.stack) {
        (DeployAction::Bootstrap, _) => TOOLKIT.to_owned(),
        (DeployAction::Deploy | DeployAction::Destroy, Some(stack)) => stack.clone(),
        // Lint lets no deploy into a course without a stack.
        (DeployAction::Deploy | DeployAction::Destroy, None) => ctx.setup.course.stack.clone().unwrap_or_default(),
    }
}

/// Runs a deploy, a bootstrap or a destroy to its end.
pub async fn run(ctx: &StepContext, step: &Step, deploy: &DeployStep) -> ActionOutcome {
    match drive(ctx, step, deploy).await {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

impl From<Problem> for ActionOutcome {
    fn from(problem: Problem) -> ActionOutcome {
        ActionOutcome::Broken(problem)
    }
}

/// Finds what became of a deploy whose end this run, or the one before it, did not see: its resources and their root cause as
/// the stack's history tells them, its outputs, and what the stack came to. Nothing when it never reached the cloud:
/// when no change of the stack began since `begun` (milliseconds since 1970), or the newest event is `known`.
///
/// # Errors
/// When the stack cannot be asked.
pub async fn look_back(
    ctx: &StepContext,
    at_step: &StepRef,
    deploy: &DeployStep,
    begun: u64,
    known: Option<&str>,
) -> Result<Vec<EventKind>> {
    let world = ctx.world().await?;
    let name = stack_name(ctx, deploy);
    let Some(stack) = world.stack(name.clone()).await? else {
        let destroyed = deploy.action == DeployAction::Destroy;
        return Ok(if destroyed { outputs(None, deploy.stack.as_deref()) } else { Vec::new() });
    };
    let mut history = world.stack_events(name, None).await?;
    let changed = history.last().is_some_and(|newest| Some(newest.id.as_str()) != known);
    let Some(start) = beginning(&history).filter(|start| changed && history[*start].at + SKEW >= begun) else {
        return Ok(Vec::new());
    };
    let events = history.split_off(start);
    let phase = Phase::Resources;
    let mut news = vec![EventKind::PhaseStarted { at_step: at_step.clone(), phase }];
    let mut tracker = Tracker::default();
    for event in &events {
        news.extend(tracker.take(at_step, event, &ctx.usual));
    }
    if !stack.in_progress() {
        let (first, last) = (events.first().map_or(0, |e| e.at), events.last().map_or(0, |e| e.at));
        let took_ms = last.saturating_sub(first);
        let failed = !stands(deploy.action, &stack.status);
        news.push(EventKind::PhaseFinished { at_step: at_step.clone(), phase, took_ms, failed });
        if deploy.action == DeployAction::Deploy && !failed {
            news.extend(outputs(Some(&stack), deploy.stack.as_deref()));
        }
    }
    news.push(EventKind::DeployFound { status: stack.status });
    Ok(news)
}

/// The end of the command.
struct Launched {
    ended: ProcessExit,
    /// The last lines that it printed.
    tail: Vec<String>,
    /// Its own sentence on why it failed, if it did.
    cause: Option<String>,
    /// The line of the project that makes what failed, if it has named one.
    place: Option<String>,
}

/// One deploy while it runs.
struct DeployWatch<'a> {
    ctx: &'a StepContext,
    world: Arc<dyn CloudTarget>,
    at_step: StepRef,
    /// Name, or ARN for a stack that is going away.
    stack: String,
    tracker: Tracker,
    phases: Phases,
    /// The directory that the command is run in, below the working directory.
    project: String,
    command: LaunchCommand,
}

/// Finds where a deploy is launched: where it says, else where the CDK's project is.
fn project(ctx: &StepContext, at_step: &StepRef, deploy: &DeployStep) -> String {
    if let Some(cwd) = &deploy.cwd {
        return cwd.clone();
    }
    let chapter = ctx.setup.course.chapter(at_step.chapter).filter(|_| deploy.template.is_none());
    chapter.and_then(|chapter| chapter.cdk_project()).unwrap_or_default().to_owned()
}

async fn drive(ctx: &StepContext, step: &Step, deploy: &DeployStep) -> Result<ActionOutcome, ActionOutcome> {
    let world = ctx.within(step.timeout, ctx.world()).await??;
    let Some(at_step) = ctx.at_step.clone() else { return Ok(ActionOutcome::Done) };
    let name = stack_name(ctx, deploy);
    deploy_guards::refuse_elsewhere(ctx, world.as_ref())?;
    let before = ctx.within(step.timeout, ctx.waiting(DESCRIBE, world.stack(name.clone()))).await??;
    deploy_guards::refuse_others(ctx, world.as_ref(), deploy, &name, before.as_ref())?;
    let texts = deploy.template.iter().flat_map(|template| &template.parameters).map(|(_, value)| value.0.as_str());
    let values = ctx.within(step.timeout, ctx.values(texts.collect::<Vec<_>>())).await??;
    let given = deploy.template.iter().flat_map(|template| &template.parameters);
    let given = given.map(|(name, value)| Ok((name.clone(), values.plain(value)?)));
    let parameters = given.collect::<Result<Vec<_>>>()?;
    let mut watch = DeployWatch {
        ctx,
        world: world.clone(),
        project: project(ctx, &at_step, deploy),
        command: deploy_command::of(deploy, &name, &parameters),
        at_step,
        stack: name.clone(),
        tracker: Tracker::default(),
        phases: Phases::default(),
    };
    if let Some(stack) = before.as_ref().filter(|s| s.in_progress()) {
        watch.attach(stack, step.timeout).await?;
    }
    // A stack that is going away is found by its ARN only; one that will be made, by its name only.
    if let (DeployAction::Destroy, Some(stack)) = (deploy.action, &before) {
        watch.stack = stack.id.clone();
    }
    let history = ctx.waiting(DESCRIBE, world.stack_events(watch.stack.clone(), None));
    let history = ctx.within(step.timeout, history).await??;
    watch.tracker = Tracker::since(history.last().map(|e| e.id.clone()));
    let launched = watch.launch(step, deploy).await?;
    if launched.ended.cause == ExitCause::TimedOut {
        watch.finish_phase(true);
        return Ok(ActionOutcome::Broken(timed_out(step.timeout)));
    }
    watch.settle(step.timeout).await?;
    let after = ctx.within(step.timeout, ctx.waiting(DESCRIBE, world.stack(watch.stack.clone()))).await??;
    let outcome = verdict(&watch, deploy.action, launched, after.as_ref());
    if outcome == ActionOutcome::Done {
        watch.enter(Phase::Outputs);
        watch.tell_outputs(after.as_ref(), deploy);
        if deploy.action == DeployAction::Deploy && watch.tracker.status.is_none() {
            watch.note("nothing was changed: the stack was already as the files say");
        }
    }
    // What stands in the stack from before is not what this deploy came to.
    watch.finish_phase(outcome != ActionOutcome::Done);
    // Asked only now: a toolkit may have another name, and then it deploys all the same.
    if let (DeployAction::Deploy, None, ActionOutcome::Failed { failure, .. }) =
        (deploy.action, &deploy.template, &outcome)
        && failure.output.iter().any(|line| line.contains("bootstrap"))
        && let Ok(false) = world.bootstrapped().await
    {
        let place = format!("account {}, region {}", world.account(), world.region());
        return Ok(ActionOutcome::Broken(
            Problem::environment(format!("the CDK is not bootstrapped in {place}"))
                .hint(remedies::bootstrap(&ctx.setup.course)),
        ));
    }
    Ok(outcome)
}

impl DeployWatch<'_> {
    fn emit_all(&self, news: Vec<EventKind>) {
        for kind in news {
            self.ctx.sink.emit(kind);
        }
    }

    fn enter(&mut self, phase: Phase) {
        let news = self.phases.enter(&self.at_step, phase, self.ctx.setup.clock.now());
        self.emit_all(news);
    }

    fn finish_phase(&mut self, failed: bool) {
        let news = self.phases.finish(&self.at_step, self.ctx.setup.clock.now(), failed);
        self.emit_all(news);
    }

    fn note(&self, line: impl Into<String>) {
        let lines = vec![line.into()];
        self.ctx.sink.emit(EventKind::Output { at_step: Some(self.at_step.clone()), stream: Stream::Note, lines });
    }

    /// Asks CloudFormation for what is new.
    async fn poll(&mut self) -> Result<()> {
        let events = self.look().await?;
        self.take(&events);
        Ok(())
    }

    /// Returns the question for what is new, which may be asked beside everything else.
    fn look(&self) -> BoxFuture<'static, Result<Vec<StackEvent>>> {
        let (world, stack, last) = (self.world.clone(), self.stack.clone(), self.tracker.last.clone());
        Box::pin(async move { world.stack_events(stack, last).await })
    }

    fn take(&mut self, events: &[StackEvent]) {
        for event in events {
            let news = self.tracker.take(&self.at_step, event, &self.ctx.usual);
            if !news.is_empty() {
                self.enter(Phase::Resources);
            }
            self.emit_all(news);
        }
    }

    /// Watches a change of the stack that someone else, or an earlier run, has started.
    async fn attach(&mut self, stack: &Stack, limit: Duration) -> Result<(), ActionOutcome> {
        self.note(format!("the stack is {} already: watching until that has ended, then going on", stack.status));
        let history = self.world.stack_events(self.stack.clone(), None);
        let history = self.ctx.within(limit, self.ctx.waiting(DESCRIBE, history)).await??;
        let last = beginning(&history).and_then(|i| i.checked_sub(1)).map(|i| history[i].id.clone());
        self.tracker = Tracker::since(last);
        self.settle(limit).await?;
        self.finish_phase(false);
        self.phases = Phases::default();
        Ok(())
    }

    /// Starts the CDK command and follows both it and the stack until the command ends.
    async fn launch(&mut self, step: &Step, deploy: &DeployStep) -> Result<Launched, ActionOutcome> {
        let mut job = self.ctx.command("", self.ctx.setup.workdir.join(&self.project), step.timeout);
        (job.program, job.args) = self.command.start(&job.cwd, &self.ctx.setup.workdir);
        // The AWS CLI would show what it says in a pager.
        job.env.insert("AWS_PAGER".to_owned(), String::new());
        job.env.insert("NO_COLOR".to_owned(), "1".to_owned());
        self.note(self.command.shown.clone());
        self.enter(Phase::Synth);
        // What the CDK has left from before says nothing of what it will make.
        if let Some(problem) = deploy.template.as_ref().and_then(|_| self.refused(deploy)) {
            return Err(self.refuse(problem));
        }

        let mut pump = self.ctx.pump(&self.world, &format!("{}-{}.log", self.at_step.chapter, self.at_step.step));
        let launcher = CancellationToken::new();
        let (lines, mut printed) = mpsc::unbounded_channel();
        let kept = self.command.kept(&job.cwd, &self.ctx.setup.workdir);
        let lines = Box::new(move |pipe, batch| {
            // The watch is gone when the step was dropped: then nobody reads.
            let _ = lines.send((pipe, batch));
        });
        let child = self.ctx.run_cdk(self.world.clone(), job, kept, launcher.clone(), lines);
        tokio::pin!(child);
        let mut poll = tokio::time::interval(self.world.poll_every());
        let mut looking: Option<BoxFuture<'static, Result<Vec<StackEvent>>>> = None;
        let mut cancelled = false;
        let mut refused = None;
        let mut causes = CauseFinder::default();
        let ended = loop {
            tokio::select! {
                biased;
                Some((pipe, batch)) = printed.recv() => {
                    for line in &batch {
                        causes.take(line);
                        let Some(phase) = phase_of(line).filter(|_| refused.is_none()) else { continue };
                        // Now the template is there, and nothing of it has been uploaded: what is wrong with it is the
                        // fault of what made it.
                        if phase == Phase::Assets {
                            refused = self.refused(deploy).inspect(|_| launcher.cancel());
                        }
                        if refused.is_none() {
                            self.enter(phase);
                        }
                    }
                    pump.child(pipe, batch);
                }
                () = self.ctx.cancel.cancelled(), if !cancelled => {
                    cancelled = true;
                    pump.note("stopping the command");
                    launcher.cancel();
                }
                () = self.ctx.detach.notified(), if !cancelled => {
                    if self.tracker.status.as_deref().is_some_and(is_under_way) {
                        launcher.cancel();
                        // Its end is awaited so that nothing of it is left running.
                        let _ = (&mut child).await;
                        return Err(ActionOutcome::Detached);
                    }
                    self.ctx.sink.send(Internal::NotDetachable(NOT_IN_THE_CLOUD));
                }
                Some(looked) = OptionFuture::from(looking.as_mut()), if !cancelled => {
                    looking = None;
                    poll.reset();
                    match looked {
                        Ok(events) => self.take(&events),
                        // One look that fails is not the deploy's end: the command goes on, and so do we.
                        Err(problem) => pump.note(problem.to_string()),
                    }
                }
                // The command never waits for an answer that takes its time.
                _ = poll.tick(), if looking.is_none() && !cancelled => looking = Some(self.look()),
                ended = &mut child => break ended?,
            }
        };
        while let Ok((pipe, batch)) = printed.try_recv() {
            batch.iter().for_each(|line| causes.take(line));
            pump.child(pipe, batch);
        }
        if let Some(problem) = refused.filter(|_| !cancelled) {
            return Err(self.refuse(problem));
        }
        if cancelled {
            self.cancel(&mut pump).await?;
            return Err(ActionOutcome::Cancelled);
        }
        let within = |place: &str| match Path::new(place).strip_prefix(&self.ctx.setup.workdir) {
            Ok(within) => within.to_string_lossy().into_owned(),
            Err(_) => place.to_owned(),
        };
        let place = causes.place().map(within);
        let cause = causes.cause().map(|cause| self.world.mask(cause));
        Ok(Launched { ended, tail: pump.tail(), cause, place })
    }

    fn refuse(&mut self, problem: Problem) -> ActionOutcome {
        self.finish_phase(true);
        ActionOutcome::failed(Failure {
            expected: problem.expected.unwrap_or_else(|| "the target has what the template asks for".to_owned()),
            actual: problem.message,
            hints: problem.hint.into_iter().collect(),
            ..Failure::default()
        })
    }

    /// Says why the target would refuse what is being deployed, as far as its template is there.
    fn refused(&self, deploy: &DeployStep) -> Option<Problem> {
        let check = self.ctx.setup.template_check.as_ref()?;
        if deploy.action != DeployAction::Deploy {
            return None;
        }
        let directory = self.ctx.setup.workdir.join(&self.project);
        let file = match &deploy.template {
            Some(template) => directory.join(&template.file),
            // The CDK's own place for what it has synthesised, unless cdk.json names another.
            None => directory.join("cdk.out").join(format!("{}.template.json", self.stack)),
        };
        check(&std::fs::read_to_string(file).ok()?)
    }

    /// The command is stopped; now the cloud.
    async fn cancel(&mut self, pump: &mut super::output::OutputForwarder) -> Result<()> {
        let Some(stack) = self.world.stack(self.stack.clone()).await? else { return Ok(()) };
        match stack.status.as_str() {
            "UPDATE_IN_PROGRESS" => {
                pump.note("cancelling the update: CloudFormation rolls it back");
                self.world.cancel_update(self.stack.clone()).await?;
                self.settle(ROLLED_BACK_WITHIN).await.ok();
            }
            status if stack.in_progress() => {
                pump.note(format!("the stack is {status}: CloudFormation cannot stop that, it goes on to its end"));
            }
            _ => {}
        }
        Ok(())
    }

    /// Waits until the stack has come to rest. A cancel stops the waiting, a detach lets it go on alone.
    async fn settle(&mut self, limit: Duration) -> Result<(), ActionOutcome> {
        let waiting = self.ctx.cancel.is_cancelled();
        let (ctx, pause) = (self.ctx, self.world.poll_every());
        let until = tokio::time::sleep(limit);
        tokio::pin!(until);
        let mut failed = 0;
        loop {
            let look = async {
                let looked = self.is_at_rest().await;
                if !matches!(looked, Ok(true)) {
                    tokio::time::sleep(pause).await;
                }
                looked
            };
            // An answer may take its time, too, and nobody is held by that.
            let looked = tokio::select! {
                biased;
                () = ctx.cancel.cancelled(), if !waiting => return Err(ActionOutcome::Cancelled),
                () = ctx.detach.notified() => return Err(ActionOutcome::Detached),
                looked = look => looked,
                () = &mut until => return Err(ActionOutcome::Broken(timed_out(limit))),
            };
            match looked {
                Ok(true) => return Ok(()),
                Ok(false) => failed = 0,
                // One answer that does not come is no end of the deploy.
                Err(_) if failed < LOOKS_THAT_MAY_FAIL => failed += 1,
                Err(problem) => return Err(ActionOutcome::Broken(problem)),
            }
        }
    }

    /// Asks CloudFormation for what is new; tells whether the stack has come to rest.
    async fn is_at_rest(&mut self) -> Result<bool> {
        self.poll().await?;
        if self.world.stack(self.stack.clone()).await?.is_some_and(|stack| stack.in_progress()) {
            return Ok(false);
        }
        self.poll().await?;
        Ok(true)
    }

    fn tell_outputs(&self, stack: Option<&Stack>, deploy: &DeployStep) {
        // A stack that is gone is still described, by its ARN.
        let stands = stack.filter(|_| deploy.action == DeployAction::Deploy);
        if deploy.action != DeployAction::Bootstrap {
            self.emit_all(outputs(stands, deploy.stack.as_deref()));
        }
    }
}

/// Judges by the command's end and the stack's state together.
fn verdict(watch: &DeployWatch<'_>, deploy: DeployAction, launched: Launched, found: Option<&Stack>) -> ActionOutcome {
    let Launched { ended, tail, cause, place } = launched;
    let course = &watch.ctx.setup.course;
    let status = found.map_or(NOT_THERE, |s| s.status.as_str());
    // The launcher may die while the cloud goes on: then what the stack came to is what counts.
    let changed = watch.tracker.status.is_some();
    // An earlier deploy that was rolled back has left the stack as it was before: that is none of this one's.
    let as_it_was = deploy == DeployAction::Deploy && !changed && status == "UPDATE_ROLLBACK_COMPLETE";
    let stands = stands(deploy, status) || as_it_was;
    let killed = matches!(ended.cause, ExitCause::Signaled(_));
    // A command that ends well names no cause, whatever its last words look like. After a rollback, what is there may be what
    // is wanted: then nothing is changed, and the stack says of itself what was before.
    let succeeded = ended.success();
    if stands && (succeeded || (killed && changed)) {
        return ActionOutcome::Done;
    }
    if tail.iter().any(|line| NOT_FOUND.iter().any(|said| line.contains(said))) {
        return ActionOutcome::Broken(
            Problem::failed("the course's packages are not installed").hint(remedies::install(course)),
        );
    }
    let actual = match (&watch.tracker.root_cause, ended.cause) {
        (Some((id, reason)), _) => format!("{id}: {reason} (the stack is {status})"),
        (None, ExitCause::Exited(code)) if !stands || code == 0 => {
            let reason = found.and_then(|s| s.reason.as_deref()).map(|reason| format!(": {reason}"));
            format!("exit code {code}, and the stack is {status}{}", reason.unwrap_or_default())
        }
        (None, ExitCause::Exited(code)) => format!("exit code {code}"),
        (None, ExitCause::Signaled(signal)) => format!("the command was ended by signal {signal}"),
        (None, ExitCause::TimedOut | ExitCause::Cancelled) => "the command was stopped".to_owned(),
    };
    // First why, then what that came to.
    let actual = match cause.filter(|_| watch.tracker.root_cause.is_none() && !succeeded) {
        Some(cause) => format!("{cause}\n{actual}"),
        None => actual,
    };
    let way_out = stack::way_out(status).filter(|_| !stands);
    let install =
        cause::missing_package(&actual).map(|package| remedies::package(course, &watch.ctx.setup.workdir, package));
    let made =
        place.filter(|_| watch.tracker.root_cause.is_some()).map(|place| format!("look at {place}, which makes it"));
    let hints = made.into_iter().chain(way_out.map(str::to_owned)).chain(install).collect();
    let shown = &watch.command.shown;
    ActionOutcome::failed(Failure {
        expected: format!("`{}` succeeds", shown.strip_prefix("npx ").unwrap_or(shown)),
        actual,
        reproduce: Some(by_hand::in_directory(&watch.project, shown)),
        output: tail,
        hints,
        ..Failure::default()
    })
}

/// The answer that a call waits for, for a person.
const DESCRIBE: &str = "CloudFormation's answer about the stack";
/// Npx's words without the packages; the second where the project has a workspace of the command's name.
const NOT_FOUND: [&str; 2] = ["npx canceled", "could not determine executable to run"];
const NOT_IN_THE_CLOUD: &str =
    "the deploy has not reached the cloud yet, nothing would go on without us: wait a moment, or cancel";
