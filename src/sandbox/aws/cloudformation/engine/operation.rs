//! An operation of a stack, begun: what the engine's steps share.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::aws::cloudformation::model::{
    DeleteState, OnFailure, OperationKind, OperationPhase, PendingDelete, Resource, ResourceJob, Stack,
    StackDefinition, StackExport, StackOperation, StackStatus,
};
use crate::aws::ids::Ids;
use crate::aws::time::Instant;

/// A handler's answer: the resource's name and what `GetAtt` gives of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Created {
    pub physical_id: String,
    pub attributes: Map<String, Value>,
}

/// The world, as far as the machine needs it.
pub(crate) struct EngineContext<'a> {
    pub now: Instant,
    pub ids: &'a mut Ids,
    pub account: &'a str,
    pub region: &'a str,
    pub exports: BTreeMap<String, StackExport>,
    /// Another stack that imports it, by export name.
    pub importers: BTreeMap<String, String>,
    pub ssm: BTreeMap<String, String>,
}

/// The caller's wishes for an operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OperationOptions {
    pub token: Option<String>,
    pub on_failure: OnFailure,
    pub express: bool,
    pub import_existing: bool,
}

/// Begins to delete a stack.
pub(crate) fn begin_delete(
    stack: &mut Stack,
    token: Option<String>,
    retain: BTreeSet<String>,
    env: &mut EngineContext<'_>,
) {
    let (_, mut pending_deletes) = take_suspended(stack);
    let there = stack.resources.iter().filter(|(_, r)| r.exists());
    pending_deletes.extend(there.map(|(name, r)| PendingDelete::of(name, r, false)));
    let operation = StackOperation {
        token,
        retain,
        pending_deletes,
        ..blank(OperationKind::Delete, OperationPhase::Cleanup, stack.target.clone())
    };
    stack.deleted = Some(env.now);
    start(stack, operation, StackStatus::DeleteInProgress, env);
}

/// Takes the operation that was not taken back: the resources from before it, if there is one, and what it had still to
/// delete, which nothing else knows of: what it has replaced, and what was half made when the sandbox was stopped.
pub(super) fn take_suspended(stack: &mut Stack) -> (Option<BTreeMap<String, Resource>>, Vec<PendingDelete>) {
    let Some(operation) = stack.suspended.take() else { return (None, Vec::new()) };
    let stands =
        |physical_id: &Option<String>| stack.resources.values().any(|r| r.exists() && r.physical_id == *physical_id);
    let left = operation.pending_deletes.into_iter().filter(|one| one.pending() && !stands(&one.resource.physical_id));
    let left = left.map(|one| PendingDelete { state: DeleteState::Waiting, ..one }).collect();
    (Some(operation.before), left)
}

/// Returns an operation with nothing done and nothing wished.
pub(super) fn blank(kind: OperationKind, phase: OperationPhase, target: StackDefinition) -> StackOperation {
    StackOperation {
        kind,
        phase,
        token: None,
        target,
        before: BTreeMap::new(),
        running: BTreeMap::new(),
        next: 0,
        done: BTreeSet::new(),
        failed: BTreeMap::new(),
        pending_deletes: Vec::new(),
        rolling_back: false,
        cancelled: None,
        on_failure: OnFailure::Rollback,
        express: false,
        import_existing: false,
        retain: BTreeSet::new(),
        skip: BTreeSet::new(),
    }
}

/// Puts an operation under way, and says so in the events.
pub(super) fn start(stack: &mut Stack, operation: StackOperation, status: StackStatus, env: &mut EngineContext<'_>) {
    stack.operation_id = env.ids.uuid();
    stack.operation = Some(operation);
    stack.set_status(status, Some("User Initiated"), env.now, env.ids);
}

/// Returns the operation that is under way; there must be one.
pub(super) fn operation(stack: &mut Stack) -> &mut StackOperation {
    stack.operation.as_mut().expect("called only while an operation is under way")
}

/// Gives a job its number, and counts it among those that run.
pub(super) fn enrol(operation: &mut StackOperation, job: ResourceJob) -> (u64, ResourceJob) {
    operation.next += 1;
    operation.running.insert(operation.next, job.clone());
    (operation.next, job)
}
