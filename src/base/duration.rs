//! Durations as people read them. Pure.

/// Returns a time on a clock's face, from milliseconds: `4:05`, `1:02:03`.
pub fn minutes(ms: u64) -> String {
    let s = ms / 1000;
    match s / 3600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        h => format!("{h}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

/// Returns how long something took, from milliseconds: `12 ms`, `1.2 s`, `12 s`, `1:05`.
pub fn took(ms: u64) -> String {
    match ms {
        0..=999 => format!("{ms} ms"),
        1_000..=9_999 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        10_000..=59_999 => format!("{} s", ms / 1000),
        _ => minutes(ms),
    }
}

/// Returns how long one of many took, from milliseconds: `4.6 ms`, `1.6 s`.
pub fn latency(ms: f64) -> String {
    match ms {
        ms if ms > 0.0 && ms < 0.1 => format!("{:.0} µs", ms * 1000.0),
        ms if ms < 1000.0 => format!("{ms:.1} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_exact_as_its_size_asks() {
        let cases = [(0, "0 ms"), (999, "999 ms"), (1_250, "1.2 s"), (12_900, "12 s"), (65_000, "1:05")];
        for (ms, text) in cases {
            assert_eq!(took(ms), text);
        }
        assert_eq!((latency(0.033), latency(0.0), latency(12.34)), ("33 µs".into(), "0.0 ms".into(), "12.3 ms".into()));
        assert_eq!((minutes(3_723_000).as_str(), minutes(245_000).as_str()), ("1:02:03", "4:05"));
        assert_eq!((latency(4.56).as_str(), latency(1_640.0).as_str()), ("4.6 ms", "1.6 s"));
    }
}
