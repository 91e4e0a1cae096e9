//! The driver: one task that owns the truth. Commands and the news of its own tasks come in through one
//! channel, in one order; events go out.
//!
//! Invariant: only the driver touches the journal, the position and the record; whatever runs beside it only
//! tells. Nothing here waits for anything but the next message.

mod bringing;
mod checking;
mod collisions;
mod opening;
mod position;
mod reloading;
mod requests;
mod serving;
mod state;
mod steps;
mod telling;
mod working;

pub use serving::start;
