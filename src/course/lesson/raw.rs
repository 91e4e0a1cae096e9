//! The lesson files as they are written: what serde_yaml reads, and what the JSON Schema is made from.
//!
//! Invariant: this is the only description of the format. `shape` checks files against the schema of
//! these types and reports every deviation with its place; `load` turns them into the model.
//! A type with an `x-kind` is text with an inner form, which `shape` checks too.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::model::{Deploy, Target};

/// `course.yaml`: what the course is called, where it runs, and its chapters in order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a course")]
pub struct Course {
    pub title: Text,
    /// The session code of the talk, `DAT401`.
    pub code: Text,
    /// Length of the slot on stage, in minutes.
    pub slot: Minutes,
    /// Where the course runs unless the command line says otherwise; `local` by default.
    #[serde(default)]
    pub target: Option<Target>,
    /// The CloudFormation stack that the course deploys.
    pub stack: Text,
    /// The Lambda function that the course invokes.
    pub function: Text,
    /// What costs money when the course runs in an AWS account, as a list in one sentence: "a Lambda function, …".
    #[serde(default)]
    pub costs: Option<Text>,
    /// What must be on the machine before the workshop starts.
    #[serde(default)]
    pub prerequisites: Vec<Prerequisite>,
    /// Names of the chapter files in order of teaching, without `.yaml`: `ch00`, `ch01`, ….
    #[schemars(length(min = 1))]
    pub chapters: Vec<Id>,
}

/// Something that must be on the machine before the workshop starts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a prerequisite")]
pub struct Prerequisite {
    /// `Node.js`
    pub name: Text,
    /// A command that prints a version, `node --version`.
    pub command: Text,
    pub version: VersionRange,
    /// Which targets need it; both by default.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// What to do when it is missing or too old.
    pub fix: Text,
}

