//! The way back after a failure: what was changed gets its old properties again.

use std::collections::{BTreeMap, BTreeSet};

use super::{Doomed, Env, Job, Kind, Made, OnFailure, Phase, Verb, begin_delete, enrol, operation};
use crate::aws::cloudformation::resolve::comparable;
use crate::aws::cloudformation::stack::{Resource, Stack, Status};

/// Nothing runs any more and something has failed: stop here, or go back.
pub(super) fn failed(stack: &mut Stack, env: &mut Env<'_>) {
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
            let status = if kind == Kind::Create { Status::CreateFailed } else { Status::UpdateFailed };
            stack.disable_rollback = true;
            stack.set_status(status, Some(&reason), env.now, env.ids);
            stack.suspended = stack.operation.take();
        }
        (OnFailure::Delete, Kind::Create) => {
            let token = operation.token.clone();
            stack.operation = None;
            begin_delete(stack, token, BTreeSet::new(), env);
        }
        (OnFailure::Rollback, Kind::Create) => {
            turn_back(stack, Some(&format!("{reason}Rollback requested by user.")), env);
        }
        (OnFailure::Rollback | OnFailure::Delete, Kind::Update | Kind::Delete) => turn_back(stack, Some(&reason), env),
    }
}

pub(super) fn turn_back(stack: &mut Stack, reason: Option<&str>, env: &mut Env<'_>) {
    let operation = operation(stack);
    operation.rolling_back = true;
    operation.cancelled = None;
    operation.failed.clear();
    operation.done.clear();
    let kind = operation.kind;
    // The old resources stay, whatever was meant to replace them.
    let before = &operation.before;
    operation.doomed.retain(|d| before.get(&d.logical_id).is_none_or(|b| b.physical_id != d.resource.physical_id));
    operation.phase = Phase::Restore;
    let status = if kind == Kind::Create { Status::RollbackInProgress } else { Status::UpdateRollbackInProgress };
    stack.set_status(status, reason, env.now, env.ids);
}

pub(super) fn restore(stack: &mut Stack, env: &mut Env<'_>, jobs: &mut Vec<(u64, Job)>) -> bool {
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
                let touched = comparable(current.properties.clone()) != comparable(old.properties.clone())
                    || matches!(current.status, Status::UpdateFailed | Status::UpdateInProgress);
                if !touched || skipped {
                    stack.resources.insert(name.clone(), old.clone());
                    self::operation(stack).done.insert(name.clone());
                    continue;
                }
                stack.resource_event(name, old, Status::UpdateInProgress, None, env.now, env.ids);
                let job = Job {
                    verb: Verb::Update,
                    logical_id: name.clone(),
                    kind: old.kind.clone(),
                    properties: old.properties.clone(),
                    previous: Some(current),
                    physical_id: None,
                    express: false,
                    import_existing: false,
                    doomed: None,
                };
                jobs.push(enrol(self::operation(stack), job));
            }
            current => {
                // Replaced, or removed from the list by nothing yet: the old one still stands.
                if let Some(new) = current.filter(|r| r.exists() && r.physical_id.is_some()) {
                    self::operation(stack).doomed.push(Doomed::of(name, &new, true));
                    stack.resource_event(name, old, Status::UpdateComplete, None, env.now, env.ids);
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
        stack.set_status(Status::UpdateRollbackFailed, Some(&reason), env.now, env.ids);
        stack.suspended = stack.operation.take();
        return false;
    }
    let all_done = before.iter().filter(|(_, old)| old.exists()).all(|(name, _)| operation.done.contains(name));
    if !all_done {
        return progress;
    }
    let kind = operation.kind;
    nothing_made(stack, &before, env);
    let created: Vec<Doomed> = stack
        .resources
        .iter()
        .filter(|(name, r)| r.exists() && !before.get(*name).is_some_and(Resource::exists))
        .map(|(name, r)| Doomed::of(name, r, false))
        .collect();
    let operation = self::operation(stack);
    operation.doomed.extend(created);
    operation.phase = Phase::Clear;
    operation.done.clear();
    if kind == Kind::Update {
        stack.set_status(Status::UpdateRollbackCompleteCleanupInProgress, None, env.now, env.ids);
    }
    true
}

/// Resources whose creation failed have nothing behind them; the way back says so.
fn nothing_made(stack: &mut Stack, before: &BTreeMap<String, Resource>, env: &mut Env<'_>) {
    let failed: Vec<(String, Resource)> = stack
        .resources
        .iter()
        .filter(|(name, r)| r.status == Status::CreateFailed && !before.get(*name).is_some_and(Resource::exists))
        .map(|(name, r)| (name.clone(), r.clone()))
        .collect();
    for (name, resource) in failed {
        stack.resource_event(&name, &resource, Status::DeleteComplete, None, env.now, env.ids);
        if let Some(resource) = stack.resources.get_mut(&name) {
            resource.status = Status::DeleteComplete;
        }
    }
}

pub(super) fn finish_restore(stack: &mut Stack, job: Job, result: Result<Made, String>, env: &mut Env<'_>) {
    let name = job.logical_id;
    let Some(mut old) = operation(stack).before.get(&name).cloned() else { return };
    match result {
        Ok(made) => {
            old.physical_id = Some(made.physical_id);
            old.attributes = made.attributes;
            old.status = Status::UpdateComplete;
            old.updated = env.now;
            stack.resource_event(&name, &old, Status::UpdateComplete, None, env.now, env.ids);
            stack.resources.insert(name.clone(), old);
            operation(stack).done.insert(name);
        }
        Err(reason) => {
            stack.resource_event(&name, &old, Status::UpdateFailed, Some(&reason), env.now, env.ids);
            if let Some(resource) = stack.resources.get_mut(&name) {
                resource.status = Status::UpdateFailed;
                resource.reason = Some(reason);
            }
            operation(stack).failed.insert(name, Verb::Update);
        }
    }
}
