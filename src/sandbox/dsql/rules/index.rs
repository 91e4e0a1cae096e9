//! CREATE INDEX: only ASYNC exists; it answers with a job.

use super::super::classify::{Rewrite, Words};
use super::super::lex::Kind as T;
use super::super::texts::{Failure, Rule};
use super::table::elements;
use super::{INTERNAL, Judged, literal};

pub fn create(w: Words) -> Judged {
    let mut at = if w.is(1, "unique") { 3 } else { 2 };
    let asynchronous = w.is(at, "async").then_some(at);
    if asynchronous.is_some() {
        at += 1;
    }
    if w.is(at, "concurrently") {
        return Err(Rule::Concurrently.failure());
    }
    let Some(word) = asynchronous else { return Err(Rule::SyncIndex.failure()) };
    if w.are(at, &["if", "not", "exists"]) {
        at += 3;
    }
    if !w.is(at, "on") {
        at += 1;
        if w.symbol(at, b'.') {
            return Err(super::syntax(w, at));
        }
    }
    let (_, mut at) = w.qualified(at + 1 + usize::from(w.is(at + 1, "only")));
    if w.is(at, "using") {
        return Err(Rule::IndexUsing.failure());
    }
    at = at.min(w.count());
    if w.symbol(at, b'(') {
        let keys = elements(w, at + 1, w.closing(at) - 1);
        if keys.len() > 8 {
            return Err(Rule::KeyColumns.failure());
        }
        keys.into_iter().try_for_each(|(from, to)| key(w, from, to))?;
    }
    // Without ASYNC, and without UNIQUE, which the job will see to.
    let sql = format!("CREATE INDEX {}", w.source(word + 1..w.count()));
    let unique = w.is(1, "unique");
    let sql = format!("SELECT {INTERNAL}.create_index_async({}, {unique}) AS job_id", literal(&sql));
    Ok(Some(Rewrite { sql, tag: Some("CREATE INDEX") }))
}

fn key(w: Words, from: usize, to: usize) -> Result<(), Failure> {
    let mut at = match w.symbol(from, b'(') {
        true => w.closing(from),
        // A column, or a call of a function.
        false if w.symbol(from + 1, b'(') => w.closing(from + 1),
        false => from + 1,
    };
    while at < to {
        match () {
            () if w.any(at, &["asc", "desc", "nulls"]) => return Err(Rule::SortOrder.failure()),
            () if w.is(at, "collate") => at = w.qualified(at + 1).1,
            () if matches!(w.tokens[at].kind, T::Word | T::Quoted) => return Err(Rule::OpClass.failure()),
            () => at += 1,
        }
    }
    Ok(())
}
