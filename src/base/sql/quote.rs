//! Names and texts as they are written in SQL, and read back.

/// Returns a name as it must be written: in quotes, unless it is lower case, of letters, digits and `_` alone, and no
/// keyword.
pub fn quote_name(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let plain = plain && !super::keywords::is_keyword(name);
    if plain { name.to_owned() } else { quote_identifier(name) }
}

/// Returns a name in quotes, whatever it is: it names that and nothing else, a keyword too.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns a text as a literal. One with a backslash becomes an escape string (`E'…'`), so that it means the same
/// whatever `standard_conforming_strings` says. It must not stand right behind a letter.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    match text.contains('\\') {
        true => format!("E'{}'", quoted.replace('\\', "\\\\")),
        false => format!("'{quoted}'"),
    }
}

/// Returns a name without its quotes; an unquoted one is folded to lower case, as the server folds it.
pub fn unquote(name: &str) -> String {
    match name.strip_prefix('"') {
        Some(inner) => inner.strip_suffix('"').unwrap_or(inner).replace("\"\"", "\""),
        None => name.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_written_so_that_they_read_back() {
        assert_eq!(quote_name("a_1"), "a_1");
        assert_eq!(quote_name("order"), "\"order\"");
        assert_eq!(quote_name("A\"b"), "\"A\"\"b\"");
        assert_eq!(unquote("\"A\"\"b\""), "A\"b");
        assert_eq!(unquote("Abc"), "abc");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\'"), "E'a\\\\'''");
    }
}
