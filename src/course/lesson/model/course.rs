//! A course and its chapters.

use std::path::PathBuf;
use std::time::Duration;

use super::check::Check;
use super::common::{Origin, Target, Template};
use super::step::Step;
use crate::code::diff::TreeDiff;
use crate::code::tree::Tree;
use workshop_base::problem::{Problem, Result, Spot};

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
    /// The name of the directory that learners work in (YAML: `workdir`, default `my-` and the code in lower case).
    pub workdir: String,
    /// The CloudFormation stack that the course deploys; None for a course that deploys nothing.
    pub stack: Option<String>,
    /// The Lambda function that the course invokes: its name, or an output that has it.
    pub function: Option<Template>,
    /// Things that cost money when the course runs in an AWS account.
    pub costs: Option<String>,
    pub prerequisites: Vec<Prerequisite>,
    /// In order of teaching; chapter `number`s are 0, 1, 2, ….
    pub chapters: Vec<Chapter>,
    /// Statements of the lessons about the world outside, from `facts.yaml`.
    pub facts: Vec<Fact>,
    /// The directory that holds `course.yaml`.
    pub lessons: PathBuf,
    /// The directory that holds the chapters' snapshots.
    pub snapshots: PathBuf,
}

impl Course {
    /// Returns the stack that the course deploys.
    ///
    /// # Errors
    /// When the course names none. Lint finds that for whatever a lesson does with it.
    pub fn deployed_stack(&self) -> Result<&str> {
        self.stack.as_deref().ok_or_else(|| {
            Problem::course("the course names no stack")
                .hint("add `stack: NAME` to course.yaml, the stack that it deploys")
        })
    }

    /// Returns the function that the course invokes, as it is written.
    ///
    /// # Errors
    /// When the course names none. Lint finds that for whatever a lesson does with it.
    pub fn invoked_function(&self) -> Result<&Template> {
        self.function.as_ref().ok_or_else(|| {
            Problem::course("the course names no function").hint(
                "add `function: NAME` to course.yaml, or an output that has the name: \"${outputs.FunctionName}\"",
            )
        })
    }

    /// Returns the chapter of a number, from 0.
    pub fn chapter(&self, number: u32) -> Option<&Chapter> {
        self.chapters.iter().find(|c| c.number == number)
    }
    /// The directory of the snapshot that a chapter ends at.
    pub fn snapshot_dir(&self, chapter: &Chapter) -> PathBuf {
        self.snapshots.join(&chapter.id)
    }
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
    /// The targets that need it; empty: both.
    pub targets: Vec<Target>,
    /// Advice for when it is missing or too old.
    pub fix: String,
}

/// A statement of the lessons that may change without the course.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    pub says: String,
    /// An address, or the name of what was measured.
    pub source: String,
    /// The day it was looked up.
    pub checked: jiff::civil::Date,
    /// The ids of the chapters that state it.
    pub chapters: Vec<String>,
    /// Its line in `facts.yaml`.
    pub spot: Spot,
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
    /// Things that the learner can do afterwards.
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

impl Chapter {
    /// Returns the step of an id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|s| s.id == id)
    }

    /// Returns the check of an id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|c| c.id == id)
    }
}
