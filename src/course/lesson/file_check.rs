//! Judges a file against the condition of a check. Pure: lint holds a chapter's own snapshot against it, the engine
//! the working directory.
//!
//! Invariant: patterns and paths have been read by lint; one that cannot be read holds for nothing.

use std::borrow::Cow;

use serde_json::Value;

use super::json_path;
use super::model::{FileIs, JsonExpect, JsonIs};
use crate::code::diff::diff_text;
use crate::code::tree::SourceFile;

/// The thing that a condition asked for, and what is there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMismatch {
    pub expected: String,
    pub actual: String,
}

/// Returns how a file breaks a condition; `None` when it holds. `now` is the file as it is, `snapshot` the same file in
/// the chapter's snapshot.
pub fn judge(path: &str, is: &FileIs, now: Option<&SourceFile>, snapshot: Option<&SourceFile>) -> Option<FileMismatch> {
    let fault = |expected: String, actual: String| Some(FileMismatch { expected, actual });
    let expected = match is {
        FileIs::EqualsSnapshot => return differs(path, now, snapshot),
        FileIs::Exists(false) => {
            return now.and_then(|_| fault(format!("no {path}"), format!("{path} is there")));
        }
        FileIs::LacksMatch(_) | FileIs::Lacks(_) if now.is_none() => return None,
        FileIs::Exists(true) => format!("{path} is there"),
        FileIs::Contains(text) => format!("{path} contains {text:?}"),
        FileIs::Lacks(text) => format!("{path} does not contain {text:?}"),
        FileIs::Matches(pattern) => format!("{path} matches /{pattern}/"),
        FileIs::LacksMatch(pattern) => format!("{path} does not match /{pattern}/"),
        FileIs::Json(_) => format!("{path} is JSON"),
    };
    let Some(now) = now else { return fault(expected, format!("there is no {path}")) };
    if let FileIs::Exists(_) = is {
        return None;
    }
    let Some(whole) = now.text() else { return fault(expected, "it is no text".to_owned()) };
    // A text of several lines is looked for with the line ends that the file has.
    let wanted = if let FileIs::Contains(wanted) | FileIs::Lacks(wanted) = is { wanted.as_str() } else { "" };
    let as_lf = wanted.contains('\n') && !wanted.contains('\r') && whole.contains('\r');
    let text = if as_lf { Cow::Owned(whole.replace("\r\n", "\n")) } else { Cow::Borrowed(whole) };
    let text = text.as_ref();
    let line = |at: usize| format!("it is in line {}", text[..at].matches('\n').count() + 1);
    match is {
        FileIs::Contains(wanted) if text.contains(wanted.as_str()) => None,
        FileIs::Lacks(unwanted) => fault(expected, line(text.find(unwanted.as_str())?)),
        FileIs::Matches(pattern) if compiled(pattern).is_some_and(|regex| regex.is_match(text)) => None,
        FileIs::LacksMatch(pattern) => {
            let found = compiled(pattern).and_then(|regex| Some(regex.find(text)?.start()))?;
            fault(expected, line(found))
        }
        FileIs::Json(assertions) => match serde_json::from_str::<Value>(text) {
            Ok(document) => assertions.iter().find_map(|one| assertion(path, one, &document)),
            Err(error) => fault(expected, error.to_string()),
        },
        FileIs::Contains(_) | FileIs::Matches(_) => fault(expected, "it does not".to_owned()),
        FileIs::EqualsSnapshot | FileIs::Exists(_) => None,
    }
}

/// Patterns look at lines: `^` and `$` are the ends of one, whether it ends with LF or CRLF.
fn compiled(pattern: &str) -> Option<regex::Regex> {
    regex::RegexBuilder::new(pattern).multi_line(true).crlf(true).build().ok()
}

fn differs(path: &str, now: Option<&SourceFile>, snapshot: Option<&SourceFile>) -> Option<FileMismatch> {
    let as_there = format!("{path} as in the snapshot");
    let (expected, actual) = match (now, snapshot) {
        (now, wanted) if now == wanted => return None,
        (None, _) => (as_there, format!("there is no {path}")),
        (Some(_), None) => (format!("no {path}"), format!("{path} is there")),
        (Some(now), Some(wanted)) if now.content == wanted.content => {
            let actual =
                if wanted.executable { "it cannot be run: its mode lacks x" } else { "its mode lets it be run" };
            (as_there, actual.to_owned())
        }
        (Some(now), Some(wanted)) => match (now.text(), wanted.text()) {
            (Some(now), Some(wanted)) => {
                let hunks = diff_text(now, wanted);
                let places: Vec<String> = hunks.iter().map(|h| format!("line {}", h.before_start + 1)).collect();
                (as_there, format!("it differs at {}", places.join(", ")))
            }
            (_, _) => (as_there, "its content is another".to_owned()),
        },
    };
    Some(FileMismatch { expected, actual })
}

