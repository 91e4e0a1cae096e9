//! A course that has been read and found valid. Past this point nothing can be missing or double.
//!
//! The YAML keys are the field names here unless a comment says otherwise; `lesson::format` holds the
//! file format, `lesson::load` turns it into these types.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code::diff::TreeDiff;
use crate::code::tree::Tree;

/// Where a course's work runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The sandbox this program starts on this machine.
    Local,
    /// The user's AWS account.
    Aws,
}

/// Where something stands in a lesson file, for reports that point at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub file: PathBuf,
    pub line: u32,
}

/// Text with `${…}` references, filled in by `lesson::template` for the place it goes to.
/// References: `outputs.KEY`, `cluster.endpoint`, `cluster.identifier`, `region`, `account`,
/// `stack`, `function`, `capture.NAME`. `$${` is a literal `${`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub String);

/// `lessons/course.yaml`. Its `chapters` are the names of the chapter files without `.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    pub title: String,
    /// The session code of the talk, `DAT401`.
    pub code: String,
    /// Length of the slot on stage (YAML: `slot`, minutes).
    pub slot: Duration,
    /// YAML: `target`, default `local`.
    pub target: Target,
    /// The CloudFormation stack that the course deploys.
    pub stack: String,
    /// The Lambda function that the course invokes.
    pub function: String,
    /// What costs money when the course runs in an AWS account.
    pub costs: Option<String>,
    pub prerequisites: Vec<Prerequisite>,
    /// In order of teaching; chapter `number`s are 0, 1, 2, ….
    pub chapters: Vec<Chapter>,
    /// The directory that holds `course.yaml`.
    pub lessons: PathBuf,
    /// The directory that holds the chapters' snapshots.
    pub snapshots: PathBuf,
}

/// Something that must be on the machine before the workshop starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Prerequisite {
    /// `Node.js`
    pub name: String,
    /// A command that prints a version, `node --version`.
    pub command: String,
    /// A semver range, `>=20`.
    pub version: String,
    /// Which targets need it; empty: both.
    pub targets: Vec<Target>,
    /// What to do when it is missing or too old.
    pub fix: String,
}

/// One chapter: `lessons/chNN.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Chapter {
    /// 0, 1, 2, … as on the command line.
    pub number: u32,
    /// `ch01`; also the name of the snapshot directory it ends at (YAML: `snapshot`).
    pub id: String,
    pub title: String,
    /// YAML: `minutes`. The budgets of the steps on stage add up to this.
    pub budget: Duration,
    /// False for the preparations before the talk (YAML: `on_stage`, default true): their minutes do not count for the slot.
    pub on_stage: bool,
    /// What the learner can do afterwards.
    pub goals: Vec<String>,
    pub steps: Vec<Step>,
    pub checks: Vec<Check>,
    /// The files that the chapter ends with: its snapshot, read.
    pub snapshot: Tree,
    /// From the previous chapter's snapshot to this one's, with the authors' notes on the hunks.
    /// From nothing for the first chapter.
    pub diff: TreeDiff,
    pub origin: Origin,
}

/// One step: text for everyone, and exactly one action.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Unique in its chapter.
    pub id: String,
    pub title: String,
    /// YAML: `minutes`, fractions allowed.
    pub budget: Duration,
    /// False for a part that learners take by themselves (YAML: `on_stage`, default true).
    pub on_stage: bool,
    /// Markdown, for everyone.
    pub say: String,
    /// Markdown, for the presenter only.
    pub notes: Option<String>,
    /// What to talk about while the action runs (Markdown).
    pub while_running: Option<String>,
    /// Progressive: the first says least.
    pub hints: Vec<String>,
    /// YAML: the key is the action's name: `edit:`, `deploy:`, `sql:`, …; a step without one only reads.
    pub action: StepAction,
    /// YAML: `expect`.
    pub expect: StepExpect,
    /// YAML: `timeout`, `90s`; a default by action.
    pub timeout: Duration,
    pub origin: Origin,
}

/// How a step's action must end.
#[derive(Debug, Clone, PartialEq)]
pub enum StepExpect {
    Success,
    /// YAML: `expect: {failure: {matches: …, sqlstate: …, repaired_by: STEP}}`.
    Failure(ExpectedFailure),
}

/// A failure that is the lesson.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedFailure {
    /// A regular expression that the error's text must match (message, DETAIL or HINT).
    pub matches: String,
    /// The SQLSTATE it must carry, when it has one.
    pub sqlstate: Option<String>,
    /// The step, later in the same chapter, that repairs it.
    pub repaired_by: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StepAction {
    /// Nothing to run.
    Read,
    Edit(EditAction),
    Deploy(DeployAction),
    Sql(SqlAction),
    Shell(ShellAction),
    Invoke(InvokeAction),
    /// YAML: `check: [id, …]`, or `check: all`. These are check ids of this chapter, in order.
    Check(Vec<String>),
    Load(LoadAction),
}

/// The action's name, as in YAML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    Read,
    Edit,
    Deploy,
    Sql,
    Shell,
    Invoke,
    Check,
    Load,
}

