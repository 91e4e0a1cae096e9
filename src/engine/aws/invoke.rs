//! Invoking a function, with the tail of its log.

use std::time::{Duration, Instant};

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use base64::Engine as _;

use super::Clients;
use super::error::{Result, explain};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The answer of the function, as JSON text: its result, or its error document.
    pub response: String,
    /// `Unhandled` when the function failed.
    pub function_error: Option<String>,
    /// The last lines of its log, at most 4 KiB.
    pub log_tail: Vec<String>,
    /// Seen from here, with the way there and back.
    pub took: Duration,
}

impl Invocation {
    /// Returns the function's own time, as the service's report of it says: without the way there and back, and without
    /// what a call waits for a free environment. None when the log has no report.
    pub fn own_time(&self) -> Option<Duration> {
        let report =
            self.log_tail.iter().rev().find(|line| line.starts_with("REPORT ") || line.contains("platform.report"))?;
        let millis = match serde_json::from_str::<serde_json::Value>(report) {
            Ok(json) => json["record"]["metrics"]["durationMs"].as_f64()?,
            Err(_) => report.split_once("\tDuration: ")?.1.split_once(" ms")?.0.parse().ok()?,
        };
        Duration::try_from_secs_f64(millis / 1000.0).ok()
    }

    /// The error's text when the function failed: `errorMessage` of its error document.
    pub fn error_message(&self) -> Option<String> {
        self.function_error.as_ref()?;
        let document: serde_json::Value = serde_json::from_str(&self.response).unwrap_or_default();
        let text = document.get("errorMessage").and_then(|m| m.as_str()).map(str::to_owned);
        Some(text.unwrap_or_else(|| self.response.clone()))
    }
}

/// Invokes a function and waits for its answer. A function that fails is an answer, not an error.
///
/// # Errors
/// When it could not be invoked: there is none of that name, no permission, no network, throttled.
pub async fn invoke(clients: &Clients, function: &str, payload: &str) -> Result<Invocation> {
    let begun = Instant::now();
    let answer = clients
        .lambda
        .invoke()
        .function_name(function)
        .payload(Blob::new(payload.as_bytes()))
        .log_type(LogType::Tail)
        .send()
        .await
        .map_err(|e| explain("lambda:Invoke", e))?;
    let took = begun.elapsed();
    let log = answer.log_result.unwrap_or_default();
    let log = base64::engine::general_purpose::STANDARD.decode(log).unwrap_or_default();
    let response = answer.payload.map(Blob::into_inner).unwrap_or_default();
    Ok(Invocation {
        response: String::from_utf8_lossy(&response).into_owned(),
        function_error: answer.function_error,
        log_tail: String::from_utf8_lossy(&log).lines().map(str::to_owned).collect(),
        took,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_own_time_is_in_its_report() {
        let own_time = |line: &str| {
            let log_tail = vec!["START RequestId: r".to_owned(), line.to_owned()];
            let took = Duration::from_secs(9);
            Invocation { response: "1".to_owned(), function_error: None, log_tail, took }.own_time()
        };
        let text = "REPORT RequestId: r\tDuration: 12.50 ms\tBilled Duration: 13 ms\tInit Duration: 146.00 ms\t";
        assert_eq!(own_time(text), Some(Duration::from_micros(12_500)));
        let json = r#"{"time":"t","type":"platform.report","record":{"metrics":{"durationMs":12.5}}}"#;
        assert_eq!(own_time(json), Some(Duration::from_micros(12_500)));
        assert_eq!(own_time("REPORT RequestId: r\tDuration: long ms"), None);
        assert_eq!(own_time("END RequestId: r"), None);
    }
}
