//! The verdict on one statement.

use super::super::own_names::OURS;
use super::super::statement::{ProxyStep, Rewrite};
use super::super::texts::{Rule, SqlFailure};
use super::super::words::Words;
use super::parts::{Judged, RuleVerdict, SYSTEM_SCHEMAS, cache, modes, sequence_type, syntax, unchained};
use super::privileges::privileges;
use super::{alter, analyze, body, everywhere, index, parameters, table};
use workshop_base::sql::{self, TokenKind as T};

/// Returns what becomes of one statement.
pub fn judge(w: Words) -> RuleVerdict {
    judged(w).into()
}

fn judged(w: Words) -> Judged {
    everywhere::refused(w)?;
    match w.text(0).to_ascii_lowercase().as_str() {
        "create" => create(w),
        "alter" => alter::alter(w),
        "drop" if w.are(1, &["user", "mapping"]) => Err(Rule::Statement.fill(&["DropUserMapping"])),
        "drop" if w.any(1, &["role", "user", "group"]) => Ok(drop_role(w)),
        "drop" => drop_(w).map(|()| None),
        "aws" => aws(w),
        "set" => parameters::set(w),
        "reset" => parameters::reset(w),
        "show" => show(w),
        "grant" | "revoke" => privileges(w).map(|()| None),
        "begin" | "start" => modes(w).map(|()| None),
        "savepoint" => Err(Rule::Savepoint.failure()),
        "release" => Err(Rule::Release.failure()),
        "rollback" | "abort" if (1..3).any(|at| w.is(at, "to")) => Err(Rule::RollbackTo.failure()),
        "rollback" if w.is(1, "prepared") => Err(Rule::TwoPhase.fill(&["ROLLBACK PREPARED"])),
        "commit" if w.is(1, "prepared") => Err(Rule::TwoPhase.fill(&["COMMIT PREPARED"])),
        "commit" | "end" | "rollback" | "abort" => unchained(w).map(|()| None),
        "comment" => comment(w).map(|()| None),
        "prepare" if w.is(1, "transaction") => Err(Rule::TwoPhase.fill(&["PREPARE TRANSACTION"])),
        // Of the statements that the protocol has prepared, all or none. Source: php-src 21869, 2026-04; AWS's grammar, 2026-08.
        "deallocate" if names_one(w) => Err(Rule::Statement.fill(&["Deallocate"])),
        "vacuum" => Err(Rule::Vacuum.failure()),
        "merge" => Err(Rule::Merge.failure()),
        "truncate" => Err(Rule::Truncate.failure()),
        "analyze" | "analyse" => analyze::analyze(w),
        "select" | "with" | "values" | "table" | "(" | "insert" | "update" | "delete" | "explain" => Ok(unwaiting(w)),
        other => match STATEMENTS.iter().find(|(word, _)| *word == other) {
            Some((_, node)) => Err(Rule::Statement.fill(&[node])),
            None => Ok(None),
        },
    }
}

/// Returns whether it is DEALLOCATE of one statement.
fn names_one(w: Words) -> bool {
    // A statement may be called so.
    let at = if w.is(1, "prepare") && w.count() > 2 { 2 } else { 1 };
    at + 1 == w.count() && w.name(at).is_some() && !w.is(at, "all")
}

/// Statements that are refused by their first word, with PostgreSQL's name for their parse node.
const STATEMENTS: &[(&str, &str)] = &[
    ("listen", "Listen"),
    ("notify", "Notify"),
    ("unlisten", "Unlisten"),
    ("do", "Do"),
    ("lock", "Lock"),
    ("cluster", "Cluster"),
    ("reindex", "Reindex"),
    ("checkpoint", "CheckPoint"),
    ("load", "Load"),
    ("refresh", "RefreshMatView"),
    ("security", "SecLabel"),
    ("import", "ImportForeignSchema"),
    ("prepare", "Prepare"),
    ("execute", "Execute"),
    ("discard", "Discard"),
    ("declare", "DeclareCursor"),
    ("fetch", "Fetch"),
    ("move", "Fetch"),
    ("close", "ClosePortal"),
];

