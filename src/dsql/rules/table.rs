//! CREATE TABLE and CREATE DOMAIN: column types, identity, clauses, and `numeric`'s own default.

use super::super::edits::edited;
use super::super::statement::Rewrite;
use super::super::texts::{Rule, SqlFailure};
use super::super::words::Words;
use super::parts::{Judged, cache};
use workshop_base::sql::TokenKind as T;

/// `at` is behind TABLE.
pub fn create(w: Words, at: usize) -> Judged {
    Ok(inserted(w, definition(w, at)?))
}

/// Looks at what a table is to be, behind TABLE: returns what has to be put into it.
pub fn definition(w: Words, mut at: usize) -> Result<Vec<Insertion>, SqlFailure> {
    if w.are(at, &["if", "not", "exists"]) {
        at += 3;
    }
    let (_, at) = w.qualified(at);
    let end = match w.symbol(at, b'(') {
        true => w.closing(at),
        false => at,
    };
    clauses(w, end)?;
    let mut insertions = Vec::new();
    if !w.symbol(at, b'(') {
        return Ok(insertions);
    }
    for (from, to) in elements(w, at + 1, end.saturating_sub(1)) {
        // Of the index of a key.
        if (from..to).any(|at| w.is(at, "with") && w.symbol(at + 1, b'(')) {
            return Err(Rule::TableClause.fill(&["WITH"]));
        }
        if w.any(from, &["primary", "unique", "constraint", "check", "foreign", "like"]) || excludes(w, from) {
            keys(w, from, to)?;
            continue;
        }
        column(w, from, to, &mut insertions)?;
    }
    Ok(insertions)
}

/// `at` is behind DOMAIN.
pub fn domain(w: Words, at: usize) -> Judged {
    let (_, mut at) = w.qualified(at);
    if w.is(at, "as") {
        at += 1;
    }
    let mut insertions = Vec::new();
    let (behind, _) = data_type(w, at, w.count(), &mut insertions)?;
    no_collation(w, behind, w.count())?;
    Ok(inserted(w, insertions))
}

/// Returns what may follow the columns, or stand in their place.
fn clauses(w: Words, mut at: usize) -> Result<(), SqlFailure> {
    while at < w.count() {
        let clause = match () {
            () if w.is(at, "as") => return Err(Rule::Statement.fill(&["CreateTableAs"])),
            () if w.is(at, "inherits") => "INHERITS",
            () if w.are(at, &["partition", "of"]) => "PARTITION OF",
            () if w.is(at, "partition") => "PARTITION BY",
            () if w.is(at, "using") => "USING",
            () if w.is(at, "with") => "WITH",
            () if w.are(at, &["on", "commit"]) => "ON COMMIT",
            () if w.is(at, "tablespace") => "TABLESPACE",
            () if w.is(at, "of") => "OF",
            () => {
                at += 1;
                continue;
            }
        };
        // `CREATE TABLE t WITH (…) AS SELECT` is refused for what it is.
        let ctas = (at..w.count()).any(|n| w.is(n, "as") && w.any(n + 1, &["select", "with", "values", "table"]));
        return Err(if ctas { Rule::Statement.fill(&["CreateTableAs"]) } else { Rule::TableClause.fill(&[clause]) });
    }
    Ok(())
}

