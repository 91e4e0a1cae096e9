//! Rules between the parts of a chapter and of a course: sums, names, hunks, captures.

mod chapter;
mod course;
mod facts;
mod hunks;
mod paths;
mod references;
mod sums;

pub use chapter::check_chapter;
pub use course::check_course;
pub use facts::{ChapterFacts, Cloud};
