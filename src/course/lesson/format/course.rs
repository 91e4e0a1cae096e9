//! `course.yaml` and the chapter files as they are written, down to their steps and checks.

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::CheckYaml;
use super::scalars::{DirectoryName, Id, Minutes, PlainTemplate, Text, VersionRange};
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
    /// The directory that learners work in, made below the one they are in; by default the code in lower case, with
    /// `my-` before it.
    #[serde(default)]
    pub workdir: Option<DirectoryName>,
    /// The CloudFormation stack that the course deploys. A course without one asks for no cloud.
    #[serde(default)]
    pub stack: Option<Text>,
    /// The Lambda function that the course invokes, by its name or by an output that has it: `${outputs.FunctionName}`.
    #[serde(default)]
    pub function: Option<PlainTemplate>,
    /// Things that cost money when the course runs in an AWS account, as a list in one sentence: "a Lambda function, …".
    #[serde(default)]
    pub costs: Option<Text>,
    /// Things that must be on the machine before the workshop starts.
    #[serde(default)]
    pub prerequisites: Vec<PrerequisiteYaml>,
    /// Names of the chapter files in order of teaching, without `.yaml`: `ch00`, `ch01`, ….
    #[schemars(length(min = 1))]
    pub chapters: Vec<Id>,
}

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
