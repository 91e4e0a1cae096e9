//! A project as files: relative slash-separated paths and their contents.
//!
//! Invariant: nothing outside the root is ever read. Paths never climb out of it, and symbolic links
//! are reported, not followed.

mod read;
mod types;

pub use read::{is_inside, locate, read, read_file};
pub use types::{FileContent, IGNORED, MAX_FILE, Reading, Skipped, SourceFile, Tree, TreeError};

#[cfg(test)]
mod tests;
