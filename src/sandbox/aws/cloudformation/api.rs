//! CloudFormation's operations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::changes::{self, Action, Change};
use super::engine::{self, Env, OnFailure, Options};
use super::parameters::{self, Given};
use super::resolve::Scope;
use super::stack::{ChangeSet, Resource, Stack, Status, Target};
use super::template::{self, section};
use super::{schema, validate};
use crate::sandbox::aws::error::{AwsError, Result};
use crate::sandbox::aws::s3;
use crate::sandbox::aws::service::{Call, Next, World, flag, items, page, text};
use crate::sandbox::aws::tags;
use crate::sandbox::aws::time::Instant;

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
    let state = &mut world.state;
    let mut env = Env { now, ids: &mut world.ids, account: &state.account, region: &state.region, exports, ssm };
    let result = run(state.stacks.get_mut(id)?, &mut env);
    world.dirty = true;
    Some(result)
}

fn stack_value(stack: &Stack) -> Value {
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
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    })
}

fn parameter_values(target: &Target) -> Vec<Value> {
    let parameters = target.parameters.iter();
    parameters
        .map(|(name, p)| json!({"ParameterKey": name, "ParameterValue": p.shown(), "ResolvedValue": p.resolved}))
        .collect()
}

fn resource_value(stack: &Stack, logical: &str, resource: &Resource) -> Value {
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
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    })
}

fn list_stacks(call: &Call<'_>, input: &Value) -> Result<Next> {
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
    Ok(Next::Result(json!({"StackSummaries": page, "NextToken": next})))
}

fn events(call: &Call<'_>, name: &str, input: &Value) -> Result<Next> {
    let missing = |_| AwsError::validation(format!("Stack [{name}] does not exist"));
    let stack = existing(call.world, name).map_err(missing)?;
    let all: Vec<Value> = stack
        .events
        .iter()
        .rev()
        .map(|event| {
            json!({
                "StackId": stack.id,
                "StackName": stack.name,
                "EventId": event.id,
                "LogicalResourceId": event.logical_id,
                "PhysicalResourceId": event.physical_id,
                "ResourceType": event.kind,
                "Timestamp": event.at.iso(),
                "ResourceStatus": event.status.as_str(),
                "ResourceStatusReason": event.reason,
                "ResourceProperties": event.properties,
                "ClientRequestToken": event.token,
                "OperationId": event.operation_id,
            })
        })
        .collect();
    let (page, next) = page(all, text(input, "NextToken"), PAGE)?;
    Ok(Next::Result(json!({"StackEvents": page, "NextToken": next})))
}

fn describe_resources(call: &Call<'_>, input: &Value) -> Result<Next> {
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
    Ok(Next::Result(json!({"StackResources": all})))
}

