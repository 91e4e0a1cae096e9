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
    let mut out = Vec::new();
    if let Value::Object(members) = &value {
        for name in SENTENCES {
            let found = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            if let Some((key, Value::String(sentence))) = found {
                let mut rows = sentence.trim().lines();
                out.extend(rows.next().map(|first| format!("{key}: {first}")));
                out.extend(rows.map(|row| format!("  {}", row.trim_start())));
            }
        }
    }
    let whole = serde_json::to_string_pretty(&value).unwrap_or_else(|_| text.to_owned());
    out.extend(whole.lines().map(str::to_owned));
    out
}

#[cfg(test)]
mod tests {
    use super::lines;

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
}
