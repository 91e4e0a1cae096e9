//! Settings of a function that the sandbox only shows back, and those that it refuses.

use serde_json::{Map, Value, json};

use super::names::invalid;
use crate::aws::cloudformation::template::call;
use crate::aws::error::AwsResult;
use crate::aws::records::{FunctionRecord, ShownSettings};
use crate::aws::service::text;

/// Settings, by the names that the API and CloudFormation share, that would change what a function does and that the
/// sandbox does not have.
const REFUSED: [&str; 13] = [
    "CapacityProviderConfig",
    "CodeSigningConfigArn",
    "DeadLetterConfig",
    "DurableConfig",
    "FileSystemConfigs",
    "FunctionScalingConfig",
    "ImageConfig",
    "Layers",
    "PublishTo",
    "PublishToLatestPublished",
    "ReservedConcurrentExecutions",
    "TenancyConfig",
    "VpcConfig",
];

/// Names the settings among `given` that the sandbox does not have. One that says nothing (`VpcConfig` without subnets)
/// is none of them, nor is one that a function of a template makes, which may come to nothing.
pub(crate) fn refused_settings(given: &Value) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = REFUSED.into_iter().filter(|name| says_something(&given[*name])).collect();
    // For Node.js, which is all that runs here, AWS has no SnapStart either (developer guide, "Lambda SnapStart", 2026-11).
    if given["SnapStart"]["ApplyOn"] == "PublishedVersions" {
        found.push("SnapStart");
    }
    found
}

/// Tells that a property's value is more than nothing, as far as the template alone says.
pub(crate) fn says_something(value: &Value) -> bool {
    match value {
        _ if call(value).is_some() => false,
        Value::Null | Value::Bool(false) => false,
        // CloudFormation takes the text for the truth value.
        Value::String(text) => !matches!(text.as_str(), "" | "false"),
        Value::Array(items) => items.iter().any(says_something),
        Value::Object(map) => map.values().any(says_something),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

/// Reads the settings that are shown back; what is missing stays as it was. Bounds are the service model's.
///
/// # Errors
/// `InvalidParameterValueException` for a setting that the sandbox does not have.
pub(super) fn settings(input: &Value, old: Option<&FunctionRecord>) -> AwsResult<ShownSettings> {
    if let Some(name) = refused_settings(input).first() {
        return Err(invalid(format!("the workshop sandbox does not have {name} of functions")));
    }
    let old = old.map(|old| old.settings.clone()).unwrap_or_default();
    let size = &input["EphemeralStorage"]["Size"];
    // The API and CloudFormation spell it differently.
    let key = text(input, "KMSKeyArn").or(text(input, "KmsKeyArn"));
    Ok(ShownSettings {
        environment: old.environment || !input["Environment"].is_null(),
        tracing: text(&input["TracingConfig"], "Mode").map(str::to_owned).or(old.tracing),
        storage_mb: size.as_u64().or_else(|| size.as_str()?.parse().ok()).or(old.storage_mb),
        kms_key: key.map(str::to_owned).or(old.kms_key),
    })
}

impl FunctionRecord {
    /// Returns the members of its configuration that the settings are.
    pub(super) fn shown_settings(&self) -> Map<String, Value> {
        let ShownSettings { environment, tracing, storage_mb, kms_key } = &self.settings;
        let mut shown = Map::new();
        // No function that was given none has any (localstack/localstack, test_publish_version_on_create).
        if *environment || !self.environment.is_empty() {
            shown.insert("Environment".into(), json!({"Variables": self.environment}));
        }
        if let Some(key) = kms_key {
            shown.insert("KMSKeyArn".into(), json!(key));
        }
        shown.insert("TracingConfig".into(), json!({"Mode": tracing.as_deref().unwrap_or("PassThrough")}));
        shown.insert("EphemeralStorage".into(), json!({"Size": storage_mb.unwrap_or(512)}));
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_not_refused() {
        let nothing = json!({"Layers": [], "VpcConfig": {"SubnetIds": [], "Ipv6AllowedForDualStack": false},
            "DeadLetterConfig": {"TargetArn": ""}, "ImageConfig": null, "SnapStart": {"ApplyOn": "None"},
            "CodeSigningConfigArn": {"Ref": "AWS::NoValue"}});
        assert!(refused_settings(&nothing).is_empty());
        let some = json!({"Layers": ["arn"], "VpcConfig": {"SubnetIds": ["subnet-1"]}, "ReservedConcurrentExecutions": 0,
            "SnapStart": {"ApplyOn": "PublishedVersions"}});
        assert_eq!(refused_settings(&some), ["Layers", "ReservedConcurrentExecutions", "VpcConfig", "SnapStart"]);
    }
}
