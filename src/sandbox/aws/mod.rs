//! The AWS-compatible endpoint of the local target.
//!
//! The life of a request: [`cloud`] takes it off the socket, [`sigv4`] says who sent it, [`protocol`] which
//! operation it is, the service's module (`sts`, `s3`, `cloudformation`, …) changes the [`state`] and says
//! what is [`service::Next`], `cloud` does that, saves, and answers. Invariant: everything but `cloud` and
//! [`state`] works on plain values; time and randomness come in as arguments.

pub mod chunked;
pub mod cloud;
pub mod cloudcontrol;
pub mod cloudformation;
pub mod dsql;
pub mod error;
pub mod http;
pub mod iam_api;
pub mod ids;
pub mod lambda;
pub mod logs;
pub mod protocol;
pub mod s3;
pub mod service;
pub mod sigv4;
pub mod ssm;
pub mod state;
pub mod sts;
pub mod tags;
pub mod time;

#[cfg(test)]
mod tests;

pub use cloud::Cloud;
