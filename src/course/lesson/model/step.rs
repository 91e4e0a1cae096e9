//! A step: its texts, its action, and how that must end.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::action::{
    DeployAction, DeployStep, EditAction, InvokeAction, LoadAction, ServeAction, ShellAction, SimulateAction, SqlAction,
};
use super::common::{Origin, Target};
use super::wait::PlannedWait;

/// One step: text for everyone, and exactly one action.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Unique in its chapter.
    pub id: String,
    pub title: String,
    /// What is said and done in it (YAML: `minutes`, fractions allowed). In the course of one target
    /// ([`super::Course::on`]) with the wait that goes beyond it.
    pub budget: Duration,
    /// False for a part that learners take by themselves (YAML: `on_stage`, default true).
    pub on_stage: bool,
    /// Markdown, for everyone.
    pub say: String,
    /// Markdown, for the presenter only.
    pub notes: Option<String>,
    /// Text to talk about while the action runs (Markdown).
    pub while_running: Option<String>,
    /// Text for when the action is over (Markdown).
    pub after: Option<String>,
    /// Progressive: the first says least.
    pub hints: Vec<String>,
    /// True when it may be left out: nothing later depends on it.
    pub optional: bool,
    /// The targets where its action can run; empty: both.
    pub targets: Vec<Target>,
    /// Markdown, for where it cannot.
    pub elsewhere: Option<String>,
    /// Set when the lesson has it as one of several `actions` of a step.
    pub part: Option<StepPart>,
    /// YAML: the key is the action's name: `edit:`, `deploy:`, `sql:`, …; a step without one only reads.
    pub action: StepAction,
    /// YAML: `expect`.
    pub expect: StepExpect,
    /// YAML: `timeout`, `90s`; a default by action.
    pub timeout: Duration,
    /// YAML: `wait`, `{aws: 45s, local: 2s}`: a part of `budget`, talked through as far as that goes.
    pub wait: PlannedWait,
    pub origin: Origin,
}

impl Step {
    /// Tells whether its action can run on a target.
    pub fn runs_on(&self, target: Target) -> bool {
        self.targets.is_empty() || self.targets.contains(&target)
    }

    /// Returns the step as it is on a target: where its action cannot run, it is one to read.
    #[must_use]
    pub fn on(&self, target: Target) -> Step {
        if self.runs_on(target) {
            return self.clone();
        }
        let elsewhere = self.elsewhere.as_deref().unwrap_or_default();
        // Of several actions none runs: what is said of the first alone is not said.
        let whole = self.part.as_ref().map_or_else(|| StepTexts::of(self), |part| part.whole.clone());
        Step {
            title: whole.title,
            part: None,
            say: format!("{}\n\n{elsewhere}", whole.say.trim_end()),
            notes: whole.notes,
            while_running: None,
            after: None,
            hints: Vec::new(),
            action: StepAction::Read,
            expect: StepExpect::Success,
            wait: PlannedWait::default(),
            ..self.clone()
        }
    }

    /// Returns the time that the step takes of its chapter's: none when it is for learners by themselves.
    pub fn stage_budget(&self) -> Duration {
        if self.on_stage { self.budget } else { Duration::ZERO }
    }
}

/// One of several actions that a lesson has in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPart {
    /// From 1.
    pub number: u32,
    pub of: u32,
    /// The id of the step in the lesson, which the first part has.
    pub step: String,
    /// The texts of the step there.
    pub whole: StepTexts,
    /// Those that the action has for itself; empty where it says what the step says.
    pub own: StepTexts,
    /// The place where the step is written.
    pub origin: Origin,
}

/// The texts of a step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepTexts {
    pub title: String,
    pub say: String,
    pub notes: Option<String>,
    pub while_running: Option<String>,
    pub after: Option<String>,
    pub elsewhere: Option<String>,
    pub hints: Vec<String>,
}

