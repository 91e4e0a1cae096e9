//! The SQL console: psql's behaviour, one engine for the TUI and for `workshop sql`.
//!
//! ```text
//! text → scan (statements, variables) → exec → wire → server
//!            ↘ meta (backslash commands)    ↘ table (text as psql writes it) → report::Sink
//! ```
//!
//! `console` holds a session together and is what front ends use; `session` connects, with a new token each
//! time. `scan`, `entry`, `table`, `vars`, `prompt`, `hints`, `complete` and most of `meta` are pure.
//!
//! Invariants: nothing here knows lessons, the sandbox or a terminal, but for `repl`; output is text through a
//! [`report::Sink`]; a result of any size passes in bounded memory and nothing of it is left out silently; no
//! statement is ever sent twice by itself.

pub mod cancel;
pub mod complete;
pub mod console;
pub mod entry;
mod exec;
mod files;
mod hints;
pub mod history;
mod meta;
mod out;
mod prompt;
pub mod query;
pub mod repl;
pub mod report;
mod scan;
mod servererror;
pub mod session;
pub mod table;
pub mod token;
mod vars;
mod wire;

pub use out::AnySink;
