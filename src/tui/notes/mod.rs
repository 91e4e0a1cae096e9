//! The presenter's second terminal: notes, what comes next, the clock, the checks.
//!
//! The first terminal publishes the engine's fold on a local socket ([`publish`]); `workshop notes` reads
//! it ([`run`]) and draws it. A line of JSON is the whole state, so either side can be started again at
//! any time and knows all at once.
//!
//! Invariant: the socket is the user's own (mode 0600), below the working directory, and nothing is ever
//! read from it by the first terminal.

mod follow;
pub mod publish;
mod screen;
mod socket;

pub use follow::{NotesConfig, run};
