//! A function's own policy: who else may invoke it, as `AddPermission` and `AWS::Lambda::Permission` say.

use serde_json::{Map, Value, json};

use super::names::{LATEST, Named, conflict, invalid, named, not_found};
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::function_names::arn;
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
    if qualifier == Some(LATEST) {
        return Err(invalid("We currently do not support adding policies for $LATEST."));
    }
    let given = text(input, "Principal").unwrap_or_default();
    let principal = principal(given)
        .ok_or_else(|| invalid("The provided principal was invalid. Please check the principal and try again."))?;
    let next_revision = world.ids.uuid();
    let record = world.state.functions.get_mut(function).ok_or_else(|| not_found(&resource))?;
    let target = record.version_of(qualifier).ok_or_else(|| absent(&resource, qualifier))?;
    if text(input, "RevisionId").is_some_and(|given| given != revision(record, target, qualifier)) {
        return Err(stale());
    }
    let statements = record.permissions.entry(bucket(qualifier)).or_default();
    if statements.contains_key(sid) {
        return Err(conflict(format!(
            "The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing \
             statement."
        )));
    }
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
    revised(record, qualifier, next_revision);
    world.dirty = true;
    Ok(statement)
}

/// Returns a principal as policies write it; None for what is neither everybody, a service, an account nor an ARN.
fn principal(given: &str) -> Option<Value> {
    let service = [".amazonaws.com", ".amazonaws.com.cn", ".amazon.com"].iter().any(|domain| given.ends_with(domain));
    match given {
        "*" => Some(json!("*")),
        _ if service => Some(json!({"Service": given})),
        account if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(json!({"AWS": format!("arn:aws:iam::{account}:root")}))
        }
        arn if arn.starts_with("arn:") => Some(json!({"AWS": arn})),
        _ => None,
    }
}

/// Refuses a version or an alias that is not there. What cannot be the name of an alias is none that is missing.
fn absent(arn: &str, qualifier: Option<&str>) -> AwsError {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let alias = qualifier.filter(|name| name.parse::<u64>().is_err() && name.chars().all(plain));
    match alias {
        Some(_) => AwsError::new(404, "ResourceNotFoundException", format!("Cannot find alias arn: {arn}")),
        None => not_found(arn),
    }
}

/// Gives a policy its next revision, which the function or version that it is of has then, too (localstack/localstack,
/// test_function_revisions_permissions, test_lambda_permission_revisions).
fn revised(record: &mut FunctionRecord, qualifier: Option<&str>, revision: String) {
    let version = qualifier.and_then(|name| name.parse::<u64>().ok());
    match (qualifier, version.and_then(|number| record.versions.get_mut(&number))) {
        (None, _) => record.revision.clone_from(&revision),
        (Some(_), Some(version)) => version.revision.clone_from(&revision),
        (Some(_), None) => {}
    }
    record.policy_revisions.insert(bucket(qualifier), revision);
}

/// The revision of a policy; where there is none yet, that of the alias or version which it would be of
/// (localstack/localstack, test_lambda_permission_fn_versioning).
fn revision<'a>(record: &'a FunctionRecord, target: &'a FunctionRecord, qualifier: Option<&str>) -> &'a str {
    let alias = || qualifier.and_then(|name| record.aliases.get(name)).map(|alias| &alias.revision);
    record.policy_revisions.get(&bucket(qualifier)).or_else(alias).unwrap_or(&target.revision)
}

/// Takes a statement away; false when there is none of that id.
pub(crate) fn remove_permission(world: &mut World, function: &str, qualifier: Option<&str>, sid: &str) -> bool {
    let revision = world.ids.uuid();
    let Some(record) = world.state.functions.get_mut(function) else { return false };
    let statements = record.permissions.get_mut(&bucket(qualifier));
    let removed = statements.is_some_and(|statements| statements.remove(sid).is_some());
    if removed {
        revised(record, qualifier, revision);
        world.dirty = true;
    }
    removed
}

fn stale() -> AwsError {
    AwsError::new(
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest \
         Revision Id",
    )
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
    let Named { name, qualifier, arn } = named(call, given)?;
    call.allow("lambda:AddPermission", &arn)?;
    let input = call.json()?;
    let sid = text(&input, "StatementId").unwrap_or_default();
    let statement = add_permission(call.world, &name, qualifier.as_deref(), sid, &input)?;
    Ok(Response::Json(201, json!({"Statement": statement.to_string()})))
}

/// Takes a statement away.
pub(super) fn remove(call: &mut Call<'_>, given: &str, sid: &str) -> AwsResult<Response> {
    let Named { name, qualifier, arn } = named(call, given)?;
    call.allow("lambda:RemovePermission", &arn)?;
    // The sentences are those recorded in localstack/localstack, test_permission_exceptions and
    // test_remove_multi_permissions.
    let none = |message: String| AwsError::new(404, "ResourceNotFoundException", message);
    let qualifier = qualifier.as_deref();
    let record = call.world.state.functions.get(&name).ok_or_else(|| none(format!("No policy found for: {arn}")))?;
    let target = record.version_of(qualifier).ok_or_else(|| absent(&arn, qualifier))?;
    if document(record, qualifier).is_none() {
        return Err(none("No policy is associated with the given resource.".into()));
    }
    let given = call.request.query_value("RevisionId");
    if given.is_some_and(|given| given != revision(record, target, qualifier)) {
        return Err(stale());
    }
    match remove_permission(call.world, &name, qualifier, sid) {
        true => Ok(Response::Json(204, Value::Null)),
        false => Err(none(format!("Statement {sid} is not found in resource policy."))),
    }
}

/// Shows the policy as JSON text.
pub(super) fn get(call: &Call<'_>, given: &str) -> AwsResult<Response> {
    let Named { name, qualifier, arn } = named(call, given)?;
    call.allow("lambda:GetPolicy", &arn)?;
    let qualifier = qualifier.as_deref();
    let found = call.world.state.functions.get(&name).and_then(|record| {
        let policy = document(record, qualifier)?;
        Some(json!({"Policy": policy.to_string(), "RevisionId": revision(record, record.version_of(qualifier)?, qualifier)}))
    });
    // Also where it is the function that is not there (localstack/localstack, test_permission_exceptions).
    let missing = || AwsError::new(404, "ResourceNotFoundException", "The resource you requested does not exist.");
    Ok(Response::Json(200, found.ok_or_else(missing)?))
}
