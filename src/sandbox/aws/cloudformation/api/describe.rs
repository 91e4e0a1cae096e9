//! Stacks, their resources, events and templates as a client sees them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::drift;
use super::lookup::{PAGE, existing, find_set};
use super::submitted::submitted;
use crate::aws::cloudformation::model::{ChangeSet, Resource, Stack, StackDefinition, StackEvent, StackStatus};
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
    // What a stack has none of is left out, and so is its protection once it is deleted (localstack/localstack,
    // test_name_conflicts).
    let protection = (stack.status != StackStatus::DeleteComplete).then_some(stack.termination_protection);
    json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": stack.change_set_id,
        "StackStatus": stack.status.as_str(),
        "StackStatusReason": stack.reason,
        "Description": stack.target.template.get("Description").and_then(Value::as_str),
        "CreationTime": stack.created.iso(),
        "LastUpdatedTime": stack.updated.map(Instant::iso),
        "DeletionTime": stack.deleted.map(Instant::iso),
        "DisableRollback": stack.disable_rollback,
        "EnableTerminationProtection": protection,
        "DeletionMode": stack.forced_deletion.then_some("FORCE_DELETE_STACK"),
        "RoleARN": stack.target.role_arn,
        "Capabilities": some(stack.target.capabilities.iter().map(|one| one.as_str().into()).collect()),
        "Parameters": some(parameter_values(&stack.target)),
        "Outputs": some(outputs),
        "Tags": tags::list(&stack.target.tags),
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "DriftInformation": drift::information(stack),
    })
}

/// A list, or null for an empty one, which is not written.
fn some(list: Vec<Value>) -> Value {
    if list.is_empty() { Value::Null } else { list.into() }
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
    let shown = with_properties(stack).into_iter().rev();
    let all = shown.map(|event| event_members(stack, event, &[("StackName", stack.name.as_str())])).collect();
    let (page, next) = page(all, text(input, "NextToken"), PAGE)?;
    Ok(Response::Query(json!({"StackEvents": page, "NextToken": next})))
}

/// An event, and the properties that its resource had been given last.
type ToldEvent<'a> = (&'a StackEvent, Option<&'a str>);

/// A stack's events, oldest first. Each event of a resource tells its properties (localstack/localstack,
/// test_stack_deploy_order, test_blocked_stack_deletion); they are kept where they change.
fn with_properties(stack: &Stack) -> Vec<ToldEvent<'_>> {
    let mut last: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut all = Vec::with_capacity(stack.events.len());
    for event in &stack.events {
        let of = (event.logical_id.as_str(), event.kind.as_str());
        if let Some(properties) = &event.properties {
            last.insert(of, properties);
        }
        all.push((event, last.get(&of).copied()));
    }
    all
}

/// Returns an event's members, with those that only one of the operations has.
fn event_members(stack: &Stack, (event, properties): ToldEvent<'_>, more: &[(&str, &str)]) -> Value {
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
        "ResourceProperties": properties,
        "ClientRequestToken": event.token,
    });
    for (name, value) in more {
        members[*name] = (*value).into();
    }
    members
}

/// DescribeEvents: what happened in the operations of a stack, newest first; of a change set, what failed it.
pub(super) fn operation_events(call: &Call<'_>, input: &Value) -> AwsResult<Response> {
    if text(input, "ChangeSetName").is_some() {
        let (stack, set) = find_set(call.world, input)?;
        let stack = &call.world.state.stacks[&stack];
        let events = finding_events(stack, &stack.change_sets[&set]);
        let (page, next) = page(events, text(input, "NextToken"), PAGE)?;
        return Ok(Response::Query(json!({"OperationEvents": page, "NextToken": next})));
    }
    let name = text(input, "StackName")
        .ok_or_else(|| AwsError::validation("A stack, a change set or an operation must be named by StackName"))?;
    let stack = existing(call.world, name)?;
    let (operation, failed) = (text(input, "OperationId"), flag(&input["Filters"], "FailedEvents"));
    let shown = with_properties(stack).into_iter().rev().filter(|(event, _)| {
        operation.is_none_or(|id| event.operation_id == id) && (!failed || event.status.as_str().ends_with("_FAILED"))
    });
    let all: Vec<Value> = shown
        .map(|event| {
            let failed = event.0.status.as_str().ends_with("_FAILED");
            let kind = if failed { "PROVISIONING_ERROR" } else { "STACK_EVENT" };
            event_members(stack, event, &[("EventType", kind)])
        })
        .collect();
    let (page, next) = page(all, text(input, "NextToken"), PAGE)?;
    Ok(Response::Query(json!({"OperationEvents": page, "NextToken": next})))
}

/// Shows what failed a change set, as DescribeEvents has it.
fn finding_events(stack: &Stack, set: &ChangeSet) -> Vec<Value> {
    let operation = set.id.rsplit('/').next().unwrap_or_default();
    let shown = set.findings.iter().enumerate().map(|(number, finding)| {
        json!({
            "EventId": format!("{operation}-{number}"),
            "StackId": stack.id,
            "OperationId": operation,
            "OperationType": "CREATE_CHANGESET",
            "EventType": "VALIDATION_ERROR",
            "LogicalResourceId": finding.logical_id,
            "PhysicalResourceId": finding.taken.as_deref().unwrap_or_default(),
            "ResourceType": finding.kind,
            "Timestamp": set.created.iso(),
            "ValidationFailureMode": "FAIL",
            "ValidationName": finding.check(),
            "ValidationStatus": "FAILED",
            "ValidationStatusReason": finding.reason,
            "ValidationPath": finding.path,
        })
    });
    shown.collect()
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

/// Returns a template as it was submitted, a stack's or a change set's.
///
/// # Errors
/// In the words recorded in localstack/localstack, test_get_template_missing_resources_change_set.
pub(super) fn get_template(call: &Call<'_>, input: &Value) -> AwsResult<Response> {
    let set = text(input, "ChangeSetName");
    let body = match (text(input, "StackName"), set) {
        (None, None) => return Err(AwsError::validation("StackName is a required parameter.")),
        (None, Some(set)) if !set.starts_with("arn:") => {
            return Err(AwsError::validation("StackName is a required parameter."));
        }
        (_, Some(_)) => {
            let (stack, set) = find_set(call.world, input)?;
            call.world.state.stacks[&stack].change_sets[&set].target.text.clone()
        }
        (Some(name), None) => existing(call.world, name)?.target.text.clone(),
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

/// The types that need the caller's word, as published answers of ValidateTemplate name them.
fn reason(kinds: &BTreeSet<&str>) -> String {
    let named: Vec<&str> = kinds.iter().copied().filter(|kind| kind.starts_with("AWS::IAM::")).collect();
    format!("The following resource(s) require capabilities: [{}]", named.join(", "))
}

/// Answers GetTemplateSummary and ValidateTemplate.
pub(super) fn summary(call: &Call<'_>, operation: &str, input: &Value) -> AwsResult<Response> {
    let (_, template) = match text(input, "StackName") {
        Some(name) => {
            let stack = existing(call.world, name)?;
            if stack.status == StackStatus::ReviewInProgress {
                // Recorded in localstack/localstack, test_get_template_summary_non_executed_change_set.
                return Err(AwsError::validation("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."));
            }
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
        "CapabilitiesReason": (!needed.is_empty()).then(|| reason(&kinds)),
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
