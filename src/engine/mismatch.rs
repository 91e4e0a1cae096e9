//! What does not agree with what a lesson expects, and the patterns that it expects by.

use std::fmt::Display;

use regex::{Regex, RegexBuilder};

use super::event::Failure;
use workshop_base::problem::{Problem, Result};

/// Two lines that do not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    pub expected: String,
    pub actual: String,
}

impl Mismatch {
    /// Makes one of what was expected and what came.
    pub fn new(expected: impl Into<String>, actual: impl Into<String>) -> Mismatch {
        Mismatch { expected: expected.into(), actual: actual.into() }
    }

    /// Says that a value which a lesson keeps under a name has not come.
    pub fn not_there(source: impl Display, name: &str) -> Mismatch {
        Mismatch::new(format!("{source} is there, for `{name}`"), "it is not")
    }
}

impl From<Mismatch> for Failure {
    fn from(mismatch: Mismatch) -> Failure {
        let Mismatch { expected, actual } = mismatch;
        Failure { expected, actual, ..Failure::default() }
    }
}

/// Compiles a pattern of a lesson. It looks at lines, as in a check of a file: `^` and `$` are the ends of one.
///
/// # Errors
/// When it is none.
pub fn compile(pattern: &str) -> Result<Regex> {
    let lines = RegexBuilder::new(pattern).multi_line(true).crlf(true).build();
    lines.map_err(|e| Problem::course(format!("/{pattern}/ is not a regular expression: {e}")))
}
