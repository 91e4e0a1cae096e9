//! A console's state, in three parts: the link to the server, the input being read, and the settings.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use super::options::{ConsoleOptions, EditRequest};
use crate::cancel::Canceller;
use crate::complete::{self, Candidate, CompletionNames};
use crate::files;
use crate::meta::condition::Conditions;
use crate::out::OutputTarget;
use crate::prompt::{self, PromptFacts};
use crate::report::{Loss, TxState};
use crate::scan::{PromptStatus, Scanner};
use crate::servererror::ServerMessage;
use crate::session::Connector;
use crate::table::TableOptions;
use crate::vars::Vars;
use crate::wire::PgConnection;

/// A console: one session with a server. It connects when the first statement is sent.
pub struct Console {
    pub(crate) link: SessionLink,
    pub(crate) input: ConsoleInput,
    pub settings: ConsoleSettings,
    pub(crate) names: NameCache,
    /// The error that was shown last, and the statement it was about (`\errverbose`).
    pub(crate) last_error: Option<(ServerMessage, String)>,
}

/// The session with the server: where it goes, what is open on it, and what went with it.
pub(crate) struct SessionLink {
    pub connector: Connector,
    pub role: String,
    pub connection: Option<PgConnection>,
    /// The loss that came with the end of a connection, and that nobody has acknowledged yet.
    pub lost: Loss,
    /// The connection could not be made, or broke under a statement, and there has been none since.
    pub down: bool,
    /// The server ended the session with a FATAL error, and what went with it.
    pub fatal: Option<Loss>,
    /// The server is Aurora DSQL, or is not, once that is known.
    pub dsql: Option<bool>,
    pub canceller: Canceller,
    /// The statements of the open transaction.
    pub log: Vec<String>,
    /// The transaction that ended in a conflict, to be run again on request.
    pub conflict: Option<Vec<String>>,
}

impl SessionLink {
    /// Returns the transaction's state, as the server said it last; unknown once it was lost.
    pub fn tx(&self) -> TxState {
        match &self.connection {
            _ if self.lost != Loss::Nothing => TxState::Unknown,
            Some(connection) => connection.tx,
            None => TxState::Idle,
        }
    }

    /// Tells whether what was meant for this session cannot go on: there is no connection, or something went with one.
    pub fn is_gone(&self) -> bool {
        self.down || self.lost != Loss::Nothing
    }
}

/// The input: the statement being read, and what stands around it.
#[derive(Default)]
pub(crate) struct ConsoleInput {
    pub scanner: Scanner,
    /// The statement being read.
    pub buffer: String,
    /// The lines typed since something was last run: an entry of the history.
    pub typed: String,
    /// The statement that ran last, for `\g` and `\p` on an empty buffer.
    pub previous: String,
    /// The first bytes of the statement that are not UTF-8.
    pub broken: Option<Vec<u8>>,
    pub conditions: Conditions,
    /// Ends of the input in a row (IGNOREEOF).
    pub ends: u32,
    /// The statement that was asked about and not sent (CONFIRM_DESTRUCTIVE).
    pub doubtful: Option<String>,
    /// The key of `\restrict`: until it is said again, no other command is done.
    pub restricted: Option<String>,
    /// Files being read, to stop a file that includes itself.
    pub depth: u32,
    pub edit: Option<EditRequest>,
}

impl ConsoleInput {
    /// Forgets the statement that was being read.
    pub fn forget(&mut self) {
        self.typed.clear();
        self.buffer.clear();
        self.broken = None;
        self.scanner.reset();
    }

    /// Tells whether a statement has been begun.
    pub fn has_statement(&self) -> bool {
        !self.buffer.trim().is_empty()
    }

    /// Returns the statement that a command means: the one being read, or else the one that ran last.
    pub fn meant(&self) -> &str {
        if self.has_statement() { &self.buffer } else { &self.previous }
    }

    /// Takes the statement that a command means out of the input.
    pub fn take_meant(&mut self) -> String {
        let sql = std::mem::take(&mut self.buffer);
        self.scanner.reset();
        if sql.trim().is_empty() { self.previous.clone() } else { sql }
    }
}

/// The settings: variables, the looks of tables, and where output goes.
pub struct ConsoleSettings {
    pub(crate) options: ConsoleOptions,
    pub vars: Vars,
    pub table: TableOptions,
    pub(crate) timing: bool,
    /// `\o`
    pub(crate) output: Option<OutputTarget>,
    /// The directory where file names begin (`\cd`).
    pub(crate) directory: PathBuf,
}

