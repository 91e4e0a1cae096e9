//! ALTER: the subset that DSQL has.

use std::ops::Range;

use super::super::own_names::OURS;
use super::super::statement::{Catalogue, Rewrite};
use super::super::texts::{Rule, SqlFailure};
use super::super::words::Words;
use super::parameters;
use super::parts::{Judged, SYSTEM_SCHEMAS, cache, sequence_type, syntax};
use super::table::{Insertion, data_type, elements, excludes, inserted, is_deferred};
use workshop_base::sql::quote_literal;

/// Judges an ALTER of anything.
pub fn alter(w: Words) -> Judged {
    match () {
        () if w.are(1, &["table", "all", "in"]) => Err(Rule::Statement.fill(&["AlterTableMoveAll"])),
        () if w.is(1, "table") => table(w),
        () if w.is(1, "schema") && w.name(2).is_some_and(|name| SYSTEM_SCHEMAS.contains(&name.as_str())) => {
            Err(Rule::SystemEntity.failure())
        }
        () if w.is(1, "type") && w.has("rename") && !w.has("value") => Err(Rule::RenameObject.failure()),
        () if w.is(1, "type") => Err(Rule::AlterType.failure()),
        () if w.is(1, "system") => Err(Rule::Statement.fill(&["AlterSystem"])),
        // Measured on a cluster, 2026-08-28; the dictionary's is inferred.
        () if w.are(1, &["text", "search", "configuration"]) => Err(Rule::Statement.fill(&["AlterTSConfiguration"])),
        () if w.are(1, &["text", "search", "dictionary"]) => Err(Rule::Statement.fill(&["AlterTSDictionary"])),
        () if w.is(1, "domain") => domain(w).map(|()| None),
        () if w.is(1, "procedure") => Err(Rule::Procedure.failure()),
        () if w.is(1, "statistics") => statistics(w).map(|()| None),
        () if w.any(1, &["view", "index", "sequence"]) => relation(w).map(|()| None),
        () if w.any(1, &["function", "routine"]) => function(w).map(|()| None),
        () if w.any(1, &["role", "user"]) && !w.is(2, "mapping") => role(w).map(|()| None),
        () => refused_object(w).map(|()| None),
    }
}

/// Objects that DSQL does not have, or that are the service's, with PostgreSQL's name for the node of their own ALTER.
const OBJECTS: &[(&[&str], &str)] = &[
    (&["database"], "AlterDatabase"),
    (&["extension"], "AlterExtension"),
    (&["policy"], "AlterPolicy"),
    (&["tablespace"], "AlterTableSpaceOptions"),
    (&["materialized", "view"], "AlterTable"),
    (&["foreign", "table"], "AlterTable"),
    (&["foreign", "data"], "AlterFdw"),
    (&["server"], "AlterForeignServer"),
    (&["user", "mapping"], "AlterUserMapping"),
    (&["publication"], "AlterPublication"),
    (&["subscription"], "AlterSubscription"),
    (&["event"], "AlterEventTrig"),
    (&["trigger"], "AlterObjectDepends"),
    (&["rule"], "Rule"),
    (&["collation"], "AlterCollation"),
    (&["conversion"], "AlterObjectSchema"),
    (&["language"], "AlterOwner"),
    (&["large", "object"], "AlterOwner"),
    (&["aggregate"], "AlterFunction"),
    (&["operator", "family"], "AlterOpFamily"),
    (&["operator"], "AlterOperator"),
];

fn refused_object(w: Words) -> Result<(), SqlFailure> {
    let Some((_, node)) = OBJECTS.iter().find(|(words, _)| w.are(1, words)) else { return Ok(()) };
    let follows = |words: &[&str]| (2..w.count()).any(|at| w.are(at, words));
    Err(match () {
        () if follows(&["rename", "to"]) => Rule::RenameObject.failure(),
        () if follows(&["owner", "to"]) => Rule::Statement.fill(&["AlterOwner"]),
        () if follows(&["set", "schema"]) => Rule::Statement.fill(&["AlterObjectSchema"]),
        () if w.is(1, "database") && (w.any(3, &["set", "reset"])) => Rule::Statement.fill(&["AlterDatabaseSet"]),
        () => Rule::Statement.fill(&[node]),
    })
}

