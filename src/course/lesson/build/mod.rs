//! From a chapter as it is written to the chapter of the model: values are converted and defaults
//! filled in. What must hold between parts of a chapter is in `rules`.

mod builder;
mod checks;
mod convert;
mod course;
mod deploys;
mod edits;
mod expects;
mod processes;
mod steps;

pub use builder::{Builder, ChangePlaces, Owner, Sessions, Use};
pub use convert::{as_it_stands, minutes};
pub use course::CourseParts;
pub use edits::{part_hunks, put_notes};
