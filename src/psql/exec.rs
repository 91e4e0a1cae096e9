//! Sending statements and receiving what they answer.
//!
//! Invariants: a statement is sent once and never again by itself; a result passes through in bounded memory;
//! the transaction's state is the server's word, or unknown.

mod converse;
mod current;
mod loss;

use std::io;
use std::time::Duration;

use tokio::time::Instant;
use workshop_base::sql;

use super::console::{Console, Feed};
use super::hints;
use super::out::{Io, Target};
use super::report::{Paging, SqlLine, StatementResult, TxState};
use super::servererror::{ServerMessage, Verbosity, render};
use super::session::collect;
use super::table::{self, Expanded, Format, Medium, Options, Part, Row, Table};
use super::vars::Echo;
use super::wire;
use current::put;

/// What is to be done with the result of one statement.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// `\g file`, `\g |program`
    pub file: Option<String>,
    /// `\gx`
    pub expanded: bool,
    /// `\g (name=value)`
    pub settings: Vec<(String, Option<String>)>,
    /// `\gset prefix`
    pub gset: Option<String>,
    /// `\gexec`
    pub gexec: bool,
    /// A heading of its own (`\watch`).
    pub title: Option<String>,
    /// Where `\copy` reads from or writes to.
    pub copy: Copy,
    /// Printed with the tag of a COPY, and nothing else.
    pub only_tag: bool,
}

/// The other end of a COPY.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Copy {
    /// The input itself, up to `\.`; the output itself.
    #[default]
    Here,
    File(std::path::PathBuf),
    Program(String),
}

/// What became of a message to the server.
#[derive(Default)]
struct Answer {
    error: Option<ServerMessage>,
    rows: u64,
    taken: Vec<Row>,
    taken_columns: Vec<String>,
    /// Where in the file its error is, when more of that was read meanwhile.
    place: Option<(String, u64)>,
}

impl Console {
    /// Sends one text as one message, shows what comes, and says whether it went well.
    pub(super) async fn send(&mut self, sql: &str, shape: &Shape, io: &mut Io<'_>) -> bool {
        self.send_from(sql, shape, &mut None, io).await
    }

    /// The same; `feed` holds what a COPY FROM STDIN reads.
    pub(super) async fn send_from(
        &mut self,
        sql: &str,
        shape: &Shape,
        feed: &mut Option<&mut dyn Feed>,
        io: &mut Io<'_>,
    ) -> bool {
        if self.vars.echo() == Echo::Queries {
            self.print_status(&format!("{sql}\n"), io).await;
        }
        // Settings and files are looked at first: a mistake there costs nothing.
        let own = match self.prepare(shape, io) {
            Ok(own) => own,
            Err(text) => {
                io.complain(&text).await;
                return false;
            }
        };
        if let Err(message) = self.ready(sql, io).await {
            self.fail(message, sql, io).await;
            return false;
        }
        let before = self.tx();
        if before == TxState::Idle {
            self.log.clear();
        }
        if before == TxState::Idle && !self.vars.on("AUTOCOMMIT") && !controls_transaction(sql) && !self.begin(io).await
        {
            return false;
        }
        self.log.push(sql.to_owned());
        let started = Instant::now();
        let answer = self.exchange(sql, shape, own, feed, io).await;
        let took = started.elapsed();
        let ok = match answer {
            Ok(answer) => self.settle(answer, sql, shape, io).await,
            Err(error) => {
                let loss = loss::under(before, sql);
                self.lose(&error, loss, io).await;
                self.fail(loss::message(&error, loss, Some(before)), sql, io).await;
                false
            }
        };
        if self.timing {
            self.print_status(&elapsed(took), io).await;
        }
        ok
    }

    /// What follows an answer: variables, the log for a retry, the rows that were asked for.
    async fn settle(&mut self, answer: Answer, sql: &str, shape: &Shape, io: &mut Io<'_>) -> bool {
        self.vars.put("ROW_COUNT", answer.rows.to_string());
        match answer.error {
            Some(message) => {
                if message.sqlstate == "40001" {
                    self.conflict = Some(self.log.clone());
                }
                self.vars.put("ROW_COUNT", "0");
                let behind = answer.place.map(|place| io.place.replace(place));
                self.fail(message, sql, io).await;
                if let Some(behind) = behind {
                    io.place = behind;
                }
                return false;
            }
            None => {
                self.vars.put("ERROR", "false");
                self.vars.put("SQLSTATE", "00000");
                if !sql::first_word(sql).eq_ignore_ascii_case("rollback") {
                    self.conflict = None;
                }
            }
        }
        if let Some(prefix) = &shape.gset {
            return self.gset(prefix, &answer, io).await;
        }
        if shape.gexec {
            for cell in answer.taken.into_iter().flatten().flatten() {
                if !Box::pin(self.send(&cell, &Shape::default(), io)).await && self.stops(io) {
                    return false;
                }
            }
        }
        true
    }

