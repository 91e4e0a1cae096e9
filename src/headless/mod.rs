//! The workshop without a screen: the same events, written as reports.
//!
//! Reporters are peers: each folds the same events and none knows of another.
//! Invariant: nothing here runs anything; what came from outside is sanitised before it is written.

pub mod failure;
pub mod github;
pub mod human;
pub mod json;
pub mod junit;
pub mod report;
pub mod tap;

#[cfg(test)]
mod tests;
