//! A database that does not answer yet: it is being started, or DSQL wakes its cluster up. Nothing has run by then.

use std::time::Duration;

use tokio::time::Instant;
use workshop_psql::report::SqlError;

/// The SQLSTATE of a console without a server, and what DSQL says while it wakes one up (troubleshooting page).
const UNREACHABLE: &str = "08001";
const WAKING: &str = "waking up cluster";
/// The pause between two tries.
pub const PAUSE: Duration = Duration::from_secs(1);
pub const NOTE: &str = "the database does not answer yet; trying again";

/// Tells whether a statement has not run because the database does not answer yet.
pub fn is_asleep(error: &SqlError) -> bool {
    error.sqlstate == UNREACHABLE || error.message.contains(WAKING)
}

/// Tells whether there is time for one more try.
pub fn waits_again(until: Instant) -> bool {
    Instant::now() + PAUSE < until
}
