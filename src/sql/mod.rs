//! The SQL console: psql's behaviour over tokio-postgres, one engine for the TUI and for `workshop sql`.
//!
//! Invariant: nothing here knows lessons, the sandbox or a terminal; output is lines of text through a [`report::Sink`].

pub mod report;
