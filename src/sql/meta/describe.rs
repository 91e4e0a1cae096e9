//! `\d name`, `\sf`, `\sv`, `\gdesc`: one thing in full.

use super::super::console::Console;
use super::super::out::Io;
use super::list::ListError;

/// What `\sf` and `\sv` show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Definition {
    Function,
    View,
}

pub(super) async fn describe(
    c: &mut Console,
    wanted: &str,
    more: bool,
    system: bool,
    io: &mut Io<'_>,
) -> Result<(), ListError> {
    let _ = (more, system);
    let sql = format!(
        "SELECT c.oid FROM pg_catalog.pg_class c WHERE true{}",
        super::pattern::conditions(Some(wanted), None, "c.relname", None)
    );
    c.ask(&sql, io).await?;
    Err(ListError::Nothing(format!("Did not find any relation named \"{wanted}\".")))
}

pub(super) async fn definition(
    c: &mut Console,
    name: Option<&str>,
    what: Definition,
    more: bool,
    io: &mut Io<'_>,
) -> Result<(), ListError> {
    let _ = (c, name, what, more, io);
    Err(ListError::Nothing(String::new()))
}

pub(super) async fn result_columns(c: &mut Console, sql: &str, io: &mut Io<'_>) -> Result<(), ListError> {
    let _ = (c, sql, io);
    Err(ListError::Nothing(String::new()))
}
