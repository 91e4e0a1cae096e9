//! An operation of a stack, begun: what the engine's steps share.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::aws::cloudformation::model::{
    OnFailure, OperationKind, OperationPhase, PendingDelete, ResourceJob, Stack, StackDefinition, StackExport,
    StackOperation, StackStatus,
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
    stack.suspended = None;
    let operation = StackOperation {
        token,
        retain,
        pending_deletes: stack
            .resources
            .iter()
            .filter(|(_, r)| r.exists())
            .map(|(name, r)| PendingDelete::of(name, r, false))
            .collect(),
        ..blank(OperationKind::Delete, OperationPhase::Cleanup, stack.target.clone())
    };
    start(stack, operation, StackStatus::DeleteInProgress, env);
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
