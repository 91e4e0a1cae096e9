//! Faults of a template that can be known before anything is made.
//!
//! Sentences are CloudFormation's own where they are known, so that searching for them helps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::conditions;
use super::resolve::Scope;
use super::resource_types;
use super::template::{call, references, section};
use crate::aws::error::{AwsError, AwsResult};

const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

const RESOURCE_MEMBERS: &[&str] = &[
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
    "Version",
];

/// The only version of the format there has been.
const FORMAT_VERSION: &str = "2010-09-09";

/// Checks the template by itself.
pub(crate) fn template(template: &Value) -> AwsResult<()> {
    let format = |message: String| Err(AwsError::validation(format!("Template format error: {message}")));
    for (name, _) in template.as_object().into_iter().flatten() {
        if !SECTIONS.contains(&name.as_str()) {
            return Err(AwsError::validation(format!("Invalid template property or properties [{name}]")));
        }
    }
    if let Some(transform) = template.get("Transform") {
        return Err(AwsError::validation(format!("the workshop sandbox does not have the transform {transform}")));
    }
    if template.get("AWSTemplateFormatVersion").is_some_and(|version| *version != FORMAT_VERSION) {
        return format("unsupported value for AWSTemplateFormatVersion.".into());
    }
    counts(template)?;
    let resources: BTreeMap<&String, &Value> = section(template, "Resources").collect();
    if resources.is_empty() {
        return format("At least one Resources member must be defined.".into());
    }
    let mut unknown = BTreeSet::new();
    for (name, resource) in &resources {
        if !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return format(format!("Resource name {name} is non alphanumeric."));
        }
        let Some(members) = resource.as_object() else {
            return format(format!("[/Resources/{name}] resource definition is malformed"));
        };
        if let Some(member) = members.keys().find(|m| !RESOURCE_MEMBERS.contains(&m.as_str())) {
            return Err(AwsError::validation(format!("Invalid template resource property '{member}'")));
        }
        match resource["Type"].as_str() {
            None if resource.get("Type").is_some() => {
                return format(format!("[/Resources/{name}] Every Type member must be a string."));
            }
            None => return format(format!("[/Resources/{name}] Every Resources object must contain a Type member.")),
            Some(kind) if resource_types::kind(kind).is_none() => {
                unknown.insert(kind);
            }
            Some(_) => {}
        }
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            let known = ["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"];
            if resource[policy].as_str().is_some_and(|p| !known.contains(&p)) {
                return format(format!("Unrecognized {policy} {} for resource {name}", resource[policy]));
            }
        }
        for condition in conditions_of(resource, "Properties") {
            if template["Conditions"].get(&condition).is_none() {
                return format(format!(
                    "Unresolved condition dependency {condition} in the Resources block of the template"
                ));
            }
        }
    }
    if !unknown.is_empty() {
        return format(unrecognized(&unknown));
    }
    for block in ["Conditions", "Resources", "Outputs"] {
        known_functions(&template[block])?;
    }
    resources_in_conditions(template)?;
    conditions::check(template).map_err(AwsError::validation)?;
    for (block, value) in [("Resources", &template["Resources"]), ("Outputs", &template["Outputs"])] {
        known_references(template, block, value)?;
    }
    for (name, output) in section(template, "Outputs") {
        for condition in conditions_of(output, "Value") {
            if template["Conditions"].get(&condition).is_none() {
                return format(format!(
                    "Unresolved condition dependency {condition} in the Outputs block of the template"
                ));
            }
        }
        if output.get("Value").is_none() {
            return format(format!("Every Outputs member must contain a Value object. ({name})"));
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
    }
    for (_, parameter) in section(template, "Parameters") {
        if parameter["Type"].as_str().is_none() {
            return format("Every Parameters object must contain a Type member.".into());
        }
    }
    circular(template)
}

/// CloudFormation's quotas of a template (user guide, "CloudFormation quotas", 2026-11).
const MOST: [(&str, usize); 4] = [("Mappings", 200), ("Outputs", 200), ("Parameters", 200), ("Resources", 500)];
/// Attributes of one mapping.
const MOST_ATTRIBUTES: usize = 200;
/// Of a template's description, in bytes.
const LONGEST_DESCRIPTION: usize = 1024;

