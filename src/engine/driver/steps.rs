//! A step from its start to its verdict.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::bringing;
use super::requests::Refused;
use super::serving::fault;
use super::state::{Busy, Driver, StepPart, Stepping, TypesLook};
use crate::cloud::millis;
use crate::command::{CommandKind, Refusal, RequestId};
use crate::config::Mode;
use crate::event::{EventKind, RequestOutcome, StepRef, Verdict};
use crate::expect::{self, ActionOutcome};
use crate::messages::Internal;
use crate::progress::usual_key;
use crate::{files, probes, processes, step, types};
use workshop_base::problem::{Kind, Result};
use workshop_course::lesson::model::{ActionKind, Chapter, DeployAction, Step, StepAction, StepExpect, Target};

impl Driver {
    /// Begins the step at hand; [`Driver::step_ended`] is its end.
    pub(super) fn run_step(&mut self, request: RequestId, asked: CommandKind) {
        let setup = self.setup.clone();
        let Some((chapter, step)) = self.current() else { return };
        let at_step = StepRef { chapter: chapter.number, step: step.id.clone() };
        let to_keep = self.state_to_keep(&at_step, &step);
        let waits = self.stepping.as_ref().filter(|stepping| stepping.at_step == at_step);
        let attempt = match waits {
            Some(stepping) => stepping.attempt,
            None => self.progress.steps.get(&at_step).map_or(1, |s| s.attempt + 1),
        };
        let next = waits.map_or(0, |stepping| stepping.next);
        let total = if let StepAction::Sql(sql) = &step.action { sql.statements.len() } else { 0 };
        let part = match asked {
            CommandKind::RunStatement if total > 1 => StepPart::One { index: next, total },
            _ if next > 0 => StepPart::From(next),
            _ => StepPart::Whole,
        };
        if next == 0 {
            self.emit(EventKind::StepStarted {
                at_step: at_step.clone(),
                attempt,
                action: step.action.kind(),
                expects_failure: matches!(step.expect, StepExpect::Failure(_)),
                usual_ms: self.progress.usual.get(&usual_key(&at_step)).copied(),
            });
        }
        if part != StepPart::Whole {
            self.emit(EventKind::StatementStarted { at_step: at_step.clone(), index: next, total });
        }
        if step.action.deploys() {
            self.deploying_files = files::digests(&files::current(&setup.course, &setup.workdir));
        }
        let cancel = self.stop.child_token();
        let detach = Arc::new(Notify::new());
        let begun = Instant::now();
        self.busy = Busy::Step {
            request,
            asked,
            at_step: at_step.clone(),
            part,
            attempt,
            begun,
            cancel: cancel.clone(),
            detach: detach.clone(),
            waiting: Vec::new(),
        };
        if let StepAction::Edit(_) = step.action {
            let outcome = match self.edit(&at_step) {
                Ok(()) => ActionOutcome::Done,
                Err(problem) => ActionOutcome::Broken(problem),
            };
            self.step_ended(at_step, outcome);
            return;
        }
        if let (ActionKind::Shell, Some(journal)) = (step.action.kind(), &self.journal) {
            let lockfiles = files::tracked(&setup.course).into_iter().filter(|p| p.ends_with("package-lock.json"));
            self.lockfiles = lockfiles.filter(|p| journal.is_ours(p)).map(str::to_owned).collect();
        }
        self.prepare_again();
        if step.action.deploys() && setup.mode == Mode::Interactive {
            self.look_at_types(&at_step);
        }
        let ctx = self.ctx(Some(at_step.clone()), cancel, detach);
        let (number, id) = (chapter.number, step.id.clone());
        self.tasks.spawn(async move {
            let course = setup.course.clone();
            let Some((chapter, step)) = course.chapter(number).and_then(|c| Some((c, c.step(&id)?))) else { return };
            // A fault of ours must not leave the step running for ever.
            if let Some(session) = to_keep {
                bringing::keep(&ctx, number, &session).await;
            }
            let statements = part.statements(total);
            let running = AssertUnwindSafe(step::run(&ctx, chapter, step, statements)).catch_unwind();
            let outcome = running.await.unwrap_or_else(|_| ActionOutcome::Broken(fault()));
            let own = matches!(&step.action, StepAction::Deploy(deploy) if deploy.stack.is_none());
            if step.action.deploys()
                && own
                && outcome == ActionOutcome::Done
                && let Ok(world) = ctx.world().await
                && let Some(stack) = &course.stack
                && let Ok(Some(event)) = probes::newest_event(world.as_ref(), stack).await
            {
                ctx.sink.send(Internal::Deployed(at_step.clone(), event));
            }
            ctx.sink.send(Internal::StepEnded { at_step, outcome });
        });
    }

