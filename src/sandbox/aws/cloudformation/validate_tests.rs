use super::*;
use crate::aws::cloudformation::sections::MOST;
use serde_json::json;

fn bucket(extra: Value) -> Value {
    let mut resource = json!({"Type": "AWS::S3::Bucket"});
    resource.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    resource
}

fn message(value: Value) -> String {
    template(&value).unwrap_err().message
}

#[test]
fn a_slip_in_a_type_that_is_there_reads_as_on_aws() {
    for slip in ["AWS::Lambda::Funtion", "AWS::Lamdba::Function", "AWS::DSQL::cluster"] {
        let said = message(json!({"Resources": {"A": {"Type": slip}}}));
        assert_eq!(said, format!("Template format error: Unrecognized resource types: [{slip}]"));
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (value, expected) in [
        (json!({}), "At least one Resources member must be defined."),
        (json!({"Resorces": {}}), "[Resorces]"),
        (
            json!({"Resources": {"A": {"Type": "AWS::EC2::VPC"}}}),
            "Unrecognized resource types: [AWS::EC2::VPC]. This is the workshop sandbox, which does not have \
             AWS::EC2::VPC, though AWS itself may; it has AWS::ApiGatewayV2::Api, ",
        ),
        (json!({"Resources": {"A": {"Properties": {}}}}), "must contain a Type member"),
        (json!({"Resources": {"A": "bucket"}}), "Template format error: Any Resources member must be an object."),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Parameters": {"P": {"Type": "Boolean"}}}),
            "Template format error: Unrecognized parameter type: Boolean",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Parameters": {"P": {"Type": "List<String>"}}}),
            "Template format error: Unrecognized parameter type: List<String>",
        ),
        (
            json!({"Resources": {"A": {"Type": {"Ref": "AWS::Region"}}}}),
            "[/Resources/A] Every Type member must be a string.",
        ),
        (
            json!({"AWSTemplateFormatVersion": "2012-12-12", "Resources": {"A": bucket(json!({}))}}),
            "Template format error: unsupported value for AWSTemplateFormatVersion.",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Outputs": {"O": {"Value": ["a"]}}}),
            "The Value field of every Outputs member must evaluate to a String and not a List.",
        ),
        (json!({"Resources": {"a-b": bucket(json!({}))}}), "a-b is non alphanumeric"),
        (json!({"Resources": {"A": bucket(json!({"Propertys": {}}))}}), "'Propertys'"),
        (
            json!({"Resources": {"A": bucket(json!({"DependsOn": ["B"]}))}}),
            "Unresolved resource dependencies [B] in the Resources",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Outputs": {"O": {"Value": {"Ref": "X"}}}}),
            "[X] in the Outputs",
        ),
        (json!({"Resources": {"A": bucket(json!({"Condition": "C"}))}}), "Unresolved condition dependency C"),
        (
            json!({"Resources": {"A": bucket(json!({"Condition": {"Fn::Equals": ["a", "b"]}}))}}),
            "Template format error: Every Condition member must be a string.",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Outputs": {"O": {"Value": "x", "Condition": ["C"]}}}),
            "Template format error: Every Condition member must be a string.",
        ),
        (
            json!({"Resources": {"A": bucket(json!({"DeletionPolicy": {"Fn::If": ["C", "Retain", "Delete"]}}))}}),
            "Template format error: Every DeletionPolicy member must be a string.",
        ),
        (
            json!({"Resources": {"A": bucket(json!({"DeletionPolicy": "Keep"}))}}),
            "Template format error: Unrecognized DeletionPolicy Keep for resource A",
        ),
        (
            json!({"Resources": {"A": bucket(json!({"UpdateReplacePolicy": "RetainExceptOnCreate"}))}}),
            "Template format error: Unrecognized UpdateReplacePolicy RetainExceptOnCreate for resource A",
        ),
        (
            json!({"Resources": {"A": bucket(json!({"DependsOn": {"Ref": "B"}})), "B": bucket(json!({}))}}),
            "Template format error: DependsOn must be a string or list of strings.",
        ),
        (
            json!({"Resources": {"A": bucket(json!({"DependsOn": [{"Ref": "B"}]})), "B": bucket(json!({}))}}),
            "Template format error: Every DependsOn value must be a string.",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Outputs": {"O": {"Value": {"Fn::GetAtt": ["A", "Nope"]}}}}),
            "attribute type Nope",
        ),
        (
            json!({"Resources": {"A": bucket(json!({"DependsOn": "B"})), "B": bucket(json!({"Properties": {"Tags": [{"Ref": "A"}]}}))}}),
            "Circular dependency between resources: [A, B]",
        ),
        (
            json!({"Resources": {"A": bucket(json!({"Properties": {"BucketName": {"Fn::Nope": "x"}}}))}}),
            "Encountered unsupported function: Fn::Nope Supported functions are: [Fn::Base64, ",
        ),
        (json!({"Transform": "AWS::Serverless-2016-10-31", "Resources": {}}), "AWS::Serverless-2016-10-31"),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Conditions": {"C": {"Fn::Not": [{"Condition": "C"}]}}}),
            "Template format error: Found circular condition dependency between C and C",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Conditions": {"C": {"Fn::Equals": [{"Ref": "A"}, "x"]}}}),
            "Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template",
        ),
        (
            json!({"Mappings": {"A": "x"}, "Resources": {"A": bucket(json!({}))}}),
            "Template format error: Every Mappings member A must be a map",
        ),
        (
            json!({"Mappings": {"A": {"b": {"c": {"Ref": "A"}}}}, "Resources": {"A": bucket(json!({}))}}),
            "Template format error: Every Mappings attribute must be a String or a List.",
        ),
        (
            json!({"Parameters": {"a-b": {"Type": "String"}}, "Resources": {"A": bucket(json!({}))}}),
            "Template format error: Parameter name a-b is non alphanumeric.",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Outputs": {"a-b": {"Value": "x"}}}),
            "Template format error: Outputs name 'a-b' is non alphanumeric.",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Outputs": {"MyOutput": {"Value": null}}}),
            "[/Outputs/MyOutput/Value] 'null' values are not allowed in templates",
        ),
        (
            json!({"Resources": {"A": bucket(json!({"Properties": {"Tags": [{"Key": null}]}}))}}),
            "[/Resources/A/Type/Tags/0/Key] 'null' values are not allowed in templates",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Outputs": {"O": {"Value": "x", "Export": {"Name": "a_b"}}}}),
            "Template format error: Output O is malformed. The Name field of every Export member must be specified and \
             consist only of alphanumeric characters, colons, or hyphens.",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Outputs": {"O": {"Value": {"Fn::If": ["X", 1, 2]}}}}),
            "Template error: unresolved condition dependency X in Fn::If",
        ),
        (
            json!({"Resources": {"A": bucket(json!({"Properties": {"BucketName": {"Fn::Join": ["x"]}}}))}}),
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of",
        ),
        (
            json!({"Conditions": {"C": {"Fn::Equals": ["x"]}}, "Resources": {"A": bucket(json!({}))}}),
            "Template error: every Fn::Equals object requires a list of 2 string parameters.",
        ),
        (
            json!({"Resources": {"A": bucket(json!({}))}, "Outputs": {"O": {"Condition": "C", "Value": "x"}}}),
            "Unresolved condition dependency C in the Outputs block of the template",
        ),
    ] {
        let message = message(value.clone());
        assert!(message.contains(expected), "{value}: {message}");
    }
}

