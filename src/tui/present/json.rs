//! An answer in JSON as lines that can be read: its sentences first, then all of it, a member a line.

use serde_json::Value;

/// Members that hold sentences, in the order in which one wants to read them.
const SENTENCES: [&str; 7] = ["errorType", "errorMessage", "error", "message", "detail", "hint", "code"];
/// An answer of so many characters is one line.
const SHORT: usize = 60;

/// Returns the lines of an answer. What is no JSON is as it is.
pub fn lines(text: &str) -> Vec<String> {
    let Ok(value) = serde_json::from_str::<Value>(text.trim()) else {
        return text.lines().map(str::to_owned).collect();
    };
    if text.trim().chars().count() <= SHORT {
        return vec![text.trim().to_owned()];
    }
    let mut out = sentences(&value);
    let whole = serde_json::to_string_pretty(&value).unwrap_or_else(|_| text.to_owned());
    out.extend(whole.lines().map(str::to_owned));
    out
}

/// Returns an answer's members side by side, with blanks to break it at; None for one whose sentences come first, and for
/// what is no JSON.
pub fn close(text: &str) -> Option<String> {
    let value = serde_json::from_str::<Value>(text.trim()).ok()?;
    sentences(&value).is_empty().then(|| in_a_row(&value))
}

fn in_a_row(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let of = |(name, value): (&String, &Value)| format!("{}: {}", Value::from(name.as_str()), in_a_row(value));
            format!("{{{}}}", members.iter().map(of).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(in_a_row).collect::<Vec<_>>().join(", ")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// Returns the lines of a log line: when a document ends it that has sentences, these, each on its own. All of the document
/// stands in the log file.
pub fn log_lines(line: &str) -> Vec<String> {
    let document = line.find('{').map(|at| line.split_at(at));
    let said = document.and_then(|(before, text)| {
        let told = sentences(&serde_json::from_str::<Value>(text.trim()).ok()?);
        (!told.is_empty() && text.len() > SHORT).then(|| (before.trim_end().to_owned(), told))
    });
    match said {
        Some((before, told)) => {
            let first = Some(before).filter(|before| !before.is_empty());
            first.into_iter().chain(told.into_iter().map(|line| format!("  {line}"))).collect()
        }
        None => vec![line.to_owned()],
    }
}

fn sentences(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    if let Value::Object(members) = value {
        for name in SENTENCES {
            let found = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            if let Some((key, Value::String(sentence))) = found {
                let mut rows = sentence.trim().lines();
                out.extend(rows.next().map(|first| format!("{key}: {first}")));
                out.extend(rows.map(|row| format!("  {}", row.trim_start())));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_side_by_side_unless_a_sentence_comes_first() {
        let answer = r#"{"attempts":1,"to":["a","b"],"repeated":true}"#;
        assert_eq!(close(answer).as_deref(), Some(r#"{"attempts": 1, "to": ["a", "b"], "repeated": true}"#));
        assert_eq!(close(r#"{"errorMessage":"Payer account not found"}"#), None);
        assert_eq!(close("no document"), None);
    }

    #[test]
    fn the_sentence_comes_first_and_nothing_is_lost() {
        let answer =
            r#"{"stack":["a","b"],"errorType":"Error","errorMessage":"access denied\nHINT: read this to the end"}"#;
        let shown = lines(answer);
        assert_eq!(shown[..3], ["errorType: Error", "errorMessage: access denied", "  HINT: read this to the end"]);
        assert!(shown.iter().any(|line| line.trim() == r#""stack": ["#));
        assert_eq!(lines(r#"{"balance":80}"#), [r#"{"balance":80}"#]);
        assert_eq!(lines("no json\nat all"), ["no json", "at all"]);
    }

    #[test]
    fn a_line_of_a_log_with_a_document_in_it_is_its_sentences() {
        let line = "2026-01-01\tERROR\tInvoke Error \t{\"errorType\":\"error\",\"length\":402,\"hint\":\"User: arn may not connect, and the reason\"}";
        let shown = log_lines(line);
        assert_eq!(shown[0], "2026-01-01\tERROR\tInvoke Error");
        assert_eq!(shown[1..], ["  errorType: error", "  hint: User: arn may not connect, and the reason"]);
        assert_eq!(log_lines("START {no json"), ["START {no json"]);
        assert_eq!(log_lines(r#"{"error":"short"}"#), [r#"{"error":"short"}"#]);
    }
}
