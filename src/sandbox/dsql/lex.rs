//! SQL cut into tokens, with PostgreSQL's quoting: just enough to tell statements apart and to find
//! words, names and literals without mistaking the inside of a string for code.
//!
//! Invariant: never fails and never loses a byte of meaning. What is malformed (an unclosed quote) runs
//! to the end as one token, and PostgreSQL itself reports it.

use std::ops::Range;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An unquoted word: keyword or name.
    Word,
    /// `"name"`
    Quoted,
    /// `'text'`, `E'text'`, `$tag$text$tag$`, `B'…'`, `X'…'`, `U&'…'`
    Text,
    Number,
    /// `$1`
    Param,
    /// One character of anything else: punctuation, operators.
    Symbol(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlToken {
    pub kind: TokenKind,
    pub start: u32,
    pub end: u32,
}

impl SqlToken {
    /// Returns its bytes in the source.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns its source, quotes and all.
    pub fn text(self, sql: &str) -> &str {
        &sql[self.range()]
    }

    /// Returns whether it is this word, unquoted, in upper or lower case.
    pub fn is(self, sql: &str, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text(sql).eq_ignore_ascii_case(word)
    }

    /// The name that a word or quoted identifier stands for: folded to lower case, or unquoted.
    pub fn name(self, sql: &str) -> Option<String> {
        match self.kind {
            TokenKind::Word => Some(self.text(sql).to_lowercase()),
            TokenKind::Quoted => {
                let text = self.text(sql);
                let inner = text.strip_prefix('"')?;
                Some(inner.strip_suffix('"').unwrap_or(inner).replace("\"\"", "\""))
            }
            TokenKind::Text | TokenKind::Number | TokenKind::Param | TokenKind::Symbol(_) => None,
        }
    }
}

/// The tokens of `sql`, without white space and comments. Clears `out` first.
pub fn lex(sql: &str, out: &mut Vec<SqlToken>) {
    out.clear();
    let b = sql.as_bytes();
    let mut at = 0;
    while at < b.len() {
        let start = at;
        let kind = match b[at] {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c | 0x0b => {
                at += 1;
                continue;
            }
            b'-' if b.get(at + 1) == Some(&b'-') => {
                at = memchr(b, at, b'\n');
                continue;
            }
            b'/' if b.get(at + 1) == Some(&b'*') => {
                at = comment_end(b, at);
                continue;
            }
            b'\'' => {
                at = quoted_end(b, at, b'\'', false);
                TokenKind::Text
            }
            b'"' => {
                at = quoted_end(b, at, b'"', false);
                TokenKind::Quoted
            }
            b'$' => match dollar(b, at) {
                Some((kind, end)) => {
                    at = end;
                    kind
                }
                None => {
                    at += 1;
                    TokenKind::Symbol(b'$')
                }
            },
            b'0'..=b'9' => {
                at = number_end(b, at);
                TokenKind::Number
            }
            b'.' if b.get(at + 1).is_some_and(u8::is_ascii_digit) => {
                at = number_end(b, at);
                TokenKind::Number
            }
            c if is_word_start(c) => {
                at += 1;
                while at < b.len() && (is_word_start(b[at]) || b[at].is_ascii_digit() || b[at] == b'$') {
                    at += 1;
                }
                string_prefix(b, start, &mut at).unwrap_or(TokenKind::Word)
            }
            c => {
                at += 1;
                TokenKind::Symbol(c)
            }
        };
        out.push(SqlToken { kind, start: start as u32, end: at as u32 });
    }
}

fn is_word_start(c: u8) -> bool {
    c.is_ascii_alphabetic() || c == b'_' || c >= 0x80
}

fn memchr(b: &[u8], from: usize, what: u8) -> usize {
    b[from..].iter().position(|c| *c == what).map_or(b.len(), |n| from + n)
}

/// PostgreSQL's block comments nest.
fn comment_end(b: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < b.len() {
        match (b[at], b.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    b.len()
}

fn quoted_end(b: &[u8], open: usize, quote: u8, backslash: bool) -> usize {
    let mut at = open + 1;
    while at < b.len() {
        if backslash && b[at] == b'\\' {
            at += 2;
        } else if b[at] == quote {
            if b.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    b.len()
}

/// `$1`, or a dollar-quoted text.
fn dollar(b: &[u8], open: usize) -> Option<(TokenKind, usize)> {
    let mut at = open + 1;
    if b.get(at).is_some_and(u8::is_ascii_digit) {
        while b.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        return Some((TokenKind::Param, at));
    }
    while b.get(at).is_some_and(|c| is_word_start(*c) || c.is_ascii_digit()) {
        at += 1;
    }
    if b.get(at) != Some(&b'$') {
        return None;
    }
    let tag = &b[open..=at];
    let body = at + 1;
    let end = b[body..].windows(tag.len()).position(|w| w == tag);
    Some((TokenKind::Text, end.map_or(b.len(), |n| body + n + tag.len())))
}

fn number_end(b: &[u8], mut at: usize) -> usize {
    while at < b.len() {
        match b[at] {
            b'0'..=b'9' | b'.' | b'_' | b'a'..=b'z' | b'A'..=b'Z' => at += 1,
            b'+' | b'-' if matches!(b[at - 1], b'e' | b'E') => at += 1,
            _ => break,
        }
    }
    at
}

/// `E'…'`, `B'…'`, `X'…'`, `N'…'`, `U&'…'` and `U&"…"`: the word just read belongs to a quote.
fn string_prefix(b: &[u8], start: usize, at: &mut usize) -> Option<TokenKind> {
    if *at != start + 1 {
        return None;
    }
    match (b[start].to_ascii_lowercase(), b.get(*at), b.get(*at + 1)) {
        (b'e', Some(b'\''), _) => *at = quoted_end(b, *at, b'\'', true),
        (b'b' | b'x' | b'n', Some(b'\''), _) => *at = quoted_end(b, *at, b'\'', false),
        (b'u', Some(b'&'), Some(b'\'')) => *at = quoted_end(b, *at + 1, b'\'', false),
        (b'u', Some(b'&'), Some(b'"')) => {
            *at = quoted_end(b, *at + 1, b'"', false);
            return Some(TokenKind::Quoted);
        }
        _ => return None,
    }
    Some(TokenKind::Text)
}

/// The statements of `sql`, as ranges of `tokens`: cut at every `;` that is not inside parentheses or
/// the body of a SQL function. Empty statements are left out.
pub fn split(sql: &str, tokens: &[SqlToken]) -> Vec<Range<usize>> {
    let mut out = Vec::with_capacity(1);
    let (mut start, mut depth, mut body) = (0, 0i32, 0i32);
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Symbol(b'(') => depth += 1,
            TokenKind::Symbol(b')') => depth -= 1,
            TokenKind::Word if token.is(sql, "atomic") && at > 0 && tokens[at - 1].is(sql, "begin") => body = 1,
            TokenKind::Word if body > 0 && token.is(sql, "case") => body += 1,
            TokenKind::Word if body > 0 && token.is(sql, "end") => body -= 1,
            TokenKind::Symbol(b';') if depth <= 0 && body == 0 => {
                if start < at {
                    out.push(start..at);
                }
                start = at + 1;
                depth = 0;
            }
            _ => {}
        }
    }
    if start < tokens.len() {
        out.push(start..tokens.len());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(sql: &str) -> Vec<&str> {
        let mut tokens = Vec::new();
        lex(sql, &mut tokens);
        tokens.iter().map(|t| t.text(sql)).collect()
    }

    fn statements(sql: &str) -> Vec<&str> {
        let mut tokens = Vec::new();
        lex(sql, &mut tokens);
        split(sql, &tokens)
            .into_iter()
            .map(|r| &sql[tokens[r.start].range().start..tokens[r.end - 1].range().end])
            .collect()
    }

    #[test]
    fn quotes_hide_what_they_hold() {
        assert_eq!(texts("select 'a;''b' /* ; /* -- */ */ , E'\\';' -- ;\n"), ["select", "'a;''b'", ",", "E'\\';'"]);
        assert_eq!(texts("$x$ ; $x$ $1 \"a\"\"b\""), ["$x$ ; $x$", "$1", "\"a\"\"b\""]);
        assert_eq!(texts("U&'x' b'01' usage x'ff'"), ["U&'x'", "b'01'", "usage", "x'ff'"]);
        assert_eq!(texts("1.5e-3::numeric"), ["1.5e-3", ":", ":", "numeric"]);
    }

    #[test]
    fn an_unclosed_quote_runs_to_the_end() {
        assert_eq!(texts("select 'abc"), ["select", "'abc"]);
        assert_eq!(texts("select $$abc"), ["select", "$$abc"]);
        assert_eq!(texts("a /* b"), ["a"]);
    }

    #[test]
    fn statements_are_cut_at_semicolons_outside_of_bodies() {
        assert_eq!(statements(";select 1;; select ';' ;"), ["select 1", "select ';'"]);
        let f = "create function f() returns int begin atomic select case when true then 1 end; end";
        assert_eq!(statements(&format!("{f}; select 2")), [f, "select 2"]);
        assert!(statements(" -- nothing\n").is_empty());
    }

    proptest! {
        #[test]
        fn tokens_never_overlap_and_never_panic(sql in ".{0,120}") {
            let mut tokens = Vec::new();
            lex(&sql, &mut tokens);
            let mut last = 0;
            for token in &tokens {
                prop_assert!(token.start >= last && token.end > token.start);
                prop_assert!(sql.is_char_boundary(token.range().end));
                last = token.end;
            }
            let _ = split(&sql, &tokens);
        }
    }
}
