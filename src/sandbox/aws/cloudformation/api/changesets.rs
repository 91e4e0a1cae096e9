//! Change sets: made, described, executed, deleted.

use serde_json::{Value, json};

use super::describe::parameter_values;
use super::lookup::{PAGE, find_set, updatable, valid_name, with_engine};
use super::operate::express;
use super::submitted::{empty_target, outputs_differ, plan, target};
use crate::aws::cloudformation::changes;
use crate::aws::cloudformation::early;
use crate::aws::cloudformation::engine::{self, OperationOptions};
use crate::aws::cloudformation::model::{
    ChangeAction, ChangeSet, ChangeSetExecution, OnFailure, ResourceChange, Stack, StackStatus,
};
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::service::{Call, Response, World, flag, page, text};
use crate::aws::tags;

/// Plans what a template would change, and keeps the plan. A stack that is not there yet is made, without resources.
pub(super) fn create_change_set(call: &mut Call<'_>, name: &str, input: &Value) -> AwsResult<Response> {
    let set_name =
        text(input, "ChangeSetName").ok_or_else(|| AwsError::validation("ChangeSetName is missing"))?.to_owned();
    let update = match text(input, "ChangeSetType").unwrap_or("UPDATE") {
        "CREATE" => false,
        "UPDATE" => true,
        other => return Err(call.not_served(&format!("a change set of type {other}"))),
    };
    let failure = text(input, "OnStackFailure");
    if failure == Some("DELETE") && update {
        // The rule is the API reference's, CreateChangeSet (2026-11); the sentence is ours.
        return Err(AwsError::validation("OnStackFailure DELETE is valid only where ChangeSetType is CREATE"));
    }
    let old = call.world.state.stack(name).filter(|s| s.status != StackStatus::DeleteComplete).cloned();
    match (&old, update) {
        (Some(stack), true) => {
            if stack.status == StackStatus::ReviewInProgress {
                return Err(AwsError::validation(format!("Stack [{name}] does not exist")));
            }
            updatable(stack)?;
        }
        (None, true) => return Err(AwsError::validation(format!("Stack [{name}] does not exist"))),
        (Some(stack), false) if stack.status != StackStatus::ReviewInProgress => {
            return Err(AwsError::validation(format!(
                "Stack [{name}] already exists and cannot be created again with the changeSet [{set_name}]."
            )));
        }
        (Some(_), false) => {}
        (None, false) => valid_name(name)?,
    }
    if old.as_ref().is_some_and(|stack| stack.change_set(&set_name).is_some()) {
        return Err(AwsError::new(400, "AlreadyExistsException", format!("ChangeSet {set_name} already exists")));
    }
    let target = target(call, input, old.as_ref().filter(|_| update))?;
    let (account, region) = (call.world.state.account.clone(), call.world.state.region.clone());
    let mut stack = match old {
        Some(stack) => stack,
        None => {
            let mut stack = Stack::new(name, &account, &region, empty_target(), call.now, &mut call.world.ids);
            stack.set_status(StackStatus::ReviewInProgress, Some("User Initiated"), call.now, &mut call.world.ids);
            stack
        }
    };
    let import_existing = flag(input, "ImportExistingResources");
    let changes = plan(call, &target, &stack, import_existing)?;
    let nothing = update && changes::nothing_changes(&changes, &target, &stack.target, outputs_differ(&target, &stack));
    let id = format!("arn:aws:cloudformation:{region}:{account}:changeSet/{set_name}/{}", call.world.ids.uuid());
    let (express, leaves) = express(input);
    let findings = early::findings(&changes, &call.world.state);
    let set = ChangeSet {
        id: id.clone(),
        name: set_name,
        description: text(input, "Description").map(str::to_owned),
        created: call.now,
        update,
        target,
        changes,
        failed: nothing.then(|| NO_CHANGES.to_owned()).or_else(|| early::reason(&findings)),
        findings,
        execution: ChangeSetExecution::NotBegun,
        obsolete: false,
        express,
        express_rolls_back: express && !leaves,
        no_rollback: failure == Some("DO_NOTHING"),
        delete_on_failure: failure == Some("DELETE"),
        import_existing,
        include_nested: flag(input, "IncludeNestedStacks"),
    };
    stack.change_sets.insert(id.clone(), set);
    let stack_id = stack.id.clone();
    call.world.state.stacks.insert(stack_id.clone(), stack);
    call.changed();
    Ok(Response::Query(json!({"Id": id, "StackId": stack_id})))
}

