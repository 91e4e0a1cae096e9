//! The behaviour of a console, and what a run of it comes to.

use std::path::PathBuf;

use crate::report::{SqlError, StatementResult, TxState};

/// The behaviour of a console for its front end.
#[derive(Debug, Clone)]
pub struct ConsoleOptions {
    /// A person types: errors never end a run, switches are confirmed.
    pub interactive: bool,
    /// Errors are followed by an explanation, where there is one.
    pub hints: bool,
    /// Programs may be started: `\!`, backticks and `|program`.
    pub shell: bool,
    /// The directory where file names begin.
    pub directory: PathBuf,
    /// Screen columns, for `\x auto`.
    pub columns: Option<usize>,
    /// Rows are kept in [`StatementResult`], up to `ROWS_KEPT`.
    pub keep_rows: bool,
    /// Names of tables and columns are read after connecting and after DDL, for completion.
    pub names: bool,
}

impl Default for ConsoleOptions {
    fn default() -> Self {
        ConsoleOptions {
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

/// The end of one run, and what it gave.
#[derive(Debug, Default)]
pub struct ConsoleOutcome {
    /// A result for each statement, in order.
    pub results: Vec<StatementResult>,
    pub tx: TxState,
    /// The first error.
    pub error: Option<SqlError>,
    /// `\q`
    pub quit: bool,
    /// A text to be edited by the person, and then run (`\e`).
    pub edit: Option<EditRequest>,
    /// Something failed, a backslash command perhaps, which leaves no error of the server.
    pub failed: bool,
    /// The run ended before its input did: an error under ON_ERROR_STOP, a cancel, or no connection.
    pub stopped: bool,
    /// There is no connection to be had, or it broke under a statement.
    pub unreachable: bool,
}

/// A text that `\e` wants edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditRequest {
    pub text: String,
    /// The text is the statement being typed, rather than the one that ran last.
    pub unfinished: bool,
    /// The file itself, when one was named; else the text is put into a scratch file.
    pub file: Option<PathBuf>,
    pub line: Option<u32>,
}

/// The end that reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadEnd {
    Over,
    /// Something failed, and it went on.
    Failed,
    /// An error under ON_ERROR_STOP.
    Stopped,
    Cancelled,
    /// There is no connection, and nobody there to ask for another one.
    Unreachable,
    Quit,
}
