//! The things that events, commands and the state speak of: plain data, each with one meaning.

use serde::{Deserialize, Serialize};

use workshop_base::problem::{self, Problem, Spot};
pub use workshop_course::code::meaning::Likeness;
use workshop_course::lesson::model::{Chapter, Course, Step, Target};

/// Says, in every front end, that the account throttles.
pub const ACCOUNT_THROTTLED: &str = "AWS throttles this account: it is asked again, more slowly, and what runs goes on";

/// Stands for what a statement should come to where the lesson says nothing else.
pub const SUCCESS: &str = "success";
/// Ends what is said of files that are not as they were deployed.
pub const DEPLOY_AGAIN: &str = "deploy again";
/// Stands in its place once they are.
pub const RUN_AGAIN: &str = "what runs is what is here now, and was not when this failed: run it again";

/// A step of the course.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepRef {
    pub chapter: u32,
    pub step: String,
}

impl StepRef {
    /// Names the step of the lesson that a step is, or is one of several actions of.
    pub fn in_lesson(chapter: u32, step: &Step) -> StepRef {
        let id = step.part.as_ref().map_or(&step.id, |part| &part.step);
        StepRef { chapter, step: id.clone() }
    }

    /// The step itself, if the course has it.
    pub fn of<'a>(&self, course: &'a Course) -> Option<&'a Step> {
        self.with_chapter(course).map(|(_, step)| step)
    }

    /// The step with its chapter, if the course has it.
    pub fn with_chapter<'a>(&self, course: &'a Course) -> Option<(&'a Chapter, &'a Step)> {
        let chapter = course.chapter(self.chapter)?;
        Some((chapter, chapter.step(&self.step)?))
    }
}

/// A check of the course.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CheckRef {
    pub chapter: u32,
    pub check: String,
}

/// The way that a step, a check or a whole run came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Fail,
    /// It could not be run: that says nothing about the learner's work.
    Error,
    Skipped,
    /// It was declared to fail and failed as declared.
    FailedAsExpected,
    /// It was declared to fail and did not: the alarm.
    PassedUnexpectedly,
}

impl Verdict {
    /// Tells whether the lesson goes on from here.
    pub fn is_good(self) -> bool {
        match self {
            Verdict::Pass | Verdict::FailedAsExpected | Verdict::Skipped => true,
            Verdict::Fail | Verdict::Error | Verdict::PassedUnexpectedly => false,
        }
    }
}

/// The one record of a failure: every reporter and the checks panel render this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The sort of failure; it decides the exit code.
    #[serde(default = "failed")]
    pub kind: problem::Kind,
    /// As the lesson wanted it, one line.
    pub expected: String,
    /// As it came, one line or more.
    pub actual: String,
    /// SQLSTATE, when the database said one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// A command line that shows the same by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproduce: Option<String>,
    /// Every attempt, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// The last lines of output.
    #[serde(default)]
    pub output: Vec<String>,
    /// The author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_fail: Option<String>,
    #[serde(default)]
    pub hints: Vec<String>,
    /// The place where the lesson says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
}

impl Failure {
    /// Returns the program's own advice. The author's hints, which are given one by one when asked for, are not
    /// among them.
    pub fn advice<'a>(&'a self, chapter: &'a Chapter) -> impl Iterator<Item = &'a str> {
        let authors = move || {
            let steps = chapter.steps.iter().flat_map(|step| &step.hints);
            steps.chain(chapter.checks.iter().flat_map(|check| &check.hints))
        };
        self.hints.iter().filter(move |hint| !authors().any(|known| known == *hint)).map(String::as_str)
    }
}

fn failed() -> problem::Kind {
    problem::Kind::Failed
}

impl Default for Failure {
    fn default() -> Self {
        Failure {
            kind: failed(),
            expected: String::new(),
            actual: String::new(),
            sqlstate: None,
            reproduce: None,
            attempts: Vec::new(),
            output: Vec::new(),
            on_fail: None,
            hints: Vec::new(),
            spot: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counts from 1.
    pub number: u32,
    pub at: u64,
    pub took_ms: u64,
    /// As it came, one line.
    pub actual: String,
}

/// Work in the background that a person waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preparation {
    Preflight,
    /// Installing the course's npm packages.
    Packages,
    /// The course's own commands before its first step.
    Setup,
    /// Starting the sandbox; fetching PostgreSQL, the first time, is a part of it.
    Sandbox,
}

/// A part of a deploy with a clock of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Synth,
    Assets,
    ChangeSet,
    Resources,
    Outputs,
}

/// One CloudFormation resource, as its newest event tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    pub logical_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical_id: Option<String>,
    /// `AWS::Lambda::Function`
    pub resource_type: String,
    /// `CREATE_IN_PROGRESS`, …
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it began in this deploy, and when it ended.
    pub started: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// Milliseconds that such a resource took before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Stdout,
    Stderr,
    /// The function's own log.
    Log,
    /// The runner's own word.
    Note,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChange {
    Added,
    Changed,
    Deleted,
}

/// Tells whether some part of the world is where a chapter leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChapterMatch {
    /// As chapter N leaves it.
    Chapter(u32),
    /// Between two chapters, or with edits of the learner's own: the nearest, and how many files differ.
    Near { chapter: u32, differs: u32 },
    /// Nothing there yet.
    Nothing,
    /// Could not be asked.
    Unknown,
}

