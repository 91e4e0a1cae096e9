//! The actions of steps.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::Template;
use super::expect::{LambdaExpect, NumberBound, SqlExpect};
use crate::lesson::json_path;

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

/// A deploy: what becomes of which stack, and with what.
#[derive(Debug, Clone, PartialEq)]
pub struct DeployStep {
    pub action: DeployAction,
    /// None: the course's.
    pub stack: Option<String>,
    /// The directory of the project or of the template; None: where the CDK's project is, or the root.
    pub cwd: Option<String>,
    /// The template that is deployed, without the CDK.
    pub template: Option<TemplateDeploy>,
}

/// A CloudFormation template to deploy.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateDeploy {
    /// Below the deploy's directory.
    pub file: String,
    /// By name.
    pub parameters: Vec<(String, Template)>,
}

impl From<DeployAction> for DeployStep {
    /// Of the course's own stack, with the CDK.
    fn from(action: DeployAction) -> DeployStep {
        DeployStep { action, stack: None, cwd: None, template: None }
    }
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
    /// Database role the session connects as when it is opened (YAML: `as`); None: the database's usual one.
    pub role: Option<String>,
    /// SQL or one backslash command (YAML: `run`); references are quoted as SQL literals.
    pub run: Template,
    /// YAML: `expect`; without it, any success will do.
    pub expect: SqlExpect,
    /// YAML: `capture: {NAME: COLUMN}`, from the first row.
    pub capture: Vec<(String, String)>,
    /// YAML: `capture_printed: {NAME: REGEX}`: the pattern's first group is the value, or all of it.
    pub capture_printed: Vec<(String, String)>,
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
    /// What it reads on its standard input; references stand for themselves.
    pub stdin: Option<Template>,
    /// YAML: `capture: {NAME: SOURCE}`: a pattern, whose first group is the value or all of it, or a JSONPath.
    pub capture: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct InvokeAction {
    /// None: the course's.
    pub function: Option<Template>,
    /// YAML: JSON as text; references are quoted as JSON (a whole-string reference to a number stays a number).
    pub payload: Template,
    pub expect: LambdaExpect,
    /// YAML: `capture: {NAME: JSONPATH}`.
    pub capture: Vec<(String, String)>,
}

/// A process that goes on when its step is over: until it is stopped, started anew, or the chapter is left.
#[derive(Debug, Clone, PartialEq)]
pub struct ServeAction {
    /// Unique among those that run.
    pub name: String,
    /// As a shell action's.
    pub run: Template,
    pub cwd: String,
    /// None: it is enough that it runs.
    pub ready: Option<ReadyWhen>,
    /// As a shell action's, from what it prints until it is ready.
    pub capture: Vec<(String, String)>,
}

/// The sign that a process is ready.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadyWhen {
    /// A regular expression on what it has printed.
    Output(String),
    /// A port of this machine answers.
    Port(u16),
    /// A web address answers with a status below 400.
    Http(Template),
}

/// A value that a load makes up for each invocation.
#[derive(Debug, Clone, PartialEq)]
pub struct Generator {
    pub name: String,
    pub kind: GeneratorKind,
    /// A generator before this one, whose value it must not have.
    pub differs_from: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum GeneratorKind {
    /// Both ends belong to it.
    Integer {
        from: i64,
        to: i64,
    },
    OneOf(Vec<serde_json::Value>),
    /// Of version 4.
    Uuid,
}

/// Many concurrent invocations.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadAction {
    /// None: the course's.
    pub function: Option<Template>,
    pub payload: Template,
    /// YAML: `generate: {NAME: {integer: {from: 1, to: 100}}}`; in an order in which each can differ from one before.
    pub generate: Vec<Generator>,
    /// Invocations before those that count.
    pub warm_up: u32,
    pub invocations: u32,
    pub concurrency: u32,
    /// At least this share of the invocations must succeed, 0 to 1.
    pub success_at_least: f64,
    pub expect: Vec<(LoadFigure, NumberBound)>,
    /// YAML: `capture: {NAME: FIGURE}`.
    pub capture: Vec<(String, LoadFigure)>,
}

