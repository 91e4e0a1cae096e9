//! CloudFormation: templates become resources.
//!
//! [`template`] and [`validate`] read, [`parameters`] and [`resolve`] evaluate, [`changes`] compares,
//! [`engine`] decides what happens when to a stack of the [`model`], [`resources`] make the things, [`api`] talks to clients. Invariant:
//! everything but [`resources`] is free of I/O.

pub(crate) mod api;
pub(crate) mod changes;
mod conditional;
pub(crate) mod conditions;
mod early;
pub(crate) mod engine;
pub(crate) mod findings;
mod function_shapes;
mod left_out;
pub(crate) mod model;
pub(crate) mod parameters;
pub(crate) mod resolve;
pub(crate) mod resource_types;
pub(crate) mod resources;
pub(crate) mod schema;
mod sections;
pub(crate) mod stack;
pub(crate) mod supported;
pub(crate) mod template;
pub(crate) mod validate;
mod yaml;
