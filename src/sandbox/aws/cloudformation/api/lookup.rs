//! Stacks by name or id, and whether what is asked can be done to them.

use serde_json::Value;

use super::imports::importers_of;
use crate::aws::cloudformation::engine::EngineContext;
use crate::aws::cloudformation::model::{Stack, StackStatus};
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::service::{World, text};
use crate::aws::time::Instant;

/// Entries per page of the list operations, as on AWS.
pub(super) const PAGE: usize = 100;

/// Finds a stack by name, or by id also when it is deleted.
///
/// # Errors
/// `ValidationError` with the sentence that clients take for "there is none".
pub(super) fn existing<'a>(world: &'a World, name: &str) -> AwsResult<&'a Stack> {
    world.state.stack(name).ok_or_else(|| AwsError::validation(format!("Stack with id {name} does not exist")))
}

/// One that is not deleted.
pub(super) fn live<'a>(world: &'a mut World, name: &str) -> AwsResult<&'a mut Stack> {
    let id = world.state.stack(name).filter(|s| s.status != StackStatus::DeleteComplete).map(|s| s.id.clone());
    let missing = || AwsError::validation(format!("Stack [{name}] does not exist"));
    world.state.stacks.get_mut(&id.ok_or_else(missing)?).ok_or_else(missing)
}

/// Runs the engine on a stack, with what it needs of the world.
pub(crate) fn with_engine<T>(
    world: &mut World,
    id: &str,
    now: Instant,
    run: impl FnOnce(&mut Stack, &mut EngineContext<'_>) -> T,
) -> Option<T> {
    let (exports, ssm) = (world.state.exports(), world.state.ssm_values());
    let importers = importers_of(world, id);
    let state = &mut world.state;
    let mut env = EngineContext {
        now,
        ids: &mut world.ids,
        account: &state.account,
        region: &state.region,
        exports,
        importers,
        ssm,
    };
    let result = run(state.stacks.get_mut(id)?, &mut env);
    world.dirty = true;
    Some(result)
}

/// Refuses a stack whose status does not let it be updated.
pub(super) fn updatable(stack: &Stack) -> AwsResult<()> {
    let allowed = matches!(
        stack.status,
        StackStatus::CreateComplete
            | StackStatus::UpdateComplete
            | StackStatus::UpdateRollbackComplete
            | StackStatus::ImportComplete
    ) || stack.suspended.is_some()
        && matches!(stack.status, StackStatus::CreateFailed | StackStatus::UpdateFailed);
    match allowed {
        true => Ok(()),
        false => Err(AwsError::validation(format!(
            "Stack:{} is in {} state and can not be updated.",
            stack.id,
            stack.status.as_str()
        ))),
    }
}

/// Refuses what is no stack's name.
pub(super) fn valid_name(name: &str) -> AwsResult<()> {
    let good = name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match good {
        true => Ok(()),
        false => Err(AwsError::validation(format!(
            "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        ))),
    }
}

/// The stack and the id of the change set that a request names: by the name of both, or by its ARN alone.
///
/// # Errors
/// In the words recorded in localstack/localstack, test_delete_change_set_exception, test_describe_change_set_nonexisting.
pub(super) fn find_set(world: &World, input: &Value) -> AwsResult<(String, String)> {
    let name = text(input, "ChangeSetName").ok_or_else(|| AwsError::validation("ChangeSetName is missing"))?;
    let stack = match text(input, "StackName") {
        _ if name.starts_with("arn:") => {
            let has = |stack: &&Stack| stack.change_sets.contains_key(name);
            world.state.stacks.values().find(has).ok_or_else(|| no_change_set(name))?
        }
        Some(stack) => {
            existing(world, stack).map_err(|_| AwsError::validation(format!("Stack [{stack}] does not exist")))?
        }
        None => {
            return Err(AwsError::validation(
                "StackName must be specified if ChangeSetName is not specified as an ARN.",
            ));
        }
    };
    let set = stack.change_set(name).ok_or_else(|| no_change_set(name))?;
    Ok((stack.id.clone(), set.id.clone()))
}

/// Refuses a change set that is not there.
fn no_change_set(name: &str) -> AwsError {
    AwsError::new(404, "ChangeSetNotFound", format!("ChangeSet [{name}] does not exist"))
}
