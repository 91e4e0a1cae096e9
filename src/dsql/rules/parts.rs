//! What the rules share: their verdicts, and clauses that stand in several statements.

use super::super::statement::Rewrite;
use super::super::texts::{Rule, SqlFailure};
use super::super::words::Words;

/// What becomes of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleVerdict {
    Pass,
    Refuse(SqlFailure),
    Rewrite(Rewrite),
}

impl From<Result<Option<Rewrite>, SqlFailure>> for RuleVerdict {
    fn from(result: Result<Option<Rewrite>, SqlFailure>) -> Self {
        match result {
            Ok(None) => RuleVerdict::Pass,
            Ok(Some(rewrite)) => RuleVerdict::Rewrite(rewrite),
            Err(failure) => RuleVerdict::Refuse(failure),
        }
    }
}

/// What one rule says: nothing against it, another text in its place, or a refusal.
pub type Judged = Result<Option<Rewrite>, SqlFailure>;

/// CACHE must be given (else `missing`): 1, or at least 65,536.
///
/// # Errors
/// `missing` without a CACHE, 22023 for a size between 1 and 65,536.
pub fn cache(w: Words, mut range: std::ops::Range<usize>, missing: Rule) -> Result<(), SqlFailure> {
    let Some(at) = range.find(|at| w.is(*at, "cache")) else { return Err(missing.failure()) };
    match w.text(at + 1).parse::<u64>() {
        Ok(1 | 65_536..) => Ok(()),
        // PostgreSQL's own error.
        Ok(0) | Err(_) => Ok(()),
        Ok(size) => Err(Rule::CacheSize.fill(&[&size.to_string()])),
    }
}

/// A sequence counts in bigint.
///
/// # Errors
/// 22023 for another type.
pub fn sequence_type(w: Words, from: usize) -> Result<(), SqlFailure> {
    let kind = (from..w.count()).find(|at| w.is(*at, "as")).and_then(|at| w.name(at + 1));
    match kind.is_some_and(|kind| !matches!(kind.as_str(), "bigint" | "int8")) {
        true => Err(Rule::SequenceType.failure()),
        false => Ok(()),
    }
}

/// A syntax error at a token, or at the end.
pub fn syntax(w: Words, at: usize) -> SqlFailure {
    match w.tokens.get(at) {
        Some(token) => {
            let mut failure = Rule::Syntax.fill(&[w.text(at)]);
            failure.position = Some(w.sql[..token.range().start].chars().count() + 1);
            failure
        }
        None => Rule::SyntaxAtEnd.failure(),
    }
}

/// The schemas that are the service's.
pub const SYSTEM_SCHEMAS: &[&str] = &["public", "sys", "pg_catalog", "information_schema"];

/// REPEATABLE READ is the only isolation level there is.
///
/// # Errors
/// 0A000 with the level that is asked for.
pub fn isolation(w: Words) -> Result<(), SqlFailure> {
    let other = |at: &usize| w.are(*at, &["isolation", "level"]) && !w.are(at + 2, &["repeatable", "read"]);
    let Some(at) = (0..w.count()).find(other) else { return Ok(()) };
    let words = if w.is(at + 2, "read") { 2 } else { 1 };
    let level = w.source(at + 2..(at + 2 + words).min(w.count())).to_uppercase();
    Err(Rule::Isolation.fill(&[&level]))
}

/// BEGIN: its isolation level, and READ ONLY or READ WRITE. Source: AWS user guide, supported SQL; AWS's grammar, 2026-08.
///
/// # Errors
/// 0A000 for any other mode.
pub fn modes(w: Words) -> Result<(), SqlFailure> {
    isolation(w)?;
    if w.has("deferrable") { Err(Rule::SetParameter.fill(&["transaction_deferrable"])) } else { Ok(()) }
}

/// AND CHAIN, which DSQL does not have. Source: as [`modes`].
///
/// # Errors
/// 0A000 where it stands.
pub fn unchained(w: Words) -> Result<(), SqlFailure> {
    match (1..w.count()).any(|at| w.are(at, &["and", "chain"])) {
        true => Err(Rule::TwoPhase.fill(&[&format!("{} AND CHAIN", w.text(0).to_uppercase())])),
        false => Ok(()),
    }
}
