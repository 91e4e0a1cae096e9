//! Stacks, their resources, events and templates as a client sees them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::drift;
use super::lookup::{PAGE, existing, no_change_set};
use super::submitted::submitted;
use crate::aws::cloudformation::model::{Resource, Stack, StackDefinition, StackEvent};
use crate::aws::cloudformation::resolve;
use crate::aws::cloudformation::template::section;
use crate::aws::cloudformation::validate;
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::service::{Call, Response, World, flag, items, page, text};
use crate::aws::tags;
use crate::aws::time::Instant;

/// Shows a stack as DescribeStacks has it.
pub(super) fn stack_value(stack: &Stack) -> Value {
    let outputs: Vec<Value> = stack
        .outputs
        .iter()
        .map(|o| json!({"OutputKey": o.key, "OutputValue": o.value, "Description": o.description, "ExportName": o.export}))
        .collect();
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "StackStatus": stack.status.as_str(),
        "StackStatusReason": stack.reason,
        "Description": stack.target.template.get("Description").and_then(Value::as_str),
        "CreationTime": stack.created.iso(),
        "LastUpdatedTime": stack.updated.map(Instant::iso),
        "DeletionTime": stack.deleted.map(Instant::iso),
        "DisableRollback": stack.disable_rollback,
        "EnableTerminationProtection": stack.termination_protection,
        "RoleARN": stack.target.role_arn,
        "Capabilities": stack.target.capabilities,
        "Parameters": parameter_values(&stack.target),
        "Outputs": outputs,
        "Tags": tags::list(&stack.target.tags),
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "DriftInformation": drift::information(stack),
    })
}

/// The answer to DescribeStacks for one stack.
pub(crate) fn described(world: &World, id: &str) -> AwsResult<Value> {
    Ok(json!({"Stacks": [stack_value(existing(world, id)?)]}))
}

/// Shows parameters; those with NoEcho as asterisks.
pub(super) fn parameter_values(target: &StackDefinition) -> Vec<Value> {
    let parameters = target.parameters.iter();
    parameters
        .map(|(name, p)| json!({"ParameterKey": name, "ParameterValue": p.shown(), "ResolvedValue": p.resolved}))
        .collect()
}

/// Shows a resource as DescribeStackResource has it.
pub(super) fn resource_value(stack: &Stack, logical: &str, resource: &Resource) -> Value {
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "LogicalResourceId": logical,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.kind,
        "ResourceStatus": resource.status.as_str(),
        "ResourceStatusReason": resource.reason,
        "Timestamp": resource.updated.iso(),
        "LastUpdatedTimestamp": resource.updated.iso(),
        "Metadata": (!resource.metadata.is_null()).then(|| resource.metadata.to_string()),
        "DriftInformation": resource_drift(stack, logical),
    })
}

fn resource_drift(stack: &Stack, logical: &str) -> Value {
    let found = stack.drift.as_ref().and_then(|drift| Some((drift.at.iso(), drift.resources.get(logical)?)));
    match found {
        Some((at, drift)) => json!({"StackResourceDriftStatus": drift.status.as_str(), "LastCheckTimestamp": at}),
        None => json!({"StackResourceDriftStatus": "NOT_CHECKED"}),
    }
}

/// Lists stacks, deleted ones too, newest first.
pub(super) fn list_stacks(call: &Call<'_>, input: &Value) -> AwsResult<Response> {
    let wanted: Vec<&str> = items(input, "StackStatusFilter").iter().filter_map(Value::as_str).collect();
    let mut stacks: Vec<&Stack> = call.world.state.stacks.values().collect();
    stacks.retain(|stack| wanted.is_empty() || wanted.contains(&stack.status.as_str()));
    stacks.sort_by_key(|stack| std::cmp::Reverse(stack.created));
    let all = stacks.into_iter().map(|stack| {
        let mut summary = stack_value(stack);
        if let Some(map) = summary.as_object_mut() {
            map.insert("TemplateDescription".into(), map.get("Description").cloned().unwrap_or(Value::Null));
            let shown = [
                "StackId",
                "StackName",
                "StackStatus",
                "StackStatusReason",
                "CreationTime",
                "LastUpdatedTime",
                "DeletionTime",
                "TemplateDescription",
                "DriftInformation",
            ];
            map.retain(|name, _| shown.contains(&name.as_str()));
        }
        summary
    });
    let (page, next) = page(all.collect(), text(input, "NextToken"), PAGE)?;
    Ok(Response::Query(json!({"StackSummaries": page, "NextToken": next})))
}

/// Lists a stack's events, newest first.
pub(super) fn events(call: &Call<'_>, name: &str, input: &Value) -> AwsResult<Response> {
    let missing = |_| AwsError::validation(format!("Stack [{name}] does not exist"));
    let stack = existing(call.world, name).map_err(missing)?;
    let shown = stack.events.iter().rev();
    let all = shown.map(|event| event_members(stack, event, &[("StackName", stack.name.as_str())])).collect();
    let (page, next) = page(all, text(input, "NextToken"), PAGE)?;
    Ok(Response::Query(json!({"StackEvents": page, "NextToken": next})))
}

/// Returns an event's members, with those that only one of the operations has.
fn event_members(stack: &Stack, event: &StackEvent, more: &[(&str, &str)]) -> Value {
    let mut members = json!({
        "StackId": stack.id,
        "EventId": event.id,
        "OperationId": event.operation_id,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.kind,
        "Timestamp": event.at.iso(),
        "ResourceStatus": event.status.as_str(),
        "ResourceStatusReason": event.reason,
        "ResourceProperties": event.properties,
        "ClientRequestToken": event.token,
    });
    for (name, value) in more {
        members[*name] = (*value).into();
    }
    members
}

