//! The AWS-compatible endpoint of the local target.
//!
//! The life of a request: [`cloud`] takes it off the socket, [`sigv4`] says who sent it, [`protocol`] which
//! operation it is, the service's module (`sts`, `s3`, `cloudformation`, …) changes the [`state`] and says
//! what is [`service::Response`], `cloud` does that, saves, and answers. Invariant: everything but `cloud` and
//! [`state`] works on plain values; time and randomness come in as arguments.

pub(crate) mod chunked;
pub(crate) mod cloud;
pub(crate) mod cloudcontrol;
pub(crate) mod cloudformation;
pub(crate) mod dsql;
pub(crate) mod error;
mod function_names;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub(crate) mod http;
pub(crate) mod http_api;
pub(crate) mod iam_api;
pub(crate) mod ids;
pub(crate) mod lambda;
mod log_patterns;
pub(crate) mod logs;
mod measure;
pub(crate) mod protocol;
pub(crate) mod records;
pub(crate) mod s3;
mod s3_listing;
mod s3_objects;
mod s3_uploads;
pub(crate) mod service;
mod service_model;
mod signature_error;
pub(crate) mod sigv4;
pub(crate) mod ssm;
pub(crate) mod state;
pub(crate) mod store;
pub(crate) mod sts;
pub(crate) mod tags;
pub(crate) mod time;

#[cfg(test)]
mod tests;

pub use cloud::Cloud;
pub use cloudformation::supported::{Unsupported, resource_types, runtimes, unsupported};
pub use store::{Aside, StateError};
