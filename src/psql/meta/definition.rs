//! `\sf`, `\sv`, `\gdesc`: how a function or a view was made, and the columns of a result.

use workshop_base::sql::quote_literal;

use super::ask::ListError;
use crate::console::Console;
use crate::out::RunContext;
use crate::servererror::ServerMessage;
use crate::table::{Column, ResultTable};
use crate::wire;

/// The thing whose making `\sf` and `\sv` show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Definition {
    Function,
    View,
}

/// Shows how a function or a view was made (`\sf`, `\sv`); with `more`, with numbered lines.
///
/// # Errors
/// When there is no such thing, or the server cannot be asked.
pub(super) async fn definition(
    c: &mut Console,
    name: Option<&str>,
    what: Definition,
    more: bool,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    let Some(name) = name else {
        return Err(ListError::Nothing(match what {
            Definition::Function => "function name is required".to_owned(),
            Definition::View => "view name is required".to_owned(),
        }));
    };
    let quoted = quote_literal(name.trim());
    let sql = match what {
        Definition::Function => {
            let kind = if name.contains('(') { "regprocedure" } else { "regproc" };
            format!("SELECT pg_catalog.pg_get_functiondef({quoted}::pg_catalog.{kind}::pg_catalog.oid)")
        }
        Definition::View => format!(
            "SELECT CASE WHEN c.relkind IN ('v', 'm') THEN 'CREATE OR REPLACE VIEW ' || pg_catalog.quote_ident(n.nspname) \
             || '.' || pg_catalog.quote_ident(c.relname) || E' AS\\n' || pg_catalog.pg_get_viewdef(c.oid, true) END, \
             n.nspname || '.' || c.relname FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.oid = {quoted}::pg_catalog.regclass::pg_catalog.oid"
        ),
    };
    let rows = match c.ask(&sql, cx).await {
        // The name is not found: psql says that in one line, for nobody wrote the query.
        Err(ListError::Server(message, _)) if message.sqlstate.starts_with("42") => {
            return Err(ListError::Nothing(format!("{}:  {}", message.severity, message.message)));
        }
        rows => rows?,
    };
    let row = rows.into_iter().next().unwrap_or_default();
    let Some(text) = row.first().cloned().flatten() else {
        let name = row.get(1).cloned().flatten().unwrap_or_else(|| name.to_owned());
        return Err(ListError::Nothing(format!("\"{name}\" is not a view")));
    };
    let text = text.trim_end_matches('\n').trim_end_matches(';');
    let text = if more { numbered(text, what) } else { format!("{text}\n") };
    c.print_status(&text, cx).await;
    Ok(())
}

/// The text with the numbers of its body's lines, as the server counts them in errors.
fn numbered(text: &str, what: Definition) -> String {
    let mut number = 0;
    text.lines()
        .map(|line| {
            let body = match what {
                Definition::Function => ["AS ", "BEGIN ", "RETURN "].iter().any(|w| line.starts_with(w)),
                Definition::View => true,
            };
            if number > 0 || body {
                number += 1;
                format!("{number:<7} {line}\n")
            } else {
                format!("        {line}\n")
            }
        })
        .collect()
}

/// Shows the columns that a statement would give (`\gdesc`), without running it.
///
/// # Errors
/// When the statement is wrong, or the server cannot be asked.
pub(super) async fn result_columns(c: &mut Console, sql: &str, cx: &mut RunContext<'_>) -> Result<(), ListError> {
    let described = described(c, sql, cx).await?;
    if described.is_empty() {
        c.print_status("The command has no result, or the result has no columns.\n", cx).await;
        return Ok(());
    }
    let values: Vec<String> = described
        .iter()
        .enumerate()
        .map(|(i, (name, oid, modifier))| {
            format!("({i}, {}, pg_catalog.format_type({oid}, {modifier}))", quote_literal(name))
        })
        .collect();
    let sql = format!("SELECT c, t FROM (VALUES {}) AS v (n, c, t) ORDER BY n", values.join(", "));
    let rows = c.ask(&sql, cx).await?;
    let columns = vec![Column::left("Column"), Column::left("Type")];
    c.print_table(&ResultTable { columns, rows: rows.into(), ..ResultTable::default() }, cx).await;
    Ok(())
}

async fn described(c: &mut Console, sql: &str, cx: &mut RunContext<'_>) -> Result<Vec<(String, u32, i32)>, ListError> {
    c.reach(cx).await.map_err(|m| ListError::Server(Box::new(m), String::new()))?;
    let Some(link) = &mut c.link.connection else { return Ok(Vec::new()) };
    let broken =
        |error: std::io::Error| ListError::Server(Box::new(wire::WireError::Lost(error).to_message()), sql.to_owned());
    link.describe(sql).await.map_err(broken)?;
    let (mut columns, mut error) = (Vec::new(), None);
    loop {
        let frame = link.next().await.map_err(broken)?;
        match frame.tag {
            b'T' => columns = wire::typed_columns(frame.body).map_err(broken)?,
            b'E' => error = Some(ServerMessage::parse(frame.body)),
            b'Z' => break,
            _ => {}
        }
    }
    match error {
        Some(message) => Err(ListError::Server(Box::new(message), sql.to_owned())),
        None => Ok(columns),
    }
}
