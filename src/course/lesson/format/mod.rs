//! The lesson files as they are written: what serde_yaml reads, and what the JSON Schema is made from.
//!
//! Invariant: this is the only description of the format. `shape` checks files against the schema of
//! these types and reports every deviation with its place; `load` turns them into the model.
//! A type with an `x-kind` is text with an inner form, which `shape` checks too. What the model has
//! under the same name ends in `Yaml` here.

mod check;
mod command;
mod course;
mod deploy;
mod expect;
mod facts;
mod http;
mod scalars;
mod serve;
mod step;
mod texts;

pub use check::*;
pub use command::*;
pub use course::*;
pub use deploy::*;
pub use expect::*;
pub use facts::*;
pub use http::*;
pub use scalars::*;
pub use serve::*;
pub use step::*;
pub use texts::*;
