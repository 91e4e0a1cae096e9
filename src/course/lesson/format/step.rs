//! A step as it is written, and its actions.

use schemars::JsonSchema;
use serde::Deserialize;

use super::expect::{AssertionYaml, SqlExpectYaml};
use super::scalars::{DurationText, Id, JsonTemplate, Minutes, Pattern, ShellTemplate, SqlState, SqlTemplate, Text};
use crate::lesson::model::DeployAction;

/// One step: text for everyone, and at most one action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a step", extend("x-at-most-one-of" = ACTIONS))]
pub struct StepYaml {
    /// Unique in its chapter.
    pub id: Id,
    pub title: Text,
    /// Minutes for this step; fractions are allowed.
    pub minutes: Minutes,
    /// False for a part that learners take by themselves: its minutes count neither for the chapter nor for the
    /// slot; true by default.
    #[serde(default)]
    pub on_stage: Option<bool>,
    /// What everyone reads (Markdown).
    pub say: Text,
    /// For the presenter only (Markdown).
    #[serde(default)]
    pub notes: Option<Text>,
    /// What to talk about while the action runs (Markdown).
    #[serde(default)]
    pub while_running: Option<Text>,
    /// Progressive: the first says least.
    #[serde(default)]
    pub hints: Vec<Text>,
    /// How the action must end: `success` by default.
    #[serde(default)]
    pub expect: Option<StepExpectYaml>,
    /// How long the action may take; by default as long as its kind usually needs.
    #[serde(default)]
    pub timeout: Option<DurationText>,
    #[serde(default)]
    pub edit: Option<EditYaml>,
    #[serde(default)]
    pub deploy: Option<DeployAction>,
    #[serde(default)]
    pub sql: Option<SqlYaml>,
    #[serde(default)]
    pub shell: Option<ShellYaml>,
    #[serde(default)]
    pub invoke: Option<InvokeYaml>,
    #[serde(default)]
    pub check: Option<RunChecksYaml>,
    #[serde(default)]
    pub load: Option<LoadYaml>,
}

/// The keys of a step that are actions.
pub const ACTIONS: [&str; 7] = ["edit", "deploy", "sql", "shell", "invoke", "check", "load"];

/// `success`, or the failure that is the lesson.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StepExpectYaml {
    Word(SuccessYaml),
    Failure(ExpectFailureYaml),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SuccessYaml {
    Success,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an expectation")]
pub struct ExpectFailureYaml {
    pub failure: FailureYaml,
}

/// A failure that is the lesson, and the step that repairs it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an expected failure")]
pub struct FailureYaml {
    /// What the error's text must match.
    pub matches: Pattern,
    /// The SQLSTATE it must carry, when it has one.
    #[serde(default)]
    pub sqlstate: Option<SqlState>,
    /// The step, later in the same chapter, that repairs it.
    pub repaired_by: Id,
}

/// `all` that the chapter changes, or a list of changes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EditYaml {
    All(AllYaml),
    Changes(Vec<ChangeYaml>),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AllYaml {
    All,
}

/// One hunk between the previous chapter's snapshot and this one's, or all hunks of a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an edit")]
pub struct ChangeYaml {
    /// The file below the snapshot, with slashes.
    pub file: Text,
    /// Text on a line that exactly one hunk of the file adds or removes. Without it: all hunks of the file.
    #[serde(default, rename = "match")]
    pub pattern: Option<Text>,
    /// Only a part of the change: up to and with the first added line (from `match` on) that holds this text. Another
    /// `edit` takes the rest.
    #[serde(default)]
    pub until: Option<Text>,
    /// Shown beside the (first) hunk (Markdown).
    #[serde(default)]
    pub note: Option<Text>,
}

/// Statements for console sessions that stay open.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an SQL action")]
pub struct SqlYaml {
    /// Run in this order, each waiting for the one before.
    #[schemars(length(min = 1))]
    pub statements: Vec<StatementYaml>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a statement")]
pub struct StatementYaml {
    /// The console session; `main` by default.
    #[serde(default, rename = "in")]
    pub session: Option<Id>,
    /// The database role that the session connects as when it is opened; `admin` by default.
    #[serde(default, rename = "as")]
    pub role: Option<Text>,
    /// SQL, or one backslash command.
    pub run: SqlTemplate,
    /// Any success by default.
    #[serde(default)]
    pub expect: Option<SqlExpectYaml>,
}

/// A command line for `sh -c`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a shell action")]
pub struct ShellYaml {
    pub run: ShellTemplate,
    /// Directory below the working directory; its root by default.
    #[serde(default)]
    pub cwd: Option<Text>,
    /// Whether the command installs the project's npm packages.
    #[serde(default)]
    pub installs: Option<bool>,
    /// What the output must match, besides exit code 0.
    #[serde(default)]
    pub matches: Option<Pattern>,
}

/// One invocation of the course's function, and what it must answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an invocation")]
pub struct InvokeYaml {
    pub payload: JsonTemplate,
    /// Assertions on the response.
    #[serde(default)]
    pub expect: Vec<AssertionYaml>,
    /// What the function's error must match; without it, success.
    #[serde(default)]
    pub error: Option<Pattern>,
}

/// `all` checks of the chapter, or their ids in order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RunChecksYaml {
    All(AllYaml),
    Ids(Vec<Id>),
}

/// Many concurrent invocations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a load action")]
pub struct LoadYaml {
    pub payload: JsonTemplate,
    #[schemars(range(min = 1, max = 1_000_000))]
    pub invocations: u32,
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: u32,
    /// The share of the invocations that must succeed, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub success_at_least: f64,
}
