//! The sections of a template one by one: how many members each may have, and how one has to look.
//!
//! Sentences are CloudFormation's own where they are known.

use serde_json::Value;

use super::template::{call, section};
use crate::aws::error::{AwsError, AwsResult};

/// Checks the mappings, down to their values.
pub(super) fn mappings(template: &Value) -> AwsResult<()> {
    let format = |message: String| Err(AwsError::validation(format!("Template format error: {message}")));
    for (name, mapping) in section(template, "Mappings") {
        if !mapping.is_object() {
            return format(format!("Every Mappings member {name} must be a map"));
        }
        let attributes = mapping.as_object().into_iter().flatten().filter_map(|(_, keys)| keys.as_object()).flatten();
        if attributes.into_iter().any(|(_, value)| value.is_object()) {
            return format("Every Mappings attribute must be a String or a List.".into());
        }
    }
    Ok(())
}

/// Checks the outputs: their names, conditions, values and exports.
pub(super) fn outputs(template: &Value) -> AwsResult<()> {
    let format = |message: String| Err(AwsError::validation(format!("Template format error: {message}")));
    for (name, output) in section(template, "Outputs") {
        if !alphanumeric(name) {
            return format(format!("Outputs name '{name}' is non alphanumeric."));
        }
        known_conditions(template, "Outputs", output, "Value")?;
        if output.get("Value").is_none() {
            return format("Every Outputs member must contain a Value object".into());
        }
        let shape = match &output["Value"] {
            Value::Array(_) => Some("List"),
            Value::Object(_) if call(&output["Value"]).is_none() => Some("Map"),
            _ => None,
        };
        if let Some(shape) = shape {
            return format(format!(
                "Output {name} is malformed. The Value field of every Outputs member must evaluate to a String and not a {shape}."
            ));
        }
        if output.get("Export").is_some_and(|export| !is_export(export)) {
            return format(format!(
                "Output {name} is malformed. The Name field of every Export member must be specified and consist only of \
                 alphanumeric characters, colons, or hyphens."
            ));
        }
    }
    Ok(())
}

/// Checks that parameters have names and types.
pub(super) fn parameters(template: &Value) -> AwsResult<()> {
    let format = |message: String| Err(AwsError::validation(format!("Template format error: {message}")));
    for (name, parameter) in section(template, "Parameters") {
        if !alphanumeric(name) {
            return format(format!("Parameter name {name} is non alphanumeric."));
        }
        match parameter["Type"].as_str() {
            None => return format("Every Parameters object must contain a Type member.".into()),
            Some(kind) if !is_parameter_type(kind) => return format(format!("Unrecognized parameter type: {kind}")),
            Some(_) => {}
        }
    }
    Ok(())
}

/// Tells that a parameter may be of a type; of AWS's own, which are many and grow, each is taken.
fn is_parameter_type(kind: &str) -> bool {
    let of_list = kind.strip_prefix("List<").and_then(|rest| rest.strip_suffix('>'));
    matches!(kind, "String" | "Number" | "CommaDelimitedList")
        || kind.starts_with("AWS::")
        || of_list.is_some_and(|of| of == "Number" || of.starts_with("AWS::"))
}

/// Tells that it is a name for a member of a section.
pub(super) fn alphanumeric(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Tells that an export has a name; what a function makes of it is looked at when it is made.
fn is_export(export: &Value) -> bool {
    match &export["Name"] {
        Value::String(name) => {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-'))
        }
        name => call(name).is_some(),
    }
}

/// Refuses the conditions that a resource or an output names, itself or within its values, and that there are not.
pub(super) fn known_conditions(template: &Value, block: &str, member: &Value, values: &str) -> AwsResult<()> {
    let missing = |name: &&str| template["Conditions"].get(*name).is_none();
    if let Some(name) = member["Condition"].as_str().filter(missing) {
        return Err(AwsError::validation(format!(
            "Template format error: Unresolved condition dependency {name} in the {block} block of the template"
        )));
    }
    let mut found = Vec::new();
    ifs(&member[values], &mut found);
    match found.iter().map(String::as_str).find(missing) {
        // Recorded in localstack/localstack, test_missing_condition.
        Some(name) => {
            Err(AwsError::validation(format!("Template error: unresolved condition dependency {name} in Fn::If")))
        }
        None => Ok(()),
    }
}

/// Refuses a null, by its place. Within a resource's properties, reports have `Type` where `Properties` stands in the
/// template (github.com/mweagle/Sparta, CHANGES.md); of outputs, the place is recorded in localstack/localstack,
/// test_invalid_output_structure.
pub(super) fn nulls(template: &Value) -> AwsResult<()> {
    for block in ["Parameters", "Mappings", "Conditions", "Resources", "Outputs"] {
        let Some(found) = template.get(block).and_then(null) else { continue };
        let mut place = [vec![block.to_owned()], found].concat();
        if block == "Resources" && place.len() > 3 && place[2] == "Properties" {
            place[2] = "Type".into();
        }
        return Err(AwsError::validation(format!("[/{}] 'null' values are not allowed in templates", place.join("/"))));
    }
    Ok(())
}

/// The way to the first null within a value.
fn null(value: &Value) -> Option<Vec<String>> {
    let below = |(step, value): (String, &Value)| {
        let mut way = null(value)?;
        way.insert(0, step);
        Some(way)
    };
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => {
            items.iter().enumerate().map(|(number, item)| (number.to_string(), item)).find_map(below)
        }
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), value)).find_map(below),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn ifs(value: &Value, found: &mut Vec<String>) {
    if let Some(("Fn::If", Value::Array(parts))) = call(value) {
        found.extend(parts.first().and_then(Value::as_str).map(str::to_owned));
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| ifs(item, found)),
        Value::Object(map) => map.values().for_each(|value| ifs(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// CloudFormation's quotas of a template (user guide, "CloudFormation quotas", 2026-11).
pub(super) const MOST: [(&str, usize); 4] =
    [("Mappings", 200), ("Outputs", 200), ("Parameters", 200), ("Resources", 500)];
/// Attributes of one mapping.
const MOST_ATTRIBUTES: usize = 200;
/// Of a template's description, in bytes.
const LONGEST_DESCRIPTION: usize = 1024;

/// Refuses a template with more members than there may be, or too long a description.
pub(super) fn counts(template: &Value) -> AwsResult<()> {
    let too_many = |what: &str, count: usize, most: usize| {
        AwsError::validation(format!(
            "Template format error: Number of {what}, {count}, is greater than maximum allowed, {most}"
        ))
    };
    for (block, most) in MOST {
        let count = section(template, block).count();
        if count > most {
            return Err(too_many(&block.to_lowercase(), count, most));
        }
    }
    for (_, mapping) in section(template, "Mappings") {
        let count = mapping.as_object().map_or(0, serde_json::Map::len);
        if count > MOST_ATTRIBUTES {
            return Err(too_many("mapping attributes", count, MOST_ATTRIBUTES));
        }
    }
    if template["Description"].as_str().is_some_and(|text| text.len() > LONGEST_DESCRIPTION) {
        return Err(AwsError::validation(format!(
            "Template format error: 'Description' length is greater than {LONGEST_DESCRIPTION}."
        )));
    }
    Ok(())
}
