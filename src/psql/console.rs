//! A console: one session with the server, its settings, and the loop that reads input.
//!
//! The life of an input: [`Console::run`] reads lines from a [`LineSource`]; the scanner (`scan`) gathers a statement
//! and puts variables in; at its `;` it goes to `exec`, which streams the answer into the sink; a backslash hands the
//! rest of the line to `meta`. Front ends only give text and a sink.

mod connect;
mod options;
mod read;
mod run;
mod source;
mod state;

pub(crate) use options::ReadEnd;
pub use options::{ConsoleOptions, ConsoleOutcome, EditRequest};
pub(crate) use source::{IncludedLines, data_line, skip_copy_data, until_mark, without_mark};
pub use source::{InputLine, LineSource, TextLines};
pub use state::Console;
