//! Functions, their versions, aliases, permissions and URLs.

use serde_json::{Value, json};

use super::handler::{
    HandlerResult, ResourceContext, ResourceWork, SystemTags, already_exists, created, creates, named, physical,
    refusal, text,
};
use crate::aws::cloudformation::engine::Created;
use crate::aws::cloudformation::model::{ResourceJob, Verb};
use crate::aws::error::AwsError;
use crate::aws::lambda;
use crate::aws::protocol::Protocol;
use crate::aws::records::FunctionRecord;
use crate::aws::service_model;

/// Handles functions.
pub(crate) fn function(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    if job.verb == Verb::Delete {
        let physical = physical(job);
        let (name, _) = lambda::split(&physical);
        let gone = context.world.state.functions.remove(name);
        let keys = gone.map(|function| lambda::keys(name, &function)).unwrap_or_default();
        return Ok(ResourceWork::RemoveFunctions { keys, created: created(physical, []) });
    }
    if let Err(error) =
        service_model::check("lambda", Protocol::RestJson, "CreateFunction", &with_name(&job.properties))
    {
        return Err(refused(context, &error));
    }
    let name = match creates(job) {
        true => {
            let given = named(context, job, "FunctionName", 64);
            lambda::new_name(&context.world.state, &given).map_err(|error| refused(context, &error))?
        }
        false => lambda::split(&physical(job)).0.to_owned(),
    };
    let old = context.world.state.functions.get(&name).cloned();
    if creates(job) && old.is_some() {
        return Err(already_exists(&mut context.world.ids, "AWS::Lambda::Function", &name));
    }
    // What the template does not say goes back to its default, so nothing is taken over from the old function.
    match lambda::make(context.world, &name, &job.properties, None, context.now) {
        Ok(made) => {
            let made = FunctionRecord { tags: context.tags(job, SystemTags::Given), ..made };
            let created = created(&name, [("Arn", json!(made.arn))]);
            // What other resources made of it stays: versions, aliases, permissions, URLs.
            let function = match &old {
                None => made,
                Some(old) => FunctionRecord {
                    versions: old.versions.clone(),
                    last_version: old.last_version,
                    aliases: old.aliases.clone(),
                    permissions: old.permissions.clone(),
                    policy_revisions: old.policy_revisions.clone(),
                    urls: old.urls.clone(),
                    ..made
                },
            };
            context.world.state.functions.insert(name.clone(), function);
            context.world.updating.push(name.clone());
            Ok(ResourceWork::PutFunction { key: name, created, old: old.map(Box::new) })
        }
        Err(error) => Err(refusal(&mut context.world.ids, "Lambda", &error, "InvalidRequest")),
    }
}

/// A name that the template leaves to CloudFormation is not missing.
fn with_name(properties: &Value) -> Value {
    let mut all = properties.clone();
    if all["FunctionName"].is_null() {
        all["FunctionName"] = json!("f");
    }
    all
}

/// The function and the qualifier that a property names: a name or an ARN, and perhaps a qualifier beside it.
fn target(properties: &Value, name: &str) -> (String, Option<String>) {
    let given = text(properties, name).unwrap_or_default();
    let (function, qualifier) = lambda::split(&given);
    (function.to_owned(), text(properties, "Qualifier").or(qualifier.map(str::to_owned)))
}

/// The same for a resource that is made, where a function elsewhere is refused.
fn reached(
    context: &mut ResourceContext<'_>,
    properties: &Value,
    name: &str,
) -> Result<(String, Option<String>), String> {
    let given = text(properties, name).unwrap_or_default();
    lambda::reachable(&context.world.state, &given).map_err(|error| refused(context, &error))?;
    Ok(target(properties, name))
}

fn refused(context: &mut ResourceContext<'_>, error: &AwsError) -> String {
    let code = match error.status {
        404 => "NotFound",
        409 => "AlreadyExists",
        _ => "InvalidRequest",
    };
    refusal(&mut context.world.ids, "Lambda", error, code)
}

