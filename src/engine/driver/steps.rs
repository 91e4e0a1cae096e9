//! A step from its start to its verdict.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::activity::{Activity, RunningStep, StepPart, SteppedStep};
use super::bringing;
use super::event_loop::internal_error;
use super::position;
use super::state::Driver;
use crate::aws::throttling;
use crate::cloud::millis;
use crate::command::{CommandKind, RequestId};
use crate::config::Mode;
use crate::context::StepContext;
use crate::event::{EventKind, Failure, RequestOutcome, StepRef, Verdict};
use crate::expect::{self, ActionOutcome};
use crate::messages::Internal;
use crate::stack_since::StackSince;
use crate::{network, probes, processes, stack_since, step, types};
use workshop_base::problem::Kind;
use workshop_course::lesson::model::{ActionKind, DeployAction, Step, StepAction, StepExpect};

impl Driver {
    /// Begins the step at hand; [`Driver::step_ended`] is its end.
    pub(super) fn run_step(&mut self, request: RequestId, command: CommandKind) {
        let course = self.config.course.clone();
        let Some((chapter, step)) = position::current(&course, self.run.progress()) else { return };
        let at_step = StepRef { chapter: chapter.number, step: step.id.clone() };
        let to_keep = self.state_to_keep(&at_step, step);
        let progress = self.run.progress();
        let waits = self.stepped.as_ref().filter(|stepped| stepped.at_step == at_step);
        let attempt = match waits {
            Some(stepped) => stepped.attempt,
            None => progress.steps.get(&at_step).map_or(1, |s| s.attempt + 1),
        };
        let next = waits.map_or(0, |stepped| stepped.next);
        let total = if let StepAction::Sql(sql) = &step.action { sql.statements.len() } else { 0 };
        let part = match command {
            CommandKind::RunStatement if total > 1 => StepPart::One { index: next, total },
            _ if next > 0 => StepPart::From(next),
            _ => StepPart::Whole,
        };
        let usual_ms = progress.usual_of(&at_step, step);
        if next == 0 {
            self.emit(EventKind::StepStarted {
                at_step: at_step.clone(),
                attempt,
                action: step.action.kind(),
                expects_failure: matches!(step.expect, StepExpect::Failure(_)),
                usual_ms,
            });
        }
        if part != StepPart::Whole {
            self.emit(EventKind::StatementStarted { at_step: at_step.clone(), index: next, total });
        }
        self.keep_for_standby(&at_step);
        let is_deploy = step.action.deploys();
        if is_deploy {
            self.deploys.begin(self.workspace.digests());
        }
        let (cancel, detach) = (self.tasks.child_token(), Arc::new(Notify::new()));
        self.activity = Activity::Step(RunningStep {
            request,
            command,
            at_step: at_step.clone(),
            part,
            attempt,
            began: Instant::now(),
            cancel: cancel.clone(),
            detach: detach.clone(),
            pending: Vec::new(),
        });
        if let StepAction::Edit(_) = step.action {
            let outcome = match self.workspace.apply_step(&at_step) {
                Ok(events) => {
                    self.emit_all(events);
                    ActionOutcome::Done
                }
                Err(problem) => ActionOutcome::Broken(problem),
            };
            self.step_ended(at_step, outcome);
            return;
        }
        if step.action.kind() == ActionKind::Shell {
            self.workspace.note_lockfiles();
        }
        self.prepare_if_failed();
        if is_deploy && self.config.mode == Mode::Interactive {
            self.check_types(&at_step);
        }
        // What a crash leaves of its commands is found by that.
        self.save();
        let ctx = self.context(Some(at_step.clone()), cancel, detach);
        let left_here = self.target.left();
        self.tasks.spawn(async move {
            // A fault of ours must not leave the step running for ever.
            if let Some(session) = to_keep {
                bringing::keep(&ctx, at_step.chapter, &session).await;
            }
            let action = network::beside(&ctx, run_action(&ctx, &at_step, part.statements(total)));
            // In the account a deploy goes on by itself when the talk leaves it.
            let left = || if is_deploy { ActionOutcome::Detached } else { ActionOutcome::Cancelled };
            let action = async { left_here.run_until_cancelled(action).await.unwrap_or_else(left) };
            let running = AssertUnwindSafe(action).catch_unwind();
            let outcome = running.await.unwrap_or_else(|_| ActionOutcome::Broken(internal_error()));
            ctx.sink.send(Internal::StepEnded { at_step, outcome });
        });
    }

    /// Has the types checked when the deploy waits for the cloud, or is over: until then the processor is the CDK's.
    fn check_types(&mut self, at_step: &StepRef) {
        let check = self.deploys.begin_type_check(self.tasks.child_token());
        let ctx = self.context(Some(at_step.clone()), check.cancel.clone(), Arc::default());
        self.tasks.spawn(async move {
            let run = async {
                check.due.notified().await;
                types::check(&ctx).await;
            };
            check.cancel.run_until_cancelled(run).await;
        });
    }

