//! What a template comes to once its parameters are known: references to resources that conditions leave out, and keys
//! that no mapping has. CloudFormation refuses both at the call.
//!
//! Sentences are those of answers recorded in localstack/localstack (engine/test_conditions, engine/test_mappings).

use std::collections::BTreeSet;

use serde_json::Value;

use super::resolve::Scope;
use super::template::{SubPiece, call, get_att, references, section, sub_argument, sub_pieces};

/// What a stack's template may ask for that is not known before there is a stack.
const LATER: [&str; 3] = ["AWS::StackName", "AWS::StackId", "AWS::NotificationARNs"];

/// Checks what is wanted of resources and outputs. `scope` needs parameters and conditions; resources are not asked for.
///
/// # Errors
/// CloudFormation's sentence.
pub(super) fn check(scope: &Scope<'_>) -> Result<(), String> {
    let resources = missing(scope, "Resources", &["Properties"])?;
    if !resources.is_empty() {
        let list: Vec<String> = resources.into_iter().collect();
        return Err(format!(
            "Template format error: Unresolved resource dependencies [{}] in the Resources block of the template",
            list.join(", ")
        ));
    }
    let outputs = missing(scope, "Outputs", &["Value", "Export"])?;
    if !outputs.is_empty() {
        let list: Vec<String> = outputs.into_iter().collect();
        return Err(format!(
            "Unresolved resource dependencies [{}] in the Outputs block of the template",
            list.join(", ")
        ));
    }
    Ok(())
}

/// The resources that the wanted members of a block refer to and that are themselves not wanted.
fn missing(scope: &Scope<'_>, block: &str, members: &[&str]) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for (_, member) in section(scope.template, block) {
        if scope.included(member)? {
            for name in members {
                walk(scope, &member[*name], &mut found)?;
            }
        }
    }
    Ok(found)
}

fn walk(scope: &Scope<'_>, value: &Value, found: &mut BTreeSet<String>) -> Result<(), String> {
    let mut named = |name: &str| -> Result<(), String> {
        if let Some(resource) = scope.template["Resources"].get(name)
            && !scope.included(resource)?
        {
            found.insert(name.to_owned());
        }
        Ok(())
    };
    match call(value) {
        Some(("Ref", Value::String(name))) => return named(name),
        Some(("Fn::GetAtt", argument)) => {
            return get_att(argument).map_or(Ok(()), |(name, _)| named(&name));
        }
        Some(("Fn::If", Value::Array(parts))) => {
            // Only what the condition chooses is asked for.
            let [Value::String(condition), yes, no] = parts.as_slice() else { return Ok(()) };
            return walk(scope, if scope.condition(condition)? { yes } else { no }, found);
        }
        Some(("Fn::Sub", argument)) => {
            let (text, variables) = sub_argument(argument);
            for piece in sub_pieces(text) {
                if let SubPiece::Name(name) = piece
                    && variables.is_none_or(|variables| !variables.contains_key(name))
                {
                    named(name.split_once('.').map_or(name, |(resource, _)| resource))?;
                }
            }
            return variables.into_iter().flatten().try_for_each(|(_, value)| walk(scope, value, found));
        }
        Some(("Fn::FindInMap", argument)) => {
            let known = |(name, attribute): (String, Option<String>)| {
                let given = scope.parameters.contains_key(&name) || name.starts_with("AWS::");
                attribute.is_none() && given && !LATER.contains(&name.as_str())
            };
            if references(argument).into_iter().all(known) {
                scope.resolve(value)?;
            }
        }
        _ => {}
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| walk(scope, item, found)),
        Value::Object(map) => map.values().try_for_each(|value| walk(scope, value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
