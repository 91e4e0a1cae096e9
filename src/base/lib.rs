//! What every other crate of the workshop stands on: text that is safe to show, SQL as text, problems with advice, and
//! child processes that are groups with a deadline.
//!
//! Invariant: nothing here knows lessons, AWS, databases or a screen.

pub mod problem;
pub mod process;
pub mod sql;
pub mod text;