/// The place where the learner is: the step that "next" acts on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub chapter: u32,
    pub step: String,
}

/// The account and region that a run works in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetId {
    pub target: Target,
    /// 12 digits.
    pub account: String,
    pub region: String,
}

impl TargetId {
    /// Says what it means that a directory's work was elsewhere until now, and the way back.
    pub fn instead_of(&self, before: &TargetId) -> String {
        let back = match (before.target, self.target) {
            (Target::Local, Target::Local) => "--region goes back",
            (Target::Local, Target::Aws) => "--target local goes back",
            (Target::Aws, Target::Local) => "its stack, if any, stays there and may cost money; --target aws goes back",
            (Target::Aws, Target::Aws) => {
                "its stack, if any, stays there and may cost money; --profile and --region go back"
            }
        };
        format!(
            "This work was in {before} until now, and goes on in {self}. What was deployed and checked there is not here: {back}"
        )
    }
}

/// `the sandbox, us-east-1`, `AWS account 123456789012, us-east-1`.
impl std::fmt::Display for TargetId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.target {
            Target::Local => write!(f, "the sandbox, {}", self.region),
            Target::Aws => write!(f, "AWS account {}, {}", self.account, self.region),
        }
    }
}

/// The local standby of a talk in an account, as far as it has followed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StandbyState {
    /// Its sandbox is there.
    pub is_ready: bool,
    /// The step that it carries out now.
    pub running: Option<StepRef>,
    /// The steps that are done in the account and not there, that which runs among them, in the order in which it comes to
    /// them.
    pub behind: Vec<StepRef>,
    /// Why it does not follow; it tries again with the next step.
    pub problem: Option<Problem>,
}

impl StandbyState {
    /// Tells whether the talk can go on there at once.
    pub fn is_level(&self) -> bool {
        self.is_ready && self.running.is_none() && self.behind.is_empty() && self.problem.is_none()
    }
}

/// The end of an accepted request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// It was carried out.
    Complete,
    /// It ran, and came to this.
    Verdict(Verdict),
    /// The deploy goes on without us.
    Detached,
    /// It could not be carried out. What was done until then stands, and was told.
    Failed(Problem),
}

/// The end of a long-running process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessEnd {
    /// As the lesson says: by a step, by the chapter's end, or to be started anew.
    Stopped,
    /// By itself, with this exit code.
    Exited(i32),
    Signaled(i32),
    NotStarted(String),
    /// With the run that had started it.
    Closed,
}

impl ProcessEnd {
    /// Tells whether nobody asked it to end.
    pub fn is_unwanted(&self) -> bool {
        !matches!(self, ProcessEnd::Stopped | ProcessEnd::Closed | ProcessEnd::Exited(0))
    }
}

/// `it ended with exit code 1`
impl std::fmt::Display for ProcessEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ProcessEnd::Stopped => f.write_str("it was stopped"),
            ProcessEnd::Exited(code) => write!(f, "it ended with exit code {code}"),
            ProcessEnd::Signaled(signal) => write!(f, "it was ended by signal {signal}"),
            ProcessEnd::NotStarted(why) => write!(f, "it could not be started: {why}"),
            ProcessEnd::Closed => f.write_str("it ended when the workshop was closed"),
        }
    }
}

/// One thing that the TypeScript compiler objects to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeProblem {
    /// Below the working directory.
    pub file: String,
    /// Both count from 1.
    pub line: u32,
    pub column: u32,
    /// `TS2339`
    pub code: String,
    /// One line or more.
    pub message: String,
}

impl std::fmt::Display for TypeProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}: {} ({})", self.file, self.line, self.column, self.message, self.code)
    }
}

/// The two states that a diff lies between.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffOf {
    /// The hunks of one edit step.
    Step(StepRef),
    /// Two chapters' snapshots.
    Chapters { from: u32, to: u32 },
    /// The working directory against a chapter's snapshot.
    Mine { chapter: u32 },
    /// Own edits against what the course has there next, where the two meet.
    Collision,
}

/// A hunk in whose place a learner has lines of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnHunk {
    pub file: String,
    /// Index among the file's hunks in the chapter's diff.
    pub index: usize,
    /// How like the course's they are; None where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeness: Option<Likeness>,
}

/// The bounds between which the times of a load's invocations are counted, in milliseconds: a count for what is below
/// each, and one for what is above all.
pub const LATENCY_BOUNDS_MS: [u32; 21] =
    [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 2_000, 5_000, 10_000];

/// The names of all outputs that a stack has, as they are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackOutputNames {
    /// The stack's name; None: it is the course's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    pub keys: Vec<String>,
}

/// The prompts of a console session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlPrompts {
    /// For the first line of a statement.
    pub first: String,
    /// For the lines that go on with it.
    pub more: String,
}

/// Something that a word in the console could become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlCandidate {
    pub text: String,
    /// Its kind, in one word: `table`, `column`, `keyword`, …
    pub kind: String,
}

/// The account that is meant, as far as that was said and not left to the environment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AwsSelection {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}
