//! The meaning of a learner's lines beside the course's: the same in other words, or something that is missing. Pure.
//!
//! Invariant: `Same…` is only said where a reader of the language would say it. Languages whose layout has a meaning
//! (YAML, Python) are not compared.

mod compare;
mod lexer;

pub use compare::{Likeness, hunk_has_meaning, hunk_likeness};
