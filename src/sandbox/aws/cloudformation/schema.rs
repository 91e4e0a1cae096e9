//! The resource types the sandbox has: their properties, what changing one means, and their attributes.
//!
//! Property and attribute names are those of the CloudFormation specification in aws-cdk-lib 2.276.

use std::collections::BTreeSet;

use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Updated in place.
    Never,
    /// A new resource takes the old one's place.
    Always,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Text,
    Integer,
    Boolean,
    List,
    Map,
    Any,
}

#[derive(Debug, Clone, Copy)]
pub struct Property {
    pub name: &'static str,
    pub shape: Shape,
    pub required: bool,
    pub replaces: Change,
}

#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    pub properties: &'static [Property],
    pub attributes: &'static [&'static str],
    /// The property that names the resource, if one does.
    pub named_by: Option<&'static str>,
}

const fn p(name: &'static str, shape: Shape) -> Property {
    Property { name, shape, required: false, replaces: Change::Never }
}
const fn required(name: &'static str, shape: Shape) -> Property {
    Property { required: true, ..p(name, shape) }
}
/// A property whose change replaces the resource.
const fn fixed(name: &'static str, shape: Shape) -> Property {
    Property { replaces: Change::Always, ..p(name, shape) }
}

use Shape::{Any, Boolean, Integer, List, Map, Text};

