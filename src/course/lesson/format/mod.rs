//! The lesson files as they are written: what serde_yaml reads, and what the JSON Schema is made from.
//!
//! Invariant: this is the only description of the format. `shape` checks files against the schema of
//! these types and reports every deviation with its place; `load` turns them into the model.
//! A type with an `x-kind` is text with an inner form, which `shape` checks too. What the model has
//! under the same name ends in `Yaml` here.

mod check;
mod course;
mod expect;
mod facts;
mod scalars;
mod step;

pub use check::*;
pub use course::*;
pub use expect::*;
pub use facts::*;
pub use scalars::*;
pub use step::*;
