//! A check as it is written, and its kinds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::command::CommandYaml;
use super::expect::{AssertionYaml, NumberInTextYaml, SqlExpectYaml};
use super::http::HttpCheckYaml;
use super::scalars::{DurationText, Id, Pattern, PlainTemplate, SqlTemplate, StackName, Text};
use super::step::{InvokeYaml, WhenYaml};

/// One proof that the chapter works: exactly one of `lambda`, `sql`, `stack`, `file`, `command`, `plan`, `http`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a check", extend("x-exactly-one-of" = CHECKS))]
pub struct CheckYaml {
    /// Unique in its chapter.
    pub id: Id,
    pub title: Text,
    /// Only where these options are chosen, by choice.
    #[serde(default)]
    pub when: BTreeMap<String, WhenYaml>,
    /// Try again until it passes.
    #[serde(default)]
    pub eventually: Option<EventuallyYaml>,
    /// For one attempt.
    #[serde(default)]
    pub timeout: Option<DurationText>,
    /// Values to keep, by name: a column (sql), a JSONPath (lambda, http), a pattern or a JSONPath (command), or a pattern
    /// (plan).
    #[serde(default)]
    pub capture: BTreeMap<String, Text>,
    /// The author's words for when it fails (Markdown).
    #[serde(default)]
    pub on_fail: Option<Text>,
    /// Progressive: the first says least.
    #[serde(default)]
    pub hints: Vec<Text>,
    #[serde(default)]
    pub lambda: Option<InvokeYaml>,
    #[serde(default)]
    pub sql: Option<SqlCheckYaml>,
    #[serde(default)]
    pub stack: Option<StackCheckYaml>,
    #[serde(default)]
    pub file: Option<FileCheckYaml>,
    #[serde(default)]
    pub command: Option<CommandCheckYaml>,
    #[serde(default)]
    pub plan: Option<PlanCheckYaml>,
    #[serde(default)]
    pub http: Option<HttpCheckYaml>,
}

/// The keys of a check that say what is checked.
pub const CHECKS: [&str; 7] = ["lambda", "sql", "stack", "file", "command", "plan", "http"];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "`eventually`")]
pub struct EventuallyYaml {
    /// The time to go on trying.
    #[serde(rename = "for")]
    pub within: DurationText,
    /// The pause between two attempts.
    pub every: DurationText,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an SQL check")]
pub struct SqlCheckYaml {
    /// The database role that asks; `admin` by default.
    #[serde(default, rename = "as")]
    pub role: Option<Text>,
    pub query: SqlTemplate,
    #[serde(default)]
    pub expect: Option<SqlExpectYaml>,
}

/// The stack as CloudFormation sees it; all that is given must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a stack check")]
pub struct StackCheckYaml {
    /// The stack; the course's by default.
    #[serde(default)]
    pub name: Option<StackName>,
    /// Statuses that are good, `CREATE_COMPLETE`.
    #[serde(default)]
    pub status: Vec<Text>,
    /// Keys of outputs that must be there.
    #[serde(default)]
    pub outputs: Vec<Text>,
    /// Types of resources that must be there, `AWS::DSQL::Cluster`.
    #[serde(default)]
    pub resources: Vec<Text>,
}

/// A file below the working directory, and exactly one of `equals`, `contains`, `lacks`, `matches`, `lacks_match`,
/// `exists`, `json`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a file check", extend("x-exactly-one-of" = FILE_CONDITIONS))]
pub struct FileCheckYaml {
    pub path: Text,
    /// `snapshot`: the same as in the chapter's snapshot.
    #[serde(default)]
    pub equals: Option<SnapshotYaml>,
    #[serde(default)]
    pub contains: Option<Text>,
    #[serde(default)]
    pub lacks: Option<Text>,
    /// A pattern that its text must match; `^` and `$` are the ends of a line.
    #[serde(default)]
    pub matches: Option<Pattern>,
    /// A pattern that its text must not match.
    #[serde(default)]
    pub lacks_match: Option<Pattern>,
    /// `true`: it must be there; `false`: it must not.
    #[serde(default)]
    pub exists: Option<bool>,
    /// Assertions on it as JSON, without references.
    #[serde(default)]
    pub json: Option<Vec<AssertionYaml>>,
}

/// The keys of a file check that say what must hold.
pub const FILE_CONDITIONS: [&str; 7] = ["equals", "contains", "lacks", "matches", "lacks_match", "exists", "json"];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotYaml {
    Snapshot,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a command check")]
pub struct CommandCheckYaml {
    pub run: CommandYaml,
    /// Directory below the working directory; its root by default.
    #[serde(default)]
    pub cwd: Option<Text>,
    /// 0 by default.
    #[serde(default)]
    #[schemars(range(min = 0, max = 255))]
    pub exit_code: Option<i32>,
    /// A pattern that the output must match.
    #[serde(default)]
    pub matches: Option<Pattern>,
    /// Text that it reads on its standard input; nothing by default.
    #[serde(default)]
    pub stdin: Option<PlainTemplate>,
}

/// Assertions on `EXPLAIN query`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a plan check")]
pub struct PlanCheckYaml {
    pub query: SqlTemplate,
    /// `true` runs the query too (`EXPLAIN ANALYZE`); false by default.
    #[serde(default)]
    pub analyze: Option<bool>,
    /// A pattern that the plan must match.
    #[serde(default)]
    pub matches: Vec<Pattern>,
    /// A pattern that the plan must not match.
    #[serde(default)]
    pub rejects: Vec<Pattern>,
    /// Numbers in the plan, and what they must be.
    #[serde(default)]
    pub numbers: Vec<NumberInTextYaml>,
}
