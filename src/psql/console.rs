//! A console: one session with the server, its settings, and the loop that reads input.
//!
//! The life of an input: [`Console::run`] reads lines from a [`Feed`]; the scanner (`scan`) gathers a
//! statement and puts variables in; at its `;` it goes to `exec`, which streams the answer into the sink;
//! a backslash hands the rest of the line to `meta`. Front ends only give text and a sink.

mod feed;
mod read;

use std::path::PathBuf;
use std::sync::Arc;

pub use feed::{Fed, Feed, TextFeed};
pub(super) use read::{End, data_line, gobble};

use super::cancel::Canceller;
use super::complete::{self, Candidate, Names};
use super::exec::Shape;
use super::meta::{self, condition::Conditions};
use super::out::{AnySink, Io, Target};
use super::prompt::{self, Facts};
use super::report::{Loss, SessionEvent, Sink, SqlError, SqlLine, StatementResult, TxState};
use super::scan::Scanner;
use super::servererror::ServerMessage;
use super::session::Connector;
use super::table;
use super::vars::{Echo, Vars};
use super::wire::Connection;

/// How a console behaves for its front end.
#[derive(Debug, Clone)]
pub struct Options {
    /// A person types: errors never end a run, switches are confirmed.
    pub interactive: bool,
    /// Errors are followed by an explanation, where there is one.
    pub hints: bool,
    /// Whether `\!`, backticks and `|program` are allowed.
    pub shell: bool,
    /// Where file names begin.
    pub directory: PathBuf,
    /// Screen columns, for `\x auto`.
    pub columns: Option<usize>,
    /// Rows are kept in [`StatementResult`], up to `ROWS_KEPT`.
    pub keep_rows: bool,
    /// Names of tables and columns are read after connecting and after DDL, for completion.
    pub names: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            interactive: true,
            hints: true,
            shell: true,
            directory: PathBuf::from("."),
            columns: None,
            keep_rows: true,
            names: true,
        }
    }
}

/// What one run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// A result for each statement, in order.
    pub results: Vec<StatementResult>,
    pub tx: TxState,
    /// The first error.
    pub error: Option<SqlError>,
    /// `\q`
    pub quit: bool,
    /// A text to be edited by the person, and then run (`\e`).
    pub edit: Option<Edit>,
    /// Something failed, a backslash command perhaps, which leaves no error of the server.
    pub failed: bool,
    /// The run ended before its input did: an error under ON_ERROR_STOP, a cancel, or no connection.
    pub stopped: bool,
    /// There is no connection to be had, or it broke under a statement.
    pub unreachable: bool,
}

/// What `\e` wants edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub text: String,
    /// The text is the statement being typed, rather than the one that ran last.
    pub unfinished: bool,
    /// The file itself, when one was named; else the text is put into a scratch file.
    pub file: Option<PathBuf>,
    pub line: Option<u32>,
}

pub struct Console {
    pub(super) connector: Connector,
    pub(super) role: String,
    pub(super) options: Options,
    pub(super) link: Option<Connection>,
    /// What went with a connection, and nobody has acknowledged yet.
    pub(super) lost: Loss,
    /// The connection could not be made, or broke under a statement, and there has been none since.
    pub(super) down: bool,
    /// The server ended the session with a FATAL error, and what went with it.
    pub(super) fatal: Option<Loss>,
    /// Whether the server is Aurora DSQL, once that is known.
    pub(super) dsql: Option<bool>,
    pub vars: Vars,
    pub table: table::Options,
    pub(super) timing: bool,
    pub(super) scanner: Scanner,
    /// The statement being read.
    pub(super) buffer: String,
    /// What has been typed since something was last run: an entry of the history.
    typed: String,
    /// The statement that ran last, for `\g` and `\p` on an empty buffer.
    pub(super) previous: String,
    pub(super) conditions: Conditions,
    /// `\o`
    pub(super) output: Option<Target>,
    /// Where file names begin (`\cd`).
    pub(super) directory: PathBuf,
    pub(super) last_error: Option<(ServerMessage, String)>,
    pub(super) canceller: Canceller,
    /// The statements of the open transaction.
    pub(super) log: Vec<String>,
    /// The transaction that ended in a conflict, to be run again on request.
    pub(super) conflict: Option<Vec<String>>,
    pub(super) names: Arc<std::sync::RwLock<Names>>,
    pub(super) names_stale: bool,
    /// Files being read, to stop a file that includes itself.
    pub(super) depth: u32,
    pub(super) edit: Option<Edit>,
}

