//! The errors that AWS calls can end with, sorted by what the user has to do about it.

use std::error::Error as _;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use workshop_base::problem::{Kind, Problem};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("no AWS region is configured")]
    NoRegion,
    #[error("`{0}` is no AWS region")]
    BadRegion(String),
    #[error("no usable AWS credentials were found ({0})")]
    NoCredentials(String),
    #[error("the AWS credentials have expired")]
    Expired,
    #[error("AWS does not accept the credentials: {0}")]
    Rejected(String),
    #[error("{operation} could not reach AWS: {reason}")]
    Network { operation: &'static str, reason: String },
    #[error("{operation} timed out")]
    TimedOut { operation: &'static str },
    #[error("{operation} was throttled: {message}")]
    Throttled { operation: &'static str, message: String },
    /// Answered with a status of 500 or more.
    #[error("{operation} is not to be had: the service answered {status}{message}")]
    Unavailable { operation: &'static str, status: u16, message: String },
    #[error("not allowed: {message}")]
    AccessDenied { operation: &'static str, message: String },
    /// Only the sandbox has a disk that can be full.
    #[error("{message}")]
    NoSpace { message: String },
    /// The service said no. `code` is its own error code.
    #[error("{operation}: {message} ({code})")]
    Service { operation: &'static str, code: String, message: String },
}

/// Error codes that the services use for the same thing (the AWS common errors and STS references).
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired"];
const REJECTED: &[&str] = &[
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "AuthFailure",
    "OptInRequired",
];
const THROTTLED: &[&str] = &["Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"];
const NO_SPACE: &str = "InsufficientStorage";
const DENIED: &[&str] = &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"];

/// Sorts an SDK error.
pub fn explain<E>(operation: &'static str, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let chain = |e: &dyn std::error::Error| {
        let mut text = e.to_string();
        let mut source = e.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        text
    };
    match &error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("Unknown").to_owned();
            let message = service.err().message().unwrap_or("no message").to_owned();
            match code.as_str() {
                c if EXPIRED.contains(&c) => Error::Expired,
                c if REJECTED.contains(&c) => Error::Rejected(message),
                c if THROTTLED.contains(&c) => Error::Throttled { operation, message },
                c if DENIED.contains(&c) => Error::AccessDenied { operation, message },
                NO_SPACE => Error::NoSpace { message },
                _ if service.raw().status().is_server_error() => {
                    let message = service.err().message().map(|said| format!(": {said}")).unwrap_or_default();
                    Error::Unavailable { operation, status: service.raw().status().as_u16(), message }
                }
                _ => Error::Service { operation, code, message },
            }
        }
        SdkError::TimeoutError(_) => Error::TimedOut { operation },
        SdkError::DispatchFailure(failure) => {
            let text = failure.as_connector_error().map(|e| chain(e)).unwrap_or_default();
            if failure.is_timeout() {
                Error::TimedOut { operation }
            } else if failure.is_io() || is_cut_off(&text) {
                Error::Network { operation, reason: text }
            } else if text.to_lowercase().contains("expired") {
                Error::Expired
            } else {
                Error::NoCredentials(brief(&text))
            }
        }
        SdkError::ConstructionFailure(_) | SdkError::ResponseError(_) => {
            let text = error.source().map_or_else(|| error.to_string(), chain);
            let lower = text.to_lowercase();
            if lower.contains("expired") {
                Error::Expired
            } else if lower.contains("credential") {
                Error::NoCredentials(brief(&text))
            } else {
                Error::Network { operation, reason: text }
            }
        }
        _ => Error::Network { operation, reason: error.to_string() },
    }
}

/// Tells whether a connection was closed in the middle of a call, which the SDK sorts neither under input and output nor
/// anywhere else: `connection closed before message completed` (hyper 1.12).
fn is_cut_off(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("connection") && !text.contains("credential")
}

/// Why there are no credentials, without the list of every place that was looked into.
fn brief(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    // AwsSelection of one profile alone.
    if line.ends_with("the credential provider was not enabled") {
        return "there is no such profile, or it holds none".to_owned();
    }
    let line = line.split(". Attempted").next().unwrap_or(line);
    line.rsplit(": ").next().unwrap_or(line).trim_end_matches(['.', ':']).to_owned()
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let kind = match &error {
            Error::TimedOut { .. } => Kind::TimedOut,
            Error::Service { .. } => Kind::Failed,
            Error::BadRegion(_) => Kind::Usage,
            Error::NoRegion
            | Error::NoCredentials(_)
            | Error::Expired
            | Error::Rejected(_)
            | Error::Network { .. }
            | Error::Throttled { .. }
            | Error::Unavailable { .. }
            | Error::NoSpace { .. }
            | Error::AccessDenied { .. } => Kind::Environment,
        };
        let problem = Problem::new(kind, &error);
        match error {
            Error::NoRegion => problem.hint(
                "pass --region, or set AWS_REGION or a region in the profile; or work without an account: --target local",
            ),
            Error::BadRegion(_) => problem.hint("write --region, AWS_REGION or the profile's region like us-east-1"),
            Error::NoCredentials(_) => problem.hint(
                "sign in (aws sso login, or aws configure) and name the profile with --profile or AWS_PROFILE; or work without an account: --target local",
            ),
            Error::Expired => problem.hint(SIGN_IN_AGAIN),
            // Signed for another region than the endpoint is in.
            Error::Rejected(said) if said.contains("region") => {
                problem.hint("check the region: --region, AWS_REGION or the profile's, and AWS_ENDPOINT_URL if it is set")
            }
            Error::Rejected(_) => problem.hint("check the profile's keys, or sign in again (aws sso login)"),
            Error::Network { .. } => problem.hint("check the network and the region's name, then repeat the step"),
            Error::TimedOut { .. } | Error::Throttled { .. } | Error::Unavailable { .. } => {
                problem.hint("wait a moment, then repeat the step")
            }
            Error::AccessDenied { operation, .. } => {
                problem.hint(format!("the profile's user or role needs permission for {operation}"))
            }
            Error::NoSpace { .. } => problem.hint("free some disk space, then repeat the step: nothing is lost"),
            Error::Service { .. } => problem,
        }
    }
}

const SIGN_IN_AGAIN: &str =
    "sign in again (aws sso login) or put new keys in place, then repeat the step: nothing is lost";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_credentials_are_said_in_one_line() {
        // Printed by aws-config 1.8.
        let chain = "other: the credential provider was not enabled: no credentials found in chain. Attempted:\n  \
            Environment: the credential provider was not enabled: environment variable not set\n  Profile: …";
        let problem = Problem::from(Error::NoCredentials(brief(chain)));
        assert_eq!(problem.message, "no usable AWS credentials were found (no credentials found in chain)");
        assert_eq!(problem.kind, Kind::Environment);
        let one = brief("other: the credential provider was not enabled");
        assert_eq!(one, "there is no such profile, or it holds none");
    }
}
