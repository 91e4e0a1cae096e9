//! Tags, in the two shapes that AWS has for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cloudformation::resolve::scalar;

/// The beginning of the tags that CloudFormation gives by itself.
pub(crate) const SYSTEM: &str = "aws:cloudformation:";

/// From `[{"Key": …, "Value": …}]` or `{"key": "value"}`; None when there is neither.
pub(crate) fn map(value: &Value) -> Option<BTreeMap<String, String>> {
    match value {
        Value::Array(list) => {
            Some(list.iter().filter_map(|tag| Some((scalar(&tag["Key"])?, scalar(&tag["Value"])?))).collect())
        }
        Value::Object(tags) => {
            Some(tags.iter().filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// As `[{"Key": …, "Value": …}]`.
pub(crate) fn list(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}
