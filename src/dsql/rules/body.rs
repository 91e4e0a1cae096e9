//! What CREATE FUNCTION holds: a language, settings, and statements, which are looked at as if they were sent.
//!
//! Invariant: no body gets past that holds what a client could not send.

use super::super::texts::{Rule, SqlFailure};
use super::super::words::Words;
use super::parameters;
use workshop_base::sql::{self, TokenKind as T};

/// Looks at what a CREATE FUNCTION says beside its body; `at` is behind FUNCTION.
///
/// # Errors
/// 0A000 for another language than SQL, and for settings that nobody may make.
pub fn function(w: Words, at: usize) -> Result<(), SqlFailure> {
    language(w, at)?;
    returned(w, at)?;
    parameters::clauses(w, beside(w, at))
}

/// Returns the places of a CREATE FUNCTION from `at` on that are in no parentheses, up to a body that is no text: what it takes
/// and the columns that it gives back may have any names.
fn beside(w: Words, at: usize) -> impl Iterator<Item = usize> {
    let mut depth = 0usize;
    let outside = (at..w.count()).filter(move |at| match w.tokens[*at].kind {
        T::Symbol(b'(') => {
            depth += 1;
            false
        }
        T::Symbol(b')') => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    });
    outside.take_while(move |at| !begins_body(w, *at))
}

fn begins_body(w: Words, at: usize) -> bool {
    w.are(at, &["begin", "atomic"]) || w.is(at, "return")
}

/// What a function gives back cannot be a range. Source: measured on a cluster, 2026-08-28; the text is that of a column.
fn returned(w: Words, at: usize) -> Result<(), SqlFailure> {
    let Some(at) = beside(w, at).find(|at| w.is(*at, "returns")) else { return Ok(()) };
    let name = w.qualified(at + 1 + usize::from(w.is(at + 1, "setof"))).0.pop().unwrap_or_default();
    let range = ["int4", "int8", "num", "ts", "tstz", "date"]
        .iter()
        .any(|of| name.strip_prefix(of).is_some_and(|kind| matches!(kind, "range" | "multirange")));
    if range { Err(Rule::DataType.fill(&[&name])) } else { Ok(()) }
}

/// Returns the statements that a CREATE FUNCTION holds, which are to be looked at as if they were sent. None: it is
/// another statement, or has no body.
pub fn function_body(w: Words) -> Option<Result<String, SqlFailure>> {
    let at = if w.are(1, &["or", "replace"]) { 3 } else { 1 };
    if !w.is(0, "create") || !w.is(at, "function") {
        return None;
    }
    let mut end = at + 1;
    for at in beside(w, at + 1) {
        if w.is(at, "as") && w.tokens.get(at + 1).is_some_and(|t| t.kind == T::Text) {
            // A text in another form than these is one that nobody writes by hand.
            let body = sql::literal_value(w.text(at + 1)).ok_or_else(|| Rule::Statement.fill(&["function body"]));
            return Some(body.and_then(alone));
        }
        end = at + 1;
    }
    let at = (end..w.count()).find(|at| begins_body(w, *at))?;
    if w.is(at, "return") {
        return Some(alone(format!("select {}", w.source(at + 1..w.count()))));
    }
    let end = w.count() - usize::from(w.is(w.count() - 1, "end"));
    Some(alone(w.source(at + 2..end).to_owned()))
}

fn language(w: Words, at: usize) -> Result<(), SqlFailure> {
    let Some(at) = beside(w, at).find(|at| w.is(*at, "language")) else { return Ok(()) };
    let name = w.value(at + 1).to_lowercase();
    if name == "sql" { Ok(()) } else { Err(Rule::FunctionLanguage.fill(&[&name])) }
}

/// Refuses a function in a function: one in another could go on for as long as a text can be.
fn alone(body: String) -> Result<String, SqlFailure> {
    let tokens = sql::code_tokens(&body);
    for range in sql::statement_ranges(&body, &tokens) {
        let w = Words { sql: &body, tokens: &tokens[range] };
        if w.is(0, "create") && (w.is(1, "function") || w.are(1, &["or", "replace", "function"])) {
            return Err(Rule::Statement.fill(&["CreateFunction"]));
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(sql: &str) -> Option<Result<String, SqlFailure>> {
        let tokens = sql::code_tokens(sql);
        function_body(Words { sql, tokens: &tokens })
    }

    #[test]
    fn a_body_is_read_in_all_its_parts() {
        let head = "create function f() returns int language sql as";
        assert_eq!(body(&format!("{head} 'select '\n '1'")), Some(Ok("select 1".to_owned())));
        assert_eq!(body(&format!("{head} $$select 'a'$$")), Some(Ok("select 'a'".to_owned())));
        // PostgreSQL joins the parts of a text that stand on lines of their own.
        let nested = format!("{head} 'select 1;'\n 'create function g() returns int return 1'");
        assert_eq!(body(&nested), Some(Err(Rule::Statement.fill(&["CreateFunction"]))));
        assert!(body("create table t (id int)").is_none());
    }
}
