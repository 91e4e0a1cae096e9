//! The difference between two project trees, as files, hunks and lines. Pure.
//!
//! Invariant: a [`FileDiff`] loses nothing. The texts it was made from are in it, line ends and a
//! missing last newline included, and its hunks point into them.

mod compare;
mod types;
mod words;

pub use compare::{diff_file, diff_text, diff_trees, split_lines};
pub use types::{DiffLine, FileDiff, FileStatus, Hunk, Side, TreeDiff};
