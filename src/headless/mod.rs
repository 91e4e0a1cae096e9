//! The workshop without a screen: the same events, written as reports.
//!
//! Reporters are peers: each folds the same events and none knows of another. What they share is below them:
//! [`types`] (the trait and the formats), [`names`] (titles, words, and which result has been told already) and
//! [`failure`] (the record as lines). [`reports`] stands above them and gives every event to each.
//!
//! Invariants: nothing here runs anything. What came from outside is made safe before it is written: control and
//! bidirectional characters for whoever reads it in a terminal, workflow commands for GitHub's runner, which reads the
//! output of a job line by line.

pub mod failure;
pub mod github;
pub mod human;
pub mod json;
pub mod junit;
pub mod names;
pub mod reports;
pub mod tap;
pub mod types;
pub mod whole_file;

#[cfg(test)]
mod tests;
