//! What happens to a stack, step by step: create, update, replacement, delete, and the way back.
//!
//! A state machine without I/O. [`pump`] hands out the jobs that can start now, [`finish`] takes their
//! results; in between, the whole operation is part of the stack's saved state, so that a restart can pick
//! it up. Life of an update:
//! 1. Apply: every wanted resource, as soon as what it needs is done, is created, updated or replaced.
//! 2. Clear: what is no longer wanted, and what was replaced, is deleted, dependents first.
//!
//! A failure in 1 waits for the jobs that run, then
//! 3. Restore: what was changed gets its old properties back.
//! 4. Clear: what was created is deleted.
//!
//! Invariant: one operation at a time per stack; a failed one leaves the stack as it was before it.

mod apply;
mod back;
mod clear;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::apply::{apply, finish_apply};
use self::back::{finish_restore, restore, turn_back};
use self::clear::{clear, finish_delete};
use super::stack::{Resource, Stack, Status, Target};
use crate::aws::ids::Ids;
use crate::aws::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Create,
    Update,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Apply,
    Restore,
    Clear,
}

/// What to do when an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    Rollback,
    /// Stay as it is, for `cdk rollback` or another try.
    Nothing,
    /// Delete the stack (only for a create).
    Delete,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    pub kind: Kind,
    pub phase: Phase,
    /// The client's token, shown in events.
    pub token: Option<String>,
    pub target: Target,
    /// The resources before anything was changed.
    pub before: BTreeMap<String, Resource>,
    pub running: BTreeMap<u64, Job>,
    next: u64,
    /// Logical ids that are through in this phase.
    done: BTreeSet<String>,
    failed: BTreeMap<String, Verb>,
    doomed: Vec<Doomed>,
    rolling_back: bool,
    /// Why it is being cancelled.
    pub cancelled: Option<String>,
    pub on_failure: OnFailure,
    /// Resources count as done before they are ready.
    pub express: bool,
    /// Take over what exists already under the same name.
    pub import_existing: bool,
    /// Logical ids to leave alone when deleting.
    retain: BTreeSet<String>,
    /// Logical ids not to restore.
    skip: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    Create,
    Update,
    Replace,
    Delete,
}

/// One resource's work, for a handler to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub verb: Verb,
    pub logical_id: String,
    pub kind: String,
    pub properties: Value,
    /// What is there: to be updated, or deleted.
    pub previous: Option<Resource>,
    /// Known as soon as the resource has a name, before it is ready.
    pub physical_id: Option<String>,
    pub express: bool,
    pub import_existing: bool,
    /// Index in the list of what is to be deleted.
    doomed: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Doomed {
    logical_id: String,
    resource: Resource,
    /// Another resource lives under the logical id.
    superseded: bool,
    state: DoomedState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum DoomedState {
    Waiting,
    Running,
    Gone,
    Failed,
}

/// What a handler answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Made {
    pub physical_id: String,
    pub attributes: Map<String, Value>,
}

/// What the machine needs of the world.
pub struct Env<'a> {
    pub now: Instant,
    pub ids: &'a mut Ids,
    pub account: &'a str,
    pub region: &'a str,
    pub exports: BTreeMap<String, String>,
    /// Another stack that imports it, by export name.
    pub importers: BTreeMap<String, String>,
    pub ssm: BTreeMap<String, String>,
}

/// How an operation is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub token: Option<String>,
    pub on_failure: OnFailure,
    pub express: bool,
    pub import_existing: bool,
}

/// Begins to create or update a stack. The target has been validated.
pub fn begin(stack: &mut Stack, target: Target, options: Options, env: &mut Env<'_>) {
    let update = !matches!(stack.status, Status::ReviewInProgress);
    // After a failure without rollback, the way back still leads to the last good state.
    let before = stack.suspended.take().map_or_else(|| stack.resources.clone(), |operation| operation.before);
    let kind = if update { Kind::Update } else { Kind::Create };
    let operation = Operation {
        token: options.token,
        target,
        before,
        on_failure: options.on_failure,
        express: options.express,
        import_existing: options.import_existing,
        ..blank(kind, Phase::Apply, stack.target.clone())
    };
    start(stack, operation, if update { Status::UpdateInProgress } else { Status::CreateInProgress }, env);
    if update {
        stack.updated = Some(env.now);
    }
}

/// Begins to delete a stack.
pub fn begin_delete(stack: &mut Stack, token: Option<String>, retain: BTreeSet<String>, env: &mut Env<'_>) {
    stack.suspended = None;
    let operation = Operation {
        token,
        retain,
        doomed: stack
            .resources
            .iter()
            .filter(|(_, r)| r.exists())
            .map(|(name, r)| Doomed::of(name, r, false))
            .collect(),
        ..blank(Kind::Delete, Phase::Clear, stack.target.clone())
    };
    start(stack, operation, Status::DeleteInProgress, env);
}

