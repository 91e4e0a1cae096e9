//! The state of a workshop: a fold over its events, held alike by the TUI, the reporters and the saved session.
//!
//! Invariant: nothing in here comes from anywhere but [`Progress::apply`]; the same events give the same state,
//! and every beginning of a run is a valid state. Streams of text (child output, console rows, logs) are not
//! state: whoever shows them keeps as much of them as it likes.

mod deploy;
mod fold;
mod known;
mod pacing;
mod pairs;
mod place;
mod rewind;
pub(crate) mod state;

pub use deploy::is_in_progress;
pub use state::*;
