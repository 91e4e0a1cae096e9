//! The resource types: what creating, updating and deleting each of them does to the world.
//!
//! [`start()`] changes the state and says what has to be waited for; the shell waits and tells the engine.
//! Invariant: a handler that refuses has changed nothing.

mod data;
mod dsql;
mod handler;
mod http_api;
mod iam;
mod lambda;
mod start;

pub(crate) use dsql::ready as cluster_ready;
pub(crate) use handler::{ResourceContext, ResourceWork};
pub(crate) use start::start;
