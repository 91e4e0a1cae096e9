//! The engine against a scripted world: lists of commands in, lists of events out.

mod actions;
mod around;
mod bringing;
mod checkpoints;
mod deploys;
mod driving;
mod files;
mod kept;
mod network;
mod opening;
mod processes;
mod reloading;
mod sessions;
mod standby;
mod walks;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::cloud::{
    BoxFuture, CloudTarget, HeldConditions, Lines, SessionNews, SessionSink, SqlEnd, SqlSession, TargetControls,
};
use super::command::{Command, CommandKind, RequestId};
use super::config::{Clock, EngineConfig, Handle, Mode};
use super::event::AwsSelection;
use super::event::*;
use super::progress::Progress;
use super::requests::Requests;
use crate::aws::invoke::Invocation;
use crate::aws::stack::{Stack, StackEvent, StackOutput, StackResource};
use workshop_base::problem::{Problem, Result};
use workshop_base::process::{self, ExitCause, OutputPipe, ProcessExit, ProcessSpec};
use workshop_course::lesson::model::{Chapter, Course, SimulateAction, Target};
use workshop_psql::report::{SqlError, StatementResult};

/// A course of two chapters with every kind of step, small enough to read.
const COURSE: &str = r#"
title: A small course
code: T1
slot: 10
target: local
stack: TheStack
function: the-function
prerequisites: []
chapters: [ch00, ch01]
"#;

const CH00: &str = r#"
snapshot: ch00
title: Start
minutes: 3
on_stage: false
goals: [start]
steps:
  - {id: look, title: Look, minutes: 1, say: look}
  - {id: copy, title: Copy, minutes: 1, say: copy, edit: all}
  - {id: test, title: Test, minutes: 1, say: test, check: all}
checks:
  - id: has-app
    title: The app is there
    file: {path: src/app.ts, contains: hello}
"#;

const CH01: &str = r#"
snapshot: ch01
title: Go on
minutes: 7
goals: [go on]
steps:
  - id: change
    title: Change
    minutes: 1
    say: change
    edit:
      - {file: src/app.ts, match: DSQL, note: the change}
  - {id: deploy, title: Deploy, minutes: 1, say: deploy, deploy: deploy}
  - id: refused
    title: See it refused
    minutes: 1
    say: refused
    invoke: {payload: '{"n": 1}', expect: [{path: $.n, equals: 2}]}
    expect: {failure: {matches: access denied, repaired_by: grant}}
  - id: grant
    title: Grant
    minutes: 1
    say: grant
    sql:
      statements:
        - run: GRANT ALL ON t TO app
  - {id: shell, title: Shell, minutes: 1, say: shell, shell: {run: "echo ${outputs.DSQL}", matches: "it's a value"}}
  - id: more
    title: Change more
    minutes: 1
    say: more
    edit:
      - {file: src/app.ts, match: bottom}
      - {file: src/new.ts}
  - {id: test, title: Test, minutes: 1, say: test, check: [answers, moved]}
checks:
  - id: answers
    title: The function answers
    lambda:
      payload: '{"n": 1}'
      expect: [{path: $.n, equals: 2}]
    eventually: {for: 2s, every: 1ms}
    capture: {n: $.n}
  - id: moved
    title: The number has moved
    sql: {query: "SELECT n FROM t WHERE n = ${capture.n}", expect: {rows: [["${capture.n}"]]}}
    hints: [look at t]
"#;

const APP0: &str = "hello\n1\n2\n3\n4\n5\n6\n7\nend\n";
const APP1: &str = "hello\n1 DSQL\n2\n3\n4\n5\n6\n7\nbottom\n";

/// A course on disk, a working directory, and a world that does as it is told.
struct Bench {
    dir: tempfile::TempDir,
    course: Arc<Course>,
    world: Arc<Script>,
    clock: Arc<Mutex<u64>>,
}

