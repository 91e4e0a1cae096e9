//! What a session may set, and the functions that DSQL does not have.
//!
//! Invariant: what is not in [`SETTABLE`] is refused, whatever way it comes: SET, `set_config`, a function's or role's
//! SET clause, or the startup packet.

use super::super::edits::edited;
use super::super::statement::Rewrite;
use super::super::texts::{Rule, SqlFailure};
use super::super::words::Words;
use super::parts::{Judged, isolation};
use workshop_base::sql::{TokenKind as T, quote_literal};

/// Source: AWS user guide, accessing, session parameters, read 2026-09: 18 names. `role` with SET LOCAL only.
pub const SETTABLE: &[&str] = &[
    "application_name",
    "client_encoding",
    "datestyle",
    "extra_float_digits",
    "intervalstyle",
    "timezone",
    "search_path",
    "role",
    "enable_bitmapscan",
    "enable_hashjoin",
    "enable_indexonlyscan",
    "enable_indexscan",
    "enable_material",
    "enable_mergejoin",
    "enable_nestloop",
    "enable_seqscan",
    "dsql.enable_batched_nestloop",
    DISABLE_SYNC_CREATE_INDEX,
];

/// Off lets a synchronous CREATE INDEX of an empty table pass.
pub const DISABLE_SYNC_CREATE_INDEX: &str = "disable_sync_create_index";
/// Where PostgreSQL keeps it, which has no parameter without a prefix but its own.
pub const KEPT_SYNC: &str = "dsql.disable_sync_create_index";

/// Functions that are refused by name: those that run a text (and so could get past every rule), those that reach
/// other sessions, and those of what DSQL does not have. Sources: field reports of 2025 and 2026 (golang-migrate, goose)
/// for pg_advisory_lock, AWS's MCP server (2026-08) for the backends; the others are inferred. Names that end in `*` stand for all that begin so.
const REFUSED_FUNCTIONS: &[&str] = &[
    "pg_advisory_*",
    "pg_try_advisory_*",
    "pg_notify",
    "query_to_xml*",
    "cursor_to_xml*",
    "table_to_xml*",
    "schema_to_xml*",
    "database_to_xml*",
    "ts_stat",
    "ts_rewrite",
    "pg_cancel_backend",
    "pg_terminate_backend",
    // By their whole names: a client's own may begin so.
    "lo_close",
    "lo_creat",
    "lo_create",
    "lo_export",
    "lo_from_bytea",
    "lo_get",
    "lo_import",
    "lo_lseek",
    "lo_lseek64",
    "lo_open",
    "lo_put",
    "lo_tell",
    "lo_tell64",
    "lo_truncate",
    "lo_truncate64",
    "lo_unlink",
    "loread",
    "lowrite",
];

/// The same for functions that do no harm: those of a server process, and of the size of files. Sources: beekeeper-studio
/// 3224 (2025-05) for pg_backend_pid, dbcode 637 (2025-07) for pg_table_size; the other sizes are inferred.
const UNKNOWN_FUNCTIONS: &[&str] = &[
    "pg_backend_pid",
    "pg_table_size",
    "pg_relation_size",
    "pg_total_relation_size",
    "pg_indexes_size",
    "pg_database_size",
    "pg_tablespace_size",
];

/// Returns a pattern of PostgreSQL's for the names of the refused functions.
pub fn refused_pattern() -> String {
    REFUSED_FUNCTIONS.iter().map(|name| name.replace('*', ".*")).collect::<Vec<_>>().join("|")
}

/// Returns whether DSQL has no function of this name (in lower case) although PostgreSQL has.
pub fn is_refused_function(name: &str) -> bool {
    REFUSED_FUNCTIONS.iter().chain(UNKNOWN_FUNCTIONS).any(|known| match known.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => *known == name,
    })
}

/// Returns whether a session may set this at its start or with SET; names are the same in upper and lower case.
pub fn is_settable(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name != "role" && SETTABLE.contains(&name.as_str())
}