/// Clients look for this sentence to tell "nothing to do" from a failure.
const NO_CHANGES: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

fn execution(set: &ChangeSet) -> &'static str {
    match (set.execution, set.failed.is_some(), set.obsolete) {
        (ChangeSetExecution::InProgress, _, _) => "EXECUTE_IN_PROGRESS",
        (ChangeSetExecution::Complete, _, _) => "EXECUTE_COMPLETE",
        (ChangeSetExecution::Failed, _, _) => "EXECUTE_FAILED",
        (ChangeSetExecution::NotBegun, true, _) => "UNAVAILABLE",
        (ChangeSetExecution::NotBegun, false, true) => "OBSOLETE",
        (ChangeSetExecution::NotBegun, false, false) => "AVAILABLE",
    }
}

fn set_status(set: &ChangeSet) -> &'static str {
    if set.failed.is_some() { "FAILED" } else { "CREATE_COMPLETE" }
}

/// Shows a change set as lists have it.
pub(super) fn set_summary(stack: &Stack, set: &ChangeSet) -> Value {
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": set.id,
        "ChangeSetName": set.name,
        "Description": set.description,
        "CreationTime": set.created.iso(),
        "ExecutionStatus": execution(set),
        "Status": set_status(set),
        "StatusReason": set.failed,
        "IncludeNestedStacks": set.include_nested,
        "ImportExistingResources": set.import_existing,
    })
}

/// Shows a change set with a page of its changes, and their values where asked.
pub(super) fn describe_change_set(call: &Call<'_>, input: &Value) -> AwsResult<Response> {
    let (stack, set) = find_set(call.world, input)?;
    let stack = &call.world.state.stacks[&stack];
    let set = &stack.change_sets[&set];
    let values = flag(input, "IncludePropertyValues");
    let all: Vec<Value> = set.changes.iter().map(|change| change_value(change, values)).collect();
    let (changes, next) = page(all, text(input, "NextToken"), PAGE)?;
    let mut result = set_summary(stack, set);
    result["Changes"] = changes.into();
    result["NextToken"] = next.into();
    result["Parameters"] = parameter_values(&set.target).into();
    result["Capabilities"] = set.target.capabilities.clone().into();
    result["Tags"] = tags::list(&set.target.tags);
    result["NotificationARNs"] = json!([]);
    result["RollbackConfiguration"] = json!({});
    let deleted = set.delete_on_failure.then_some("DELETE");
    result["OnStackFailure"] = deleted.or(set.no_rollback.then_some("DO_NOTHING")).into();
    Ok(Response::Query(result))
}

fn change_value(change: &ResourceChange, values: bool) -> Value {
    let details: Vec<Value> = change
        .details
        .iter()
        .map(|d| {
            json!({
                "Target": {
                    "Attribute": d.attribute,
                    "Name": d.name,
                    "RequiresRecreation": d.recreation,
                    "Path": d.path,
                    "BeforeValue": d.before.as_ref().filter(|_| values),
                    "AfterValue": d.after.as_ref().filter(|_| values),
                    "AttributeChangeType": d.change,
                },
                "Evaluation": d.evaluation,
                "ChangeSource": d.source,
                "CausingEntity": d.cause,
            })
        })
        .collect();
    let action = match change.action {
        ChangeAction::Add => "Add",
        ChangeAction::Modify => "Modify",
        ChangeAction::Remove => "Remove",
        ChangeAction::Import => "Import",
    };
    json!({"Type": "Resource", "ResourceChange": {
        "PolicyAction": change.policy,
        "Action": action,
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id,
        "ResourceType": change.kind,
        "Replacement": change.replacement,
        "Scope": change.scope,
        "Details": details,
        "BeforeContext": change.before.as_ref().filter(|_| values),
        "AfterContext": change.after.as_ref().filter(|_| values),
    }})
}

