//! GRANT and REVOKE: of privileges, and of roles.

use super::super::texts::{Rule, SqlFailure};
use super::super::words::Words;
use super::parts::SYSTEM_SCHEMAS;
use workshop_base::sql;

/// Judges a GRANT or REVOKE: what the service itself owns is not the client's to share.
///
/// # Errors
/// 0A000 for what is the service's, and for objects that DSQL does not have.
pub fn privileges(w: Words) -> Result<(), SqlFailure> {
    let Some(on) = (1..w.count()).find(|at| w.is(*at, "on")) else { return Ok(()) };
    let verb = w.text(0).to_uppercase();
    let end = (on..w.count()).find(|at| w.any(*at, &["to", "from"])).unwrap_or(w.count());
    let system = |at: usize| w.name(at).filter(|name| SYSTEM_SCHEMAS.contains(&name.as_str()));
    // What is in them, but for what a client has put into `public`.
    let within = |at: usize| w.symbol(at + 1, b'.') || w.is(at - 1, "schema");
    let inner = (on + 1..end).any(|at| within(at) && system(at).is_some_and(|name| name != "public"));
    match () {
        () if inner || w.is(on + 1, "schema") && (on + 2..end).any(|at| system(at).is_some()) => {
            Err(Rule::SystemEntity.failure())
        }
        () if w.any(on + 1, &["database", "tablespace", "language", "parameter", "foreign", "large"]) => {
            Err(Rule::PrivilegeObject.fill(&[&verb]))
        }
        () => Ok(()),
    }
}

/// Returns the roles that a GRANT or REVOKE of roles is about, and whose memberships it changes; the same for ALTER
/// GROUP. None for any other statement.
pub fn memberships(sql: &str) -> (Vec<String>, Vec<String>) {
    let tokens = sql::code_tokens(sql);
    let w = Words { sql, tokens: &tokens };
    let names = |range: std::ops::Range<usize>| range.filter_map(|at| w.name(at)).collect::<Vec<_>>();
    match () {
        () if w.any(0, &["grant", "revoke"]) && !w.has("on") => {
            let from = (1..w.count()).find(|at| w.any(*at, &["to", "from"])).unwrap_or(w.count());
            (names(1..from), names((from + 1).min(w.count())..w.count()))
        }
        () if w.are(0, &["alter", "group"]) && w.any(3, &["add", "drop"]) => (names(2..3), names(5..w.count())),
        () => (Vec::new(), Vec::new()),
    }
}
