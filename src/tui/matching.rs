//! What a query finds in a text. Pure.

use std::borrow::Cow;

/// Smart case: a query without capitals matches any case.
pub fn matches(text: &str, query: &str) -> bool {
    !found(text, query).is_empty()
}

/// Byte ranges of the query in the text.
pub fn found(text: &str, query: &str) -> Vec<std::ops::Range<usize>> {
    if query.is_empty() {
        return Vec::new();
    }
    let exact = query.chars().any(char::is_uppercase);
    let text = if exact { Cow::Borrowed(text) } else { lower(text) };
    text.match_indices(query).map(|(at, m)| at..at + m.len()).collect()
}

/// A text in small letters, each character where it was: one whose small letter takes more bytes, or fewer, stays.
fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.to_ascii_lowercase().into();
    }
    let small = |c: char| {
        let mut all = c.to_lowercase();
        all.next().filter(|small| all.len() == 0 && small.len_utf8() == c.len_utf8()).unwrap_or(c)
    };
    text.chars().map(small).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_beside_the_letters_do_not_change_what_is_found() {
        for (text, query, at) in [
            ("Deploy", "deploy", Some(0..6)),
            ("✓ Deploy the “Stack”", "deploy", Some(4..10)),
            ("── Deploy", "stack", None),
            ("Über Größe", "über", Some(0..5)),
            ("İ Deploy", "deploy", Some(3..9)),
            ("deploy", "Deploy", None),
            ("✓ Deploy", "Deploy", Some(4..10)),
        ] {
            assert_eq!(found(text, query).into_iter().next(), at, "{query} in {text}");
        }
    }
}
