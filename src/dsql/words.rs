//! A statement's tokens, looked at by their places.
//!
//! Invariant: a place beyond the end is no word, and nothing panics.

use std::ops::Range;
use workshop_base::sql::{self, Token, TokenKind as T};

/// A statement's tokens with their text.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    pub sql: &'a str,
    pub tokens: &'a [Token],
}

impl<'a> Words<'a> {
    /// Returns whether what stands at `at` could hold another statement. PostgreSQL knows no such thing inside of EXPLAIN, and
    /// whoever followed it to its end would run out of stack.
    pub fn nests(&self, at: usize) -> bool {
        self.any(at, &["explain", "prepare"])
    }

    /// Returns whether this word stands at `at`, unquoted.
    pub fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|t| t.is(self.sql, word))
    }

    /// Returns whether these words stand at `at`, one after another.
    pub fn are(&self, at: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.is(at + n, word))
    }

    /// Returns whether one of these words stands at `at`.
    pub fn any(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(at, word))
    }

    /// Returns whether this punctuation stands at `at`.
    pub fn symbol(&self, at: usize, symbol: u8) -> bool {
        self.tokens.get(at).is_some_and(|t| t.kind == T::Symbol(symbol))
    }

    /// Returns the source of a token; empty beyond the end.
    pub fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |t| t.text(self.sql))
    }

    /// Returns the name that stands at `at`, folded or unquoted.
    pub fn name(&self, at: usize) -> Option<String> {
        self.tokens.get(at).and_then(|t| t.name(self.sql))
    }

    /// Returns what stands at `at` as a value: a name, folded or unquoted; what a literal says; else its source.
    pub fn value(&self, at: usize) -> String {
        let literal = || sql::literal_value(self.text(at));
        self.name(at).or_else(literal).unwrap_or_else(|| self.text(at).to_owned())
    }

    /// Returns how many tokens there are.
    pub fn count(&self) -> usize {
        self.tokens.len()
    }

    /// Returns whether the word stands anywhere in the statement.
    pub fn has(&self, word: &str) -> bool {
        (0..self.count()).any(|at| self.is(at, word))
    }

    /// The bytes of the source from one token to another.
    pub fn source(&self, range: Range<usize>) -> &'a str {
        match (self.tokens.get(range.start), range.end.checked_sub(1).and_then(|e| self.tokens.get(e))) {
            (Some(first), Some(last)) if range.start < range.end => &self.sql[first.range().start..last.range().end],
            _ => "",
        }
    }

    /// The index just behind the parenthesis that opens at `open`.
    pub fn closing(&self, open: usize) -> usize {
        let mut depth = 0usize;
        for at in open..self.count() {
            match self.tokens[at].kind {
                T::Symbol(b'(') => depth += 1,
                T::Symbol(b')') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        self.count()
    }

    /// A possibly qualified name at `at`: its parts, and the index behind it.
    pub fn qualified(&self, mut at: usize) -> (Vec<String>, usize) {
        let mut parts = Vec::new();
        while let Some(name) = self.name(at) {
            parts.push(name);
            at += 1;
            if !self.symbol(at, b'.') {
                break;
            }
            at += 1;
        }
        (parts, at)
    }
}
