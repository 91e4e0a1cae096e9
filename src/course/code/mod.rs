//! Project trees: reading them, their difference, and taking hunks over. Pure but for a thin executor.

pub mod apply;
pub mod diff;
pub mod meaning;
pub mod merge;
pub mod tree;
pub mod unified;