/// What happens when a child is started that is not a shell line.
#[derive(Debug, Clone)]
enum Act {
    Print(&'static str),
    Stack(&'static str),
    /// Logical id, type, status, reason.
    Event(&'static str, &'static str, &'static str, Option<&'static str>),
    Gone,
    Exit(i32),
    /// Goes on until it is stopped.
    Hang,
}

#[derive(Default)]
struct Script {
    launches: Mutex<VecDeque<Vec<Act>>>,
    launched: Mutex<Vec<String>>,
    /// Where each was started.
    cwds: Mutex<Vec<std::path::PathBuf>>,
    stack: Mutex<Option<Stack>>,
    events: Mutex<Vec<StackEvent>>,
    answers: Mutex<VecDeque<Invocation>>,
    results: Mutex<VecDeque<StatementResult>>,
    asked: Mutex<Vec<String>>,
    cancelled_updates: Mutex<u32>,
    unbootstrapped: Mutex<bool>,
    never_answers: Mutex<bool>,
    /// So many invocations take so long.
    slow_invocations: Mutex<(u32, Duration)>,
    /// A service behind the network is out of order.
    out_of_order: Mutex<bool>,
    /// The answers by which it throttled.
    throttled: tokio::sync::watch::Sender<u64>,
    /// The time that CloudFormation takes to say what happened.
    slow: Mutex<Duration>,
    /// Whether there is a network; None: the target is on this machine.
    network: Mutex<Option<bool>>,
    gone: tokio::sync::Notify,
    /// What the target was told, in order.
    controlled: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(&[])
    }

    /// With more files in every snapshot.
    fn with(files: &[(&str, &str)]) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("lessons/course.yaml", COURSE);
        put("lessons/ch00.yaml", CH00);
        put("lessons/ch01.yaml", CH01);
        put("snapshots/ch00/src/app.ts", APP0);
        put("snapshots/ch00/old.txt", "old\n");
        put("snapshots/ch01/src/app.ts", APP1);
        put("snapshots/ch01/old.txt", "old\n");
        put("snapshots/ch01/src/new.ts", "new\n");
        for (path, text) in files {
            put(&format!("snapshots/ch00/{path}"), text);
            put(&format!("snapshots/ch01/{path}"), text);
        }
        let loaded = workshop_course::lesson::load::load(&dir.path().join("lessons"), &dir.path().join("snapshots"));
        let course = loaded.unwrap_or_else(|problems| panic!("{}", workshop_course::lesson::lint::plain(&problems)));
        Bench { dir, course: Arc::new(course), world: Arc::default(), clock: Arc::new(Mutex::new(1_000)) }
    }

    fn workdir(&self) -> std::path::PathBuf {
        self.dir.path().join("work")
    }

    fn setup(&self, mode: Mode) -> EngineConfig {
        let world = self.world.clone();
        let clock = self.clock.clone();
        EngineConfig {
            course: self.course.clone(),
            workdir: self.workdir(),
            cache: self.dir.path().join("cache"),
            target: Target::Local,
            asked: AwsSelection::default(),
            mode,
            chapter: None,
            prepare: Arc::new(move |_| {
                let world: Arc<dyn CloudTarget> = world.clone();
                Box::pin(std::future::ready(Ok(world)))
            }),
            states: None,
            clock: Clock::new(move || *clock.lock().unwrap()),
            template_check: None,
            standby: None,
        }
    }

    fn start(&self, mode: Mode) -> Run {
        let (handle, events) = super::start(self.setup(mode));
        Run::of(handle, events)
    }

    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.workdir().join(path)).ok()
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.workdir().join(path), text).unwrap();
    }
}

/// A run and what it has told so far.
struct Run {
    handle: Option<Handle>,
    events: UnboundedReceiver<Event>,
    seen: Vec<Event>,
    progress: Progress,
    requests: Requests,
}

impl Run {
    fn of(handle: Handle, events: UnboundedReceiver<Event>) -> Run {
        let (progress, requests) = (Progress::default(), Requests::default());
        Run { handle: Some(handle), events, seen: Vec::new(), progress, requests }
    }

    fn send(&mut self, command: Command) -> RequestId {
        let request = self.requests.make(command);
        let id = request.id;
        self.handle.as_ref().unwrap().send(request);
        id
    }

    /// The next event.
    async fn event(&mut self) -> EventKind {
        let event = tokio::time::timeout(Duration::from_secs(20), self.events.recv()).await;
        let newest = &self.seen[self.seen.len().saturating_sub(8)..];
        let event = event.unwrap_or_else(|_| panic!("the engine says nothing after {newest:#?}"));
        let event = event.expect("the run goes on");
        self.progress.apply(&event);
        self.seen.push(event.clone());
        event.kind
    }

