//! `workshop sql`: the console at a terminal, in a pipe, with `-c` and `-f`.
//!
//! rustyline edits the line: it is small (one new crate to our set), keeps emacs and vi keys, Ctrl-R and
//! bracketed paste, and gives the line back between statements, as psql does. Exit codes are psql's.

mod edit;
mod editor;
mod invocation;
mod pager;
mod run;
mod stdio;

pub use invocation::{ScriptAction, SqlInvocation};
pub use run::run;
pub use stdio::Stdio;
