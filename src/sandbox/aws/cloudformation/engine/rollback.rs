//! The way back after a failure: what was changed gets its old properties again.

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{Created, EngineContext, begin_delete, enrol, operation};
use crate::aws::cloudformation::model::{
    OnFailure, OperationKind, OperationPhase, PendingDelete, Resource, ResourceJob, Stack, StackStatus, Verb,
};
use crate::aws::cloudformation::resolve::comparable;
use crate::aws::cloudformation::resource_types;

/// Nothing runs any more and something has failed: stop here, or go back.
pub(super) fn failed(stack: &mut Stack, env: &mut EngineContext<'_>) {
    let operation = operation(stack);
    let list = |creates: bool| -> Vec<String> {
        operation
            .failed
            .iter()
            .filter(|(_, verb)| (**verb == Verb::Create) == creates)
            .map(|(n, _)| n.clone())
            .collect()
    };
    let mut reason = String::new();
    for (verb, names) in [("create", list(true)), ("update", list(false))] {
        if !names.is_empty() {
            reason.push_str(&format!("The following resource(s) failed to {verb}: [{}]. ", names.join(", ")));
        }
    }
    if let Some(why) = &operation.cancelled {
        reason.push_str(why);
        reason.push(' ');
    }
    match (operation.on_failure, operation.kind) {
        (OnFailure::Nothing, kind) => {
            let status =
                if kind == OperationKind::Create { StackStatus::CreateFailed } else { StackStatus::UpdateFailed };
            stack.disable_rollback = true;
            stack.set_status(status, Some(&reason), env.now, env.ids);
            stack.suspended = stack.operation.take();
        }
        (OnFailure::Delete, OperationKind::Create) => {
            let token = operation.token.clone();
            stack.suspended = stack.operation.take();
            begin_delete(stack, token, BTreeSet::new(), env);
        }
        (OnFailure::Rollback, OperationKind::Create) => {
            start_rollback(stack, Some(&format!("{reason}Rollback requested by user.")), env);
        }
        (OnFailure::Rollback | OnFailure::Delete, OperationKind::Update | OperationKind::Delete) => {
            start_rollback(stack, Some(&reason), env)
        }
    }
}

/// Turns an operation round: what was replaced stays, what was changed is to get its old properties.
pub(super) fn start_rollback(stack: &mut Stack, reason: Option<&str>, env: &mut EngineContext<'_>) {
    let operation = operation(stack);
    operation.rolling_back = true;
    operation.cancelled = None;
    operation.failed.clear();
    operation.done.clear();
    let kind = operation.kind;
    // The old resources stay, whatever was meant to replace them.
    let before = &operation.before;
    operation
        .pending_deletes
        .retain(|d| before.get(&d.logical_id).is_none_or(|b| b.physical_id != d.resource.physical_id));
    operation.phase = OperationPhase::Rollback;
    let status = if kind == OperationKind::Create {
        // Recorded in localstack/localstack, test_blocked_stack_deletion.
        stack.deleted = Some(env.now);
        StackStatus::RollbackInProgress
    } else {
        StackStatus::UpdateRollbackInProgress
    };
    stack.set_status(status, reason, env.now, env.ids);
}

