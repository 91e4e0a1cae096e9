//! The names that completion knows, and the candidates that it offers.

/// The names in the database that completion knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompletionNames {
    pub schemas: Vec<String>,
    pub relations: Vec<KnownRelation>,
    pub functions: Vec<String>,
    pub roles: Vec<String>,
    pub keys: Vec<KnownKey>,
    /// The variables that are set.
    pub variables: Vec<String>,
    /// The earlier lines of the statement that is being typed.
    pub pending: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRelation {
    pub schema: String,
    pub name: String,
    /// `pg_class.relkind`: r, v, i, S, …
    pub kind: char,
    /// Found without its schema's name.
    pub visible: bool,
    pub columns: Vec<String>,
}

/// A foreign key of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    pub table: String,
    pub column: String,
    pub of_table: String,
    pub of_column: String,
}

/// Something that the word could become. The likeliest comes first in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    pub fit: CandidateFit,
    pub kind: CandidateKind,
    pub text: String,
}

/// The way that a candidate fits the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidateFit {
    /// It begins with the word.
    Begins,
    /// A part of it, behind a `_` or a dot, begins with the word.
    Part,
    /// It holds the word's characters, in their order.
    Scattered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidateKind {
    /// The condition of a join.
    Join,
    Column,
    Table,
    View,
    Index,
    Sequence,
    Schema,
    Function,
    Role,
    Keyword,
    Command,
    Setting,
    Variable,
}

impl CandidateKind {
    /// Returns its name, in one word for a list.
    pub fn word(self) -> &'static str {
        match self {
            CandidateKind::Join => "join",
            CandidateKind::Column => "column",
            CandidateKind::Table => "table",
            CandidateKind::View => "view",
            CandidateKind::Index => "index",
            CandidateKind::Sequence => "sequence",
            CandidateKind::Schema => "schema",
            CandidateKind::Function => "function",
            CandidateKind::Role => "role",
            CandidateKind::Keyword => "keyword",
            CandidateKind::Command => "command",
            CandidateKind::Setting => "setting",
            CandidateKind::Variable => "variable",
        }
    }
}
