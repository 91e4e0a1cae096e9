//! The panels' words: the model as words and lines, before anything is drawn.
//!
//! [`super::update`] asks it how much there is, [`super::view`] puts it on the screen, the notes and the plain mode say
//! the same words. Invariant: `&Model` in, text out; nothing here knows a buffer or changes anything.

pub mod activity;
pub mod card;
pub mod card_rows;
pub mod checks;
pub mod chrome;
pub mod copy;
pub mod deploy;
pub mod diff;
pub mod entry;
pub mod intent;
pub mod json;
mod last_words;
pub mod load;
pub mod locks;
pub mod notice;
pub mod outline;
pub mod page;
pub mod palette;
pub mod plan;
pub mod prompt;
pub mod questions;
pub mod reading;
pub mod record;
pub mod room;
pub mod search;
pub mod spans;
pub mod standby;
pub mod take_home;
pub mod timeline;
pub mod waiting;
pub mod which_key;
pub mod window;
pub mod words;
