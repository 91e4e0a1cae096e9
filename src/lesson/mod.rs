//! Lesson files: reading, checking and the valid course that comes out.
//!
//! Invariant: nothing here runs anything or knows that a terminal exists.

mod build;
mod kinds;
mod lens;
pub mod lint;
pub mod load;
pub mod manifest;
pub mod model;
mod raw;
mod rules;
pub mod schema;
mod shape;
pub mod template;
mod yaml;