/// DescribeEvents: what happened in the operations of a stack, newest first; of a change set, what failed it, which
/// here is nothing that has an event of its own.
pub(super) fn operation_events(call: &Call<'_>, input: &Value) -> AwsResult<Response> {
    let name = text(input, "StackName")
        .ok_or_else(|| AwsError::validation("A stack, a change set or an operation must be named by StackName"))?;
    let stack = existing(call.world, name)?;
    if let Some(set) = text(input, "ChangeSetName") {
        stack.change_set(set).ok_or_else(|| no_change_set(set))?;
        return Ok(Response::Query(json!({"OperationEvents": []})));
    }
    let (operation, failed) = (text(input, "OperationId"), flag(&input["Filters"], "FailedEvents"));
    let shown = stack.events.iter().rev().filter(|event| {
        operation.is_none_or(|id| event.operation_id == id) && (!failed || event.status.as_str().ends_with("_FAILED"))
    });
    let all: Vec<Value> = shown
        .map(|event| {
            let kind = if event.status.as_str().ends_with("_FAILED") { "PROVISIONING_ERROR" } else { "STACK_EVENT" };
            event_members(stack, event, &[("EventType", kind)])
        })
        .collect();
    let (page, next) = page(all, text(input, "NextToken"), PAGE)?;
    Ok(Response::Query(json!({"OperationEvents": page, "NextToken": next})))
}

/// Lists the resources of a stack, which is named itself or by the physical id of one of them.
pub(super) fn describe_resources(call: &Call<'_>, input: &Value) -> AwsResult<Response> {
    let physical = text(input, "PhysicalResourceId");
    let stack = match (text(input, "StackName"), physical) {
        (Some(name), _) => existing(call.world, name)?,
        (None, Some(id)) => {
            let has = |stack: &&Stack| stack.resources.values().any(|r| r.physical_id.as_deref() == Some(id));
            call.world
                .state
                .stacks
                .values()
                .find(has)
                .ok_or_else(|| AwsError::validation(format!("Stack for {id} does not exist")))?
        }
        (None, None) => return Err(AwsError::validation("Either a stack name or a physical resource id is needed")),
    };
    let logical = text(input, "LogicalResourceId");
    let shown = stack.resources.iter().filter(|(name, r)| {
        logical.is_none_or(|l| l == *name) && physical.is_none_or(|p| r.physical_id.as_deref() == Some(p))
    });
    let all: Vec<Value> = shown.map(|(name, r)| resource_value(stack, name, r)).collect();
    Ok(Response::Query(json!({"StackResources": all})))
}

/// Returns a template as it was submitted.
pub(super) fn get_template(call: &Call<'_>, name: &str, input: &Value) -> AwsResult<Response> {
    let stack = existing(call.world, name)?;
    let body = match text(input, "ChangeSetName") {
        Some(set) => stack.change_set(set).ok_or_else(|| no_change_set(set))?.target.text.clone(),
        None => stack.target.text.clone(),
    };
    Ok(Response::Query(json!({"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]})))
}

/// What GetTemplateSummary tells of a parameter's constraints: the values that it may have, and no more.
fn constraints(parameter: &Value) -> Value {
    match &parameter["AllowedValues"] {
        Value::Array(values) => json!({"AllowedValues": values.iter().filter_map(resolve::scalar).collect::<Vec<_>>()}),
        _ => json!({}),
    }
}

/// Answers GetTemplateSummary and ValidateTemplate.
pub(super) fn summary(call: &Call<'_>, operation: &str, input: &Value) -> AwsResult<Response> {
    let (_, template) = match text(input, "StackName") {
        Some(name) => {
            let stack = existing(call.world, name)?;
            (stack.target.text.clone(), stack.target.template.clone())
        }
        None => submitted(call, input, None)?,
    };
    validate::template(&template)?;
    let parameters: Vec<Value> = section(&template, "Parameters")
        .map(|(name, p)| {
            json!({"ParameterKey": name, "DefaultValue": resolve::scalar(&p["Default"]), "ParameterType": p["Type"],
                   "NoEcho": p["NoEcho"] == true, "Description": p["Description"],
                   "ParameterConstraints": constraints(p)})
        })
        .collect();
    let needed = match validate::capabilities(&template, &[]) {
        Ok(()) => Vec::new(),
        Err(error) => {
            vec![error.message.trim_start_matches("Requires capabilities : [").trim_end_matches(']').to_owned()]
        }
    };
    let kinds: BTreeSet<&str> = section(&template, "Resources").filter_map(|(_, r)| r["Type"].as_str()).collect();
    let mut result = json!({
        "Parameters": parameters,
        "Description": template["Description"],
        "Capabilities": needed,
        "CapabilitiesReason": (!needed.is_empty()).then_some("The following resource(s) require capabilities: [AWS::IAM]"),
        "ResourceTypes": kinds.into_iter().collect::<Vec<_>>(),
        "Version": template["AWSTemplateFormatVersion"],
        "Metadata": template.get("Metadata").map(Value::to_string),
    });
    if operation == "ValidateTemplate"
        && let Some(map) = result.as_object_mut()
    {
        map.retain(|name, _| {
            ["Parameters", "Description", "Capabilities", "CapabilitiesReason"].contains(&name.as_str())
        });
    }
    Ok(Response::Query(result))
}
