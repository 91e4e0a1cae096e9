//! What CREATE FUNCTION holds: a language, settings, and statements, which are looked at as if they were sent.
//!
//! Invariant: no body gets past that holds what a client could not send.

use super::super::classify::{Step, Words, classify};
use super::super::lex::{self, Kind as T};
use super::super::texts::{Failure, Rule};
use super::parameters;

/// `at` is behind FUNCTION.
pub fn function(w: Words, at: usize) -> Result<(), Failure> {
    language(w, at)?;
    let body = (at..w.count()).find(|at| w.are(*at, &["begin", "atomic"])).unwrap_or(w.count());
    parameters::clauses(w, at..body)?;
    for at in at..w.count() {
        if w.is(at, "as") && w.tokens.get(at + 1).is_some_and(|t| t.kind == T::Text) {
            // A text in another form than these is one that nobody writes by hand.
            statements(&unquoted(w.text(at + 1)).ok_or_else(|| Rule::Statement.fill(&["function body"]))?)?;
        } else if w.are(at, &["begin", "atomic"]) {
            let end = w.count() - usize::from(w.is(w.count() - 1, "end"));
            statements(w.source(at + 2..end))?;
            break;
        } else if w.is(at, "return") {
            statements(&format!("select {}", w.source(at + 1..w.count())))?;
            break;
        }
    }
    Ok(())
}

fn language(w: Words, at: usize) -> Result<(), Failure> {
    let Some(at) = (at..w.count()).find(|at| w.is(*at, "language")) else { return Ok(()) };
    let name = w.name(at + 1).unwrap_or_else(|| w.text(at + 1).trim_matches('\'').to_lowercase());
    if name == "sql" { Ok(()) } else { Err(Rule::FunctionLanguage.fill(&[&name])) }
}

/// The first refusal among these statements; where they stand is nowhere in what the client has sent.
fn statements(body: &str) -> Result<(), Failure> {
    let mut tokens = Vec::new();
    lex::lex(body, &mut tokens);
    for range in lex::split(body, &tokens) {
        let w = Words { sql: body, tokens: &tokens[range] };
        // One in another could go on for as long as a text can be.
        if w.is(0, "create") && (w.is(1, "function") || w.are(1, &["or", "replace", "function"])) {
            return Err(Rule::Statement.fill(&["CreateFunction"]));
        }
    }
    for statement in classify(body, &Nothing) {
        if let Some(failure) = statement.refusal {
            return Err(Failure { position: None, ..failure });
        }
        if let Some(Step::SyncIndex { .. }) = statement.rewrite.map(|r| r.step) {
            return Err(Rule::SyncIndex.failure());
        }
    }
    Ok(())
}

/// What the text of a literal is: `'…'`, `E'…'` or `$tag$…$tag$`. None for another kind, or a malformed one.
pub fn unquoted(literal: &str) -> Option<String> {
    if let Some(rest) = literal.strip_prefix('$') {
        let tag = rest.split('$').next()?.len() + 2;
        return literal.get(tag..literal.len().checked_sub(tag)?).map(str::to_owned);
    }
    let (escaped, inner) = match literal.strip_prefix(['e', 'E']) {
        Some(inner) => (true, inner),
        None => (false, literal),
    };
    let inner = inner.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'");
    if !escaped {
        return Some(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n' | 'r' | 't' | 'b' | 'f')) => out.push(' '),
            ('\\', Some(plain @ ('\\' | '\'' | '"'))) => out.push(plain),
            // By number: what it is must be looked at, and is not.
            ('\\', _) => return None,
            _ => out.push(c),
        }
    }
    Some(out)
}

/// A catalogue in which nothing has been defined.
struct Nothing;

impl super::super::classify::Catalogue for Nothing {
    fn may_write(&self, _: &str) -> bool {
        false
    }

    fn in_key(&self, _: &str) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_as_postgresql_reads_them() {
        for (literal, text) in [
            ("'a''b'", Some("a'b")),
            ("$$select '1'$$", Some("select '1'")),
            ("$x$ $$ $x$", Some(" $$ ")),
            (r"E'a\nb\\\''", Some("a b\\'")),
            (r"E'\x41'", None),
            ("U&'a'", None),
            ("'open", None),
        ] {
            assert_eq!(unquoted(literal).as_deref(), text, "{literal}");
        }
    }
}