impl Console {
    /// A console that connects when the first statement is sent.
    pub fn new(connector: Connector, role: impl Into<String>, options: Options) -> Console {
        Console {
            connector,
            role: role.into(),
            link: None,
            lost: Loss::Nothing,
            down: false,
            fatal: None,
            dsql: None,
            vars: Vars::default(),
            table: table::Options { columns: options.columns, ..table::Options::default() },
            timing: false,
            scanner: Scanner::default(),
            buffer: String::new(),
            typed: String::new(),
            previous: String::new(),
            conditions: Conditions::default(),
            output: None,
            directory: options.directory.clone(),
            last_error: None,
            canceller: Canceller::new(),
            log: Vec::new(),
            conflict: None,
            names: Arc::default(),
            names_stale: true,
            depth: 0,
            edit: None,
            options,
        }
    }

    /// Runs an input: statements and backslash commands, any number of them; a last statement without its `;`
    /// is run too. Output goes to the sink as it comes.
    pub async fn run(&mut self, input: &str, sink: &mut impl Sink) -> Outcome {
        let interactive = self.options.interactive;
        self.run_feed(&mut TextFeed::new(input), sink, interactive, None).await
    }

    /// Runs everything that a feed gives, until its end or `\q`. `place` names the file it comes from.
    pub async fn run_feed(
        &mut self,
        feed: &mut dyn Feed,
        sink: &mut dyn AnySink,
        interactive: bool,
        place: Option<&str>,
    ) -> Outcome {
        self.canceller.reset();
        let mut io = Io::new(sink, interactive);
        io.place = place.map(|file| (file.to_owned(), 0));
        let end = self.read(feed, &mut io).await;
        self.refresh_names(&mut io).await;
        self.outcome(io, end).await
    }

    /// Runs one `-c` argument: a backslash command, or a text that is sent as one message.
    pub async fn run_command(&mut self, text: &str, sink: &mut dyn AnySink) -> Outcome {
        if text.trim_start().starts_with('\\') {
            return self.run_feed(&mut TextFeed::new(text), sink, false, None).await;
        }
        self.canceller.reset();
        let mut io = Io::new(sink, false);
        if self.vars.echo() == Echo::All {
            io.say(SqlLine::Echo, &format!("{text}\n")).await;
        }
        let ok = self.send(text, &Shape::default(), &mut io).await;
        self.outcome(io, if ok { End::Over } else { End::Failed }).await
    }

    /// Runs a statement of the front end's own. Nothing is printed but an error.
    pub async fn run_quietly(&mut self, sql: &str, sink: &mut impl Sink) -> bool {
        let mut io = Io::new(sink, false);
        meta::quietly(self, sql, &mut io).await
    }

    /// Connects now, rather than with the first statement.
    ///
    /// # Errors
    /// When there is no connection to be had: the server's refusal, or an error of class 08.
    pub async fn connect(&mut self, sink: &mut impl Sink) -> Result<(), SqlError> {
        let mut io = Io::new(sink, self.options.interactive);
        let connected = self.connect_now(&mut io).await;
        if let Err(message) = connected {
            let error = message.to_report();
            self.fail(message, "", &mut io).await;
            return Err(error);
        }
        self.refresh_names(&mut io).await;
        Ok(())
    }

    /// Runs the transaction again that ended in a conflict: all its statements, in order, in a new transaction.
    /// `None` when there is no such transaction.
    pub async fn retry_transaction(&mut self, sink: &mut impl Sink) -> Option<Outcome> {
        let statements = self.conflict.take()?;
        self.canceller.reset();
        let mut io = Io::new(sink, self.options.interactive);
        let mut ok = true;
        if self.tx() == TxState::Failed {
            ok = self.send("ROLLBACK", &Shape::default(), &mut io).await;
        }
        for statement in &statements {
            ok = ok && self.send(statement, &Shape::default(), &mut io).await;
        }
        Some(self.outcome(io, if ok { End::Over } else { End::Failed }).await)
    }

    /// The statements that [`retry_transaction`](Self::retry_transaction) would run.
    pub fn retryable(&self) -> Option<&[String]> {
        self.conflict.as_deref()
    }

    /// A handle that stops what runs, to be kept by who reads the keyboard.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// The transaction's state, as the server said it last.
    pub fn tx(&self) -> TxState {
        match &self.link {
            _ if self.lost != Loss::Nothing => TxState::Unknown,
            Some(link) => link.tx,
            None => TxState::Idle,
        }
    }

    pub fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    /// The prompt for the next line.
    pub fn prompt(&self) -> String {
        let parameter = |name: &str| self.link.as_ref().and_then(|l| l.parameters.get(name));
        let facts = Facts {
            host: &self.connector.host,
            port: self.connector.port,
            user: &self.role,
            database: &self.connector.database,
            superuser: parameter("is_superuser").is_some_and(|v| v == "on"),
            process: self.link.as_ref().map_or(0, |l| l.key.process()),
            tx: self.tx(),
            status: self.scanner.status(&self.buffer),
            inactive: !self.conditions.active(),
            statement: &self.buffer,
        };
        prompt::prompt(&self.vars, &facts)
    }

