//! Moving a talk from the account onto its standby, and back: at the same step, with the same files on the disk. From then
//! on everything speaks to the other place alone.

use std::sync::Arc;
use std::time::Duration;

use super::activity::{Activity, RunningBring, TalkPlace};
use super::admission::Refused;
use super::bringing::end_sessions;
use super::standby::Follower;
use super::state::Driver;
use crate::cloud::{CloudTarget, Prepare, Report};
use crate::command::{CommandKind, Refusal, RequestId};
use crate::config::{EngineConfig, Mode, StandbyConfig};
use crate::context::StepContext;
use crate::event::{EventKind, Preparation, RequestOutcome, TargetId, Verdict};
use crate::messages::{Internal, SwitchReady};
use crate::record::{self, Saved};
use crate::saved_states::{self, ACCOUNT};
use crate::{network, standby, step};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_course::lesson::model::{CourseDatabase, Target};

/// The time that one account has to answer when the talk comes back to it.
const ANSWER: Duration = Duration::from_secs(20);
/// The time that what is kept of the CDK has to end.
const ENDING: Duration = Duration::from_secs(2);
/// The pause between two questions whether an account works again that was never reached.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// A talk that is on its way to the other place.
pub(super) struct Switching {
    request: RequestId,
    /// Those who asked for it once more meanwhile.
    again: Vec<RequestId>,
    to: TalkPlace,
    /// The steps that the standby had to do when this began, and those of them that it has done, as that was told.
    total: u32,
    done: u32,
    /// Everything is made ready by now.
    is_ready: bool,
    /// What the standby has not done is not waited for.
    at_once: bool,
}

impl Driver {
    /// Refuses to go where no other place is, or where the talk is already. What runs in the account is left there.
    ///
    /// # Errors
    /// The refusal.
    pub(super) fn require_switchable(&self, to: TalkPlace) -> Result<(), Refused> {
        let on_standby = self.run.progress().on_standby;
        let already = |words: &str| Err((Refusal::Already, words.to_owned()));
        if self.config.standby.is_none() {
            return Err((Refusal::Unsupported, no_standby(&self.config).to_owned()));
        }
        match (to, &self.activity) {
            (TalkPlace::Standby, _) if on_standby => already("the talk is on its standby already"),
            (TalkPlace::Account, _) if !on_standby => already("the talk is in the account already"),
            // Asked for once more while it is waited for: without what is missing there.
            (TalkPlace::Standby, Activity::Bringing(_)) if self.waits_for_standby() => Ok(()),
            (_, Activity::Bringing(_)) => self.require_idle(true),
            (TalkPlace::Standby, _) => Ok(()),
            (_, _) => self.require_idle(true),
        }
    }

    /// Begins; [`Driver::switched`] is the end.
    pub(super) fn switch(&mut self, request: RequestId, to: TalkPlace) {
        if let Some(switching) = &mut self.switching {
            switching.at_once = true;
            // Answered with the first: until then it goes on.
            switching.again.push(request);
            return self.switch_when_level();
        }
        let behind = self.standby.state(&self.config.course, self.run.progress()).behind.len();
        let total = if to == TalkPlace::Standby { u32::try_from(behind).unwrap_or(u32::MAX) } else { 0 };
        self.switching =
            Some(Switching { request, again: Vec::new(), to, total, done: 0, is_ready: false, at_once: false });
        self.emit(EventKind::Bringing { to: to.into(), done: 0, total });
        if to == TalkPlace::Standby {
            // Whatever waits for the account waits no longer.
            self.target.leave(&self.tasks);
            self.try_again_to_follow();
        }
        self.switch_when_idle();
    }

    fn waits_for_standby(&self) -> bool {
        self.switching.as_ref().is_some_and(|switching| switching.to == TalkPlace::Standby && !switching.is_ready)
    }

    /// Goes on when nothing runs any more.
    pub(super) fn switch_when_idle(&mut self) {
        if self.switching.is_none() || !self.activity.is_idle() {
            return;
        }
        self.stepped = None;
        self.activity = Activity::Bringing(RunningBring { cancel: self.tasks.child_token(), pending: Vec::new() });
        self.switch_when_level();
    }

    /// Goes on when the standby has done what is done in the account, or does not come on; tells how far it is until then.
    pub(super) fn switch_when_level(&mut self) {
        let Some(Switching { to, total, is_ready: false, at_once, .. }) = self.switching else { return };
        let Activity::Bringing(RunningBring { cancel, pending }) = &self.activity else { return };
        let cancel = cancel.clone();
        if pending.iter().any(|request| request.command == CommandKind::Cancel) {
            return self.end_switching(RequestOutcome::Verdict(Verdict::Error));
        }
        let Some(there) = self.config.standby.clone() else { return };
        if to == TalkPlace::Standby && !at_once && self.standby.comes_on() {
            let state = self.standby.state(&self.config.course, self.run.progress());
            if !state.behind.is_empty() {
                let left = u32::try_from(state.behind.len()).unwrap_or(u32::MAX).min(total);
                let done = total - left;
                if self.switching.as_mut().is_some_and(|switching| std::mem::replace(&mut switching.done, done) != done)
                {
                    self.emit(EventKind::Bringing { to: to.into(), done, total });
                }
                return;
            }
        }
        if let Some(switching) = &mut self.switching {
            switching.is_ready = true;
        }
        let ctx = self.context(None, cancel, Arc::default());
        let (now, follower) = (self.saved_now(), self.standby.take_follower());
        let account = self.account.prepare.clone();
        self.tasks.spawn(async move {
            let ready = async {
                match to {
                    TalkPlace::Account => to_account(&ctx, &there, &account, now).await,
                    TalkPlace::Standby => to_standby(&ctx, &there, follower, &now).await,
                }
            };
            let ready = ctx.cancel.run_until_cancelled(ready).await;
            ctx.sink.send(Internal::Switched(ready.unwrap_or_else(|| Err(step::interrupted()))));
        });
    }

