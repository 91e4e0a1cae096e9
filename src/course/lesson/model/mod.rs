//! A course that has been read and found valid. Past this point nothing can be missing or double.
//!
//! The YAML keys are the field names here unless a comment says otherwise; `lesson::format` holds the
//! file format, `lesson::load` turns it into these types.

mod action;
mod check;
mod common;
mod course;
mod expect;
mod step;
mod wait;

pub use action::*;
pub use check::*;
pub use common::*;
pub use course::*;
pub use expect::*;
pub use step::*;
pub use wait::*;
