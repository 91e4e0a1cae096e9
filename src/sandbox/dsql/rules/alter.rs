//! ALTER: the subset that DSQL has.

use super::super::own_names::OURS;
use super::super::statement::{ProxyStep, Rewrite};
use super::super::texts::{Rule, SqlFailure};
use super::super::words::Words;
use super::parameters;
use super::parts::{Judged, cache, syntax};
use super::table::{Insertion, data_type, elements, inserted, is_deferred};
use workshop_base::sql::quote_literal;

/// Judges an ALTER of anything.
pub fn alter(w: Words) -> Judged {
    match () {
        () if w.is(1, "table") => table(w),
        () if w.is(1, "type") && w.has("rename") && !w.has("value") => Err(Rule::RenameObject.failure()),
        () if w.is(1, "type") => Err(Rule::AlterType.failure()),
        () if w.is(1, "system") => Err(Rule::Statement.fill(&["AlterSystem"])),
        () if w.is(1, "database") => Err(Rule::Statement.fill(&["AlterDatabase"])),
        () if w.is(1, "extension") => Err(Rule::Statement.fill(&["AlterExtension"])),
        () if w.is(1, "policy") => Err(Rule::Statement.fill(&["AlterPolicy"])),
        // Measured on a cluster, 2026-08-28; the dictionary's is inferred.
        () if w.are(1, &["text", "search", "configuration"]) => Err(Rule::Statement.fill(&["AlterTSConfiguration"])),
        () if w.are(1, &["text", "search", "dictionary"]) => Err(Rule::Statement.fill(&["AlterTSDictionary"])),
        () if w.is(1, "domain") => domain(w).map(|()| None),
        () if w.is(1, "procedure") => Err(Rule::Procedure.failure()),
        () if w.is(1, "statistics") => statistics(w).map(|()| None),
        () if w.any(1, &["role", "user", "function", "routine"]) => parameters::clauses(w, 2..w.count()).map(|()| None),
        () => Ok(None),
    }
}

/// ALTER DOMAIN: its default, its name, its owner, and less of what it demands.
fn domain(w: Words) -> Result<(), SqlFailure> {
    let (_, at) = w.qualified(2);
    let refused = match () {
        () if w.is(at, "add") => "ADD CONSTRAINT",
        () if w.are(at, &["set", "not", "null"]) => "SET NOT NULL",
        () if w.is(at, "validate") => "VALIDATE CONSTRAINT",
        () => return Ok(()),
    };
    Err(Rule::AlterDomain.fill(&[refused]))
}

/// ALTER STATISTICS … SET STATISTICS: a hundred at most.
fn statistics(w: Words) -> Result<(), SqlFailure> {
    let (_, at) = w.qualified(if w.are(2, &["if", "exists"]) { 4 } else { 2 });
    match w.text(at + 2).parse::<u64>() {
        Ok(target) if w.are(at, &["set", "statistics"]) && target > 100 => {
            Err(Rule::StatisticsTarget.fill(&[&target.to_string()]))
        }
        _ => Ok(()),
    }
}

fn table(w: Words) -> Judged {
    let asynchronous = w.is(2, "async");
    let mut at = if asynchronous { 3 } else { 2 };
    if w.are(at, &["if", "exists"]) {
        at += 2;
    }
    if w.is(at, "only") {
        at += 1;
    }
    let name = at;
    let (_, mut at) = w.qualified(at);
    let name = w.source(name..at);
    if w.symbol(at, b'*') {
        at += 1;
    }
    let actions = elements(w, at, w.count());
    if asynchronous {
        return match actions.as_slice() {
            [(from, to)] if w.are(*from, &["validate", "constraint"]) => match w.name(from + 2) {
                Some(constraint) if from + 3 == *to => {
                    let (name, constraint) = (quote_literal(name), quote_literal(&constraint));
                    let sql = format!(
                        "SELECT pg_catalog.{OURS}validate({name}, {constraint}, pg_catalog.current_schemas(false)) AS job_id"
                    );
                    Ok(Some(Rewrite { sql, tag: Some("ALTER TABLE"), step: ProxyStep::None }))
                }
                Some(_) => Err(syntax(w, from + 3)),
                None => Err(syntax(w, from + 2)),
            },
            _ => Err(syntax(w, 2)),
        };
    }
    let mut insertions = Vec::new();
    actions.into_iter().try_for_each(|(from, to)| action(w, from, to, &mut insertions))?;
    Ok(inserted(w, insertions))
}

