//! JSONPath expressions of lesson files, measured before they are read.
//!
//! The library reads by recursion and tries alternatives: an expression that nobody would write can take it for ever,
//! or its stack with it. Courses are other people's files.

use serde_json::Value;
use serde_json_path::JsonPath;

/// Longer than any path that a person reads, in bytes.
const LONGEST: usize = 300;

/// Deeper than any path that a person reads: brackets and parentheses within one another.
const DEEPEST: usize = 8;

/// More values than any path of a lesson looks at in any answer: some seconds of work.
const MOST: u64 = 20_000_000;

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

/// Returns what an expression finds in a document.
///
/// # Errors
/// As [`parse`], and when the expression could look at more values of this document than anybody asks for.
pub fn find<'d>(text: &str, document: &'d Value) -> Result<Vec<&'d Value>, String> {
    let path = parse(text)?;
    if effort(text, document) > MOST {
        return Err(format!("it would look at more than {MOST} values of this document"));
    }
    Ok(path.query(document).all())
}

/// Returns the value at an expression: the only one that it finds, the list of several, or none.
///
/// # Errors
/// As [`find`].
pub fn value_at(text: &str, document: &Value) -> Result<Option<Value>, String> {
    let mut found = find(text, document)?;
    Ok(match found.len() {
        0 => None,
        1 => found.pop().cloned(),
        _ => Some(Value::Array(found.into_iter().cloned().collect())),
    })
}

/// Returns at most how many values an expression looks at. A value is found once for each way that leads to it: each
/// `..` has as many as the document is deep, and each `,` one more; a filter asks anew at each value, and one that
/// begins at `$` of all the document; a pattern is made anew for each, and a count within it makes it large.
fn effort(text: &str, document: &Value) -> u64 {
    let (values, deep) = extent(document);
    let of = |what: &str| text.matches(what).count();
    let patterns = if of("match(") + of("search(") > 0 { of("{") } else { 0 };
    let factors = [(values, of("$")), (deep, of("..") + of("?")), (2, of(",")), (1_000, patterns)];
    let times = factors.into_iter().flat_map(|(factor, times)| std::iter::repeat_n(factor, times));
    times.fold(1, |effort: u64, factor| effort.saturating_mul(factor))
}

/// Returns how many values a document has, and how deep they stand within one another.
fn extent(document: &Value) -> (u64, u64) {
    let inner: Box<dyn Iterator<Item = &Value>> = match document {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return (1, 1),
    };
    inner.map(extent).fold((1, 1), |(values, deep), (more, deeper)| (values + more, deep.max(deeper + 1)))
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
    #[test]
    fn a_path_that_goes_many_ways_is_refused_for_large_documents_only() {
        let rows = |n: usize| serde_json::json!({ "rows": vec![serde_json::json!({ "id": "a", "n": 2 }); n] });
        for path in ["$.rows[0].id", "$..id", "$.rows[?(@.n > 1 && @.id == 'a')].id", "$..rows[*]['id', 'n']"] {
            assert!(!find(path, &rows(100_000)).unwrap().is_empty(), "{path}");
        }
        assert_eq!(find("$.rows[?@.n == $.rows[0].n].id", &rows(100)).unwrap().len(), 100);
        let nested = (0..60).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
        for path in ["$..*..*..*..*..*..*", &format!("${}", "[*,*]".repeat(30)), "$..[?@..*]..[?$..*]"] {
            assert!(find(path, &nested).unwrap_err().starts_with("it would look at more than"), "{path}");
        }
        assert!(find("$.rows[?@.n == $.rows[0].n].id", &rows(10_000)).is_err());
        assert!(find("$.rows[?match(@.id, 'a{1000}{100}')]", &rows(10)).is_err());
    }
}
