//! The AWS side: stack, function, cluster and tokens through the SDKs. The local target answers the same calls.
//!
//! Invariant: nothing here knows which of the two it talks to; the [`Environment`] says where to go.

pub mod clients;
pub mod cluster;
pub mod environment;
pub mod error;
pub mod invoke;
pub mod stack;
pub mod throttling;
pub mod token;

pub use clients::{Clients, patiently};
pub use environment::Environment;
pub use error::Error;