    /// Has the types looked at when the deploy waits for the cloud, or is over: until then the processor is the CDK's.
    fn look_at_types(&mut self, at_step: &StepRef) {
        if let Some(before) = self.types.take() {
            before.cancel.cancel();
        }
        let look = TypesLook { due: Arc::default(), cancel: self.stop.child_token() };
        let ctx = self.ctx(Some(at_step.clone()), look.cancel.clone(), Arc::default());
        let due = look.due.clone();
        self.types = Some(look);
        self.tasks.spawn(async move {
            let cancel = ctx.cancel.clone();
            let look = async {
                due.notified().await;
                types::check(&ctx).await;
            };
            cancel.run_until_cancelled(look).await;
        });
    }

    /// The first deploy to someone's own account says what that costs, and runs when it is asked for again.
    ///
    /// # Errors
    /// The refusal that says what it costs, the first time.
    pub(super) fn may_cost(&mut self) -> Result<(), Refused> {
        let own_account = self.setup.target == Target::Aws && self.setup.mode == Mode::Interactive;
        let makes =
            |step: &Step| matches!(&step.action, StepAction::Deploy(deploy) if deploy.action != DeployAction::Destroy);
        let deploys = self.current().is_some_and(|(_, step)| makes(&step));
        if !deploys || !own_account || std::mem::replace(&mut self.told_costs, true) {
            return Ok(());
        }
        let place = match &*self.ready.borrow() {
            Some(Ok(world)) => format!("account {}, {}", world.account(), world.region()),
            Some(Err(_)) | None => "your AWS account".to_owned(),
        };
        let what = self.setup.course.costs.clone().unwrap_or_else(|| "what the course deploys".to_owned());
        let stack = self.setup.course.stack.as_deref().unwrap_or_default();
        let project = self.current().and_then(|(chapter, _)| chapter.cdk_project().map(str::to_owned));
        let there =
            project.filter(|project| !project.is_empty()).map(|project| format!(" in {project}")).unwrap_or_default();
        let reason = format!(
            "it makes things in {place} that cost money: {what}. Run it again to go on; `npx cdk destroy`{there} removes the stack {stack} \
             afterwards"
        );
        Err((Refusal::Costs, reason))
    }

    /// Tells what a step came to, and answers the request for it and those to end it.
    pub(super) fn step_ended(&mut self, ended: StepRef, outcome: ActionOutcome) {
        if !matches!(&self.busy, Busy::Step { at_step, .. } if *at_step == ended) {
            return;
        }
        let busy = std::mem::replace(&mut self.busy, Busy::No);
        let Busy::Step { request, asked, part, attempt, begun, waiting, .. } = busy else { return };
        let before = self.stepping.take().filter(|stepping| stepping.at_step == ended);
        let took_ms = before.map_or(0, |stepping| stepping.took_ms) + millis(begun.elapsed());
        if let (StepPart::One { index, total }, ActionOutcome::Done) = (part, &outcome)
            && index + 1 < total
        {
            self.stepping = Some(Stepping { at_step: ended.clone(), next: index + 1, attempt, took_ms });
            self.emit(EventKind::StatementFinished { at_step: ended, index, total });
            self.done(request, asked, RequestOutcome::Complete);
            return self.end_waiting(waiting, false);
        }
        let came = self.step_verdict(ended, attempt, took_ms, outcome);
        let detached = came == RequestOutcome::Detached;
        match asked {
            CommandKind::Bring => {
                let stopped = waiting.iter().any(|waiting| waiting.command == CommandKind::Cancel);
                self.brought_step(came, stopped);
            }
            _ => self.done(request, asked, came),
        }
        self.end_waiting(waiting, detached);
        self.take_waiting_course();
    }

