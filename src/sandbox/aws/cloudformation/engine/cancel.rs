//! Failures of the first phase, and what they do to the resources that are still on their way.

use super::operation::{Created, EngineContext, operation};
use crate::aws::cloudformation::model::{
    OnFailure, PendingDelete, Resource, ResourceJob, Stack, StackOperation, StackStatus, Verb,
};

impl StackOperation {
    /// Tells that a job which runs has been cancelled, so that it need not begin.
    pub(crate) fn has_cancelled(&self, id: u64) -> bool {
        self.running.get(&id).is_some_and(|job| job.cancelled)
    }
}

/// Notes that a resource could not be made or changed, and why.
pub(super) fn fail(stack: &mut Stack, job: &ResourceJob, reason: String, env: &mut EngineContext<'_>) {
    let status = if job.verb == Verb::Create { StackStatus::CreateFailed } else { StackStatus::UpdateFailed };
    let mut shown = job.previous.clone().unwrap_or_else(|| Resource::new(&job.kind));
    shown.properties = job.properties.clone();
    // What was begun has its name already.
    shown.physical_id = shown.physical_id.or_else(|| job.physical_id.clone());
    stack.resource_event(&job.logical_id, &shown, status, Some(&reason), env.now, env.ids);
    if let Some(resource) = stack.resources.get_mut(&job.logical_id) {
        resource.status = status;
        resource.reason = Some(reason);
    }
    operation(stack).failed.insert(job.logical_id.clone(), job.verb);
}

/// Cancels what is on its way, once another resource has failed: it counts as failed from now on, as events of failed stacks
/// show that were published (a stack of 2024-09, with "Resource creation cancelled" before its ROLLBACK_IN_PROGRESS, whose
/// reason names the resources that were cancelled beside the one that failed).
pub(super) fn cancel_running(stack: &mut Stack, env: &mut EngineContext<'_>) {
    let jobs: Vec<ResourceJob> = operation(stack)
        .running
        .values_mut()
        .filter(|job| !job.cancelled && job.pending_delete.is_none())
        .map(|job| {
            job.cancelled = true;
            job.clone()
        })
        .collect();
    for job in jobs {
        let what = if job.verb == Verb::Create { "creation" } else { "update" };
        fail(stack, &job, format!("Resource {what} cancelled"), env);
    }
}

/// Cancels an operation for somebody: what is on its way is cancelled, and the operation taken back once that has ended, by
/// whoever works it off.
pub(crate) fn cancel_by_user(stack: &mut Stack, env: &mut EngineContext<'_>) {
    let Some(operation) = stack.operation.as_mut() else { return };
    operation.cancelled = Some("User Initiated".into());
    cancel_running(stack, env);
}

/// Gives a creation up: what is on its way is cancelled, and the stack is deleted once that has ended, by whoever works the
/// operation off.
pub(crate) fn give_creation_up(stack: &mut Stack, token: Option<String>, env: &mut EngineContext<'_>) {
    let Some(operation) = stack.operation.as_mut() else { return };
    operation.on_failure = OnFailure::Delete;
    operation.token = token;
    cancel_by_user(stack, env);
}

/// Takes what came of a job that was cancelled: what was made all the same is to be deleted.
pub(super) fn finish_cancelled(stack: &mut Stack, job: ResourceJob, result: Result<Created, String>) {
    let (Ok(made), Verb::Create | Verb::Replace) = (result, job.verb) else { return };
    let entry = stack.resources.get(&job.logical_id);
    let resource = Resource {
        physical_id: Some(made.physical_id),
        attributes: made.attributes,
        properties: job.properties,
        depends_on: entry.map(|entry| entry.depends_on.clone()).unwrap_or_default(),
        deletion_policy: entry.and_then(|entry| entry.deletion_policy.clone()),
        ..Resource::new(&job.kind)
    };
    // Where nothing is taken back, the next operation makes another one under this logical id.
    let superseded = job.verb == Verb::Replace || operation(stack).on_failure == OnFailure::Nothing;
    operation(stack).pending_deletes.push(PendingDelete::of(&job.logical_id, &resource, superseded));
}
