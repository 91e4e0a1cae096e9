//! Stacks without change sets: created, updated, deleted, cancelled, rolled back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::submitted::{outputs_differ, plan, target};
use super::{live, updatable, valid_name, with_engine};
use crate::aws::cloudformation::changes;
use crate::aws::cloudformation::engine::{self, OnFailure, Options};
use crate::aws::cloudformation::resolve::Scope;
use crate::aws::cloudformation::stack::{Stack, Status};
use crate::aws::cloudformation::template;
use crate::aws::error::{AwsError, Result};
use crate::aws::service::{Call, Next, World, flag, items, text};

pub(super) fn options(input: &Value) -> Options {
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

pub(super) fn create_stack(call: &mut Call<'_>, name: &str, input: &Value) -> Result<Next> {
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

pub(super) fn update_stack(call: &mut Call<'_>, name: &str, input: &Value) -> Result<Next> {
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

pub(super) fn delete_stack(call: &mut Call<'_>, name: &str, input: &Value) -> Result<Next> {
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
    if let Some((export, other)) = importers_of(call.world, &id).into_iter().next() {
        return Err(AwsError::validation(format!("Export {export} cannot be deleted as it is in use by {other}")));
    }
    call.world.state.forget_deleted_stacks();
    let retain: BTreeSet<String> =
        items(input, "RetainResources").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let token = text(input, "ClientRequestToken").map(str::to_owned);
    with_engine(call.world, &id, call.now, |stack, env| engine::begin_delete(stack, token, retain, env));
    Ok(Next::Drive { stack: id, answer: json!({}) })
}

/// For each export of a stack that another one imports, that other's name.
pub(super) fn importers_of(world: &World, id: &str) -> BTreeMap<String, String> {
    let Some(stack) = world.state.stacks.get(id) else { return BTreeMap::new() };
    let exports = stack.outputs.iter().filter_map(|output| output.export.as_ref());
    let used = exports.filter_map(|export| {
        let other = importers(world, export).into_iter().find(|other| *other != stack.name)?;
        Some((export.clone(), other))
    });
    used.collect()
}

/// Names of live stacks whose templates import an export.
pub(super) fn importers(world: &World, export: &str) -> Vec<String> {
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

pub(super) fn cancel_update(call: &mut Call<'_>, name: &str) -> Result<Next> {
    let stack = live(call.world, name)?;
    let refused = || AwsError::validation("CancelUpdateStack cannot be called from current stack status");
    if stack.status != Status::UpdateInProgress {
        return Err(refused());
    }
    stack.operation.as_mut().ok_or_else(refused)?.cancelled = Some("User Initiated".into());
    call.changed();
    Ok(Next::Result(json!({})))
}

pub(super) fn roll_back(call: &mut Call<'_>, operation: &str, name: &str, input: &Value) -> Result<Next> {
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
