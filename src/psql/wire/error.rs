//! Why a connection could not be made, or broke.

use std::io;

use crate::servererror::ServerMessage;

/// Why a connection could not be made, or broke.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("could not connect to {address}: {}", reason(source))]
    Connect { address: String, source: io::Error },
    #[error("the server at {0} does not accept TLS")]
    NoTls(String),
    #[error("TLS with {host} failed: {}", reason(source))]
    Tls { host: String, source: io::Error },
    #[error("no certificate authority: {0}")]
    Roots(String),
    #[error("{0:?} is not a host name that a certificate can carry")]
    HostName(String),
    #[error("{}", .0.message)]
    Refused(Box<ServerMessage>),
    #[error("the server wants a kind of authentication that this console does not speak")]
    Authentication,
    #[error("the server wants a password and there is none")]
    NoPassword,
    #[error("no answer from {address} within {seconds} s")]
    TimedOut { address: String, seconds: u64 },
    #[error("the connection was lost: {}", reason(.0))]
    Lost(#[from] io::Error),
    #[error("{0}")]
    Token(workshop_base::problem::Problem),
}

/// Returns what the operating system says, in its own words, without the number of it.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