/// One chapter: `chNN.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a chapter")]
pub struct Chapter {
    /// The name of the snapshot directory that the chapter ends at; the chapter's id.
    pub snapshot: Id,
    pub title: Text,
    /// Minutes for the whole chapter; its steps' minutes add up to this.
    pub minutes: Minutes,
    /// False for preparations before the talk, whose minutes do not count for the slot; true by default.
    #[serde(default)]
    pub on_stage: Option<bool>,
    /// What the learner can do afterwards.
    #[serde(default)]
    pub goals: Vec<Text>,
    #[schemars(length(min = 1))]
    pub steps: Vec<Step>,
    /// The proofs that the chapter works, in order.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// One step: text for everyone, and at most one action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a step", extend("x-at-most-one-of" = ACTIONS))]
pub struct Step {
    /// Unique in its chapter.
    pub id: Id,
    pub title: Text,
    /// Minutes for this step; fractions are allowed.
    pub minutes: Minutes,
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
    pub expect: Option<Expect>,
    /// How long the action may take; by default as long as its kind usually needs.
    #[serde(default)]
    pub timeout: Option<Duration>,
    #[serde(default)]
    pub edit: Option<Edit>,
    #[serde(default)]
    pub deploy: Option<Deploy>,
    #[serde(default)]
    pub sql: Option<Sql>,
    #[serde(default)]
    pub shell: Option<Shell>,
    #[serde(default)]
    pub invoke: Option<Invoke>,
    #[serde(default)]
    pub check: Option<RunChecks>,
    #[serde(default)]
    pub load: Option<Load>,
}

/// The keys of a step that are actions.
pub const ACTIONS: [&str; 7] = ["edit", "deploy", "sql", "shell", "invoke", "check", "load"];

/// `success`, or the failure that is the lesson.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Expect {
    Word(Success),
    Failure(ExpectFailure),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Success {
    Success,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an expectation")]
pub struct ExpectFailure {
    pub failure: Failure,
}

/// A failure that is the lesson, and the step that repairs it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an expected failure")]
pub struct Failure {
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
pub enum Edit {
    All(All),
    Changes(Vec<Change>),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum All {
    All,
}

/// One hunk between the previous chapter's snapshot and this one's, or all hunks of a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an edit")]
pub struct Change {
    /// The file below the snapshot, with slashes.
    pub file: Text,
    /// Text on a line that exactly one hunk of the file adds or removes. Without it: all hunks of the file.
    #[serde(default, rename = "match")]
    pub pattern: Option<Text>,
    /// Shown beside the (first) hunk (Markdown).
    #[serde(default)]
    pub note: Option<Text>,
}

/// Statements for console sessions that stay open.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an SQL action")]
pub struct Sql {
    /// Run in this order, each waiting for the one before.
    #[schemars(length(min = 1))]
    pub statements: Vec<Statement>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a statement")]
pub struct Statement {
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
    pub expect: Option<SqlExpect>,
}

/// What a statement must answer; all that is given must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an SQL expectation")]
pub struct SqlExpect {
    /// The rows in order; values as the console prints them, NULL as `null`.
    #[serde(default)]
    pub rows: Option<Vec<Vec<Cell>>>,
    /// How many rows.
    #[serde(default)]
    pub count: Option<u64>,
    /// What the printed result or the command tag must match.
    #[serde(default)]
    pub matches: Option<Pattern>,
    /// The error it must end with; without it, success.
    #[serde(default)]
    pub sqlstate: Option<SqlState>,
}

/// A value as the console prints it: text or a whole number (anything else in quotes), or null.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Cell {
    Text(PlainTemplate),
    Number(i64),
    Null(()),
}

/// A command line for `sh -c`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a shell action")]
pub struct Shell {
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
pub struct Invoke {
    pub payload: JsonTemplate,
    /// Assertions on the response.
    #[serde(default)]
    pub expect: Vec<Assertion>,
    /// What the function's error must match; without it, success.
    #[serde(default)]
    pub error: Option<Pattern>,
}

/// One assertion on a JSON document: a path, and exactly one of `equals`, `matches`, `number`, `exists`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an assertion", extend("x-exactly-one-of" = ASSERTIONS))]
pub struct Assertion {
    pub path: Path,
    /// Any value; text in it may hold references.
    #[serde(default, deserialize_with = "given")]
    pub equals: Option<serde_json::Value>,
    /// On the value as text.
    #[serde(default)]
    pub matches: Option<Pattern>,
    #[serde(default)]
    pub number: Option<Number>,
    #[serde(default)]
    pub exists: Option<bool>,
}

/// The keys of an assertion that say what must hold.
pub const ASSERTIONS: [&str; 4] = ["equals", "matches", "number", "exists"];

/// A number relative to another: `{equals: "${capture.before}", plus: -10}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a number")]
pub struct Number {
    pub equals: NumberOrTemplate,
    /// Added to it; 0 by default.
    #[serde(default)]
    pub plus: Option<i64>,
}

/// A whole number, or a reference to a value that is one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NumberOrTemplate {
    Number(i64),
    Template(PlainTemplate),
}

/// `all` checks of the chapter, or their ids in order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RunChecks {
    All(All),
    Ids(Vec<Id>),
}

/// Many concurrent invocations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a load action")]
pub struct Load {
    pub payload: JsonTemplate,
    #[schemars(range(min = 1, max = 1_000_000))]
    pub invocations: u32,
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: u32,
    /// The share of the invocations that must succeed, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub success_at_least: f64,
}

/// One proof that the chapter works: exactly one of `lambda`, `sql`, `stack`, `file`, `command`, `plan`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a check", extend("x-exactly-one-of" = CHECKS))]
pub struct Check {
    /// Unique in its chapter.
    pub id: Id,
    pub title: Text,
    /// Try again until it passes.
    #[serde(default)]
    pub eventually: Option<Eventually>,
    /// For one attempt.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// Values to keep, by name: a column (sql) or a JSONPath (lambda).
    #[serde(default)]
    pub capture: BTreeMap<String, Text>,
    /// The author's words for when it fails (Markdown).
    #[serde(default)]
    pub on_fail: Option<Text>,
    /// Progressive: the first says least.
    #[serde(default)]
    pub hints: Vec<Text>,
    #[serde(default)]
    pub lambda: Option<Invoke>,
    #[serde(default)]
    pub sql: Option<SqlCheck>,
    #[serde(default)]
    pub stack: Option<StackCheck>,
    #[serde(default)]
    pub file: Option<FileCheck>,
    #[serde(default)]
    pub command: Option<CommandCheck>,
    #[serde(default)]
    pub plan: Option<PlanCheck>,
}

/// The keys of a check that say what is checked.
pub const CHECKS: [&str; 6] = ["lambda", "sql", "stack", "file", "command", "plan"];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "`eventually`")]
pub struct Eventually {
    /// How long to go on trying.
    #[serde(rename = "for")]
    pub within: Duration,
    /// The pause between two attempts.
    pub every: Duration,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an SQL check")]
pub struct SqlCheck {
    /// The database role that asks; `admin` by default.
    #[serde(default, rename = "as")]
    pub role: Option<Text>,
    pub query: SqlTemplate,
    #[serde(default)]
    pub expect: Option<SqlExpect>,
}

/// The stack as CloudFormation sees it; all that is given must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a stack check")]
pub struct StackCheck {
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

/// A file below the working directory, and exactly one of `equals`, `contains`, `lacks`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a file check", extend("x-exactly-one-of" = FILE_CONDITIONS))]
pub struct FileCheck {
    pub path: Text,
    /// `snapshot`: the same as in the chapter's snapshot.
    #[serde(default)]
    pub equals: Option<Snapshot>,
    #[serde(default)]
    pub contains: Option<Text>,
    #[serde(default)]
    pub lacks: Option<Text>,
}

/// The keys of a file check that say what must hold.
pub const FILE_CONDITIONS: [&str; 3] = ["equals", "contains", "lacks"];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Snapshot {
    Snapshot,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a command check")]
pub struct CommandCheck {
    pub run: ShellTemplate,
    /// Directory below the working directory; its root by default.
    #[serde(default)]
    pub cwd: Option<Text>,
    /// 0 by default.
    #[serde(default)]
    #[schemars(range(min = 0, max = 255))]
    pub exit_code: Option<i32>,
    /// What the output must match.
    #[serde(default)]
    pub matches: Option<Pattern>,
}

/// Assertions on `EXPLAIN query`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a plan check")]
pub struct PlanCheck {
    pub query: SqlTemplate,
    /// Whether to run the query too (`EXPLAIN ANALYZE`); false by default.
    #[serde(default)]
    pub analyze: Option<bool>,
    /// What the plan must match.
    #[serde(default)]
    pub matches: Vec<Pattern>,
    /// What the plan must not match.
    #[serde(default)]
    pub rejects: Vec<Pattern>,
}

/// Declares a type that is one scalar in YAML, with the form that `shape` checks it for.
macro_rules! scalars {
    ($($(#[$meta:meta])* $name:ident($inner:ty) = $kind:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(extend("x-kind" = $kind))]
        pub struct $name(pub $inner);
    )*};
}

scalars! {
    /// Some text.
    Text(String) = "text";
    /// A name: lower-case letters, digits and hyphens, beginning with a letter.
    Id(String) = "id";
    /// A number of minutes; fractions are allowed.
    Minutes(f64) = "minutes";
    /// A duration such as `90s`, `2m` or `1m 30s`.
    Duration(String) = "duration";
    /// A regular expression (the syntax of the Rust crate regex).
    Pattern(String) = "pattern";
    /// A JSONPath, `$.balance`.
    Path(String) = "path";
    /// Five letters and digits, `40001`.
    SqlState(String) = "sqlstate";
    /// A range of versions, `>=20`.
    VersionRange(String) = "version";
    /// SQL with `${…}` references, which are quoted as SQL literals.
    SqlTemplate(String) = "sql";
    /// JSON with `${…}` references, which are quoted as JSON.
    JsonTemplate(String) = "json";
    /// A shell command with `${…}` references, which are quoted as shell words.
    ShellTemplate(String) = "shell";
    /// Text with `${…}` references.
    PlainTemplate(String) = "plain";
}

/// Tells `equals: null` from no `equals` at all.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}
