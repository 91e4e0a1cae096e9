//! Published versions, and the aliases that point to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::names::{LATEST, Named, allowed_whole, conflict, invalid, is_newest, is_still, named, not_found};
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::function_names::arn;
use crate::aws::records::{AliasRecord, FunctionRecord};
use crate::aws::service::{Call, Response, World, page, text};

/// Publishes the newest code, unless the last version is just that. Returns the version, and whether it is new.
///
/// # Errors
/// 404 for a function that is not there; `InvalidParameterValueException` when its code is not of `sha256`.
pub(crate) fn publish(
    world: &mut World,
    name: &str,
    description: Option<&str>,
    sha256: Option<&str>,
) -> AwsResult<(FunctionRecord, bool)> {
    let missing = not_found(&arn(&world.state.account, &world.state.region, name));
    let (revision, next) = (world.ids.uuid(), world.ids.uuid());
    let function = world.state.functions.get_mut(name).ok_or(missing)?;
    let current = function.code_sha256();
    if let Some(given) = sha256.filter(|given| *given != current) {
        return Err(invalid(format!(
            "CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({current}). Please try again with the \
             CodeSHA256 in $LATEST."
        )));
    }
    if let Some(last) = function.versions.get(&function.last_version).filter(|last| last.same_as(function)) {
        return Ok((last.clone(), false));
    }
    let number = function.last_version + 1;
    let version = FunctionRecord {
        version: number.to_string(),
        description: description.map_or_else(|| function.description.clone(), str::to_owned),
        published_from: Some(function.description.clone()),
        revision,
        versions: BTreeMap::new(),
        aliases: BTreeMap::new(),
        permissions: BTreeMap::new(),
        urls: BTreeMap::new(),
        policy_revisions: BTreeMap::new(),
        ..function.clone()
    };
    function.last_version = number;
    // Recorded in localstack/localstack, test_function_revisions_version_and_alias.
    function.revision = next;
    function.versions.insert(number, version.clone());
    world.dirty = true;
    Ok((version, true))
}

impl FunctionRecord {
    /// Tells that a version is what the newest code would make. The description counts as code and settings do
    /// (localstack/localstack, test_version_lifecycle); one that was given when it was published does not.
    fn same_as(&self, newest: &FunctionRecord) -> bool {
        let facts = |f: &FunctionRecord| {
            (
                f.blob.clone(),
                f.runtime.clone(),
                f.handler.clone(),
                f.role_arn.clone(),
                (f.memory_mb, f.timeout_s),
                f.environment.clone(),
                f.architectures.clone(),
                f.logging.clone(),
                f.settings.clone(),
            )
        };
        let described = self.published_from.as_ref().is_none_or(|from| *from == newest.description);
        described && facts(self) == facts(newest)
    }
}

/// Takes a version away.
///
/// # Errors
/// 404 for one that is not there, 409 for one that an alias points to.
pub(crate) fn remove_version(world: &mut World, name: &str, version: u64) -> AwsResult<()> {
    let missing = not_found(&format!("{}:{version}", arn(&world.state.account, &world.state.region, name)));
    let function = world.state.functions.get_mut(name).filter(|f| f.versions.contains_key(&version)).ok_or(missing)?;
    let number = version.to_string();
    let uses = |alias: &AliasRecord| alias.version == number || alias.routing.contains_key(&number);
    let aliases: Vec<&str> =
        function.aliases.iter().filter(|(_, alias)| uses(alias)).map(|(name, _)| name.as_str()).collect();
    if !aliases.is_empty() {
        // As reported in github.com/karl-cardenas-coding/go-lambda-cleanup/issues/45.
        return Err(conflict(format!(
            "Unable to delete version because the following aliases reference it: [{}]",
            aliases.join(", ")
        )));
    }
    function.versions.remove(&version);
    world.dirty = true;
    Ok(())
}

/// Publishes the newest code under the next number, unless it has one.
pub(super) fn publish_version(call: &mut Call<'_>, given: &str) -> AwsResult<Response> {
    let (name, function) = allowed_whole(call, given, "lambda:PublishVersion")?;
    is_still(call, &name)?;
    let input = call.json()?;
    is_newest(&input, &function.revision)?;
    let (version, new) = publish(call.world, &name, text(&input, "Description"), text(&input, "CodeSha256"))?;
    let answer = version.configuration(&name);
    if !new {
        return Ok(Response::Json(201, answer));
    }
    let keys = vec![super::names::key(&name, &version.version)];
    Ok(Response::PutFunction { keys, old: None, status: 201, answer })
}