    /// Reads until an event that is wanted.
    async fn until(&mut self, wanted: impl Fn(&EventKind) -> bool) -> EventKind {
        loop {
            let kind = self.event().await;
            if wanted(&kind) {
                return kind;
            }
        }
    }

    /// Reads to a request's last event, which its first may be: what it came to, or why it was refused.
    async fn answer(&mut self, request: RequestId) -> Result<RequestOutcome, String> {
        let ends = |kind: &EventKind| match kind {
            EventKind::Done { id, .. } | EventKind::Refused { id, .. } => *id == request,
            _ => false,
        };
        match self.until(ends).await {
            EventKind::Done { outcome, .. } => Ok(outcome),
            EventKind::Refused { reason, .. } => Err(reason),
            _ => unreachable!(),
        }
    }

    /// Asks, and reads to the answer's end.
    async fn ask(&mut self, command: Command) -> Result<RequestOutcome, String> {
        let request = self.send(command);
        self.answer(request).await
    }

    async fn opened(&mut self) {
        self.until(|e| matches!(e, EventKind::HunksApplied { .. })).await;
    }

    /// Runs the current step to its verdict.
    async fn run(&mut self) -> (Verdict, Option<Failure>) {
        let from = self.seen.len();
        let came = self.ask(Command::Run).await.unwrap();
        let finished = self.seen[from..].iter().find_map(|e| match &e.kind {
            EventKind::StepFinished { verdict, failure, .. } => Some((*verdict, failure.clone())),
            _ => None,
        });
        let (verdict, failure) = finished.expect("it ends before its request does");
        assert_eq!(came, RequestOutcome::Verdict(verdict));
        (verdict, failure)
    }

    async fn go_to(&mut self, chapter: u32, step: &str) {
        let moved = self.ask(Command::GoTo { chapter, step: Some(step.into()) }).await;
        assert_eq!(moved, Ok(RequestOutcome::Complete));
    }

    async fn check(&mut self, checks: Vec<CheckRef>) -> RequestOutcome {
        self.ask(Command::Check { checks, must_fail: false }).await.unwrap()
    }

    async fn refused(&mut self) -> String {
        match self.until(|e| matches!(e, EventKind::Refused { .. })).await {
            EventKind::Refused { reason, .. } => reason,
            _ => unreachable!(),
        }
    }

    /// Ends the run and gives all that it told.
    async fn quit(mut self) -> Vec<Event> {
        self.send(Command::Quit);
        self.until(|e| matches!(e, EventKind::Closed { .. })).await;
        assert!(self.events.recv().await.is_none(), "nothing comes after Closed");
        answered(&self.seen);
        self.seen
    }
}

/// A target that only writes down what it was told.
struct ScriptControls(Arc<Mutex<Vec<String>>>);

impl TargetControls for ScriptControls {
    fn simulate(&self, conditions: SimulateAction) -> BoxFuture<'_, Result<Box<dyn HeldConditions>>> {
        self.0.lock().unwrap().push(conditions.says().join(", "));
        Box::pin(std::future::ready(Ok(Box::new(ScriptConditions(self.0.clone())) as Box<dyn HeldConditions>)))
    }
}

struct ScriptConditions(Arc<Mutex<Vec<String>>>);

impl HeldConditions for ScriptConditions {
    fn end(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push("as always".to_owned());
        Box::pin(std::future::ready(()))
    }
}

