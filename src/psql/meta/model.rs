//! The backslash commands as data, in the groups that are done together.
//!
//! Every group is matched in full where it is done: a command that is added here fails to compile until that is.

use crate::exec::options::SendOptions;

/// A command with its arguments.
#[derive(Debug, Clone)]
pub(crate) enum MetaCommand {
    Condition(ConditionCommand),
    Statement(StatementCommand),
    Catalogue(CatalogueCommand),
    Looks(LooksCommand),
    Variable(VariableCommand),
    Session(SessionCommand),
    System(SystemCommand),
    /// Known, but not to be had here, and why.
    Refused(&'static str),
}

/// `\if` and its like; a condition is the words that stand behind it.
#[derive(Debug, Clone)]
pub(crate) enum ConditionCommand {
    If(Option<String>),
    Elif(Option<String>),
    Else,
    Endif,
}

/// The commands about the statement being read, or the one that ran last.
#[derive(Debug, Clone)]
pub(crate) enum StatementCommand {
    /// `\g`, `\gx`, `\gset`, `\gexec`
    Send(SendOptions),
    /// `\gdesc`
    Columns,
    Watch(Result<WatchOptions, String>),
    Edit {
        file: Option<String>,
        line: Option<u32>,
    },
    Print,
    Reset,
    Write(Option<String>),
}

/// The commands that look into the catalogue.
#[derive(Debug, Clone)]
pub(crate) enum CatalogueCommand {
    Describe { what: ListingKind, pattern: Option<String>, more: bool, system: bool },
    Function { name: Option<String>, more: bool },
    View { name: Option<String>, more: bool },
    Configuration { pattern: Option<String>, more: bool },
}

/// The commands about what output looks like and where it goes.
#[derive(Debug, Clone)]
pub(crate) enum LooksCommand {
    Aligned,
    Title(Option<String>),
    FieldSeparator(Option<String>),
    Tuples(Option<String>),
    Expanded(Option<String>),
    Pset { name: Option<String>, value: Option<String> },
    Timing(Option<String>),
    Output(Option<String>),
    Echo { to: EchoTarget, text: String, newline: bool },
}

/// The commands about variables.
#[derive(Debug, Clone)]
pub(crate) enum VariableCommand {
    Set { name: Option<String>, value: Option<String> },
    Unset(Option<String>),
    Getenv { name: Option<String>, variable: Option<String> },
    Setenv,
    Prompt { text: Option<String>, name: Option<String> },
}

/// The commands about the session with the server.
#[derive(Debug, Clone)]
pub(crate) enum SessionCommand {
    Connect {
        database: Option<String>,
        user: Option<String>,
        host: Option<String>,
        port: Option<String>,
    },
    Info,
    Encoding(Option<String>),
    /// `\errverbose`
    LastError,
    /// `\restrict`, which dumps begin with: no other command until its key is said again.
    Restrict(Option<String>),
    Unrestrict(Option<String>),
    Quit,
}

/// The commands about files, programs and help.
#[derive(Debug, Clone)]
pub(crate) enum SystemCommand {
    Shell(Option<String>),
    Cd(Option<String>),
    Include { file: Option<String>, relative: bool },
    Copy(String),
    History(Option<String>),
    Help(Option<String>),
    SqlHelp(Option<String>),
}

/// The way that the reading of input goes on behind a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    Continue,
    Failed,
    /// `\q`
    Quit,
    /// `\e`: the front end has a text to edit first.
    Edit,
}

impl Control {
    /// Returns how it goes on behind something that went well or not.
    pub fn after(ok: bool) -> Control {
        if ok { Control::Continue } else { Control::Failed }
    }
}

/// The listings of `\d…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListingKind {
    /// `\d`: with a name the relations in full, without one a list.
    Any,
    /// `\dt \di \dv \ds \dm \dE`, any of them together.
    Relations {
        tables: bool,
        indexes: bool,
        views: bool,
        sequences: bool,
        materialized: bool,
        foreign: bool,
    },
    Schemas,
    Functions {
        kinds: FunctionKinds,
    },
    Roles,
    Privileges,
    Types,
    Domains,
    Databases,
}

/// The functions that `\df` lists; all of them when none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FunctionKinds {
    pub aggregate: bool,
    pub normal: bool,
    pub procedure: bool,
    pub trigger: bool,
    pub window: bool,
}

/// The place where `\echo`, `\qecho` and `\warn` write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EchoTarget {
    Output,
    Results,
    Errors,
}

/// `\watch`
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WatchOptions {
    /// Seconds between runs.
    pub interval: Option<f64>,
    /// Runs at most.
    pub count: Option<u64>,
    /// Ends when fewer rows come.
    pub min_rows: Option<u64>,
}

/// The names there are, for completion.
pub(crate) const COMMANDS: &[&str] = &[
    "!",
    "?",
    "a",
    "c",
    "C",
    "cd",
    "conninfo",
    "connect",
    "copy",
    "d",
    "d+",
    "dD",
    "dS",
    "dT",
    "dconfig",
    "dconfig+",
    "df",
    "df+",
    "di",
    "di+",
    "dn",
    "dn+",
    "dp",
    "ds",
    "ds+",
    "dt",
    "dt+",
    "du",
    "du+",
    "dv",
    "dv+",
    "e",
    "echo",
    "edit",
    "elif",
    "else",
    "encoding",
    "endif",
    "errverbose",
    "f",
    "g",
    "gdesc",
    "getenv",
    "gexec",
    "gset",
    "gx",
    "h",
    "help",
    "i",
    "if",
    "include",
    "ir",
    "l",
    "l+",
    "list",
    "o",
    "out",
    "p",
    "print",
    "prompt",
    "pset",
    "q",
    "qecho",
    "quit",
    "r",
    "reset",
    "restrict",
    "s",
    "set",
    "setenv",
    "sf",
    "sf+",
    "sv",
    "sv+",
    "t",
    "timing",
    "unrestrict",
    "unset",
    "w",
    "warn",
    "watch",
    "write",
    "x",
    "z",
];
