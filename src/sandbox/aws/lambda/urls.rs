//! Function URLs: their configuration. [`url_events`](super::url_events) turns requests into events.
//!
//! On AWS a URL is a host of its own; here it is a port of its own on loopback, which the shell opens.

use serde_json::{Value, json};

use super::names::{Named, conflict, named, not_found};
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::function_names::{arn, split};
use crate::aws::records::{FunctionRecord, FunctionUrlRecord};
use crate::aws::service::{Call, Response, World, text};
use crate::aws::time::Instant;

/// Makes or changes the URL of a function or alias, from members that the API and CloudFormation share. Returns the
/// function's name.
///
/// # Errors
/// 404 for a function or alias that is not there.
pub(crate) fn put_url(
    world: &mut World,
    function: &str,
    qualifier: Option<&str>,
    input: &Value,
    now: Instant,
) -> AwsResult<()> {
    let arn = arn(&world.state.account, &world.state.region, function);
    let id = world.ids.of(b"abcdefghijklmnopqrstuvwxyz234567", 32);
    let record = world.state.functions.get_mut(function).ok_or_else(|| not_found(&arn))?;
    if record.version_of(qualifier).is_none() {
        return Err(not_found(&format!("{arn}:{}", qualifier.unwrap_or_default())));
    }
    let old = record.urls.get(qualifier.unwrap_or_default());
    let given = |name: &str| text(input, name).map(str::to_owned);
    let url = FunctionUrlRecord {
        id: old.map_or(id, |old| old.id.clone()),
        port: old.and_then(|old| old.port),
        auth: given("AuthType").or_else(|| old.map(|old| old.auth.clone())).unwrap_or_else(|| "AWS_IAM".into()),
        cors: match &input["Cors"] {
            Value::Null => old.map(|old| old.cors.clone()).unwrap_or_default(),
            cors => cors.clone(),
        },
        mode: given("InvokeMode").or_else(|| old.map(|old| old.mode.clone())).unwrap_or_else(|| "BUFFERED".into()),
        created: old.map_or(now, |old| old.created),
        modified: now,
        needs_both: old.is_none_or(|old| old.needs_both),
    };
    record.urls.insert(qualifier.unwrap_or_default().to_owned(), url);
    world.dirty = true;
    Ok(())
}

/// Returns the ARN that a URL belongs to.
pub(crate) fn url_arn(function: &FunctionRecord, qualifier: Option<&str>) -> String {
    qualifier.map_or_else(|| function.arn.clone(), |qualifier| format!("{}:{qualifier}", function.arn))
}

/// Returns the address that a URL is asked at, once it is open.
fn url_of(url: &FunctionUrlRecord) -> String {
    format!("http://127.0.0.1:{}/", url.port.unwrap_or_default())
}

fn shown(function: &FunctionRecord, qualifier: Option<&str>, url: &FunctionUrlRecord) -> Value {
    json!({
        "FunctionUrl": url_of(url),
        "FunctionArn": url_arn(function, qualifier),
        "AuthType": url.auth,
        "Cors": (!url.cors.is_null()).then_some(&url.cors),
        "InvokeMode": url.mode,
        "CreationTime": url.created.iso(),
        "LastModifiedTime": url.modified.iso(),
    })
}

fn asked(call: &Call<'_>, given: &str, action: &str) -> AwsResult<(String, Option<String>)> {
    let Named { name, qualifier, arn } = named(call, given)?;
    call.allow(action, &arn)?;
    if !call.world.state.functions.contains_key(&name) {
        return Err(not_found(&arn));
    }
    Ok((name, qualifier))
}

fn no_url() -> AwsError {
    AwsError::new(404, "ResourceNotFoundException", "The resource you requested does not exist.")
}

/// Shows a URL that is there.
///
/// # Errors
/// 404 when there is none.
pub(crate) fn shown_url(world: &World, function: &str, qualifier: Option<&str>) -> AwsResult<Value> {
    let record = world.state.functions.get(function).ok_or_else(no_url)?;
    let url = record.urls.get(qualifier.unwrap_or_default()).ok_or_else(no_url)?;
    Ok(shown(record, qualifier, url))
}

/// Makes a URL; there is one for each function and alias.
pub(super) fn create(call: &mut Call<'_>, given: &str) -> AwsResult<Response> {
    let (function, qualifier) = asked(call, given, "lambda:CreateFunctionUrlConfig")?;
    if shown_url(call.world, &function, qualifier.as_deref()).is_ok() {
        let (name, _) = split(given);
        return Err(conflict(format!(
            "Failed to create function url config for [functionArn = {}]. Error message:  FunctionUrlConfig exists for \
             this Lambda function",
            super::names::arn_of(call, name)
        )));
    }
    let input = call.json()?;
    put_url(call.world, &function, qualifier.as_deref(), &input, call.now)?;
    Ok(Response::OpenUrl { function, qualifier, status: 201 })
}

/// Changes what the request names of a URL; its address stays.
pub(super) fn update(call: &mut Call<'_>, given: &str) -> AwsResult<Response> {
    let (function, qualifier) = asked(call, given, "lambda:UpdateFunctionUrlConfig")?;
    shown_url(call.world, &function, qualifier.as_deref())?;
    let input = call.json()?;
    put_url(call.world, &function, qualifier.as_deref(), &input, call.now)?;
    Ok(Response::OpenUrl { function, qualifier, status: 200 })
}

/// Shows a URL.
pub(super) fn get(call: &Call<'_>, given: &str) -> AwsResult<Response> {
    let (function, qualifier) = asked(call, given, "lambda:GetFunctionUrlConfig")?;
    Ok(Response::Json(200, shown_url(call.world, &function, qualifier.as_deref())?))
}

/// Lists the URLs of a function and its aliases.
pub(super) fn list(call: &Call<'_>, given: &str) -> AwsResult<Response> {
    let (function, _) = asked(call, given, "lambda:ListFunctionUrlConfigs")?;
    let record = call.world.state.functions.get(&function).ok_or_else(no_url)?;
    let all: Vec<Value> = record
        .urls
        .iter()
        .map(|(qualifier, url)| shown(record, Some(qualifier.as_str()).filter(|q| !q.is_empty()), url))
        .collect();
    Ok(Response::Json(200, json!({"FunctionUrlConfigs": all})))
}

/// Takes a URL away; its port closes.
pub(super) fn delete(call: &mut Call<'_>, given: &str) -> AwsResult<Response> {
    let (function, qualifier) = asked(call, given, "lambda:DeleteFunctionUrlConfig")?;
    let record = call.world.state.functions.get_mut(&function).ok_or_else(no_url)?;
    record.urls.remove(qualifier.as_deref().unwrap_or_default()).ok_or_else(no_url)?;
    call.changed();
    Ok(Response::CloseFronts)
}