fn action(w: Words, from: usize, to: usize, insertions: &mut Vec<Insertion>) -> Result<(), SqlFailure> {
    let at = from + 1;
    match w.text(from).to_ascii_lowercase().as_str() {
        "add" if w.any(at, &["constraint", "check", "foreign", "primary", "unique", "exclude"]) => {
            constraint(w, at, to)
        }
        "add" => add_column(w, at, to, insertions),
        "alter" => column(w, if w.is(at, "column") { at + 2 } else { at + 1 }, to),
        "validate" => Err(Rule::ValidateConstraint.failure()),
        "enable" | "disable" | "force" | "no" if w.has("row") => {
            let words = if w.is(from, "no") { 2 } else { 1 };
            Err(Rule::RowSecurity.fill(&[&w.source(from..from + words).to_uppercase()]))
        }
        // Of triggers there are none but the sandbox's own, which ALL would mean, too.
        "enable" | "disable" if w.are(at, &["trigger", "all"]) && at + 2 == to => {
            insertions.push((w.tokens[at + 1].range().start, w.tokens[at + 1].range().end, "USER"));
            Ok(())
        }
        "enable" | "disable" if w.are(at, &["trigger", "user"]) && at + 2 == to => Ok(()),
        "set" if w.is(at, "schema") => Ok(()),
        "enable" | "disable" | "cluster" | "set" | "reset" | "inherit" | "no" | "of" | "not" | "replica" | "attach"
        | "detach" | "force" => {
            let words = w.source(from..(from + 2).min(to)).to_uppercase();
            Err(Rule::AlterTable.fill(&[words.trim_end_matches([' ', '('])]))
        }
        _ => Ok(()),
    }
}

fn constraint(w: Words, from: usize, to: usize) -> Result<(), SqlFailure> {
    let at = if w.is(from, "constraint") { from + 2 } else { from };
    let allowed = match () {
        () if w.any(at, &["check", "foreign"]) => (at..to).any(|n| w.are(n, &["not", "valid"])),
        () if w.is(at, "unique") => w.are(at + 1, &["using", "index"]),
        () => false,
    };
    if !allowed {
        return Err(Rule::AddConstraint.failure());
    }
    match is_deferred(w, at, to) {
        true if w.is(at, "unique") => Err(Rule::DeferrableUnique.failure()),
        true if w.is(at, "check") => Err(Rule::DeferrableCheck.failure()),
        _ => Ok(()),
    }
}

fn add_column(w: Words, mut at: usize, to: usize, insertions: &mut Vec<Insertion>) -> Result<(), SqlFailure> {
    if w.is(at, "column") {
        at += 1;
    }
    if w.are(at, &["if", "not", "exists"]) {
        at += 3;
    }
    let (behind, _) = data_type(w, at + 1, to, insertions)?;
    let mut at = behind;
    while at < to {
        match () {
            () if w.is(at, "storage") => at += 2,
            // Demands nothing, and is taken (measured on a cluster, 2026-08-30).
            () if w.is(at, "null") => at += 1,
            () if w.is(at, "collate") => return Err(Rule::Collate.failure()),
            () if w.is(at, "compression") => return Err(Rule::Compression.failure()),
            () => return Err(Rule::AddColumnConstraint.failure()),
        }
    }
    Ok(())
}

/// `at` is behind the column's name.
fn column(w: Words, at: usize, to: usize) -> Result<(), SqlFailure> {
    let refused = match () {
        () if w.is(at, "type") || w.are(at, &["set", "data"]) => return Err(Rule::SetDataType.failure()),
        () if w.are(at, &["set", "not", "null"]) => "SET NOT NULL",
        () if w.are(at, &["set", "statistics"]) => "SET STATISTICS",
        () if w.are(at, &["set", "compression"]) => "SET COMPRESSION",
        () if w.any(at, &["set", "reset"]) && w.symbol(at + 1, b'(') => "SET OPTIONS",
        () if w.are(at, &["add", "generated"]) => return cache(w, at..to, Rule::IdentityCache),
        () => return Ok(()),
    };
    Err(Rule::AlterColumn.fill(&[refused]))
}
