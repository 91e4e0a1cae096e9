//! Stacks without change sets: created, updated, deleted, cancelled, rolled back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::imports::importers_of;
use super::lookup::{live, updatable, valid_name, with_engine};
use super::submitted::{outputs_differ, plan, target};
use crate::aws::cloudformation::changes;
use crate::aws::cloudformation::engine::{self, OperationOptions};
use crate::aws::cloudformation::model::{OnFailure, Stack, StackStatus};
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::service::{Call, Response, flag, items, text};

/// Reads how a caller wants an operation: what to do on failure, whether to wait for resources.
///
/// # Errors
/// `ValidationError` for `OnFailure` beside `DisableRollback`.
pub(super) fn options(input: &Value) -> AwsResult<OperationOptions> {
    if text(input, "OnFailure").is_some() && input.get("DisableRollback").is_some_and(|given| !given.is_null()) {
        // The rule is the API reference's, CreateStack (2026-11); the sentence is reported.
        return Err(AwsError::validation("Either DisableRollback or OnFailure can be specified, not both."));
    }
    let on_failure = match text(input, "OnFailure") {
        Some("DO_NOTHING") => OnFailure::Nothing,
        Some("DELETE") => OnFailure::Delete,
        _ if flag(input, "DisableRollback") => OnFailure::Nothing,
        _ => OnFailure::Rollback,
    };
    let (express, no_rollback) = express(input);
    Ok(OperationOptions {
        token: text(input, "ClientRequestToken").map(str::to_owned),
        on_failure: if no_rollback { OnFailure::Nothing } else { on_failure },
        express,
        import_existing: false,
    })
}

/// Returns whether an operation is to be express, and whether that leaves failures as they are: it does, unless it is told not to
/// (CloudFormation's user guide, "Rollback behavior with express mode", 2026-11).
pub(super) fn express(input: &Value) -> (bool, bool) {
    let config = &input["DeploymentConfig"];
    let express = config["Mode"] == "EXPRESS";
    (express, express && (config["DisableRollback"].is_null() || flag(config, "DisableRollback")))
}

/// Members that say which updates are denied, which the sandbox does not have.
const STACK_POLICIES: [&str; 4] =
    ["StackPolicyBody", "StackPolicyURL", "StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL"];

fn no_stack_policy(call: &Call<'_>, input: &Value) -> AwsResult<()> {
    match STACK_POLICIES.iter().find(|name| text(input, name).is_some()) {
        Some(name) => Err(call.not_served(name)),
        None => Ok(()),
    }
}

/// Begins to create a stack.
pub(super) fn create_stack(call: &mut Call<'_>, name: &str, input: &Value) -> AwsResult<Response> {
    valid_name(name)?;
    let options = options(input)?;
    no_stack_policy(call, input)?;
    let reviewed = match call.world.state.stack(name) {
        // It is made over what change sets had planned for it (localstack/localstack, test_create_while_in_review).
        Some(stack) if stack.status == StackStatus::ReviewInProgress => Some(stack.clone()),
        Some(_) => {
            return Err(AwsError::new(400, "AlreadyExistsException", format!("Stack [{name}] already exists")));
        }
        None => None,
    };
    let target = target(call, input, None)?;
    let (account, region) = (call.world.state.account.clone(), call.world.state.region.clone());
    let mut stack = match reviewed {
        Some(stack) => Stack { target: target.clone(), ..stack },
        None => Stack::new(name, &account, &region, target.clone(), call.now, &mut call.world.ids),
    };
    stack.outdate_change_sets();
    stack.change_set_id = None;
    stack.termination_protection = flag(input, "EnableTerminationProtection");
    let id = stack.id.clone();
    call.world.state.stacks.insert(id.clone(), stack);
    with_engine(call.world, &id, call.now, |stack, env| engine::begin(stack, target, options, env));
    Ok(Response::Drive { stack: id.clone(), answer: json!({"StackId": id}) })
}

/// Begins to update a stack; refuses when nothing would change.
pub(super) fn update_stack(call: &mut Call<'_>, name: &str, input: &Value) -> AwsResult<Response> {
    let stack = live(call.world, name)?.clone();
    updatable(&stack)?;
    let options = options(input)?;
    no_stack_policy(call, input)?;
    let target = target(call, input, Some(&stack))?;
    let changes = plan(call, &target, &stack, false)?;
    let retry = stack.suspended.is_some();
    if !retry && changes::nothing_changes(&changes, &target, &stack.target, outputs_differ(&target, &stack)) {
        return Err(AwsError::validation("No updates are to be performed."));
    }
    let id = stack.id;
    with_engine(call.world, &id, call.now, |stack, env| {
        stack.outdate_change_sets();
        stack.change_set_id = None;
        engine::begin(stack, target, options, env);
    });
    Ok(Response::Drive { stack: id.clone(), answer: json!({"StackId": id}) })
}

