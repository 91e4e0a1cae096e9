//! Sums of minutes.

use std::time::Duration;

/// Sums of minutes may differ by what rounding does, and not more.
pub const ROUNDING: Duration = Duration::from_millis(500);

/// Returns a duration in minutes, to two decimals.
pub fn in_minutes(duration: Duration) -> f64 {
    (duration.as_secs_f64() / 60.0 * 100.0).round() / 100.0
}
