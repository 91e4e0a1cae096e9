//! A course and its chapters.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::action::DeployAction;
use super::check::Check;
use super::check::CheckKind;
use super::common::{Origin, Target, Template};
use super::step::Step;
use super::step::StepAction;
use crate::code::diff::TreeDiff;
use crate::code::tree::Tree;
use workshop_base::database_url::DatabaseUrl;
use workshop_base::problem::{Problem, Result, Spot};

/// The sorts of things that a course does somewhere: the screen has a panel for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CourseUses {
    pub deploys: bool,
    /// Asks a database.
    pub asks: bool,
    pub checks: bool,
}

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
    /// The targets that it runs on; empty: all.
    pub targets: Vec<Target>,
    /// The name of the directory that learners work in (YAML: `workdir`, default `my-` and the code in lower case).
    pub workdir: String,
    /// The CloudFormation stack that the course deploys; None for a course that deploys nothing.
    pub stack: Option<String>,
    /// The Lambda function that the course invokes: its name, or an output that has it.
    pub function: Option<Template>,
    /// It uses AWS without a stack or a function of its own (YAML: `cloud`).
    pub cloud: bool,
    /// The database that statements, plans and the console ask.
    pub database: CourseDatabase,
    /// Things that cost money when the course runs in an AWS account.
    pub costs: Option<String>,
    pub prerequisites: Vec<Prerequisite>,
    /// Values of the author's, by name.
    pub variables: BTreeMap<String, String>,
    /// Commands before the first step, each time the workshop is opened.
    pub setup: Vec<CourseCommand>,
    /// Commands when the course is over.
    pub teardown: Vec<CourseCommand>,
    pub choices: Vec<Choice>,
    /// The option of each choice that this course was read for: its steps, checks and files are those of these alone.
    pub chosen: BTreeMap<String, String>,
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

    /// Returns all stacks that the course deploys, its own and those that a step names, in the order in which they are made.
    pub fn stacks(&self) -> Vec<&str> {
        let mut stacks = Vec::new();
        for step in self.chapters.iter().flat_map(|chapter| &chapter.steps) {
            let StepAction::Deploy(deploy) = &step.action else { continue };
            let name = deploy.stack.as_deref().or(self.stack.as_deref());
            if let Some(name) = name.filter(|name| deploy.action == DeployAction::Deploy && !stacks.contains(name)) {
                stacks.push(name);
            }
        }
        // One that a command deploys is somewhere among them.
        let own = self.stack.as_deref().filter(|own| !stacks.contains(own));
        stacks.extend(own);
        stacks
    }

    /// Returns the stacks that a step may make: that of its deploy; of a command, which may deploy whatever it likes, all of the
    /// course's.
    pub fn stacks_made_by<'c>(&'c self, step: &'c Step) -> Vec<&'c str> {
        match &step.action {
            StepAction::Deploy(deploy) if deploy.action == DeployAction::Deploy => {
                deploy.stack.as_deref().or(self.stack.as_deref()).into_iter().collect()
            }
            StepAction::Shell(shell) if !shell.installs => self.stacks(),
            StepAction::Serve(_) => self.stacks(),
            _ => Vec::new(),
        }
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

    /// Returns the function that is meant: the one that is named, else the course's.
    ///
    /// # Errors
    /// When neither is.
    pub fn function_of<'a>(&'a self, named: Option<&'a Template>) -> Result<&'a Template> {
        named.map_or_else(|| self.invoked_function(), Ok)
    }

    /// Tells whether it runs on a target.
    pub fn runs_on(&self, target: Target) -> bool {
        self.targets.is_empty() || self.targets.contains(&target)
    }

    /// Tells whether it works in a cloud: an account, or the sandbox that stands for one.
    pub fn needs_cloud(&self) -> bool {
        let deploys = |step: &Step| matches!(step.action, StepAction::Deploy(_));
        self.cloud
            || self.stack.is_some()
            || self.function.is_some()
            || self.target == Target::Aws
            || self.chapters.iter().flat_map(|chapter| &chapter.steps).any(deploys)
    }

    /// Tells whether anything must be made ready before its steps can run: a cloud, or a database.
    pub fn needs_target(&self) -> bool {
        self.needs_cloud() || self.database != CourseDatabase::Cluster
    }

    /// Tells whether it has a use for a console: it names a database, or asks one.
    pub fn asks_database(&self) -> bool {
        let in_step = |step: &Step| matches!(step.action, StepAction::Sql(_));
        let in_check = |check: &Check| matches!(check.kind, CheckKind::Sql { .. } | CheckKind::Plan { .. });
        let asks = |chapter: &Chapter| chapter.steps.iter().any(in_step) || chapter.checks.iter().any(in_check);
        self.database != CourseDatabase::Cluster || self.chapters.iter().any(asks)
    }

    /// Says what it does somewhere.
    pub fn uses(&self) -> CourseUses {
        let deploys = |step: &Step| matches!(step.action, StepAction::Deploy(_));
        CourseUses {
            deploys: self.stack.is_some() || self.chapters.iter().flat_map(|c| &c.steps).any(deploys),
            asks: self.asks_database(),
            checks: self.chapters.iter().any(|chapter| !chapter.checks.is_empty()),
        }
    }

    /// Returns the chapter that bootstraps the account, if one does.
    pub fn bootstraps(&self) -> Option<&Chapter> {
        self.chapters.iter().find(|chapter| chapter.steps.iter().any(|step| step.action.bootstraps()))
    }

    /// Returns the time on stage that its chapters take on a target.
    pub fn stage_time(&self, target: Target) -> Duration {
        self.chapters.iter().filter(|chapter| chapter.on_stage).map(|chapter| chapter.stage_time(target)).sum()
    }

    /// Returns the course as it is on a target: a step whose actions cannot run there is one to read, and what is waited for
    /// there is planned.
    #[must_use]
    pub fn on(mut self, target: Target) -> Course {
        for chapter in &mut self.chapters {
            let steps = std::mem::take(&mut chapter.steps);
            for step in steps {
                let later = step.part.as_ref().is_some_and(|part| part.number > 1);
                match chapter.steps.last_mut() {
                    // There is one thing to read, and as long for it as for all that runs elsewhere.
                    Some(first) if later && !step.runs_on(target) => first.budget += step.budget,
                    _ => chapter.steps.push(step.on(target)),
                }
            }
            chapter.plan_waits(target);
        }
        self
    }

    /// Returns the number of the first chapter on stage; of a course without one, that of its first.
    pub fn first_on_stage(&self) -> u32 {
        let first = self.chapters.iter().find(|chapter| chapter.on_stage).or(self.chapters.first());
        first.map_or(0, |chapter| chapter.number)
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

/// A command of a course outside its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct CourseCommand {
    pub title: String,
    /// A `sh -c` line; references are quoted as shell words.
    pub run: Template,
    pub timeout: Duration,
}

/// Something that a learner chooses once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub id: String,
    pub title: String,
    /// The first is taken unless another is chosen.
    pub options: Vec<ChoiceOption>,
}

