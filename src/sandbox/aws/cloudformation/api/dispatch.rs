//! Operations by name.

use serde_json::{Value, json};

use super::changesets::{create_change_set, delete_change_set, describe_change_set, execute_change_set, set_summary};
use super::describe::{
    describe_resources, events, get_template, list_stacks, operation_events, resource_value, stack_value, summary,
};
use super::drift;
use super::imports::importers;
use super::lookup::{PAGE, existing, live};
use super::operate::{cancel_update, create_stack, delete_stack, roll_back, update_stack};
use crate::aws::cloudformation::model::{ChangeSetExecution, StackStatus};
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::service::{Call, Response, flag, page, text};

/// Answers an operation, if IAM allows it.
pub(crate) fn call(call: &mut Call<'_>, operation: &str, input: &Value) -> AwsResult<Response> {
    let name = text(input, "StackName").map(str::to_owned);
    call.allow(&format!("cloudformation:{operation}"), &resource(call, name.as_deref()))?;
    let required = || {
        name.clone().ok_or_else(|| AwsError::validation("1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be null"))
    };
    match operation {
        "DescribeStacks" => match name {
            Some(name) => {
                let stack = existing(call.world, &name)?;
                Ok(Response::Settle { stack: stack.id.clone() })
            }
            None => {
                let all = call.world.state.stacks.values().filter(|s| s.status != StackStatus::DeleteComplete);
                let all: Vec<Value> = all.map(stack_value).collect();
                let (stacks, next) = page(all, text(input, "NextToken"), PAGE)?;
                Ok(Response::Query(json!({"Stacks": stacks, "NextToken": next})))
            }
        },
        "ListStacks" => list_stacks(call, input),
        "DescribeStackEvents" => events(call, &required()?, input),
        "DescribeEvents" => operation_events(call, input),
        "ListHookResults" => {
            let answer = json!({"TargetType": input["TargetType"], "TargetId": input["TargetId"], "HookResults": []});
            Ok(Response::Query(answer))
        }
        "DetectStackDrift" => drift::detect(call, &required()?),
        "DescribeStackDriftDetectionStatus" => drift::describe_detection(call, input),
        "DescribeStackResourceDrifts" => drift::describe_resources(call, &required()?, input),
        "DescribeStackResource" => {
            let stack = existing(call.world, &required()?)?;
            let logical = text(input, "LogicalResourceId").unwrap_or_default();
            let resource = stack.resources.get(logical).ok_or_else(|| {
                AwsError::validation(format!("Resource {logical} does not exist for stack {}", stack.name))
            })?;
            Ok(Response::Query(json!({"StackResourceDetail": resource_value(stack, logical, resource)})))
        }
        "DescribeStackResources" => describe_resources(call, input),
        "ListStackResources" => {
            let stack = existing(call.world, &required()?)?;
            let all: Vec<Value> = stack.resources.iter().map(|(name, r)| resource_value(stack, name, r)).collect();
            let (page, next) = page(all, text(input, "NextToken"), PAGE)?;
            Ok(Response::Query(json!({"StackResourceSummaries": page, "NextToken": next})))
        }
        "GetTemplate" => get_template(call, input),
        "GetTemplateSummary" | "ValidateTemplate" => summary(call, operation, input),
        "CreateChangeSet" => create_change_set(call, &required()?, input),
        "DescribeChangeSet" => describe_change_set(call, input),
        "ListChangeSets" => {
            let stack = existing(call.world, &required()?)?;
            let sets = stack.change_sets.values().filter(|set| set.execution == ChangeSetExecution::NotBegun);
            let all: Vec<Value> = sets.map(|set| set_summary(stack, set)).collect();
            let (page, next) = page(all, text(input, "NextToken"), PAGE)?;
            Ok(Response::Query(json!({"Summaries": page, "NextToken": next})))
        }
        "DeleteChangeSet" => delete_change_set(call, input),
        "ExecuteChangeSet" => execute_change_set(call, input),
        "CreateStack" => create_stack(call, &required()?, input),
        "UpdateStack" => update_stack(call, &required()?, input),
        "DeleteStack" => delete_stack(call, &required()?, input),
        "CancelUpdateStack" => cancel_update(call, &required()?),
        "RollbackStack" | "ContinueUpdateRollback" => roll_back(call, operation, &required()?, input),
        "UpdateTerminationProtection" => {
            let protect = flag(input, "EnableTerminationProtection");
            let stack = live(call.world, &required()?)?;
            stack.termination_protection = protect;
            let id = stack.id.clone();
            call.changed();
            Ok(Response::Query(json!({"StackId": id})))
        }
        "GetStackPolicy" => {
            existing(call.world, &required()?)?;
            Ok(Response::Query(json!({})))
        }
        "ListExports" => {
            let stacks = call.world.state.stacks.values().filter(|s| s.status != StackStatus::DeleteComplete);
            let exports = stacks.flat_map(|stack| {
                stack.outputs.iter().filter_map(|output| {
                    Some(json!({"ExportingStackId": stack.id, "Name": output.export.clone()?, "Value": output.value}))
                })
            });
            let (page, next) = page(exports.collect(), text(input, "NextToken"), PAGE)?;
            Ok(Response::Query(json!({"Exports": page, "NextToken": next})))
        }
        "ListImports" => {
            let export = text(input, "ExportName").unwrap_or_default();
            let importers: Vec<String> = importers(call.world, export);
            match importers.is_empty() {
                true => Err(AwsError::validation(format!("Export '{export}' is not imported by any stack."))),
                false => Ok(Response::Query(json!({"Imports": importers}))),
            }
        }
        _ => Err(call.not_served(operation)),
    }
}

fn resource(call: &Call<'_>, name: Option<&str>) -> String {
    match name {
        None => "*".into(),
        Some(name) => match call.world.state.stack(name) {
            Some(stack) => stack.id.clone(),
            None if name.starts_with("arn:") => name.into(),
            None => call.arn("cloudformation", &format!("stack/{name}/*")),
        },
    }
}
