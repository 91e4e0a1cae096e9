//! Resources that hold data or only need to be there: buckets, parameters, log groups, keys, repositories.

use std::collections::BTreeMap;

use serde_json::json;

use super::handler::{
    HandlerResult, ResourceContext, ResourceWork, SystemTags, already_exists, created, creates, named, physical,
    refusal, text,
};
use crate::aws::cloudformation::engine::Created;
use crate::aws::cloudformation::model::{ResourceJob, Verb};
use crate::aws::error::AwsError;
use crate::aws::records::{Bucket, LogGroup, SsmParameter};
use crate::aws::s3::attributes;
use crate::aws::tags;

/// Handles what is nothing but a line in the template.
pub(crate) fn nameless(context: &mut ResourceContext<'_>, job: &ResourceJob) -> ResourceWork {
    let id = if creates(job) { context.world.ids.uuid() } else { physical(job) };
    ResourceWork::Done(created(id, []))
}

/// Things the bootstrap template makes and nothing here uses.
pub(crate) fn inert(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let id = match (creates(job), job.kind.as_str()) {
        (false, _) => physical(job),
        (true, "AWS::KMS::Key") => context.world.ids.uuid(),
        (true, "AWS::KMS::Alias") => named(context, job, "AliasName", 256),
        (true, _) => named(context, job, "RepositoryName", 256).to_lowercase(),
    };
    let key = format!("{} {id}", job.kind);
    if job.verb == Verb::Delete {
        context.world.state.inert.remove(&key);
        return Ok(ResourceWork::Done(created(id, [])));
    }
    if creates(job) && context.world.state.inert.contains_key(&key) {
        return Err(already_exists(&mut context.world.ids, &job.kind, &id));
    }
    context.world.state.inert.insert(key, job.properties.clone());
    let (account, region) = (&context.world.state.account, &context.world.state.region);
    let created = match job.kind.as_str() {
        "AWS::KMS::Key" => {
            created(&id, [("Arn", json!(format!("arn:aws:kms:{region}:{account}:key/{id}"))), ("KeyId", json!(id))])
        }
        "AWS::ECR::Repository" => created(
            &id,
            [
                ("Arn", json!(format!("arn:aws:ecr:{region}:{account}:repository/{id}"))),
                ("RepositoryUri", json!(format!("{account}.dkr.ecr.{region}.amazonaws.com/{id}"))),
            ],
        ),
        _ => created(&id, []),
    };
    Ok(ResourceWork::Done(created))
}

/// Handles buckets. One that has objects is not deleted.
pub(crate) fn bucket(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let name = match text(&job.properties, "BucketName") {
        _ if !creates(job) => physical(job),
        // As reported in github.com/Hubs-Foundation/hubs-cloud/issues/13.
        Some(given) if given.chars().any(char::is_uppercase) => {
            return Err("Bucket name should not contain uppercase characters".into());
        }
        Some(given) => given,
        None => context.name(&job.logical_id, 63).to_lowercase(),
    };
    let mut properties = job.properties.clone();
    properties["Tags"] = tags::list(&context.tags(job, SystemTags::Given));
    let existing = context.world.state.buckets.get_mut(&name);
    match (job.verb, existing) {
        (Verb::Delete, Some(bucket)) if !bucket.objects.is_empty() => {
            let error = AwsError::new(
                409,
                "",
                "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
            );
            return Err(refusal(&mut context.world.ids, "S3", &error, "GeneralServiceException"));
        }
        (Verb::Delete, _) => {
            context.world.state.buckets.remove(&name);
            context.world.state.uploads.retain(|_, upload| upload.bucket != name);
            return Ok(ResourceWork::Done(created(name, [])));
        }
        // One that a stack left behind is taken over, if the caller asked for that.
        (Verb::Create, Some(bucket)) if job.import_existing => bucket.properties = properties,
        (Verb::Create | Verb::Replace, Some(_)) => {
            return Err(already_exists(&mut context.world.ids, "AWS::S3::Bucket", &name));
        }
        (Verb::Update, Some(bucket)) => bucket.properties = properties,
        (Verb::Create | Verb::Replace | Verb::Update, None) => {
            let bucket = Bucket { created: context.now, properties, policy: None, objects: BTreeMap::new() };
            context.world.state.buckets.insert(name.clone(), bucket);
        }
    }
    let attributes = attributes(&name, &context.world.state.region);
    Ok(ResourceWork::Done(Created { physical_id: name, attributes }))
}

