//! Instants as the endpoint stores and shows them: whole milliseconds since 1970, UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Instant(pub u64);

impl Instant {
    /// Returns a time cut to milliseconds; before 1970 is 1970.
    pub(crate) fn of(time: SystemTime) -> Self {
        Instant(time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64))
    }

    /// Returns it as the standard library has it.
    pub(crate) fn system(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0)
    }

    /// Returns the time so much later, or the last one there is.
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Instant(self.0.saturating_add(duration.as_millis() as u64))
    }

    /// `2026-11-23T06:42:20.123Z`
    pub(crate) fn iso(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%S%.3fZ")
    }

    /// `20261123T064220Z`, as in signatures.
    pub(crate) fn basic(self) -> String {
        self.format("%Y%m%dT%H%M%SZ")
    }

    /// `2026-11-23T06:42:20.123+0000`, as Lambda has it.
    pub(crate) fn lambda(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%S%.3f+0000")
    }

    /// `Mon, 23 Nov 2026 06:42:20 GMT`, as in HTTP headers.
    pub(crate) fn http(self) -> String {
        self.format("%a, %d %b %Y %H:%M:%S GMT")
    }

    /// `23/Nov/2026:06:42:20 +0000`, as in logs of web servers.
    pub(crate) fn clf(self) -> String {
        self.format("%d/%b/%Y:%H:%M:%S +0000")
    }

    /// Seconds with a fraction, as JSON protocols have it.
    pub(crate) fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// From `20261123T064220Z`.
    pub(crate) fn parse_basic(text: &str) -> Option<Self> {
        let time = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", text).ok()?.to_datetime().ok()?;
        let millis = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
        u64::try_from(millis).ok().map(Instant)
    }

    fn format(self, format: &str) -> String {
        let time = Timestamp::from_millisecond(self.0 as i64).unwrap_or(Timestamp::MAX);
        time.strftime(format).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let at = Instant(1_795_416_140_123);
        assert_eq!(at.iso(), "2026-11-23T06:42:20.123Z");
        assert_eq!(at.basic(), "20261123T064220Z");
        assert_eq!(at.http(), "Mon, 23 Nov 2026 06:42:20 GMT");
        assert_eq!(Instant::parse_basic(&at.basic()), Some(Instant(1_795_416_140_000)));
        assert_eq!(Instant::parse_basic("yesterday"), None);
    }
}
