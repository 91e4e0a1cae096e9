//! The interfaces between the services of the sandbox, so that each can be built and tested without the others. What the
//! database proxy asks of the others stands with it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use workshop_base::encoding::sha256_hex;

pub use workshop_dsql::interfaces::{
    Authority, BoxFuture, ClusterInfo, Credential, Databases, Decision, PgServer, Principal, Time, TimeSource,
};

/// Temporary credentials for a role, for functions and AssumeRole.
pub trait Issuer: Send + Sync + 'static {
    /// None when the role does not exist.
    fn assume(&self, role_arn: &str, session_name: &str, lifetime: Duration) -> Option<Credential>;
}

#[derive(Debug, Clone, PartialEq)]
pub struct FunctionSpec {
    pub name: String,
    /// `$LATEST`, or the number of a published version.
    pub version: String,
    pub arn: String,
    /// `nodejs20.x`, …
    pub runtime: String,
    /// `index.handler`
    pub handler: String,
    pub role_arn: String,
    pub memory_mb: u32,
    pub timeout: Duration,
    pub environment: BTreeMap<String, String>,
    /// The deployment package as uploaded (zip).
    pub code: Bytes,
    pub logging: LogSettings,
}

impl FunctionSpec {
    /// Returns what it is put, invoked and removed by: `name`, or `name:7` for a published version.
    pub fn key(&self) -> String {
        if self.version == "$LATEST" { self.name.clone() } else { format!("{}:{}", self.name, self.version) }
    }
}

/// Returns the name that AWS would have for a runtime's version, and its ARN; `function_arn` tells the Region. Which version
/// it is, is AWS's own business, and made up.
pub(crate) fn runtime_version(runtime: &str, function_arn: &str) -> (String, String) {
    let major = runtime.trim_start_matches("nodejs").trim_end_matches(".x");
    let region = function_arn.split(':').nth(3).unwrap_or_default();
    // It has 64 hexadecimal digits.
    let digits = sha256_hex(runtime.as_bytes());
    (format!("nodejs:{major}.v1"), format!("arn:aws:lambda:{region}::runtime:{digits}"))
}

/// The shape of a function's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LogFormat {
    #[default]
    Text,
    /// One JSON object a line, the service's own lines too.
    Json,
}

/// Says how a function logs. The levels count for JSON only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSettings {
    pub format: LogFormat,
    /// `TRACE`, `DEBUG`, `INFO`, `WARN`, `ERROR` or `FATAL`.
    pub application_level: String,
    /// `DEBUG`, `INFO` or `WARN`.
    pub system_level: String,
    /// None: `/aws/lambda/` and the function's name.
    pub group: Option<String>,
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings {
            format: LogFormat::Text,
            application_level: "INFO".into(),
            system_level: "INFO".into(),
            group: None,
        }
    }
}

/// One call of a function, as whoever makes it asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The name that the function is invoked by, with its version or alias, which its context shows.
    pub arn: String,
    /// JSON; an empty one is an empty object.
    pub payload: Bytes,
    /// The function's context and its log have it.
    pub request_id: String,
    /// The client's own words of itself: JSON in printable ASCII characters.
    pub client_context: Option<String>,
}

impl Invocation {
    /// Makes a call with an id of its own, a UUID of version 4 as AWS's are.
    pub fn new(arn: &str, payload: Bytes) -> Self {
        let bits = rand::random::<u128>() & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
        let hex = format!("{bits:032x}");
        let request_id = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
        Invocation { arn: arn.to_owned(), payload, request_id, client_context: None }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct InvokeResult {
    pub request_id: String,
    pub payload: Bytes,
    /// `Unhandled`, as in `X-Amz-Function-Error`.
    pub function_error: Option<String>,
    /// The last 4 KiB of the invocation's log.
    pub log_tail: String,
    /// The log of its environment since the answer before it, or since it started; the last 256 KiB.
    pub log: String,
    /// The log stream of its environment, which the function's context names.
    pub log_stream: String,
    /// The time that it waited for an environment to become free. Lambda's own clients see it as latency; it is none of the
    /// function's.
    pub queued: Duration,
    /// Of an answer that was streamed, its content type; None of one that was returned.
    pub streamed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LambdaError {
    #[error("Function not found: {0}")]
    NotFound(String),
    /// The package is not a zip archive, is too large, …
    #[error("{0}")]
    BadCode(String),
    #[error("Rate Exceeded.")]
    TooManyRequests,
    #[error("Could not parse request body into json: {0}")]
    BadPayload(String),
    /// 413, `RequestTooLargeException`.
    #[error("Request must be smaller than 6291456 bytes for the InvokeFunction operation")]
    TooLarge,
    /// The role is gone, or was never there.
    #[error("The role defined for the function cannot be assumed by Lambda.")]
    Role,
    /// The sandbox's own trouble: no Node, no memory, …
    #[error("the function's environment did not start: {0}")]
    Start(String),
}

/// Does what the endpoint asks of the Lambda service.
pub trait Functions: Send + Sync + 'static {
    /// Creates or replaces; running environments of the old version finish what they do and end.
    fn put(&self, function: FunctionSpec) -> BoxFuture<'_, Result<(), LambdaError>>;
    /// By [`FunctionSpec::key`].
    fn remove(&self, key: &str) -> BoxFuture<'_, ()>;
    /// By [`FunctionSpec::key`].
    fn invoke(&self, key: &str, call: Invocation) -> BoxFuture<'_, Result<InvokeResult, LambdaError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_version_4() {
        let id = Invocation::new("", Bytes::new()).request_id;
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
    }
}