/// Lists the versions, the newest code first.
pub(super) fn list_versions(call: &Call<'_>, given: &str) -> AwsResult<Response> {
    let (name, function) = allowed_whole(call, given, "lambda:ListVersionsByFunction")?;
    let all = all(&name, &function);
    let size = call.request.query_value("MaxItems").and_then(|n| n.parse().ok()).unwrap_or(50).clamp(1, 50);
    let (versions, next) = page(all, call.request.query_value("Marker").as_deref(), size)?;
    Ok(Response::Json(200, json!({"Versions": versions, "NextMarker": next})))
}

/// Shows the newest code and each version, as lists have them.
pub(super) fn all(name: &str, function: &FunctionRecord) -> Vec<Value> {
    let versions = std::iter::once(function).chain(function.versions.values());
    let mut all: Vec<Value> = versions.map(|version| version.listed(name)).collect();
    // Among versions, the newest code has its name in the ARN (localstack/localstack, test_publish_version_on_create).
    all[0]["FunctionArn"] = format!("{}:{LATEST}", function.arn).into();
    all
}

fn shown(function: &FunctionRecord, name: &str, alias: &AliasRecord) -> Value {
    let mut shown = json!({
        "AliasArn": format!("{}:{name}", function.arn),
        "Name": name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision,
    });
    if !alias.routing.is_empty() {
        shown["RoutingConfig"] = json!({"AdditionalVersionWeights": alias.routing});
    }
    shown
}

/// Makes or changes an alias; what `input` does not say stays. The members are those that the API and CloudFormation
/// share. Returns the alias' ARN.
///
/// # Errors
/// 404 for a function or version that is not there; `InvalidParameterValueException` for weights that are none.
pub(crate) fn put_alias(world: &mut World, function: &str, name: &str, input: &Value) -> AwsResult<String> {
    let arn = arn(&world.state.account, &world.state.region, function);
    let revision = world.ids.uuid();
    let record = world.state.functions.get_mut(function).ok_or_else(|| not_found(&arn))?;
    let old = record.aliases.get(name);
    let version = text(input, "FunctionVersion").map(str::to_owned).or_else(|| old.map(|old| old.version.clone()));
    let version = version.ok_or_else(|| invalid("FunctionVersion is missing"))?;
    let routing = match &input["RoutingConfig"] {
        Value::Null => old.map(|old| old.routing.clone()).unwrap_or_default(),
        given => weights(given)?,
    };
    for version in std::iter::once(&version).chain(routing.keys()) {
        let known = version == LATEST || version.parse().is_ok_and(|number: u64| record.versions.contains_key(&number));
        if !known {
            return Err(not_found(&format!("{arn}:{version}")));
        }
    }
    // Recorded in localstack/localstack, test_notfound_and_invalid_routingconfigs; so are the sentences above and below.
    if routing.contains_key(&version) {
        return Err(invalid(format!(
            "Invalid function version {version}. Function version {version} is already included in routing configuration."
        )));
    }
    if !routing.is_empty() && version == LATEST {
        return Err(invalid("$LATEST is not supported for an alias pointing to more than 1 version"));
    }
    let description = text(input, "Description").map(str::to_owned).or_else(|| old.map(|old| old.description.clone()));
    let alias = AliasRecord { version, routing, description: description.unwrap_or_default(), revision };
    record.aliases.insert(name.to_owned(), alias);
    world.dirty = true;
    Ok(format!("{arn}:{name}"))
}

