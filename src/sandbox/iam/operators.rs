//! The operators of conditions: how a value of a policy compares with one of a request.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Condition operators" (2026-11).

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Compares; a negated operator as its positive. None when the operator is not known, or a value is none of its kind.
pub(super) fn compares(operator: &str, wanted: &str, actual: &str) -> Option<bool> {
    match operator {
        "StringEquals" | "StringNotEquals" | "Bool" | "BinaryEquals" => Some(wanted == actual),
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => Some(wanted.eq_ignore_ascii_case(actual)),
        "StringLike" | "StringNotLike" | "ArnLike" | "ArnEquals" | "ArnNotLike" | "ArnNotEquals" => {
            Some(wildcard(wanted, actual))
        }
        "IpAddress" | "NotIpAddress" => within(wanted, actual),
        _ => {
            let (relation, wanted, actual) = match operator.strip_prefix("Numeric") {
                Some(relation) => (relation, number(wanted)?, number(actual)?),
                None => (operator.strip_prefix("Date")?, seconds(wanted)?, seconds(actual)?),
            };
            Some(match relation {
                "Equals" | "NotEquals" => actual == wanted,
                "LessThan" => actual < wanted,
                "LessThanEquals" => actual <= wanted,
                "GreaterThan" => actual > wanted,
                "GreaterThanEquals" => actual >= wanted,
                _ => return None,
            })
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// A date, a date with a time, or seconds since 1970.
fn seconds(text: &str) -> Option<f64> {
    let day = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let instant = || text.parse::<Timestamp>().ok().or_else(|| day(text.parse().ok()?));
    number(text).or_else(|| Some(instant()?.as_millisecond() as f64 / 1_000.0))
}

/// Tells if an address is that of a range, `203.0.113.0/24`, or the one that stands in its place.
fn within(range: &str, address: &str) -> Option<bool> {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(four.to_bits()) << 96, 32),
        IpAddr::V6(six) => (six.to_bits(), 128),
    };
    let (base, length) = range.split_once('/').map_or((range, None), |(base, length)| (base, Some(length)));
    let (base, address): (IpAddr, IpAddr) = (base.parse().ok()?, address.parse().ok()?);
    let ((first, width), (given, _)) = (bits(base), bits(address));
    let length = length.map_or(Some(width), |length| length.parse().ok().filter(|length| *length <= width))?;
    Some(base.is_ipv4() == address.is_ipv4() && (first ^ given).checked_shr(128 - length).unwrap_or(0) == 0)
}

/// `*` is any run of characters, `?` any one.
pub(crate) fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            back = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((star, from)) = back {
            back = Some((star, from + 1));
            p = star + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_their_ranges() {
        for (range, address, expected) in [
            ("203.0.113.0/24", "203.0.113.77", Some(true)),
            ("203.0.113.0/24", "203.0.114.1", Some(false)),
            ("127.0.0.1", "127.0.0.1", Some(true)),
            ("0.0.0.0/0", "127.0.0.1", Some(true)),
            ("::/0", "127.0.0.1", Some(false)),
            ("2001:db8::/32", "2001:db8:1::1", Some(true)),
            ("10.0.0.0/33", "10.0.0.1", None),
            ("somewhere", "10.0.0.1", None),
        ] {
            assert_eq!(compares("IpAddress", range, address), expected, "{range} {address}");
        }
    }

    #[test]
    fn dates_and_numbers() {
        for (operator, wanted, actual, expected) in [
            ("DateLessThan", "2026-12-01", "2026-11-30T23:59:59.999Z", Some(true)),
            ("DateLessThan", "2026-12-01", "2026-12-01T00:00:00Z", Some(false)),
            ("DateLessThanEquals", "2026-12-01T01:00:00+01:00", "2026-12-01T00:00:00Z", Some(true)),
            ("DateGreaterThan", "1795416140", "2026-11-23T06:42:21Z", Some(true)),
            ("DateGreaterThanEquals", "tomorrow", "2026-11-23T06:42:21Z", None),
            ("DateNotEquals", "2026-11-23T06:42:20Z", "1795416140", Some(true)),
            ("NumericLessThan", "10", "9.5", Some(true)),
            ("NumericEquals", "10", "10.0", Some(true)),
            ("NumericGreaterThan", "ten", "11", None),
            ("NumericNear", "10", "10", None),
            ("Sounds", "a", "a", None),
        ] {
            assert_eq!(compares(operator, wanted, actual), expected, "{operator} {wanted} {actual}");
        }
    }
}