/// ALTER FUNCTION: its name, its owner, its schema. Source: dsql-lint, 2026-08; the text is inferred.
fn function(w: Words) -> Result<(), SqlFailure> {
    let (_, mut at) = w.qualified(2);
    if w.symbol(at, b'(') {
        at = w.closing(at);
    }
    if at >= w.count() || w.any(at, &["rename", "owner", "depends", "no"]) || w.are(at, &["set", "schema"]) {
        return Ok(());
    }
    parameters::clauses(w, at..w.count())?;
    Err(Rule::Statement.fill(&["AlterFunction"]))
}

fn role(w: Words) -> Result<(), SqlFailure> {
    parameters::role_options(w, 3, "ALTER ROLE")?;
    parameters::clauses(w, 2..w.count())
}

/// ALTER VIEW, INDEX and SEQUENCE, which PostgreSQL takes for ALTER TABLE where they are the same.
fn relation(w: Words) -> Result<(), SqlFailure> {
    let (_, at) = w.qualified(if w.are(2, &["if", "exists"]) { 4 } else { 2 });
    if w.is(1, "sequence") && !w.is(at, "set") {
        return sequence(w, at);
    }
    elements(w, at, w.count()).into_iter().try_for_each(|(from, to)| match () {
        () if w.are(from, &["set", "schema"]) => Ok(()),
        () if w.is(from, "alter") => column(w, if w.is(from + 1, "column") { from + 3 } else { from + 2 }, to),
        () => missing_action(w, from),
    })
}

