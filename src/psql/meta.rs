//! Backslash commands: read first (`parse`, pure), then done (`act`, and a file for each group).
//!
//! Adding one: a variant in its group in [`model`] with its line in [`parse`], its name in [`model::COMMANDS`] for
//! completion, its line in [`help`]; the compiler then asks for its arm where the group is done.

mod act;
mod args;
mod ask;
mod catalogue;
pub(crate) mod condition;
mod constraints;
mod copy;
mod definition;
mod describe;
mod footers;
mod help;
mod lines;
mod list;
mod listings;
mod looks;
pub(crate) mod model;
mod parse;
mod pattern;
mod read;
mod relation;
mod say;
mod session;
pub(crate) mod settings;
mod shell;
mod statement;
mod system;
mod variable;
mod watch;

pub(crate) use args::{command_name, skip_arguments};
pub(crate) use model::Control;
pub(crate) use read::{command, quietly};
