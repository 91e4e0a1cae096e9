//! Filter patterns of CloudWatch Logs for lines of text: which words a line must have and must not have.
//!
//! Source: CloudWatch Logs user guide, "Filter pattern syntax for metric filters, subscription filters, filter log events,
//! and Live Tail" (2026-11).

use regex::{Regex, RegexBuilder};

use super::error::{AwsError, AwsResult};

/// The largest automaton that a pattern's regular expression may become, in bytes: lines are matched while others wait.
const LARGEST_REGEX: usize = 1 << 20;

#[derive(Debug)]
enum LogTerm {
    Text(String),
    Regex(Regex),
}

impl LogTerm {
    fn stands_in(&self, line: &str) -> bool {
        match self {
            LogTerm::Text(text) => line.contains(text),
            LogTerm::Regex(regex) => regex.is_match(line),
        }
    }
}

/// The terms of a pattern.
#[derive(Debug, Default)]
pub(crate) struct LogPattern {
    all: Vec<LogTerm>,
    /// One of them must stand in a line; they do not count beside others.
    any: Vec<LogTerm>,
    none: Vec<LogTerm>,
}

impl LogPattern {
    /// Reads a pattern: words (all), `"phrases"`, `?any`, `-none`, `%regular expressions%`.
    ///
    /// # Errors
    /// `InvalidParameterException` for characters that a word must have quotes for, and for a broken regular expression.
    pub(crate) fn read(pattern: &str) -> AwsResult<Self> {
        let mut read = LogPattern::default();
        let mut rest = pattern.trim_start();
        while let Some(first) = rest.chars().next() {
            let (list, term) = match first {
                '?' => (&mut read.any, &rest[1..]),
                '-' => (&mut read.none, &rest[1..]),
                _ => (&mut read.all, rest),
            };
            let (term, after) = one(term)?;
            list.push(term);
            rest = after.trim_start();
        }
        Ok(read)
    }

    /// Tells that a line is one of those asked for.
    pub(crate) fn fits(&self, line: &str) -> bool {
        let any = self.any.is_empty()
            || !(self.all.is_empty() && self.none.is_empty())
            || self.any.iter().any(|term| term.stands_in(line));
        any && self.all.iter().all(|term| term.stands_in(line)) && !self.none.iter().any(|term| term.stands_in(line))
    }
}

fn invalid(message: String) -> AwsError {
    AwsError::new(400, "InvalidParameterException", message)
}

/// Reads one term, and what comes after it.
fn one(text: &str) -> AwsResult<(LogTerm, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut term = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => return Ok((LogTerm::Text(term), &quoted[at + 1..])),
                '\\' => term.extend(characters.next().map(|(_, escaped)| escaped)),
                other => term.push(other),
            }
        }
        return Err(invalid("Invalid filter pattern: a quotation mark is not closed".into()));
    }
    if let Some(begun) = text.strip_prefix('%') {
        let (expression, after) =
            begun.split_once('%').ok_or_else(|| invalid("Invalid filter pattern: a % is not closed".into()))?;
        let regex = RegexBuilder::new(expression)
            .size_limit(LARGEST_REGEX)
            .build()
            .map_err(|_| invalid(format!("Invalid filter pattern: %{expression}% is no regular expression")))?;
        return Ok((LogTerm::Regex(regex), after));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    // The words of the refusal are those of reports in several repositories, which name the character alone.
    if let Some(other) = word.chars().find(|c| !c.is_alphanumeric() && *c != '_') {
        return Err(invalid(format!("Invalid character(s) in term '{other}'")));
    }
    if word.is_empty() {
        return Err(invalid("Invalid filter pattern: a term is missing".into()));
    }
    Ok((LogTerm::Text(word.to_owned()), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_chosen_by_their_words() {
        let lines = ["ERROR a b", "WARN a", "INFO a.b ERROR", "x 401"];
        for (pattern, expected) in [
            ("", vec![0, 1, 2, 3]),
            ("ERROR", vec![0, 2]),
            ("b ERROR", vec![0, 2]),
            ("\"a b\"", vec![0]),
            ("\"a.b\"", vec![2]),
            ("?WARN ?\"x 4\"", vec![1, 3]),
            ("ERROR -INFO", vec![0]),
            ("-a", vec![3]),
            ("%[0-9]{3}%", vec![3]),
            ("%^INFO|^WARN%", vec![1, 2]),
            ("ERROR ?WARN", vec![0, 2]),
        ] {
            let read = LogPattern::read(pattern).unwrap();
            let found: Vec<usize> = (0..lines.len()).filter(|at| read.fits(lines[*at])).collect();
            assert_eq!(found, expected, "{pattern}");
        }
        assert_eq!(LogPattern::read("Status: x").unwrap_err().message, "Invalid character(s) in term ':'");
        for broken in ["\"a", "%a", "%[%", "?", "- a"] {
            assert_eq!(LogPattern::read(broken).unwrap_err().code, "InvalidParameterException", "{broken}");
        }
        assert!(LogPattern::read("\"say \\\"hi\\\"\"").unwrap().fits("say \"hi\""));
    }
}
