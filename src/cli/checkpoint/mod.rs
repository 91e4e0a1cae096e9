//! Checkpoints of a course: the state after each chapter, kept in the cache so that a later run begins there.
//!
//! `store` knows where they lie, `resume` begins a run with one and keeps those that it comes to, `commands` lists them
//! and carries them as a file from one machine to another.

mod commands;
mod program_id;
mod resume;
mod store;

pub use commands::run;
pub use resume::RunCheckpoints;