/// Objects that CREATE refuses, with the node's name.
const CREATES: &[(&[&str], &str)] = &[
    (&["extension"], "CreateExtension"),
    (&["database"], "Createdb"),
    (&["tablespace"], "CreateTableSpace"),
    (&["foreign", "table"], "CreateForeignTable"),
    (&["foreign", "data", "wrapper"], "CreateFdw"),
    (&["server"], "CreateForeignServer"),
    (&["user", "mapping"], "CreateUserMapping"),
    (&["policy"], "CreatePolicy"),
    (&["event", "trigger"], "CreateEventTrig"),
    (&["rule"], "Rule"),
    (&["materialized"], "CreateTableAs"),
    (&["aggregate"], "Define"),
    (&["operator", "class"], "CreateOpClass"),
    (&["operator", "family"], "CreateOpFamily"),
    (&["operator"], "Define"),
    (&["collation"], "Define"),
    (&["text", "search"], "Define"),
    (&["cast"], "CreateCast"),
    (&["conversion"], "CreateConversion"),
    (&["transform"], "CreateTransform"),
    (&["language"], "CreatePLang"),
    (&["publication"], "CreatePublication"),
    (&["subscription"], "CreateSubscription"),
    (&["access", "method"], "CreateAm"),
];

/// No row is ever locked by another, so that there is nothing to give up at once or to leave out: without NOWAIT and
/// SKIP LOCKED. Blanks stand in their place, as positions count.
fn unwaiting(w: Words) -> Option<Rewrite> {
    let mut sql: Option<String> = None;
    for at in 0..w.count() {
        let mut end = match () {
            () if w.are(at, &["for", "update"]) => at + 2,
            () if w.are(at, &["for", "key", "share"]) => at + 3,
            () => continue,
        };
        if w.is(end, "of") {
            end = w.qualified(end + 1).1;
            while w.symbol(end, b',') {
                end = w.qualified(end + 1).1;
            }
        }
        let words = match () {
            () if w.is(end, "nowait") => end..end + 1,
            () if w.are(end, &["skip", "locked"]) => end..end + 2,
            () => continue,
        };
        let sql = sql.get_or_insert_with(|| w.source(0..w.count()).to_owned());
        for word in &w.tokens[words] {
            let at = word.range().start - w.tokens[0].range().start;
            sql.replace_range(at..at + word.range().len(), &" ".repeat(word.range().len()));
        }
    }
    sql.map(|sql| Rewrite { sql, ..Rewrite::default() })
}

fn create(w: Words) -> Judged {
    let mut at = 1;
    if w.are(at, &["or", "replace"]) {
        at += 2;
    }
    if let Some((_, node)) = CREATES.iter().find(|(words, _)| w.are(at, words)) {
        return Err(Rule::Statement.fill(&[node]));
    }
    if w.any(at, &["global", "local"]) {
        at += 1;
    }
    if let Some(kind) =
        ["view", "sequence"].iter().find(|kind| w.is(at + 1, kind) || w.are(at + 1, &["recursive", kind]))
    {
        let of = |word: &str| Err(Rule::Persistence.fill(&[word, kind, &kind.to_uppercase()]));
        match () {
            () if w.any(at, &["temp", "temporary"]) => return of("TEMPORARY or TEMP"),
            () if w.is(at, "unlogged") => return of("UNLOGGED"),
            () => {}
        }
    }
    if w.any(at, &["temp", "temporary"]) {
        return Err(Rule::TempTable.failure());
    }
    if w.is(at, "unlogged") {
        return Err(Rule::Unlogged.failure());
    }
    if w.is(at, "view") || w.are(at, &["recursive", "view"]) {
        return view(w, at).map(|()| None);
    }
    if w.is(at, "trigger") || w.are(at, &["constraint", "trigger"]) {
        return Err(Rule::CreateTrigger.failure());
    }
    if w.is(at, "type") {
        return Err(create_type(w, at + 1));
    }
    if w.is(at, "table") {
        return table::create(w, at + 1);
    }
    if w.is(at, "index") || w.are(at, &["unique", "index"]) {
        return index::create(w);
    }
    if w.is(at, "sequence") {
        return sequence(w, at).map(|()| None);
    }
    if w.is(at, "function") {
        return body::function(w, at + 1).map(|()| None);
    }
    if w.is(at, "schema") {
        return schema(w, at + 1);
    }
    if w.any(at, &["role", "user", "group"]) {
        parameters::role_options(w, at + 2, "CREATE ROLE")?;
        return parameters::clauses(w, at..w.count()).map(|()| None);
    }
    if w.is(at, "procedure") {
        return Err(Rule::Procedure.failure());
    }
    if w.is(at, "domain") {
        return table::domain(w, at + 1);
    }
    Ok(None)
}

