//! STS: who am I, and temporary credentials for roles.

use std::time::Duration;

use serde_json::{Value, json};

use super::error::{AwsError, AwsResult};
use super::service::{Call, Response, text};
use super::time::Instant;
use crate::iam::policy::Context;

/// Answers an operation of STS.
pub(crate) fn call(call: &mut Call<'_>, operation: &str, input: &Value) -> AwsResult<Response> {
    match operation {
        "GetCallerIdentity" => Ok(Response::Query(caller_identity(call))),
        "AssumeRole" => assume_role(call, input),
        _ => Err(call.not_served(operation)),
    }
}

fn caller_identity(call: &Call<'_>) -> Value {
    let state = &call.world.state;
    let principal = &call.caller.principal;
    json!({"Account": state.account, "Arn": principal.arn, "UserId": state.iam.unique_id(principal)})
}

fn assume_role(call: &mut Call<'_>, input: &Value) -> AwsResult<Response> {
    let missing = |name: &str| {
        AwsError::validation(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    };
    let role_arn = text(input, "RoleArn").ok_or_else(|| missing("roleArn"))?;
    let session = text(input, "RoleSessionName").ok_or_else(|| missing("roleSessionName"))?;
    let valid = |c: char| c.is_ascii_alphanumeric() || "_=,.@-".contains(c);
    if !(2..=64).contains(&session.len()) || !session.chars().all(valid) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{session}' at 'roleSessionName' failed to satisfy constraint: Member \
             must satisfy regular expression pattern: [\\w+=,.@-]*"
        )));
    }
    let seconds: u64 = match text(input, "DurationSeconds") {
        None => 3600,
        Some(given) => given.parse().map_err(|_| AwsError::validation("DurationSeconds is not a number"))?,
    };
    // They would take rights away, and without them the session would have all of the role's.
    if let Some(name) = ["Policy", "PolicyArns"].into_iter().find(|name| !input[*name].is_null()) {
        return Err(call.not_served(name));
    }
    let mut context = Context::from([("sts:rolesessionname".to_owned(), vec![session.to_owned()])]);
    if let Some(id) = text(input, "ExternalId") {
        context.insert("sts:externalid".into(), vec![id.into()]);
    }
    let principal = &call.caller.principal;
    // AWS does not tell a role that is not there from one that may not be assumed.
    let denied = || {
        let message =
            format!("User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}", principal.arn);
        AwsError::new(403, "AccessDenied", message)
    };
    let iam = &call.world.state.iam;
    let (_, role) = iam.role_by_arn(role_arn).ok_or_else(denied)?;
    if !iam.trusts(role, principal, call.now, &context) {
        return Err(denied());
    }
    call.allow_with("sts:AssumeRole", role_arn, &context)?;
    if !(900..=role.max_session).contains(&seconds) {
        return Err(AwsError::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    let role_id = role.id.clone();
    let world = &mut *call.world;
    let issued = world
        .state
        .iam
        .assume(role_arn, session, Duration::from_secs(seconds), call.now.system(), &mut world.ids)
        .ok_or_else(denied)?;
    call.changed();
    Ok(Response::Query(json!({
        "Credentials": {
            "AccessKeyId": issued.access_key_id,
            "SecretAccessKey": issued.secret_access_key,
            "SessionToken": issued.session_token,
            "Expiration": issued.expires.map(|at| Instant::of(at).iso()),
        },
        "AssumedRoleUser": {"Arn": issued.principal.arn, "AssumedRoleId": format!("{role_id}:{session}")},
    })))
}