fn assertion(file: &str, one: &JsonExpect, document: &Value) -> Option<FileMismatch> {
    let path = &one.path;
    let found = json_path::value_at(path, document).ok().flatten();
    let (holds, wanted) = match &one.is {
        JsonIs::Exists(there) => {
            (found.is_some() == *there, if *there { "is there" } else { "is not there" }.to_owned())
        }
        JsonIs::Equals(value) => (found.as_ref().is_some_and(|found| same(found, value)), format!("is {value}")),
        JsonIs::Matches(pattern) => {
            let text = found.as_ref().map(|found| found.as_str().map_or_else(|| found.to_string(), str::to_owned));
            let matched = text.zip(compiled(pattern)).is_some_and(|(text, regex)| regex.is_match(&text));
            (matched, format!("matches /{pattern}/"))
        }
        JsonIs::Number { equals, plus } => {
            #[expect(clippy::cast_precision_loss, reason = "lesson figures are far below 2^53")]
            let wanted = equals.0.trim().parse::<f64>().map(|base| base + *plus as f64);
            let number = found.as_ref().and_then(|v| v.as_f64().or_else(|| v.as_str()?.parse().ok()));
            let holds = wanted.as_ref().is_ok_and(|wanted| number.is_some_and(|n| (n - wanted).abs() < 1e-9));
            (holds, format!("is {}", wanted.map_or_else(|_| equals.0.clone(), |n| n.to_string())))
        }
    };
    (!holds).then(|| FileMismatch {
        expected: format!("{path} of {file} {wanted}"),
        actual: found.map_or_else(|| format!("there is no {path}"), |value| format!("it is {value}")),
    })
}

/// Compares two JSON values: 1 and 1.0 are the same number.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (_, _) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::model::Template;

    fn said(is: &FileIs, now: Option<&str>) -> Option<String> {
        let now = now.map(SourceFile::plain);
        let wanted = SourceFile::plain("one\ntwo\n");
        judge("f", is, now.as_ref(), Some(&wanted)).map(|fault| format!("{}: {}", fault.expected, fault.actual))
    }

    #[test]
    fn each_condition_holds_or_says_what_is_there() {
        let json = |path: &str, is: JsonIs| FileIs::Json(vec![JsonExpect { path: path.into(), is }]);
        let number = JsonIs::Number { equals: Template("40".into()), plus: 2 };
        let document = Some(r#"{"a": {"b": 42, "c": "x1"}}"#);
        for (is, now, expected) in [
            (FileIs::EqualsSnapshot, Some("one\ntwo\n"), None),
            (FileIs::EqualsSnapshot, Some("one\n2\n"), Some("f as in the snapshot: it differs at line 2")),
            (FileIs::EqualsSnapshot, None, Some("f as in the snapshot: there is no f")),
            (FileIs::Contains("w".into()), Some("two"), None),
            (FileIs::Contains("w".into()), Some("one"), Some("f contains \"w\": it does not")),
            (FileIs::Contains("w".into()), None, Some("f contains \"w\": there is no f")),
            (FileIs::Lacks("w".into()), Some("one\ntwo"), Some("f does not contain \"w\": it is in line 2")),
            (FileIs::Lacks("w".into()), None, None),
            (FileIs::Matches("^t.o$".into()), Some("one\ntwo\n"), None),
            (FileIs::Matches("^w".into()), Some("one\ntwo\n"), Some("f matches /^w/: it does not")),
            (FileIs::LacksMatch("^t".into()), Some("one\ntwo\n"), Some("f does not match /^t/: it is in line 2")),
            (FileIs::LacksMatch("^w".into()), Some("one\ntwo\n"), None),
            (FileIs::Matches("^one$".into()), Some("one\r\ntwo\r\n"), None),
            (FileIs::Contains("one\ntwo".into()), Some("one\r\ntwo\r\n"), None),
            (
                FileIs::Lacks("two\nthree".into()),
                Some("one\r\ntwo\r\nthree"),
                Some("f does not contain \"two\\nthree\": it is in line 2"),
            ),
            (FileIs::Exists(true), Some(""), None),
            (FileIs::Exists(true), None, Some("f is there: there is no f")),
            (FileIs::Exists(false), Some(""), Some("no f: f is there")),
            (FileIs::Exists(false), None, None),
            (json("$.a.b", JsonIs::Equals(42.into())), document, None),
            (json("$.a.b", JsonIs::Equals(41.into())), document, Some("$.a.b of f is 41: it is 42")),
            (json("$.a.c", JsonIs::Matches("^x".into())), document, None),
            (json("$.a.d", JsonIs::Exists(true)), document, Some("$.a.d of f is there: there is no $.a.d")),
            (json("$.a.b", number), document, None),
            (json("$.a.*", JsonIs::Equals(serde_json::json!([42, "x1"]))), document, None),
            (json("$.a.*", JsonIs::Equals(42.into())), document, Some("$.a.* of f is 42: it is [42,\"x1\"]")),
            (
                json("$.a", JsonIs::Exists(true)),
                Some("{"),
                Some("f is JSON: EOF while parsing an object at line 1 column 1"),
            ),
        ] {
            assert_eq!(said(&is, now).as_deref(), expected, "{is:?}");
        }
    }

    #[test]
    fn a_mode_counts_and_a_file_that_is_no_text_matches_nothing() {
        let run = SourceFile { executable: true, ..SourceFile::plain("x") };
        let fault = judge("f", &FileIs::EqualsSnapshot, Some(&SourceFile::plain("x")), Some(&run)).unwrap();
        assert_eq!(fault.actual, "it cannot be run: its mode lacks x");
        let binary = SourceFile::new(vec![0], false);
        let fault = judge("f", &FileIs::Contains("x".into()), Some(&binary), None).unwrap();
        assert_eq!(fault.actual, "it is no text");
    }
}
