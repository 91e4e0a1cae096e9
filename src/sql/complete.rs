//! Completion of keywords, names, backslash commands and settings. Pure: the names are given.

use super::vars::Vars;

/// The names in the database that completion knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub schemas: Vec<String>,
    pub relations: Vec<Relation>,
    pub functions: Vec<String>,
    pub roles: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub schema: String,
    pub name: String,
    /// `pg_class.relkind`: r, v, i, S, …
    pub kind: char,
    /// Found without its schema's name.
    pub visible: bool,
    pub columns: Vec<String>,
}

/// Something that the word could become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub text: String,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
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

/// Where the word at the cursor begins (a byte offset) and what it could become.
pub fn complete(text: &str, cursor: usize, names: &Names, vars: &Vars) -> (usize, Vec<Candidate>) {
    let _ = (text, names, vars);
    (cursor, Vec::new())
}

impl super::console::Console {
    /// Reads the names anew where they may have changed. Never inside a transaction.
    pub async fn refresh_names(&mut self) {
        self.names_stale = false;
    }

    pub(super) fn note_tag(&mut self, tag: &str) {
        if ["CREATE", "ALTER", "DROP"].iter().any(|word| tag.starts_with(word)) {
            self.names_stale = true;
        }
    }
}
