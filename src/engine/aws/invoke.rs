//! Invoking a function, with the tail of its log.

use std::time::{Duration, Instant};

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use base64::Engine as _;

use super::Clients;
use super::error::{Result, explain};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// What the function answered, as JSON text: its result, or its error document.
    pub response: String,
    /// `Unhandled` when the function failed.
    pub function_error: Option<String>,
    /// The last lines of its log, at most 4 KiB.
    pub log_tail: Vec<String>,
    /// Seen from here, with the way there and back.
    pub took: Duration,
}

impl Invocation {
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