fn is_executing(world: &World, stack: &str, set: &str) -> bool {
    let set = world.state.stacks.get(stack).and_then(|stack| stack.change_sets.get(set));
    set.is_some_and(|set| set.execution == ChangeSetExecution::InProgress)
}

/// Forgets a change set.
pub(super) fn delete_change_set(call: &mut Call<'_>, input: &Value) -> AwsResult<Response> {
    // One that is not there is as good as deleted; a stack that is not there is an error.
    match find_set(call.world, input) {
        Ok((stack, set)) if is_executing(call.world, &stack, &set) => Err(AwsError::new(
            400,
            "InvalidChangeSetStatus",
            format!("ChangeSet [{set}] cannot be deleted in its current execution status of [EXECUTE_IN_PROGRESS]"),
        )),
        Ok((stack, set)) => {
            if let Some(stack) = call.world.state.stacks.get_mut(&stack) {
                stack.change_sets.remove(&set);
            }
            call.changed();
            Ok(Response::Query(json!({})))
        }
        Err(error) if error.code == "ChangeSetNotFound" => Ok(Response::Query(json!({}))),
        Err(error) => Err(error),
    }
}

/// Begins the operation that a change set plans; the stack's other change sets go.
pub(super) fn execute_change_set(call: &mut Call<'_>, input: &Value) -> AwsResult<Response> {
    let (id, set_id) = find_set(call.world, input)?;
    let stack = &call.world.state.stacks[&id];
    let set = stack.change_sets[&set_id].clone();
    if set.failed.is_some() {
        return Err(AwsError::new(
            400,
            "InvalidChangeSetStatus",
            format!("ChangeSet [{}] cannot be executed in its current status of [{}]", set.id, set_status(&set)),
        ));
    }
    let status = match execution(&set) {
        // One for a new stack is of no use either once the stack was deleted under review.
        "AVAILABLE" if !set.update && stack.status != StackStatus::ReviewInProgress => "OBSOLETE",
        status => status,
    };
    if status != "AVAILABLE" {
        // As reported in github.com/aws/amazon-chime-sdk-js/issues/1089.
        return Err(AwsError::new(
            400,
            "InvalidChangeSetStatus",
            format!("ChangeSet [{}] cannot be executed in its current execution status of [{status}]", set.id),
        ));
    }
    if set.update {
        updatable(stack)?;
    }
    let no_rollback = flag(input, "DisableRollback") || set.no_rollback || set.express && !set.express_rolls_back;
    let options = OperationOptions {
        token: text(input, "ClientRequestToken").map(str::to_owned),
        on_failure: match (no_rollback, set.delete_on_failure) {
            (true, _) => OnFailure::Nothing,
            (false, true) => OnFailure::Delete,
            (false, false) => OnFailure::Rollback,
        },
        express: set.express,
        import_existing: set.import_existing,
    };
    with_engine(call.world, &id, call.now, |stack, env| {
        // The others are of a state that is about to be gone. This one can be described by its ARN as long as the stack, and
        // another may have its name (localstack/localstack, test_name_conflicts).
        stack.change_sets.retain(|id, _| *id == set_id);
        stack.change_sets.values_mut().for_each(|set| set.execution = ChangeSetExecution::InProgress);
        engine::begin(stack, set.target, options, env);
        stack.change_set_id = Some(set_id);
        stack.updated = Some(env.now);
    });
    Ok(Response::Drive { stack: id, answer: json!({}) })
}
