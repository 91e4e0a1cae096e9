//! Checks, and the conditions that they prove.

use std::time::Duration;

use super::common::{Origin, Template};
use super::expect::{JsonExpect, LambdaExpect, SqlExpect};

/// One proof that the chapter works.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Unique in its chapter.
    pub id: String,
    pub title: String,
    /// YAML: the key is the kind: `lambda:`, `sql:`, `stack:`, `file:`, `command:`, `plan:`.
    pub kind: CheckKind,
    /// Try again until it passes (YAML: `eventually: {for: 30s, every: 1s}`).
    pub eventually: Option<Eventually>,
    /// For one attempt.
    pub timeout: Duration,
    /// YAML: `capture: {NAME: SOURCE}`; the source is a column name (sql) or a JSONPath (lambda).
    pub capture: Vec<(String, String)>,
    /// The author's words for when it fails (Markdown).
    pub on_fail: Option<String>,
    pub hints: Vec<String>,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eventually {
    /// YAML: `for`.
    pub within: Duration,
    pub every: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub enum CheckKind {
    Lambda {
        payload: Template,
        expect: LambdaExpect,
    },
    Sql {
        /// YAML: `as`, default `admin`.
        role: String,
        query: Template,
        expect: SqlExpect,
    },
    Stack {
        status: Vec<String>,
        outputs: Vec<String>,
        resources: Vec<String>,
    },
    /// Exactly one of the conditions, on a file below the working directory.
    File {
        path: String,
        is: FileIs,
    },
    Command {
        run: Template,
        cwd: String,
        exit_code: i32,
        matches: Option<String>,
    },
    /// Assertions on `EXPLAIN query`: regular expressions that must and must not match.
    Plan {
        query: Template,
        analyze: bool,
        matches: Vec<String>,
        rejects: Vec<String>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum FileIs {
    /// YAML: `equals: snapshot`.
    EqualsSnapshot,
    /// YAML: `contains: TEXT`.
    Contains(String),
    /// YAML: `lacks: TEXT`.
    Lacks(String),
    /// YAML: `matches: REGEX`, by lines.
    Matches(String),
    /// YAML: `lacks_match: REGEX`, by lines.
    LacksMatch(String),
    /// YAML: `exists: true` or `false`.
    Exists(bool),
    /// YAML: `json: [{path: …, equals: …}, …]`, without references.
    Json(Vec<JsonExpect>),
}
