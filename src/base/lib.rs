//! The ground that every other crate of the workshop stands on: text that is safe to show, what a secret looks like, SQL as text, problems with
//! advice, durations and conflicts said once, the log, the user's environment, files and directories in which nothing is reached
//! through a link, and child processes that are groups with a deadline.
//!
//! Invariant: nothing here knows lessons, AWS, databases or a screen.

pub mod bounded_log;
pub mod conflict;
pub mod copy_tree;
pub mod database_url;
pub mod duration;
pub mod encoding;
pub mod feed;
pub mod files;
pub mod ignored;
pub mod log;
pub mod marked;
pub mod private_dir;
pub mod problem;
pub mod process;
pub mod secret;
pub mod sql;
pub mod surroundings;
pub mod text;
