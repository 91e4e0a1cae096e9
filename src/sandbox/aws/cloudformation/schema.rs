//! Resource types: their properties, what changing one means, their attributes; and the checking of properties.
//!
//! The types that there are stand in [`resource_types`](super::resource_types).

use std::collections::BTreeSet;

use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpdateBehavior {
    /// Updated in place.
    Never,
    /// A new resource takes the old one's place.
    Always,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PropertyShape {
    Text,
    Integer,
    Boolean,
    List,
    Map,
    Any,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Property {
    pub name: &'static str,
    pub shape: PropertyShape,
    pub required: bool,
    pub replaces: UpdateBehavior,
}

#[derive(Debug)]
pub(crate) struct ResourceType {
    pub name: &'static str,
    pub properties: &'static [Property],
    pub attributes: &'static [&'static str],
    /// The property that names the resource, if one does.
    pub named_by: Option<&'static str>,
}

impl ResourceType {
    /// Finds a property by its name.
    pub(crate) fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// Checks evaluated properties; tells what is wrong in the words of CloudFormation's schema validator.
    pub(crate) fn violation(&self, logical_id: &str, properties: &Value) -> Option<String> {
        let empty = serde_json::Map::new();
        let given = properties.as_object().unwrap_or(&empty);
        let mut wrong: BTreeSet<String> = BTreeSet::new();
        for name in given.keys() {
            if self.property(name).is_none() {
                wrong.insert(format!("#: extraneous key [{name}] is not permitted"));
            }
        }
        for property in self.properties {
            match given.get(property.name) {
                None if property.required => {
                    wrong.insert(format!("#: required key [{}] not found", property.name));
                }
                Some(value) if !fits(property.shape, value) => {
                    wrong.insert(format!(
                        "#/{}: expected type: {}, found: {}",
                        property.name,
                        asked(property.shape),
                        found(value)
                    ));
                }
                None | Some(_) => {}
            }
        }
        if wrong.is_empty() {
            return None;
        }
        let wrong: Vec<String> = wrong.into_iter().collect();
        Some(format!("Properties validation failed for resource {logical_id} with message:\n{}", wrong.join("\n")))
    }
}

/// CloudFormation takes texts for numbers and truth values, and the other way round.
fn fits(shape: PropertyShape, value: &Value) -> bool {
    match shape {
        PropertyShape::Any => true,
        PropertyShape::Text => value.is_string() || value.is_number() || value.is_boolean(),
        PropertyShape::Integer => value.is_i64() || value.as_str().is_some_and(|text| text.parse::<i64>().is_ok()),
        PropertyShape::Boolean => value.is_boolean() || matches!(value.as_str(), Some("true" | "false")),
        PropertyShape::List => value.is_array(),
        PropertyShape::Map => value.is_object(),
    }
}

fn asked(shape: PropertyShape) -> &'static str {
    match shape {
        PropertyShape::Text => "String",
        PropertyShape::Integer => "Integer",
        PropertyShape::Boolean => "Boolean",
        PropertyShape::List => "JSONArray",
        PropertyShape::Map | PropertyShape::Any => "JSONObject",
    }
}

fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::cloudformation::resource_types::{RESOURCE_TYPES, kind};
    use serde_json::json;

    #[test]
    fn violations_are_named_as_aws_does() {
        let function = kind("AWS::Lambda::Function").unwrap();
        let properties = json!({"Role": "r", "Code": {}, "Foo": 1, "Timeout": "x", "MemorySize": "512"});
        assert_eq!(
            function.violation("Fn", &properties).unwrap(),
            "Properties validation failed for resource Fn with message:\n\
             #/Timeout: expected type: Integer, found: String\n#: extraneous key [Foo] is not permitted"
        );
        let missing = function.violation("Fn", &json!({"Code": {}})).unwrap();
        assert!(missing.ends_with("#: required key [Role] not found"), "{missing}");
        assert_eq!(function.violation("Fn", &json!({"Role": "r", "Code": {}, "Timeout": 30})), None);
    }

    #[test]
    fn names_are_properties() {
        for kind in RESOURCE_TYPES {
            if let Some(name) = kind.named_by {
                let property = kind.property(name).unwrap_or_else(|| panic!("{} {name}", kind.name));
                assert_eq!(property.replaces, UpdateBehavior::Always, "{} {name}", kind.name);
            }
        }
    }
}
