//! Lesson files: reading, checking and the valid course that comes out.
//!
//! A file is read twice. `workshop_yaml` makes a tree that knows its places, and `shape` holds it against the
//! schema of the types in `format`, reporting whatever deviates. serde_yaml reads the same text into
//! those types; `build` turns them into the model, `rules` proves what must hold between its parts,
//! and both point into the tree through a `lens`. `load` does all that for a course; `lint` shows
//! what came of it; `manifest` says which files a project has at any step.
//!
//! Invariant: nothing here runs anything or knows that a terminal exists.

mod build;
pub mod chain;
pub mod choices;
mod course_names;
pub mod facts;
pub mod file_check;
mod format;
pub mod generate;
pub mod images;
mod includes;
pub mod json_path;
pub mod kinds;
mod lens;
mod lesson_file;
mod lesson_text;
pub mod lint;
pub mod listing;
pub mod load;
pub mod locale;
pub mod manifest;
mod meant;
pub mod model;
pub mod outline;
mod rules;
pub mod schema;
mod shape;
mod snapshots;
mod sound;
pub mod template;
