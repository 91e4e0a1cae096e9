//! The local target: an AWS endpoint on loopback, functions in real Node processes, PostgreSQL that
//! answers as Aurora DSQL. A process of its own.
//!
//! Invariant: nothing here knows that lessons exist.

pub mod aws;
pub mod child;
pub mod clock;
pub mod control;
pub mod dsql;
pub mod env;
pub mod iam;
pub mod interfaces;
pub mod lambda;
pub mod launch;
mod origin_check;
mod packages;
pub mod postgres;
pub mod progress;
pub mod serve;
pub mod state;
mod sweep;
mod tls;
