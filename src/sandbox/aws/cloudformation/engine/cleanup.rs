//! The last phase: what is no longer wanted is deleted, dependents first; then the end.

use super::operation::{EngineContext, enrol, operation};
use crate::aws::cloudformation::model::{
    ChangeSetExecution, DeleteState, OperationKind, PendingDelete, ResourceJob, Stack, StackOperation, StackStatus,
    Verb,
};
use crate::aws::time::Instant;

/// Starts the deletions that can start; true when there may be more to do at once.
pub(super) fn clean_up(stack: &mut Stack, env: &mut EngineContext<'_>, jobs: &mut Vec<(u64, ResourceJob)>) -> bool {
    let mut progress = false;
    for index in 0..operation(stack).pending_deletes.len() {
        let operation = operation(stack);
        let one = operation.pending_deletes[index].clone();
        let needed =
            operation.pending_deletes.iter().enumerate().any(|(at, other)| {
                at != index && other.pending() && other.resource.depends_on.contains(&one.logical_id)
            });
        if one.state != DeleteState::Waiting || needed {
            continue;
        }
        progress = true;
        if is_retained(operation, &one) {
            operation.pending_deletes[index].state = DeleteState::Deleted;
            stack.resource_event(&one.logical_id, &one.resource, StackStatus::DeleteSkipped, None, env.now, env.ids);
            forget(stack, &one, StackStatus::DeleteSkipped, env.now);
            continue;
        }
        operation.pending_deletes[index].state = DeleteState::Running;
        let job = ResourceJob {
            verb: Verb::Delete,
            logical_id: one.logical_id.clone(),
            kind: one.resource.kind.clone(),
            properties: one.resource.properties.clone(),
            previous: Some(one.resource.clone()),
            physical_id: one.resource.physical_id.clone(),
            express: operation.express,
            import_existing: false,
            cancelled: false,
            pending_delete: Some(index),
        };
        jobs.push(enrol(operation, job));
        stack.resource_event(&one.logical_id, &one.resource, StackStatus::DeleteInProgress, None, env.now, env.ids);
        if let Some(resource) = stack.resources.get_mut(&one.logical_id).filter(|_| !one.superseded) {
            resource.status = StackStatus::DeleteInProgress;
        }
    }
    let operation = operation(stack);
    if operation.running.is_empty() && !operation.pending_deletes.iter().any(PendingDelete::pending) {
        end(stack, env);
        return false;
    }
    progress
}

/// Tells that a policy, or the caller, says to leave it where it is.
pub(super) fn is_retained(operation: &StackOperation, one: &PendingDelete) -> bool {
    let policy = if one.superseded && !operation.rolling_back {
        one.resource.replace_policy.as_deref()
    } else {
        one.resource.deletion_policy.as_deref()
    };
    match policy {
        Some("Retain") => !one.superseded || !operation.rolling_back,
        Some("RetainExceptOnCreate") => !operation.rolling_back,
        _ => operation.retain.contains(&one.logical_id),
    }
}

fn forget(stack: &mut Stack, one: &PendingDelete, status: StackStatus, now: Instant) {
    if one.superseded {
        return;
    }
    let update = operation(stack).kind == OperationKind::Update;
    if update {
        stack.resources.remove(&one.logical_id);
    } else if let Some(resource) = stack.resources.get_mut(&one.logical_id) {
        resource.status = status;
        resource.updated = now;
    }
}

/// Takes the result of a deletion; `index` is its place among the pending ones.
pub(super) fn finish_delete(stack: &mut Stack, index: usize, result: Result<(), String>, env: &mut EngineContext<'_>) {
    let one = operation(stack).pending_deletes[index].clone();
    match result {
        Ok(()) => {
            operation(stack).pending_deletes[index].state = DeleteState::Deleted;
            stack.resource_event(&one.logical_id, &one.resource, StackStatus::DeleteComplete, None, env.now, env.ids);
            forget(stack, &one, StackStatus::DeleteComplete, env.now);
        }
        Err(reason) => {
            operation(stack).pending_deletes[index].state = DeleteState::Failed;
            stack.resource_event(
                &one.logical_id,
                &one.resource,
                StackStatus::DeleteFailed,
                Some(&reason),
                env.now,
                env.ids,
            );
            if let Some(resource) = stack.resources.get_mut(&one.logical_id).filter(|_| !one.superseded) {
                resource.status = StackStatus::DeleteFailed;
                resource.reason = Some(reason);
            }
        }
    }
}

/// The reason of an update that is complete and could not delete all that it no longer has, as reported
/// (dev.to/prithvijj, "Importing CloudFormation Resources to help fix deployments to Production", 2024-03, which also tells
/// that such a resource is then none of the stack's).
const NOT_DELETED: &str = "Update successful. One or more resources could not be deleted.";

/// Ends the operation, with the status that its kind and its failures give.
pub(super) fn end(stack: &mut Stack, env: &mut EngineContext<'_>) {
    let forced = stack.forced_deletion;
    let operation = operation(stack);
    let failed = operation.pending_deletes.iter().filter(|d| d.state == DeleteState::Failed);
    let failed: Vec<(String, bool)> = failed.map(|d| (d.logical_id.clone(), d.superseded)).collect();
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    let forced = forced && operation.kind == OperationKind::Delete;
    let stuck = (!failed.is_empty() && !forced).then(|| match (operation.kind, operation.rolling_back) {
        (OperationKind::Update, false) => NOT_DELETED.to_owned(),
        _ => format!("The following resource(s) failed to delete: [{}]. ", names.join(", ")),
    });
    let status = match (operation.kind, operation.rolling_back, &stuck) {
        (OperationKind::Create, false, _) => StackStatus::CreateComplete,
        (OperationKind::Create, true, None) => StackStatus::RollbackComplete,
        (OperationKind::Create, true, Some(_)) => StackStatus::RollbackFailed,
        (OperationKind::Update, false, _) => StackStatus::UpdateComplete,
        (OperationKind::Update, true, _) => StackStatus::UpdateRollbackComplete,
        (OperationKind::Delete, _, None) => StackStatus::DeleteComplete,
        (OperationKind::Delete, _, Some(_)) => StackStatus::DeleteFailed,
    };
    let (kind, before) = (operation.kind, std::mem::take(&mut operation.before));
    if kind == OperationKind::Update {
        // What an update cannot delete stays where it is, and is the stack's no longer.
        stack.resources.retain(|name, _| !failed.contains(&(name.clone(), false)));
    }
    if status == StackStatus::RollbackComplete {
        stack.outputs.clear();
    }
    if status == StackStatus::UpdateRollbackComplete {
        stack.resources.retain(|name, _| before.contains_key(name));
    }
    if status == StackStatus::DeleteComplete {
        stack.outputs.clear();
        stack.change_sets.retain(|_, set| set.execution != ChangeSetExecution::NotBegun);
        stack.change_set_id = None;
    }
    stack.set_status(status, stuck.as_deref(), env.now, env.ids);
    stack.operation = None;
}
