//! What DSQL has in no statement: locking clauses, functions and types by name, and what is the sandbox's own.
//!
//! Invariant: a name is a function's where one can stand; tables, queries of WITH and lists of columns keep theirs.

use super::super::own_names::{INTERNAL, OURS};
use super::super::texts::{Rule, SqlFailure};
use super::super::words::Words;
use super::parameters;
use super::table::elements;
use workshop_base::sql::{self, TokenKind as T};

/// Looks through a statement for what DSQL has nowhere.
///
/// # Errors
/// The first refusal.
pub fn refused(w: Words) -> Result<(), SqlFailure> {
    let first = w.text(0).to_ascii_lowercase();
    let asks = matches!(first.as_str(), "select" | "with" | "values" | "table" | "(");
    let query = asks || matches!(first.as_str(), "insert" | "update" | "delete" | "explain");
    for at in 0..w.count() {
        match w.tokens[at].kind {
            T::Word => {}
            T::QuotedName if w.text(at).eq_ignore_ascii_case("\"pg_dsql\"") => {
                return Err(Rule::NoSchema.fill(&[INTERNAL]));
            }
            T::QuotedName => match w.name(at).filter(|name| calls(w, at) && parameters::is_refused_function(name)) {
                Some(name) => return Err(Rule::Function.fill(&[&name])),
                None => continue,
            },
            T::Text | T::Number | T::Param | T::Symbol(_) => continue,
            T::Space | T::LineComment | T::BlockComment => continue,
        }
        let text = w.text(at);
        // Cheap first: only a few words matter.
        match text.as_bytes()[0].to_ascii_lowercase() {
            b'p' if text.eq_ignore_ascii_case(INTERNAL) => return Err(Rule::NoSchema.fill(&[INTERNAL])),
            b'f' if query && (w.are(at, &["for", "share"]) || w.are(at, &["for", "no", "key", "update"])) => {
                return Err(Rule::Locking.failure());
            }
            b't' if query && w.is(at, "tablesample") && w.symbol(at + 2, b'(') => {
                return Err(Rule::TableSample.failure());
            }
            b'm' if query && at > 0 && w.are(at, &["merge", "into"]) => return Err(Rule::Merge.failure()),
            // A reserved word: as a name it stands behind AS or a dot, and else makes a table of a query.
            b'i' if asks && w.is(at, "into") && at > 0 => {
                let before = at - 1;
                if !w.any(before, &["insert", "merge", "as"]) && !w.symbol(before, b'.') {
                    return Err(Rule::Statement.fill(&["CreateTableAs"]));
                }
            }
            b'_' if text.get(..OURS.len()).is_some_and(|start| start.eq_ignore_ascii_case(OURS)) => {
                return Err(Rule::NoFunction.fill(&[&format!("{}()", text.to_ascii_lowercase())]));
            }
            _ => {}
        }
        if text.eq_ignore_ascii_case("aws_dsql") && w.symbol(at + 1, b'.') && w.symbol(at + 3, b'(') {
            let name = format!("{}()", w.source(at..at + 3));
            let hint = "Use the view sys.iam_pg_role_mappings.";
            return Err(Rule::NoFunction.fill(&[&name]).hint(hint));
        }
        if !calls(w, at) {
            continue;
        }
        if parameters::is_refused_function(&text.to_ascii_lowercase()) {
            return Err(Rule::Function.fill(&[&text.to_ascii_lowercase()]));
        }
        if query && !w.symbol(at.wrapping_sub(1), b'.') {
            if TEXT_SEARCH.iter().any(|(name, bare)| w.is(at, name) && !computed(w, at, *bare)) {
                let named = w.tokens.get(at + 2).is_some_and(|t| t.kind == T::Text)
                    && (w.symbol(at + 3, b',') || w.symbol(at + 3, b':'));
                let name = if named { w.value(at + 2) } else { "english".to_owned() };
                if !matches!(name.as_str(), "simple" | "pg_catalog.simple") {
                    return Err(Rule::TextSearch.fill(&[&name]));
                }
            }
            if let Some(name) = GEOMETRY.iter().find(|name| w.is(at, name)) {
                return Err(Rule::DataType.fill(&[name]));
            }
        }
    }
    Ok(())
}

/// With the number of arguments that each has at least, without a configuration.
const TEXT_SEARCH: &[(&str, usize)] = &[
    ("to_tsvector", 1),
    ("to_tsquery", 1),
    ("plainto_tsquery", 1),
    ("phraseto_tsquery", 1),
    ("websearch_to_tsquery", 1),
    ("ts_headline", 2),
];

/// Returns whether the configuration is known only when the query runs, as a parameter is: PostgreSQL has no other than
/// DSQL's.
fn computed(w: Words, at: usize, bare: usize) -> bool {
    let arguments = elements(w, at + 2, w.closing(at + 1).saturating_sub(1));
    arguments.len() > bare && !w.tokens.get(at + 2).is_some_and(|token| token.kind == T::Text)
}

const GEOMETRY: &[&str] = &["line", "circle", "polygon", "box", "path", "lseg", "point"];

/// Returns whether the name at `at` is called as a function: a parenthesis follows, and it stands for no rows.
fn calls(w: Words, at: usize) -> bool {
    w.symbol(at + 1, b'(') && !stands_for_rows(w, at)
}

/// Returns whether the name at `at`, with a list of columns behind it, is that of a table or view, of a query of WITH, or an
/// alias.
fn stands_for_rows(w: Words, mut at: usize) -> bool {
    let list = w.closing(at + 1);
    while at > 1 && w.symbol(at - 1, b'.') {
        at -= 2;
    }
    let Some(before) = at.checked_sub(1) else { return false };
    const QUERIES: &[&str] = &["select", "values", "with", "table", "insert", "update", "delete"];
    match w.tokens[before].kind {
        // An alias without AS.
        T::Symbol(b')') => true,
        T::Symbol(b',') => {
            let query = list
                + [w.is(list + 1, "not"), w.is(list + 1, "materialized") || w.is(list + 2, "materialized")]
                    .iter()
                    .filter(|there| **there)
                    .count();
            w.is(list, "as") && w.symbol(query + 1, b'(') && w.any(query + 2, QUERIES)
        }
        _ => {
            w.any(before, &["into", "table", "references", "with", "recursive", "copy", "as", "view"])
                || at > 2 && w.are(at - 3, &["if", "not", "exists"])
                || w.is(before, "on") && (w.is(1, "index") || w.is(2, "index"))
                || is_table(w, before)
        }
    }
}

/// Returns whether the name that ends at `at` is a table's among those of a query: what follows it is an alias.
fn is_table(w: Words, mut at: usize) -> bool {
    if !matches!(w.tokens[at].kind, T::Word | T::QuotedName) || sql::is_reserved(&w.text(at).to_ascii_lowercase()) {
        return false;
    }
    while at > 1 && w.symbol(at - 1, b'.') {
        at -= 2;
    }
    at > 0 && (w.symbol(at - 1, b',') || w.any(at - 1, &["from", "join", "using", "update", "into", "only"]))
}
