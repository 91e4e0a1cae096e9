//! Names and texts as they are written in SQL, and read back.

use super::lex::Lexer;

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

/// Returns what a literal says: `'…'`, `E'…'` or `$tag$…$tag$`, with the parts that go on behind a newline. None for
/// another kind, for one that is not closed, and for an escape string that names a character by its number.
pub fn literal_value(literal: &str) -> Option<String> {
    if let Some(rest) = literal.strip_prefix('$') {
        let tag = rest.find('$')? + 2;
        let inner = tag..literal.len().checked_sub(tag)?;
        return (literal.ends_with(&literal[..tag])).then(|| literal.get(inner).map(str::to_owned))?;
    }
    let (escapes, mut rest) = match literal.strip_prefix(['e', 'E']) {
        Some(rest) => (true, rest),
        None => (false, literal),
    };
    let mut value = String::with_capacity(literal.len());
    loop {
        rest = push_part(rest.strip_prefix('\'')?, escapes, &mut value)?;
        match Lexer::new(rest).find(|token| !token.is_trivia()) {
            Some(next) => rest = &rest[next.range().start..],
            None => return Some(value),
        }
    }
}

/// Appends what stands before the closing quote, and returns what stands behind it.
fn push_part<'a>(text: &'a str, escapes: bool, value: &mut String) -> Option<&'a str> {
    let mut chars = text.char_indices().peekable();
    loop {
        match chars.next()?.1 {
            '\'' => match chars.next_if(|(_, c)| *c == '\'') {
                Some(_) => value.push('\''),
                None => return Some(&text[chars.peek().map_or(text.len(), |(at, _)| *at)..]),
            },
            '\\' if escapes => value.push(match chars.next()?.1 {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                '0'..='7' | 'x' | 'u' | 'U' => return None,
                c => c,
            }),
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_as_postgresql_reads_them() {
        for (literal, value) in [
            ("'a''b'", Some("a'b")),
            ("''", Some("")),
            ("'a\\'", Some("a\\")),
            ("$$select '1'$$", Some("select '1'")),
            ("$x$ $$ $x$", Some(" $$ ")),
            (r"E'a\nb\\\''", Some("a\nb\\'")),
            (r"e'\q'", Some("q")),
            ("'a'\n  'b' -- c\n 'd'", Some("abd")),
            ("E'\\n'\n'\\''", Some("\n'")),
            (r"E'\x41'", None),
            ("U&'a'", None),
            ("'open", None),
            ("$a$open", None),
            ("$$", None),
            ("word", None),
        ] {
            assert_eq!(literal_value(literal).as_deref(), value, "{literal}");
        }
    }

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