    /// Takes the other place up, with what was done there.
    pub(super) fn switched(&mut self, ready: Result<SwitchReady>) {
        let Some(Switching { to, .. }) = self.switching else { return };
        let SwitchReady { target, saved } = match ready {
            Ok(ready) => ready,
            Err(problem) => {
                let outcome = match problem.kind {
                    Kind::Interrupted => RequestOutcome::Verdict(Verdict::Error),
                    _ => RequestOutcome::Failed(problem),
                };
                return self.end_switching(outcome);
            }
        };
        let onto_standby = to == TalkPlace::Standby;
        let before = self.run.progress().clone();
        self.use_place(onto_standby);
        if let Some(id) = self.target.take_over(target.clone(), &mut self.tasks) {
            self.run.finish(id, CommandKind::Prepare, RequestOutcome::Complete);
        }
        if !onto_standby {
            self.left_account = Some(target.clone());
        }
        self.target.set_captures(saved.progress.captures.clone());
        self.deploys.restore(saved.deployed, saved.deployed_files);
        let course = &self.config.course;
        let behind = match onto_standby {
            true => standby::behind(course, &before, &saved.progress, &Default::default()),
            false => standby::ahead(course, &saved.progress, &before),
        };
        let here = self.target.id_of(target.as_ref());
        let progress = Box::new(saved.progress);
        self.emit(EventKind::Switched { onto_standby, here, progress, behind });
        // What could not be made ready of the place that was left says nothing here.
        self.emit(EventKind::Prepared { task: Preparation::Sandbox, took_ms: 0 });
        self.end_switching(RequestOutcome::Complete);
        self.report_distance();
        self.locate(None);
    }

    /// Has all parts work in the account, or on its standby.
    pub(super) fn use_place(&mut self, onto_standby: bool) {
        let course = self.config.course.clone();
        let config = match self.account.standby.as_ref().filter(|_| onto_standby) {
            Some(there) => EngineConfig {
                course,
                target: Target::Local,
                prepare: there.prepare.clone(),
                states: there.states.clone(),
                template_check: there.template_check.clone(),
                ..EngineConfig::clone(&self.account)
            },
            None => EngineConfig { course, ..EngineConfig::clone(&self.account) },
        };
        self.set_config(config);
    }

    /// Answers the request, and those to cancel it.
    fn end_switching(&mut self, outcome: RequestOutcome) {
        let Some(Switching { request, again, .. }) = self.switching.take() else { return };
        let pending = self.activity.end_bringing().map_or_else(Vec::new, |bring| bring.pending);
        for request in std::iter::once(request).chain(again) {
            self.run.finish(request, CommandKind::Bring, outcome.clone());
        }
        self.run.finish_pending(pending, false);
        self.watch_account();
        self.start_standby();
        self.take_waiting_course();
        self.save();
    }

    /// Takes in that the account cannot be reached, or does not work, and asks from then on whether it does again. Those who
    /// notice it at the same time tell it once.
    pub(super) fn account_gone(&mut self, problem: Problem) {
        let progress = self.run.progress();
        if progress.account_gone.is_some() || progress.on_standby {
            return;
        }
        self.emit(EventKind::AccountGone { problem });
        self.watch_account();
    }

    /// Takes in that it works again.
    pub(super) fn account_back(&mut self) {
        if self.run.progress().account_gone.is_some() {
            self.emit(EventKind::AccountBack);
        }
        self.watch_account();
    }

    /// Asks now and then whether the account works again, once it was told that it does not, and tells that once. Otherwise
    /// asks seldom whether it can be reached, as long as the talk is there, so that it is known before it is needed.
    pub(super) fn watch_account(&mut self) {
        if let Some(before) = self.account_watch.take() {
            before.cancel();
        }
        let progress = self.run.progress();
        let here = self.background_context().ready.borrow().clone().and_then(Result::ok);
        let mut target = match (progress.account_gone.is_some(), progress.on_standby) {
            (true, true) => self.left_account.clone(),
            (true, false) => here,
            (false, true) => return,
            (false, false) => return self.watch_network(here),
        };
        let stop = self.tasks.child_token();
        self.account_watch = Some(stop.clone());
        let (sink, prepare) = (self.tasks.sink(), self.account.prepare.clone());
        self.tasks.spawn(async move {
            let watching = async {
                loop {
                    tokio::time::sleep(target.as_ref().map_or(ASK_EVERY, |there| network::LOOKS * there.poll_every()))
                        .await;
                    if let Some(target) = &target {
                        if target.works().await.is_ok() {
                            return sink.emit(EventKind::AccountBack);
                        }
                    } else if let Ok(Ok(there)) = tokio::time::timeout(ANSWER, prepare(Report::silent())).await {
                        target = Some(there);
                    }
                }
            };
            stop.run_until_cancelled(watching).await;
        });
    }

