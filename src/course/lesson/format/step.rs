//! A step as it is written, and its actions.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::command::{AllYaml, CommandYaml};
use super::deploy::DeployYaml;
use super::expect::{AssertionYaml, FigureBoundYaml, SqlExpectYaml};
use super::scalars::{
    CaptureSource, DurationText, FigureText, FunctionTemplate, Id, JsonPathText, JsonTemplate, Minutes, Pattern,
    PlainTemplate, SpanText, SqlState, SqlTemplate, Text,
};
use super::serve::{ServeYaml, StopYaml};
use crate::lesson::model::Target;

/// One step: text for everyone, and at most one action, or several `actions` in order.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a step", extend("x-at-most-one-of" = STEP_ACTIONS))]
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
    /// Text for everyone (Markdown).
    pub say: Text,
    /// For the presenter only (Markdown).
    #[serde(default)]
    pub notes: Option<Text>,
    /// Text to talk about while the action runs (Markdown).
    #[serde(default)]
    pub while_running: Option<Text>,
    /// Text for when the action is over (Markdown): it shows when the step is done.
    #[serde(default)]
    pub after: Option<Text>,
    /// Progressive: the first says least.
    #[serde(default)]
    pub hints: Vec<Text>,
    /// True for a step that may be left out: nothing later depends on it. False by default.
    #[serde(default)]
    pub optional: Option<bool>,
    /// Only where these options are chosen, by choice.
    #[serde(default)]
    pub when: BTreeMap<String, WhenYaml>,
    /// The targets where its action can run; both by default.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// Text for the targets where its action cannot run (Markdown): there it stands below `say`, and nothing is run.
    #[serde(default)]
    pub elsewhere: Option<Text>,
    /// The end that the action must come to: `success` by default.
    #[serde(default)]
    pub expect: Option<StepExpectYaml>,
    /// The time that the action may take; by default as long as its kind usually needs.
    #[serde(default)]
    pub timeout: Option<DurationText>,
    /// The time that it is planned to take: the step's minutes are talk, and a longer wait is added to them.
    #[serde(default)]
    pub wait: Option<WaitYaml>,
    #[serde(default)]
    pub edit: Option<EditYaml>,
    #[serde(default)]
    pub deploy: Option<DeployYaml>,
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
    #[serde(default)]
    pub serve: Option<ServeYaml>,
    #[serde(default)]
    pub stop: Option<StopYaml>,
    #[serde(default)]
    pub simulate: Option<SimulateYaml>,
    /// Several actions, one after the other.
    #[serde(default)]
    #[schemars(length(min = 2))]
    pub actions: Option<Vec<PartYaml>>,
}

/// An option, or several of which one is chosen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WhenYaml {
    One(Id),
    Any(#[schemars(length(min = 1))] Vec<Id>),
}

/// A time for all targets, or for each.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WaitYaml {
    Everywhere(DurationText),
    ByTarget(TargetWaitsYaml),
}

/// A time for each target; where none is given nothing is planned.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a planned wait")]
pub struct TargetWaitsYaml {
    /// In the user's AWS account.
    #[serde(default)]
    pub aws: Option<DurationText>,
    /// In the sandbox on this machine.
    #[serde(default)]
    pub local: Option<DurationText>,
}

/// One of several actions of a step. What it does not say for itself is the step's.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an action", extend("x-exactly-one-of" = ACTIONS))]
pub struct PartYaml {
    #[serde(default)]
    pub title: Option<Text>,
    /// Text for everyone (Markdown).
    #[serde(default)]
    pub say: Option<Text>,
    /// For the presenter only (Markdown).
    #[serde(default)]
    pub notes: Option<Text>,
    /// Text to talk about while the action runs (Markdown).
    #[serde(default)]
    pub while_running: Option<Text>,
    /// Text for when it is over (Markdown).
    #[serde(default)]
    pub after: Option<Text>,
    /// The end that it must come to: `success` by default.
    #[serde(default)]
    pub expect: Option<StepExpectYaml>,
    /// The time that it may take; by default as long as its kind usually needs.
    #[serde(default)]
    pub timeout: Option<DurationText>,
    /// The time that it is planned to take: the step's minutes are talk, and a longer wait is added to them.
    #[serde(default)]
    pub wait: Option<WaitYaml>,
    #[serde(default)]
    pub edit: Option<EditYaml>,
    #[serde(default)]
    pub deploy: Option<DeployYaml>,
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
    #[serde(default)]
    pub serve: Option<ServeYaml>,
    #[serde(default)]
    pub stop: Option<StopYaml>,
    #[serde(default)]
    pub simulate: Option<SimulateYaml>,
}

/// The keys of a step of which it has one at most.
pub const STEP_ACTIONS: [&str; 11] =
    ["edit", "deploy", "sql", "shell", "invoke", "check", "load", "serve", "stop", "simulate", "actions"];

