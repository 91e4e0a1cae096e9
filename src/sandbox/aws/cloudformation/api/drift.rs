//! Drift: what has been changed beside CloudFormation, by the services' own operations.
//!
//! As on AWS, only what a template says is compared. Invariant: looking for drift changes no resource.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::lookup::{PAGE, existing, live};
use crate::aws::cloudformation::findings::{DriftDetection, DriftStatus, ResourceDrift};
use crate::aws::cloudformation::model::{Resource, Stack};
use crate::aws::cloudformation::resolve::comparable;
use crate::aws::dsql::OWNED_KEY;
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::service::{Call, Response, World, items, page, text};
use crate::aws::tags;
use crate::aws::time::Instant;

/// Compares a stack's resources with what is there, and keeps the findings.
pub(super) fn detect(call: &mut Call<'_>, name: &str) -> AwsResult<Response> {
    let stack = existing(call.world, name)?;
    if stack.status.in_progress() {
        return Err(AwsError::validation(format!(
            "Stack [{}] is in {} state. Drift detection is not possible while an operation is under way",
            stack.id,
            stack.status.as_str()
        )));
    }
    let there = stack.resources.iter().filter(|(_, resource)| resource.exists());
    let resources: BTreeMap<String, ResourceDrift> =
        there.map(|(logical, resource)| (logical.clone(), compared(call.world, resource, stack.tags()))).collect();
    let (id, at) = (call.world.ids.uuid(), call.now);
    live(call.world, name)?.drift = Some(DriftDetection { id: id.clone(), at, resources });
    call.changed();
    Ok(Response::Query(json!({"StackDriftDetectionId": id})))
}

