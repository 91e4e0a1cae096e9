//! CREATE INDEX: ASYNC, which answers with a job, and where a session asks for it at once, on an empty table.

use super::super::statement::{ProxyStep, Rewrite};
use super::super::texts::{Rule, SqlFailure};
use super::super::words::Words;
use super::parts::{Judged, syntax};
use super::table::elements;
use workshop_base::sql::TokenKind as T;

/// Judges a CREATE INDEX.
pub fn create(w: Words) -> Judged {
    let mut at = if w.is(1, "unique") { 3 } else { 2 };
    let asynchronous = w.is(at, "async").then_some(at);
    if asynchronous.is_some() {
        at += 1;
    }
    if w.is(at, "concurrently") {
        return Err(Rule::Concurrently.failure());
    }
    if w.are(at, &["if", "not", "exists"]) {
        at += 3;
    }
    if !w.is(at, "on") {
        at += 1;
        if w.symbol(at, b'.') {
            return Err(syntax(w, at));
        }
    }
    let table = at + 1 + usize::from(w.is(at + 1, "only"));
    let (_, at) = w.qualified(table);
    let table = w.source(table..at.min(w.count())).to_owned();
    // Blanks stand for what PostgreSQL does not know, as positions count.
    let mut blanked = Vec::new();
    let at = match w.is(at, "using") {
        // The only method there is; `btree` is refused on a cluster, too (measured in 2026).
        true if w.name(at + 1).as_deref() == Some("btree_index") => {
            blanked.extend([at, at + 1]);
            at + 2
        }
        true => return Err(Rule::IndexUsing.failure()),
        false => at,
    };
    let refusal = keys(w, at.min(w.count())).and_then(|()| clauses(w, w.closing(at))).err();
    let Some(word) = asynchronous else {
        return Ok(Some(Rewrite {
            sql: without(w, &blanked),
            step: ProxyStep::SyncIndex { table, refusal: refusal.map(Box::new) },
            ..Rewrite::default()
        }));
    };
    if let Some(failure) = refusal {
        return Err(failure);
    }
    // Nor UNIQUE, which the job will see to.
    let unique = w.is(1, "unique");
    blanked.extend([Some(word), unique.then_some(1)].into_iter().flatten());
    let sql = "SELECT NULL::pg_catalog.text AS job_id".to_owned();
    let step = ProxyStep::IndexJob { create: without(w, &blanked), unique };
    Ok(Some(Rewrite { sql, tag: Some("CREATE INDEX"), step, ..Rewrite::default() }))
}

/// The statement with blanks in the place of these words.
fn without(w: Words, words: &[usize]) -> String {
    let mut text = w.source(0..w.count()).to_owned();
    for at in words {
        let range = w.tokens[*at].range();
        let start = range.start - w.tokens[0].range().start;
        text.replace_range(start..start + range.len(), &" ".repeat(range.len()));
    }
    text
}

/// Looks at the keys, whose parenthesis opens at `at`: what each is, before how many there are.
fn keys(w: Words, at: usize) -> Result<(), SqlFailure> {
    if !w.symbol(at, b'(') {
        return Ok(());
    }
    let keys = elements(w, at + 1, w.closing(at) - 1);
    let number = keys.len();
    keys.into_iter().try_for_each(|(from, to)| key(w, from, to))?;
    if number > 8 { Err(Rule::KeyColumns.failure()) } else { Ok(()) }
}

/// What follows the keys, from `at` on. Source: AWS's grammar, 2026-08; the texts are inferred from USING.
fn clauses(w: Words, at: usize) -> Result<(), SqlFailure> {
    for at in at..w.count() {
        match () {
            () if w.is(at, "where") => return Ok(()),
            () if w.is(at, "with") => return Err(Rule::IndexClause.fill(&["WITH"])),
            () if w.is(at, "tablespace") => return Err(Rule::IndexClause.fill(&["TABLESPACE"])),
            () => {}
        }
    }
    Ok(())
}

fn key(w: Words, from: usize, to: usize) -> Result<(), SqlFailure> {
    let mut at = match w.symbol(from, b'(') {
        true => w.closing(from),
        // A column, or a call of a function.
        false => match w.qualified(from).1 {
            behind if w.symbol(behind, b'(') => w.closing(behind),
            _ => from + 1,
        },
    };
    while at < to {
        match () {
            () if w.any(at, &["asc", "desc"]) => return Err(Rule::SortOrder.failure()),
            // Source: AWS user guide, supported SQL and asynchronous indexes, read 2026-11.
            () if w.is(at, "nulls") && w.any(at + 1, &["first", "last"]) => at += 2,
            () if w.is(at, "collate") => at = w.qualified(at + 1).1,
            () if matches!(w.tokens[at].kind, T::Word | T::QuotedName) => return Err(Rule::OpClass.failure()),
            () => at += 1,
        }
    }
    Ok(())
}
