//! What the files of this room share: the configuration, a function's code as it was put once, and one call.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::interfaces::{FunctionSpec, InvokeResult, LambdaError, TimeSource};
use crate::launch::Spawner;

/// The largest payload of a call, in bytes. Source: AWS Lambda developer guide, "Lambda quotas".
pub const PAYLOAD_LIMIT: usize = 6_291_456;
/// Calls of one function that run or wait at once, as many as a new account's concurrency; more are refused.
/// Source: AWS Lambda developer guide, "Lambda quotas".
pub const CONCURRENCY: usize = 1_000;

/// Says what the functions of a sandbox are given.
#[derive(Clone)]
pub struct LambdaConfig {
    /// For bundles and links; reached by nobody else.
    pub run: PathBuf,
    /// One log file a function.
    pub logs: PathBuf,
    pub cache: PathBuf,
    pub workdir: PathBuf,
    pub region: String,
    /// `http://127.0.0.1:PORT`
    pub endpoint_url: String,
    pub dsql_port: u16,
    /// The sandbox's certificate authority.
    pub ca: PathBuf,
    pub spawner: Spawner,
    pub clock: TimeSource,
}

/// Code and configuration as they were put once. Unpacked code goes with its last user.
pub(super) struct FunctionVersion {
    pub spec: FunctionSpec,
    /// Larger the later it was put.
    pub number: u64,
    pub dir: PathBuf,
    /// Its log has been told that another Node.js runs it than its runtime's.
    pub told: AtomicBool,
}

impl Drop for FunctionVersion {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// One call, on its way to an environment and back.
pub(super) struct PendingInvocation {
    pub request_id: String,
    /// What the function was invoked by.
    pub arn: String,
    pub payload: Bytes,
    pub client_context: Option<String>,
    pub reply: oneshot::Sender<Result<InvokeResult, LambdaError>>,
    /// When it came. What it waits for an environment to become free is no part of the function's duration.
    pub came: Instant,
}

/// Returns a function's name as part of a file's name.
pub(super) fn safe_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_directory() {
        assert_eq!(safe_name("../a b"), "___a_b");
    }
}
