//! A course on disk: the lesson files ([`lesson`]) and the project trees of the snapshots with their differences
//! ([`code`]).
//!
//! Invariant: nothing here runs a command, speaks to a network or knows that a terminal exists.

pub mod code;
pub mod lesson;