/// Takes a failed operation back: `RollbackStack` and `ContinueUpdateRollback`. False when there is none.
pub fn begin_rollback(stack: &mut Stack, token: Option<String>, skip: BTreeSet<String>, env: &mut Env<'_>) -> bool {
    let Some(mut operation) = stack.suspended.take() else { return false };
    operation.token = token;
    operation.on_failure = OnFailure::Rollback;
    operation.skip = skip;
    stack.operation_id = env.ids.uuid();
    stack.operation = Some(operation);
    turn_back(stack, Some("User Initiated"), env);
    true
}

fn blank(kind: Kind, phase: Phase, target: Target) -> Operation {
    Operation {
        kind,
        phase,
        token: None,
        target,
        before: BTreeMap::new(),
        running: BTreeMap::new(),
        next: 0,
        done: BTreeSet::new(),
        failed: BTreeMap::new(),
        doomed: Vec::new(),
        rolling_back: false,
        cancelled: None,
        on_failure: OnFailure::Rollback,
        express: false,
        import_existing: false,
        retain: BTreeSet::new(),
        skip: BTreeSet::new(),
    }
}

fn start(stack: &mut Stack, operation: Operation, status: Status, env: &mut Env<'_>) {
    stack.operation_id = env.ids.uuid();
    stack.operation = Some(operation);
    stack.set_status(status, Some("User Initiated"), env.now, env.ids);
}

impl Doomed {
    fn of(logical_id: &str, resource: &Resource, superseded: bool) -> Self {
        Doomed { logical_id: logical_id.into(), resource: resource.clone(), superseded, state: DoomedState::Waiting }
    }

    fn pending(&self) -> bool {
        matches!(self.state, DoomedState::Waiting | DoomedState::Running)
    }
}

/// The jobs that can start now. Moves on to the next phase, and to the end, when nothing is left to do.
pub fn pump(stack: &mut Stack, env: &mut Env<'_>) -> Vec<(u64, Job)> {
    let mut jobs = Vec::new();
    while let Some(operation) = stack.operation.as_ref() {
        let phase = operation.phase;
        let more = match phase {
            Phase::Apply => apply(stack, env, &mut jobs),
            Phase::Restore => restore(stack, env, &mut jobs),
            Phase::Clear => clear(stack, env, &mut jobs),
        };
        if !more {
            break;
        }
    }
    jobs
}

/// Takes the result of a job.
pub fn finish(stack: &mut Stack, id: u64, result: Result<Made, String>, env: &mut Env<'_>) {
    let Some(job) = operation(stack).running.remove(&id) else { return };
    match (job.doomed, operation(stack).phase) {
        (Some(index), _) => finish_delete(stack, index, result.map(|_| ()), env),
        (None, Phase::Restore) => finish_restore(stack, job, result, env),
        (None, Phase::Apply | Phase::Clear) => finish_apply(stack, job, result, env),
    }
}

/// Notes the name of a resource that is on its way, so that nothing is forgotten should we be stopped.
pub fn initiated(stack: &mut Stack, id: u64, physical_id: &str, env: &mut Env<'_>) {
    let Some(job) = stack.operation.as_mut().and_then(|o| o.running.get_mut(&id)) else { return };
    job.physical_id = Some(physical_id.to_owned());
    let resource = Resource {
        physical_id: job.physical_id.clone(),
        properties: job.properties.clone(),
        ..Resource::new(&job.kind)
    };
    let logical_id = job.logical_id.clone();
    let status = if job.verb == Verb::Replace { Status::UpdateInProgress } else { Status::CreateInProgress };
    if job.verb == Verb::Create
        && let Some(entry) = stack.resources.get_mut(&logical_id)
    {
        entry.physical_id = resource.physical_id.clone();
    }
    stack.resource_event(&logical_id, &resource, status, Some("Resource creation Initiated"), env.now, env.ids);
}

/// After a restart: jobs that ran when the process ended. Creations count as failed, the rest starts again.
pub fn recover(stack: &mut Stack, env: &mut Env<'_>) {
    let Some(operation) = stack.operation.as_mut() else { return };
    let running = std::mem::take(&mut operation.running);
    for (id, job) in running {
        let applying = job.doomed.is_none() && stack.operation.as_ref().is_some_and(|o| o.phase == Phase::Apply);
        if let Some(index) = job.doomed {
            self::operation(stack).doomed[index].state = DoomedState::Waiting;
        } else if applying {
            if let (Verb::Create | Verb::Replace, Some(_)) = (job.verb, &job.physical_id) {
                let resource = Resource { physical_id: job.physical_id.clone(), ..Resource::new(&job.kind) };
                let doomed = Doomed::of(&job.logical_id, &resource, true);
                self::operation(stack).doomed.push(doomed);
            }
            self::operation(stack).running.insert(id, job);
            finish(stack, id, Err("the sandbox was stopped while this was under way".into()), env);
        }
    }
}

fn operation(stack: &mut Stack) -> &mut Operation {
    stack.operation.as_mut().expect("called only while an operation is under way")
}

fn enrol(operation: &mut Operation, job: Job) -> (u64, Job) {
    operation.next += 1;
    operation.running.insert(operation.next, job.clone());
    (operation.next, job)
}

#[cfg(test)]
mod tests;
