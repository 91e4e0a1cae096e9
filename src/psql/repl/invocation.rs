//! The command line of `workshop sql`, as data.

use std::path::PathBuf;

/// The work that `workshop sql` was asked to do, in psql's terms.
#[derive(Debug, Clone, Default)]
pub struct SqlInvocation {
    /// `-c` and `-f`, in their order. Without any, the standard input is read.
    pub actions: Vec<ScriptAction>,
    /// `-v name=value`
    pub variables: Vec<String>,
    /// `-P name=value`
    pub settings: Vec<String>,
    /// `-A`
    pub unaligned: bool,
    /// `--csv`
    pub csv: bool,
    /// `-t`
    pub tuples_only: bool,
    /// `-x`
    pub expanded: bool,
    /// `-q`
    pub quiet: bool,
    /// `-1`
    pub single_transaction: bool,
    /// `-o file`
    pub output: Option<PathBuf>,
    /// The file of the history; without it, it is forgotten at the end.
    pub history: Option<PathBuf>,
    /// The shell's command for reading long output, where a person types and reads.
    pub pager: Option<String>,
    /// Explain errors that have an explanation.
    pub hints: bool,
    /// Errors and hints may be coloured; the caller knows NO_COLOR and the terminal.
    pub color: bool,
    /// Entries are edited with vi's keys instead of emacs'.
    pub vi: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptAction {
    /// `-c`
    Command(String),
    /// `-f`; `-` is the standard input.
    File(PathBuf),
}