impl CloudTarget for Script {
    fn child(
        &self,
        job: ProcessSpec,
        cancel: CancellationToken,
        mut lines: Lines,
    ) -> BoxFuture<'_, Result<ProcessExit>> {
        Box::pin(async move {
            // A program of the project's own is run for real.
            if job.program == "sh" || Path::new(&job.program).is_absolute() {
                return process::run(job, &cancel, lines).await.map_err(Problem::environment);
            }
            let args: Vec<String> = job.args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
            self.launched.lock().unwrap().push(args.join(" "));
            self.cwds.lock().unwrap().push(job.cwd.clone());
            let acts = self.launches.lock().unwrap().pop_front().unwrap_or(vec![Act::Exit(9)]);
            let ended = |cause| Ok(ProcessExit { cause, took: Duration::ZERO, leaked: false });
            for act in acts {
                // Time for whoever watches to look.
                tokio::time::sleep(Duration::from_millis(5)).await;
                match act {
                    Act::Print(line) => lines(OutputPipe::Stderr, vec![line.to_owned()]),
                    Act::Stack(status) => self.set_stack(status),
                    Act::Event(id, kind, status, reason) => self.happen(id, kind, status, reason),
                    Act::Gone => *self.stack.lock().unwrap() = None,
                    Act::Exit(code) => return ended(ExitCause::Exited(code)),
                    Act::Hang => {
                        cancel.cancelled().await;
                        return ended(ExitCause::Cancelled);
                    }
                }
            }
            ended(ExitCause::Exited(0))
        })
    }
    fn lost(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.gone.notified())
    }
    fn network(&self) -> Option<BoxFuture<'_, Result<()>>> {
        let there = (*self.network.lock().unwrap())?;
        let lost = || Problem::environment("no route to host");
        Some(Box::pin(std::future::ready(there.then_some(()).ok_or_else(lost))))
    }
    fn throttled(&self) -> Option<tokio::sync::watch::Receiver<u64>> {
        Some(self.throttled.subscribe())
    }
    fn works(&self) -> BoxFuture<'_, Result<()>> {
        if *self.out_of_order.lock().unwrap() {
            return Box::pin(std::future::ready(Err(Problem::environment("the service answered 503"))));
        }
        self.network().unwrap_or_else(|| Box::pin(std::future::ready(Ok(()))))
    }
    fn caller_arn(&self) -> Result<String> {
        Ok("arn:aws:iam::123456789012:user/learner".to_owned())
    }

    fn controls(&self) -> Option<Arc<dyn TargetControls>> {
        Some(Arc::new(ScriptControls(self.controlled.clone())))
    }

    fn region(&self) -> String {
        "us-east-1".into()
    }
    fn account(&self) -> String {
        "123456789012".into()
    }
    fn poll_every(&self) -> Duration {
        Duration::from_millis(1)
    }
    fn stack(&self, _: String) -> BoxFuture<'_, Result<Option<Stack>>> {
        Box::pin(std::future::ready(Ok(self.stack.lock().unwrap().clone())))
    }
    fn stack_events(&self, _: String, since: Option<String>) -> BoxFuture<'_, Result<Vec<StackEvent>>> {
        let events = self.events.lock().unwrap();
        let from = since.and_then(|id| events.iter().position(|e| e.id == id)).map_or(0, |i| i + 1);
        let (news, slow) = (events[from..].to_vec(), *self.slow.lock().unwrap());
        Box::pin(async move {
            if !slow.is_zero() {
                tokio::time::sleep(slow).await;
            }
            Ok(news)
        })
    }
    fn stack_resources(&self, _: String) -> BoxFuture<'_, Result<Vec<StackResource>>> {
        let cluster = StackResource {
            logical_id: "Cluster".into(),
            physical_id: Some("abcdefghijklmnopqrstuvwxyz".into()),
            resource_type: "AWS::DSQL::Cluster".into(),
            status: "CREATE_COMPLETE".into(),
        };
        Box::pin(std::future::ready(Ok(vec![cluster])))
    }
    fn cancel_update(&self, _: String) -> BoxFuture<'_, Result<()>> {
        *self.cancelled_updates.lock().unwrap() += 1;
        self.set_stack("UPDATE_ROLLBACK_COMPLETE");
        Box::pin(std::future::ready(Ok(())))
    }
    fn bootstrapped(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(std::future::ready(Ok(!*self.unbootstrapped.lock().unwrap())))
    }
    fn invoke(&self, function: String, payload: String) -> BoxFuture<'_, Result<Invocation>> {
        self.asked.lock().unwrap().push(format!("{function} {payload}"));
        if *self.never_answers.lock().unwrap() {
            return Box::pin(std::future::pending());
        }
        let answer = self.answers.lock().unwrap().pop_front();
        let took = {
            let (slow, took) = &mut *self.slow_invocations.lock().unwrap();
            let is_slow = *slow > 0;
            *slow = slow.saturating_sub(1);
            if is_slow { *took } else { Duration::ZERO }
        };
        Box::pin(async move {
            tokio::time::sleep(took).await;
            answer.ok_or_else(|| Problem::environment("no answer is scripted"))
        })
    }
    fn query(&self, _: String, role: String, sql: String) -> BoxFuture<'_, Result<StatementResult>> {
        self.asked.lock().unwrap().push(format!("{role}: {sql}"));
        Box::pin(std::future::ready(Ok(self.results.lock().unwrap().pop_front().unwrap_or_default())))
    }
    fn session(&self, host: String, role: String) -> Box<dyn SqlSession> {
        let results = self.results.lock().unwrap().drain(..).collect();
        Box::new(Scripted { host, role, open: false, results, stop: Arc::default() })
    }
}

