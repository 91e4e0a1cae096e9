//! Invoke: who may, which version, and how the answer looks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::names::{Named, invalid, key, named, not_found};
use super::payload;
use super::permissions::allows;
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::http::{HttpRequest, HttpResponse};
use crate::aws::records::FunctionRecord;
use crate::aws::service::{Call, Response};
use crate::iam::policy::Context;
use crate::interfaces::{Invocation, InvokeResult, LambdaError};

/// Largest payload of a synchronous invocation, 6 MB; of an asynchronous one, 1 MB (raised in 2025-10).
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

const MAX_EVENT: usize = 1024 * 1024;
/// Largest `X-Amz-Client-Context`, in base64. Source: Lambda API reference, Invoke.
const MAX_CLIENT_CONTEXT: usize = 3_583;

/// Finds the version to run, and says how.
pub(super) fn invoke(call: &mut Call<'_>, given: &str) -> AwsResult<Response> {
    let named = named(call, given)?;
    may_invoke(call, &named)?;
    let Named { name, qualifier, arn } = named;
    let chosen = call.world.ids.fraction();
    let function = call.world.state.functions.get(&name).ok_or_else(|| not_found(&arn))?;
    let version = function.chosen(qualifier.as_deref(), chosen).ok_or_else(|| not_found(&arn))?.version.clone();
    let key = key(&name, &version);
    let payload = call.request.body.clone();
    payload::check(&payload)?;
    let kind = call.request.header("x-amz-invocation-type").unwrap_or("RequestResponse");
    let most = if kind == "Event" { MAX_EVENT } else { MAX_PAYLOAD };
    if payload.len() > most {
        return Err(AwsError::new(
            413,
            "RequestTooLargeException",
            format!("Request must be smaller than {most} bytes for the InvokeFunction operation"),
        ));
    }
    let client_context = client_context(call.request)?;
    let request_id = call.request_id.to_owned();
    match kind {
        "RequestResponse" => {
            let tail = call.request.header("x-amz-log-type") == Some("Tail");
            Ok(Response::Invoke { key, call: Invocation { arn, payload, request_id, client_context }, version, tail })
        }
        "Event" => {
            // Lambda passes the client's context to synchronous calls only (API reference, Invoke).
            let call = Invocation { arn, payload, request_id, client_context: None };
            Ok(Response::InvokeLater { key, call })
        }
        "DryRun" => Ok(Response::Http(HttpResponse { status: 204, headers: Vec::new(), body: Bytes::new() })),
        other => Err(invalid(format!("{other} is not a valid InvocationType"))),
    }
}

/// Reads what a client says of itself. The refusal of what is no JSON object is that told in
/// github.com/boto/boto3/issues/2153.
fn client_context(request: &HttpRequest) -> AwsResult<Option<String>> {
    let Some(given) = request.header("x-amz-client-context") else { return Ok(None) };
    if given.len() > MAX_CLIENT_CONTEXT {
        return Err(invalid(format!(
            "The client context has {} bytes; it may have {MAX_CLIENT_CONTEXT}.",
            given.len()
        )));
    }
    let said = STANDARD.decode(given).ok().and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    match said.filter(Value::is_object) {
        Some(said) => Ok(Some(printable(&said.to_string()))),
        None => Err(AwsError::new(
            400,
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        )),
    }
}

/// Writes JSON in characters that the header of a response can carry.
fn printable(json: &str) -> String {
    let mut written = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~') {
            written.push(character);
        } else {
            written.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    written
}

/// The answer to a synchronous invocation.
pub(crate) fn invoked(result: InvokeResult, version: &str, tail: bool) -> HttpResponse {
    let mut response = HttpResponse::new(200, "application/json", result.payload)
        .with("x-amzn-requestid", result.request_id)
        .with("x-amz-executed-version", version);
    // AWS has no such header: what waited for a free environment there is the caller's latency too, and nobody's figure.
    if !result.queued.is_zero() {
        response = response.with("x-workshop-queued-ms", format!("{:.1}", result.queued.as_secs_f64() * 1000.0));
    }
    if let Some(error) = result.function_error {
        response = response.with("x-amz-function-error", error);
    }
    if tail {
        response = response.with("x-amz-log-result", STANDARD.encode(result.log_tail));
    }
    response
}

/// Puts a failure of the Lambda service in its API's words.
pub(crate) fn refused(error: LambdaError) -> AwsError {
    match error {
        LambdaError::NotFound(name) => not_found(&name),
        LambdaError::BadCode(why) => invalid(why),
        LambdaError::TooManyRequests => AwsError::new(429, "TooManyRequestsException", "Rate Exceeded.")
            .member("Reason", "ConcurrentInvocationLimitExceeded"),
        LambdaError::BadPayload(why) => payload::refused(&why),
        LambdaError::TooLarge => AwsError::new(413, "RequestTooLargeException", error.to_string()),
        LambdaError::Role => invalid(error.to_string()),
        // 500 on AWS; clients would try for a minute before they show it.
        LambdaError::Start(_) => AwsError::new(400, "ServiceException", error.to_string()),
    }
}

/// The caller's own policies may allow it, or, where they say nothing, the function's.
fn may_invoke(call: &Call<'_>, named: &Named) -> AwsResult<()> {
    let principal = &call.caller.principal;
    let account = &call.world.state.account;
    let callers = [principal.arn.as_str(), principal.role_arn.as_deref().unwrap_or(&principal.arn), account.as_str()];
    let function = call.world.state.functions.get(&named.name);
    let qualifier = named.qualifier.as_deref();
    call.allow_or("lambda:InvokeFunction", &named.arn, || {
        function.is_some_and(|f| allows(f, qualifier, "lambda:InvokeFunction", &callers, &Context::new()))
    })
}

impl FunctionRecord {
    /// Returns the version to run. `chosen`, from 0 to 1, decides between the two that an alias may have.
    pub(crate) fn chosen(&self, qualifier: Option<&str>, chosen: f64) -> Option<&FunctionRecord> {
        let alias = qualifier.and_then(|qualifier| self.aliases.get(qualifier));
        let mut left = chosen;
        for (version, weight) in alias.into_iter().flat_map(|alias| &alias.routing) {
            if left < *weight {
                return self.version_of(Some(version));
            }
            left -= weight;
        }
        self.version_of(qualifier)
    }
}
