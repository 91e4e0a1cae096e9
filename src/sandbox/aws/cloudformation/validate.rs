//! Faults of a template that can be known before anything is made.
//!
//! Sentences are CloudFormation's own where they are known, so that searching for them helps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::conditional;
use super::conditions;
use super::function_shapes;
use super::resolve::Scope;
use super::resource_types;
use super::sections::{self, alphanumeric, known_conditions};
use super::template::{call, references, section};
use crate::aws::error::{AwsError, AwsResult};

const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

const RESOURCE_MEMBERS: &[&str] = &[
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
    "Version",
];

/// The only version of the format there has been.
const FORMAT_VERSION: &str = "2010-09-09";

/// Checks the template by itself.
pub(crate) fn template(template: &Value) -> AwsResult<()> {
    let format = |message: String| Err(AwsError::validation(format!("Template format error: {message}")));
    for (name, _) in template.as_object().into_iter().flatten() {
        if !SECTIONS.contains(&name.as_str()) {
            return Err(AwsError::validation(format!("Invalid template property or properties [{name}]")));
        }
    }
    if let Some(transform) = template.get("Transform") {
        return Err(AwsError::validation(format!("the workshop sandbox does not have the transform {transform}")));
    }
    if template.get("AWSTemplateFormatVersion").is_some_and(|version| *version != FORMAT_VERSION) {
        return format("unsupported value for AWSTemplateFormatVersion.".into());
    }
    sections::nulls(template)?;
    sections::counts(template)?;
    sections::mappings(template)?;
    let resources: BTreeMap<&String, &Value> = section(template, "Resources").collect();
    if resources.is_empty() {
        return format("At least one Resources member must be defined.".into());
    }
    let mut unknown = BTreeSet::new();
    for (name, resource) in &resources {
        if !alphanumeric(name) {
            return format(format!("Resource name {name} is non alphanumeric."));
        }
        let Some(members) = resource.as_object() else {
            // Recorded in localstack/localstack, tests/aws/services/cloudformation.
            return format("Any Resources member must be an object.".into());
        };
        if let Some(member) = members.keys().find(|m| !RESOURCE_MEMBERS.contains(&m.as_str())) {
            return Err(AwsError::validation(format!("Invalid template resource property '{member}'")));
        }
        match resource["Type"].as_str() {
            None if resource.get("Type").is_some() => {
                return format(format!("[/Resources/{name}] Every Type member must be a string."));
            }
            None => return format(format!("[/Resources/{name}] Every Resources object must contain a Type member.")),
            Some(kind) if resource_types::kind(kind).is_none() => {
                unknown.insert(kind);
            }
            Some(_) => {}
        }
        policies(name, resource)?;
        known_conditions(template, "Resources", resource, "Properties")?;
    }
    if !unknown.is_empty() {
        return format(unrecognized(&unknown));
    }
    for (_, member) in section(template, "Resources").chain(section(template, "Outputs")) {
        // The sentence is AWS's own transform's (aws/serverless-application-model, samtranslator), as those of policies are.
        if member.get("Condition").is_some_and(|condition| !condition.is_string()) {
            return format("Every Condition member must be a string.".into());
        }
    }
    for block in ["Conditions", "Resources", "Outputs"] {
        known_functions(&template[block])?;
    }
    for block in ["Rules", "Conditions", "Resources", "Outputs"] {
        function_shapes::check(template, &template[block]).map_err(AwsError::validation)?;
    }
    resources_in_conditions(template)?;
    conditions::check(template).map_err(AwsError::validation)?;
    for (block, value) in [("Resources", &template["Resources"]), ("Outputs", &template["Outputs"])] {
        known_references(template, block, value)?;
    }
    sections::outputs(template)?;
    sections::parameters(template)?;
    circular(template)
}

/// What becomes of a resource that goes, and of one that is replaced (CloudFormation user guide, "DeletionPolicy
/// attribute", "UpdateReplacePolicy attribute", 2026-11).
const POLICIES: [(&str, &[&str]); 2] = [
    ("DeletionPolicy", &["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"]),
    ("UpdateReplacePolicy", &["Delete", "Retain", "Snapshot"]),
];

