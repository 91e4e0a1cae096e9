//! Seeing that an account throttles: the SDK waits and asks again by itself, and says nothing of it as long as that helps.

use std::sync::Arc;

use aws_sdk_sts::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use tokio::sync::watch;

/// Counts the answers by which services throttle, of all clients that it was given to.
#[derive(Debug, Clone, Default)]
pub struct Throttling(Arc<watch::Sender<u64>>);

impl Throttling {
    /// Returns the count, to be told of its changes.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

impl Intercept for Throttling {
    fn name(&self) -> &'static str {
        "Throttling"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        let says_so =
            answer.is_some_and(|answer| throttles(answer.status().as_u16(), answer.body().bytes().unwrap_or_default()));
        if says_so {
            self.0.send_modify(|count| *count += 1);
        }
        Ok(())
    }
}

/// Tells whether an answer throttles: by 429, or, as the services of the query protocol do, by 400 and its code.
fn throttles(status: u16, body: &[u8]) -> bool {
    let names = |code: &str| body.windows(code.len()).any(|part| part == code.as_bytes());
    status == 429 || status == 400 && ["Throttling", "RequestLimitExceeded"].into_iter().any(names)
}

/// Tells whether a text that a tool prints, or a reason that a service gives, says that it is throttled; the name of a file
/// or a resource does not.
pub fn is_said(text: &str) -> bool {
    const SAID: [&str; 7] = [
        "Rate exceeded",
        "Throttling:",
        "ThrottlingException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "HandlerErrorCode: Throttling",
        "(Throttling)",
    ];
    SAID.iter().any(|said| text.contains(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_service_says_that_it_throttles() {
        for said in ["Rate exceeded", "ThrottlingException: too fast", "_Throttling: x", "Slow down (Throttling)"] {
            assert!(is_said(said), "{said}");
        }
        let name = "cdk/lib/throttling-stack.ts:3:1: Unexpected \";\"";
        assert!(!is_said(name) && !is_said("ApiThrottlingAlarm UPDATE_FAILED") && !is_said("ThrottlingBurstLimit: 5"));
    }

    #[test]
    fn an_answer_throttles_by_its_status_or_its_code() {
        let query =
            b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
        assert!(throttles(400, query));
        assert!(throttles(429, b"{}"));
        assert!(!throttles(400, b"<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>"));
        assert!(!throttles(200, query), "what someone else was told is no throttling");
        assert!(!throttles(503, b""));
    }
}
