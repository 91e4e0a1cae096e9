//! The model as a frame. Looks things up and draws them; works nothing out that depends on how much there is.
//!
//! Invariant: takes `&Model`; what stands in a panel was put together by [`super::present`].

mod checks;
mod chrome;
mod console;
mod deploy;
mod diff;
mod frame;
mod header;
mod log;
mod outline;
mod overlay;
mod page;
mod paint;

pub use frame::{marked_text, view};