/// Checks a resource's policies and what it depends on: neither is a function's to make.
fn policies(name: &str, resource: &Value) -> AwsResult<()> {
    let format = |message: String| Err(AwsError::validation(format!("Template format error: {message}")));
    for (policy, known) in POLICIES {
        match resource.get(policy) {
            None => {}
            Some(Value::String(given)) if known.contains(&given.as_str()) => {}
            Some(Value::String(given)) => {
                return format(format!("Unrecognized {policy} {given} for resource {name}"));
            }
            Some(_) => return format(format!("Every {policy} member must be a string.")),
        }
    }
    match resource.get("DependsOn") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(all)) if all.iter().all(Value::is_string) => Ok(()),
        // Eucalyptus' endpoint has it so.
        Some(Value::Array(_)) => format("Every DependsOn value must be a string.".into()),
        // As reported in github.com/cloudtools/troposphere/issues/709.
        Some(_) => format("DependsOn must be a string or list of strings.".into()),
    }
}

/// Conditions are evaluated before there are resources.
fn resources_in_conditions(template: &Value) -> AwsResult<()> {
    let named: BTreeSet<String> = references(&template["Conditions"]).into_iter().map(|(name, _)| name).collect();
    let there = |name: &String| template["Parameters"].get(name).is_some() || name.starts_with("AWS::");
    let unresolved: Vec<String> = named.into_iter().filter(|name| !there(name)).collect();
    match unresolved.is_empty() {
        true => Ok(()),
        false => Err(AwsError::validation(format!(
            "Template format error: Unresolved dependencies [{}]. Cannot reference resources in the Conditions block of \
             the template",
            unresolved.join(", ")
        ))),
    }
}

/// CloudFormation's own sentence; and, unless every name is a slip in one that we have, that only the sandbox lacks it.
fn unrecognized(unknown: &BTreeSet<&str>) -> String {
    let all: Vec<&str> = unknown.iter().copied().collect();
    let sentence = format!("Unrecognized resource types: [{}]", all.join(", "));
    let lacking: Vec<&str> = all.into_iter().filter(|name| !is_slip(name)).collect();
    if lacking.is_empty() {
        return sentence;
    }
    let ours: Vec<&str> = resource_types::RESOURCE_TYPES.iter().map(|kind| kind.name).collect();
    format!(
        "{sentence}. This is the workshop sandbox, which does not have {}, though AWS itself may; it has {}",
        lacking.join(", "),
        ours.join(", ")
    )
}

/// Tells that it is so near to a type that we have that this one must be meant: no two types of AWS are so alike.
fn is_slip(name: &str) -> bool {
    resource_types::RESOURCE_TYPES.iter().any(|kind| strsim::damerau_levenshtein(kind.name, name) <= SLIP)
}

/// Letters that may be wrong in a mistyped name.
const SLIP: usize = 2;

/// The functions that a template may call, in the order in which CloudFormation's refusal lists them.
const FUNCTIONS: [&str; 23] = [
    "Fn::Base64",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Split",
    "Fn::FindInMap",
    "Fn::Select",
    "Ref",
    "Fn::Equals",
    "Fn::If",
    "Fn::Not",
    "Condition",
    "Fn::And",
    "Fn::Or",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
    "Fn::RefAll",
    "Fn::Sub",
    "Fn::Cidr",
];