fn create_type(w: Words, at: usize) -> SqlFailure {
    let (_, at) = w.qualified(at);
    match () {
        () if w.are(at, &["as", "range"]) => Rule::Statement.fill(&["CreateRange"]),
        () if w.is(at, "as") && w.symbol(at + 1, b'(') => Rule::Statement.fill(&["CompositeType"]),
        () => Rule::CreateType.failure(),
    }
}

/// CREATE SCHEMA with what it is to hold, tables and views (AWS's grammar, 2026-08): each is looked at as if it stood alone.
fn schema(w: Words, at: usize) -> Judged {
    let begins = |at: &usize| w.any(*at, &["create", "grant"]) && !w.symbol(at.wrapping_sub(1), b'(');
    let mut starts: Vec<usize> = (at..w.count()).filter(begins).collect();
    if starts.is_empty() {
        return Ok(None);
    }
    starts.push(w.count());
    let mut insertions = Vec::new();
    for part in starts.windows(2) {
        let inner = Words { sql: w.sql, tokens: &w.tokens[part[0]..part[1]] };
        match () {
            () if inner.is(1, "table") => insertions.extend(table::definition(inner, 2)?),
            () if inner.is(1, "view") => view(inner, 1)?,
            () => return Err(Rule::Statement.fill(&["CreateSchema"])),
        }
    }
    Ok(table::inserted(w, insertions))
}

/// CREATE VIEW has no options. Source: AWS's grammar, 2026-08; the texts are inferred from CREATE TABLE.
fn view(w: Words, at: usize) -> Result<(), SqlFailure> {
    let (_, mut at) = w.qualified(at + if w.is(at, "recursive") { 2 } else { 1 });
    if w.symbol(at, b'(') {
        at = w.closing(at);
    }
    match () {
        () if w.is(at, "with") => Err(Rule::ViewClause.fill(&["WITH"])),
        () if w.are(w.count() - 2, &["check", "option"]) => Err(Rule::ViewClause.fill(&["WITH CHECK OPTION"])),
        () => Ok(()),
    }
}

/// COMMENT ON what DSQL does not have.
fn comment(w: Words) -> Result<(), SqlFailure> {
    const THERE: &[&str] = &[
        "table",
        "column",
        "index",
        "view",
        "sequence",
        "schema",
        "role",
        "function",
        "routine",
        "constraint",
        "domain",
        "type",
        "statistics",
    ];
    match w.is(1, "on") && w.name(2).is_some() && !w.any(2, THERE) {
        true => Err(Rule::CommentObject.failure()),
        false => Ok(()),
    }
}

fn sequence(w: Words, at: usize) -> Result<(), SqlFailure> {
    sequence_type(w, at)?;
    cache(w, at..w.count(), Rule::SequenceCache)
}

