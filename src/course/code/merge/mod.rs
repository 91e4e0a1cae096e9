//! Three-way merges: what one chapter's snapshot gained, carried into another. Pure.
//!
//! Invariant: a line that only one side changed is as that side has it. Where both changed the same lines in different
//! ways the answer is a [`MergeConflict`] with all three versions, never a guess.

mod chain;
mod text;
mod trees;

pub use chain::{Carried, carry, forgotten};
pub use text::{MergeConflict, MergeLabels, MergedText, holds_markers, merge_ours_first, merge_text};
pub use trees::{FileConflict, MergedTree, merge_trees};

#[cfg(test)]
mod tests;
