//! A service's refusal: a code, a sentence, and the fields its error shape has besides.

use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct AwsError {
    pub code: String,
    /// 5xx for a fault of the sandbox alone: clients retry those for a minute before they say anything.
    pub status: u16,
    pub message: String,
    /// Further members of the error's shape (`resourceId`, …).
    pub members: Map<String, Value>,
}

impl AwsError {
    /// Returns a refusal with an HTTP status and a code.
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        AwsError { code: code.into(), status, message: message.into(), members: Map::new() }
    }

    /// CloudFormation's answer to nearly everything.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        AwsError::new(400, "ValidationError", message)
    }

    /// Tells that it is the sandbox, and not the service, that does not know the operation.
    pub(crate) fn not_served(&self) -> bool {
        matches!(self.code.as_str(), "InvalidAction" | "UnknownOperationException" | "NotImplemented")
    }

    /// Adds a member of the error's own shape.
    #[must_use]
    pub(crate) fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }
}

pub(crate) type AwsResult<T> = std::result::Result<T, AwsError>;
