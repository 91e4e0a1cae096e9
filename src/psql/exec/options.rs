//! The ways to send a statement, and what its answer held.

use crate::servererror::ServerMessage;
use crate::table::TextRow;

/// The use that is made of the result of one statement.
#[derive(Debug, Clone, Default)]
pub struct SendOptions {
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
    /// The end of a `\copy` on this side.
    pub copy: CopyEnd,
    /// Printed with the tag of a COPY, and nothing else.
    pub only_tag: bool,
}

/// The other end of a COPY.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CopyEnd {
    /// The input itself, up to `\.`; the output itself.
    #[default]
    Here,
    /// The standard input and output, wherever the input stands and results go.
    Standard,
    File(std::path::PathBuf),
    Program(String),
}

/// The answer to a message to the server, as far as it is not printed on its way.
#[derive(Default)]
pub(crate) struct ServerAnswer {
    pub error: Option<ServerMessage>,
    pub rows: u64,
    /// The rows of the last result, for `\gset` and `\gexec`; none when the last was not one of rows.
    pub taken: Option<Vec<TextRow>>,
    pub taken_columns: Vec<String>,
    /// The tag that is shown behind them, where they are those of a change.
    pub taken_tag: Option<String>,
    /// The place in the file that its error is about, when more of that was read meanwhile.
    pub place: Option<(String, u64)>,
}
