//! CloudFormation's operations.

mod changesets;
mod describe;
mod operate;
mod submitted;

use serde_json::{Value, json};

use self::changesets::{create_change_set, delete_change_set, describe_change_set, execute_change_set, set_summary};
use self::describe::{describe_resources, events, get_template, list_stacks, resource_value, stack_value, summary};
use self::operate::{cancel_update, create_stack, delete_stack, importers, importers_of, roll_back, update_stack};
use super::engine::Env;
use super::stack::{Stack, Status};
use crate::aws::error::{AwsError, Result};
use crate::aws::service::{Call, Next, World, flag, page, text};
use crate::aws::time::Instant;

/// Entries per page of the list operations, as on AWS.
const PAGE: usize = 100;

pub fn call(call: &mut Call<'_>, operation: &str, input: &Value) -> Result<Next> {
    let name = text(input, "StackName").map(str::to_owned);
    call.allow(&format!("cloudformation:{operation}"), &resource(call, name.as_deref()))?;
    let required = || {
        name.clone().ok_or_else(|| AwsError::validation("1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be null"))
    };
    match operation {
        "DescribeStacks" => match name {
            Some(name) => {
                let stack = existing(call.world, &name)?;
                Ok(Next::Settle { stack: stack.id.clone() })
            }
            None => {
                let all = call.world.state.stacks.values().filter(|s| s.status != Status::DeleteComplete);
                let all: Vec<Value> = all.map(stack_value).collect();
                let (stacks, next) = page(all, text(input, "NextToken"), PAGE)?;
                Ok(Next::Result(json!({"Stacks": stacks, "NextToken": next})))
            }
        },
        "ListStacks" => list_stacks(call, input),
        "DescribeStackEvents" => events(call, &required()?, input),
        "DescribeStackResource" => {
            let stack = existing(call.world, &required()?)?;
            let logical = text(input, "LogicalResourceId").unwrap_or_default();
            let resource = stack.resources.get(logical).ok_or_else(|| {
                AwsError::validation(format!("Resource {logical} does not exist for stack {}", stack.name))
            })?;
            Ok(Next::Result(json!({"StackResourceDetail": resource_value(stack, logical, resource)})))
        }
        "DescribeStackResources" => describe_resources(call, input),
        "ListStackResources" => {
            let stack = existing(call.world, &required()?)?;
            let all: Vec<Value> = stack.resources.iter().map(|(name, r)| resource_value(stack, name, r)).collect();
            let (page, next) = page(all, text(input, "NextToken"), PAGE)?;
            Ok(Next::Result(json!({"StackResourceSummaries": page, "NextToken": next})))
        }
        "GetTemplate" => get_template(call, &required()?, input),
        "GetTemplateSummary" | "ValidateTemplate" => summary(call, operation, input),
        "CreateChangeSet" => create_change_set(call, &required()?, input),
        "DescribeChangeSet" => describe_change_set(call, input),
        "ListChangeSets" => {
            let stack = existing(call.world, &required()?)?;
            let all: Vec<Value> = stack.change_sets.values().map(|set| set_summary(stack, set)).collect();
            let (page, next) = page(all, text(input, "NextToken"), PAGE)?;
            Ok(Next::Result(json!({"Summaries": page, "NextToken": next})))
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
            Ok(Next::Result(json!({"StackId": id})))
        }
        "GetStackPolicy" => {
            existing(call.world, &required()?)?;
            Ok(Next::Result(json!({})))
        }
        "ListExports" => {
            let stacks = call.world.state.stacks.values().filter(|s| s.status != Status::DeleteComplete);
            let exports = stacks.flat_map(|stack| {
                stack.outputs.iter().filter_map(|output| {
                    Some(json!({"ExportingStackId": stack.id, "Name": output.export.clone()?, "Value": output.value}))
                })
            });
            let (page, next) = page(exports.collect(), text(input, "NextToken"), PAGE)?;
            Ok(Next::Result(json!({"Exports": page, "NextToken": next})))
        }
        "ListImports" => {
            let export = text(input, "ExportName").unwrap_or_default();
            let importers: Vec<String> = importers(call.world, export);
            match importers.is_empty() {
                true => Err(AwsError::validation(format!("Export '{export}' is not imported by any stack."))),
                false => Ok(Next::Result(json!({"Imports": importers}))),
            }
        }
        _ => Err(call.not_served(operation)),
    }
}

/// The answer to DescribeStacks for one stack.
pub fn described(world: &World, id: &str) -> Result<Value> {
    Ok(json!({"Stacks": [stack_value(existing(world, id)?)]}))
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

fn existing<'a>(world: &'a World, name: &str) -> Result<&'a Stack> {
    world.state.stack(name).ok_or_else(|| AwsError::validation(format!("Stack with id {name} does not exist")))
}

/// One that is not deleted.
fn live<'a>(world: &'a mut World, name: &str) -> Result<&'a mut Stack> {
    let id = world.state.stack(name).filter(|s| s.status != Status::DeleteComplete).map(|s| s.id.clone());
    let missing = || AwsError::validation(format!("Stack [{name}] does not exist"));
    world.state.stacks.get_mut(&id.ok_or_else(missing)?).ok_or_else(missing)
}

/// Runs the engine on a stack, with what it needs of the world.
pub fn with_engine<T>(
    world: &mut World,
    id: &str,
    now: Instant,
    run: impl FnOnce(&mut Stack, &mut Env<'_>) -> T,
) -> Option<T> {
    let (exports, ssm) = (world.state.exports(), world.state.ssm_values());
    let importers = importers_of(world, id);
    let state = &mut world.state;
    let mut env =
        Env { now, ids: &mut world.ids, account: &state.account, region: &state.region, exports, importers, ssm };
    let result = run(state.stacks.get_mut(id)?, &mut env);
    world.dirty = true;
    Some(result)
}

fn updatable(stack: &Stack) -> Result<()> {
    let allowed = matches!(
        stack.status,
        Status::CreateComplete | Status::UpdateComplete | Status::UpdateRollbackComplete | Status::ImportComplete
    ) || stack.suspended.is_some() && matches!(stack.status, Status::CreateFailed | Status::UpdateFailed);
    match allowed {
        true => Ok(()),
        false => Err(AwsError::validation(format!(
            "Stack:{} is in {} state and can not be updated.",
            stack.id,
            stack.status.as_str()
        ))),
    }
}

fn valid_name(name: &str) -> Result<()> {
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
