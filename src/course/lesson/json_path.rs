//! JSONPath expressions of lesson files, measured before they are read.
//!
//! The library reads by recursion and tries alternatives: an expression that nobody would write can take it for ever,
//! or its stack with it. Courses are other people's files.

use serde_json_path::JsonPath;

/// Longer than any path that a person reads, in bytes.
const LONGEST: usize = 300;

/// Deeper than any path that a person reads: brackets and parentheses within one another.
const DEEPEST: usize = 8;

/// Tells whether the source of a captured value is a JSONPath: a pattern that begins so could match nothing.
pub fn is_path(source: &str) -> bool {
    source == "$" || source.starts_with("$.") || source.starts_with("$[")
}

/// Reads an expression.
///
/// # Errors
/// When it is no JSONPath, or is larger than a lesson's may be. The text says which.
pub fn parse(text: &str) -> Result<JsonPath, String> {
    if text.len() > LONGEST {
        return Err(format!("a JSONPath of more than {LONGEST} bytes"));
    }
    if depth(text) > DEEPEST {
        return Err(format!("a JSONPath with more than {DEEPEST} brackets within one another"));
    }
    JsonPath::parse(text).map_err(|error| error.to_string())
}

/// Returns how deep brackets stand within one another. Those in quotes count as well: better too strict than too late.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0usize, 0);
    for c in text.chars() {
        match c {
            '[' | '(' => open += 1,
            ']' | ')' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lesson_asks_is_read_and_what_is_too_large_is_not() {
        for path in ["$.balance", "$.items[0].name", "$.rows[?(@.n > 1 && @.m == 'x')].id", "$['a b']"] {
            assert!(parse(path).is_ok(), "{path}");
        }
        assert!(parse("balance").is_err());
        let long = format!("$.{}", "a".repeat(LONGEST));
        assert_eq!(parse(&long).unwrap_err(), "a JSONPath of more than 300 bytes");
        let deep = format!("$[?{}@.a{}]", "(".repeat(DEEPEST), ")".repeat(DEEPEST));
        assert_eq!(parse(&deep).unwrap_err(), "a JSONPath with more than 8 brackets within one another");
    }
}