/// The parts between the top-level commas of `from..to`.
pub fn elements(w: Words, from: usize, to: usize) -> Vec<(usize, usize)> {
    let (mut out, mut start, mut depth) = (Vec::new(), from, 0i32);
    for at in from..to {
        match w.tokens[at].kind {
            T::Symbol(b'(' | b'[') => depth += 1,
            T::Symbol(b')' | b']') => depth -= 1,
            T::Symbol(b',') if depth == 0 => {
                out.push((start, at));
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < to {
        out.push((start, to));
    }
    out
}

/// Returns whether a constraint may wait for the end of its transaction.
pub fn is_deferred(w: Words, from: usize, to: usize) -> bool {
    (from..to)
        .any(|at| w.is(at, "deferrable") && !w.is(at.wrapping_sub(1), "not") || w.are(at, &["initially", "deferred"]))
}

/// Only foreign keys can be deferred.
fn deferral(w: Words, from: usize, to: usize) -> Result<(), SqlFailure> {
    if !is_deferred(w, from, to) || (from..to).any(|at| w.any(at, &["references", "foreign"])) {
        return Ok(());
    }
    let check = (from..to).any(|at| w.is(at, "check") && w.symbol(at + 1, b'('));
    Err(if check { Rule::DeferrableCheck.failure() } else { Rule::Deferrable.fill(&["DEFERRABLE"]) })
}

/// Refuses the clauses of a column that stand between its type and its constraints.
fn no_collation(w: Words, from: usize, to: usize) -> Result<(), SqlFailure> {
    let mut at = from;
    while at < to {
        match () {
            () if w.is(at, "collate") => return Err(Rule::Collate.failure()),
            () if w.is(at, "compression") => return Err(Rule::Compression.failure()),
            () if w.symbol(at, b'(') => at = w.closing(at),
            // What follows is an expression, in which an order of its own may stand.
            () if w.any(at, &["default", "check", "generated"]) => return Ok(()),
            () => at += 1,
        }
    }
    Ok(())
}

/// Returns whether an EXCLUDE constraint stands at `at`, and no column of that name.
pub fn excludes(w: Words, at: usize) -> bool {
    w.is(at, "exclude") && (w.symbol(at + 1, b'(') || w.is(at + 1, "using"))
}

/// A table constraint: at most eight key columns.
fn keys(w: Words, from: usize, to: usize) -> Result<(), SqlFailure> {
    deferral(w, from, to)?;
    if excludes(w, from) || w.is(from, "constraint") && excludes(w, from + 2) {
        return Err(Rule::Deferrable.fill(&["EXCLUDE"]));
    }
    let key = (from..to).find(|at| w.are(*at, &["primary", "key"]) || w.is(*at, "unique"));
    let Some(open) = key.and_then(|at| (at..to).find(|at| w.symbol(*at, b'('))) else { return Ok(()) };
    match elements(w, open + 1, w.closing(open) - 1).len() {
        0..=8 => Ok(()),
        _ => Err(Rule::KeyColumns.failure()),
    }
}

fn column(w: Words, from: usize, to: usize, insertions: &mut Vec<Insertion>) -> Result<(), SqlFailure> {
    let (behind, name) = data_type(w, from + 1, to, insertions)?;
    no_collation(w, behind, to)?;
    deferral(w, behind, to)?;
    identity(w, behind, to, &name)
}

/// An identity column needs CACHE, and must be bigint.
fn identity(w: Words, from: usize, to: usize, data_type: &str) -> Result<(), SqlFailure> {
    let Some(at) = (from..to).find(|at| w.are(*at, &["as", "identity"])) else { return Ok(()) };
    cache(w, at..to, Rule::IdentityCache)?;
    if data_type != "bigint" {
        return Err(Rule::IdentityType.fill(&[data_type]));
    }
    Ok(())
}

/// Text to stand in the place of some bytes of the statement, from and to.
pub type Insertion = (usize, usize, &'static str);

/// Makes the statement with the texts put in; None if there are none.
pub fn inserted(w: Words, insertions: Vec<Insertion>) -> Option<Rewrite> {
    if insertions.is_empty() {
        return None;
    }
    let (sql, edits) = edited(w, insertions);
    Some(Rewrite { sql, edits, ..Rewrite::default() })
}

/// Reads the type at `at`: the index behind it, and its name as PostgreSQL shows it.
///
/// # Errors
/// 42704 for a serial, 0A000 for a type that DSQL does not have, 54000 for a length beyond its limit.
pub fn data_type(
    w: Words,
    at: usize,
    to: usize,
    insertions: &mut Vec<Insertion>,
) -> Result<(usize, String), SqlFailure> {
    let (mut parts, mut behind) = w.qualified(at);
    let Some(mut name) = parts.pop() else { return Ok((at, String::new())) };
    match name.as_str() {
        "double" if w.is(behind, "precision") => behind += 1,
        "character" | "char" | "nchar" | "bit" if w.is(behind, "varying") => {
            name = if name == "bit" { "bit varying".into() } else { "varchar".into() };
            behind += 1;
        }
        "national" => {
            behind += 1;
            name = if w.is(behind, "varying") { "varchar".into() } else { "char".into() };
            behind += usize::from(w.is(behind, "varying"));
        }
        _ => {}
    }
    let bare = behind;
    let mut limit = None;
    if behind < to && w.symbol(behind, b'(') {
        limit = w.text(behind + 1).parse::<u64>().ok();
        behind = w.closing(behind);
    }
    if w.any(behind, &["with", "without"]) && w.is(behind + 1, "time") {
        behind += 3;
    }
    let name = canonical(&name);
    if SERIALS.contains(&name) {
        return Err(Rule::NoType.fill(&[name]));
    }
    if w.symbol(behind, b'[') || w.is(behind, "array") {
        return Err(Rule::DataType.fill(&[&format!("{name}[]")]));
    }
    if UNSUPPORTED.contains(&name) {
        return Err(Rule::DataType.fill(&[name]));
    }
    if name == "numeric" && bare == behind {
        let end = w.tokens[bare - 1].range().end;
        insertions.push((end, end, "(18,6)"));
    }
    match (name, limit) {
        ("character", Some(n)) if n > 4_096 => Err(Rule::CharLength.fill(&["4096", "char"])),
        ("character varying", Some(n)) if n > 65_535 => Err(Rule::CharLength.fill(&["65535", "varchar"])),
        _ => Ok((behind, name.to_owned())),
    }
}

const SERIALS: &[&str] = &["serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"];

/// D: the documentation is a list of what is allowed; this is what it leaves out of PostgreSQL's own.
const UNSUPPORTED: &[&str] = &[
    "money",
    "xml",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "tsvector",
    "tsquery",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "tsmultirange",
    "tstzmultirange",
    "datemultirange",
    "bit",
    "bit varying",
    "pg_lsn",
    "txid_snapshot",
    "pg_snapshot",
    "jsonpath",
];

/// PostgreSQL's display name of a type.
fn canonical(name: &str) -> &str {
    match name {
        "int" | "int4" => "integer",
        "int2" => "smallint",
        "int8" => "bigint",
        "float4" => "real",
        "float8" | "float" | "double" => "double precision",
        "decimal" | "dec" => "numeric",
        "bool" => "boolean",
        "varchar" => "character varying",
        "char" | "bpchar" | "nchar" => "character",
        "varbit" => "bit varying",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp without time zone",
        "timetz" => "time with time zone",
        "time" => "time without time zone",
        other => other,
    }
}