fn drop_(w: Words) -> Result<(), SqlFailure> {
    if w.are(1, &["index", "concurrently"]) {
        return Err(Rule::DropConcurrently.failure());
    }
    // There are no triggers: to drop one that may not be there is to do nothing, as dsql-lint has it among what is clean.
    if w.is(1, "trigger") && !w.are(2, &["if", "exists"]) {
        return Err(Rule::DropObject.failure());
    }
    let system = |at: usize| w.name(at).is_some_and(|name| SYSTEM_SCHEMAS.contains(&name.as_str()));
    if w.is(1, "schema") && (2..w.count()).any(system) {
        return Err(Rule::SystemEntity.failure());
    }
    if w.is(1, "domain") && w.is(w.count() - 1, "cascade") {
        return Err(Rule::DropDomainCascade.failure());
    }
    const OBJECTS: &[(&[&str], &str)] = &[
        (&["extension"], ""),
        (&["type"], ""),
        (&["policy"], ""),
        (&["rule"], ""),
        (&["materialized"], ""),
        (&["foreign"], ""),
        (&["server"], ""),
        (&["event"], ""),
        (&["aggregate"], ""),
        (&["operator"], ""),
        (&["collation"], ""),
        (&["procedure"], ""),
        (&["access"], ""),
        (&["cast"], ""),
        (&["conversion"], ""),
        (&["language"], ""),
        (&["publication"], ""),
        (&["text"], ""),
        (&["transform"], ""),
        (&["subscription"], "DropSubscription"),
        (&["database"], "Dropdb"),
        (&["tablespace"], "DropTableSpace"),
    ];
    match OBJECTS.iter().find(|(words, _)| w.are(1, words)) {
        None => Ok(()),
        Some((_, "")) => Err(Rule::DropObject.failure()),
        Some((_, node)) => Err(Rule::Statement.fill(&[node])),
    }
}

/// A role that an IAM role is mapped to stays, which only the database knows. None: not well formed, as
/// PostgreSQL will say.
fn drop_role(w: Words) -> Option<Rewrite> {
    let if_exists = w.are(2, &["if", "exists"]);
    let mut at = if if_exists { 4 } else { 2 };
    let mut names = Vec::new();
    loop {
        names.push(w.name(at)?);
        match w.count() - at {
            1 => break,
            _ if w.symbol(at + 1, b',') => at += 2,
            _ => return None,
        }
    }
    let sql = w.source(0..w.count()).to_owned();
    Some(Rewrite { sql, step: ProxyStep::DropRoles(names), ..Rewrite::default() })
}

/// `AWS IAM GRANT role TO 'arn'` and `AWS IAM REVOKE role FROM 'arn'` become calls in the database, so
/// that they take part in transactions and see the caller's privileges.
fn aws(w: Words) -> Judged {
    if !w.is(1, "iam") {
        return Err(Rule::Syntax.fill(&["AWS"]));
    }
    let (procedure, word, tag) = match () {
        () if w.is(2, "grant") => ("iam_grant", "to", "AWS IAM GRANT"),
        () if w.is(2, "revoke") => ("iam_revoke", "from", "AWS IAM REVOKE"),
        () => return Err(syntax(w, 2)),
    };
    let Some(role) = w.name(3) else { return Err(syntax(w, 3)) };
    if !w.is(4, word) {
        return Err(syntax(w, 4));
    }
    if w.tokens.get(5).map(|t| t.kind) != Some(T::Text) {
        return Err(syntax(w, 5));
    }
    if w.count() > 6 {
        return Err(syntax(w, 6));
    }
    let sql = format!("CALL pg_catalog.{OURS}{procedure}({}, {})", sql::quote_literal(&role), w.text(5));
    Ok(Some(Rewrite { sql, tag: Some(tag), ..Rewrite::default() }))
}

fn show(w: Words) -> Judged {
    let name = w.name(1).filter(|_| w.count() == 2).unwrap_or_default();
    match name.as_str() {
        "lc_collate" | "lc_ctype" => Err(Rule::ShowCollate.fill(&[&name])),
        "server_version" | "server_version_num" => {
            let sql = format!("SELECT pg_catalog.current_setting('{name}') AS {name}");
            Ok(Some(Rewrite { sql, tag: Some("SHOW"), ..Rewrite::default() }))
        }
        // Which would tell PostgreSQL's own version.
        "all" => {
            let sql = "SELECT name, pg_catalog.current_setting(name) AS setting, short_desc AS description \
                       FROM pg_catalog.pg_settings";
            Ok(Some(Rewrite { sql: sql.to_owned(), tag: Some("SHOW"), ..Rewrite::default() }))
        }
        parameters::DISABLE_SYNC_CREATE_INDEX => Ok(Some(parameters::show_sync())),
        _ => Ok(None),
    }
}
