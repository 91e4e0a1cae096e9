//! ANALYZE: of one table, which is a job.

use super::super::statement::{ProxyStep, Rewrite};
use super::super::texts::Rule;
use super::super::words::Words;
use super::parts::Judged;

/// Judges an ANALYZE.
pub fn analyze(w: Words) -> Judged {
    let after = w.qualified(1).1;
    if w.count() == 1 || w.symbol(after, b',') {
        return Err(Rule::AnalyzeAll.failure());
    }
    if after != w.count() || w.is(1, "verbose") {
        return Err(Rule::Analyze.failure());
    }
    let step = ProxyStep::Analyzed(w.source(1..w.count()).to_owned());
    Ok(Some(Rewrite { sql: w.source(0..w.count()).to_owned(), step, ..Rewrite::default() }))
}