    /// Tells what a step came to.
    fn step_verdict(&mut self, ended: StepRef, attempt: u32, took_ms: u64, outcome: ActionOutcome) -> RequestOutcome {
        let setup = self.setup.clone();
        let Some((chapter, step)) = setup.course.chapter(ended.chapter).and_then(|c| Some((c, c.step(&ended.step)?)))
        else {
            return RequestOutcome::Complete;
        };
        let Some((verdict, failure)) = expect::judge(outcome, &step.expect) else {
            self.emit(EventKind::Detached { at_step: ended });
            return RequestOutcome::Detached;
        };
        if let Some(look) = &self.types {
            look.due.notify_one();
        }
        let known = self.progress.deploy.as_ref().filter(|deploy| deploy.at_step == ended);
        let misfit = known.and_then(|deploy| deploy.types.as_ref()?.first()).map(ToString::to_string);
        let failure = failure.map(|mut failure| {
            // A step that was stopped has not failed: there is nothing to repair.
            if failure.kind == Kind::Interrupted {
                return failure;
            }
            // What the author knows of the step does not help against missing credentials, a lost network, a full disk.
            if failure.kind != Kind::Environment {
                failure.hints.extend(step.hints.iter().cloned());
            }
            if !matches!(step.action, StepAction::Check(_)) && verdict != Verdict::FailedAsExpected {
                let title = |at: &StepRef| at.of(&setup.course).map_or(at.step.clone(), |step| step.title.clone());
                failure.hints.splice(0..0, processes::dead_hint(title, &self.processes.dead()));
            }
            let told = |misfit: &String| failure.hints.iter().any(|hint| hint.contains(misfit.as_str()));
            if let Some(misfit) = misfit.filter(|misfit| !told(misfit)) {
                failure.hints.push(format!("the types do not fit either: {misfit}"));
            }
            failure.spot.get_or_insert_with(|| workshop_base::problem::Spot {
                file: step.origin.file.clone(),
                line: step.origin.line,
                column: 1,
                excerpt: String::new(),
                length: 1,
            });
            failure
        });
        if verdict == Verdict::Pass {
            match &step.action {
                StepAction::Deploy(_) if step.action.deploys() => {
                    self.deployed_files = std::mem::take(&mut self.deploying_files);
                }
                StepAction::Deploy(what) if what.action == DeployAction::Destroy => self.deployed_files.clear(),
                _ => {}
            }
        }
        self.judge(verdict, failure.as_ref());
        self.adopt_lockfiles();
        self.emit(EventKind::StepFinished { at_step: ended, attempt, verdict, took_ms, failure });
        self.tell_distance();
        self.finish_chapter(chapter);
        self.save();
        RequestOutcome::Verdict(verdict)
    }

    /// npm may rewrite its lockfile in its own style: that is not an edit of the learner's.
    pub(super) fn adopt_lockfiles(&mut self) {
        let lockfiles = std::mem::take(&mut self.lockfiles);
        if let Some(journal) = &mut self.journal {
            for path in lockfiles {
                journal.adopt(&path);
            }
        }
    }

    /// Tells when all steps of a chapter have run and come out.
    pub(super) fn finish_chapter(&mut self, chapter: &Chapter) {
        let verdicts: Option<Vec<Verdict>> = chapter
            .steps
            .iter()
            .map(|step| {
                let at_step = StepRef { chapter: chapter.number, step: step.id.clone() };
                let verdict = self.progress.steps.get(&at_step).and_then(|s| s.verdict);
                // What only is to be read counts as read.
                verdict.or((step.action == StepAction::Read).then_some(Verdict::Skipped))
            })
            .collect();
        let Some(verdicts) = verdicts else { return };
        let verdict = verdicts.into_iter().find(|v| !v.is_good()).unwrap_or(Verdict::Pass);
        if self.progress.chapters.get(&chapter.number).is_some_and(|c| c.verdict == verdict) {
            return;
        }
        let took_ms = self.progress.spent_on_chapter(chapter.number, self.setup.clock.now());
        self.emit(EventKind::ChapterFinished { chapter: chapter.number, verdict, took_ms });
    }
}
