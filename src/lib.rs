//! `workshop`: run a hands-on technical workshop from a terminal.

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