impl ConsoleSettings {
    /// Returns a file name as the person gave it, from the console's directory.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        files::path(&self.directory, file)
    }

    /// Returns the server's version as PostgreSQL counts it; 0 before there is a connection.
    pub(crate) fn server_version_number(&self) -> u32 {
        self.vars.get("SERVER_VERSION_NUM").and_then(|v| v.parse().ok()).unwrap_or(0)
    }

    /// Returns the version of psql whose layouts are followed: VERSION_NUM, which is the server's own unless it is set.
    pub(crate) fn psql_version(&self) -> u32 {
        let set = self.vars.get("VERSION_NUM").and_then(|v| v.parse().ok());
        set.unwrap_or_else(|| self.server_version_number())
    }

    /// Notes how a program ended, in the variables that psql has for it since version 16.
    pub(crate) fn note_program(&mut self, code: i32) {
        if self.psql_version() >= 160_000 {
            self.vars.put("SHELL_ERROR", if code == 0 { "false" } else { "true" });
            self.vars.put("SHELL_EXIT_CODE", code.to_string());
        }
    }

    /// Returns the settings of tables, laid out as the psql does that is followed.
    pub(crate) fn looks(&self) -> TableOptions {
        TableOptions { wide_records: self.psql_version() >= 160_000, ..self.table.clone() }
    }
}

/// The names that completion knows.
#[derive(Default)]
pub(crate) struct NameCache {
    pub known: Arc<RwLock<CompletionNames>>,
    /// They may have changed since they were read.
    pub stale: bool,
}

impl Console {
    /// Makes a console that connects when the first statement is sent.
    pub fn new(connector: Connector, role: impl Into<String>, options: ConsoleOptions) -> Console {
        Console {
            link: SessionLink {
                connector,
                role: role.into(),
                connection: None,
                lost: Loss::Nothing,
                down: false,
                fatal: None,
                dsql: None,
                canceller: Canceller::new(),
                log: Vec::new(),
                conflict: None,
            },
            input: ConsoleInput::default(),
            settings: ConsoleSettings {
                vars: Vars::default(),
                table: TableOptions { columns: options.columns, ..TableOptions::default() },
                timing: false,
                output: None,
                directory: options.directory.clone(),
                options,
            },
            names: NameCache { known: Arc::default(), stale: true },
            last_error: None,
        }
    }

    /// Returns the statements that [`retry_transaction`](Self::retry_transaction) would run.
    pub fn retryable(&self) -> Option<&[String]> {
        self.link.conflict.as_deref()
    }

    /// Returns a handle that stops what runs, to be kept by who reads the keyboard.
    pub fn canceller(&self) -> Canceller {
        self.link.canceller.clone()
    }

    /// Returns the transaction's state, as the server said it last.
    pub fn tx(&self) -> TxState {
        self.link.tx()
    }

    /// Tells whether there is a connection, as far as is known.
    pub fn is_connected(&self) -> bool {
        self.link.connection.is_some()
    }

    /// Returns the prompt for the next line.
    pub fn prompt(&self) -> String {
        self.prompt_at(self.input.scanner.status(&self.input.buffer))
    }

    /// Returns the prompts for the first line of a statement and for those that go on with it: for a front end that
    /// gathers the lines of a statement itself.
    pub fn prompts(&self) -> (String, String) {
        (self.prompt_at(PromptStatus::Statement), self.prompt_at(PromptStatus::More))
    }

    fn prompt_at(&self, status: PromptStatus) -> String {
        let link = &self.link;
        let parameter = |name: &str| link.connection.as_ref().and_then(|l| l.parameters.get(name));
        let facts = PromptFacts {
            host: &link.connector.host,
            port: link.connector.port,
            user: &link.role,
            database: &link.connector.database,
            superuser: parameter("is_superuser").is_some_and(|v| v == "on"),
            process: link.connection.as_ref().map_or(0, |l| l.key.process()),
            tx: self.tx(),
            status,
            inactive: !self.input.conditions.active(),
            statement: &self.input.buffer,
        };
        prompt::prompt(&self.settings.vars, &facts)
    }

    /// Returns where the word at the cursor (a byte offset) begins, and what it could become, the likeliest first.
    pub fn complete(&self, text: &str, cursor: usize) -> (usize, Vec<Candidate>) {
        match self.names.known.read() {
            Ok(names) => complete::complete(text, cursor, &names),
            Err(_) => (cursor, Vec::new()),
        }
    }

    /// Returns the names that completion knows, shared with a line editor that completes while the console is busy.
    pub(crate) fn names(&self) -> Arc<RwLock<CompletionNames>> {
        self.names.known.clone()
    }

    /// Sets the width of the screen, in columns, for `\x auto`; none where there is no screen.
    pub fn set_columns(&mut self, columns: Option<usize>) {
        self.settings.table.columns = columns;
    }

    /// Sends results to a file, as `\o` does.
    ///
    /// # Errors
    /// When the file cannot be written; a text for the person.
    pub fn send_output_to(&mut self, file: &std::path::Path) -> Result<(), String> {
        let name = file.to_string_lossy();
        let opened = OutputTarget::open(&name, &self.settings.directory).and_then(OutputTarget::begun);
        self.settings.output = Some(opened.map_err(|e| format!("{name}: {}", crate::wire::reason(&e)))?);
        Ok(())
    }

    /// Says goodbye to the server.
    pub async fn close(mut self) {
        if let Some(target) = self.settings.output.take() {
            target.close().await.ok();
        }
        if let Some(link) = self.link.connection.take() {
            link.close().await;
        }
    }
}