    fn watch_network(&mut self, account: Option<Arc<dyn CloudTarget>>) {
        let Some(account) = account.filter(|_| self.config.mode == Mode::Interactive) else { return };
        let (stop, sink) = (self.tasks.child_token(), self.tasks.sink());
        self.account_watch = Some(stop.clone());
        self.tasks.spawn(async move {
            let gone = stop.run_until_cancelled(network::until_gone(account.as_ref())).await;
            if let Some(problem) = gone {
                sink.emit(EventKind::AccountGone { problem });
            }
        });
    }

    /// Goes on where a saved session was: on the standby, or in the account if there is no standby any more.
    pub(super) fn resume_place(&mut self) {
        if !self.run.progress().on_standby {
            return;
        }
        if self.config.standby.is_some() {
            self.use_place(true);
            return self.watch_account();
        }
        let saved = saved_states::session(&self.config.workdir, ACCOUNT).unwrap_or_default();
        let nowhere = || TargetId { target: Target::Aws, account: String::new(), region: String::new() };
        let here = saved.progress.reached.clone().unwrap_or_else(nowhere);
        self.target.set_captures(saved.progress.captures.clone());
        self.deploys.restore(saved.deployed, saved.deployed_files);
        let behind = standby::ahead(&self.config.course, &saved.progress, self.run.progress());
        let progress = Box::new(saved.progress);
        self.emit(EventKind::Switched { onto_standby: false, here, progress, behind });
    }
}

/// Leaves the account as it is, ends what follows, and makes its sandbox ready for the talk.
async fn to_standby(
    ctx: &StepContext,
    there: &StandbyConfig,
    follower: Option<Follower>,
    now: &Saved,
) -> Result<SwitchReady> {
    // Held before what follows lets go of it: it goes on running.
    let target = (there.prepare)(Report::silent()).await?;
    saved_states::keep_session(&ctx.setup.workdir, ACCOUNT, now)?;
    let ending = async {
        if let Some(follower) = follower {
            follower.end().await;
        }
    };
    tokio::join!(ending, leave(ctx));
    let saved = record::saved(&there.workdir)?.unwrap_or_default();
    Ok(SwitchReady { target, saved: Box::new(saved) })
}

/// Reaches the account first: the talk stays where it is as long as that does not answer.
async fn to_account(
    ctx: &StepContext,
    there: &StandbyConfig,
    prepare: &Prepare,
    mut now: Saved,
) -> Result<SwitchReady> {
    let silent = || Problem::environment("AWS does not answer").hint(STAYS);
    let reached = tokio::time::timeout(ANSWER, async {
        let unreached = |problem: Problem| Problem::environment(format!("AWS does not answer: {problem}")).hint(STAYS);
        let target = prepare(Report::silent()).await.map_err(unreached)?;
        let failing = |problem: Problem| Problem::environment(format!("AWS does not work: {problem}")).hint(STAYS);
        target.works().await.map_err(failing)?;
        Ok(target)
    });
    let target = reached.await.unwrap_or_else(|_| Err(silent()))?;
    ctx.end_conditions(None).await;
    leave(ctx).await;
    now.progress.on_standby = false;
    now.progress.journal.clear();
    record::claim(&there.workdir)?.save(&now)?;
    let saved = saved_states::session(&ctx.setup.workdir, ACCOUNT).unwrap_or_default();
    Ok(SwitchReady { target, saved: Box::new(saved) })
}

/// Ends all that speaks to the place that is left.
async fn leave(ctx: &StepContext) {
    end_sessions(ctx);
    let running = ctx.processes.running();
    let running: Vec<&str> = running.iter().map(String::as_str).collect();
    let ending = async { tokio::join!(ctx.processes.stop(&running), ctx.cdk.close()) };
    let _ = tokio::time::timeout(ENDING, ending).await;
}

/// Says why nothing follows this talk.
fn no_standby(config: &EngineConfig) -> &'static str {
    let course = &config.course;
    if !course.needs_cloud() {
        "this course needs no cloud: there is nothing to fail over from"
    } else if config.target == Target::Local {
        "the talk is on this machine already; from an account it could move here"
    } else if !course.runs_on(Target::Local) || course.database != CourseDatabase::Cluster {
        "this course runs in an account only: no standby on this machine can follow it"
    } else {
        "no standby follows this talk: it was begun with `--no-standby`, or the settings say so"
    }
}

const STAYS: &str = "the talk stays on its standby; it is told when AWS answers again";