impl StepTexts {
    /// Takes the texts of a step.
    pub fn of(step: &Step) -> StepTexts {
        StepTexts {
            title: step.title.clone(),
            say: step.say.clone(),
            notes: step.notes.clone(),
            while_running: step.while_running.clone(),
            after: step.after.clone(),
            elsewhere: step.elsewhere.clone(),
            hints: step.hints.clone(),
        }
    }

    /// Returns the texts of one of the step's several actions: its own, and for what it does not say the step's. What is said
    /// when all is over is the last one's, what is said where none of them runs the first one's.
    #[must_use]
    pub fn of_part(&self, own: &StepTexts, number: u32, of: u32) -> StepTexts {
        let or = |own: &Option<String>, whole: &Option<String>| own.clone().or_else(|| whole.clone());
        StepTexts {
            title: match own.title.is_empty() {
                true => format!("{} ({number} of {of})", self.title),
                false => own.title.clone(),
            },
            say: if own.say.is_empty() { self.say.clone() } else { own.say.clone() },
            notes: or(&own.notes, &self.notes),
            while_running: or(&own.while_running, &self.while_running),
            after: own.after.clone().or_else(|| self.after.clone().filter(|_| number == of)),
            elsewhere: self.elsewhere.clone().filter(|_| number == 1),
            hints: self.hints.clone(),
        }
    }

    /// Puts the texts into a step.
    #[must_use]
    pub fn into_step(self, step: Step) -> Step {
        let StepTexts { title, say, notes, while_running, after, elsewhere, hints } = self;
        Step { title, say, notes, while_running, after, elsewhere, hints, ..step }
    }
}

/// The end that a step's action must come to.
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
    Deploy(DeployStep),
    Sql(SqlAction),
    Shell(ShellAction),
    Invoke(InvokeAction),
    /// YAML: `check: [id, …]`, or `check: all`. These are check ids of this chapter, in order.
    Check(Vec<String>),
    Load(LoadAction),
    Serve(ServeAction),
    /// Long-running processes by name; none: all that run.
    Stop(Vec<String>),
    Simulate(SimulateAction),
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
    Serve,
    Stop,
    Simulate,
}

impl StepAction {
    /// Returns the names of the values that it keeps for what comes after it; those of checks are the checks' own.
    pub fn captures(&self) -> Vec<&str> {
        fn of(capture: &[(String, String)]) -> Vec<&str> {
            capture.iter().map(|(name, _)| name.as_str()).collect()
        }
        match self {
            StepAction::Sql(sql) => {
                let kept = sql.statements.iter().map(|statement| [&statement.capture, &statement.capture_printed]);
                kept.flatten().flat_map(|capture| of(capture)).collect()
            }
            StepAction::Load(load) => load.capture.iter().map(|(name, _)| name.as_str()).collect(),
            StepAction::Shell(shell) => of(&shell.capture),
            StepAction::Invoke(invoke) => of(&invoke.capture),
            StepAction::Serve(serve) => of(&serve.capture),
            StepAction::Read
            | StepAction::Edit(_)
            | StepAction::Deploy(_)
            | StepAction::Check(_)
            | StepAction::Stop(_)
            | StepAction::Simulate(_) => Vec::new(),
        }
    }

    /// Tells whether it creates or updates a stack of the course.
    pub fn deploys(&self) -> bool {
        matches!(self, StepAction::Deploy(deploy) if deploy.action == DeployAction::Deploy)
    }

    /// Tells whether it prepares an account for the CDK.
    pub fn bootstraps(&self) -> bool {
        matches!(self, StepAction::Deploy(deploy) if deploy.action == DeployAction::Bootstrap)
    }

    /// Returns its kind, which is the key that it has in YAML.
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
            StepAction::Serve(_) => ActionKind::Serve,
            StepAction::Stop(_) => ActionKind::Stop,
            StepAction::Simulate(_) => ActionKind::Simulate,
        }
    }
}
