//! Statements: where they end, and which word they begin with.

use std::ops::Range;

use super::lex::{Lexer, Token, TokenKind, lex_into};

/// Returns the first word of a text, past white space, comments and empty statements; nothing when it begins with
/// something else.
pub fn first_word(sql: &str) -> &str {
    let first = Lexer::new(sql).find(|token| !token.is_trivia() && token.kind != TokenKind::Symbol(b';'));
    first.filter(|token| token.kind == TokenKind::Word).map_or("", |token| token.text(sql))
}

/// Cuts tokens at every `;` that is neither in parentheses nor in the body of a function (`BEGIN ATOMIC … END`).
/// Returns ranges of `tokens`, without the semicolons; empty statements are left out.
pub fn statement_ranges(sql: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let mut out = Vec::with_capacity(1);
    let (mut start, mut nesting) = (0, Nesting::default());
    for (at, token) in tokens.iter().enumerate() {
        let previous = at.checked_sub(1).map(|at| tokens[at]);
        if nesting.ends_at(sql, *token, previous) {
            if start < at {
                out.push(start..at);
            }
            start = at + 1;
        }
    }
    if start < tokens.len() {
        out.push(start..tokens.len());
    }
    out
}

/// Returns the statements of a text as it goes to a server, without their semicolons and what surrounds them.
/// Backslashes have no meaning here.
pub fn statements(sql: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    lex_into(sql, &mut tokens);
    let text = |range: Range<usize>| &sql[tokens[range.start].range().start..tokens[range.end - 1].range().end];
    statement_ranges(sql, &tokens).into_iter().map(text).collect()
}

/// Parentheses and bodies that are open.
#[derive(Default)]
struct Nesting {
    parens: u32,
    body: u32,
}

impl Nesting {
    /// Takes a token, and tells whether it is a semicolon that ends a statement.
    fn ends_at(&mut self, sql: &str, token: Token, previous: Option<Token>) -> bool {
        match token.kind {
            TokenKind::Symbol(b'(') => self.parens += 1,
            TokenKind::Symbol(b')') => self.parens = self.parens.saturating_sub(1),
            TokenKind::Word if self.body > 0 && token.is(sql, "case") => self.body += 1,
            TokenKind::Word if self.body > 0 && token.is(sql, "end") => self.body -= 1,
            TokenKind::Word if token.is(sql, "atomic") && previous.is_some_and(|p| p.is(sql, "begin")) => {
                self.body = 1;
            }
            TokenKind::Symbol(b';') => return self.parens == 0 && self.body == 0,
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_cut_at_semicolons_outside_of_bodies() {
        assert_eq!(statements(";select 1;; select ';' ;"), ["select 1", "select ';'"]);
        let f = "create function f() returns int begin atomic select case when true then 1 end; end";
        assert_eq!(statements(&format!("{f}; select 2")), [f, "select 2"]);
        assert_eq!(statements("select (1;2); select 3 -- ;"), ["select (1;2)", "select 3"]);
        assert!(statements(" -- nothing\n").is_empty());
    }

    #[test]
    fn the_first_word_is_found_past_comments() {
        assert_eq!(first_word(" -- x\n /* y /* z */ */ ; Commit;"), "Commit");
        assert_eq!(first_word("(select 1)"), "");
        assert_eq!(first_word("/* /* */ begin"), "");
        assert_eq!(first_word("start_of x"), "start_of");
    }
}