impl Script {
    fn set_stack(&self, status: &str) {
        let outputs = vec![StackOutput { key: "DSQL".into(), value: "it's a value".into(), description: None }];
        let stack = Stack { id: "arn:stack/1".into(), status: status.into(), reason: None, outputs };
        *self.stack.lock().unwrap() = Some(stack);
    }

    fn happen(&self, id: &str, kind: &str, status: &str, reason: Option<&str>) {
        let mut events = self.events.lock().unwrap();
        let n = events.len() as u64;
        events.push(StackEvent {
            id: format!("e{n}"),
            at: 10_000 + n * 100,
            logical_id: id.into(),
            physical_id: None,
            resource_type: kind.into(),
            status: status.into(),
            reason: reason.map(str::to_owned),
        });
    }

    fn launch(&self, acts: &[Act]) {
        self.launches.lock().unwrap().push_back(acts.to_vec());
    }

    fn answer(&self, response: &str, error: Option<&str>) {
        let response = match error {
            Some(message) => serde_json::json!({"errorType": "Error", "errorMessage": message}).to_string(),
            None => response.to_owned(),
        };
        self.answers.lock().unwrap().push_back(Invocation {
            response,
            function_error: error.map(|_| "Unhandled".into()),
            log_tail: vec!["START".into(), "END".into()],
            took: Duration::from_millis(3),
        });
    }

    fn result(&self, result: StatementResult) {
        self.results.lock().unwrap().push_back(result);
    }

    fn deploys(&self) {
        self.launch(&[
            Act::Print("✨  Synthesis time: 1.2s"),
            Act::Print("TheStack: creating CloudFormation changeset..."),
            Act::Stack("UPDATE_IN_PROGRESS"),
            Act::Event("TheStack", "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", None),
            Act::Event("Role", "AWS::IAM::Role", "CREATE_IN_PROGRESS", None),
            Act::Event("Role", "AWS::IAM::Role", "CREATE_COMPLETE", None),
            Act::Event("TheStack", "AWS::CloudFormation::Stack", "UPDATE_COMPLETE", None),
            Act::Stack("UPDATE_COMPLETE"),
            Act::Exit(0),
        ]);
    }
}

fn rows(columns: &[&str], rows: &[&[&str]]) -> StatementResult {
    StatementResult {
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        rows: rows.iter().map(|r| r.iter().map(|c| Some((*c).to_owned())).collect()).collect(),
        row_count: rows.len() as u64,
        tag: format!("SELECT {}", rows.len()),
        error: None,
    }
}

fn sql_error(sqlstate: &str, message: &str) -> StatementResult {
    let error = SqlError {
        severity: "ERROR".into(),
        sqlstate: sqlstate.into(),
        message: message.into(),
        detail: None,
        hint: None,
        position: None,
    };
    StatementResult { error: Some(error), ..StatementResult::default() }
}

struct Scripted {
    host: String,
    role: String,
    open: bool,
    results: VecDeque<StatementResult>,
    /// Notified when the server is asked to stop what runs: `WAIT` waits for it.
    stop: Arc<tokio::sync::Notify>,
}