/// Starts what can start of the way back; true when there may be more to do at once.
pub(super) fn roll_back(stack: &mut Stack, env: &mut EngineContext<'_>, jobs: &mut Vec<(u64, ResourceJob)>) -> bool {
    let before = operation(stack).before.clone();
    let mut progress = false;
    for (name, old) in before.iter().filter(|(_, old)| old.exists()) {
        let operation = operation(stack);
        let busy = operation.failed.contains_key(name)
            || operation.done.contains(name)
            || operation.running.values().any(|job| job.logical_id == *name);
        let needs = old.depends_on.iter().filter(|need| before.get(*need).is_some_and(Resource::exists));
        if busy || !needs.into_iter().all(|need| operation.done.contains(need)) {
            continue;
        }
        progress = true;
        let skipped = operation.skip.contains(name);
        let current = stack.resources.get(name).cloned();
        match current {
            Some(current) if current.physical_id == old.physical_id => {
                let retagged = resource_types::keeps_tags(&old.kind)
                    && stack.operation.as_ref().is_some_and(|operation| operation.target.tags != stack.target.tags);
                let touched = retagged
                    || comparable(current.properties.clone()) != comparable(old.properties.clone())
                    || matches!(current.status, StackStatus::UpdateFailed | StackStatus::UpdateInProgress);
                if !touched || skipped {
                    stack.resources.insert(name.clone(), old.clone());
                    self::operation(stack).done.insert(name.clone());
                    continue;
                }
                stack.resource_event(name, old, StackStatus::UpdateInProgress, None, env.now, env.ids);
                let job = ResourceJob {
                    verb: Verb::Update,
                    logical_id: name.clone(),
                    kind: old.kind.clone(),
                    properties: old.properties.clone(),
                    previous: Some(current),
                    physical_id: None,
                    express: false,
                    import_existing: false,
                    cancelled: false,
                    pending_delete: None,
                };
                jobs.push(enrol(self::operation(stack), job));
            }
            current => {
                // Replaced, or removed from the list by nothing yet: the old one still stands.
                if let Some(new) = current.filter(|r| r.exists() && r.physical_id.is_some()) {
                    self::operation(stack).pending_deletes.push(PendingDelete::of(name, &new, true));
                    stack.resource_event(name, old, StackStatus::UpdateComplete, None, env.now, env.ids);
                }
                stack.resources.insert(name.clone(), old.clone());
                self::operation(stack).done.insert(name.clone());
            }
        }
    }
    let operation = operation(stack);
    if !operation.running.is_empty() {
        return progress;
    }
    if !operation.failed.is_empty() {
        let names: Vec<String> = operation.failed.keys().cloned().collect();
        let reason = format!("The following resource(s) failed to update: [{}]. ", names.join(", "));
        stack.set_status(StackStatus::UpdateRollbackFailed, Some(&reason), env.now, env.ids);
        stack.suspended = stack.operation.take();
        return false;
    }
    let all_done = before.iter().filter(|(_, old)| old.exists()).all(|(name, _)| operation.done.contains(name));
    if !all_done {
        return progress;
    }
    let kind = operation.kind;
    report_nothing_created(stack, &before, env);
    let created: Vec<PendingDelete> = stack
        .resources
        .iter()
        .filter(|(name, r)| r.exists() && !before.get(*name).is_some_and(Resource::exists))
        .map(|(name, r)| PendingDelete::of(name, r, false))
        .collect();
    let operation = self::operation(stack);
    operation.pending_deletes.extend(created);
    operation.phase = OperationPhase::Cleanup;
    operation.done.clear();
    if kind == OperationKind::Update {
        stack.set_status(StackStatus::UpdateRollbackCompleteCleanupInProgress, None, env.now, env.ids);
    }
    true
}

/// Resources whose creation failed have nothing behind them; the way back says so.
fn report_nothing_created(stack: &mut Stack, before: &BTreeMap<String, Resource>, env: &mut EngineContext<'_>) {
    let pending = |stack: &Stack, name: &String| {
        let all = stack.operation.as_ref().map(|operation| &operation.pending_deletes);
        all.is_some_and(|all| all.iter().any(|one| one.pending() && one.logical_id == *name))
    };
    let failed: Vec<(String, Resource)> = stack
        .resources
        .iter()
        .filter(|(name, r)| r.status == StackStatus::CreateFailed && !before.get(*name).is_some_and(Resource::exists))
        .filter(|(name, _)| !pending(stack, name))
        .map(|(name, r)| (name.clone(), r.clone()))
        .collect();
    for (name, resource) in failed {
        stack.resource_event(&name, &resource, StackStatus::DeleteComplete, None, env.now, env.ids);
        if let Some(resource) = stack.resources.get_mut(&name) {
            resource.status = StackStatus::DeleteComplete;
        }
    }
}

/// Takes the result of a job of the way back.
pub(super) fn finish_rollback(
    stack: &mut Stack,
    job: ResourceJob,
    result: Result<Created, String>,
    env: &mut EngineContext<'_>,
) {
    let name = job.logical_id;
    let Some(mut old) = operation(stack).before.get(&name).cloned() else { return };
    match result {
        Ok(made) => {
            old.physical_id = Some(made.physical_id);
            old.attributes = made.attributes;
            old.status = StackStatus::UpdateComplete;
            old.updated = env.now;
            stack.resource_event(&name, &old, StackStatus::UpdateComplete, None, env.now, env.ids);
            stack.resources.insert(name.clone(), old);
            operation(stack).done.insert(name);
        }
        Err(reason) => {
            stack.resource_event(&name, &old, StackStatus::UpdateFailed, Some(&reason), env.now, env.ids);
            if let Some(resource) = stack.resources.get_mut(&name) {
                resource.status = StackStatus::UpdateFailed;
                resource.reason = Some(reason);
            }
            operation(stack).failed.insert(name, Verb::Update);
        }
    }
}