    async fn gset(&mut self, prefix: &str, answer: &Answer, io: &mut Io<'_>) -> bool {
        let complaint = match answer.taken.len() {
            0 => Some("no rows returned for \\gset"),
            1 => None,
            _ => Some("more than one row returned for \\gset"),
        };
        if let Some(text) = complaint {
            io.complain(text).await;
            return false;
        }
        let mut ok = true;
        for (name, value) in answer.taken_columns.iter().zip(&answer.taken[0]) {
            let name = format!("{prefix}{name}");
            let set = match value {
                Some(value) => self.vars.set(&name, value),
                None => {
                    self.vars.unset(&name);
                    Ok(())
                }
            };
            if let Err(text) = set {
                io.complain(&text).await;
                ok = false;
            }
        }
        ok
    }

    /// Opens what `\g` names, and proves its settings.
    fn prepare(&mut self, shape: &Shape, io: &mut Io<'_>) -> Result<Option<Target>, String> {
        let mut options = self.table.clone();
        for (name, value) in &shape.settings {
            super::meta::settings::set(&mut options, name, value.as_deref())?;
        }
        let open = |name: &String| self.open_target(name, io).map_err(|e| format!("{name}: {}", wire::reason(&e)));
        shape.file.as_ref().map(open).transpose()
    }

    /// Begins the transaction that AUTOCOMMIT off implies.
    async fn begin(&mut self, io: &mut Io<'_>) -> bool {
        let Some(link) = &mut self.link else { return false };
        match collect(link, "BEGIN", 0).await {
            Ok(_) => {
                self.log.push("BEGIN".to_owned());
                true
            }
            Err(error) => {
                self.fail(error.to_message(), "BEGIN", io).await;
                false
            }
        }
    }

    /// Shows an error and remembers it.
    pub(super) async fn fail(&mut self, message: ServerMessage, sql: &str, io: &mut Io<'_>) {
        let text = render(&message, sql, self.vars.verbosity(), self.vars.context(), true);
        let text = format!("{}{text}", io.prefix());
        io.say(SqlLine::Error, &text).await;
        if self.vars.echo() == Echo::Errors {
            let text = format!("{}STATEMENT:  {sql}\n", io.prefix());
            io.say(SqlLine::Error, &text).await;
        }
        if self.options.hints
            && let Some(hint) = hints::explain(&message.to_report(), sql)
        {
            io.say(SqlLine::Hint, &format!("{hint}\n")).await;
        }
        self.down |= message.is_fatal();
        self.vars.put("ERROR", "true");
        self.vars.put("SQLSTATE", message.sqlstate.clone());
        self.vars.put("LAST_ERROR_SQLSTATE", message.sqlstate.clone());
        self.vars.put("LAST_ERROR_MESSAGE", message.message.clone());
        io.results.push(StatementResult { error: Some(message.to_report()), ..StatementResult::default() });
        if io.error.is_none() {
            io.error = Some(message.clone());
        }
        self.last_error = Some((message, sql.to_owned()));
    }

    /// The last error in full (`\errverbose`).
    pub(super) fn error_in_full(&self) -> Option<String> {
        let (message, sql) = self.last_error.as_ref()?;
        Some(render(message, sql, Verbosity::Verbose, super::servererror::ShowContext::Always, true))
    }

    pub(super) async fn show_notice(&mut self, notice: &ServerMessage, sql: &str, io: &mut Io<'_>) {
        let text = render(notice, sql, self.vars.verbosity(), self.vars.context(), false);
        let text = format!("{}{text}", io.prefix());
        io.say(SqlLine::Notice, &text).await;
    }

    /// The settings for one result: those of the console, with what `\g` said on top.
    fn shaped(&self, shape: &Shape, medium: Medium) -> Options {
        let mut options = Options { medium, ..self.looks() };
        for (name, value) in &shape.settings {
            super::meta::settings::set(&mut options, name, value.as_deref()).ok();
        }
        if shape.expanded {
            options.expanded = Expanded::On;
        }
        if shape.title.is_some() {
            options.title.clone_from(&shape.title);
        }
        options
    }

    /// The settings of tables, laid out as the psql does that is followed.
    pub(super) fn looks(&self) -> Options {
        Options { wide_records: self.psql_version() >= 160_000, ..self.table.clone() }
    }

    /// Prints what is the console's, not a result's: to where results go.
    pub(super) async fn print_status(&mut self, text: &str, io: &mut Io<'_>) {
        put(SqlLine::Status, text.as_bytes(), self.output.as_mut(), io).await;
    }