/// Handles bucket policies, which are kept and not evaluated.
pub(crate) fn bucket_policy(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let name = text(&job.properties, "Bucket").unwrap_or_default();
    match (context.world.state.buckets.get_mut(&name), job.verb) {
        (Some(bucket), Verb::Delete) => bucket.policy = None,
        (None, Verb::Delete) => {}
        (Some(bucket), Verb::Create | Verb::Replace | Verb::Update) => {
            bucket.policy = Some(job.properties["PolicyDocument"].clone());
        }
        (None, Verb::Create | Verb::Replace | Verb::Update) => {
            let error = AwsError::new(404, "", "The specified bucket does not exist");
            return Err(refusal(&mut context.world.ids, "S3", &error, "NotFound"));
        }
    }
    Ok(ResourceWork::Done(created(name, [])))
}

/// Handles SSM parameters.
pub(crate) fn parameter(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let name = match text(&job.properties, "Name") {
        _ if !creates(job) => physical(job),
        Some(given) => given,
        // Recorded in localstack/localstack, test_stack_deploy_order.
        None => format!("CFN-{}-{}", job.logical_id, context.world.ids.suffix()),
    };
    if job.verb == Verb::Delete {
        context.world.state.parameters.remove(&name);
        return Ok(ResourceWork::Done(created(name, [])));
    }
    let kind = text(&job.properties, "Type").unwrap_or_default();
    if !matches!(kind.as_str(), "String" | "StringList") {
        return Err(format!(
            "Properties validation failed for resource {} with message:\n#/Type: #: only 1 subschema matches out of 2\n\
             #/Type: {kind} is not a valid enum value",
            job.logical_id
        ));
    }
    let old = context.world.state.parameters.get(&name);
    if creates(job) && old.is_some() {
        return Err(already_exists(&mut context.world.ids, "AWS::SSM::Parameter", &name));
    }
    let value = text(&job.properties, "Value").unwrap_or_default();
    // Systems Manager user guide, "Managing parameter tiers" (2026-11): 4 KB in the standard tier, 8 KB in the others.
    let (tier, longest) = match text(&job.properties, "Tier").as_deref() {
        Some("Advanced" | "Intelligent-Tiering") => ("Advanced", 8192),
        _ => ("Standard", 4096),
    };
    let refused = match value.chars().count() {
        0 => Some(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater \
             than or equal to 1"
                .to_owned(),
        ),
        length if length > longest => Some(format!(
            "{tier} tier parameters support a maximum parameter value of {longest} characters."
        )),
        _ => None,
    };
    if let Some(why) = refused {
        let error = AwsError::new(400, "ValidationException", why);
        return Err(refusal(&mut context.world.ids, "Ssm", &error, "InvalidRequest"));
    }
    let old = context.world.state.parameters.get(&name);
    let version = old.map_or(1, |old| old.version + 1);
    let attributes = [("Type", json!(kind)), ("Value", json!(value))];
    context.world.state.parameters.insert(name.clone(), SsmParameter { kind, value, version, modified: context.now });
    Ok(ResourceWork::Done(created(name, attributes)))
}

/// Handles log groups.
pub(crate) fn log_group(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let name = if creates(job) { named(context, job, "LogGroupName", 512) } else { physical(job) };
    if job.verb == Verb::Delete {
        context.world.state.log_groups.remove(&name);
        return Ok(ResourceWork::Done(created(name, [])));
    }
    let old = context.world.state.log_groups.get(&name);
    if creates(job) && old.is_some() {
        return Err(already_exists(&mut context.world.ids, "AWS::Logs::LogGroup", &name));
    }
    let group = LogGroup {
        created: old.map_or(context.now, |old| old.created),
        retention_days: text(&job.properties, "RetentionInDays").and_then(|days| days.parse().ok()),
    };
    let (account, region) = (&context.world.state.account, &context.world.state.region);
    let arn = format!("arn:aws:logs:{region}:{account}:log-group:{name}:*");
    context.world.state.log_groups.insert(name.clone(), group);
    Ok(ResourceWork::Done(created(name, [("Arn", json!(arn))])))
}
