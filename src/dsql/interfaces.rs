//! What the proxy asks of whoever runs it: who may enter, where a cluster's database is, and what time it is.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

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
