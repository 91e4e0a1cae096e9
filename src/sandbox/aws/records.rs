//! The services' things as they are stored: clusters, functions, buckets, parameters, log groups.
//!
//! Data alone. Invariant: what an older version wrote can be read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::time::Instant;
use crate::interfaces::LogSettings;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ClusterStatus {
    Creating,
    Active,
    Updating,
    Deleting,
    Failed,
}

impl ClusterStatus {
    /// Returns it as the API writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ClusterStatus::Creating => "CREATING",
            ClusterStatus::Active => "ACTIVE",
            ClusterStatus::Updating => "UPDATING",
            ClusterStatus::Deleting => "DELETING",
            ClusterStatus::Failed => "FAILED",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClusterRecord {
    pub arn: String,
    pub endpoint: String,
    pub status: ClusterStatus,
    pub created: Instant,
    pub deletion_protection: bool,
    pub kms_key: Option<String>,
    pub policy: Option<String>,
    pub policy_version: u64,
    pub tags: BTreeMap<String, String>,
    /// The token it was created with: the same token gives the same cluster.
    pub client_token: Option<String>,
    /// A hash of all else that it was created with: another request with the same token is a mistake.
    #[serde(default)]
    pub request: Option<String>,
    /// Kinds of metrics asked for (`STATEMENT_STATISTICS`); shown back, not gathered.
    #[serde(default)]
    pub metric_groups: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FunctionRecord {
    pub arn: String,
    pub runtime: String,
    pub handler: String,
    pub role_arn: String,
    pub description: String,
    pub memory_mb: u32,
    pub timeout_s: u32,
    pub environment: BTreeMap<String, String>,
    pub architectures: Vec<String>,
    pub tags: BTreeMap<String, String>,
    /// The uploaded zip.
    pub blob: String,
    pub size: u64,
    pub modified: Instant,
    pub revision: String,
    /// The bucket and key that the zip came from, for `GetFunction`.
    pub source: Option<(String, String)>,
    /// `$LATEST`, or the number of a published version.
    #[serde(default = "latest")]
    pub version: String,
    #[serde(default)]
    pub logging: LogSettings,
    /// Published versions; one of these has none itself.
    #[serde(default)]
    pub versions: BTreeMap<u64, FunctionRecord>,
    /// The number of the last one that was published.
    #[serde(default)]
    pub last_version: u64,
    #[serde(default)]
    pub aliases: BTreeMap<String, AliasRecord>,
    /// Statements of its policy by id; by qualifier, which is empty for the function itself.
    #[serde(default)]
    pub permissions: BTreeMap<String, BTreeMap<String, Value>>,
    /// By qualifier.
    #[serde(default)]
    pub urls: BTreeMap<String, FunctionUrlRecord>,
    #[serde(default)]
    pub settings: ShownSettings,
    /// Of a published version, the description that the function had: its own may be another.
    #[serde(default)]
    pub published_from: Option<String>,
    /// Revisions of its policies, by qualifier as `permissions`.
    #[serde(default)]
    pub policy_revisions: BTreeMap<String, String>,
}

/// Settings that change nothing here, and are shown as they were given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShownSettings {
    /// An environment was given, be it empty.
    pub environment: bool,
    /// `Active` or `PassThrough`.
    pub tracing: Option<String>,
    /// Of `/tmp`.
    pub storage_mb: Option<u64>,
    pub kms_key: Option<String>,
}

fn latest() -> String {
    "$LATEST".into()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AliasRecord {
    pub version: String,
    pub description: String,
    /// Another version's share of the invocations, from 0 to 1.
    pub routing: BTreeMap<String, f64>,
    pub revision: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FunctionUrlRecord {
    /// 32 characters: the host's name on AWS.
    pub id: String,
    /// Of loopback, once it has been open; the same the next time, if it is free.
    pub port: Option<u16>,
    /// `NONE` or `AWS_IAM`.
    pub auth: String,
    /// As it was given, or null.
    pub cors: Value,
    /// `BUFFERED` or `RESPONSE_STREAM`.
    pub mode: String,
    pub created: Instant,
    pub modified: Instant,
    /// It asks for `lambda:InvokeFunction` beside `lambda:InvokeFunctionUrl`, as new ones do since 2025-10.
    #[serde(default)]
    pub needs_both: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub created: Instant,
    /// As the stack has them; answered back, not acted on, but for `VersioningConfiguration`.
    pub properties: Value,
    pub policy: Option<Value>,
    pub objects: BTreeMap<String, Object>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Object {
    pub blob: String,
    pub size: u64,
    pub modified: Instant,
    pub version: Option<String>,
    /// In how many parts it came, where it came in parts.
    #[serde(default)]
    pub parts: Option<usize>,
    #[serde(flatten)]
    pub described: Described,
}

/// Properties of an object, from the headers of its upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Described {
    pub content_type: String,
    /// `x-amz-meta-…`
    pub metadata: BTreeMap<String, String>,
    /// `cache-control` and others that are given back as they came.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// An upload in parts that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MultipartUpload {
    pub bucket: String,
    pub key: String,
    pub begun: Instant,
    #[serde(flatten)]
    pub described: Described,
    /// By number.
    pub parts: BTreeMap<u32, UploadPart>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct UploadPart {
    pub blob: String,
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SsmParameter {
    pub kind: String,
    pub value: String,
    pub version: u64,
    pub modified: Instant,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogGroup {
    pub created: Instant,
    pub retention_days: Option<u64>,
}

/// An HTTP API of API Gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HttpApiRecord {
    pub name: String,
    pub account: String,
    /// Of loopback, once it has been open.
    pub port: Option<u16>,
    /// As it was given, or null.
    pub cors: Value,
    /// ARNs of functions by integration id.
    pub integrations: BTreeMap<String, String>,
    /// By route id.
    pub routes: BTreeMap<String, RouteRecord>,
    /// Variables by stage.
    pub stages: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RouteRecord {
    /// `GET /items/{id}`, `$default`
    pub key: String,
    /// `integrations/ID`
    pub target: String,
}