fn known_functions(value: &Value) -> AwsResult<()> {
    if let Some((name, _)) = call(value).filter(|(name, _)| !FUNCTIONS.contains(name)) {
        return Err(AwsError::validation(format!(
            "Template error: Encountered unsupported function: {name} Supported functions are: [{}]",
            FUNCTIONS.join(", ")
        )));
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(known_functions),
        Value::Object(map) => map.values().try_for_each(known_functions),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn known_references(template: &Value, block: &str, value: &Value) -> AwsResult<()> {
    let mut unresolved = BTreeSet::new();
    for (name, attribute) in references(value) {
        let resource = template["Resources"].get(&name);
        match attribute {
            None => {
                if resource.is_none() && template["Parameters"].get(&name).is_none() && !name.starts_with("AWS::") {
                    unresolved.insert(name);
                }
            }
            Some(attribute) => {
                let Some(resource) = resource else {
                    return Err(AwsError::validation(format!(
                        "Template error: instance of Fn::GetAtt references undefined resource {name}"
                    )));
                };
                let kind = resource["Type"].as_str().and_then(resource_types::kind);
                if kind.is_some_and(|kind| !kind.attributes.contains(&attribute.as_str())) {
                    return Err(AwsError::validation(format!(
                        "Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
                    )));
                }
            }
        }
    }
    for (_, resource) in section(template, "Resources").filter(|_| block == "Resources") {
        unresolved.extend(depends_on(resource).into_iter().filter(|name| template["Resources"].get(name).is_none()));
    }
    if unresolved.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = unresolved.into_iter().collect();
    Err(AwsError::validation(format!(
        "Template format error: Unresolved resource dependencies [{}] in the {block} block of the template",
        list.join(", ")
    )))
}

/// `DependsOn` as a list.
pub(crate) fn depends_on(resource: &Value) -> Vec<String> {
    match &resource["DependsOn"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Lists for each resource in `wanted` those of them that must be there first.
pub(crate) fn dependencies(template: &Value, wanted: &BTreeSet<String>) -> BTreeMap<String, Vec<String>> {
    wanted
        .iter()
        .map(|name| {
            let resource = &template["Resources"][name];
            let mut needs: BTreeSet<String> = depends_on(resource).into_iter().collect();
            needs.extend(references(&resource["Properties"]).into_iter().map(|(name, _)| name));
            needs.retain(|need| wanted.contains(need) && need != name);
            (name.clone(), needs.into_iter().collect())
        })
        .collect()
}

fn circular(template: &Value) -> AwsResult<()> {
    let all: BTreeSet<String> = section(template, "Resources").map(|(name, _)| name.clone()).collect();
    let mut waiting = dependencies(template, &all);
    for (name, resource) in section(template, "Resources") {
        let own = references(&resource["Properties"]).into_iter().map(|(n, _)| n).chain(depends_on(resource));
        if own.into_iter().any(|n| n == *name) {
            return Err(AwsError::validation(format!("Circular dependency between resources: [{name}]")));
        }
    }
    loop {
        let free: Vec<String> = waiting
            .iter()
            .filter(|(_, needs)| needs.iter().all(|n| !waiting.contains_key(n)))
            .map(|(n, _)| n.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|name| {
            waiting.remove(name);
        });
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = waiting.into_keys().collect();
    Err(AwsError::validation(format!("Circular dependency between resources: [{}]", list.join(", "))))
}

/// Checks what only the parameters given make known: the template's own rules (`Rules`), and references to what the
/// conditions leave out.
pub(crate) fn with_parameters(scope: &Scope<'_>) -> AwsResult<()> {
    conditional::check(scope).map_err(AwsError::validation)?;
    for (_, rule) in section(scope.template, "Rules") {
        let applies = rule.get("RuleCondition").map_or(Ok(true), |c| scope.truth(c)).map_err(AwsError::validation)?;
        for assertion in rule["Assertions"].as_array().into_iter().flatten().filter(|_| applies) {
            if !scope.truth(&assertion["Assert"]).map_err(AwsError::validation)? {
                let description =
                    assertion["AssertDescription"].as_str().unwrap_or("a rule of the template is not met");
                return Err(AwsError::validation(format!("Template error: {description}")));
            }
        }
    }
    Ok(())
}

/// Resources of IAM need the caller's word that they are meant.
pub(crate) fn capabilities(template: &Value, given: &[String]) -> AwsResult<()> {
    let mut needed: Option<&str> = None;
    for (_, resource) in section(template, "Resources") {
        let kind = resource["Type"].as_str().and_then(resource_types::kind);
        if let Some(kind) = kind.filter(|kind| kind.name.starts_with("AWS::IAM::")) {
            let named = kind.named_by.is_some_and(|name| !resource["Properties"][name].is_null());
            if named {
                needed = Some("CAPABILITY_NAMED_IAM");
            }
            needed.get_or_insert("CAPABILITY_IAM");
        }
    }
    let has = |name: &str| given.iter().any(|g| g == name);
    match needed {
        Some("CAPABILITY_IAM") if has("CAPABILITY_IAM") || has("CAPABILITY_NAMED_IAM") => Ok(()),
        Some(name) if !has(name) => {
            Err(AwsError::new(400, "InsufficientCapabilitiesException", format!("Requires capabilities : [{name}]")))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