impl StepAction {
    pub fn kind(&self) -> ActionKind {
        match self {
            StepAction::Read => ActionKind::Read,
            StepAction::Edit(_) => ActionKind::Edit,
            StepAction::Deploy(_) => ActionKind::Deploy,
            StepAction::Sql(_) => ActionKind::Sql,
            StepAction::Shell(_) => ActionKind::Shell,
            StepAction::Invoke(_) => ActionKind::Invoke,
            StepAction::Check(_) => ActionKind::Check,
            StepAction::Load(_) => ActionKind::Load,
        }
    }
}

/// Hunks of the diff between the previous chapter's snapshot and this one's.
/// YAML: `edit: all` (chapter 0: the whole snapshot), or a list of `{file, match, note}`. `match` is
/// plain text that a line of exactly one hunk of the file holds; without it: all hunks of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct EditAction {
    /// Resolved by `load`: indices into the chapter's [`crate::code::diff::TreeDiff`] hunks, in file order.
    pub hunks: Vec<EditHunk>,
}

/// One hunk of a chapter, chosen by a file and a pattern on a line that it adds or removes.
#[derive(Debug, Clone, PartialEq)]
pub struct EditHunk {
    /// Slash-separated path below the snapshot.
    pub file: String,
    /// Index of the hunk among the file's hunks in the chapter's diff, from 0.
    pub index: usize,
    /// A note shown beside the hunk (Markdown).
    pub note: Option<String>,
}

/// YAML: `deploy: deploy`, `deploy: bootstrap`, `deploy: destroy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeployAction {
    /// `npx cdk bootstrap`, once per account and region.
    Bootstrap,
    /// `npx cdk deploy`
    Deploy,
    /// `npx cdk destroy --force`
    Destroy,
}

/// Statements for console sessions that stay open across chapters.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlAction {
    /// Run in this order, each waiting for the one before.
    pub statements: Vec<SqlStatement>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SqlStatement {
    /// Name of the console session (YAML: `in`, default `main`).
    pub session: String,
    /// Database role the session connects as when it is opened (YAML: `as`, default `admin`).
    pub role: String,
    /// SQL or one backslash command (YAML: `run`); references are quoted as SQL literals.
    pub run: Template,
    /// YAML: `expect`; without it, any success will do.
    pub expect: SqlExpect,
}

/// What a statement or an SQL check must answer. All that is given must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SqlExpect {
    /// The rows as text, NULL as `null`, in order. Only whole numbers may stand without quotes.
    pub rows: Option<Vec<Vec<Option<Template>>>>,
    /// How many rows.
    pub count: Option<u64>,
    /// A regular expression on the printed result or command tag.
    pub matches: Option<String>,
    /// The error it must end with; its absence means success.
    pub sqlstate: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ShellAction {
    /// A `sh -c` line; references are quoted as shell words.
    pub run: Template,
    /// Directory below the working directory, default its root.
    pub cwd: String,
    /// The command installs the project's npm packages: the runner first lays out its cached
    /// installation for the same lockfile, so that the command has nothing left to fetch.
    pub installs: bool,
    /// A regular expression on the output, besides exit code 0.
    pub matches: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct InvokeAction {
    /// YAML: JSON as text; references are quoted as JSON (a whole-string reference to a number stays a number).
    pub payload: Template,
    pub expect: LambdaExpect,
}

/// What an invocation must answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LambdaExpect {
    /// Assertions on the response, YAML: `expect: [{path: $.balance, equals: 90}, …]`.
    pub response: Vec<JsonExpect>,
    /// A regular expression that the function's error must match; absence means success (YAML: `error`).
    pub error: Option<String>,
}

/// One assertion on a JSON document.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonExpect {
    /// JSONPath, `$.balance`.
    pub path: String,
    pub is: JsonIs,
}

#[derive(Debug, Clone, PartialEq)]
pub enum JsonIs {
    /// YAML: `equals: VALUE`, any YAML value; strings in it may hold references.
    Equals(serde_json::Value),
    /// YAML: `matches: REGEX`, on the value as text.
    Matches(String),
    /// YAML: `number: {equals: "${capture.before}", plus: -10}`; `plus` defaults to 0.
    Number { equals: Template, plus: i64 },
    /// YAML: `exists: true` or `false`.
    Exists(bool),
}

/// Many concurrent invocations.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadAction {
    pub payload: Template,
    pub invocations: u32,
    pub concurrency: u32,
    /// At least this share of the invocations must succeed, 0 to 1.
    pub success_at_least: f64,
}

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

impl Course {
    pub fn chapter(&self, number: u32) -> Option<&Chapter> {
        self.chapters.iter().find(|c| c.number == number)
    }
    /// The directory of the snapshot that a chapter ends at.
    pub fn snapshot_dir(&self, chapter: &Chapter) -> PathBuf {
        self.snapshots.join(&chapter.id)
    }
}

impl Chapter {
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|s| s.id == id)
    }
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|c| c.id == id)
    }
}

impl Step {
    /// Returns the time that the step takes of its chapter's: none when it is for learners by themselves.
    pub fn stage_budget(&self) -> Duration {
        if self.on_stage { self.budget } else { Duration::ZERO }
    }
}