    /// Candidates for the word at the cursor (a byte offset), and where that word begins.
    pub fn complete(&self, text: &str, cursor: usize) -> (usize, Vec<Candidate>) {
        match self.names.read() {
            Ok(names) => complete::complete(text, cursor, &names),
            Err(_) => (cursor, Vec::new()),
        }
    }

    /// The names that completion knows, shared with a line editor that completes while the console is busy.
    pub fn names(&self) -> Arc<std::sync::RwLock<Names>> {
        self.names.clone()
    }

    /// Whether a text goes on: no `;` yet, or a quote, comment or parenthesis is open.
    pub fn needs_more(&self, text: &str) -> bool {
        super::scan::needs_more(text)
    }

    /// The width of the screen, for `\x auto`.
    pub fn set_columns(&mut self, columns: Option<usize>) {
        self.table.columns = columns;
    }

    /// Sends results to a file, as `\o` does.
    ///
    /// # Errors
    /// When the file cannot be written; a text for the person.
    pub fn send_output_to(&mut self, file: &std::path::Path) -> Result<(), String> {
        let name = file.to_string_lossy();
        let target =
            Target::open(&name, &self.directory).map_err(|e| format!("{name}: {}", super::wire::reason(&e)))?;
        self.output = Some(target);
        Ok(())
    }

    /// Says goodbye to the server.
    pub async fn close(mut self) {
        if let Some(target) = self.output.take() {
            target.close().await.ok();
        }
        if let Some(link) = self.link.take() {
            link.close().await;
        }
    }

    /// The server's version as PostgreSQL counts it; 0 before there is a connection.
    pub(super) fn server_version_number(&self) -> u32 {
        self.vars.get("SERVER_VERSION_NUM").and_then(|v| v.parse().ok()).unwrap_or(0)
    }

    /// The version of psql whose layouts are followed: VERSION_NUM, which is the server's own unless it is set.
    pub(super) fn psql_version(&self) -> u32 {
        let set = self.vars.get("VERSION_NUM").and_then(|v| v.parse().ok());
        set.unwrap_or_else(|| self.server_version_number())
    }

    pub(super) async fn connect_now(&mut self, io: &mut Io<'_>) -> Result<(), ServerMessage> {
        let (link, notices) = self.connector.connect(&self.role).await.map_err(|e| e.to_message())?;
        self.take_over(link, notices, io).await;
        Ok(())
    }

    /// Takes a connection that has just been made for the session's own.
    pub(super) async fn take_over(&mut self, link: Connection, notices: Vec<ServerMessage>, io: &mut Io<'_>) {
        for notice in notices {
            self.show_notice(&notice, "", io).await;
        }
        let version = link.parameters.get("server_version").cloned().unwrap_or_default();
        self.vars.put("DBNAME", self.connector.database.clone());
        self.vars.put("USER", self.role.clone());
        self.vars.put("HOST", self.connector.host.clone());
        self.vars.put("PORT", self.connector.port.to_string());
        self.vars.put("ENCODING", link.parameters.get("client_encoding").map_or("UTF8", String::as_str));
        self.vars.put("SERVER_VERSION_NUM", version_number(&version).to_string());
        self.vars.put("SERVER_VERSION_NAME", version);
        self.link = Some(link);
        self.dsql = None;
        self.down = false;
        let opened = SessionEvent::Opened { role: self.role.clone(), host: self.connector.host.clone() };
        io.sink.event(opened).await;
    }

    async fn outcome(&mut self, mut io: Io<'_>, end: End) -> Outcome {
        self.after_fatal(&mut io).await;
        Outcome {
            results: io.results,
            tx: self.tx(),
            error: io.error.map(|m| m.to_report()),
            quit: end == End::Quit,
            edit: self.edit.take(),
            failed: matches!(end, End::Failed | End::Stopped | End::Cancelled | End::Unreachable),
            stopped: matches!(end, End::Stopped | End::Cancelled | End::Unreachable),
            unreachable: self.down,
        }
    }
}

/// `16.15` → 160015, as PostgreSQL counts.
pub(super) fn version_number(version: &str) -> u32 {
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(|p| p.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    major * 10_000 + minor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered() {
        assert_eq!(version_number("16.15"), 160_015);
        assert_eq!(version_number("15.18 (Debian 15.18-0+deb12u1)"), 150_018);
    }
}
