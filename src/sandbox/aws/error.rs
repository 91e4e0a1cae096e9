//! What a service refuses with: a code, a sentence, and the fields its error shape has besides.

use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    pub code: String,
    /// Never 5xx: clients retry those for a minute before they say anything.
    pub status: u16,
    pub message: String,
    /// Further members of the error's shape (`resourceId`, …).
    pub members: Map<String, Value>,
}

impl AwsError {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        AwsError { code: code.into(), status, message: message.into(), members: Map::new() }
    }

    /// CloudFormation's answer to nearly everything.
    pub fn validation(message: impl Into<String>) -> Self {
        AwsError::new(400, "ValidationError", message)
    }

    /// Whether it is the sandbox, and not the service, that does not know the operation.
    pub fn not_served(&self) -> bool {
        matches!(self.code.as_str(), "InvalidAction" | "UnknownOperationException" | "NotImplemented")
    }

    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }
}

pub type Result<T> = std::result::Result<T, AwsError>;
