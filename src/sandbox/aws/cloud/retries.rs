//! Retries of asynchronous invocations. Source: AWS Lambda developer guide, "Error handling for a function
//! invoked asynchronously".

use std::time::Duration;

use crate::interfaces::LambdaError;

/// Waits after a failure of the function's.
const FAILED: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];
/// The first wait after a refusal for too many calls, which doubles, and the longest.
const THROTTLED: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// An event that is older is dropped.
const OLDEST: Duration = Duration::from_secs(6 * 60 * 60);

/// The attempts at one event so far.
#[derive(Debug, Default)]
pub(super) struct Retries {
    failed: usize,
    throttled: u32,
}

impl Retries {
    /// Counts a failure, the function's own where there is no error, and returns the time until the next attempt; None when
    /// there is to be none. `age` is the event's.
    pub(super) fn after(&mut self, error: Option<&LambdaError>, age: Duration) -> Option<Duration> {
        let pause = match error {
            Some(LambdaError::TooManyRequests) => {
                self.throttled += 1;
                Some(LONGEST.min(THROTTLED * 2_u32.saturating_pow(self.throttled - 1)))
            }
            // It was deleted since.
            Some(LambdaError::NotFound(_)) => None,
            _ => {
                self.failed += 1;
                FAILED.get(self.failed - 1).copied()
            }
        };
        pause.filter(|pause| age + *pause < OLDEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_fails_is_run_three_times() {
        let mut retries = Retries::default();
        let pauses: Vec<_> = (0..3).map(|_| retries.after(None, Duration::ZERO)).collect();
        assert_eq!(pauses, [Some(Duration::from_secs(60)), Some(Duration::from_secs(120)), None]);
    }

    #[test]
    fn an_event_that_is_throttled_is_tried_for_hours_and_keeps_its_attempts() {
        let (mut retries, mut age, mut pauses) = (Retries::default(), Duration::ZERO, Vec::new());
        while let Some(pause) = retries.after(Some(&LambdaError::TooManyRequests), age) {
            pauses.push(pause.as_secs());
            age += pause;
        }
        assert_eq!(pauses[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert!((pauses.len() > 70) && age < OLDEST && age > OLDEST - 2 * LONGEST, "{age:?}");
        assert_eq!(retries.after(None, Duration::ZERO), Some(FAILED[0]), "it has not failed so far");
        assert_eq!(retries.after(Some(&LambdaError::NotFound("f".into())), Duration::ZERO), None);
    }
}