fn counts(template: &Value) -> AwsResult<()> {
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

/// Conditions are evaluated before there are resources.
fn resources_in_conditions(template: &Value) -> AwsResult<()> {
    let named: BTreeSet<String> = references(&template["Conditions"]).into_iter().map(|(name, _)| name).collect();
    let there = |name: &String| template["Parameters"].get(name).is_some() || name.starts_with("AWS::");
    let unresolved: Vec<String> = named.into_iter().filter(|name| !there(name)).collect();
    match unresolved.is_empty() {
        true => Ok(()),
        false => Err(AwsError::validation(format!(
            "Template format error: Unresolved dependencies [{}]. Cannot reference resources in the Conditions block of \
             the template",
            unresolved.join(", ")
        ))),
    }
}

/// CloudFormation's own sentence; and, unless every name is a slip in one that we have, that only the sandbox lacks it.
fn unrecognized(unknown: &BTreeSet<&str>) -> String {
    let all: Vec<&str> = unknown.iter().copied().collect();
    let sentence = format!("Unrecognized resource types: [{}]", all.join(", "));
    let lacking: Vec<&str> = all.into_iter().filter(|name| !is_slip(name)).collect();
    if lacking.is_empty() {
        return sentence;
    }
    let ours: Vec<&str> = resource_types::RESOURCE_TYPES.iter().map(|kind| kind.name).collect();
    format!(
        "{sentence}. This is the workshop sandbox, which does not have {}, though AWS itself may; it has {}",
        lacking.join(", "),
        ours.join(", ")
    )
}

/// Tells that it is so near to a type that we have that this one must be meant: no two types of AWS are so alike.
fn is_slip(name: &str) -> bool {
    resource_types::RESOURCE_TYPES.iter().any(|kind| strsim::damerau_levenshtein(kind.name, name) <= SLIP)
}

/// Letters that may be wrong in a mistyped name.
const SLIP: usize = 2;

/// The functions that a template may call, in the order in which CloudFormation's refusal lists them.
const FUNCTIONS: [&str; 23] = [
    "Fn::Base64",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Split",
    "Fn::FindInMap",
    "Fn::Select",
    "Ref",
    "Fn::Equals",
    "Fn::If",
    "Fn::Not",
    "Condition",
    "Fn::And",
    "Fn::Or",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
    "Fn::RefAll",
    "Fn::Sub",
    "Fn::Cidr",
];

fn known_functions(value: &Value) -> AwsResult<()> {
    if let Some((name, _)) = call(value).filter(|(name, _)| !FUNCTIONS.contains(name)) {
        return Err(AwsError::validation(format!(
            "Template error: Encountered unsupported function: {name} Supported functions are: [{}]",
            FUNCTIONS.join(", ")
        )));
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(known_functions),
        Value::Object(map) => map.values().try_for_each(known_functions),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn known_references(template: &Value, block: &str, value: &Value) -> AwsResult<()> {
    let mut unresolved = BTreeSet::new();
    for (name, attribute) in references(value) {
        let resource = template["Resources"].get(&name);
        match attribute {
            None => {
                if resource.is_none() && template["Parameters"].get(&name).is_none() && !name.starts_with("AWS::") {
                    unresolved.insert(name);
                }
            }
            Some(attribute) => {
                let Some(resource) = resource else {
                    return Err(AwsError::validation(format!(
                        "Template error: instance of Fn::GetAtt references undefined resource {name}"
                    )));
                };
                let kind = resource["Type"].as_str().and_then(resource_types::kind);
                if kind.is_some_and(|kind| !kind.attributes.contains(&attribute.as_str())) {
                    return Err(AwsError::validation(format!(
                        "Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
                    )));
                }
            }
        }
    }
    for (_, resource) in section(template, "Resources").filter(|_| block == "Resources") {
        unresolved.extend(depends_on(resource).into_iter().filter(|name| template["Resources"].get(name).is_none()));
    }
    if unresolved.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = unresolved.into_iter().collect();
    Err(AwsError::validation(format!(
        "Template format error: Unresolved resource dependencies [{}] in the {block} block of the template",
        list.join(", ")
    )))
}

/// The conditions that a resource or an output names, itself and within its values.
fn conditions_of(member: &Value, values: &str) -> Vec<String> {
    let mut found: Vec<String> = member["Condition"].as_str().map(str::to_owned).into_iter().collect();
    ifs(&member[values], &mut found);
    found
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

/// `DependsOn` as a list.
pub(crate) fn depends_on(resource: &Value) -> Vec<String> {
    match &resource["DependsOn"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Lists for each resource in `wanted` those of them that must be there first.
pub(crate) fn dependencies(template: &Value, wanted: &BTreeSet<String>) -> BTreeMap<String, Vec<String>> {
    wanted
        .iter()
        .map(|name| {
            let resource = &template["Resources"][name];
            let mut needs: BTreeSet<String> = depends_on(resource).into_iter().collect();
            needs.extend(references(&resource["Properties"]).into_iter().map(|(name, _)| name));
            needs.retain(|need| wanted.contains(need) && need != name);
            (name.clone(), needs.into_iter().collect())
        })
        .collect()
}

fn circular(template: &Value) -> AwsResult<()> {
    let all: BTreeSet<String> = section(template, "Resources").map(|(name, _)| name.clone()).collect();
    let mut waiting = dependencies(template, &all);
    for (name, resource) in section(template, "Resources") {
        let own = references(&resource["Properties"]).into_iter().map(|(n, _)| n).chain(depends_on(resource));
        if own.into_iter().any(|n| n == *name) {
            return Err(AwsError::validation(format!("Circular dependency between resources: [{name}]")));
        }
    }
    loop {
        let free: Vec<String> = waiting
            .iter()
            .filter(|(_, needs)| needs.iter().all(|n| !waiting.contains_key(n)))
            .map(|(n, _)| n.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        free.iter().for_each(|name| {
            waiting.remove(name);
        });
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = waiting.into_keys().collect();
    Err(AwsError::validation(format!("Circular dependency between resources: [{}]", list.join(", "))))
}

/// The template's own rules (`Rules`), for the parameters given.
pub(crate) fn rules(scope: &Scope<'_>) -> AwsResult<()> {
    for (_, rule) in section(scope.template, "Rules") {
        let applies = rule.get("RuleCondition").map_or(Ok(true), |c| scope.truth(c)).map_err(AwsError::validation)?;
        for assertion in rule["Assertions"].as_array().into_iter().flatten().filter(|_| applies) {
            if !scope.truth(&assertion["Assert"]).map_err(AwsError::validation)? {
                let description =
                    assertion["AssertDescription"].as_str().unwrap_or("a rule of the template is not met");
                return Err(AwsError::validation(format!("Template error: {description}")));
            }
        }
    }
    Ok(())
}

/// Resources of IAM need the caller's word that they are meant.
pub(crate) fn capabilities(template: &Value, given: &[String]) -> AwsResult<()> {
    let mut needed: Option<&str> = None;
    for (_, resource) in section(template, "Resources") {
        let kind = resource["Type"].as_str().and_then(resource_types::kind);
        if let Some(kind) = kind.filter(|kind| kind.name.starts_with("AWS::IAM::")) {
            let named = kind.named_by.is_some_and(|name| !resource["Properties"][name].is_null());
            if named {
                needed = Some("CAPABILITY_NAMED_IAM");
            }
            needed.get_or_insert("CAPABILITY_IAM");
        }
    }
    let has = |name: &str| given.iter().any(|g| g == name);
    match needed {
        Some("CAPABILITY_IAM") if has("CAPABILITY_IAM") || has("CAPABILITY_NAMED_IAM") => Ok(()),
        Some(name) if !has(name) => {
            Err(AwsError::new(400, "InsufficientCapabilitiesException", format!("Requires capabilities : [{name}]")))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let role =
            |name: Value| json!({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name}}}});
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
}
