//! Checkpoints: the state that a run has come to at a chapter's end, kept so that another run can begin there.
//!
//! `key` names all that such a state depends on; `files` takes the working directory's part of it and lays it out again.
//! The cloud's part is the target's own, and whoever starts a run puts the two together.
//!
//! Invariant: a state under a key is what the steps of those lessons over those snapshots come to, with that program.

mod files;
mod key;

pub use files::{Taken, lay_out, take};
pub use key::key;
