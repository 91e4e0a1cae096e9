//! The fold: what one event makes of the state.

use super::deploy::is_in_progress;
use super::state::*;
use crate::command::{BringTo, CommandKind};
use crate::event::{
    Event, EventKind, Loss, Position, Preparation, ProcessEnd, RequestOutcome, StepRef, TxState, Verdict,
};
use workshop_course::lesson::model::ActionKind;

/// The number of troubles, and of attempts at a check, that are kept.
const KEPT: usize = 20;

impl Progress {
    /// Takes one event in. Never fails: an event that speaks of something unknown makes it known.
    pub fn apply(&mut self, event: &Event) {
        // The run ended without a `Closed` when `Opened` comes again: count its time up to its last sign of life.
        let last = self.at;
        self.seq = event.seq;
        self.at = event.at;
        let at = event.at;
        match &event.kind {
            EventKind::Opened { title, target, workdir, position } => {
                self.settle(last);
                self.break_off();
                self.title = title.clone();
                self.target = Some(*target);
                self.workdir = Some(workdir.clone());
                self.closed = None;
                self.course_problems.clear();
                self.enter(position, at);
            }
            EventKind::Restored { progress } => {
                let (title, target, workdir) = (self.title.clone(), self.target, self.workdir.clone());
                let position = self.position.clone();
                *self = (**progress).clone();
                self.settle(self.at);
                self.break_off();
                (self.title, self.target, self.workdir) = (title, target, workdir);
                (self.seq, self.at, self.closed) = (event.seq, at, None);
                self.tasks.clear();
                self.preflight.clear();
                self.course_problems.clear();
                (self.deploy_found, self.standby, self.account_gone) = (None, None, None);
                self.pacing.paused = false;
                if let Some(position) = position {
                    self.enter(&position, at);
                }
            }
            EventKind::Moved { position } => self.enter(position, at),
            EventKind::CourseReloaded { position, gone: _, course: _ } => {
                self.course_problems.clear();
                self.enter(position, at);
            }
            EventKind::CourseInvalid { problems } => self.course_problems.clone_from(problems),
            EventKind::Reached { here, before } => {
                if before.is_some() {
                    self.leave_behind();
                }
                self.reached = Some(here.clone());
            }
            EventKind::Located { files, stack, database } => {
                self.located = Some(Located { files: files.clone(), stack: stack.clone(), database: database.clone() });
            }
            EventKind::DeployFound { status } => {
                self.deploy_found = Some(status.clone());
                if let Some(deploy) = &mut self.deploy {
                    deploy.detached &= is_in_progress(status);
                }
            }
            EventKind::Preparing { task, label, done, total, unit } => {
                let state = self.task(*task, at);
                state.label = label.clone();
                (state.done, state.total) = (*done, *total);
                state.unit = unit.clone();
            }
            EventKind::Prepared { task, took_ms } => self.prepared(*task, *took_ms, at),
            EventKind::PrepareFailed { task, problem } => self.task(*task, at).problem = Some(problem.clone()),
            EventKind::Preflight { name, verdict, found, fix } => {
                let new =
                    PrerequisiteState { name: name.clone(), verdict: *verdict, found: found.clone(), fix: fix.clone() };
                match self.preflight.iter_mut().find(|p| p.name == *name) {
                    Some(old) => *old = new,
                    None => self.preflight.push(new),
                }
            }
            EventKind::Bringing { to, done, total } => {
                if self.bringing.is_none() {
                    self.settle(at);
                }
                let started = self.bringing.as_ref().map_or(at, |state| state.started);
                self.bringing = Some(BringState { to: *to, started, done: *done, total: *total });
            }
            EventKind::StateRestored { progress } => self.put_back(progress, at),
            EventKind::Standby { .. }
            | EventKind::Switched { .. }
            | EventKind::AccountGone { .. }
            | EventKind::AccountThrottled
            | EventKind::AccountBack => self.take_place(&event.kind, at),
            EventKind::StatementStarted { at_step, index, total } => {
                self.running = Some(at_step.clone());
                self.stepping = Some(StepThrough { at_step: at_step.clone(), next: *index, total: *total });
            }
            EventKind::StatementFinished { at_step, index, total } => {
                if self.running.as_ref() == Some(at_step) {
                    self.running = None;
                }
                self.stepping = Some(StepThrough { at_step: at_step.clone(), next: index + 1, total: *total });
            }
            EventKind::StepStarted { at_step, attempt, action, expects_failure, usual_ms } => {
                self.running = Some(at_step.clone());
                let before = self.deploy.as_ref().and_then(|deploy| self.steps.get(&deploy.at_step));
                let came_through = before.is_some_and(|step| step.verdict == Some(Verdict::Pass));
                let was_done = self.steps.get(at_step).is_some_and(|step| {
                    step.was_done || step.verdict.is_some_and(|v| v.is_good() || v == Verdict::PassedUnexpectedly)
                });
                self.steps.insert(
                    at_step.clone(),
                    StepState {
                        attempt: *attempt,
                        was_done,
                        action: *action,
                        expects_failure: *expects_failure,
                        usual_ms: *usual_ms,
                        started: at,
                        verdict: None,
                        took_ms: None,
                        failure: None,
                    },
                );
                // Figures of the time before are none of this one.
                self.load = self.load.take().filter(|load| load.at_step != *at_step);
                if *action == ActionKind::Deploy {
                    self.begin_deploy(DeployState::new(at_step, at, *usual_ms), came_through);
                }
            }
            EventKind::StepFinished { at_step, attempt: _, verdict, took_ms, failure } => {
                if self.running.as_ref() == Some(at_step) {
                    self.running = None;
                }
                self.stepping = self.stepping.take().filter(|stepping| stepping.at_step != *at_step);
                if let Some(step) = self.steps.get_mut(at_step) {
                    step.verdict = Some(*verdict);
                    step.took_ms = Some(*took_ms);
                    step.failure = failure.clone();
                    let (action, is_expected) = (step.action, step.usual_ms.is_some());
                    if (action == ActionKind::Deploy || is_expected) && *verdict == Verdict::Pass {
                        self.keep_usual(at_step, action, *took_ms);
                    }
                }
            }
            EventKind::Output { .. } | EventKind::ProcessOutput { .. } | EventKind::SqlText { .. } => {}
            EventKind::Completions { .. } | EventKind::EditsMerged { .. } | EventKind::EditsCollide { .. } => {}
            EventKind::ProcessStarted { name, at_step, command } => {
                let state = ServedState {
                    at_step: at_step.clone(),
                    command: command.clone(),
                    started: at,
                    ready: None,
                    ended: None,
                };
                self.served.insert(name.clone(), state);
            }
            EventKind::ProcessReady { name, by, .. } => {
                if let Some(state) = self.served.get_mut(name) {
                    state.ready = Some(by.clone());
                }
            }
            EventKind::ProcessEnded { name, end } => {
                if let Some(state) = self.served.get_mut(name) {
                    state.ended = Some(end.clone());
                }
            }
            EventKind::OutputDropped { count } => self.lines_dropped += count,
            EventKind::FilesWritten { at_step, files, journal } => {
                let what = Journaled::Written(files.clone());
                self.journal.insert(*journal, JournalState { at, at_step: at_step.clone(), what, restored: false });
            }
            EventKind::EditsKept { files, journal } => {
                let what = Journaled::Kept(files.clone());
                let at_step = self.running.clone();
                self.journal.insert(*journal, JournalState { at, at_step, what, restored: false });
            }
            EventKind::EditsRestored { files: _, whole: _, journal } => {
                if let Some(entry) = self.journal.get_mut(journal) {
                    entry.restored = true;
                }
            }
            EventKind::Distance { chapter, hunks_to_go, files } => {
                self.distance = Some(Distance { chapter: *chapter, hunks_to_go: *hunks_to_go, files: files.clone() });
            }
            EventKind::HunksApplied { chapter, hunks, own } => {
                self.own_hunks.clone_from(own);
                self.hunks_chapter = Some(*chapter);
                self.hunks = hunks.iter().cloned().collect();
            }
            EventKind::PhaseStarted { at_step, phase } => {
                self.deploy_of(at_step, at).enter(*phase, at);
            }
            EventKind::PhaseFinished { at_step, phase, took_ms, failed } => {
                let deploy = self.deploy_of(at_step, at);
                if let Some(state) = deploy.phases.iter_mut().rev().find(|p| p.phase == *phase) {
                    state.took_ms = Some(*took_ms);
                    state.failed = *failed;
                }
            }
            EventKind::ResourceChanged { at_step, resource } => {
                if let Some(took) = self.deploy_of(at_step, at).take(resource) {
                    self.usual.insert(resource.resource_type.clone(), took);
                }
            }
            EventKind::RootCause { at_step, logical_id, reason } => {
                let deploy = self.deploy_of(at_step, at);
                deploy.root_cause = Some((logical_id.clone(), reason.clone()));
                deploy.arrange();
            }
            EventKind::TypesChecked { at_step, problems, took_ms: _ } => {
                // The compiler may come to its end when another step deploys by now.
                if let Some(deploy) = self.deploy.as_mut().filter(|deploy| deploy.at_step == *at_step) {
                    deploy.types = Some(problems.clone());
                }
            }
            EventKind::StackOutput { key, value, description } => {
                self.outputs
                    .insert(key.clone(), OutputState { value: value.clone(), description: description.clone() });
            }
            EventKind::OutputsListed(all) => self.keep_outputs(all),
            EventKind::SessionOpened { session, role, host } => {
                let state = self.session(session);
                state.role = role.clone();
                state.host = host.clone();
                state.open = true;
                state.tx = TxState::Idle;
                state.lost = None;
            }
            EventKind::SessionLost { session, loss, reason } => {
                let Some(state) = self.sessions.get_mut(session) else { return };
                state.open = false;
                state.tx = if *loss == Loss::Nothing { TxState::Idle } else { TxState::Unknown };
                // What loses nothing by it is sent again over the next connection.
                if *loss != Loss::Nothing {
                    state.running = None;
                }
                state.lost = Some((reason.clone(), *loss));
            }
            EventKind::SessionClosed { session } => {
                self.sessions.remove(session);
            }
            EventKind::SqlStarted { id, session, text } => {
                self.session(session).running = Some(SqlRunning { id: *id, text: text.clone(), started: at });
            }
            EventKind::SqlFinished { id, session, tx, rows: _, took_ms: _, error, prompts } => {
                // A session that was closed meanwhile stays so.
                let Some(state) = self.sessions.get_mut(session) else { return };
                state.tx = *tx;
                state.last_error = error.clone();
                if prompts.is_some() {
                    state.prompts.clone_from(prompts);
                }
                if state.running.as_ref().is_some_and(|r| r.id == *id) {
                    state.running = None;
                }
            }
            EventKind::Invoked { at_step, payload, response, function_error, log_tail, took_ms } => {
                self.invoked = Some(InvocationState {
                    at_step: at_step.clone(),
                    payload: payload.clone(),
                    response: response.clone(),
                    function_error: function_error.clone(),
                    log_tail: log_tail.clone(),
                    took_ms: *took_ms,
                });
            }
            EventKind::LoadProgress {
                at_step,
                done,
                failed,
                total,
                per_second,
                p50_ms,
                p99_ms,
                function_p50_ms,
                ..
            } => {
                self.load = Some(LoadState {
                    at_step: at_step.clone(),
                    done: *done,
                    failed: *failed,
                    total: *total,
                    per_second: *per_second,
                    p50_ms: *p50_ms,
                    p99_ms: *p99_ms,
                    function_p50_ms: *function_p50_ms,
                });
            }
            EventKind::Captured { name, value } => {
                self.captures.insert(name.clone(), value.clone());
            }
            EventKind::Undeployed { files } => self.keep_undeployed(files),
            EventKind::Simulated { conditions } => self.conditions.clone_from(conditions),
            EventKind::CheckStarted { at_check, title, attempt } => {
                let started = match self.checks.get(at_check) {
                    Some(check) if check.verdict.is_none() => check.started,
                    _ => at,
                };
                let tries = self
                    .checks
                    .get_mut(at_check)
                    .filter(|_| *attempt > 1)
                    .map(|check| std::mem::take(&mut check.tries));
                self.checks.insert(
                    at_check.clone(),
                    CheckState {
                        title: title.clone(),
                        attempts: *attempt,
                        tries: tries.unwrap_or_default(),
                        started,
                        verdict: None,
                        took_ms: None,
                        failure: None,
                    },
                );
            }
            EventKind::CheckTried { at_check, attempt } => {
                if let Some(check) = self.checks.get_mut(at_check) {
                    if check.tries.last().is_some_and(|last| last.actual == attempt.actual) {
                        check.tries.pop();
                    }
                    check.tries.push(attempt.clone());
                    if check.tries.len() > KEPT {
                        check.tries.remove(0);
                    }
                }
            }
            EventKind::CheckFinished { at_check, title, verdict, attempts, took_ms, failure } => {
                let started = self.checks.get(at_check).map_or(at, |c| c.started);
                let tries =
                    self.checks.get_mut(at_check).map(|check| std::mem::take(&mut check.tries)).unwrap_or_default();
                self.checks.insert(
                    at_check.clone(),
                    CheckState {
                        title: title.clone(),
                        attempts: *attempts,
                        tries,
                        started,
                        verdict: Some(*verdict),
                        took_ms: Some(*took_ms),
                        failure: failure.clone(),
                    },
                );
            }
            // An answer to one who asked, not kept in the record: the state must not depend on it.
            EventKind::Diff { .. } => {}
            EventKind::Paused => {
                self.settle(at);
                self.pacing.paused = true;
            }
            EventKind::Resumed => {
                self.pacing.paused = false;
                self.run_clock(at);
            }
            EventKind::ClockRestarted => {
                self.settle(at);
                self.keep_times(&Default::default());
                self.pacing.spent.clear();
                self.pacing.began = Some(at);
                self.run_clock(at);
            }
            EventKind::Done { command: CommandKind::Bring, outcome, .. } => {
                if let Some(bringing) = self.bringing.take() {
                    // Where nothing had to be put back, too.
                    if let (BringTo::Chapter(chapter), RequestOutcome::Complete) = (bringing.to, outcome) {
                        self.forget_from(chapter);
                    }
                    self.run_clock(at);
                }
            }
            EventKind::Accepted { .. } | EventKind::Done { .. } | EventKind::Refused { .. } => {}
            EventKind::Trouble { problem } => {
                self.troubles.push(problem.clone());
                if self.troubles.len() > KEPT {
                    self.troubles.remove(0);
                }
            }
            EventKind::Detached { at_step } => {
                self.deploy_of(at_step, at).detached = true;
                if self.running.as_ref() == Some(at_step) {
                    self.running = None;
                }
            }
            EventKind::ChapterFinished { chapter, verdict, took_ms } => {
                self.chapters.insert(*chapter, ChapterState { verdict: *verdict, took_ms: *took_ms });
            }
            EventKind::Closed { verdict, kind: _ } => {
                self.settle(at);
                self.break_off();
                self.closed = Some(*verdict);
            }
        }
    }

