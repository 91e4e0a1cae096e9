//! The sandbox's own process: everything wired together, from its start to its end.
//!
//! The life of a run: the lock on the state is taken; the control socket opens; PostgreSQL, the functions
//! and the endpoint come up side by side ([`services::Services::start`]), or a plain database alone ([`running`]); clients hold it; with the last of them, on
//! request or on a signal it goes down in the order endpoint, functions, proxy, PostgreSQL.
//!
//! Invariants: one process per state; what a client was told to connect to takes connections; nothing of
//! it runs or lies about after its end but the state.

mod clients;
mod daemon;
mod prerequisites;
mod replacing;
mod run;
mod running;
mod saved;
mod services;

pub use self::run::{detached, main};
pub use crate::control::protocol::ARGUMENT;
