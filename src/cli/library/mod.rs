//! Courses that were installed: fetched, unpacked or copied once, and there from then on, without a network.
//!
//! `store` keeps them, `find` looks what a directory holds, `chooser` asks which when there are several, `commands` installs, lists and removes them.

mod chooser;
mod commands;
mod find;
mod store;

pub use chooser::choose;
pub use commands::run;
pub use find::{CourseChoice, courses_in, is_lessons, lessons_of};
pub use store::{InstalledCourse, Library, choices_of};
