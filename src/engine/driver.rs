//! The driver: one task that owns the truth. Commands and the news of its own tasks come in through one
//! channel, in one order; events go out.
//!
//! Its parts have state and methods of their own and know none of each other: `run` (events, their fold and record, the
//! verdict), `activity` (the one thing that runs), `workspace` (files, journal, watch), `target` (the cloud, packages,
//! sessions), `deploys`, `standby` (the run that follows in the sandbox) and `background` (the tasks). The other files are the driver's own: what it does with a
//! request or a message, and which part it asks.
//!
//! Invariant: only the driver touches the journal, the position and the record; whatever runs beside it only
//! tells. Nothing here waits for anything but the next message.

mod activity;
mod admission;
mod background;
mod bringing;
mod checks;
mod collisions;
mod deploys;
mod event_loop;
mod opening;
mod position;
mod reloading;
mod requests;
mod run;
mod sql;
mod standby;
mod state;
mod steps;
mod switching;
mod target;
mod workspace;

pub use event_loop::start;
