//! The AWS side: stack, function, cluster and tokens through the SDKs. The local target answers the same calls.

use std::collections::BTreeMap;

/// The environment variables that say which account, region and endpoint to use: those of the sandbox,
/// or the user's own. Child processes get the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(pub BTreeMap<String, String>);
