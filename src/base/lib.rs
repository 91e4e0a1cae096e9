//! The ground that every other crate of the workshop stands on: text that is safe to show, SQL as text, problems with
//! advice, durations and conflicts said once, child processes that are groups with a deadline, and directories in which
//! nothing is reached through a link.
//!
//! Invariant: nothing here knows lessons, AWS, databases or a screen.

pub mod conflict;
pub mod duration;
pub mod private_dir;
pub mod problem;
pub mod process;
pub mod sql;
pub mod text;
