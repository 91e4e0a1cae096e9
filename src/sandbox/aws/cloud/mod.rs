//! The endpoint as a whole: socket in front, state behind, functions and databases beside it.
//!
//! The only part that waits. Invariant: the world's lock is never held across a wait, and every answer goes
//! out after what it tells is on disk.

mod answer;
mod core;
mod fronts;
mod retries;
mod socket;
mod work;

pub use core::Cloud;
