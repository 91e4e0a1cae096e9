//! HTTP APIs of API Gateway: the API, its integrations with functions, its routes and stages.

use serde_json::{Value, json};

use super::handler::{HandlerResult, ResourceContext, ResourceWork, created, creates, physical, refusal, text};
use crate::aws::cloudformation::model::{ResourceJob, Verb};
use crate::aws::error::AwsError;
use crate::aws::records::{HttpApiRecord, RouteRecord};

const ID: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

fn refused(context: &mut ResourceContext<'_>, status: u16, message: String) -> String {
    let code = if status == 404 { "NotFound" } else { "InvalidRequest" };
    refusal(&mut context.world.ids, "AmazonApiGatewayV2", &AwsError::new(status, "", message), code)
}

/// The API that a property names; on the way out it may be gone already.
fn api<'a>(context: &'a mut ResourceContext<'_>, job: &ResourceJob) -> (String, Option<&'a mut HttpApiRecord>) {
    let properties = match job.verb {
        Verb::Delete => job.previous.as_ref().map_or(&job.properties, |previous| &previous.properties),
        Verb::Create | Verb::Update | Verb::Replace => &job.properties,
    };
    let id = text(properties, "ApiId").unwrap_or_default();
    let record = context.world.state.http_apis.get_mut(&id);
    (id, record)
}

fn missing(context: &mut ResourceContext<'_>, id: &str) -> String {
    refused(context, 404, format!("Invalid API identifier specified {id}"))
}

/// Handles APIs, each a port of its own on loopback.
pub(crate) fn http_api(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    if job.verb == Verb::Delete {
        context.world.state.http_apis.remove(&physical(job));
        return Ok(ResourceWork::CloseFronts(created(physical(job), [])));
    }
    let properties = &job.properties;
    if text(properties, "ProtocolType").as_deref() != Some("HTTP") {
        return Err("the workshop sandbox has HTTP APIs only: ProtocolType must be HTTP".into());
    }
    let Some(name) = text(properties, "Name") else {
        return Err(refused(context, 400, "Name must be specified".into()));
    };
    let id = if creates(job) { context.world.ids.of(ID, 10) } else { physical(job) };
    let account = context.world.state.account.clone();
    let old = context.world.state.http_apis.remove(&id);
    let record = HttpApiRecord {
        name,
        account,
        cors: properties["CorsConfiguration"].clone(),
        port: old.as_ref().and_then(|old| old.port),
        integrations: old.as_ref().map(|old| old.integrations.clone()).unwrap_or_default(),
        routes: old.as_ref().map(|old| old.routes.clone()).unwrap_or_default(),
        stages: old.map(|old| old.stages).unwrap_or_default(),
    };
    context.world.state.http_apis.insert(id.clone(), record);
    let created = created(&id, [("ApiId", json!(id))]);
    Ok(ResourceWork::OpenApi { id, created })
}

/// Handles integrations: functions, with payload format 2.0.
pub(crate) fn integration(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let properties = &job.properties;
    let arn = match job.verb {
        Verb::Delete => String::new(),
        Verb::Create | Verb::Update | Verb::Replace => target(properties)?,
    };
    let id = if creates(job) { context.world.ids.of(ID, 7) } else { physical(job) };
    match (api(context, job), job.verb) {
        ((_, Some(api)), Verb::Delete) => drop(api.integrations.remove(&id)),
        ((_, None), Verb::Delete) => {}
        ((_, Some(api)), Verb::Create | Verb::Update | Verb::Replace) => drop(api.integrations.insert(id.clone(), arn)),
        ((name, None), Verb::Create | Verb::Update | Verb::Replace) => return Err(missing(context, &name)),
    }
    Ok(ResourceWork::Done(created(&id, [("IntegrationId", json!(id))])))
}

/// The ARN of the function that an integration asks: itself, or within the longer one of API Gateway.
fn target(properties: &Value) -> Result<String, String> {
    let given = |name: &str| text(properties, name).unwrap_or_default();
    if given("IntegrationType") != "AWS_PROXY" || !given("IntegrationSubtype").is_empty() {
        return Err(
            "the workshop sandbox has integrations with functions only: IntegrationType must be AWS_PROXY".into()
        );
    }
    if given("PayloadFormatVersion") != "2.0" {
        return Err("the workshop sandbox has PayloadFormatVersion 2.0 only".into());
    }
    let uri = given("IntegrationUri");
    let arn = uri.split_once("/functions/").map_or(uri.as_str(), |(_, rest)| rest.trim_end_matches("/invocations"));
    match arn.starts_with("arn:aws:lambda:") {
        true => Ok(arn.to_owned()),
        false => Err(format!("IntegrationUri is not the ARN of a function: {uri}")),
    }
}

/// Handles routes. Authorizers are not here.
pub(crate) fn route(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let properties = &job.properties;
    let creating = job.verb != Verb::Delete;
    let (key, target) =
        (text(properties, "RouteKey").unwrap_or_default(), text(properties, "Target").unwrap_or_default());
    if creating {
        if text(properties, "AuthorizationType").is_some_and(|kind| kind != "NONE") {
            return Err("the workshop sandbox does not have authorizers: AuthorizationType must be NONE".into());
        }
        let path = key.split_once(' ').map(|(_, path)| path);
        if key != "$default" && !path.is_some_and(|path| path.starts_with('/')) {
            return Err(refused(
                context,
                400,
                format!("The provided route key is not formatted properly for HTTP protocol: {key}"),
            ));
        }
    }
    let id = if creates(job) { context.world.ids.of(ID, 7) } else { physical(job) };
    match api(context, job) {
        (_, Some(api)) if !creating => drop(api.routes.remove(&id)),
        (_, None) if !creating => {}
        (_, Some(api)) => {
            if api.routes.iter().any(|(other, route)| *other != id && route.key == key) {
                return Err(refused(context, 409, format!("Route with key {key} already exists for this API")));
            }
            api.routes.insert(id.clone(), RouteRecord { key, target });
        }
        (name, None) => return Err(missing(context, &name)),
    }
    Ok(ResourceWork::Done(created(&id, [("RouteId", json!(id))])))
}

/// Handles stages. What a stage serves is always the newest: `AutoDeploy` or a deployment make no difference.
pub(crate) fn stage(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let name = if creates(job) { text(&job.properties, "StageName").unwrap_or_default() } else { physical(job) };
    let variables = match &job.properties["StageVariables"] {
        Value::Object(_) => job.properties["StageVariables"].clone(),
        _ => json!({}),
    };
    match (api(context, job), job.verb) {
        ((_, Some(api)), Verb::Delete) => drop(api.stages.remove(&name)),
        ((_, None), Verb::Delete) => {}
        ((_, Some(api)), Verb::Create | Verb::Update | Verb::Replace) => {
            drop(api.stages.insert(name.clone(), variables))
        }
        ((id, None), Verb::Create | Verb::Update | Verb::Replace) => return Err(missing(context, &id)),
    }
    Ok(ResourceWork::Done(created(name, [])))
}

/// Handles deployments, which have nothing to do.
pub(crate) fn deployment(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let id = if creates(job) { context.world.ids.of(ID, 6) } else { physical(job) };
    Ok(ResourceWork::Done(created(&id, [("DeploymentId", json!(id))])))
}
