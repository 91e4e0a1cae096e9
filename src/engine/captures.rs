//! The values that lessons keep of what was printed or selected. Pure.

use serde_json::{Deserializer, Number, Value};

use super::expect::at_path;
use super::mismatch::compile;
use workshop_base::problem::Result;
use workshop_course::lesson::json_path;

/// Makes a value of a text: a number where that says the same, digit for digit. A hash such as `12345e10`, or an id of more digits
/// than a number holds, stays what it is.
pub fn of_text(text: &str) -> Value {
    // PostgreSQL writes a numeric(10,2) as 100.00.
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    let says_the_same = |number: &Number| {
        number.to_string() == text || number.as_f64().is_some_and(|number| number.to_string() == short)
    };
    match text.parse::<Number>().ok().filter(says_the_same) {
        Some(number) => Value::Number(number),
        None => Value::String(text.to_owned()),
    }
}

/// Finds the value that a pattern has in a text: its first group, or all that it matches.
///
/// # Errors
/// When the pattern is not valid.
pub fn group(pattern: &str, text: &str) -> Result<Option<Value>> {
    let found = compile(pattern)?.captures(text);
    let value = found.as_ref().and_then(|found| found.get(1).or_else(|| found.get(0)));
    Ok(value.map(|found| of_text(found.as_str())))
}

/// Finds the value that a source has in what a command printed: a JSONPath in its JSON, else as [`group`].
///
/// # Errors
/// When the source is not valid.
pub fn captured(source: &str, printed: &str) -> Result<Option<Value>> {
    if !json_path::is_path(source) {
        return group(source, printed);
    }
    if let Ok(document) = serde_json::from_str(printed) {
        return at_path(source, &document);
    }
    // Some print lines of their own around it, and Node its warnings: `(node:7) [DEP0040] DeprecationWarning: …`. What a line
    // begins with is looked at before what stands behind a word: `listening: {"port": 3000}`.
    let open = || printed.match_indices(['{', '[']).map(|(from, _)| from);
    let begins = |from: &usize| *from == 0 || printed[..*from].ends_with('\n');
    for from in open().filter(begins).chain(open().next()) {
        let document = Deserializer::from_str(&printed[from..]).into_iter::<Value>().next();
        if let Some(Ok(document)) = document
            && let Some(found) = at_path(source, &document)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_as_a_number_only_where_that_says_the_same() {
        for (text, number) in [
            ("7", true),
            ("-7", true),
            ("100.00", true),
            ("0.5", true),
            ("0.00001", true),
            ("18446744073709551615", true),
            ("12345e10", false),
            ("1E3", false),
            ("123456789012345678901", false),
            ("0.12345678901234567891", false),
            ("007", false),
            ("5.", false),
            ("", false),
        ] {
            let value = of_text(text);
            assert_eq!(value.is_number(), number, "{text}");
            assert!(number || value == text, "{text}");
        }
    }

    #[test]
    fn the_json_of_a_command_is_found_among_lines_of_other_programs() {
        let warning = "(node:7) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.";
        for printed in [
            "{\"id\": 7}".to_owned(),
            format!("{warning}\n{{\"id\": 7}}"),
            "[info] begun\n{\n  \"all\": [{\"id\": 1}],\n  \"id\": 7\n}\nnpm notice\n".to_owned(),
            "[1] 4711\n{\"id\": 7}\n{\"id\": 8}".to_owned(),
        ] {
            assert_eq!(captured("$.id", &printed).unwrap(), Some(Value::from(7)), "{printed}");
        }
        assert_eq!(captured("$.port", "listening: {\"port\": 3000}\n").unwrap(), Some(Value::from(3000)));
        assert_eq!(captured("$.id", warning).unwrap(), None);
        assert_eq!(captured("$[0]", " [5]\n").unwrap(), Some(Value::from(5)));
        assert_eq!(captured("id=([0-9]+)", "id=7").unwrap(), Some(Value::from(7)));
    }
}
