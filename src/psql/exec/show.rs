//! Showing what is not a result on its way: errors, notices, and what the console says itself.

use std::io;

use super::options::SendOptions;
use super::result::put;
use crate::console::Console;
use crate::hints;
use crate::meta::settings;
use crate::out::{OutputTarget, RunContext};
use crate::report::{Paging, SqlLine, StatementResult};
use crate::servererror::{ServerMessage, Verbosity, render};
use crate::table::{self, Expanded, Medium, ResultTable, TableFormat, TableOptions, TablePart};
use crate::vars::Echo;

impl Console {
    /// Shows an error and remembers it.
    pub(crate) async fn fail(&mut self, message: ServerMessage, sql: &str, cx: &mut RunContext<'_>) {
        let text = render(&message, sql, self.settings.vars.verbosity(), self.settings.vars.context(), true);
        let text = format!("{}{text}", cx.prefix());
        cx.say(SqlLine::Error, &text).await;
        self.show_failed(sql, cx).await;
        if self.settings.options.hints
            && let Some(hint) = hints::explain(&message.to_report(), sql)
        {
            cx.say(SqlLine::Hint, &format!("{hint}\n")).await;
        }
        self.link.down |= message.is_fatal();
        self.settings.vars.put("ERROR", "true");
        self.settings.vars.put("SQLSTATE", message.sqlstate.clone());
        self.settings.vars.put("LAST_ERROR_SQLSTATE", message.sqlstate.clone());
        self.settings.vars.put("LAST_ERROR_MESSAGE", message.message.clone());
        cx.results.push(StatementResult { error: Some(message.to_report()), ..StatementResult::default() });
        if cx.error.is_none() {
            cx.error = Some(message.clone());
        }
        self.last_error = Some((message, sql.to_owned()));
    }

    /// Shows a statement that is sent, if that is asked for.
    pub(crate) async fn show_sent(&mut self, sql: &str, cx: &mut RunContext<'_>) {
        if self.settings.vars.echo() == Echo::Queries {
            cx.say(SqlLine::Status, &format!("{sql}\n")).await;
        }
    }

    /// Shows a statement that has failed, if that is asked for.
    pub(crate) async fn show_failed(&mut self, sql: &str, cx: &mut RunContext<'_>) {
        if self.settings.vars.echo() == Echo::Errors {
            let text = format!("{}STATEMENT:  {sql}\n", cx.prefix());
            cx.say(SqlLine::Error, &text).await;
        }
    }

    /// The last error in full (`\errverbose`).
    pub(crate) fn error_in_full(&self) -> Option<String> {
        let (message, sql) = self.last_error.as_ref()?;
        Some(render(message, sql, Verbosity::Verbose, crate::servererror::ShowContext::Always, true))
    }

    /// Shows a notice of the server, as VERBOSITY and SHOW_CONTEXT say.
    pub(crate) async fn show_notice(&mut self, notice: &ServerMessage, sql: &str, cx: &mut RunContext<'_>) {
        let text = render(notice, sql, self.settings.vars.verbosity(), self.settings.vars.context(), false);
        let text = format!("{}{text}", cx.prefix());
        cx.say(SqlLine::Notice, &text).await;
    }

    /// The settings for one result: those of the console, with what `\g` said on top.
    pub(super) fn table_options(&self, how: &SendOptions, medium: Medium) -> TableOptions {
        let mut options = TableOptions { medium, ..self.settings.looks() };
        for (name, value) in &how.settings {
            settings::set(&mut options, name, value.as_deref()).ok();
        }
        if how.expanded {
            options.expanded = Expanded::On;
        }
        if how.title.is_some() {
            options.title.clone_from(&how.title);
        }
        options
    }

    /// Prints what is the console's, not a result's: to where results go.
    pub(crate) async fn print_status(&mut self, text: &str, cx: &mut RunContext<'_>) {
        put(SqlLine::Status, text.as_bytes(), self.settings.output.as_mut(), cx).await;
    }

    /// Opens the file or starts the program that results are to go to.
    ///
    /// # Errors
    /// When the file cannot be written, the shell cannot be started, or programs are not started from here.
    pub(crate) fn open_target(&self, name: &str, cx: &mut RunContext<'_>) -> io::Result<OutputTarget> {
        if name.starts_with('|') {
            if !self.settings.options.shell {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, crate::out::NO_SHELL));
            }
            cx.sink.flush();
        }
        OutputTarget::open(name, &self.settings.directory)
    }

    /// Begins an output that a person may want to page through.
    pub(super) fn begin_page(&self, cx: &mut RunContext<'_>) {
        let wide = self.settings.table.format == TableFormat::Aligned && self.settings.table.expanded != Expanded::On;
        self.page(wide, cx);
    }

    /// The same for a text of the console's own.
    pub(crate) fn page(&self, wide: bool, cx: &mut RunContext<'_>) {
        let least = match self.settings.table.pager {
            table::Pager::Off => return,
            table::Pager::On => self.settings.table.pager_least,
            table::Pager::Always => 0,
        };
        if cx.interactive {
            cx.sink.begin_page(Paging { least, wide, always: self.settings.table.pager == table::Pager::Always });
        }
    }

    /// Prints a table that the console made itself.
    pub(crate) async fn print_table(&mut self, table: &ResultTable, cx: &mut RunContext<'_>) {
        if self.settings.output.is_none() {
            self.begin_page(cx);
        }
        let medium = medium(self.settings.output.as_ref(), cx);
        // As in psql, what is not there is empty in a listing, whatever `\pset null` says.
        let options = TableOptions { title: None, null: String::new(), medium, ..self.settings.looks() };
        let (pieces, _) = table::print(&options, table, &TablePart::whole());
        for (kind, text) in &pieces.0 {
            put(*kind, text, self.settings.output.as_mut(), cx).await;
        }
        cx.sink.end_page().await;
    }
}

impl Console {
    /// The same, without the number of rows.
    pub(crate) async fn print_uncounted(&mut self, table: &ResultTable, cx: &mut RunContext<'_>) {
        let footer = std::mem::replace(&mut self.settings.table.footer, false);
        self.print_table(table, cx).await;
        self.settings.table.footer = footer;
    }
}

/// Returns what is written to: a screen only where nothing else is.
pub(crate) fn medium(target: Option<&OutputTarget>, cx: &RunContext<'_>) -> Medium {
    if target.is_none() && cx.sink.is_screen() { Medium::Screen } else { Medium::File }
}
