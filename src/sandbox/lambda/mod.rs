//! The Lambda service: deployed bundles in real Node processes that speak the Runtime API.
//!
//! Life of an invocation: the endpoint calls [`Functions::invoke`](crate::interfaces::Functions::invoke); [`pool`] picks an
//! idle environment, starts a new one or lets it wait; [`launch`] starts one, on the Node.js that [`node`] has for its
//! runtime; [`environment`] hands the invocation to the runtime through [`api`], follows the log, the answer, the exit and
//! the clock, and reports as AWS does.
//!
//! Invariants: a function runs as its role and sees nothing of the user's own AWS configuration; nothing that it started
//! outlives its environment.

mod api;
mod bundle;
mod environment;
mod launch;
mod log;
mod machine;
mod node;
mod output;
mod pool;
mod report;
mod sdk;
mod service;
mod types;

pub use self::launch::PRELOAD;
pub use self::service::Lambda;
pub use self::types::LambdaConfig;
