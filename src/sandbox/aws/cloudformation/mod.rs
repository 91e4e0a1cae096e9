//! CloudFormation: templates become resources.
//!
//! [`template`] and [`validate`] read, [`parameters`] and [`resolve`] evaluate, [`changes`] compares,
//! [`engine`] decides what happens when, [`resources`] make the things, [`api`] talks to clients. Invariant:
//! everything but [`resources`] is free of I/O.

pub mod api;
pub mod changes;
pub mod engine;
pub mod parameters;
pub mod resolve;
pub mod resources;
pub mod schema;
pub mod stack;
pub mod template;
pub mod validate;
