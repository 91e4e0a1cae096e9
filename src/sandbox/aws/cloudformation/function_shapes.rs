//! The shapes of the functions of a template, and the names that they look up: what CloudFormation refuses at the call.
//!
//! Sentences are those of answers recorded in localstack/localstack (tests/aws/services/cloudformation).

use serde_json::Value;

use super::template::{call, get_att};

const EQUALS: &str = "Template error: every Fn::Equals object requires a list of 2 string parameters.";
const JOIN: &str = "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of \
                    strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.";
const SELECT: &str =
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a list";
const SPLIT: &str = "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string \
                     to be split or a function that returns a string to be split.";
const GET_ATT: &str = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the \
                       resource attribute";

/// As reported in github.com/caktus/aws-web-stacks/pull/100.
const REF: &str = "Template error: every Ref object must have a single String value.";
/// Named in localstack/localstack, TestFnSub, for a list without a mapping.
const SUB: &str = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a \
                   string as first argument, and an optional second argument to specify a mapping of values to replace in \
                   the string";

/// Checks every function call within a part of a template.
///
/// # Errors
/// CloudFormation's sentence for arguments that the function does not take, and for literal keys that no mapping has.
pub(super) fn check(template: &Value, value: &Value) -> Result<(), String> {
    if let Some((name, argument)) = call(value) {
        shape(template, name, argument)?;
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| check(template, item)),
        Value::Object(map) => map.values().try_for_each(|value| check(template, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn shape(template: &Value, name: &str, argument: &Value) -> Result<(), String> {
    let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
    let list = |value: &Value| value.is_array() || call(value).is_some();
    let one = |value: &Value| value.is_string() || call(value).is_some();
    let (fits, otherwise) = match (name, parts) {
        ("Ref", _) => (argument.is_string(), REF),
        ("Fn::Sub", [Value::String(_), Value::Object(_)]) => (true, SUB),
        ("Fn::Sub", _) => (argument.is_string(), SUB),
        ("Fn::Equals", parts) => (parts.len() == 2, EQUALS),
        ("Fn::Join", [Value::String(_), joined]) => (list(joined), JOIN),
        ("Fn::Join", _) => (false, JOIN),
        ("Fn::Split", [Value::String(_), text]) => (one(text), SPLIT),
        ("Fn::Split", _) => (false, SPLIT),
        ("Fn::Select", [index, from]) => (is_index(index) && list(from), SELECT),
        ("Fn::Select", _) => (false, SELECT),
        ("Fn::GetAtt", [Value::String(resource), attribute]) => (!resource.is_empty() && one(attribute), GET_ATT),
        ("Fn::GetAtt", _) => {
            (get_att(argument).is_some_and(|(resource, name)| !resource.is_empty() && !name.is_empty()), GET_ATT)
        }
        ("Fn::FindInMap", [Value::String(map), Value::String(first), Value::String(second)]) => {
            return mapped(template, map, first, second);
        }
        _ => return Ok(()),
    };
    if fits { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn is_index(value: &Value) -> bool {
    value.is_u64() || value.as_str().is_some_and(|text| text.parse::<u64>().is_ok()) || call(value).is_some()
}

/// Looks literal keys up.
fn mapped(template: &Value, map: &str, first: &str, second: &str) -> Result<(), String> {
    let Some(mapping) = template["Mappings"].get(map) else {
        return Err(format!(
            "Template error: Mapping named '{map}' is not present in the 'Mappings' section of template."
        ));
    };
    match mapping.get(first).and_then(|keys| keys.get(second)) {
        Some(_) => Ok(()),
        None => Err(format!("Template error: Unable to get mapping for {map}::{first}::{second}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_that_a_function_does_not_take_are_refused() {
        let template = json!({"Mappings": {"M": {"a": {"b": "c"}}}});
        let said = |value: &Value| check(&template, value).err();
        for (value, sentence) in [
            (json!({"Ref": {"Ref": "X"}}), REF),
            (json!({"Fn::Sub": {"Ref": "X"}}), SUB),
            (json!({"Fn::Sub": ["${X}"]}), SUB),
            (json!({"Fn::Equals": ["a"]}), EQUALS),
            (json!({"Fn::Equals": "a"}), EQUALS),
            (json!({"Fn::Join": ["a"]}), JOIN),
            (json!({"Fn::Join": [{"Ref": "X"}, []]}), JOIN),
            (json!({"Fn::Join": ["", "a"]}), JOIN),
            (json!({"Fn::Select": ["one", []]}), SELECT),
            (json!({"Fn::Select": [0]}), SELECT),
            (json!({"Fn::Select": [0, "a"]}), SELECT),
            (json!({"Fn::Split": [","]}), SPLIT),
            (json!({"Fn::Split": [",", ["a"]]}), SPLIT),
            (json!({"Fn::GetAtt": ["A"]}), GET_ATT),
            (json!({"Fn::GetAtt": "A"}), GET_ATT),
            (json!({"Fn::GetAtt": ["", "Arn"]}), GET_ATT),
            (json!([{"a": {"Fn::FindInMap": ["M", "a", "zz"]}}]), "Template error: Unable to get mapping for M::a::zz"),
            (
                json!({"Fn::FindInMap": ["N", "a", "b"]}),
                "Template error: Mapping named 'N' is not present in the 'Mappings' section of template.",
            ),
        ] {
            assert_eq!(said(&value).as_deref(), Some(sentence), "{value}");
        }
        for good in [
            json!({"Fn::Sub": "${X}"}),
            json!({"Fn::Sub": ["${Y}", {"Y": {"Ref": "X"}}]}),
            json!({"Fn::Equals": [{"Ref": "X"}, 1]}),
            json!({"Fn::Join": ["", {"Ref": "List"}]}),
            json!({"Fn::Join": [",", [1, {"Ref": "X"}]]}),
            json!({"Fn::Select": ["0", {"Fn::GetAZs": ""}]}),
            json!({"Fn::Select": [{"Ref": "Index"}, ["a"]]}),
            json!({"Fn::Split": [",", {"Ref": "X"}]}),
            json!({"Fn::GetAtt": "A.Endpoint.Address"}),
            json!({"Fn::GetAtt": ["A", {"Ref": "Name"}]}),
            json!({"Fn::FindInMap": ["M", "a", "b"]}),
            json!({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "b"]}),
            json!({"Fn::FindInMap": ["M", "a", "zz", {"DefaultValue": "d"}]}),
        ] {
            assert_eq!(said(&good), None, "{good}");
        }
    }
}
