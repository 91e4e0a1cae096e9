//! Functions: made, shown, changed, deleted.

use serde_json::{Value, json};

use super::code::{code, is_zip};
use super::configuration::{architectures, make};
use super::names::{
    LATEST, Named, allowed, allowed_whole, arn_of, conflict, invalid, is_newest, is_still, key, keys, named, new_name,
    not_found,
};
use super::versions::{all, publish, remove_version};
use crate::aws::error::AwsResult;
use crate::aws::records::FunctionRecord;
use crate::aws::s3_objects;
use crate::aws::service::{Call, Response, flag, page, text};

/// Lists functions, their newest code each or, where asked, all versions.
pub(super) fn list(call: &Call<'_>) -> AwsResult<Response> {
    call.allow("lambda:ListFunctions", "*")?;
    let every = call.request.query_value("FunctionVersion").as_deref() == Some("ALL");
    let of = |(name, f): (&String, &FunctionRecord)| if every { all(name, f) } else { vec![f.listed(name)] };
    let all: Vec<Value> = call.world.state.functions.iter().flat_map(of).collect();
    let size = call.request.query_value("MaxItems").and_then(|n| n.parse().ok()).unwrap_or(50).clamp(1, 50);
    let (functions, next) = page(all, call.request.query_value("Marker").as_deref(), size)?;
    Ok(Response::Json(200, json!({"Functions": functions, "NextMarker": next})))
}

/// Shows a version, and where its package came from.
pub(super) fn get(call: &Call<'_>, given: &str) -> AwsResult<Response> {
    let (function, shown) = asked_for(call, given, "lambda:GetFunction")?;
    let host = call.request.header("host").unwrap_or("127.0.0.1");
    // AWS hands out a link of its own bucket; here it is where the code came from, to be fetched with credentials.
    let location = function.source.as_ref().map(|(bucket, key)| s3_objects::address(host, bucket, key));
    Ok(Response::Json(
        200,
        json!({
            "Configuration": shown,
            "Code": {"RepositoryType": "S3", "Location": location},
            "Tags": function.tags,
        }),
    ))
}

/// Shows the configuration of a version alone.
pub(super) fn get_configuration(call: &Call<'_>, given: &str) -> AwsResult<Response> {
    let (_, shown) = asked_for(call, given, "lambda:GetFunctionConfiguration")?;
    Ok(Response::Json(200, shown))
}

/// The version that a request names, and its configuration.
fn asked_for(call: &Call<'_>, given: &str, action: &str) -> AwsResult<(FunctionRecord, Value)> {
    let (name, function) = allowed(call, given, action)?;
    let mut shown = function.configuration(&name);
    if call.world.updating.contains(&name) {
        shown["LastUpdateStatus"] = "InProgress".into();
    }
    // The ARN has the qualifier as it was asked for, be it an alias or $LATEST (localstack/localstack,
    // test_alias_lifecycle, test_publish_version_on_create).
    if let Some(qualifier) = named(call, given)?.qualifier {
        shown["FunctionArn"] = format!("{}:{qualifier}", function.arn).into();
    }
    Ok((function, shown))
}

/// Makes a function.
pub(super) fn create(call: &mut Call<'_>) -> AwsResult<Response> {
    let input = call.json()?;
    let given = text(&input, "FunctionName").ok_or_else(|| invalid("FunctionName is missing"))?;
    let name = new_name(&call.world.state, given)?;
    let arn = arn_of(call, &name);
    call.allow("lambda:CreateFunction", &arn)?;
    if call.world.state.functions.contains_key(&name) {
        return Err(conflict(format!("Function already exist: {name}")));
    }
    if let Some(role) = text(&input, "Role") {
        call.allow("iam:PassRole", role)?;
    }
    is_zip(&input["Code"])?;
    let made = make(call.world, &name, &input, None, call.now)?;
    let answer = made.configuration(&name);
    call.world.state.functions.insert(name.clone(), made);
    call.changed();
    published(call, &input, name, None, 201, answer)
}

