//! From the beginning of an operation to its end: jobs out, results in.

use std::collections::BTreeSet;

use super::apply::{apply, finish_apply};
use super::cleanup::{clean_up, finish_delete};
use super::operation::{Created, EngineContext, OperationOptions, blank, operation, start, take_suspended};
use super::rollback::{finish_rollback, roll_back, start_rollback};
use crate::aws::cloudformation::model::{
    DeleteState, OnFailure, OperationKind, OperationPhase, PendingDelete, Resource, ResourceJob, Stack,
    StackDefinition, StackOperation, StackStatus, Verb,
};

/// Begins to create or update a stack. The target has been validated.
pub(crate) fn begin(
    stack: &mut Stack,
    target: StackDefinition,
    options: OperationOptions,
    env: &mut EngineContext<'_>,
) {
    let update = !matches!(stack.status, StackStatus::ReviewInProgress);
    // After a failure without rollback, the way back still leads to the last good state.
    let (before, pending_deletes) = take_suspended(stack);
    let before = before.unwrap_or_else(|| stack.resources.clone());
    let kind = if update { OperationKind::Update } else { OperationKind::Create };
    let operation = StackOperation {
        token: options.token,
        target,
        before,
        pending_deletes,
        on_failure: options.on_failure,
        express: options.express,
        import_existing: options.import_existing,
        ..blank(kind, OperationPhase::Apply, stack.target.clone())
    };
    start(stack, operation, if update { StackStatus::UpdateInProgress } else { StackStatus::CreateInProgress }, env);
    if update {
        stack.updated = Some(env.now);
    }
}

/// Takes a failed operation back: `RollbackStack` and `ContinueUpdateRollback`. False when there is none.
pub(crate) fn begin_rollback(
    stack: &mut Stack,
    token: Option<String>,
    skip: BTreeSet<String>,
    env: &mut EngineContext<'_>,
) -> bool {
    let Some(mut operation) = stack.suspended.take() else { return false };
    operation.token = token;
    operation.on_failure = OnFailure::Rollback;
    operation.skip = skip;
    stack.operation_id = env.ids.uuid();
    stack.operation = Some(operation);
    start_rollback(stack, Some("User Initiated"), env);
    true
}

/// Ends an operation that a fault of the sandbox broke off, so that the stack can be deleted or tried again.
pub(crate) fn give_up(stack: &mut Stack, env: &mut EngineContext<'_>) {
    let Some(mut operation) = stack.operation.take() else { return };
    // Nobody works on them any more: whoever takes the operation back would wait for ever.
    operation.running.clear();
    let status = match (operation.kind, operation.rolling_back) {
        (OperationKind::Create, false) => StackStatus::CreateFailed,
        (OperationKind::Create, true) => StackStatus::RollbackFailed,
        (OperationKind::Update, false) => StackStatus::UpdateFailed,
        (OperationKind::Update, true) => StackStatus::UpdateRollbackFailed,
        (OperationKind::Delete, _) => StackStatus::DeleteFailed,
    };
    stack.set_status(status, Some("Internal Failure"), env.now, env.ids);
    if operation.kind != OperationKind::Delete {
        stack.suspended = Some(operation);
    }
}

/// The jobs that can start now. Moves on to the next phase, and to the end, when nothing is left to do.
pub(crate) fn pump(stack: &mut Stack, env: &mut EngineContext<'_>) -> Vec<(u64, ResourceJob)> {
    let mut jobs = Vec::new();
    while let Some(operation) = stack.operation.as_ref() {
        let phase = operation.phase;
        let more = match phase {
            OperationPhase::Apply => apply(stack, env, &mut jobs),
            OperationPhase::Rollback => roll_back(stack, env, &mut jobs),
            OperationPhase::Cleanup => clean_up(stack, env, &mut jobs),
        };
        if !more {
            break;
        }
    }
    jobs
}

/// Takes the result of a job.
pub(crate) fn finish(stack: &mut Stack, id: u64, result: Result<Created, String>, env: &mut EngineContext<'_>) {
    let Some(job) = operation(stack).running.remove(&id) else { return };
    match (job.pending_delete, operation(stack).phase) {
        (Some(index), _) => finish_delete(stack, index, result.map(|_| ()), env),
        (None, OperationPhase::Rollback) => finish_rollback(stack, job, result, env),
        (None, OperationPhase::Apply | OperationPhase::Cleanup) => finish_apply(stack, job, result, env),
    }
}

/// Notes the name of a resource that is on its way, so that nothing is forgotten should we be stopped.
pub(crate) fn initiated(stack: &mut Stack, id: u64, physical_id: &str, env: &mut EngineContext<'_>) {
    let Some(job) = stack.operation.as_mut().and_then(|o| o.running.get_mut(&id)) else { return };
    job.physical_id = Some(physical_id.to_owned());
    let resource = Resource {
        physical_id: job.physical_id.clone(),
        properties: job.properties.clone(),
        ..Resource::new(&job.kind)
    };
    let logical_id = job.logical_id.clone();
    let status = if job.verb == Verb::Replace { StackStatus::UpdateInProgress } else { StackStatus::CreateInProgress };
    if job.verb == Verb::Create
        && let Some(entry) = stack.resources.get_mut(&logical_id)
    {
        entry.physical_id = resource.physical_id.clone();
    }
    stack.resource_event(&logical_id, &resource, status, Some("Resource creation Initiated"), env.now, env.ids);
}

/// After a restart: jobs that ran when the process ended. Creations count as failed, the rest starts again.
pub(crate) fn recover(stack: &mut Stack, env: &mut EngineContext<'_>) {
    let Some(operation) = stack.operation.as_mut() else { return };
    let running = std::mem::take(&mut operation.running);
    for (id, job) in running {
        let applying =
            job.pending_delete.is_none() && stack.operation.as_ref().is_some_and(|o| o.phase == OperationPhase::Apply);
        if let Some(index) = job.pending_delete {
            self::operation(stack).pending_deletes[index].state = DeleteState::Waiting;
        } else if applying {
            if let (Verb::Create | Verb::Replace, Some(_)) = (job.verb, &job.physical_id) {
                let resource = Resource { physical_id: job.physical_id.clone(), ..Resource::new(&job.kind) };
                let pending_deletes = PendingDelete::of(&job.logical_id, &resource, true);
                self::operation(stack).pending_deletes.push(pending_deletes);
            }
            self::operation(stack).running.insert(id, job);
            finish(stack, id, Err("the sandbox was stopped while this was under way".into()), env);
        }
    }
}
