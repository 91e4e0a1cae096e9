//! The values that lessons keep of what was printed or selected. Pure.

use serde_json::{Deserializer, Number, Value};

use super::expect::at_path;
use super::mismatch::compile;
use super::numbers::without_zeros;
use workshop_base::problem::Result;
use workshop_course::lesson::json_path;

/// Makes a value of a text that was printed: a number where that is written again as it was. A version such as `3.10`, an id of
/// more digits than a number holds, or a hash such as `12345e10` stays what it is.
pub fn of_text(text: &str) -> Value {
    number(text, |number| number.to_string() == text)
}

/// Makes a value of a cell: as [`of_text`], but a numeric(10,2), which PostgreSQL writes as 100.00, is a number all the same.
pub fn of_cell(text: &str) -> Value {
    let short = without_zeros(text);
    let says_the_same = |number: &Number| number.as_f64().is_some_and(|number| number.to_string() == short);
    number(text, |number| number.to_string() == text || says_the_same(number))
}

fn number(text: &str, says_the_same: impl Fn(&Number) -> bool) -> Value {
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
    fn what_is_kept_is_a_number_only_where_that_says_the_same() {
        for (text, printed, cell) in [
            ("7", true, true),
            ("-3", true, true),
            ("1.0", true, true),
            ("0.25", true, true),
            ("18446744073709551615", true, true),
            ("3.10", false, true),
            ("100.00", false, true),
            ("0.00001", true, true),
            ("-0", false, true),
            ("12345e10", false, false),
            ("1E3", false, false),
            ("123456789012345678901", false, false),
            ("0.12345678901234567891", false, false),
            ("007", false, false),
            ("5.", false, false),
            ("", false, false),
        ] {
            for (value, number) in [(of_text(text), printed), (of_cell(text), cell)] {
                assert_eq!(value.is_number(), number, "{text}");
                assert!(number || value == text, "{text}");
            }
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
