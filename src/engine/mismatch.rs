//! What does not agree with what a lesson expects, and the patterns that it expects by.

use regex::{Regex, RegexBuilder};

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
}

/// Compiles a pattern of a lesson. It looks at lines, as in a check of a file: `^` and `$` are the ends of one.
///
/// # Errors
/// When it is none.
pub fn compile(pattern: &str) -> Result<Regex> {
    let lines = RegexBuilder::new(pattern).multi_line(true).build();
    lines.map_err(|e| Problem::course(format!("/{pattern}/ is not a regular expression: {e}")))
}
