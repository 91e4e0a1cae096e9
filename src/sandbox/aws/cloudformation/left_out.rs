//! Properties that would change what a resource does and that the sandbox does not have. The others that it passes over stand
//! in the sandbox's README.

use serde_json::Value;

use crate::aws::lambda::{refused_settings, says_something};

const LEFT_OUT: [(&str, &[&str]); 6] = [
    (
        "AWS::ApiGatewayV2::Api",
        &["Body", "BodyS3Location", "CredentialsArn", "DisableExecuteApiEndpoint", "RouteKey", "Target"],
    ),
    (
        "AWS::ApiGatewayV2::Integration",
        &["ConnectionId", "CredentialsArn", "RequestParameters", "RequestTemplates", "ResponseParameters", "TlsConfig"],
    ),
    ("AWS::ApiGatewayV2::Route", &["ApiKeyRequired", "AuthorizerId", "RequestModels", "RequestParameters"]),
    ("AWS::Lambda::Alias", &["ProvisionedConcurrencyConfig"]),
    ("AWS::Lambda::Version", &["FunctionScalingConfig", "ProvisionedConcurrencyConfig", "RuntimePolicy"]),
    (
        "AWS::S3::Bucket",
        &[
            "NotificationConfiguration",
            "ObjectLockConfiguration",
            "ObjectLockEnabled",
            "ReplicationConfiguration",
            "WebsiteConfiguration",
        ],
    ),
];

/// Names the properties among `given` that the sandbox does not have of a resource type.
pub(crate) fn left_out(kind: &str, given: &Value) -> Vec<&'static str> {
    if kind == "AWS::Lambda::Function" {
        return refused_settings(given);
    }
    let names = LEFT_OUT.iter().find(|(name, _)| *name == kind).map(|(_, names)| *names).unwrap_or_default();
    names.iter().filter(|name| says_something(&given[**name])).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::cloudformation::resource_types::kind;
    use serde_json::json;

    #[test]
    fn what_is_left_out_is_a_property_and_told_where_it_says_something() {
        for (name, left) in LEFT_OUT {
            let known = kind(name).unwrap_or_else(|| panic!("{name}"));
            for property in left {
                assert!(known.property(property).is_some(), "{name} {property}");
            }
        }
        let bucket = json!({"ObjectLockEnabled": false, "NotificationConfiguration": {"LambdaConfigurations": [{"Event": "s3:*"}]}});
        assert_eq!(left_out("AWS::S3::Bucket", &bucket), ["NotificationConfiguration"]);
        assert!(left_out("AWS::SSM::Parameter", &bucket).is_empty());
    }
}
