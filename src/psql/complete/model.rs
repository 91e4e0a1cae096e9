//! The names that completion knows, and the candidates that it offers.

/// The names in the database that completion knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompletionNames {
    pub schemas: Vec<String>,
    pub relations: Vec<KnownRelation>,
    pub functions: Vec<String>,
    pub roles: Vec<String>,
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

/// Something that the word could become.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    pub kind: CandidateKind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidateKind {
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