    fn enter(&mut self, position: &Position, at: u64) {
        self.settle(at);
        self.stepping = None;
        self.position = Some(position.clone());
        self.pacing.began.get_or_insert(at);
        self.run_clock(at);
    }

    /// Ends what cannot outlive a run: the running step, open connections, unfinished work.
    fn break_off(&mut self) {
        (self.running, self.stepping, self.bringing) = (None, None, None);
        for served in self.served.values_mut().filter(|served| served.is_running()) {
            served.ended = Some(ProcessEnd::Closed);
        }
        self.conditions.clear();
        self.checks.retain(|_, check| check.verdict.is_some());
        self.tasks.retain(|_, task| !task.is_running());
        // One that was not connected yet may have an input, too.
        self.sessions.values_mut().for_each(|session| session.running = None);
        for session in self.sessions.values_mut().filter(|s| s.open) {
            let loss = Loss::of(session.tx);
            session.open = false;
            session.tx = if loss == Loss::Nothing { TxState::Idle } else { TxState::Unknown };
            session.lost = Some((ENDED.to_owned(), loss));
        }
    }

    pub(super) fn task(&mut self, task: Preparation, at: u64) -> &mut TaskState {
        let state = self.tasks.entry(task).or_insert_with(|| TaskState::new(at));
        if !state.is_running() {
            *state = TaskState::new(at);
        }
        state
    }

    fn session(&mut self, name: &str) -> &mut SessionState {
        self.sessions.entry(name.to_owned()).or_insert_with(|| SessionState {
            role: String::new(),
            host: String::new(),
            open: false,
            tx: TxState::Idle,
            running: None,
            last_error: None,
            prompts: None,
            lost: None,
        })
    }

    fn deploy_of(&mut self, step: &StepRef, at: u64) -> &mut DeployState {
        if self.deploy.as_ref().is_none_or(|d| d.at_step != *step) {
            self.deploy = Some(DeployState::new(step, at, None));
        }
        self.deploy.get_or_insert_with(|| DeployState::new(step, at, None))
    }
}

const ENDED: &str = "the workshop was closed";
