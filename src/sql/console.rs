//! A console: one session with the server, its settings, and the loop that reads input.
//!
//! The life of an input: [`Console::run`] reads lines from a [`Feed`]; the scanner (`split`) gathers a
//! statement and puts variables in; at its `;` it goes to `exec`, which streams the answer into the sink;
//! a backslash hands the rest of the line to `meta`. Front ends only give text and a sink.

use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::cancel::Canceller;
use super::complete::{self, Candidate, Names};
use super::exec::Shape;
use super::meta::condition::Conditions;
use super::meta::{self, After};
use super::out::{AnySink, Io, Target};
use super::prompt::{self, Facts};
use super::report::{Sink, SqlError, SqlLine, StatementResult, TxState};
use super::servererror::ServerMessage;
use super::session::Connector;
use super::split::{Line, Scanner, Stop};
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
    /// Connections that were made or lost meanwhile.
    pub events: Vec<SessionEvent>,
    /// Something failed, a backslash command perhaps, which leaves no error of the server.
    pub failed: bool,
    /// The run ended before its input did: an error under ON_ERROR_STOP, or a cancel.
    pub stopped: bool,
}

/// What `\e` wants edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub text: String,
    /// The file itself, when one was named; else the text is put into a scratch file.
    pub file: Option<PathBuf>,
    pub line: Option<u32>,
}

/// Something that happened to the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    Opened { role: String, host: String },
    Lost { transaction_lost: bool, reason: String },
}

