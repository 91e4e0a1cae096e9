//! Values of options that are read as more than text.

use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;

use workshop_course::lesson::kinds;
use workshop_course::lesson::model::Target;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TargetArg {
    Local,
    Aws,
}

impl From<Target> for TargetArg {
    fn from(target: Target) -> TargetArg {
        match target {
            Target::Local => TargetArg::Local,
            Target::Aws => TargetArg::Aws,
        }
    }
}

impl From<TargetArg> for Target {
    fn from(target: TargetArg) -> Target {
        match target {
            TargetArg::Local => Target::Local,
            TargetArg::Aws => Target::Aws,
        }
    }
}

/// How long a run by itself may take; None: as long as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit(pub Option<Duration>);

impl FromStr for TimeLimit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<TimeLimit, &'static str> {
        match text {
            "none" => Ok(TimeLimit(None)),
            text => kinds::duration(text)
                .map(|limit| TimeLimit(Some(limit)))
                .ok_or("write a duration, like 90s, 20m or 1h 30m, or none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_is_a_duration_or_none() {
        let seconds = |text: &str| TimeLimit::from_str(text).map(|limit| limit.0.map(|limit| limit.as_secs()));
        assert_eq!(["2h", "1h 30m", "none"].map(seconds), [Ok(Some(7_200)), Ok(Some(5_400)), Ok(None)]);
        assert!(["0s", "-1m", "soon", "90", ""].map(seconds).iter().all(Result::is_err));
    }
}
