//! The last phase: what is no longer wanted is deleted, dependents first; then the end.

use super::{Doomed, DoomedState, Env, Job, Kind, Operation, Verb, enrol, operation};
use crate::aws::cloudformation::stack::{Stack, Status};
use crate::aws::time::Instant;

pub(super) fn clear(stack: &mut Stack, env: &mut Env<'_>, jobs: &mut Vec<(u64, Job)>) -> bool {
    let mut progress = false;
    for index in 0..operation(stack).doomed.len() {
        let operation = operation(stack);
        let one = operation.doomed[index].clone();
        let needed =
            operation.doomed.iter().enumerate().any(|(at, other)| {
                at != index && other.pending() && other.resource.depends_on.contains(&one.logical_id)
            });
        if one.state != DoomedState::Waiting || needed {
            continue;
        }
        progress = true;
        if kept(operation, &one) {
            operation.doomed[index].state = DoomedState::Gone;
            stack.resource_event(&one.logical_id, &one.resource, Status::DeleteSkipped, None, env.now, env.ids);
            forget(stack, &one, Status::DeleteSkipped, env.now);
            continue;
        }
        operation.doomed[index].state = DoomedState::Running;
        let job = Job {
            verb: Verb::Delete,
            logical_id: one.logical_id.clone(),
            kind: one.resource.kind.clone(),
            properties: one.resource.properties.clone(),
            previous: Some(one.resource.clone()),
            physical_id: one.resource.physical_id.clone(),
            express: operation.express,
            import_existing: false,
            doomed: Some(index),
        };
        jobs.push(enrol(operation, job));
        stack.resource_event(&one.logical_id, &one.resource, Status::DeleteInProgress, None, env.now, env.ids);
        if let Some(resource) = stack.resources.get_mut(&one.logical_id).filter(|_| !one.superseded) {
            resource.status = Status::DeleteInProgress;
        }
    }
    let operation = operation(stack);
    if operation.running.is_empty() && !operation.doomed.iter().any(Doomed::pending) {
        end(stack, env);
        return false;
    }
    progress
}

/// Whether a policy, or the caller, says to leave it where it is.
pub(super) fn kept(operation: &Operation, one: &Doomed) -> bool {
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

fn forget(stack: &mut Stack, one: &Doomed, status: Status, now: Instant) {
    if one.superseded {
        return;
    }
    let update = operation(stack).kind == Kind::Update;
    if update {
        stack.resources.remove(&one.logical_id);
    } else if let Some(resource) = stack.resources.get_mut(&one.logical_id) {
        resource.status = status;
        resource.updated = now;
    }
}

pub(super) fn finish_delete(stack: &mut Stack, index: usize, result: Result<(), String>, env: &mut Env<'_>) {
    let one = operation(stack).doomed[index].clone();
    match result {
        Ok(()) => {
            operation(stack).doomed[index].state = DoomedState::Gone;
            stack.resource_event(&one.logical_id, &one.resource, Status::DeleteComplete, None, env.now, env.ids);
            forget(stack, &one, Status::DeleteComplete, env.now);
        }
        Err(reason) => {
            operation(stack).doomed[index].state = DoomedState::Failed;
            stack.resource_event(&one.logical_id, &one.resource, Status::DeleteFailed, Some(&reason), env.now, env.ids);
            if let Some(resource) = stack.resources.get_mut(&one.logical_id).filter(|_| !one.superseded) {
                resource.status = Status::DeleteFailed;
                resource.reason = Some(reason);
            }
        }
    }
}

pub(super) fn end(stack: &mut Stack, env: &mut Env<'_>) {
    let operation = operation(stack);
    let stuck: Vec<String> =
        operation.doomed.iter().filter(|d| d.state == DoomedState::Failed).map(|d| d.logical_id.clone()).collect();
    let stuck =
        (!stuck.is_empty()).then(|| format!("The following resource(s) failed to delete: [{}]. ", stuck.join(", ")));
    let status = match (operation.kind, operation.rolling_back, &stuck) {
        (Kind::Create, false, _) => Status::CreateComplete,
        (Kind::Create, true, None) => Status::RollbackComplete,
        (Kind::Create, true, Some(_)) => Status::RollbackFailed,
        (Kind::Update, false, _) => Status::UpdateComplete,
        (Kind::Update, true, _) => Status::UpdateRollbackComplete,
        (Kind::Delete, _, None) => Status::DeleteComplete,
        (Kind::Delete, _, Some(_)) => Status::DeleteFailed,
    };
    let before = std::mem::take(&mut operation.before);
    if status == Status::RollbackComplete {
        stack.outputs.clear();
    }
    if status == Status::UpdateRollbackComplete {
        stack.resources.retain(|name, _| before.contains_key(name));
    }
    if status == Status::DeleteComplete {
        stack.deleted = Some(env.now);
        stack.outputs.clear();
        stack.change_sets.clear();
    }
    stack.set_status(status, stuck.as_deref(), env.now, env.ids);
    stack.operation = None;
}