/// Where lines come from.
pub trait Feed: Send {
    /// The next line, without its newline.
    fn line<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, Fed>;
    /// A statement or command is complete: for the history.
    fn remember(&mut self, _text: &str) {}
    /// Whether a last statement without its `;` runs too. Not where a person gives up with Ctrl-D.
    fn runs_rest(&self) -> bool {
        true
    }
    /// What has been remembered, newest last.
    fn history(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a feed gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fed {
    Line(String),
    /// The person threw the line away (Ctrl-C).
    Interrupted,
    End,
}

/// Lines of a text.
pub struct TextFeed {
    lines: std::vec::IntoIter<String>,
}

impl TextFeed {
    pub fn new(text: &str) -> TextFeed {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        TextFeed { lines: lines.into_iter() }
    }
}

impl Feed for TextFeed {
    fn line<'a>(&'a mut self, _prompt: &'a str) -> BoxFuture<'a, Fed> {
        let line = self.lines.next().map_or(Fed::End, Fed::Line);
        Box::pin(std::future::ready(line))
    }
}

pub struct Console {
    pub(super) connector: Connector,
    pub(super) role: String,
    pub(super) options: Options,
    pub(super) link: Option<Connection>,
    /// The connection went with a transaction open, and nobody has acknowledged it yet.
    pub(super) lost: bool,
    /// The server ended the session with a FATAL error; true when a transaction was open.
    pub(super) fatal: Option<bool>,
    /// Whether the server is Aurora DSQL, once that is known.
    pub(super) dsql: Option<bool>,
    pub vars: Vars,
    pub table: table::Options,
    pub(super) timing: bool,
    pub(super) scanner: Scanner,
    /// The statement being read.
    pub(super) buffer: String,
    /// The statement that ran last, for `\g` and `\p` on an empty buffer.
    pub(super) previous: String,
    pub(super) conditions: Conditions,
    /// `\o`
    pub(super) output: Option<Target>,
    /// Where file names begin (`\cd`).
    pub(super) directory: PathBuf,
    pub(super) last_error: Option<(ServerMessage, String)>,
    pub(super) canceller: Canceller,
    pub(super) events: Vec<SessionEvent>,
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
            lost: false,
            fatal: None,
            dsql: None,
            vars: Vars::default(),
            table: table::Options { columns: options.columns, ..table::Options::default() },
            timing: false,
            scanner: Scanner::default(),
            buffer: String::new(),
            previous: String::new(),
            conditions: Conditions::default(),
            output: None,
            directory: options.directory.clone(),
            last_error: None,
            canceller: Canceller::new(),
            events: Vec::new(),
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
        self.refresh_names().await;
        self.outcome(io, end)
    }

    /// Runs one `-c` argument: a backslash command, or a text that is sent as one message.
    pub async fn run_command(&mut self, text: &str, sink: &mut dyn AnySink) -> Outcome {
        if text.trim_start().starts_with('\\') {
            return self.run_feed(&mut TextFeed::new(text), sink, false, None).await;
        }
        self.canceller.reset();
        let mut io = Io::new(sink, false);
        let ok = self.send(text, &Shape::default(), &mut io).await;
        self.outcome(io, if ok { End::Over } else { End::Failed })
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
        self.refresh_names().await;
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
        Some(self.outcome(io, if ok { End::Over } else { End::Failed }))
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
            _ if self.lost => TxState::Unknown,
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
            expect: self.scanner.expect(&self.buffer),
            inactive: !self.conditions.active(),
            line: 1 + self.buffer.matches('\n').count() as u64,
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
        super::split::needs_more(text)
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

    /// Whether an error ends what is being read.
    pub(super) fn stops(&self, io: &Io<'_>) -> bool {
        self.canceller.is_wanted() || (!io.interactive && self.vars.on("ON_ERROR_STOP"))
    }

    pub(super) async fn connect_now(&mut self, io: &mut Io<'_>) -> Result<(), ServerMessage> {
        let (link, notices) = self.connector.connect(&self.role).await.map_err(|e| e.to_message())?;
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
        self.lost = false;
        self.events.push(SessionEvent::Opened { role: self.role.clone(), host: self.connector.host.clone() });
        Ok(())
    }

    /// Reads until the feed ends, and runs what it reads.
    pub(super) async fn read(&mut self, feed: &mut dyn Feed, io: &mut Io<'_>) -> End {
        let mut end = End::Over;
        'input: loop {
            if self.canceller.is_wanted() {
                self.forget_input();
                return End::Cancelled;
            }
            if io.interactive && self.buffer.is_empty() {
                self.refresh_names().await;
            }
            let prompt = self.prompt();
            let text = match feed.line(&prompt).await {
                Fed::Line(text) => text,
                Fed::Interrupted => {
                    self.forget_input();
                    continue;
                }
                Fed::End => break,
            };
            if let Some((_, line)) = &mut io.place {
                *line += 1;
            }
            if self.vars.echo() == Echo::All && !io.interactive {
                io.say(SqlLine::Echo, &format!("{text}\n")).await;
            }
            match self.read_line(text, feed, io).await {
                After::Go => {}
                After::Failed => {
                    end = End::Failed;
                    if self.stops(io) {
                        self.forget_input();
                        return if self.canceller.is_wanted() { End::Cancelled } else { End::Stopped };
                    }
                }
                After::Quit => return End::Quit,
                After::Edit => break 'input,
            }
        }
        if !self.buffer.trim().is_empty() && self.conditions.active() && self.edit.is_none() && feed.runs_rest() {
            let ok = self.send_buffer(&Shape::default(), feed, io).await;
            if !ok {
                end = if self.stops(io) { End::Stopped } else { End::Failed };
            }
        }
        self.forget_input();
        end
    }

    /// Runs what is complete on a line; keeps the rest for the next.
    async fn read_line(&mut self, text: String, feed: &mut dyn Feed, io: &mut Io<'_>) -> After {
        let mut after = After::Go;
        let newline = (!self.buffer.is_empty()).then(|| {
            self.buffer.push('\n');
            self.buffer.len()
        });
        let mut line = Line::new(text);
        loop {
            let active = self.conditions.active();
            let vars = &self.vars;
            let lookup = |name: &str, quoting| vars.quoted(name, quoting);
            let stop = self.scanner.scan(&mut line, &mut self.buffer, active.then_some(&lookup));
            let single = stop == Stop::EndOfLine
                && self.vars.on("SINGLELINE")
                && !self.buffer.trim().is_empty()
                && !self.scanner.inside();
            match stop {
                Stop::EndOfLine if !single => return after,
                Stop::Semicolon | Stop::EndOfLine => {
                    if active {
                        if !self.send_buffer(&Shape::default(), feed, io).await {
                            after = After::Failed;
                        }
                    } else {
                        self.buffer.clear();
                    }
                }
                Stop::Backslash => {
                    if newline == Some(self.buffer.len()) {
                        self.buffer.pop();
                    }
                    match meta::command(self, &mut line, feed, io).await {
                        After::Go => {}
                        After::Failed => after = After::Failed,
                        done @ (After::Quit | After::Edit) => return done,
                    }
                }
            }
            if after == After::Failed && self.stops(io) {
                return after;
            }
        }
    }

    /// Sends the statement that has been read, and begins a new one. An empty one stands for the one before,
    /// where a command sends it.
    pub(super) async fn send_buffer(&mut self, shape: &Shape, feed: &mut dyn Feed, io: &mut Io<'_>) -> bool {
        let sql = std::mem::take(&mut self.buffer);
        self.scanner.reset();
        if super::split::is_empty(&sql) {
            return true;
        }
        feed.remember(&sql);
        let ok = self.send_from(&sql, shape, &mut Some(feed), io).await;
        self.previous = sql;
        if let Some(transaction) = self.fatal.take() {
            self.lose(&std::io::Error::other("the server ended the session"), transaction);
        }
        ok
    }

    pub(super) fn forget_input(&mut self) {
        self.buffer.clear();
        self.scanner.reset();
    }

    fn outcome(&mut self, io: Io<'_>, end: End) -> Outcome {
        if let Some(transaction) = self.fatal.take() {
            self.lose(&std::io::Error::other("the server ended the session"), transaction);
        }
        Outcome {
            results: io.results,
            tx: self.tx(),
            error: io.error.map(|m| m.to_report()),
            quit: end == End::Quit,
            edit: self.edit.take(),
            events: std::mem::take(&mut self.events),
            failed: matches!(end, End::Failed | End::Stopped | End::Cancelled),
            stopped: matches!(end, End::Stopped | End::Cancelled),
        }
    }
}

/// How reading came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Over,
    /// Something failed, and it went on.
    Failed,
    /// An error under ON_ERROR_STOP.
    Stopped,
    Cancelled,
    Quit,
}

/// `16.15` → 160015, as PostgreSQL counts.
pub(super) fn version_number(version: &str) -> u32 {
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(|p| p.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    major * 10_000 + minor
}

/// The next line of the data of a COPY; none behind `\.` or at the end of the input.
pub(super) async fn data_line(feed: &mut dyn Feed, prompt: &str, io: &mut Io<'_>) -> Fed {
    let line = feed.line(prompt).await;
    if let (Fed::Line(_), Some((_, n))) = (&line, &mut io.place) {
        *n += 1;
    }
    match line {
        Fed::Line(line) if line == "\\." => Fed::End,
        line => line,
    }
}

/// Passes over the data of a COPY that nobody takes.
pub(super) async fn gobble(feed: &mut dyn Feed, io: &mut Io<'_>) {
    while let Fed::Line(_) = data_line(feed, "", io).await {}
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
