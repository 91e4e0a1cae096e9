//! The listings: `\l \d \dt \di \dv \ds \dn \df \du \dp \dT \dD \dconfig`, laid out as the psql of the server's
//! version does.
//!
//! The catalogue queries are our own and ask for little: Aurora DSQL has most of PostgreSQL's catalogue, but
//! not all of its functions, and a listing must not fail for a column that few look at: where the whole query is
//! refused, or must not be tried, a smaller one is asked (`fallback`).

use super::ask::{ListError, check, is_dsql};
use super::listings::{self, Listing};
use super::model::ListingKind;
use super::pattern::conditions;
use crate::console::Console;
use crate::out::RunContext;
use crate::report::TxState;
use crate::table::{Column, ResultTable, TextRow};

/// Shows a listing.
///
/// # Errors
/// When the pattern is none, or the server cannot be asked.
pub(super) async fn list(
    c: &mut Console,
    what: ListingKind,
    wanted: Option<&str>,
    more: bool,
    system: bool,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    if let Some(text) = wanted {
        check(c, what, text)?;
    }
    connected(c, cx).await?;
    let version = c.settings.psql_version();
    let listing = match what {
        ListingKind::Any => listings::relations(wanted, more, system, &["r", "p", "v", "m", "S", "f"], c),
        ListingKind::Relations { tables, indexes, views, sequences, materialized, foreign } => {
            let mut kinds = Vec::new();
            let mut add = |on: bool, letters: &[&'static str]| {
                if on {
                    kinds.extend_from_slice(letters)
                }
            };
            add(tables, &["r", "p"]);
            add(tables && (system || wanted.is_some()), &["t"]);
            add(views, &["v"]);
            add(materialized, &["m"]);
            add(indexes, &["i", "I"]);
            add(sequences, &["S"]);
            add(foreign, &["f"]);
            listings::relations(wanted, more, system, &kinds, c)
        }
        ListingKind::Schemas => listings::schemas(wanted, more, system),
        ListingKind::Functions { kinds } => listings::functions(wanted, kinds, more, system, version),
        ListingKind::Roles => return listings::roles(c, wanted, more, system, version, cx).await,
        ListingKind::Privileges => listings::privileges(wanted, system),
        ListingKind::Types => listings::types(wanted, more, system),
        ListingKind::Domains => listings::domains(wanted, more, system),
        ListingKind::Databases => listings::databases(wanted, more, version),
    };
    let rows = ask(c, &listing, cx).await?;
    if rows.is_empty()
        && matches!(what, ListingKind::Any | ListingKind::Relations { .. })
        && !c.settings.vars.on("QUIET")
    {
        let plural = listing.title.trim_start_matches("List of ");
        let text = match wanted {
            Some(text) if plural == "relations" => format!("Did not find any relation named \"{text}\"."),
            Some(text) => format!("Did not find any {plural} named \"{text}\"."),
            None => format!("Did not find any {plural}."),
        };
        // As psql has it, an empty list is told, but no failure that would end a script.
        cx.complain(&text).await;
        return Ok(());
    }
    let columns = listing.headings.iter().map(|h| Column::left(*h)).collect();
    let table = ResultTable { title: Some(listing.title.to_owned()), columns, rows: rows.into(), footers: Vec::new() };
    c.print_table(&table, cx).await;
    Ok(())
}

/// Shows configuration parameters (`\dconfig`): those that a pattern names, or those that were changed.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn configuration(
    c: &mut Console,
    wanted: Option<&str>,
    more: bool,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    let (title, condition) = match wanted {
        Some(text) => {
            ("List of configuration parameters", conditions(Some(text), None, "pg_catalog.lower(s.name)", None))
        }
        None => (
            "List of non-default configuration parameters",
            " AND s.source <> 'default' AND s.setting IS DISTINCT FROM s.boot_val".to_owned(),
        ),
    };
    let mut headings = vec!["Parameter", "Value"];
    let (mut shown, mut from) = ("", "");
    if more {
        headings.extend(["Type", "Context", "Access privileges"]);
        shown = ", s.vartype, s.context, pg_catalog.array_to_string(p.paracl, E'\\n')";
        from = " LEFT JOIN pg_catalog.pg_parameter_acl p ON pg_catalog.lower(s.name) = p.parname";
    }
    let sql = format!(
        "SELECT s.name, pg_catalog.current_setting(s.name){shown} FROM pg_catalog.pg_settings s{from} \
         WHERE true{condition} ORDER BY 1"
    );
    let rows = c.ask(&sql, cx).await?;
    let columns = headings.into_iter().map(Column::left).collect();
    c.print_table(&ResultTable { title: Some(title.to_owned()), columns, rows: rows.into(), footers: Vec::new() }, cx)
        .await;
    Ok(())
}

/// Listings look different from version to version; the server says its own when the connection is made.
async fn connected(c: &mut Console, cx: &mut RunContext<'_>) -> Result<(), ListError> {
    c.reach(cx).await.map_err(|m| ListError::Server(Box::new(m), String::new()))?;
    Ok(())
}

async fn ask(c: &mut Console, listing: &Listing, cx: &mut RunContext<'_>) -> Result<Vec<TextRow>, ListError> {
    let Some(smaller) = &listing.fallback else { return c.ask(&listing.sql, cx).await };
    if !is_dsql(c, cx).await? {
        return c.ask(&listing.sql, cx).await;
    }
    // Not tried inside a transaction: an error would end the one that the person has open.
    if c.tx() == TxState::Idle {
        match c.ask(&listing.sql, cx).await {
            Err(ListError::Server(..)) if c.is_connected() => {}
            answered => return answered,
        }
    }
    c.ask(smaller, cx).await
}
