//! The interfaces between the services of the sandbox, so that each can be built and tested without the others.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::conditions::Conditions;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tells the time; the services of the sandbox it there, so that tests can set it.
pub type TimeSource = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The time, and the dates that clients write by the machine's clock, from which the sandbox's may have been moved.
#[derive(Clone)]
pub struct Time {
    pub now: TimeSource,
    /// Returns what `now` was when the machine's clock showed this.
    pub dated: Arc<dyn Fn(SystemTime) -> SystemTime + Send + Sync>,
    /// Told when somebody moves `now`.
    pub moved: Arc<tokio::sync::Notify>,
}

impl From<TimeSource> for Time {
    /// A clock that clients, too, date by.
    fn from(now: TimeSource) -> Time {
        Time { now, dated: Arc::new(|dated| dated), moved: Arc::default() }
    }
}

/// The identity that signed a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` or `arn:aws:iam::ACCOUNT:user/NAME`.
    pub arn: String,
    /// `arn:aws:iam::ACCOUNT:role/ROLE` when the principal is an assumed role.
    pub role_arn: Option<String>,
}

/// Credentials that the sandbox issued. `Debug` must not show the secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
    pub expires: Option<SystemTime>,
    pub principal: Principal,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("access_key_id", &self.access_key_id)
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}

/// IAM's answer about one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Allow,
    /// No statement allows it.
    NoPolicyAllows,
    /// A statement denies it.
    ExplicitDeny,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterInfo {
    /// 26 characters of `a-z0-9`.
    pub identifier: String,
    pub arn: String,
    pub region: String,
    /// `<id>.dsql.<region>.on.aws`
    pub endpoint: String,
    /// `CREATING`, `ACTIVE`, `DELETING`, …
    pub status: String,
}

/// Answers what the database proxy asks of the AWS side. Synchronous: answers come from memory.
pub trait Authority: Send + Sync + 'static {
    fn credential(&self, access_key_id: &str) -> Option<Credential>;
    fn authorize(&self, principal: &Principal, action: &str, resource: &str) -> Decision;
    /// By host name, as in SNI and in the token.
    fn cluster(&self, host: &str) -> Option<ClusterInfo>;
    /// Tells if an IAM role of this ARN exists.
    fn role_exists(&self, role_arn: &str) -> bool;
    /// Returns the conditions that the sandbox is under.
    fn conditions(&self) -> Conditions {
        Conditions::default()
    }
}

/// Temporary credentials for a role, for functions and AssumeRole.
pub trait Issuer: Send + Sync + 'static {
    /// None when the role does not exist.
    fn assume(&self, role_arn: &str, session_name: &str, lifetime: Duration) -> Option<Credential>;
}

/// A PostgreSQL server of its own for each cluster. Roles are per server, so clusters cannot share one.
pub trait Databases: Send + Sync + 'static {
    /// Starts (creating it first if need be) the cluster's server and answers how to reach it.
    fn ensure(&self, cluster: &str) -> BoxFuture<'_, Result<PgServer, String>>;
    /// Stops the server and deletes its data.
    fn delete(&self, cluster: &str) -> BoxFuture<'_, Result<(), String>>;
}

/// Says how a running server is reached: trust authentication over a unix socket only we can enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgServer {
    /// Directory of the socket; the socket's name follows from the port as libpq has it.
    pub socket_dir: PathBuf,
    pub port: u16,
    /// Bootstrap superuser; not `admin`.
    pub superuser: String,
    pub database: String,
    /// The directory of its data.
    pub data: PathBuf,
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

#[derive(Debug, Clone, PartialEq)]
pub struct InvokeResult {
    pub request_id: String,
    pub payload: Bytes,
    /// `Unhandled`, as in `X-Amz-Function-Error`.
    pub function_error: Option<String>,
    /// The last 4 KiB of the invocation's log.
    pub log_tail: String,
    /// The time that it waited for an environment to become free. Lambda's own clients see it as latency; it is none of the
    /// function's.
    pub queued: Duration,
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
    /// By [`FunctionSpec::key`]. `arn` is what it was invoked by, with its version or alias, which its context shows.
    fn invoke(&self, key: &str, arn: &str, payload: Bytes) -> BoxFuture<'_, Result<InvokeResult, LambdaError>>;
}