/// Describes a new account's limits (Lambda developer guide, "Lambda quotas") and what of them is used.
pub(super) fn account(call: &Call<'_>) -> Value {
    let functions = &call.world.state.functions;
    let versions = functions.values().flat_map(|function| function.versions.values().chain([function]));
    json!({
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800_u64,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": 1_000,
            "UnreservedConcurrentExecutions": 1_000,
        },
        "AccountUsage": {
            "TotalCodeSize": versions.map(|version| version.size).sum::<u64>(),
            "FunctionCount": functions.len(),
        },
    })
}

/// Deletes a function with all that belongs to it, or one of its versions.
pub(super) fn delete(call: &mut Call<'_>, given: &str) -> AwsResult<Response> {
    let Named { name, qualifier, arn } = named(call, given)?;
    call.allow("lambda:DeleteFunction", &arn)?;
    // It is the function that is not there, whichever version was named (localstack/localstack,
    // test_delete_on_nonexisting_version).
    let missing = not_found(&arn_of(call, &name));
    let found = call.world.state.functions.get(&name);
    let keys = match qualifier.as_deref() {
        None => {
            let keys = keys(&name, found.ok_or(missing)?);
            call.world.state.functions.remove(&name);
            keys
        }
        Some(LATEST) => return Err(invalid("$LATEST version cannot be deleted without deleting the function.")),
        Some(qualifier) => {
            found.ok_or(missing)?;
            let version = qualifier.parse().map_err(|_| invalid("Deletion of aliases is not currently supported."))?;
            match remove_version(call.world, &name, version) {
                Ok(()) => vec![key(&name, qualifier)],
                // A version that is not there counts as deleted: 204, measured (github.com/floci-io/floci/pull/2824).
                Err(error) if error.status == 404 => Vec::new(),
                Err(error) => return Err(error),
            }
        }
    };
    call.changed();
    Ok(Response::RemoveFunctions { keys })
}

/// Changes what the request names; the rest stays.
pub(super) fn update_configuration(call: &mut Call<'_>, given: &str) -> AwsResult<Response> {
    let (name, old) = allowed_whole(call, given, "lambda:UpdateFunctionConfiguration")?;
    is_still(call, &name)?;
    let input = call.json()?;
    is_newest(&input, &old.revision)?;
    let made = make(call.world, &name, &input, Some(&old), call.now)?;
    replaced(call, &input, name, made)
}

/// Changes the code; `DryRun` only shows what it would be.
pub(super) fn update_code(call: &mut Call<'_>, given: &str) -> AwsResult<Response> {
    let (name, old) = allowed_whole(call, given, "lambda:UpdateFunctionCode")?;
    is_still(call, &name)?;
    let input = call.json()?;
    is_newest(&input, &old.revision)?;
    is_zip(&input)?;
    let (blob, size, source) = code(call.world, &input)?;
    let revision = call.world.ids.uuid();
    let architectures = architectures(&input).unwrap_or(old.architectures);
    let made = FunctionRecord { blob, size, source, architectures, revision, modified: call.now, ..old };
    if flag(&input, "DryRun") {
        return Ok(Response::Json(200, made.configuration(&name)));
    }
    replaced(call, &input, name, made)
}

fn replaced(call: &mut Call<'_>, input: &Value, name: String, made: FunctionRecord) -> AwsResult<Response> {
    let answer = made.configuration(&name);
    let old = call.world.state.functions.insert(name.clone(), made).map(Box::new);
    call.changed();
    published(call, input, name, old, 200, answer)
}

/// Hands the function over; with `Publish`, its new version too.
fn published(
    call: &mut Call<'_>,
    input: &Value,
    name: String,
    old: Option<Box<FunctionRecord>>,
    status: u16,
    answer: Value,
) -> AwsResult<Response> {
    let (mut keys, mut shown) = (vec![name.clone()], answer);
    if flag(input, "Publish") {
        let (version, _) = publish(call.world, &name, None, None)?;
        let own = shown["FunctionArn"].take();
        shown = version.configuration(&name);
        // A function that is new is told under its own ARN, an update under that of the version (localstack/localstack,
        // test_publish_version_on_create, test_publish_with_update).
        if old.is_none() {
            shown["FunctionArn"] = own;
        }
        keys.push(key(&name, &version.version));
    }
    call.world.updating.push(name);
    Ok(Response::PutFunction { keys, old, status, answer: shown })
}
