//! Completion of keywords, names, backslash commands and settings. Pure, but for reading the names.

mod candidates;
pub(crate) mod model;
mod refresh;
mod statement;
mod words;

pub(crate) use candidates::complete;
pub(crate) use model::CompletionNames;
pub use model::{Candidate, CandidateFit, CandidateKind};
