//! The world as the engine needs it, besides the working directory: child processes, the stack, the
//! function, the database. A seam, so that the driver can be tested with a scripted world.
//!
//! Invariant: nothing that crosses this seam holds a secret, except inside the implementation.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::event::{EventKind, Loss, Preparation, SqlCandidate, SqlLine, SqlPrompts, TxState};
use crate::aws::invoke::Invocation;
use crate::aws::stack::{Stack, StackEvent, StackResource};
use workshop_base::problem::{Problem, Result};
use workshop_base::process::{OutputPipe, ProcessExit, ProcessSpec};
use workshop_course::lesson::model::SimulateAction;
use workshop_psql::report::{SqlError, StatementResult};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Gets a child's output in batches.
pub type Lines = Box<dyn FnMut(OutputPipe, Vec<String>) + Send>;

/// The world as one course run sees it: one target, one account, one region.
pub trait CloudTarget: Send + Sync + 'static {
    /// Runs a child with the target's environment on top of `job.env`.
    fn child(&self, job: ProcessSpec, cancel: CancellationToken, lines: Lines) -> BoxFuture<'_, Result<ProcessExit>>;
    fn region(&self) -> String;
    /// 12 digits.
    fn account(&self) -> String;
    /// Returns the pause between two looks at a stack that changes.
    fn poll_every(&self) -> Duration;
    /// A stack by name or ARN.
    fn stack(&self, name: String) -> BoxFuture<'_, Result<Option<Stack>>>;
    /// Events after `since`, oldest first.
    fn stack_events(&self, name: String, since: Option<String>) -> BoxFuture<'_, Result<Vec<StackEvent>>>;
    fn stack_resources(&self, name: String) -> BoxFuture<'_, Result<Vec<StackResource>>>;
    /// Stops an update; CloudFormation rolls it back.
    fn cancel_update(&self, name: String) -> BoxFuture<'_, Result<()>>;
    /// Tells whether `cdk bootstrap` has run here.
    fn bootstrapped(&self) -> BoxFuture<'_, Result<bool>>;
    fn invoke(&self, function: String, payload: String) -> BoxFuture<'_, Result<Invocation>>;
    /// One query in a connection of its own. An answer of the server, a refused connection among them, is a
    /// result with its error in it.
    fn query(&self, host: String, role: String, sql: String) -> BoxFuture<'_, Result<StatementResult>>;
    /// A console session; connects at its first input.
    fn session(&self, host: String, role: String) -> Box<dyn SqlSession>;
    /// Returns where the course's own database is, if it has one besides the cluster of its stack.
    fn database(&self) -> Option<DatabaseSite> {
        None
    }
    /// Returns who the credentials belong to, as `AWS IAM GRANT` takes it: a user's ARN, or that of the role that is assumed.
    fn caller_arn(&self) -> Result<String>;
    /// Returns what only a target on this machine can do; None for an account.
    fn controls(&self) -> Option<Arc<dyn TargetControls>> {
        None
    }
    /// Ends when the target has gone away and must be made ready again. An account does not.
    fn lost(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
    /// Asks, for a few seconds at most, whether the target can be reached at all; None where no network lies before it.
    fn network(&self) -> Option<BoxFuture<'_, Result<()>>> {
        None
    }
    /// Asks once, for a few seconds at most, whether the target works: it can be reached, and answers as it should.
    fn works(&self) -> BoxFuture<'_, Result<()>> {
        self.network().unwrap_or_else(|| Box::pin(std::future::ready(Ok(()))))
    }
    /// Counts the answers by which it throttled so far, and tells of each; None where nothing throttles.
    fn throttled(&self) -> Option<watch::Receiver<u64>> {
        None
    }
    /// Replaces secrets that have found their way into text.
    fn mask(&self, text: String) -> String {
        text
    }
}

/// Keeps whole states of a target under names: of the sandbox, never of an account.
pub trait StateStore: Send + Sync + 'static {
    /// Saves the state under a name, replacing an older one of that name.
    fn save(&self, name: String) -> BoxFuture<'_, Result<()>>;
    /// Brings a saved state back. Database connections end.
    fn restore(&self, name: String) -> BoxFuture<'_, Result<()>>;
    /// Deletes all that the target holds, but for what is saved.
    fn clear(&self) -> BoxFuture<'_, Result<()>>;
}

