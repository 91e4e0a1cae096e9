//! `workshop`: run a hands-on technical workshop from a terminal.
//!
//! The way through the house: lesson files → [`lesson`]'s model → [`engine`] → its events → the screen and plain
//! lines ([`tui`]) and the reports ([`headless`]). Commands go the other way, as plain data.
//!
//! The life of a step: a front end sends a command; the engine's driver, one task that owns all state, starts the
//! step's action; the action speaks to AWS ([`aws`]), to the database ([`sql`]), to child processes ([`process`])
//! or to the working directory ([`code`]) and tells what happens as events; the driver numbers, folds, records
//! and sends them; every front end folds the same events and draws or writes what it sees.
//!
//! The [`sandbox`] is the local target: a process of its own that answers where AWS would. The engine cannot tell
//! the two apart, and reaches either only through environment variables and sockets.
//!
//! Who may use whom is a test: `tests/it/imports.rs`.

pub mod aws;
pub mod cli;
pub mod code;
pub mod engine;
pub mod headless;
pub mod lesson;
pub mod problem;
pub mod process;
pub mod sandbox;
pub mod sql;
pub mod text;
pub mod tui;