#[test]
fn quotas_of_a_template_are_kept() {
    let with = |block: &str, count: usize| {
        let members: serde_json::Map<String, Value> = (0..count)
            .map(|number| {
                let member = match block {
                    "Resources" => bucket(json!({})),
                    "Outputs" => json!({"Value": "x"}),
                    "Parameters" => json!({"Type": "String"}),
                    _ => json!({"a": {"b": "c"}}),
                };
                (format!("N{number}"), member)
            })
            .collect();
        let mut value = json!({"Resources": {"A": bucket(json!({}))}});
        value[block] = members.into();
        value
    };
    for (block, most) in MOST {
        assert_eq!(template(&with(block, most)), Ok(()), "{block}");
        let expected = format!(
            "Template format error: Number of {}, {}, is greater than maximum allowed, {most}",
            block.to_lowercase(),
            most + 1
        );
        assert_eq!(message(with(block, most + 1)), expected);
    }
    let mut wide = with("Resources", 1);
    wide["Mappings"]["M"] = (0..201).map(|number| (format!("k{number}"), json!({}))).collect();
    assert!(message(wide).contains("mapping attributes, 201,"));
    let mut long = with("Resources", 1);
    long["Description"] = "d".repeat(1025).into();
    assert!(message(long).contains("'Description' length"));
}

#[test]
fn capabilities_are_asked_for() {
    let role = |name: Value| json!({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name}}}});
    let missing = |value: &Value, given: &[&str]| {
        let given: Vec<String> = given.iter().map(|g| (*g).to_owned()).collect();
        capabilities(value, &given).err().map(|e| e.message)
    };
    assert_eq!(missing(&role(Value::Null), &[]).unwrap(), "Requires capabilities : [CAPABILITY_IAM]");
    assert_eq!(
        missing(&role(json!("n")), &["CAPABILITY_IAM"]).unwrap(),
        "Requires capabilities : [CAPABILITY_NAMED_IAM]"
    );
    assert_eq!(missing(&role(json!("n")), &["CAPABILITY_NAMED_IAM"]), None);
    assert_eq!(missing(&role(Value::Null), &["CAPABILITY_NAMED_IAM"]), None);
}
