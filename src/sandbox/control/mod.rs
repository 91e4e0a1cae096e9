//! How the rest of the world finds, starts and directs a sandbox: one process per working directory,
//! reached through a socket that only its owner can open.
//!
//! Whoever uses a sandbox holds a [`Lease`]: a connection. The sandbox goes with its last lease, however
//! that ends, unless it was started by hand.

mod client;
pub(crate) mod connection;
pub(crate) mod protocol;
mod transfer;

pub use self::client::{
    Lease, Simulation, clear, clock, crashed, ensure, env, reset, restore, save, simulate, start, status, stop,
};
pub use self::protocol::{SandboxOptions, SandboxStatus};
pub use self::transfer::{export, seed};
pub use crate::state::SandboxKind;
