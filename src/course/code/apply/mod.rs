//! Taking single hunks over into a file and back, also when the learner has changed it since.
//!
//! Invariant: text that belongs to no hunk is never touched. Where the learner's own edits and a hunk
//! meet, the answer is [`Conflict`], not a guess.

mod hunks;
mod places;
mod types;

pub use hunks::{apply, compose, states, undo};
pub use types::{Conflict, HunkState};

#[cfg(test)]
mod tests;
