//! Names and texts of the sandbox's own.
//!
//! Invariant: uses nothing of the proxy's.

/// The schema of the sandbox's own functions and tables, which clients must not see.
pub const INTERNAL: &str = "pg_dsql";
/// What the names of the sandbox's functions begin with that the proxy calls in a client's session.
pub const OURS: &str = "_sandbox_";

/// The version that DSQL reports, as a setting and as a parameter at connect.
pub const SERVER_VERSION: &str = "16.15";
