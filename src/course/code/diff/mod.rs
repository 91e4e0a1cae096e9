//! The difference between two project trees, as files, hunks and lines. Pure.
//!
//! Invariant: a [`FileDiff`] loses nothing. The texts it was made from are in it, line ends and a
//! missing last newline included, and its hunks point into them.

mod compare;
mod types;
mod words;

pub use compare::{diff_file, diff_sources, diff_text, diff_trees, part_hunk, split_lines};
pub use types::{BinarySides, DiffLine, FileDiff, FileStatus, Hunk, HunkSubject, Side, TreeDiff};
