//! Passwords that last for one connection: what a front end gives the console to connect with.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use workshop_base::problem::Result;

/// The role that the service makes and that needs `dsql:DbConnectAdmin`; every other needs `dsql:DbConnect`.
pub const ADMIN: &str = "admin";

/// Something that must not be shown: `Debug` and `Display` hide it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(secret: impl Into<String>) -> Secret {
        Secret(secret.into())
    }
    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The source of the passwords of connections.
pub trait TokenSource: Send + Sync + 'static {
    /// A fresh token for connecting to `host` as database role `role`.
    fn token(&self, host: &str, role: &str) -> Pin<Box<dyn Future<Output = Result<Secret>> + Send + '_>>;
}
