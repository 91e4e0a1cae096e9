//! One message in, what the shell shall do out. No I/O, no waiting, no clock of its own.
//!
//! Invariant: everything that depends on the size of the screen or on a text is worked out here, once per
//! change, by [`arrange()`]; drawing only looks it up.

mod answers;
mod arrange;
mod asking;
mod author;
mod bringing;
mod completion;
mod console;
mod diff;
mod entry;
mod events;
#[cfg(test)]
mod failed_deploy_tests;
mod keys;
#[cfg(test)]
mod leftover_tests;
mod loads;
#[cfg(test)]
mod meanwhile_tests;
mod message;
mod navigation;
mod panels;
mod place;
mod pointer;
#[cfg(test)]
mod redaction_tests;
mod retrace;
mod scrolling;
mod search;
#[cfg(test)]
mod storm_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod told_keys_tests;
#[cfg(test)]
mod unseen_tests;
mod vi;

pub use arrange::arrange;
pub use message::update;