/// `{"AdditionalVersionWeights": {"2": 0.1}}`, or CloudFormation's list of `FunctionVersion` and `FunctionWeight`.
fn weights(given: &Value) -> AwsResult<BTreeMap<String, f64>> {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let pairs: Vec<(String, Option<f64>)> = match &given["AdditionalVersionWeights"] {
        Value::Object(map) => map.iter().map(|(version, weight)| (version.clone(), number(weight))).collect(),
        Value::Array(list) => list
            .iter()
            .map(|one| (text(one, "FunctionVersion").unwrap_or_default().to_owned(), number(&one["FunctionWeight"])))
            .collect(),
        _ => Vec::new(),
    };
    if pairs.len() > 1 {
        return Err(invalid("Number of items in AdditionalVersionWeights cannot be greater than 1"));
    }
    pairs
        .into_iter()
        .map(|(version, weight)| match weight.filter(|weight| (0.0..=1.0).contains(weight)) {
            Some(weight) => Ok((version, weight)),
            None => Err(invalid("Weights are numbers from 0 to 1")),
        })
        .collect()
}

fn no_alias(arn: &str) -> AwsError {
    AwsError::new(404, "ResourceNotFoundException", format!("Cannot find alias arn: {arn}"))
}

/// Makes an alias.
pub(super) fn create_alias(call: &mut Call<'_>, given: &str) -> AwsResult<Response> {
    let (function, record) = allowed_whole(call, given, "lambda:CreateAlias")?;
    let input = call.json()?;
    let name = text(&input, "Name").ok_or_else(|| invalid("Name is missing"))?;
    if record.aliases.contains_key(name) {
        return Err(conflict(format!("Alias already exists: {}:{name}", record.arn)));
    }
    put_alias(call.world, &function, name, &input)?;
    answer(call, &function, name, 201)
}

fn answer(call: &Call<'_>, function: &str, name: &str, status: u16) -> AwsResult<Response> {
    let record = call.world.state.functions.get(function);
    let alias = record.and_then(|record| Some((record, record.aliases.get(name)?)));
    let (record, alias) = alias.ok_or_else(|| no_alias(&format!("{}:{name}", super::names::arn_of(call, function))))?;
    Ok(Response::Json(status, shown(record, name, alias)))
}

/// Shows an alias.
pub(super) fn get_alias(call: &Call<'_>, given: &str, name: &str) -> AwsResult<Response> {
    let (function, _) = allowed_whole(call, given, "lambda:GetAlias")?;
    answer(call, &function, name, 200)
}

/// Changes what the request names of an alias.
pub(super) fn update_alias(call: &mut Call<'_>, given: &str, name: &str) -> AwsResult<Response> {
    let (function, record) = allowed_whole(call, given, "lambda:UpdateAlias")?;
    // In other words than GetAlias has (localstack/localstack, test_non_existent_alias_update).
    let missing = || AwsError::new(404, "ResourceNotFoundException", format!("Alias not found: {}:{name}", record.arn));
    let old = record.aliases.get(name).ok_or_else(missing)?;
    let input = call.json()?;
    is_newest(&input, &old.revision)?;
    put_alias(call.world, &function, name, &input)?;
    answer(call, &function, name, 200)
}

/// Takes an alias away; one that is not there counts as gone.
pub(super) fn delete_alias(call: &mut Call<'_>, given: &str, name: &str) -> AwsResult<Response> {
    let Named { name: function, arn, .. } = named(call, given)?;
    call.allow("lambda:DeleteAlias", &arn)?;
    let record = call.world.state.functions.get_mut(&function).ok_or_else(|| not_found(&arn))?;
    record.aliases.remove(name);
    call.changed();
    Ok(Response::Json(204, Value::Null))
}

/// Lists aliases; with `FunctionVersion`, those that point to it.
pub(super) fn list_aliases(call: &Call<'_>, given: &str) -> AwsResult<Response> {
    let (_, record) = allowed_whole(call, given, "lambda:ListAliases")?;
    let of = call.request.query_value("FunctionVersion");
    let shown_ones = record.aliases.iter().filter(|(_, alias)| of.as_ref().is_none_or(|of| alias.version == *of));
    let all: Vec<Value> = shown_ones.map(|(name, alias)| shown(&record, name, alias)).collect();
    let size = call.request.query_value("MaxItems").and_then(|n| n.parse().ok()).unwrap_or(50).clamp(1, 50);
    let (aliases, next) = page(all, call.request.query_value("Marker").as_deref(), size)?;
    Ok(Response::Json(200, json!({"Aliases": aliases, "NextMarker": next})))
}
