//! Functions by name, ARN, version and alias.

use serde_json::Value;

use crate::aws::error::{AwsError, AwsResult};
use crate::aws::function_names::{GivenFunction, arn, split, take_apart};
use crate::aws::records::FunctionRecord;
use crate::aws::service::{Call, text};
use crate::aws::state::CloudState;

/// The version that a function's newest code is.
pub(crate) const LATEST: &str = "$LATEST";

/// The longest name of a function, in characters; what an ARN has besides does not count.
const LONGEST_NAME: usize = 64;

/// Refuses the ARN of a function of another Region or of another account.
///
/// # Errors
/// 404 for another Region, 403 for another account. The statuses and codes, and the first sentence, are those recorded in
/// localstack/localstack, `test_function_arns`; the second has no sentence there.
pub(crate) fn reachable(state: &CloudState, given: &str) -> AwsResult<()> {
    let Some(GivenFunction { region, account, .. }) = take_apart(given) else { return Ok(()) };
    if let Some(region) = region.filter(|region| *region != state.region) {
        return Err(AwsError::new(
            404,
            "ResourceNotFoundException",
            format!("Functions from '{region}' are not reachable in this region ('{}')", state.region),
        ));
    }
    match account.filter(|account| *account != state.account) {
        Some(_) => Err(AwsError::new(
            403,
            "AccessDeniedException",
            format!("{given} is of another account, which does not let this one do anything with its functions"),
        )),
        None => Ok(()),
    }
}

/// Returns the name of a function that is to be made, which is given as itself, a partial ARN or an ARN.
///
/// # Errors
/// As [`reachable`]; `InvalidParameterValueException` for a version or alias in it, and for more than 64 characters.
pub(crate) fn new_name(state: &CloudState, given: &str) -> AwsResult<String> {
    reachable(state, given)?;
    let (name, qualifier) = split(given);
    if let Some(qualifier) = qualifier {
        return Err(invalid(format!(
            "A function is made without a version or an alias, and {given} names {qualifier}"
        )));
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: Member must have \
             length less than or equal to {LONGEST_NAME}"
        )));
    }
    Ok(name.to_owned())
}

/// Returns the key that the Lambda service knows a version by: the name alone for the newest code.
pub(crate) fn key(name: &str, version: &str) -> String {
    if version == LATEST { name.to_owned() } else { format!("{name}:{version}") }
}

/// Lists the keys of a function and all its versions.
pub(crate) fn keys(name: &str, function: &FunctionRecord) -> Vec<String> {
    let versions = function.versions.keys().map(|version| key(name, &version.to_string()));
    std::iter::once(name.to_owned()).chain(versions).collect()
}

/// Finds a version by its key, with the function's name.
pub(crate) fn record<'a>(state: &'a CloudState, key: &'a str) -> Option<(&'a str, &'a FunctionRecord)> {
    match key.split_once(':') {
        None => state.functions.get(key).map(|function| (key, function)),
        Some((name, version)) => {
            let version: u64 = version.parse().ok()?;
            state.functions.get(name)?.versions.get(&version).map(|function| (name, function))
        }
    }
}

/// Returns the ARN of a function of the account.
pub(super) fn arn_of(call: &Call<'_>, name: &str) -> String {
    arn(&call.world.state.account, &call.world.state.region, name)
}

/// Refuses a function, version or alias that is not there.
pub(super) fn not_found(arn: &str) -> AwsError {
    AwsError::new(404, "ResourceNotFoundException", format!("Function not found: {arn}"))
}

/// Refuses a value, in words that name it.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "InvalidParameterValueException", message)
}

/// Refuses what is taken or in use.
pub(super) fn conflict(message: impl Into<String>) -> AwsError {
    AwsError::new(409, "ResourceConflictException", message)
}

/// Refuses a change that was made for an older state of a function or an alias than `newest`, its revision now.
pub(super) fn is_newest(input: &Value, newest: &str) -> AwsResult<()> {
    match text(input, "RevisionId") {
        Some(revision) if revision != newest => Err(AwsError::new(
            412,
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to \
             retrieve the latest Revision Id",
        )),
        Some(_) | None => Ok(()),
    }
}

