//! Exports, and the stacks that import them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::aws::cloudformation::conditions::Evaluation;
use crate::aws::cloudformation::model::{Stack, StackStatus};
use crate::aws::cloudformation::resolve::Scope;
use crate::aws::cloudformation::template;
use crate::aws::service::World;

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
            evaluation: &Evaluation::default(),
        };
        imports(&stack.target.template).iter().any(|name| scope.text(name).is_ok_and(|name| name == export))
    };
    // What was rolled back as it was made has none of its resources, and imports nothing.
    let gone = |status| matches!(status, StackStatus::DeleteComplete | StackStatus::RollbackComplete);
    let live = world.state.stacks.values().filter(|stack| !gone(stack.status));
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
