//! The local target: an AWS endpoint on loopback, functions in real Node processes, PostgreSQL that
//! answers as Aurora DSQL. A process of its own. What it serves and what it approximates: `README.md` beside this file.
//!
//! The way of a start: [`control`] finds or starts the process of a directory; `serve` is that process, which brings up
//! [`postgres`] (a server for each cluster), [`lambda`] (functions and their environments), [`aws`] (the endpoint, its state
//! and its services) and [`workshop_dsql`] (the proxy in front of the servers), all of which know each other by [`interfaces`]
//! alone;
//! [`launch`] and [`child`] start the programs below it so that none outlives it; [`env`](mod@env) tells a shell how to reach it.
//!
//! Invariant: nothing here knows that lessons exist.

pub mod aws;
pub mod child;
pub mod clock;
pub mod control;
pub mod env;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod iam;
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
