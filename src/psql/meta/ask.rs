//! Questions to the server on the console's own behalf.

use super::model::Control;
use super::model::ListingKind;
use crate::console::Console;
use crate::out::RunContext;
use crate::report::{Loss, SqlLine};
use crate::servererror::ServerMessage;
use crate::session::collect;
use crate::wire::WireError;

/// Why a listing shows nothing.
#[derive(Debug)]
pub(crate) enum ListError {
    /// There is nothing to show, in psql's words.
    Nothing(String),
    /// The server refused the query.
    Server(Box<ServerMessage>, String),
}

impl Console {
    /// Asks the server on the console's own behalf; nothing is printed and nothing is logged for a retry.
    ///
    /// # Errors
    /// When there is no connection, it breaks, or the server refuses the query.
    pub(crate) async fn ask(
        &mut self,
        sql: &str,
        cx: &mut RunContext<'_>,
    ) -> Result<Vec<Vec<Option<String>>>, ListError> {
        if matches!(self.settings.vars.get("ECHO_HIDDEN"), Some("on" | "noexec")) {
            let text = format!("********* QUERY **********\n{sql}\n**************************\n\n");
            cx.say(SqlLine::Status, &text).await;
        }
        self.reach(cx).await.map_err(|m| ListError::Server(Box::new(m), String::new()))?;
        let Some(link) = &mut self.link.connection else { return Ok(Vec::new()) };
        self.link.canceller.running(Some((self.link.connector.clone(), link.key)));
        let asked = collect(link, sql, usize::MAX).await;
        self.link.canceller.running(None);
        match asked {
            Ok(result) => Ok(result.rows),
            Err(WireError::Lost(error)) => {
                let loss = Loss::of(link.tx);
                self.lose(&error, loss, cx).await;
                Err(ListError::Server(Box::new(WireError::Lost(error).to_message()), sql.to_owned()))
            }
            Err(error) => Err(ListError::Server(Box::new(error.to_message()), sql.to_owned())),
        }
    }
}

/// Shows what a listing came to, where that is not a table: a sentence that nothing was found, or an error.
pub(super) async fn show(c: &mut Console, done: Result<(), ListError>, cx: &mut RunContext<'_>) -> Control {
    match done {
        Ok(()) => Control::Continue,
        Err(ListError::Nothing(text)) => {
            if !c.settings.vars.on("QUIET") {
                cx.complain(&text).await;
            }
            Control::Failed
        }
        Err(ListError::Server(message, sql)) => {
            c.fail(*message, &sql, cx).await;
            Control::Failed
        }
    }
}

/// Looks at the dots of a name pattern before anything is asked.
///
/// # Errors
/// When it has more parts than a name of that kind, or names another database.
pub(super) fn check(c: &Console, what: ListingKind, text: &str) -> Result<(), ListError> {
    let names_only = matches!(what, ListingKind::Schemas | ListingKind::Roles | ListingKind::Databases);
    let dots = super::pattern::dots(text);
    let most = if names_only { 1 } else { 2 };
    // `database.schema.name` is taken where it names this database.
    let first = text.split('.').next().unwrap_or_default();
    if dots > most {
        return Err(ListError::Nothing(format!("improper qualified name (too many dotted names): {text}")));
    }
    if dots == most && first != c.link.connector.database {
        return Err(ListError::Nothing(format!("cross-database references are not implemented: {text}")));
    }
    Ok(())
}

/// Tells whether the server is Aurora DSQL, which has a schema `sys` of its own. Asked once a connection.
///
/// # Errors
/// When it cannot be asked.
pub(super) async fn is_dsql(c: &mut Console, cx: &mut RunContext<'_>) -> Result<bool, ListError> {
    if let Some(known) = c.link.dsql {
        return Ok(known);
    }
    let rows = c.ask("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = 'sys'", cx).await?;
    c.link.dsql = Some(!rows.is_empty());
    Ok(!rows.is_empty())
}