/// Refuses to change a function while another change of it is under way.
pub(super) fn is_still(call: &Call<'_>, name: &str) -> AwsResult<()> {
    match call.world.updating.iter().any(|one| one == name) {
        // As reported in github.com/hashicorp/terraform/issues/29604.
        true => Err(conflict(format!(
            "The operation cannot be performed at this time. An update is in progress for resource: {}",
            arn_of(call, name)
        ))),
        false => Ok(()),
    }
}

/// Who a request means.
pub(super) struct Named {
    pub name: String,
    /// As it was given: a version or an alias.
    pub qualifier: Option<String>,
    /// With the qualifier, if there is one.
    pub arn: String,
}

/// Reads the name and the qualifier of a request; they need not exist.
///
/// # Errors
/// As [`reachable`]; `InvalidParameterValueException` for a name with a qualifier beside another one.
pub(super) fn named(call: &Call<'_>, given: &str) -> AwsResult<Named> {
    reachable(&call.world.state, given)?;
    let (name, derived) = split(given);
    let qualifier = match (call.request.query_value("Qualifier"), derived) {
        // The sentence is recorded in localstack/localstack, `test_ops_with_arn_qualifier_mismatch`.
        (Some(given), Some(derived)) if given != derived => {
            return Err(invalid(
                "The derived qualifier from the function name does not match the specified qualifier.",
            ));
        }
        (given, derived) => given.or(derived.map(str::to_owned)),
    };
    let arn = arn_of(call, name);
    let arn = qualifier.as_ref().map_or(arn.clone(), |qualifier| format!("{arn}:{qualifier}"));
    Ok(Named { name: name.to_owned(), qualifier, arn })
}

/// Asks IAM, and finds the version that a request means.
///
/// # Errors
/// A refusal of IAM; 404 for a function, version or alias that is not there.
pub(super) fn allowed(call: &Call<'_>, given: &str, action: &str) -> AwsResult<(String, FunctionRecord)> {
    let Named { name, qualifier, arn } = named(call, given)?;
    call.allow(action, &arn)?;
    let function = call.world.state.functions.get(&name).ok_or_else(|| not_found(&arn))?;
    let version = function.version_of(qualifier.as_deref()).ok_or_else(|| not_found(&arn))?;
    Ok((name, version.clone()))
}

/// The same for an operation on the function itself, whatever its versions.
///
/// # Errors
/// As [`allowed`]; and `InvalidParameterValueException` for a qualifier.
pub(super) fn allowed_whole(call: &Call<'_>, given: &str, action: &str) -> AwsResult<(String, FunctionRecord)> {
    let Named { name, qualifier, arn } = named(call, given)?;
    call.allow(action, &arn)?;
    if qualifier.is_some_and(|qualifier| qualifier != LATEST) {
        return Err(invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.",
        ));
    }
    let function = call.world.state.functions.get(&name).ok_or_else(|| not_found(&arn))?;
    Ok((name, function.clone()))
}

impl FunctionRecord {
    /// Returns the version that a qualifier stands for; an alias with two versions gives its first.
    pub(super) fn version_of(&self, qualifier: Option<&str>) -> Option<&FunctionRecord> {
        match qualifier {
            None | Some(LATEST) => Some(self),
            Some(qualifier) => match qualifier.parse::<u64>() {
                Ok(version) => self.versions.get(&version),
                Err(_) => self.version_of(Some(&self.aliases.get(qualifier)?.version)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_form() {
        let whole = "arn:aws:lambda:us-east-1:123456789012:function:f";
        for given in
            ["f", "function:f", "123456789012:f", "123456789012:function:f", &whole["arn:aws:lambda:".len()..], whole]
        {
            assert_eq!(split(given), ("f", None), "{given}");
        }
        assert_eq!(split("f:$LATEST"), ("f", Some("$LATEST")));
        assert_eq!(split("123456789012:function:f:live"), ("f", Some("live")));
        assert_eq!(split("arn:aws:lambda:us-east-1:1:function:f:7"), ("f", Some("7")));
    }
}
