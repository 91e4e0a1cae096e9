//! The whole workshop as lines: no redrawing, no boxes, nothing that a screen reader stumbles over or that
//! a log cannot hold. What is typed at the prompt are words; the same engine, the same commands.
//!
//! Invariant: a line that was written stays; every change of state is one line; everything that the
//! screen can do can be asked for here.
//!
//! A person who leaves has left, as they leave the screen. A script is told by the exit code what its words came to.

mod about;
mod names;
mod prose;
mod say;
mod state;
mod talk;
mod tally;
#[cfg(test)]
mod told_tests;
mod words;

pub use talk::run;
