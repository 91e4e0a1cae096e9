//! What of a template the sandbox does not have, told before a deploy.

use super::left_out::left_out;
use super::resource_types;
use super::template::{parse, section};
use crate::aws::lambda::RUNTIMES;

/// What the CDK's `NodejsFunction` writes for a `runtime` that is undefined, as a mistyped `Runtime.X` is (aws-cdk-lib 2,
/// unless the project's flags ask for the newest; seen 2026-11). AWS makes no more functions of it.
const CDK_DEFAULT_RUNTIME: &str = "nodejs16.x";
const UNNAMED_RUNTIME: &str = ", which the CDK writes where `runtime` is undefined: see that the installed CDK has the `Runtime` that the code names";

/// A resource that a deploy to the sandbox would fail at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    pub logical_id: String,
    /// `AWS::SQS::Queue`
    pub resource_type: String,
    /// A clause: `the sandbox does not have …`.
    pub because: String,
    /// A deploy to AWS may not fail at it.
    pub accepted_by_aws: bool,
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
        let mut tell = |because: String, accepted_by_aws: bool| {
            found.push(Unsupported {
                logical_id: logical_id.clone(),
                resource_type: resource_type.to_owned(),
                because,
                accepted_by_aws,
            });
        };
        if resource_types::kind(resource_type).is_none() {
            tell(format!("the sandbox does not have {resource_type}"), true);
            continue;
        }
        let properties = &resource["Properties"];
        match properties["Runtime"].as_str() {
            Some(runtime) if resource_type == "AWS::Lambda::Function" && !RUNTIMES.contains(&runtime) => {
                let unnamed = runtime == CDK_DEFAULT_RUNTIME;
                let clause = if unnamed { UNNAMED_RUNTIME } else { "" };
                tell(format!("the sandbox runs {}, not {runtime}{clause}", RUNTIMES.join(", ")), !unnamed);
            }
            Some(_) | None => {}
        }
        for name in left_out(resource_type, properties) {
            tell(format!("the sandbox does not have {name} of {resource_type}"), true);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_only_aws_has_is_told_with_its_reason() {
        let template = json!({"Resources": {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "Mistyped": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "nodejs16.x"}},
            "Python": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "python3.13"}},
            "Node": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "nodejs24.x", "Layers": [], "VpcConfig": {"Ref": "X"}}},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"WebsiteConfiguration": {"IndexDocument": "index.html"}}},
            "Layered": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "nodejs24.x", "Layers": ["arn"]}}}});
        let found = unsupported(&template.to_string()).unwrap();
        let told: Vec<(&str, &str)> = found.iter().map(|u| (u.logical_id.as_str(), u.because.as_str())).collect();
        assert_eq!(
            told,
            [
                ("Queue", "the sandbox does not have AWS::SQS::Queue"),
                (
                    "Mistyped",
                    "the sandbox runs nodejs20.x, nodejs22.x, nodejs24.x, not nodejs16.x, which the CDK writes where `runtime` \
                     is undefined: see that the installed CDK has the `Runtime` that the code names"
                ),
                ("Python", "the sandbox runs nodejs20.x, nodejs22.x, nodejs24.x, not python3.13"),
                ("Bucket", "the sandbox does not have WebsiteConfiguration of AWS::S3::Bucket"),
                ("Layered", "the sandbox does not have Layers of AWS::Lambda::Function"),
            ]
        );
        assert!(unsupported("- a list").is_err());
        assert!(resource_types().any(|name| name == "AWS::Lambda::Url") && runtimes().contains(&"nodejs22.x"));
    }
}