/// A figure of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadFigure {
    /// Invocations that failed.
    Failed,
    /// Invocations a second.
    PerSecond,
    /// Milliseconds of the median, and of all but the slowest hundredth.
    P50Ms,
    P99Ms,
    /// Of the numbers at a JSONPath in the answers of those that succeeded.
    Sum(String),
    Mean(String),
    Max(String),
}

impl LoadFigure {
    /// Reads `failed`, `p99_ms`, `mean($.attempts)`; None when it is no figure.
    pub fn parse(text: &str) -> Option<LoadFigure> {
        let of = |name: &str| {
            let path = text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?.trim();
            json_path::parse(path).is_ok().then(|| path.to_owned())
        };
        Some(match text {
            "failed" => LoadFigure::Failed,
            "per_second" => LoadFigure::PerSecond,
            "p50_ms" => LoadFigure::P50Ms,
            "p99_ms" => LoadFigure::P99Ms,
            _ => of("sum")
                .map(LoadFigure::Sum)
                .or_else(|| of("mean").map(LoadFigure::Mean))
                .or_else(|| of("max").map(LoadFigure::Max))?,
        })
    }
}

impl std::fmt::Display for LoadFigure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadFigure::Failed => f.write_str("failed"),
            LoadFigure::PerSecond => f.write_str("per_second"),
            LoadFigure::P50Ms => f.write_str("p50_ms"),
            LoadFigure::P99Ms => f.write_str("p99_ms"),
            LoadFigure::Sum(path) => write!(f, "sum({path})"),
            LoadFigure::Mean(path) => write!(f, "mean({path})"),
            LoadFigure::Max(path) => write!(f, "max({path})"),
        }
    }
}

/// Conditions that the local target is put under until the step of the lesson is over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SimulateAction {
    /// Milliseconds that the clock is moved by.
    pub clock_ms: i64,
    /// How many times each fault comes.
    pub faults: BTreeMap<FaultKind, u32>,
    pub limits: Option<LimitSet>,
}

impl SimulateAction {
    /// Says what holds, one thing each.
    pub fn says(&self) -> Vec<String> {
        let mut says = Vec::new();
        if self.clock_ms != 0 {
            let way = if self.clock_ms > 0 { "ahead" } else { "back" };
            says.push(format!("its clock is {} {way}", span(self.clock_ms.unsigned_abs() / 1000)));
        }
        for (fault, times) in &self.faults {
            let (one, many) = match fault {
                FaultKind::WakingUp => {
                    ("the next new connection finds it waking up", "new connections find it waking up")
                }
                FaultKind::LostBeforeCommit => {
                    ("the next connection to COMMIT is lost before it", "connections are lost before their COMMIT")
                }
                FaultKind::LostAfterCommit => {
                    ("the next connection to COMMIT is lost after it", "connections are lost after their COMMIT")
                }
                FaultKind::Throttled => ("the next invocation is throttled", "invocations are throttled"),
            };
            says.push(if *times == 1 { one.to_owned() } else { format!("the next {times} {many}") });
        }
        let limits = self.limits.unwrap_or_default();
        if limits.connections_per_second.is_some() || limits.connection_burst.is_some() {
            let per_second = limits.connections_per_second.unwrap_or(100);
            let burst = limits.connection_burst.unwrap_or(1000);
            says.push(format!("it takes {per_second} new connections a second, after {burst} at once"));
        }
        if let Some(connections) = limits.connections {
            says.push(format!("it holds {connections} connections"));
        }
        says
    }
}

/// `16 min`, `1 h 1 min`, `90 s` of so many seconds.
fn span(seconds: u64) -> String {
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, minutes, 0) if minutes > 0 => format!("{minutes} min"),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Something that goes wrong in a cloud now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    WakingUp,
    LostBeforeCommit,
    LostAfterCommit,
    Throttled,
}

/// Limits of the cluster's connections; what is not given is as in the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitSet {
    pub connections: Option<u32>,
    pub connections_per_second: Option<u32>,
    pub connection_burst: Option<u32>,
}
