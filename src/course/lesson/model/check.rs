//! Checks, and the conditions that they prove.

use std::time::Duration;

use super::common::{Origin, Template};
use super::expect::{JsonExpect, LambdaExpect, NumberInText, SqlExpect};

/// One proof that the chapter works.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Unique in its chapter.
    pub id: String,
    pub title: String,
    /// YAML: the key is the kind: `lambda:`, `sql:`, `stack:`, `file:`, `command:`, `plan:`, `http:`.
    pub kind: CheckKind,
    /// Try again until it passes (YAML: `eventually: {for: 30s, every: 1s}`).
    pub eventually: Option<Eventually>,
    /// For one attempt.
    pub timeout: Duration,
    /// YAML: `capture: {NAME: SOURCE}`; the source is a column name (sql), a JSONPath (lambda, http), a pattern or a JSONPath
    /// (command), or a pattern (plan).
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
        /// None: the course's.
        function: Option<Template>,
        payload: Template,
        expect: LambdaExpect,
    },
    Sql {
        /// YAML: `as`; None: the database's usual one.
        role: Option<String>,
        query: Template,
        expect: SqlExpect,
    },
    Stack {
        /// YAML: `name`; None: the course's.
        name: Option<String>,
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
        stdin: Option<Template>,
    },
    /// One request over HTTP.
    Http(HttpCheck),
    /// Assertions on `EXPLAIN query`: regular expressions that must and must not match.
    Plan {
        query: Template,
        analyze: bool,
        matches: Vec<String>,
        rejects: Vec<String>,
        numbers: Vec<NumberInText>,
    },
}

/// A request over HTTP, and the answer that must come.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpCheck {
    /// `GET`
    pub method: String,
    pub url: Template,
    pub headers: Vec<(String, Template)>,
    pub body: Option<HttpBody>,
    /// None: any from 200 to 299.
    pub status: Option<u16>,
    /// Regular expressions on headers, by name.
    pub answer_headers: Vec<(String, String)>,
    /// A regular expression on the answer's text.
    pub matches: Option<String>,
    pub expect: Vec<JsonExpect>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum HttpBody {
    /// Sent as `application/json`; references are quoted as JSON.
    Json(Template),
    Text(Template),
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