impl Choice {
    /// Returns the option of an id.
    pub fn option(&self, id: &str) -> Option<&ChoiceOption> {
        self.options.iter().find(|option| option.id == id)
    }
}

/// One of the things to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceOption {
    pub id: String,
    pub title: String,
    /// Patterns of files that only this option has.
    pub files: Vec<String>,
}

/// The database of a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CourseDatabase {
    /// The DSQL cluster of its stack (YAML: `dsql`, the default).
    Cluster,
    /// A PostgreSQL 16 of its own on this machine (YAML: `postgres`).
    Postgres,
    /// One that is there (YAML: `{url: …}`). It was found to be an address.
    Url(String),
    /// One whose address a variable has (YAML: `{url_from: NAME}`).
    UrlFrom(String),
}

impl CourseDatabase {
    /// Returns whom a session connects as that names no role; None: whom the address names, which is not known here.
    pub fn usual_role(&self) -> Option<String> {
        match self {
            CourseDatabase::Cluster => Some("admin".to_owned()),
            CourseDatabase::Postgres => Some("postgres".to_owned()),
            CourseDatabase::Url(url) => DatabaseUrl::parse(url).ok().and_then(|url| url.user),
            CourseDatabase::UrlFrom(_) => None,
        }
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
    /// YAML: `minutes`. The budgets of the steps on stage add up to this, also in the course of one target.
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
    /// Returns the directory of the CDK's project below the working directory, the root empty: that of the `cdk.json` that is
    /// nearest to the root.
    pub fn cdk_project(&self) -> Option<&str> {
        let project = |path: &'_ String| match path.rsplit_once('/') {
            Some((_, "cdk.json")) => Some(path.len() - "/cdk.json".len()),
            None if path == "cdk.json" => Some(0),
            _ => None,
        };
        let found = self.snapshot.keys().filter_map(|path| Some(&path[..project(path)?]));
        found.min_by_key(|directory| (directory.matches('/').count() + usize::from(!directory.is_empty()), *directory))
    }

    /// Returns the step of an id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|s| s.id == id)
    }

    /// Returns the check of an id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|c| c.id == id)
    }
}
