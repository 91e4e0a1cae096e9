//! What holds data or only needs to be there: buckets, parameters, log groups, keys, repositories.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::engine::{Job, Made, Verb};
use super::{Handled, Place, Work, already_exists, creates, made, named, physical, refusal, text};
use crate::aws::error::AwsError;
use crate::aws::s3::{Bucket, attributes};
use crate::aws::ssm::Parameter;
use crate::aws::state::LogGroup;

pub fn nameless(place: &mut Place<'_>, job: &Job) -> Work {
    let id = if creates(job) { place.world.ids.uuid() } else { physical(job) };
    Work::Done(made(id, []))
}

/// Things the bootstrap template makes and nothing here uses.
pub fn inert(place: &mut Place<'_>, job: &Job) -> Handled {
    let id = match (creates(job), job.kind.as_str()) {
        (false, _) => physical(job),
        (true, "AWS::KMS::Key") => place.world.ids.uuid(),
        (true, "AWS::KMS::Alias") => named(place, job, "AliasName", 256),
        (true, _) => named(place, job, "RepositoryName", 256).to_lowercase(),
    };
    let key = format!("{} {id}", job.kind);
    if job.verb == Verb::Delete {
        place.world.state.inert.remove(&key);
        return Ok(Work::Done(made(id, [])));
    }
    if creates(job) && place.world.state.inert.contains_key(&key) {
        return Err(already_exists(&mut place.world.ids, &job.kind, &id));
    }
    place.world.state.inert.insert(key, job.properties.clone());
    let (account, region) = (&place.world.state.account, &place.world.state.region);
    let made = match job.kind.as_str() {
        "AWS::KMS::Key" => {
            made(&id, [("Arn", json!(format!("arn:aws:kms:{region}:{account}:key/{id}"))), ("KeyId", json!(id))])
        }
        "AWS::ECR::Repository" => made(
            &id,
            [
                ("Arn", json!(format!("arn:aws:ecr:{region}:{account}:repository/{id}"))),
                ("RepositoryUri", json!(format!("{account}.dkr.ecr.{region}.amazonaws.com/{id}"))),
            ],
        ),
        _ => made(&id, []),
    };
    Ok(Work::Done(made))
}

pub fn bucket(place: &mut Place<'_>, job: &Job) -> Handled {
    let name = if creates(job) { named(place, job, "BucketName", 63).to_lowercase() } else { physical(job) };
    let existing = place.world.state.buckets.get_mut(&name);
    match (job.verb, existing) {
        (Verb::Delete, Some(bucket)) if !bucket.objects.is_empty() => {
            let error = AwsError::new(
                409,
                "",
                "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
            );
            return Err(refusal(&mut place.world.ids, "S3", &error, "GeneralServiceException"));
        }
        (Verb::Delete, _) => {
            place.world.state.buckets.remove(&name);
            return Ok(Work::Done(made(name, [])));
        }
        // One that a stack left behind is taken over, if the caller asked for that.
        (Verb::Create, Some(bucket)) if job.import_existing => bucket.properties = job.properties.clone(),
        (Verb::Create | Verb::Replace, Some(_)) => {
            return Err(already_exists(&mut place.world.ids, "AWS::S3::Bucket", &name));
        }
        (Verb::Update, Some(bucket)) => bucket.properties = job.properties.clone(),
        (Verb::Create | Verb::Replace | Verb::Update, None) => {
            let bucket = Bucket {
                created: place.now,
                properties: job.properties.clone(),
                policy: None,
                objects: BTreeMap::new(),
            };
            place.world.state.buckets.insert(name.clone(), bucket);
        }
    }
    let attributes = attributes(&name, &place.world.state.region);
    Ok(Work::Done(Made { physical_id: name, attributes }))
}

pub fn bucket_policy(place: &mut Place<'_>, job: &Job) -> Handled {
    let name = text(&job.properties, "Bucket").unwrap_or_default();
    match (place.world.state.buckets.get_mut(&name), job.verb) {
        (Some(bucket), Verb::Delete) => bucket.policy = None,
        (None, Verb::Delete) => {}
        (Some(bucket), Verb::Create | Verb::Replace | Verb::Update) => {
            bucket.policy = Some(job.properties["PolicyDocument"].clone());
        }
        (None, Verb::Create | Verb::Replace | Verb::Update) => {
            let error = AwsError::new(404, "", "The specified bucket does not exist");
            return Err(refusal(&mut place.world.ids, "S3", &error, "NotFound"));
        }
    }
    Ok(Work::Done(made(name, [])))
}

pub fn parameter(place: &mut Place<'_>, job: &Job) -> Handled {
    let name = if creates(job) { named(place, job, "Name", 1011) } else { physical(job) };
    if job.verb == Verb::Delete {
        place.world.state.parameters.remove(&name);
        return Ok(Work::Done(made(name, [])));
    }
    let kind = text(&job.properties, "Type").unwrap_or_default();
    if !matches!(kind.as_str(), "String" | "StringList") {
        return Err(format!(
            "Properties validation failed for resource {} with message:\n#/Type: #: only 1 subschema matches out of 2\n\
             #/Type: {kind} is not a valid enum value",
            job.logical_id
        ));
    }
    let old = place.world.state.parameters.get(&name);
    if creates(job) && old.is_some() {
        return Err(already_exists(&mut place.world.ids, "AWS::SSM::Parameter", &name));
    }
    let value = text(&job.properties, "Value").unwrap_or_default();
    let version = old.map_or(1, |old| old.version + 1);
    let attributes = [("Type", json!(kind)), ("Value", json!(value))];
    place.world.state.parameters.insert(name.clone(), Parameter { kind, value, version, modified: place.now });
    Ok(Work::Done(made(name, attributes)))
}

pub fn log_group(place: &mut Place<'_>, job: &Job) -> Handled {
    let name = if creates(job) { named(place, job, "LogGroupName", 512) } else { physical(job) };
    if job.verb == Verb::Delete {
        place.world.state.log_groups.remove(&name);
        return Ok(Work::Done(made(name, [])));
    }
    let old = place.world.state.log_groups.get(&name);
    if creates(job) && old.is_some() {
        return Err(already_exists(&mut place.world.ids, "AWS::Logs::LogGroup", &name));
    }
    let group = LogGroup {
        created: old.map_or(place.now, |old| old.created),
        retention_days: text(&job.properties, "RetentionInDays").and_then(|days| days.parse().ok()),
    };
    let (account, region) = (&place.world.state.account, &place.world.state.region);
    let arn = format!("arn:aws:logs:{region}:{account}:log-group:{name}:*");
    place.world.state.log_groups.insert(name.clone(), group);
    Ok(Work::Done(made(name, [("Arn", json!(arn))])))
}