    /// Tells what a step came to, and answers the request for it and those to end it.
    pub(super) fn step_ended(&mut self, ended: StepRef, outcome: ActionOutcome) {
        let Some(running) = self.activity.end_step(&ended) else { return };
        let RunningStep { request, command, part, attempt, began, pending, .. } = running;
        let before = self.stepped.take().filter(|stepped| stepped.at_step == ended);
        let took_ms = before.map_or(0, |stepped| stepped.took_ms) + millis(began.elapsed());
        if let (StepPart::One { index, total }, ActionOutcome::Done) = (part, &outcome)
            && index + 1 < total
        {
            self.stepped = Some(SteppedStep { at_step: ended.clone(), next: index + 1, attempt, took_ms });
            self.emit(EventKind::StatementFinished { at_step: ended, index, total });
            self.run.finish(request, command, RequestOutcome::Complete);
            self.run.finish_pending(pending, false);
            self.take_waiting_course();
            return self.switch_when_idle();
        }
        let outcome = self.judge_step(ended, attempt, took_ms, outcome);
        let detached = outcome == RequestOutcome::Detached;
        match command {
            CommandKind::Bring => {
                let stopped = pending.iter().any(|request| request.command == CommandKind::Cancel);
                self.brought_step(outcome, stopped);
            }
            _ => self.run.finish(request, command, outcome),
        }
        self.run.finish_pending(pending, detached);
        self.take_waiting_course();
        self.switch_when_idle();
    }

    /// Tells what a step came to.
    fn judge_step(&mut self, ended: StepRef, attempt: u32, took_ms: u64, outcome: ActionOutcome) -> RequestOutcome {
        let course = self.config.course.clone();
        let Some((chapter, step)) = ended.with_chapter(&course) else {
            return RequestOutcome::Complete;
        };
        let Some((verdict, failure)) = expect::judge(outcome, &step.expect) else {
            self.emit(EventKind::Detached { at_step: ended });
            return RequestOutcome::Detached;
        };
        self.deploys.release_type_check();
        self.end_given_up_checks();
        let deploy = self.run.progress().deploy.as_ref().filter(|deploy| deploy.at_step == ended);
        let type_problem = deploy.and_then(|deploy| deploy.types.as_ref()?.first()).map(ToString::to_string);
        let mut failure = failure.map(|failure| advise(failure, step, type_problem));
        if let Some(failure) = failure.as_mut().filter(|failure| failure.kind != Kind::Interrupted)
            && !matches!(step.action, StepAction::Check(_))
            && verdict != Verdict::FailedAsExpected
        {
            let title = |at: &StepRef| at.of(&course).map_or(at.step.clone(), |step| step.title.clone());
            failure.hints.splice(0..0, processes::dead_hint(title, &self.target.processes.dead()));
        }
        if verdict == Verdict::Pass && step.action.deploys() {
            self.deploys.succeed();
        } else if let (Verdict::Pass, StepAction::Deploy(deploy)) = (verdict, &step.action)
            && deploy.action == DeployAction::Destroy
        {
            self.deploys.forget_files();
        }
        self.run.judge(verdict, failure.as_ref());
        self.workspace.adopt_lockfiles();
        let at_step = ended.clone();
        self.emit(EventKind::StepFinished { at_step: ended, attempt, verdict, took_ms, failure });
        self.report_distance();
        self.run.finish_chapter(chapter);
        self.step_to_follow(&at_step, verdict);
        // What the CDK says of a service that is out of order is a failure of the deploy.
        if verdict == Verdict::Error || verdict == Verdict::Fail && step.action.deploys() {
            self.ask_why();
        }
        self.save();
        RequestOutcome::Verdict(verdict)
    }
}

/// Said since a deploy that is not seen any more may go on all the same.
const THROTTLED: &str = "AWS throttles this account. What had reached it goes on there: in a minute, run the step again, which \
                         takes up what is there";

/// Carries out a step's action; after a deploy, also says what the stack's newest event is.
async fn run_action(ctx: &StepContext, at_step: &StepRef, statements: Range<usize>) -> ActionOutcome {
    let course = ctx.setup.course.clone();
    let Some((chapter, step)) = at_step.with_chapter(&course) else {
        return ActionOutcome::Broken(internal_error());
    };
    if step.action.kind() != ActionKind::Deploy
        && let Ok(mut own) = ctx.own_stacks.lock()
    {
        own.extend(course.stacks_made_by(step).into_iter().map(str::to_owned));
    }
    let outcome = step::run(ctx, chapter, step, statements).await;
    let is_courses_own = matches!(&step.action, StepAction::Deploy(deploy) if deploy.stack.is_none());
    if step.action.deploys()
        && is_courses_own
        && let Ok(target) = ctx.world().await
        && let Some(stack) = &course.stack
    {
        if outcome != ActionOutcome::Done {
            if let Some((_, known)) = &ctx.deployed
                && let Ok(StackSince::RolledBack(newest)) = stack_since::since(target.as_ref(), stack, known).await
            {
                ctx.sink.send(Internal::RolledBack { since: known.clone(), newest });
            }
        } else if let Ok(Some(event)) = probes::newest_event(target.as_ref(), stack).await {
            ctx.sink.send(Internal::Deployed(at_step.clone(), event));
        }
    }
    outcome
}

/// Adds to a failure what the author knows of the step, and what the type check found.
fn advise(mut failure: Failure, step: &Step, type_problem: Option<String>) -> Failure {
    // A step that was stopped has not failed: there is nothing to repair.
    if failure.kind == Kind::Interrupted {
        return failure;
    }
    // What the author knows of the step does not help against missing credentials, a lost network, a full disk.
    if failure.kind != Kind::Environment {
        failure.hints.extend(step.hints.iter().cloned());
    }
    let said = || failure.output.iter().chain([&failure.actual]);
    if step.action.deploys() && said().any(|text| throttling::is_said(text)) {
        failure.hints.push(THROTTLED.to_owned());
    }
    let is_said = |problem: &String| failure.hints.iter().any(|hint| hint.contains(problem.as_str()));
    if let Some(problem) = type_problem.filter(|problem| !is_said(problem)) {
        failure.hints.push(format!("the types do not fit either: {problem}"));
    }
    failure.spot.get_or_insert_with(|| step.origin.spot());
    failure
}