/// Begins to delete a stack; one that is not there counts as deleted.
pub(super) fn delete_stack(call: &mut Call<'_>, name: &str, input: &Value) -> AwsResult<Response> {
    let Some(stack) = call.world.state.stack(name).filter(|s| s.status != StackStatus::DeleteComplete) else {
        return Ok(Response::Query(json!({})));
    };
    if stack.termination_protection {
        return Err(AwsError::validation(format!(
            "Stack [{}] cannot be deleted while TerminationProtection is enabled",
            stack.name
        )));
    }
    let id = stack.id.clone();
    let retain: BTreeSet<String> =
        items(input, "RetainResources").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if !retain.is_empty() && stack.status != StackStatus::DeleteFailed {
        // CloudFormation's sentence as tools look for it, and Eucalyptus' endpoint has it.
        return Err(AwsError::validation(format!(
            "Invalid operation on stack [{id}]. When you delete a stack, specify which resources to retain only when the \
             stack is in the DELETE_FAILED state."
        )));
    }
    let forced = text(input, "DeletionMode") == Some("FORCE_DELETE_STACK");
    if forced && stack.status != StackStatus::DeleteFailed {
        // The rule is the API reference's, DeleteStack (2026-11); the sentence is like the one above.
        return Err(AwsError::validation(format!(
            "Invalid operation on stack [{id}]. When you delete a stack, specify the deletion mode FORCE_DELETE_STACK only \
             when the stack is in the DELETE_FAILED state."
        )));
    }
    match stack.status {
        StackStatus::DeleteInProgress => return Ok(Response::Query(json!({}))),
        StackStatus::CreateInProgress => {
            let token = text(input, "ClientRequestToken").map(str::to_owned);
            with_engine(call.world, &id, call.now, |stack, env| engine::give_creation_up(stack, token, env));
            return Ok(Response::Query(json!({})));
        }
        status if status.in_progress() => {
            return Err(AwsError::validation(format!(
                "Stack [{id}] cannot be deleted while in status {}",
                status.as_str()
            )));
        }
        _ => {}
    }
    if let Some((export, other)) = importers_of(call.world, &id).into_iter().next() {
        return Err(AwsError::validation(format!("Export {export} cannot be deleted as it is in use by {other}")));
    }
    call.world.state.forget_deleted_stacks();
    let token = text(input, "ClientRequestToken").map(str::to_owned);
    with_engine(call.world, &id, call.now, |stack, env| {
        stack.forced_deletion = forced;
        engine::begin_delete(stack, token, retain, env);
    });
    Ok(Response::Drive { stack: id, answer: json!({}) })
}

/// Cancels what is on its way in an update, which is taken back once that has ended.
pub(super) fn cancel_update(call: &mut Call<'_>, name: &str) -> AwsResult<Response> {
    let stack = live(call.world, name)?;
    let refused = || AwsError::validation("CancelUpdateStack cannot be called from current stack status");
    if stack.status != StackStatus::UpdateInProgress {
        return Err(refused());
    }
    let id = stack.id.clone();
    stack.operation.as_ref().ok_or_else(refused)?;
    with_engine(call.world, &id, call.now, engine::cancel_by_user);
    call.changed();
    Ok(Response::Query(json!({})))
}

/// Takes a failed operation back that was left as it was.
pub(super) fn roll_back(call: &mut Call<'_>, operation: &str, name: &str, input: &Value) -> AwsResult<Response> {
    let stack = live(call.world, name)?;
    let fitting = match operation {
        "ContinueUpdateRollback" => stack.status == StackStatus::UpdateRollbackFailed,
        _ => matches!(stack.status, StackStatus::CreateFailed | StackStatus::UpdateFailed),
    };
    let id = stack.id.clone();
    if !fitting || stack.suspended.is_none() {
        return Err(AwsError::validation(format!(
            "Stack:{id} is in {} state and can not be rolled back.",
            stack.status.as_str()
        )));
    }
    let skip: BTreeSet<String> =
        items(input, "ResourcesToSkip").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let token = text(input, "ClientRequestToken").map(str::to_owned);
    with_engine(call.world, &id, call.now, |stack, env| engine::begin_rollback(stack, token, skip, env));
    Ok(Response::Drive { stack: id.clone(), answer: json!({"StackId": id}) })
}