fn get_template(call: &Call<'_>, name: &str, input: &Value) -> Result<Next> {
    let stack = existing(call.world, name)?;
    let body = match text(input, "ChangeSetName") {
        Some(set) => stack.change_set(set).ok_or_else(|| no_change_set(set))?.target.text.clone(),
        None => stack.target.text.clone(),
    };
    Ok(Next::Result(json!({"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]})))
}

fn summary(call: &Call<'_>, operation: &str, input: &Value) -> Result<Next> {
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
            json!({"ParameterKey": name, "DefaultValue": super::resolve::scalar(&p["Default"]), "ParameterType": p["Type"],
                   "NoEcho": p["NoEcho"] == true, "Description": p["Description"], "ParameterConstraints": {}})
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
    Ok(Next::Result(result))
}

/// The template of a request: its text and its value.
fn submitted(call: &Call<'_>, input: &Value, previous: Option<&Target>) -> Result<(String, Value)> {
    let body = match (text(input, "TemplateBody"), text(input, "TemplateURL"), flag(input, "UsePreviousTemplate")) {
        (Some(body), _, _) if body.len() > template::MAX_INLINE => {
            return Err(AwsError::validation(format!(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {}",
                template::MAX_INLINE
            )));
        }
        (Some(body), _, _) => body.to_owned(),
        (None, Some(url), _) => fetched(call, url)?,
        (None, None, true) => match previous {
            Some(target) => target.text.clone(),
            None => return Err(AwsError::validation("There is no previous template to use")),
        },
        (None, None, false) => {
            return Err(AwsError::validation("Either Template URL or Template Body must be specified."));
        }
    };
    let value = template::parse(&body).map_err(AwsError::validation)?;
    Ok((body, value))
}

fn fetched(call: &Call<'_>, url: &str) -> Result<String> {
    let refused = |why: &str| AwsError::validation(format!("S3 error: {why}"));
    let (bucket, key) = s3::locate(url).ok_or_else(|| AwsError::validation("TemplateURL must be a supported URL."))?;
    call.allow("s3:GetObject", &format!("arn:aws:s3:::{bucket}/{key}")).map_err(|_| refused("Access Denied"))?;
    let found = call.world.state.buckets.get(&bucket).and_then(|bucket| bucket.objects.get(&key));
    let object = found.ok_or_else(|| refused("The specified key does not exist."))?;
    if object.size as usize > template::MAX_STORED {
        return Err(AwsError::validation(format!("Template may not exceed {} bytes in size.", template::MAX_STORED)));
    }
    let body = call.world.store.get(&object.blob).map_err(|_| refused("The specified key does not exist."))?;
    String::from_utf8(body.to_vec()).map_err(|_| AwsError::validation("Template format error: not a text"))
}

/// Checks a request's template and parameters, and makes them what the stack is to become.
fn target(call: &Call<'_>, input: &Value, old: Option<&Stack>) -> Result<Target> {
    let (text_body, template) = submitted(call, input, old.map(|stack| &stack.target))?;
    validate::template(&template)?;
    if let Some(old) = old {
        same_types(&template, old)?;
    }
    let given = items(input, "Parameters").iter().filter_map(|p| {
        let value = match flag(p, "UsePreviousValue") {
            true => Given::Previous,
            false => Given::Value(p["ParameterValue"].as_str().unwrap_or_default().to_owned()),
        };
        Some((p["ParameterKey"].as_str()?.to_owned(), value))
    });
    let empty = BTreeMap::new();
    let previous = old.map_or(&empty, |stack| &stack.target.parameters);
    let ssm = call.world.state.ssm_values();
    let parameters = parameters::bind(&template, &given.collect(), previous, &ssm).map_err(AwsError::validation)?;
    let capabilities: Vec<String> =
        items(input, "Capabilities").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    validate::capabilities(&template, &capabilities)?;
    let role_arn =
        text(input, "RoleARN").map(str::to_owned).or_else(|| old.and_then(|stack| stack.target.role_arn.clone()));
    if let Some(arn) = &role_arn {
        service_role(call, arn)?;
    }
    let tags = match input.get("Tags") {
        Some(Value::Array(_)) => tags::map(&input["Tags"]).unwrap_or_default(),
        _ => old.map(|stack| stack.target.tags.clone()).unwrap_or_default(),
    };
    let target = Target { text: text_body, template, parameters, role_arn, capabilities, tags };
    let nothing = BTreeSet::new();
    let none = BTreeMap::new();
    let exports = call.world.state.exports();
    validate::rules(&Scope {
        template: &target.template,
        parameters: &target.parameters,
        resources: &none,
        unknown: &nothing,
        exports: &exports,
        ssm: &ssm,
        stack_name: "",
        stack_id: "",
        account: &call.world.state.account,
        region: &call.world.state.region,
    })?;
    Ok(target)
}

fn same_types(template: &Value, old: &Stack) -> Result<()> {
    let changed: Vec<&str> = section(template, "Resources")
        .filter(|(name, r)| old.resources.get(*name).is_some_and(|o| o.exists() && r["Type"] != o.kind.as_str()))
        .map(|(name, _)| name.as_str())
        .collect();
    match changed.is_empty() {
        true => Ok(()),
        false => Err(AwsError::validation(format!(
            "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{}]",
            changed.join(", ")
        ))),
    }
}

/// The role that CloudFormation works with.
fn service_role(call: &Call<'_>, arn: &str) -> Result<()> {
    call.allow("iam:PassRole", arn)?;
    let iam = &call.world.state.iam;
    let usable = iam.role_by_arn(arn).is_some_and(|(_, role)| iam.trusts_service(role, "cloudformation.amazonaws.com"));
    match usable {
        true => Ok(()),
        false => Err(AwsError::validation(format!("Role {arn} is invalid or cannot be assumed"))),
    }
}

fn empty_target() -> Target {
    Target {
        text: String::new(),
        template: Value::Object(Map::new()),
        parameters: BTreeMap::new(),
        role_arn: None,
        capabilities: Vec::new(),
        tags: BTreeMap::new(),
    }
}

fn plan(call: &Call<'_>, target: &Target, stack: &Stack, import: bool) -> Result<Vec<Change>> {
    let nothing = BTreeSet::new();
    let (exports, ssm) = (call.world.state.exports(), call.world.state.ssm_values());
    let scope = Scope {
        template: &target.template,
        parameters: &target.parameters,
        resources: &stack.resources,
        unknown: &nothing,
        exports: &exports,
        ssm: &ssm,
        stack_name: &stack.name,
        stack_id: &stack.id,
        account: &call.world.state.account,
        region: &call.world.state.region,
    };
    let importable = |kind: &str, properties: &Value| {
        let name = schema::kind(kind).and_then(|k| k.named_by).and_then(|name| properties[name].as_str());
        import && kind == "AWS::S3::Bucket" && name.is_some_and(|name| call.world.state.buckets.contains_key(name))
    };
    changes::plan(target, &stack.target, &stack.resources, &scope, &importable).map_err(AwsError::validation)
}

/// Whether the outputs' definitions or conditions make a difference by themselves.
fn outputs_differ(target: &Target, stack: &Stack) -> bool {
    target.template.get("Outputs") != stack.target.template.get("Outputs")
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

fn create_change_set(call: &mut Call<'_>, name: &str, input: &Value) -> Result<Next> {
    let set_name =
        text(input, "ChangeSetName").ok_or_else(|| AwsError::validation("ChangeSetName is missing"))?.to_owned();
    let update = match text(input, "ChangeSetType").unwrap_or("UPDATE") {
        "CREATE" => false,
        "UPDATE" => true,
        other => return Err(call.not_served(&format!("a change set of type {other}"))),
    };
    let old = call.world.state.stack(name).filter(|s| s.status != Status::DeleteComplete).cloned();
    match (&old, update) {
        (Some(stack), true) => {
            if stack.status == Status::ReviewInProgress {
                return Err(AwsError::validation(format!("Stack [{name}] does not exist")));
            }
            updatable(stack)?;
        }
        (None, true) => return Err(AwsError::validation(format!("Stack [{name}] does not exist"))),
        (Some(stack), false) if stack.status != Status::ReviewInProgress => {
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
            stack.set_status(Status::ReviewInProgress, Some("User Initiated"), call.now, &mut call.world.ids);
            stack
        }
    };
    let import_existing = flag(input, "ImportExistingResources");
    let changes = plan(call, &target, &stack, import_existing)?;
    let nothing = update && changes::nothing_changes(&changes, &target, &stack.target, outputs_differ(&target, &stack));
    let id = format!("arn:aws:cloudformation:{region}:{account}:changeSet/{set_name}/{}", call.world.ids.uuid());
    let failure = text(input, "OnStackFailure");
    let set = ChangeSet {
        id: id.clone(),
        name: set_name,
        description: text(input, "Description").map(str::to_owned),
        created: call.now,
        update,
        target,
        changes,
        failed: nothing.then(|| NO_CHANGES.to_owned()),
        executed: false,
        express: input["DeploymentConfig"]["Mode"] == "EXPRESS",
        no_rollback: failure == Some("DO_NOTHING"),
        import_existing,
        include_nested: flag(input, "IncludeNestedStacks"),
    };
    stack.change_sets.insert(id.clone(), set);
    let stack_id = stack.id.clone();
    call.world.state.stacks.insert(stack_id.clone(), stack);
    call.changed();
    Ok(Next::Result(json!({"Id": id, "StackId": stack_id})))
}

/// Clients look for this sentence to tell "nothing to do" from a failure.
const NO_CHANGES: &str =
    "The submitted information didn't contain changes. Submit different information to create a change set.";

fn no_change_set(name: &str) -> AwsError {
    AwsError::new(404, "ChangeSetNotFound", format!("ChangeSet [{name}] does not exist"))
}

/// The stack and the id of the change set that a request names.
fn find_set(world: &World, input: &Value) -> Result<(String, String)> {
    let name = text(input, "ChangeSetName").ok_or_else(|| AwsError::validation("ChangeSetName is missing"))?;
    let stack = match text(input, "StackName") {
        Some(stack) => Some(existing(world, stack)?),
        None => world.state.stacks.values().find(|stack| stack.change_sets.contains_key(name)),
    };
    let stack = stack.ok_or_else(|| no_change_set(name))?;
    let set = stack.change_set(name).ok_or_else(|| no_change_set(name))?;
    Ok((stack.id.clone(), set.id.clone()))
}

fn execution(set: &ChangeSet) -> &'static str {
    match (set.executed, set.failed.is_some()) {
        (true, _) => "EXECUTE_COMPLETE",
        (false, true) => "UNAVAILABLE",
        (false, false) => "AVAILABLE",
    }
}

fn set_status(set: &ChangeSet) -> &'static str {
    if set.failed.is_some() { "FAILED" } else { "CREATE_COMPLETE" }
}

fn set_summary(stack: &Stack, set: &ChangeSet) -> Value {
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

fn describe_change_set(call: &Call<'_>, input: &Value) -> Result<Next> {
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
    result["OnStackFailure"] = set.no_rollback.then_some("DO_NOTHING").into();
    Ok(Next::Result(result))
}

fn change_value(change: &Change, values: bool) -> Value {
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
        Action::Add => "Add",
        Action::Modify => "Modify",
        Action::Remove => "Remove",
        Action::Import => "Import",
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

fn delete_change_set(call: &mut Call<'_>, input: &Value) -> Result<Next> {
    // One that is not there is as good as deleted; a stack that is not there is an error.
    match find_set(call.world, input) {
        Ok((stack, set)) => {
            if let Some(stack) = call.world.state.stacks.get_mut(&stack) {
                stack.change_sets.remove(&set);
            }
            call.changed();
            Ok(Next::Result(json!({})))
        }
        Err(error) if error.code == "ChangeSetNotFound" => Ok(Next::Result(json!({}))),
        Err(error) => Err(error),
    }
}

fn execute_change_set(call: &mut Call<'_>, input: &Value) -> Result<Next> {
    let (id, set_id) = find_set(call.world, input)?;
    let stack = &call.world.state.stacks[&id];
    let set = stack.change_sets[&set_id].clone();
    if set.failed.is_some() || set.executed {
        return Err(AwsError::new(
            400,
            "InvalidChangeSetStatus",
            format!("ChangeSet [{}] cannot be executed in its current status of [{}]", set.id, set_status(&set)),
        ));
    }
    if set.update {
        updatable(stack)?;
    }
    let no_rollback = flag(input, "DisableRollback") || set.no_rollback || set.express;
    let options = Options {
        token: text(input, "ClientRequestToken").map(str::to_owned),
        on_failure: if no_rollback { OnFailure::Nothing } else { OnFailure::Rollback },
        express: set.express,
        import_existing: set.import_existing,
    };
    with_engine(call.world, &id, call.now, |stack, env| {
        // The others are of a state that is about to be gone.
        stack.change_sets.clear();
        engine::begin(stack, set.target, options, env);
    });
    Ok(Next::Drive { stack: id, answer: json!({}) })
}

fn options(input: &Value) -> Options {
    let on_failure = match text(input, "OnFailure") {
        Some("DO_NOTHING") => OnFailure::Nothing,
        Some("DELETE") => OnFailure::Delete,
        _ if flag(input, "DisableRollback") => OnFailure::Nothing,
        _ => OnFailure::Rollback,
    };
    let express = input["DeploymentConfig"]["Mode"] == "EXPRESS";
    Options {
        token: text(input, "ClientRequestToken").map(str::to_owned),
        on_failure: if express { OnFailure::Nothing } else { on_failure },
        express,
        import_existing: false,
    }
}

fn create_stack(call: &mut Call<'_>, name: &str, input: &Value) -> Result<Next> {
    valid_name(name)?;
    if call.world.state.stack(name).is_some() {
        return Err(AwsError::new(400, "AlreadyExistsException", format!("Stack [{name}] already exists")));
    }
    let target = target(call, input, None)?;
    let (account, region) = (call.world.state.account.clone(), call.world.state.region.clone());
    let mut stack = Stack::new(name, &account, &region, target.clone(), call.now, &mut call.world.ids);
    stack.termination_protection = flag(input, "EnableTerminationProtection");
    let id = stack.id.clone();
    call.world.state.stacks.insert(id.clone(), stack);
    with_engine(call.world, &id, call.now, |stack, env| engine::begin(stack, target, options(input), env));
    Ok(Next::Drive { stack: id.clone(), answer: json!({"StackId": id}) })
}

fn update_stack(call: &mut Call<'_>, name: &str, input: &Value) -> Result<Next> {
    let stack = live(call.world, name)?.clone();
    updatable(&stack)?;
    let target = target(call, input, Some(&stack))?;
    let changes = plan(call, &target, &stack, false)?;
    let retry = stack.suspended.is_some();
    if !retry && changes::nothing_changes(&changes, &target, &stack.target, outputs_differ(&target, &stack)) {
        return Err(AwsError::validation("No updates are to be performed."));
    }
    let id = stack.id;
    with_engine(call.world, &id, call.now, |stack, env| engine::begin(stack, target, options(input), env));
    Ok(Next::Drive { stack: id.clone(), answer: json!({"StackId": id}) })
}

fn delete_stack(call: &mut Call<'_>, name: &str, input: &Value) -> Result<Next> {
    let Some(stack) = call.world.state.stack(name).filter(|s| s.status != Status::DeleteComplete) else {
        return Ok(Next::Result(json!({})));
    };
    if stack.termination_protection {
        return Err(AwsError::validation(format!(
            "Stack [{}] cannot be deleted while TerminationProtection is enabled",
            stack.name
        )));
    }
    let id = stack.id.clone();
    match stack.status {
        Status::DeleteInProgress => return Ok(Next::Result(json!({}))),
        status if status.in_progress() => {
            return Err(AwsError::validation(format!(
                "Stack [{id}] cannot be deleted while in status {}",
                status.as_str()
            )));
        }
        _ => {}
    }
    for export in stack.outputs.iter().filter_map(|output| output.export.as_ref()) {
        if let Some(other) = importers(call.world, export).into_iter().find(|other| *other != stack.name) {
            return Err(AwsError::validation(format!("Export {export} cannot be deleted as it is in use by {other}")));
        }
    }
    call.world.state.forget_deleted_stacks();
    let retain: BTreeSet<String> =
        items(input, "RetainResources").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let token = text(input, "ClientRequestToken").map(str::to_owned);
    with_engine(call.world, &id, call.now, |stack, env| engine::begin_delete(stack, token, retain, env));
    Ok(Next::Drive { stack: id, answer: json!({}) })
}

/// Names of live stacks whose templates import an export.
fn importers(world: &World, export: &str) -> Vec<String> {
    let none = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    let uses = |stack: &&Stack| {
        let scope = Scope {
            template: &stack.target.template,
            parameters: &stack.target.parameters,
            resources: &stack.resources,
            unknown: &none.0,
            exports: &none.1,
            ssm: &none.2,
            stack_name: &stack.name,
            stack_id: &stack.id,
            account: &world.state.account,
            region: &world.state.region,
        };
        imports(&stack.target.template).iter().any(|name| scope.text(name).is_ok_and(|name| name == export))
    };
    let live = world.state.stacks.values().filter(|s| s.status != Status::DeleteComplete);
    live.filter(uses).map(|stack| stack.name.clone()).collect()
}

fn imports(value: &Value) -> Vec<&Value> {
    match (template::call(value), value) {
        (Some(("Fn::ImportValue", name)), _) => vec![name],
        (_, Value::Array(items)) => items.iter().flat_map(imports).collect(),
        (_, Value::Object(map)) => map.values().flat_map(imports).collect(),
        (_, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Vec::new(),
    }
}

fn cancel_update(call: &mut Call<'_>, name: &str) -> Result<Next> {
    let stack = live(call.world, name)?;
    let refused = || AwsError::validation("CancelUpdateStack cannot be called from current stack status");
    if stack.status != Status::UpdateInProgress {
        return Err(refused());
    }
    stack.operation.as_mut().ok_or_else(refused)?.cancelled = Some("User Initiated".into());
    call.changed();
    Ok(Next::Result(json!({})))
}

fn roll_back(call: &mut Call<'_>, operation: &str, name: &str, input: &Value) -> Result<Next> {
    let stack = live(call.world, name)?;
    let fitting = match operation {
        "ContinueUpdateRollback" => stack.status == Status::UpdateRollbackFailed,
        _ => matches!(stack.status, Status::CreateFailed | Status::UpdateFailed),
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
    Ok(Next::Drive { stack: id.clone(), answer: json!({"StackId": id}) })
}
