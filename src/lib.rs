//! `workshop`: run a hands-on technical workshop from a terminal.
//!
//! The way through the house: lesson files → [`workshop_course::lesson`]'s model → [`workshop_engine`] → its events → the screen and plain
//! lines ([`tui`]) and the reports ([`headless`]). Commands go the other way, as plain data.
//!
//! The life of a step: a front end sends a command; the engine's driver, one task that owns all state, starts the
//! step's action; the action speaks to AWS ([`workshop_engine::aws`]), to the database ([`workshop_psql`]), to child processes ([`workshop_base::process`])
//! or to the working directory ([`workshop_course::code`]) and tells what happens as events; the driver numbers, folds, records
//! and sends them; every front end folds the same events and draws or writes what it sees.
//!
//! The [`workshop_sandbox`] is the local target: a process of its own that answers where AWS would. The engine cannot tell
//! the two apart, and reaches either only through environment variables and sockets.
//!
//! Who may use whom is a test: `tests/it/imports.rs`.

pub mod cli;
pub mod headless;
pub mod record;
pub mod tui;