/// The keys of a step that are actions.
pub const ACTIONS: [&str; 10] =
    ["edit", "deploy", "sql", "shell", "invoke", "check", "load", "serve", "stop", "simulate"];

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
    /// A pattern that the error's text must match.
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
    /// Values to keep from its first row, by name: a column.
    #[serde(default)]
    pub capture: BTreeMap<String, Text>,
    /// Values to keep from what is printed, by name: a pattern, whose first group is the value, or all of it.
    #[serde(default)]
    pub capture_printed: BTreeMap<String, Pattern>,
    /// Any success by default.
    #[serde(default)]
    pub expect: Option<SqlExpectYaml>,
}

/// A command line for `sh -c`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a shell action")]
pub struct ShellYaml {
    pub run: CommandYaml,
    /// Directory below the working directory; its root by default.
    #[serde(default)]
    pub cwd: Option<Text>,
    /// `true` when the command installs the project's npm packages.
    #[serde(default)]
    pub installs: Option<bool>,
    /// A pattern that the output must match, besides exit code 0.
    #[serde(default)]
    pub matches: Option<Pattern>,
    /// Text that it reads on its standard input; nothing by default.
    #[serde(default)]
    pub stdin: Option<PlainTemplate>,
    /// Values to keep from the output, by name.
    #[serde(default)]
    pub capture: BTreeMap<String, CaptureSource>,
}

/// One invocation of a function, and what it must answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an invocation")]
pub struct InvokeYaml {
    /// The function, by its name or by an output that has it; the course's by default.
    #[serde(default)]
    pub function: Option<FunctionTemplate>,
    pub payload: JsonTemplate,
    /// Assertions on the response.
    #[serde(default)]
    pub expect: Vec<AssertionYaml>,
    /// A pattern that the function's error must match; without it, success.
    #[serde(default)]
    pub error: Option<Pattern>,
    /// Values to keep from the response of a step, by name: a JSONPath. A check has its own `capture`.
    #[serde(default)]
    pub capture: BTreeMap<String, JsonPathText>,
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
    /// The function, by its name or by an output that has it; the course's by default.
    #[serde(default)]
    pub function: Option<FunctionTemplate>,
    pub payload: JsonTemplate,
    #[schemars(range(min = 1, max = 1_000_000))]
    pub invocations: u32,
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: u32,
    /// Values that are made up for each invocation, by name, for `${generate.NAME}` in the payload.
    #[serde(default)]
    pub generate: BTreeMap<String, GeneratorYaml>,
    /// Invocations before these, which are not counted: they start the function's environments.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10_000))]
    pub warm_up: Option<u32>,
    /// The share of the invocations that must succeed, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub success_at_least: f64,
    /// Figures of those that are counted, and what they must be.
    #[serde(default)]
    pub expect: Vec<FigureBoundYaml>,
    /// Figures to keep, by name.
    #[serde(default)]
    pub capture: BTreeMap<String, FigureText>,
}

/// Conditions that the local target is put under until the step is over, with all its actions; then they are taken
/// back by themselves.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a simulation")]
pub struct SimulateYaml {
    /// How far the sandbox's clock is moved, from the machine's time: `+16m`, `+1h 1m`.
    #[serde(default)]
    pub clock: Option<SpanText>,
    #[serde(default)]
    pub faults: Option<FaultsYaml>,
    #[serde(default)]
    pub limits: Option<LimitsYaml>,
}

/// Things that go wrong in a cloud now and then, and how many times each.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a list of faults")]
pub struct FaultsYaml {
    /// New connections that are refused because the cluster is waking up.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub waking_up: Option<u32>,
    /// Connections that are lost at COMMIT, with nothing committed.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub lost_before_commit: Option<u32>,
    /// Connections that are lost at COMMIT, with everything committed.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub lost_after_commit: Option<u32>,
    /// Invocations of functions that are refused because there are too many requests.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub throttled: Option<u32>,
}

/// The limits of the cluster's connections, in place of the service's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a set of limits")]
pub struct LimitsYaml {
    /// Connections at once; 10,000 by default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10_000))]
    pub connections: Option<u32>,
    /// New connections a second; 100 by default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub connections_per_second: Option<u32>,
    /// New connections that may come at once when none came for a while; 1,000 by default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000))]
    pub connection_burst: Option<u32>,
}

/// A value that is made up for each invocation: exactly one of `integer`, `one_of`, `uuid`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a generator", extend("x-exactly-one-of" = GENERATORS))]
pub struct GeneratorYaml {
    /// A whole number of a range, both ends with it.
    #[serde(default)]
    pub integer: Option<RangeYaml>,
    /// One of these values.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub one_of: Option<Vec<serde_json::Value>>,
    /// `true`: a UUID of version 4.
    #[serde(default)]
    pub uuid: Option<bool>,
    /// Another generator of this load, earlier by name, whose value this one must not have.
    #[serde(default)]
    pub differs_from: Option<Text>,
}

/// The keys of a generator that say what it makes.
pub const GENERATORS: [&str; 3] = ["integer", "one_of", "uuid"];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a range")]
pub struct RangeYaml {
    pub from: i64,
    pub to: i64,
}
