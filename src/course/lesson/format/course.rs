//! `course.yaml` and the chapter files as they are written, down to their steps and checks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::CheckYaml;
use super::command::CommandYaml;
use super::scalars::{
    DatabaseUrlText, DirectoryName, DurationText, FunctionTemplate, Id, Minutes, StackName, Text, VariableName,
    VersionRange,
};
use super::step::StepYaml;
use crate::lesson::model::Target;

/// `course.yaml`: what the course is called, where it runs, and its chapters in order.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a course")]
pub struct CourseYaml {
    /// The version of this format, 1; a file without it is of version 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub format_version: Option<u32>,
    pub title: Text,
    /// The session code of the talk, `DAT401`.
    pub code: Text,
    /// Length of the slot on stage, in minutes.
    pub slot: Minutes,
    /// The place where the course runs unless the command line says otherwise; `local` by default.
    #[serde(default)]
    pub target: Option<Target>,
    /// The targets that the course runs on: `[aws]` for one that needs what the sandbox does not have; both by default.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// The directory that learners work in, made below the one they are in; by default the code in lower case, with
    /// `my-` before it.
    #[serde(default)]
    pub workdir: Option<DirectoryName>,
    /// The CloudFormation stack that the course deploys. A course without one asks for no cloud.
    #[serde(default)]
    pub stack: Option<StackName>,
    /// The Lambda function that the course invokes, by its name or by an output that has it: `${outputs.FunctionName}`.
    #[serde(default)]
    pub function: Option<FunctionTemplate>,
    /// True for a course that uses AWS without a stack or a function of its own; a course that names one has a cloud anyway.
    #[serde(default)]
    pub cloud: Option<bool>,
    /// The database that statements, plans and the console ask; `dsql` by default.
    #[serde(default)]
    pub database: Option<DatabaseYaml>,
    /// Things that cost money when the course runs in an AWS account, as a list in one sentence: "a Lambda function, …".
    #[serde(default)]
    pub costs: Option<Text>,
    /// Values of the author's, by name, for `${var.NAME}` in texts and commands.
    #[serde(default)]
    pub variables: BTreeMap<String, VariableYaml>,
    /// Commands before the first step, each time the workshop is opened: what they make may be there already.
    #[serde(default)]
    pub setup: Vec<CourseCommandYaml>,
    /// Commands when the course is over: after a run by itself, and with `workshop teardown`.
    #[serde(default)]
    pub teardown: Vec<CourseCommandYaml>,
    /// What a learner chooses once: a language, a package manager.
    #[serde(default)]
    pub choices: Vec<ChoiceYaml>,
    /// Things that must be on the machine before the workshop starts.
    #[serde(default)]
    pub prerequisites: Vec<PrerequisiteYaml>,
    /// Names of the chapter files in order of teaching, without `.yaml`: `ch00`, `ch01`, ….
    #[schemars(length(min = 1))]
    pub chapters: Vec<Id>,
}

/// A value of the author's: text, or a whole number.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum VariableYaml {
    Text(Text),
    Number(i64),
}

/// A command of a course outside its steps, run in the working directory.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a command of the course")]
pub struct CourseCommandYaml {
    /// What it does; its own first line by default.
    #[serde(default)]
    pub title: Option<Text>,
    pub run: CommandYaml,
    /// The time that it may take; 5 minutes by default.
    #[serde(default)]
    pub timeout: Option<DurationText>,
}

/// Something that a learner chooses once, and can choose otherwise later. The first option is taken unless another is chosen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a choice")]
pub struct ChoiceYaml {
    /// Unique in the course; `${choice.ID}` is the id of the option that was chosen.
    pub id: Id,
    pub title: Text,
    #[schemars(length(min = 2))]
    pub options: Vec<OptionYaml>,
}

/// One of the things to choose from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an option")]
pub struct OptionYaml {
    /// Unique in its choice.
    pub id: Id,
    pub title: Text,
    /// Files of the snapshots that only this option has, as patterns of a `.gitignore`.
    #[serde(default)]
    pub files: Vec<Text>,
}

/// A database by what it is, or the address of one that is there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DatabaseYaml {
    Kind(DatabaseKindYaml),
    Address(DatabaseAddressYaml),
}

/// `dsql`: the cluster of the course's stack; `postgres`: a PostgreSQL 16 of the course's own on this machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseKindYaml {
    Dsql,
    Postgres,
}

/// Where a database is: exactly one of `url`, `url_from`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an address of a database", extend("x-exactly-one-of" = DATABASE_ADDRESSES))]
pub struct DatabaseAddressYaml {
    #[serde(default)]
    pub url: Option<DatabaseUrlText>,
    /// The variable that has the address, with its password perhaps.
    #[serde(default)]
    pub url_from: Option<VariableName>,
}

/// The keys of an address of a database.
pub const DATABASE_ADDRESSES: [&str; 2] = ["url", "url_from"];

/// Something that must be on the machine before the workshop starts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a prerequisite")]
pub struct PrerequisiteYaml {
    /// `Node.js`
    pub name: Text,
    /// A command that prints a version, `node --version`.
    pub command: Text,
    pub version: VersionRange,
    /// The targets that need it; both by default.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// Advice for when it is missing or too old.
    pub fix: Text,
}

/// One chapter: `chNN.yaml`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a chapter")]
pub struct ChapterYaml {
    /// The name of the snapshot directory that the chapter ends at; the chapter's id.
    pub snapshot: Id,
    pub title: Text,
    /// Minutes for the whole chapter; its steps' minutes add up to this.
    pub minutes: Minutes,
    /// False for preparations before the talk, whose minutes do not count for the slot; true by default.
    #[serde(default)]
    pub on_stage: Option<bool>,
    /// Things that the learner can do afterwards.
    #[serde(default)]
    pub goals: Vec<Text>,
    #[schemars(length(min = 1))]
    pub steps: Vec<StepYaml>,
    /// The proofs that the chapter works, in order.
    #[serde(default)]
    pub checks: Vec<CheckYaml>,
}
