//! The console's reports: data for whoever shows it.

use serde::{Deserialize, Serialize};

/// The transaction state of a console session, as the prompt shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TxState {
    /// `=>`
    #[default]
    Idle,
    /// `=*>`
    Open,
    /// `=!>`
    Failed,
    /// `=?>`: the connection is gone and with it the transaction, or what became of it.
    Unknown,
}

/// The loss that came with the end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// No transaction was open.
    #[default]
    Nothing,
    /// An open transaction, of which nothing is stored.
    Transaction,
    /// The answer to a COMMIT: the transaction is stored whole, or not at all.
    Outcome,
}

impl Loss {
    /// Returns what goes with a connection whose transaction stands so, when no COMMIT is on its way.
    pub fn of(tx: TxState) -> Loss {
        if tx == TxState::Idle { Loss::Nothing } else { Loss::Transaction }
    }

    /// Returns what it means, for people.
    pub fn text(self) -> Option<&'static str> {
        match self {
            Loss::Nothing => None,
            Loss::Transaction => Some("the open transaction is lost"),
            Loss::Outcome => Some("whether its transaction is stored is not known"),
        }
    }
}

/// The kind of a line of console output, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlLine {
    /// The statement itself, behind its prompt.
    Echo,
    Header,
    Row,
    Footer,
    /// Command tag, timing, `\conninfo`, …
    Status,
    Notice,
    Error,
    /// The runner's explanation of an error.
    Hint,
}

/// An error from the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SqlError {
    pub severity: String,
    pub sqlstate: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Character position in the statement, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
}

impl SqlError {
    /// Returns true when the transaction lost against another: running the whole of it again is the cure.
    pub fn is_conflict(&self) -> bool {
        workshop_base::conflict::is_conflict(&self.sqlstate)
    }
}

/// Rows of a result that are kept for checks; the others are counted.
pub const ROWS_KEPT: usize = 1_000;

/// One statement's result, for checks and expectations. Rows past `ROWS_KEPT` are counted, not kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StatementResult {
    pub columns: Vec<String>,
    /// Values in text form; None is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    pub row_count: u64,
    /// `SELECT 5`, `CREATE TABLE`, …
    pub tag: String,
    pub error: Option<SqlError>,
}

/// Something that happened to a session's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    Opened { role: String, host: String },
    Lost { loss: Loss, reason: String },
}

/// When an output is given to a pager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// When it has more lines than fit, and at least so many.
    pub least: usize,
    /// When it has a line that does not fit: a table.
    pub wide: bool,
    pub always: bool,
}

/// A receiver of console output. Called from the console's task; waiting in it holds the stream back.
pub trait Sink: Send {
    /// Whole lines for people, without their newlines and safe for a terminal.
    fn lines(&mut self, lines: Vec<(SqlLine, String)>) -> impl Future<Output = ()> + Send;

    /// The same output as it is, byte for byte, newlines included, in pieces of one kind. A sink that writes
    /// to a file or a pipe takes this; the others get it as [`lines`](Sink::lines).
    fn text(&mut self, kind: SqlLine, text: &str) -> impl Future<Output = ()> + Send {
        let lines = text.lines().map(|line| (kind, workshop_base::text::sanitize(line).into_owned())).collect();
        self.lines(lines)
    }

    /// A connection was made or lost, told when it happens: before what is sent over it, behind what came over it.
    fn event(&mut self, _event: SessionEvent) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Begins one output to be read, which lasts up to [`end_page`](Sink::end_page): a screen may give it to a pager
    /// as `page` says.
    fn begin_page(&mut self, _page: Paging) {}

    /// The output is at its end; waits until it has been read.
    fn end_page(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Tells whether what is written goes to a screen in the end, which must not see all characters.
    fn is_screen(&self) -> bool {
        true
    }

    /// Something else is about to write where this sink writes: what is gathered goes out first.
    fn flush(&mut self) {}
}