impl SqlSession for Scripted {
    fn run<'a>(&'a mut self, input: &'a str, sink: SessionSink) -> BoxFuture<'a, SqlEnd> {
        Box::pin(async move {
            if !self.open {
                self.open = true;
                let news = SessionNews::Opened { role: self.role.clone(), host: self.host.clone() };
                sink.0.send(news).await.unwrap();
            }
            sink.0.send(SessionNews::Lines(vec![(SqlLine::Echo, input.to_owned())])).await.unwrap();
            let result = match input.starts_with("WAIT") {
                true => {
                    self.stop.notified().await;
                    sql_error("57014", "canceling statement due to user request")
                }
                false => self.results.pop_front().unwrap_or_default(),
            };
            let tx = if input.starts_with("BEGIN") { TxState::Open } else { TxState::Idle };
            SqlEnd { error: result.error.clone(), results: vec![result], tx, ..SqlEnd::default() }
        })
    }
    fn retry(&mut self, _: SessionSink) -> BoxFuture<'_, SqlEnd> {
        Box::pin(std::future::ready(SqlEnd::default()))
    }
    fn complete<'a>(
        &'a mut self,
        _: &'a str,
        cursor: usize,
        _: SessionSink,
    ) -> BoxFuture<'a, (usize, Vec<SqlCandidate>)> {
        let candidate = SqlCandidate { text: "SELECT".into(), kind: "keyword".into() };
        Box::pin(std::future::ready((cursor, vec![candidate])))
    }
    fn canceller(&self) -> Arc<dyn Fn() + Send + Sync> {
        let stop = self.stop.clone();
        Arc::new(move || stop.notify_one())
    }
}

/// Every request is refused, or accepted and then done; what is not done is ended by the end of the run.
fn answered(seen: &[Event]) {
    let mut open = std::collections::BTreeMap::new();
    let mut over = std::collections::BTreeSet::new();
    for event in seen {
        match &event.kind {
            EventKind::Accepted { id, command } => {
                assert!(!over.contains(id) && open.insert(*id, *command).is_none(), "{id} is accepted once");
            }
            EventKind::Refused { id, .. } => {
                assert!(!open.contains_key(id) && over.insert(*id), "{id} is refused with nothing done");
            }
            EventKind::Done { id, command, .. } => {
                assert_eq!(open.remove(id), Some(*command), "{id} is done after it was accepted");
                assert!(over.insert(*id));
            }
            _ => {}
        }
    }
    let late = |kind: &&CommandKind| !matches!(kind, CommandKind::Locate | CommandKind::Prepare);
    assert_eq!(open.values().find(late), None);
}

/// Everything that a run leaves must say the same: the events told, the record, the saved state.
/// A run that begins with this state has nothing of the one before left running, and has lost nothing that was done.
fn begins_anew(left: &Progress) {
    let mut next = Progress::default();
    let opened = EventKind::Opened {
        title: left.title.clone(),
        target: left.target.unwrap_or(Target::Local),
        workdir: left.workdir.clone().unwrap_or_default(),
        position: left.position.clone().unwrap_or(Position { chapter: 0, step: "look".into() }),
    };
    for (seq, kind) in [(1, opened), (2, EventKind::Restored { progress: Box::new(left.clone()) })] {
        next.apply(&Event { seq, at: left.at + 60_000, kind });
    }
    assert_eq!((next.seq, &next.running, next.closed), (2, &None, None));
    assert!(next.tasks.is_empty() && next.sessions.values().all(|s| !s.open && s.running.is_none()));
    assert!(next.checks.values().all(|check| check.verdict.is_some()));
    let done = |of: &Progress| of.steps.values().filter(|step| step.verdict.is_some()).count();
    assert_eq!((done(&next), &next.captures, &next.outputs), (done(left), &left.captures, &left.outputs));
    // The time between the two counts for neither.
    let spent = |of: &Progress| of.pacing.spent.values().sum::<u64>();
    let running = left.pacing.since.map_or(0, |since| left.at - since);
    assert_eq!((spent(&next), next.pacing.since), (spent(left) + running, Some(next.at)));
}

fn agree(seen: &[Event], live: &Progress, workdir: &Path) {
    let mut fold = Progress::default();
    for (index, event) in seen.iter().enumerate() {
        assert_eq!(event.seq, index as u64 + 1);
        fold.apply(event);
        // Every beginning is a state that can be saved and read back.
        let json = serde_json::to_string(&fold).unwrap();
        assert_eq!(serde_json::from_str::<Progress>(&json).unwrap(), fold);
        begins_anew(&fold);
        let line = serde_json::to_string(event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), *event);
    }
    assert_eq!(fold, *live);
    let record = std::fs::read_to_string(workdir.join(".workshop/events.jsonl")).unwrap();
    let mut replayed = Progress::default();
    for line in record.lines() {
        replayed.apply(&serde_json::from_str(line).unwrap());
    }
    assert_eq!(replayed, *live);
    let saved = super::record::saved(workdir).unwrap().unwrap();
    assert_eq!(saved.progress, *live);
}