/// The tags of a resource without those that it has of its stack.
fn own(all: &BTreeMap<String, String>, stack: &BTreeMap<String, String>, given: &Value) -> BTreeMap<String, String> {
    let given = tags::map(given).unwrap_or_default();
    let theirs = |name: &String, value: &String| {
        name.starts_with(tags::SYSTEM) || !given.contains_key(name) && stack.get(name) == Some(value)
    };
    all.iter().filter(|(name, value)| !theirs(name, value)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A resource beside what is really there.
fn compared(world: &World, resource: &Resource, stack_tags: &BTreeMap<String, String>) -> ResourceDrift {
    let id = resource.physical_id.as_deref().unwrap_or_default();
    let state = &world.state;
    let actual = match resource.kind.as_str() {
        "AWS::DSQL::Cluster" => state.clusters.get(id).map(|cluster| {
            json!({
                "DeletionProtectionEnabled": cluster.deletion_protection,
                "KmsEncryptionKey": cluster.kms_key.as_deref().unwrap_or(OWNED_KEY),
                "Tags": tags::list(&own(&cluster.tags, stack_tags, &resource.properties["Tags"])),
            })
        }),
        "AWS::Lambda::Function" => state.functions.get(id).map(|function| {
            json!({
                "Description": function.description,
                "Environment": {"Variables": function.environment},
                "Handler": function.handler,
                "MemorySize": function.memory_mb,
                "Role": function.role_arn,
                "Runtime": function.runtime,
                "Timeout": function.timeout_s,
            })
        }),
        "AWS::Logs::LogGroup" => state.log_groups.get(id).map(|group| json!({"RetentionInDays": group.retention_days})),
        "AWS::SSM::Parameter" => state.parameters.get(id).map(|parameter| json!({"Value": parameter.value})),
        "AWS::IAM::Role" => state.iam.roles.get(id).map(|_| json!({})),
        "AWS::S3::Bucket" => state.buckets.get(id).map(|_| json!({})),
        _ => {
            let nothing = Value::Object(Map::new());
            return ResourceDrift { status: DriftStatus::NotChecked, expected: nothing.clone(), actual: nothing };
        }
    };
    let Some(Value::Object(actual)) = actual else {
        let expected = resource.properties.clone();
        return ResourceDrift { status: DriftStatus::Deleted, expected, actual: Value::Null };
    };
    let said = |name: &String| resource.properties.get(name).is_some();
    let actual: Map<String, Value> = actual.into_iter().filter(|(name, _)| said(name)).collect();
    let expected: Map<String, Value> =
        actual.keys().map(|name| (name.clone(), resource.properties[name].clone())).collect();
    let same = actual.iter().all(|(name, value)| alike(value, &expected[name]));
    let status = if same { DriftStatus::InSync } else { DriftStatus::Modified };
    ResourceDrift { status, expected: expected.into(), actual: actual.into() }
}

/// Equality as CloudFormation has it: 1 is "1", and tags have no order.
fn alike(one: &Value, other: &Value) -> bool {
    match (tags::map(one), tags::map(other)) {
        (Some(one), Some(other)) if one.len() + other.len() > 0 => one == other,
        _ => comparable(one.clone()) == comparable(other.clone()),
    }
}

fn drifted(drift: &DriftDetection) -> usize {
    let changed = |one: &&ResourceDrift| matches!(one.status, DriftStatus::Modified | DriftStatus::Deleted);
    drift.resources.values().filter(changed).count()
}

/// `DRIFTED`, `IN_SYNC`, or `NOT_CHECKED` where nobody has looked.
fn status(drift: Option<&DriftDetection>) -> &'static str {
    match drift.map(drifted) {
        None => "NOT_CHECKED",
        Some(0) => "IN_SYNC",
        Some(_) => "DRIFTED",
    }
}

/// The `DriftInformation` of a stack's description.
pub(super) fn information(stack: &Stack) -> Value {
    let at = stack.drift.as_ref().map(|drift| drift.at.iso());
    json!({"StackDriftStatus": status(stack.drift.as_ref()), "LastCheckTimestamp": at})
}

/// Tells what a look for drift came to.
pub(super) fn describe_detection(call: &Call<'_>, input: &Value) -> AwsResult<Response> {
    let id = text(input, "StackDriftDetectionId").unwrap_or_default();
    let missing = || AwsError::validation(format!("Drift detection with id {id} does not exist"));
    let found = call.world.state.stacks.values().find_map(|stack| {
        let drift = stack.drift.as_ref().filter(|drift| drift.id == id)?;
        Some((stack, drift))
    });
    let (stack, drift) = found.ok_or_else(missing)?;
    Ok(Response::Query(json!({
        "StackId": stack.id,
        "StackDriftDetectionId": id,
        "StackDriftStatus": status(Some(drift)),
        "DetectionStatus": "DETECTION_COMPLETE",
        "DriftedStackResourceCount": drifted(drift),
        "Timestamp": drift.at.iso(),
    })))
}

/// Lists what the last look for drift found of each resource.
pub(super) fn describe_resources(call: &Call<'_>, name: &str, input: &Value) -> AwsResult<Response> {
    let stack = existing(call.world, name)?;
    let wanted: Vec<&str> = items(input, "StackResourceDriftStatusFilters").iter().filter_map(Value::as_str).collect();
    let looked = stack.drift.as_ref().map(|drift| (drift.at, &drift.resources));
    let all: Vec<Value> = looked
        .into_iter()
        .flat_map(|(at, resources)| resources.iter().map(move |(logical, drift)| (at, logical, drift)))
        .filter(|(_, _, drift)| wanted.is_empty() || wanted.contains(&drift.status.as_str()))
        .filter_map(|(at, logical, drift)| Some(shown(stack, at, logical, stack.resources.get(logical)?, drift)))
        .collect();
    let size = text(input, "MaxResults").and_then(|most| most.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let (page, next) = page(all, text(input, "NextToken"), size)?;
    Ok(Response::Query(json!({"StackResourceDrifts": page, "NextToken": next})))
}

fn shown(stack: &Stack, at: Instant, logical: &str, resource: &Resource, drift: &ResourceDrift) -> Value {
    let mut differences = Vec::new();
    if drift.status == DriftStatus::Modified {
        let (expected, actual) = (comparable(drift.expected.clone()), comparable(drift.actual.clone()));
        different("", &expected, &actual, &mut differences);
    }
    let compared = drift.status != DriftStatus::NotChecked;
    json!({
        "StackId": stack.id,
        "LogicalResourceId": logical,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.kind,
        "ExpectedProperties": compared.then(|| drift.expected.to_string()),
        "ActualProperties": (compared && !drift.actual.is_null()).then(|| drift.actual.to_string()),
        "PropertyDifferences": differences,
        "StackResourceDriftStatus": drift.status.as_str(),
        "Timestamp": at.iso(),
    })
}

/// The places where two values differ, as JSON pointers.
fn different(path: &str, expected: &Value, actual: &Value, found: &mut Vec<Value>) {
    if let (Value::Object(old), Value::Object(new)) = (expected, actual) {
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let (old, new) = (old.get(name).unwrap_or(&Value::Null), new.get(name).unwrap_or(&Value::Null));
            different(&format!("{path}/{name}"), old, new, found);
        }
    } else if !alike(expected, actual) {
        let kind = match (expected.is_null(), actual.is_null()) {
            (true, _) => "ADD",
            (_, true) => "REMOVE",
            _ => "NOT_EQUAL",
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        found.push(json!({
            "PropertyPath": path,
            "ExpectedValue": text(expected),
            "ActualValue": text(actual),
            "DifferenceType": kind,
        }));
    }
}
