//! A YAML document as a tree that knows where everything stands.
//!
//! Invariant: lesson files are plain data: anchors, aliases, tags and second documents are refused, so
//! that what is read is what is seen.

mod faults;
mod read;
mod structure;
mod types;

pub use faults::{COLON, quotes};
pub use read::read;
pub use types::{Document, Node, YamlValue, point};

#[cfg(test)]
mod tests;