/// What ALTER SEQUENCE may say is what CREATE SEQUENCE may.
fn sequence(w: Words, at: usize) -> Result<(), SqlFailure> {
    sequence_type(w, at)?;
    if (at..w.count()).any(|at| w.is(at, "cache")) { cache(w, at..w.count(), Rule::SequenceCache) } else { Ok(()) }
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

/// A column that the statement drops and that is one of its table's primary key: refused before anybody asks what
/// depends on it.
pub fn dropped_key_column(w: Words, catalogue: &dyn Catalogue) -> Option<SqlFailure> {
    if !w.are(0, &["alter", "table"]) {
        return None;
    }
    let (name, at) = table_name(w, 2);
    let key = catalogue.primary_key(&w.qualified(name.start).0)?;
    elements(w, at, w.count()).into_iter().find_map(|(from, _)| {
        let mut at = from + 1;
        at += usize::from(w.is(at, "column"));
        at += if w.are(at, &["if", "exists"]) { 2 } else { 0 };
        let column =
            w.name(at).filter(|column| w.is(from, "drop") && !w.is(from + 1, "constraint") && key.contains(column))?;
        Some(Rule::DropKeyColumn.fill(&[&column]))
    })
}

/// Returns where the name of an ALTER TABLE's table stands, and the place behind it.
fn table_name(w: Words, mut at: usize) -> (Range<usize>, usize) {
    if w.are(at, &["if", "exists"]) {
        at += 2;
    }
    if w.is(at, "only") {
        at += 1;
    }
    let end = w.qualified(at).1;
    (at..end, end + usize::from(w.symbol(end, b'*')))
}

fn table(w: Words) -> Judged {
    let asynchronous = w.is(2, "async");
    let (name, at) = table_name(w, if asynchronous { 3 } else { 2 });
    let name = w.source(name);
    let actions = elements(w, at, w.count());
    if asynchronous {
        return match actions.as_slice() {
            [(from, to)] if w.are(*from, &["validate", "constraint"]) => match w.name(from + 2) {
                Some(constraint) if from + 3 == *to => {
                    let (name, constraint) = (quote_literal(name), quote_literal(&constraint));
                    let sql = format!(
                        "SELECT pg_catalog.{OURS}validate({name}, {constraint}, pg_catalog.current_schemas(false)) AS job_id"
                    );
                    Ok(Some(Rewrite { sql, tag: Some("ALTER TABLE"), ..Rewrite::default() }))
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
        "add" if w.any(at, &["constraint", "check", "foreign", "primary", "unique"]) || excludes(w, at) => {
            constraint(w, at, to)
        }
        "add" => add_column(w, at, to, insertions),
        // When a foreign key is checked (AWS's grammar of ALTER TABLE, read 2026-11).
        "alter" if w.is(at, "constraint") => Ok(()),
        "alter" => column(w, if w.is(at, "column") { at + 2 } else { at + 1 }, to),
        "validate" => Err(Rule::ValidateConstraint.failure()),
        // Of triggers there are none but the sandbox's own, which ALL would mean, too.
        "enable" | "disable" if w.are(at, &["trigger", "all"]) && at + 2 == to => {
            insertions.push((w.tokens[at + 1].range().start, w.tokens[at + 1].range().end, "USER"));
            Ok(())
        }
        "enable" | "disable" if w.are(at, &["trigger", "user"]) && at + 2 == to => Ok(()),
        "set" if w.is(at, "schema") => Ok(()),
        _ => missing_action(w, from),
    }
}

fn missing_action(w: Words, from: usize) -> Result<(), SqlFailure> {
    match ACTIONS.iter().find(|(words, _)| w.are(from, words)) {
        Some((_, told)) => Err(Rule::AlterTable.fill(&[told])),
        None => Ok(()),
    }
}

/// The actions that DSQL does not have, as PostgreSQL calls them where it refuses them (`alter_table_type_to_string` of
/// tablecmds.c): the names that were recorded are among those. What begins like another stands before it.
const ACTIONS: &[(&[&str], &str)] = &[
    (&["enable", "row"], "ENABLE ROW SECURITY"),
    (&["disable", "row"], "DISABLE ROW SECURITY"),
    (&["force", "row"], "FORCE ROW SECURITY"),
    (&["no", "force"], "NO FORCE ROW SECURITY"),
    (&["enable", "always", "trigger"], "ENABLE ALWAYS TRIGGER"),
    (&["enable", "replica", "trigger"], "ENABLE REPLICA TRIGGER"),
    (&["enable", "trigger"], "ENABLE TRIGGER"),
    (&["disable", "trigger"], "DISABLE TRIGGER"),
    (&["enable", "always", "rule"], "ENABLE ALWAYS RULE"),
    (&["enable", "replica", "rule"], "ENABLE REPLICA RULE"),
    (&["enable", "rule"], "ENABLE RULE"),
    (&["disable", "rule"], "DISABLE RULE"),
    (&["cluster"], "CLUSTER ON"),
    (&["set", "without", "cluster"], "SET WITHOUT CLUSTER"),
    (&["set", "without"], "SET WITHOUT OIDS"),
    (&["set", "access"], "SET ACCESS METHOD"),
    (&["set", "tablespace"], "SET TABLESPACE"),
    (&["set", "logged"], "SET LOGGED"),
    (&["set", "unlogged"], "SET UNLOGGED"),
    (&["set"], "SET"),
    (&["reset"], "RESET"),
    (&["inherit"], "INHERIT"),
    (&["no", "inherit"], "NO INHERIT"),
    (&["of"], "OF"),
    (&["not", "of"], "NOT OF"),
    (&["replica"], "REPLICA IDENTITY"),
    (&["attach"], "ATTACH PARTITION"),
    (&["detach"], "DETACH PARTITION"),
    (&["options"], "OPTIONS"),
];

fn constraint(w: Words, from: usize, to: usize) -> Result<(), SqlFailure> {
    let at = if w.is(from, "constraint") { from + 2 } else { from };
    let not_valid = is_not_valid(w, at, to);
    let allowed = match () {
        () if w.any(at, &["check", "foreign"]) => not_valid,
        // PostgreSQL's grammar says that these cannot be.
        () if w.any(at, &["unique", "primary", "exclude"]) && not_valid => return Ok(()),
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

/// Returns whether a constraint is marked NOT VALID, which says nothing where an expression does.
fn is_not_valid(w: Words, mut at: usize, to: usize) -> bool {
    while at < to && !w.are(at, &["not", "valid"]) {
        at = if w.symbol(at, b'(') { w.closing(at) } else { at + 1 };
    }
    at < to
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
        () if w.is(at, "set") && w.symbol(at + 1, b'(') => "SET",
        () if w.is(at, "reset") && w.symbol(at + 1, b'(') => "RESET",
        () if w.is(at, "options") => "OPTIONS",
        () if (at..to).any(|at| w.are(at, &["set", "cache"])) => return cache(w, at..to, Rule::IdentityCache),
        () if w.are(at, &["add", "generated"]) => return cache(w, at..to, Rule::IdentityCache),
        () => return Ok(()),
    };
    Err(Rule::AlterColumn.fill(&[refused]))
}
