//! What of a template the sandbox does not have, told before a deploy.

use serde_json::Value;

use super::resource_types;
use super::resources::REFUSED_OF_FUNCTIONS;
use super::template::{call, parse, section};
use crate::aws::lambda::RUNTIMES;

/// A resource that a deploy to the sandbox would fail at, though one to AWS may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    pub logical_id: String,
    /// `AWS::SQS::Queue`
    pub resource_type: String,
    /// A clause: `the sandbox does not have …`.
    pub because: String,
}

/// Lists the resource types that the sandbox has, in the order of their names.
pub fn resource_types() -> impl Iterator<Item = &'static str> {
    resource_types::RESOURCE_TYPES.iter().map(|kind| kind.name)
}

/// Lists the runtimes that functions may name.
pub fn runtimes() -> &'static [&'static str] {
    &RUNTIMES
}

/// Looks through a template, JSON or YAML as the CDK synthesises it. Values that only a deploy knows pass.
///
/// # Errors
/// CloudFormation's sentence when the text is no template.
pub fn unsupported(text: &str) -> Result<Vec<Unsupported>, String> {
    let template = parse(text)?;
    let mut found = Vec::new();
    for (logical_id, resource) in section(&template, "Resources") {
        let resource_type = resource["Type"].as_str().unwrap_or_default();
        let mut tell = |because: String| {
            found.push(Unsupported {
                logical_id: logical_id.clone(),
                resource_type: resource_type.to_owned(),
                because,
            });
        };
        if resource_types::kind(resource_type).is_none() {
            tell(format!("the sandbox does not have {resource_type}"));
            continue;
        }
        if resource_type != "AWS::Lambda::Function" {
            continue;
        }
        let properties = &resource["Properties"];
        match properties["Runtime"].as_str() {
            Some(runtime) if !RUNTIMES.contains(&runtime) => {
                tell(format!("the sandbox runs {}, not {runtime}", RUNTIMES.join(", ")));
            }
            Some(_) | None => {}
        }
        for name in REFUSED_OF_FUNCTIONS.iter().filter(|name| given(&properties[**name])) {
            tell(format!("the sandbox does not have {name} of {resource_type}"));
        }
    }
    Ok(found)
}

/// Tells that a property says something; one that a function of the template makes may come to nothing.
fn given(value: &Value) -> bool {
    match value {
        _ if call(value).is_some() => false,
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_only_aws_has_is_told_with_its_reason() {
        let template = json!({"Resources": {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Python": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "python3.13"}},
            "Node": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "nodejs24.x", "Layers": [], "VpcConfig": {"Ref": "X"}}},
            "Layered": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "nodejs24.x", "Layers": ["arn"]}}}});
        let found = unsupported(&template.to_string()).unwrap();
        let told: Vec<(&str, &str)> = found.iter().map(|u| (u.logical_id.as_str(), u.because.as_str())).collect();
        assert_eq!(
            told,
            [
                ("Layered", "the sandbox does not have Layers of AWS::Lambda::Function"),
                ("Python", "the sandbox runs nodejs20.x, nodejs22.x, nodejs24.x, not python3.13"),
                ("Queue", "the sandbox does not have AWS::SQS::Queue"),
            ]
        );
        assert!(unsupported("- a list").is_err());
        assert!(resource_types().any(|name| name == "AWS::Lambda::Url") && runtimes().contains(&"nodejs22.x"));
    }
}