/// A database as statements name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSite {
    /// The cluster's endpoint, or what stands for an own database's address.
    pub host: String,
    /// Who connects where nobody is named.
    pub role: String,
}

/// The things that only a target on this machine can do.
pub trait TargetControls: Send + Sync + 'static {
    /// Puts the target under conditions, which end when what this gives is told to, or is dropped.
    fn simulate(&self, conditions: SimulateAction) -> BoxFuture<'_, Result<Box<dyn HeldConditions>>>;
}

/// Conditions that a target is under.
pub trait HeldConditions: Send {
    /// Takes them back, and returns when the target is as always.
    fn end(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// A console session: one connection, opened when needed, that keeps its settings and its transaction.
pub trait SqlSession: Send + 'static {
    /// Runs one input: a statement, several, or a backslash command.
    fn run<'a>(&'a mut self, input: &'a str, sink: SessionSink) -> BoxFuture<'a, SqlEnd>;
    /// Runs the whole transaction again that ended in a conflict.
    fn retry(&mut self, sink: SessionSink) -> BoxFuture<'_, SqlEnd>;
    /// Candidates for the word before a byte offset, and where that word starts.
    /// It connects first where it has not: before that it knows no names.
    fn complete<'a>(
        &'a mut self,
        text: &'a str,
        cursor: usize,
        sink: SessionSink,
    ) -> BoxFuture<'a, (usize, Vec<SqlCandidate>)>;
    /// Takes note of how wide the screen is that shows what it answers.
    fn set_columns(&mut self, _columns: Option<usize>) {}
    /// Asks the server to stop what runs; may be called while [`SqlSession::run`] waits.
    fn canceller(&self) -> Arc<dyn Fn() + Send + Sync>;
}

/// The news of a session while an input runs. A full channel holds the rows back at the server.
#[derive(Clone)]
pub struct SessionSink(pub Sender<SessionNews>);

#[derive(Debug, Clone, PartialEq)]
pub enum SessionNews {
    Opened { role: String, host: String },
    Lost { loss: Loss, reason: String },
    Lines(Vec<(SqlLine, String)>),
}

/// The end of an input.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SqlEnd {
    /// All that was printed, as far as it is of a size to look through. Filled in by who passes the lines on.
    pub printed: String,
    /// One for each statement that ran.
    pub results: Vec<StatementResult>,
    pub tx: TxState,
    /// The error that ended it, the server's or our own.
    pub error: Option<SqlError>,
    /// It could not be run at all.
    pub problem: Option<Problem>,
    /// The prompts for what is typed next.
    pub prompts: Option<SqlPrompts>,
}

/// Makes the world ready: starts the sandbox, or looks for the user's account. Called in the background,
/// and again after a failure or a loss, when something needs it.
pub type Prepare = Arc<dyn Fn(Report) -> BoxFuture<'static, Result<Arc<dyn CloudTarget>>> + Send + Sync>;

/// Tells how far preparations are.
#[derive(Clone)]
pub struct Report(Arc<dyn Fn(EventKind) + Send + Sync>);

impl Report {
    /// Makes a report that hands its events to `emit`.
    pub(super) fn new(emit: impl Fn(EventKind) + Send + Sync + 'static) -> Report {
        Report(Arc::new(emit))
    }
    /// For those who wait without looking.
    pub fn silent() -> Report {
        Report(Arc::new(|_| {}))
    }
    /// `done` of `total` in `unit`s; without a total the end is not known.
    pub fn preparing(&self, task: Preparation, label: &str, done: u64, total: Option<u64>, unit: &str) {
        self.0(EventKind::Preparing { task, label: label.to_owned(), done, total, unit: unit.to_owned() });
    }
    /// Hands on an event that is not about preparations.
    pub(super) fn emit(&self, kind: EventKind) {
        self.0(kind);
    }
    /// Tells that a part of the preparations is over, and how long it took.
    pub fn prepared(&self, task: Preparation, took: Duration) {
        self.0(EventKind::Prepared { task, took_ms: millis(took) });
    }
}

/// Returns whole milliseconds; what is longer than `u64` can say is its end.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
