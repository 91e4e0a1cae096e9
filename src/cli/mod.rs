//! The command line: what the user said, turned into calls of the parts. It may use everything; nothing uses it.
//!
//! [`args`] is what clap reads, `program` turns it into a call of one of the others, and `output`, `runtime`, `places`
//! and `target` are what those stand on.

mod agreement;
mod archive;
mod args;
mod begin_again;
mod checkpoint;
mod choices;
mod committed;
mod controls;
mod course;
mod digest;
mod doctor;
mod git_clone;
mod library;
mod locked_dir;
mod log;
mod output;
mod places;
mod program;
mod proof;
mod propagate;
mod rehearse;
mod reload;
mod runtime;
mod sandbox;
mod scaffold;
mod screen;
mod shell;
mod shipped;
mod sql;
mod standby;
mod subcommands;
mod synth;
mod target;
mod teardown;
mod temporary_stack;
mod values;
mod waits;

pub use program::main;
pub use shipped::ShippedFile;
