//! Lesson files: reading, checking and the valid course that comes out.
//!
//! Invariant: nothing here runs anything or knows that a terminal exists.

pub mod manifest;
pub mod model;