/// Handles versions: the code of the function as it is when the resource is made.
pub(crate) fn version(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    if !creates(job) {
        let arn = physical(job);
        if job.verb == Verb::Update {
            let attributes = job.previous.as_ref().map(|r| r.attributes.clone()).unwrap_or_default();
            return Ok(ResourceWork::Done(Created { physical_id: arn, attributes }));
        }
        let (name, number) = lambda::split(&arn);
        let number: u64 = number.and_then(|number| number.parse().ok()).unwrap_or_default();
        let keys = match lambda::remove_version(context.world, name, number) {
            Ok(()) => vec![lambda::key(name, &number.to_string())],
            Err(error) if error.status == 404 => Vec::new(),
            Err(error) => return Err(refused(context, &error)),
        };
        return Ok(ResourceWork::RemoveFunctions { keys, created: created(arn, []) });
    }
    let (function, _) = reached(context, &job.properties, "FunctionName")?;
    let (description, sha256) = (text(&job.properties, "Description"), text(&job.properties, "CodeSha256"));
    let published = lambda::publish(context.world, &function, description.as_deref(), sha256.as_deref());
    let (version, new) = published.map_err(|error| refused(context, &error))?;
    let number = version.version.clone();
    if !new {
        return Err(format!(
            "Resource handler returned message: \"A version for this Lambda function exists ( {number} ). Modify the function \
             to create a new version.\" (RequestToken: {}, HandlerErrorCode: AlreadyExists)",
            context.world.ids.uuid()
        ));
    }
    let arn = version.qualified_arn();
    let created = created(&arn, [("FunctionArn", json!(arn)), ("Version", json!(number))]);
    Ok(ResourceWork::PutFunction { key: lambda::key(&function, &number), created, old: None })
}

/// Handles aliases.
pub(crate) fn alias(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let (function, name) = match creates(job) {
        true => {
            (reached(context, &job.properties, "FunctionName")?.0, text(&job.properties, "Name").unwrap_or_default())
        }
        false => {
            let arn = physical(job);
            let (function, name) = lambda::split(&arn);
            (function.to_owned(), name.unwrap_or_default().to_owned())
        }
    };
    let record = context.world.state.functions.get_mut(&function);
    if job.verb == Verb::Delete {
        if let Some(record) = record {
            record.aliases.remove(&name);
        }
        return Ok(ResourceWork::Done(created(physical(job), [])));
    }
    if creates(job) && record.is_some_and(|record| record.aliases.contains_key(&name)) {
        return Err(already_exists(&mut context.world.ids, "AWS::Lambda::Alias", &name));
    }
    // Weights that the template no longer has are gone.
    let mut input = job.properties.clone();
    if input["RoutingConfig"].is_null() {
        input["RoutingConfig"] = json!({});
    }
    let arn = lambda::put_alias(context.world, &function, &name, &input).map_err(|error| refused(context, &error))?;
    Ok(ResourceWork::Done(created(&arn, [("AliasArn", json!(arn))])))
}

/// Handles permissions. Every change is a new statement.
pub(crate) fn permission(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    if job.verb == Verb::Delete {
        let properties = job.previous.as_ref().map_or(&job.properties, |previous| &previous.properties);
        let (function, qualifier) = target(properties, "FunctionName");
        lambda::remove_permission(context.world, &function, qualifier.as_deref(), &physical(job));
        return Ok(ResourceWork::Done(created(physical(job), [])));
    }
    let sid = if creates(job) { context.name(&job.logical_id, 100) } else { physical(job) };
    if !creates(job) {
        return Ok(ResourceWork::Done(created(&sid, [("Id", json!(sid))])));
    }
    let (function, qualifier) = reached(context, &job.properties, "FunctionName")?;
    lambda::add_permission(context.world, &function, qualifier.as_deref(), &sid, &job.properties)
        .map_err(|error| refused(context, &error))?;
    Ok(ResourceWork::Done(created(&sid, [("Id", json!(sid))])))
}

/// Handles function URLs, each a port of its own on loopback.
pub(crate) fn url(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let (function, qualifier) = match creates(job) {
        true => reached(context, &job.properties, "TargetFunctionArn")?,
        false => {
            let arn = physical(job);
            let (function, qualifier) = lambda::split(&arn);
            (function.to_owned(), qualifier.map(str::to_owned))
        }
    };
    let urls = context.world.state.functions.get_mut(&function).map(|record| &mut record.urls);
    let place = qualifier.as_deref().unwrap_or_default();
    if job.verb == Verb::Delete {
        if let Some(urls) = urls {
            urls.remove(place);
        }
        return Ok(ResourceWork::CloseFronts(created(physical(job), [])));
    }
    if creates(job) && urls.is_some_and(|urls| urls.contains_key(place)) {
        return Err(already_exists(&mut context.world.ids, "AWS::Lambda::Url", &function));
    }
    // What the template no longer says is as it was in the beginning.
    if let Some(url) = context.world.state.functions.get_mut(&function).and_then(|record| record.urls.get_mut(place)) {
        url.cors = Value::Null;
        url.mode = "BUFFERED".into();
    }
    lambda::put_url(context.world, &function, qualifier.as_deref(), &job.properties, context.now)
        .map_err(|error| refused(context, &error))?;
    let record = context.world.state.functions.get(&function).ok_or("the function is gone")?;
    let arn = lambda::url_arn(record, qualifier.as_deref());
    let created = created(&arn, [("FunctionArn", json!(arn))]);
    Ok(ResourceWork::OpenUrl { function, qualifier, created })
}
