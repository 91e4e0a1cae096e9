//! `${…}` references: finding them, and putting values in their place so that no value can be
//! anything but a value there.
//!
//! Invariant: whatever a value holds, the SQL, JSON or shell line around it means the same. A place
//! where that cannot be promised (inside quotes, in a here-document) is an error of the lesson, found
//! before anything runs, and not a matter of the value.

mod context;
mod parse;
mod render;
mod types;

pub use parse::{Occurrences, misspelt, references, unmarked};
pub use render::{check, in_prose, render, render_value};
pub use types::{NAMES, Reference, TemplateError, TemplateSyntax};

#[cfg(test)]
mod tests;