    /// Opens the file or starts the program that results are to go to.
    pub(super) fn open_target(&self, name: &str, io: &mut Io<'_>) -> io::Result<Target> {
        if name.starts_with('|') {
            if !self.options.shell {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, NO_SHELL));
            }
            io.sink.flush();
        }
        Target::open(name, &self.directory)
    }

    /// Begins an output that a person may want to page through.
    fn begin_page(&self, io: &mut Io<'_>) {
        let wide = self.table.format == Format::Aligned && self.table.expanded != Expanded::On;
        self.page(wide, io);
    }

    /// The same for a text of the console's own.
    pub(super) fn page(&self, wide: bool, io: &mut Io<'_>) {
        let least = match self.table.pager {
            table::Pager::Off => return,
            table::Pager::On => self.table.pager_least,
            table::Pager::Always => 0,
        };
        if io.interactive {
            io.sink.begin_page(Paging { least, wide, always: self.table.pager == table::Pager::Always });
        }
    }

    /// Prints a table that the console made itself.
    pub(super) async fn print_table(&mut self, table: &Table, io: &mut Io<'_>) {
        if self.output.is_none() {
            self.begin_page(io);
        }
        let medium = converse::medium(self.output.as_ref(), io);
        // As in psql, what is not there is empty in a listing, whatever `\pset null` says.
        let options = Options { title: None, null: String::new(), medium, ..self.looks() };
        let (pieces, _) = table::print(&options, table, &Part::whole());
        for (kind, text) in &pieces.0 {
            put(*kind, text, self.output.as_mut(), io).await;
        }
        io.sink.end_page().await;
    }
}

impl Console {
    /// The same, without the number of rows.
    pub(super) async fn print_uncounted(&mut self, table: &Table, io: &mut Io<'_>) {
        let footer = std::mem::replace(&mut self.table.footer, false);
        self.print_table(table, io).await;
        self.table.footer = footer;
    }
}

/// Tells whether AUTOCOMMIT off begins no transaction for this statement: it controls transactions itself, or cannot
/// run inside one. The words are those that psql looks at.
fn controls_transaction(sql: &str) -> bool {
    let mut words =
        sql::Lexer::new(sql).filter(|token| !token.is_trivia()).map(|token| token.text(sql).to_ascii_lowercase());
    let mut next = move || words.next().unwrap_or_default();
    match next().as_str() {
        "" | "abort" | "begin" | "start" | "commit" | "end" | "rollback" | "vacuum" => true,
        "prepare" => next() == "transaction",
        "cluster" => matches!(next().as_str(), "" | ";"),
        "create" => match next().as_str() {
            "database" | "tablespace" => true,
            "unique" => next() == "index" && next() == "concurrently",
            "index" => next() == "concurrently",
            _ => false,
        },
        "alter" => next() == "system",
        "drop" | "reindex" => match next().as_str() {
            "database" | "system" | "tablespace" => true,
            "index" | "table" => next() == "concurrently",
            _ => false,
        },
        "discard" => next() == "all",
        _ => false,
    }
}

/// `Time: 1.234 ms`, and in minutes too when it took long.
pub(super) fn elapsed(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1000.0;
    if ms < 1000.0 {
        return format!("Time: {ms:.3} ms\n");
    }
    let seconds = took.as_secs_f64();
    let (minutes, rest) = ((seconds / 60.0).floor(), seconds % 60.0);
    if minutes < 60.0 {
        return format!("Time: {ms:.3} ms ({minutes:02.0}:{rest:06.3})\n");
    }
    let (hours, minutes) = ((minutes / 60.0).floor(), minutes % 60.0);
    format!("Time: {ms:.3} ms ({hours:02.0}:{minutes:02.0}:{rest:06.3})\n")
}

/// Why a front end that owns the screen starts no programs.
pub(super) const NO_SHELL: &str = "programs are not started from here: use the shell, or workshop sql";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_psql_does() {
        assert_eq!(elapsed(Duration::from_micros(1234)), "Time: 1.234 ms\n");
        assert_eq!(elapsed(Duration::from_millis(61_500)), "Time: 61500.000 ms (01:01.500)\n");
        assert_eq!(elapsed(Duration::from_secs(3_661)), "Time: 3661000.000 ms (01:01:01.000)\n");
    }

    #[test]
    fn a_transaction_is_begun_for_what_neither_controls_one_nor_refuses_it() {
        let alone = ["begin", "/* a /* b */ c */ begin;", "prepare transaction 'x'", "discard all", "cluster;"];
        for sql in alone.into_iter().chain(["create unique index concurrently i on t (a)", "reindex system x"]) {
            assert!(controls_transaction(sql), "{sql}");
        }
        let inside = ["select 1", "prepare p as select 1;", "discard plans", "cluster t", "create index i on t (a)"];
        for sql in inside.into_iter().chain(["/* /* */ begin */ select 1", "drop table concurrently_used"]) {
            assert!(!controls_transaction(sql), "{sql}");
        }
    }
}