pub static KINDS: &[Kind] = &[
    Kind {
        name: "AWS::CDK::Metadata",
        properties: &[p("Analytics", Text), p("Modules", Text)],
        attributes: &[],
        named_by: None,
    },
    Kind {
        name: "AWS::DSQL::Cluster",
        properties: &[
            p("DeletionProtectionEnabled", Boolean),
            p("KmsEncryptionKey", Text),
            p("MultiRegionProperties", Map),
            p("PolicyDocument", Text),
            p("Tags", List),
        ],
        attributes: &[
            "CreationTime",
            "EncryptionDetails",
            "EncryptionDetails.EncryptionStatus",
            "EncryptionDetails.EncryptionType",
            "EncryptionDetails.KmsKeyArn",
            "Endpoint",
            "Identifier",
            "PolicyVersion",
            "ResourceArn",
            "Status",
            "VpcEndpoint",
            "VpcEndpointServiceName",
        ],
        named_by: None,
    },
    Kind {
        name: "AWS::ECR::Repository",
        properties: &[
            p("EmptyOnDelete", Boolean),
            fixed("EncryptionConfiguration", Map),
            p("ImageScanningConfiguration", Map),
            p("ImageTagMutability", Text),
            p("ImageTagMutabilityExclusionFilters", List),
            p("LifecyclePolicy", Map),
            fixed("RepositoryName", Text),
            p("RepositoryPolicyText", Any),
            p("Tags", List),
        ],
        attributes: &["Arn", "RepositoryUri"],
        named_by: Some("RepositoryName"),
    },
    Kind {
        name: "AWS::IAM::ManagedPolicy",
        properties: &[
            fixed("Description", Text),
            p("Groups", List),
            fixed("ManagedPolicyName", Text),
            fixed("Path", Text),
            required("PolicyDocument", Any),
            p("Roles", List),
            p("Users", List),
        ],
        attributes: &["PolicyArn", "PolicyId"],
        named_by: Some("ManagedPolicyName"),
    },
    Kind {
        name: "AWS::IAM::Policy",
        properties: &[
            p("Groups", List),
            required("PolicyDocument", Any),
            required("PolicyName", Text),
            p("Roles", List),
            p("Users", List),
        ],
        attributes: &["Id"],
        named_by: None,
    },
    Kind {
        name: "AWS::IAM::Role",
        properties: &[
            required("AssumeRolePolicyDocument", Any),
            p("Description", Text),
            p("ManagedPolicyArns", List),
            p("MaxSessionDuration", Integer),
            fixed("Path", Text),
            p("PermissionsBoundary", Text),
            p("Policies", List),
            fixed("RoleName", Text),
            p("Tags", List),
        ],
        attributes: &["Arn", "RoleId"],
        named_by: Some("RoleName"),
    },
    Kind {
        name: "AWS::IAM::RolePolicy",
        properties: &[
            p("PolicyDocument", Any),
            Property { required: true, ..fixed("PolicyName", Text) },
            Property { required: true, ..fixed("RoleName", Text) },
        ],
        attributes: &[],
        named_by: None,
    },
    Kind {
        name: "AWS::KMS::Alias",
        properties: &[Property { required: true, ..fixed("AliasName", Text) }, required("TargetKeyId", Text)],
        attributes: &[],
        named_by: Some("AliasName"),
    },
    Kind {
        name: "AWS::KMS::Key",
        properties: &[
            p("BypassPolicyLockoutSafetyCheck", Boolean),
            p("Description", Text),
            p("EnableKeyRotation", Boolean),
            p("Enabled", Boolean),
            p("KeyPolicy", Any),
            p("KeySpec", Text),
            p("KeyUsage", Text),
            fixed("MultiRegion", Boolean),
            p("Origin", Text),
            p("PendingWindowInDays", Integer),
            p("RotationPeriodInDays", Integer),
            p("Tags", List),
        ],
        attributes: &["Arn", "KeyId"],
        named_by: None,
    },
    Kind {
        name: "AWS::Lambda::Function",
        properties: &[
            p("Architectures", List),
            p("CapacityProviderConfig", Map),
            required("Code", Map),
            p("CodeSigningConfigArn", Text),
            p("DeadLetterConfig", Map),
            p("Description", Text),
            p("DurableConfig", Map),
            p("Environment", Map),
            p("EphemeralStorage", Map),
            p("FileSystemConfigs", List),
            fixed("FunctionName", Text),
            p("FunctionScalingConfig", Map),
            p("Handler", Text),
            p("ImageConfig", Map),
            p("KmsKeyArn", Text),
            p("Layers", List),
            p("LoggingConfig", Map),
            p("MemorySize", Integer),
            fixed("PackageType", Text),
            p("PublishToLatestPublished", Boolean),
            p("RecursiveLoop", Text),
            p("ReservedConcurrentExecutions", Integer),
            required("Role", Text),
            p("Runtime", Text),
            p("RuntimeManagementConfig", Map),
            p("SnapStart", Map),
            p("Tags", List),
            fixed("TenancyConfig", Map),
            p("Timeout", Integer),
            p("TracingConfig", Map),
            p("VpcConfig", Map),
        ],
        attributes: &["Arn"],
        named_by: Some("FunctionName"),
    },
    Kind {
        name: "AWS::Logs::LogGroup",
        properties: &[
            p("BearerTokenAuthenticationEnabled", Boolean),
            p("DataProtectionPolicy", Any),
            p("DeletionProtectionEnabled", Boolean),
            p("FieldIndexPolicies", List),
            p("KmsKeyId", Text),
            p("LogGroupClass", Text),
            fixed("LogGroupName", Text),
            p("ResourcePolicyDocument", Any),
            p("RetentionInDays", Integer),
            p("Tags", List),
        ],
        attributes: &["Arn"],
        named_by: Some("LogGroupName"),
    },
    Kind {
        name: "AWS::S3::Bucket",
        properties: &[
            p("AbacStatus", Text),
            p("AccelerateConfiguration", Map),
            p("AccessControl", Text),
            p("AnalyticsConfigurations", List),
            p("BucketEncryption", Map),
            fixed("BucketName", Text),
            fixed("BucketNamePrefix", Text),
            fixed("BucketNamespace", Text),
            p("CorsConfiguration", Map),
            p("IntelligentTieringConfigurations", List),
            p("InventoryConfigurations", List),
            p("LifecycleConfiguration", Map),
            p("LoggingConfiguration", Map),
            p("MetadataConfiguration", Map),
            p("MetadataTableConfiguration", Map),
            p("MetricsConfigurations", List),
            p("NotificationConfiguration", Map),
            p("ObjectLockConfiguration", Map),
            p("ObjectLockEnabled", Boolean),
            p("OwnershipControls", Map),
            p("PublicAccessBlockConfiguration", Map),
            p("ReplicationConfiguration", Map),
            p("Tags", List),
            p("VersioningConfiguration", Map),
            p("WebsiteConfiguration", Map),
        ],
        attributes: &["Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"],
        named_by: Some("BucketName"),
    },
    Kind {
        name: "AWS::S3::BucketPolicy",
        properties: &[Property { required: true, ..fixed("Bucket", Text) }, required("PolicyDocument", Any)],
        attributes: &[],
        named_by: None,
    },
    Kind {
        name: "AWS::SSM::Parameter",
        properties: &[
            p("AllowedPattern", Text),
            p("DataType", Text),
            p("Description", Text),
            fixed("Name", Text),
            p("Policies", Text),
            p("Tags", Map),
            p("Tier", Text),
            required("Type", Text),
            required("Value", Text),
        ],
        attributes: &["Type", "Value"],
        named_by: Some("Name"),
    },
];

pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

impl Kind {
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// What is wrong with evaluated properties, in the words of CloudFormation's schema validator.
    pub fn violation(&self, logical_id: &str, properties: &Value) -> Option<String> {
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
fn fits(shape: Shape, value: &Value) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Text => value.is_string() || value.is_number() || value.is_boolean(),
        Shape::Integer => value.is_i64() || value.as_str().is_some_and(|text| text.parse::<i64>().is_ok()),
        Shape::Boolean => value.is_boolean() || matches!(value.as_str(), Some("true" | "false")),
        Shape::List => value.is_array(),
        Shape::Map => value.is_object(),
    }
}

fn asked(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "String",
        Shape::Integer => "Integer",
        Shape::Boolean => "Boolean",
        Shape::List => "JSONArray",
        Shape::Map | Shape::Any => "JSONObject",
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
        for kind in KINDS {
            if let Some(name) = kind.named_by {
                let property = kind.property(name).unwrap_or_else(|| panic!("{} {name}", kind.name));
                assert_eq!(property.replaces, Change::Always, "{} {name}", kind.name);
            }
        }
    }
}