/// Returns the first parameter that the `options` of a startup packet set although nobody may, or `options` itself
/// for what is no parameter.
pub fn refused_option(options: &str) -> Option<String> {
    let words = option_words(options);
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("--") {
            Some(setting) => Some(setting),
            None => match word.strip_prefix("-c") {
                Some("") => words.next(),
                other => other,
            },
        };
        let Some((name, _)) = setting.and_then(|setting| setting.split_once('=')) else {
            return Some("options".into());
        };
        let name = name.replace('-', "_");
        if !is_settable(&name) {
            return Some(name);
        }
    }
    None
}

/// Returns the words of a startup packet's `options` as PostgreSQL divides them: at blanks, unless a backslash is before.
fn option_words(options: &str) -> Vec<String> {
    let (mut words, mut word, mut escaped) = (Vec::new(), String::new(), false);
    for c in options.chars() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            c if c.is_ascii_whitespace() && !escaped => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
        escaped = false;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// SET.
pub fn set(w: Words) -> Judged {
    let local = w.is(1, "local");
    let at =
        if local || w.is(1, "session") && !w.any(2, &["to", "characteristics"]) && !w.symbol(2, b'=') { 2 } else { 1 };
    let characteristics = w.are(1, &["session", "characteristics"]);
    if w.is(at, "transaction") || w.is(at, "characteristics") || characteristics {
        isolation(w)?;
        // READ ONLY and READ WRITE were seen to work on a cluster, 2026-10-10 (pistachio); that the only isolation level
        // may be named is of AWS's grammar, 2026-08.
        return match characteristics && modes_only(w, 5) {
            true => Ok(None),
            false => Err(Rule::SetParameter.fill(&["TRANSACTION"])),
        };
    }
    // Back to whom the session began as: AWS's grammar, 2026-08.
    let own = w.are(at, &["authorization", "default"]) || w.are(at, &["session", "authorization", "default"]);
    if w.is(at, "constraints") || own {
        return Ok(None);
    }
    named(w, at, local)?;
    if w.name(at).as_deref() == Some(DISABLE_SYNC_CREATE_INDEX) {
        let value = w.value(at + 2).to_lowercase();
        if !matches!(value.as_str(), "on" | "off" | "true" | "false" | "yes" | "no" | "1" | "0" | "default") {
            return Err(Rule::Boolean.fill(&[DISABLE_SYNC_CREATE_INDEX]));
        }
        return Ok(Some(kept_elsewhere(w, at)));
    }
    Ok(None)
}

/// Returns whether what stands at `at` and behind it are modes that every transaction may have, and at least one.
fn modes_only(w: Words, mut at: usize) -> bool {
    const MODES: &[&[&str]] = &[&["isolation", "level", "repeatable", "read"], &["read", "only"], &["read", "write"]];
    loop {
        match MODES.iter().find(|mode| w.are(at, mode)) {
            Some(mode) => at += mode.len(),
            None => return false,
        }
        if at == w.count() {
            return true;
        }
        at += usize::from(w.symbol(at, b','));
    }
}

/// RESET.
pub fn reset(w: Words) -> Judged {
    if w.is(1, "all") || w.is(1, "role") || w.are(1, &["session", "authorization"]) {
        return Ok(None);
    }
    named(w, 1, true)?;
    match w.name(1).as_deref() {
        Some(DISABLE_SYNC_CREATE_INDEX) => Ok(Some(kept_elsewhere(w, 1))),
        _ => Ok(None),
    }
}

/// SHOW of what only DSQL has.
pub fn show_sync() -> Rewrite {
    let sql = format!(
        "SELECT pg_catalog.current_setting({}) AS {DISABLE_SYNC_CREATE_INDEX}",
        quote_literal(DISABLE_SYNC_CREATE_INDEX)
    );
    Rewrite { sql, tag: Some("SHOW"), ..Rewrite::default() }
}

fn kept_elsewhere(w: Words, at: usize) -> Rewrite {
    let name = w.tokens[at].range();
    let (sql, edits) = edited(w, [(name.start, name.end, KEPT_SYNC)]);
    Rewrite { sql, edits, ..Rewrite::default() }
}

/// The SET clauses of a function or a role, among what stands in these places.
///
/// # Errors
/// 0A000 with the name of the first parameter that may not be set.
pub fn clauses(w: Words, mut places: impl Iterator<Item = usize>) -> Result<(), SqlFailure> {
    places.try_for_each(|at| if w.is(at, "set") { named(w, at + 1, true) } else { Ok(()) })
}

/// The options of a role, from `at` on: those of a password and of connections are IAM's business there.
/// Source: AWS's grammar and dsql-lint, 2026-08; the text is inferred.
///
/// # Errors
/// 0A000 with the first option that there is not.
pub fn role_options(w: Words, at: usize, statement: &str) -> Result<(), SqlFailure> {
    let given = |at: &usize| match () {
        () if w.is(*at, "password")
            && (w.is(at + 1, "null") || w.tokens.get(at + 1).is_some_and(|t| t.kind == T::Text)) =>
        {
            Some("PASSWORD")
        }
        () if w.are(*at, &["valid", "until"]) => Some("VALID UNTIL"),
        () if w.are(*at, &["connection", "limit"]) => Some("CONNECTION LIMIT"),
        () => None,
    };
    match (at..w.count()).find_map(|at| given(&at)) {
        Some(option) => Err(Rule::RoleOption.fill(&[option, statement])),
        None => Ok(()),
    }
}

/// Refuses the parameter whose name stands at `at`, unless it may be set.
fn named(w: Words, at: usize, local: bool) -> Result<(), SqlFailure> {
    let name = match () {
        () if w.are(at, &["time", "zone"]) => "timezone".to_owned(),
        () if w.is(at, "names") => "client_encoding".to_owned(),
        () if w.is(at, "schema") && !w.is(at + 1, "to") && !w.symbol(at + 1, b'=') => "search_path".to_owned(),
        () if w.is(at, "authorization") || w.are(at, &["session", "authorization"]) => {
            "session_authorization".to_owned()
        }
        () if w.are(at, &["transaction", "isolation", "level"]) => "transaction_isolation".to_owned(),
        () if w.are(at, &["xml", "option"]) => "xmloption".to_owned(),
        () => w.qualified(at).0.join("."),
    };
    let role = local && name.eq_ignore_ascii_case("role");
    // Without a name it is PostgreSQL's syntax error.
    if name.is_empty() || role || is_settable(&name) { Ok(()) } else { Err(Rule::SetParameter.fill(&[&name])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighteen_parameters_may_be_set() {
        assert_eq!(SETTABLE.len(), 18);
        assert!(is_settable("DateStyle") && is_settable("search_path") && !is_settable("statement_timeout"));
        assert!(!is_settable("role"), "with SET LOCAL alone");
    }

    #[test]
    fn options_are_looked_through() {
        for (options, refused) in [
            ("-c search_path=a -csearch_path=b --TimeZone=UTC", None),
            ("-c statement_timeout=1", Some("statement_timeout")),
            ("--default-transaction-isolation=serializable", Some("default_transaction_isolation")),
            ("-c datestyle=iso -cjit=off", Some("jit")),
            ("-e", Some("options")),
            ("-c search_path=a,\\ b -c datestyle=iso", None),
            ("-c search_path=a\\ -c jit=off", Some("options")),
            ("-cji\\t=off", Some("jit")),
            ("", None),
        ] {
            assert_eq!(refused_option(options).as_deref(), refused, "{options}");
        }
    }

    #[test]
    fn functions_are_refused_by_name() {
        assert!(is_refused_function("pg_try_advisory_xact_lock") && is_refused_function("query_to_xml_and_xmlschema"));
        assert!(is_refused_function("pg_backend_pid") && is_refused_function("lo_create"));
        assert!(!is_refused_function("pg_advisory") && !is_refused_function("to_tsvector"));
        assert!(is_refused_function("lo_lseek64") && !is_refused_function("lo_total"), "the latter is a client's own");
        assert!(!refused_pattern().contains("pg_backend_pid"), "the sandbox's own functions call it as the client");
    }
}
