//! A function's own policy: who else may invoke it, as `AddPermission` and `AWS::Lambda::Permission` say.

use serde_json::{Map, Value, json};

use super::names::{Named, arn, conflict, named, not_found};
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::records::FunctionRecord;
use crate::aws::service::{Call, Response, World, text};
use crate::iam::policy::{self, Context};

/// The key of a qualifier's statements; those of the function itself have none.
fn bucket(qualifier: Option<&str>) -> String {
    qualifier.unwrap_or_default().to_owned()
}

/// Adds a statement, from members that the API and CloudFormation share. Returns it.
///
/// # Errors
/// 404 for a function, version or alias that is not there, 409 for a statement id that is taken.
pub(crate) fn add_permission(
    world: &mut World,
    function: &str,
    qualifier: Option<&str>,
    sid: &str,
    input: &Value,
) -> AwsResult<Value> {
    let base = arn(&world.state.account, &world.state.region, function);
    let resource = qualifier.map_or(base.clone(), |qualifier| format!("{base}:{qualifier}"));
    let record = world.state.functions.get_mut(function).ok_or_else(|| not_found(&resource))?;
    if record.version_of(qualifier).is_none() {
        return Err(not_found(&resource));
    }
    let statements = record.permissions.entry(bucket(qualifier)).or_default();
    if statements.contains_key(sid) {
        return Err(conflict(format!(
            "The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing \
             statement."
        )));
    }
    let given = text(input, "Principal").unwrap_or_default();
    let principal = match given {
        "*" => json!("*"),
        service if service.ends_with(".amazonaws.com") => json!({"Service": service}),
        account if account.bytes().all(|byte| byte.is_ascii_digit()) => {
            json!({"AWS": format!("arn:aws:iam::{account}:root")})
        }
        arn => json!({"AWS": arn}),
    };
    let mut condition = Map::new();
    let mut ask = |operator: &str, key: &str, value: Option<Value>| {
        let Some(value) = value else { return };
        let keys = condition.entry(operator).or_insert_with(|| json!({}));
        keys[key] = value;
    };
    let member = |name: &str| text(input, name).map(Value::from);
    ask("StringEquals", "AWS:SourceAccount", member("SourceAccount"));
    ask("ArnLike", "AWS:SourceArn", member("SourceArn"));
    ask("StringEquals", "lambda:FunctionUrlAuthType", member("FunctionUrlAuthType"));
    ask("StringEquals", "lambda:EventSourceToken", member("EventSourceToken"));
    ask("StringEquals", "aws:PrincipalOrgID", member("PrincipalOrgID"));
    let through_url = input.get("InvokedViaFunctionUrl").filter(|via| **via == true || **via == "true");
    ask("Bool", "lambda:InvokedViaFunctionUrl", through_url.map(|_| "true".into()));
    let mut statement = json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": text(input, "Action").unwrap_or("lambda:InvokeFunction"),
        "Resource": resource,
    });
    if !condition.is_empty() {
        statement["Condition"] = condition.into();
    }
    statements.insert(sid.to_owned(), statement.clone());
    world.dirty = true;
    Ok(statement)
}

/// Takes a statement away; false when there is none of that id.
pub(crate) fn remove_permission(world: &mut World, function: &str, qualifier: Option<&str>, sid: &str) -> bool {
    let record = world.state.functions.get_mut(function);
    let statements = record.and_then(|record| record.permissions.get_mut(&bucket(qualifier)));
    world.dirty = true;
    statements.is_some_and(|statements| statements.remove(sid).is_some())
}

fn document(function: &FunctionRecord, qualifier: Option<&str>) -> Option<Value> {
    let statements = function.permissions.get(&bucket(qualifier)).filter(|statements| !statements.is_empty())?;
    let all: Vec<&Value> = statements.values().collect();
    Some(json!({"Version": "2012-10-17", "Id": "default", "Statement": all}))
}

/// Asks a function's policy whether one of `principals` (ARNs, an account, a service, nobody) may do something.
pub(crate) fn allows(
    function: &FunctionRecord,
    qualifier: Option<&str>,
    action: &str,
    principals: &[&str],
    context: &Context,
) -> bool {
    document(function, qualifier).is_some_and(|document| policy::trusts(&document, action, principals, context))
}

/// Adds a statement to the policy of a function, version or alias.
pub(super) fn add(call: &mut Call<'_>, given: &str) -> AwsResult<Response> {
    let Named { name, qualifier, arn } = named(call, given);
    call.allow("lambda:AddPermission", &arn)?;
    let input = call.json()?;
    let sid = text(&input, "StatementId").unwrap_or_default();
    let statement = add_permission(call.world, &name, qualifier.as_deref(), sid, &input)?;
    Ok(Response::Json(201, json!({"Statement": statement.to_string()})))
}

/// Takes a statement away.
pub(super) fn remove(call: &mut Call<'_>, given: &str, sid: &str) -> AwsResult<Response> {
    let Named { name, qualifier, arn } = named(call, given);
    call.allow("lambda:RemovePermission", &arn)?;
    match remove_permission(call.world, &name, qualifier.as_deref(), sid) {
        true => Ok(Response::Json(204, Value::Null)),
        false => Err(AwsError::new(
            404,
            "ResourceNotFoundException",
            format!("Statement {sid} is not found in resource policy."),
        )),
    }
}

/// Shows the policy as JSON text.
pub(super) fn get(call: &Call<'_>, given: &str) -> AwsResult<Response> {
    let Named { name, qualifier, arn } = named(call, given);
    call.allow("lambda:GetPolicy", &arn)?;
    let function = call.world.state.functions.get(&name).ok_or_else(|| not_found(&arn))?;
    let document = document(function, qualifier.as_deref())
        .ok_or_else(|| AwsError::new(404, "ResourceNotFoundException", "The resource you requested does not exist."))?;
    Ok(Response::Json(200, json!({"Policy": document.to_string(), "RevisionId": function.revision})))
}
