//! The lesson engine: carries out steps and checks, and tells what happens as events.
//!
//! Invariant: nothing here knows that a terminal exists, or that the local target is ours.

pub mod command;
pub mod event;
pub mod progress;
