//! The console sessions: each a task that owns one connection and runs one input after the other.
//!
//! Sessions stay open across steps and chapters. Inputs of lessons and of the user share them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::cloud::{BoxFuture, CloudTarget, DatabaseSite, SessionNews, SessionSink, SqlEnd, SqlSession, millis};
use super::event::{EventKind, SqlCandidate, StepRef, TxState};
use super::messages::EventSink;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_psql::history;

/// Batches of lines that may wait between a session and the driver.
const HELD: usize = 16;
/// At most so many lines a second go on to the front ends, so that no result outruns them.
const LINES_A_SECOND: usize = 100_000;

/// Bytes of what an input prints that an expectation can match.
const PRINTED: usize = 1 << 20;

/// All sessions of a run. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    sink: EventSink,
    open: Arc<Mutex<BTreeMap<String, Open>>>,
    tasks: Arc<Mutex<JoinSet<()>>>,
    closing: CancellationToken,
    /// By session: cancelled when the newest of its inputs so far stands in its queue, or never will.
    queued: Arc<Mutex<BTreeMap<String, CancellationToken>>>,
    /// Numbers the inputs of all sessions.
    numbers: Arc<AtomicU64>,
}

/// The turn of an input among those of its session: in the order in which they were asked for, however long each has to wait
/// for the session to open.
pub struct InputTurn {
    before: Option<CancellationToken>,
    own: DropGuard,
}

impl InputTurn {
    /// Waits until the input before it is queued. What it returns is to be dropped when its own is.
    pub async fn come(self) -> DropGuard {
        if let Some(before) = self.before {
            before.cancelled().await;
        }
        self.own
    }
}

struct Open {
    /// The cluster it leads to: a stack that was made anew has another cluster.
    host: String,
    role: String,
    transaction: Arc<Mutex<SessionTransaction>>,
    inputs: mpsc::UnboundedSender<(u64, Input)>,
    cancel: Arc<dyn Fn() + Send + Sync>,
    /// The number of the input that runs.
    running: Arc<Mutex<Option<u64>>>,
    /// Cancelled when the session is ended: what is queued by then never runs.
    ended: CancellationToken,
}

/// The end of an input, for who waits for it. Nobody waits any more: the input never runs, and if it does already, the server
/// is asked to stop it, and nothing but it.
struct PendingInput<T> {
    end: Option<oneshot::Receiver<T>>,
    number: u64,
    running: Arc<Mutex<Option<u64>>>,
    cancel: Arc<dyn Fn() + Send + Sync>,
}

impl<T> PendingInput<T> {
    async fn end(&mut self) -> Option<T> {
        self.end.as_mut()?.await.ok()
    }
}

impl<T> Drop for PendingInput<T> {
    fn drop(&mut self) {
        // First of all: what begins from now on sees it.
        self.end = None;
        if self.running.lock().is_ok_and(|running| *running == Some(self.number)) {
            (self.cancel)();
        }
    }
}

/// The transaction of a session, as its newest input left it.
#[derive(Debug, Default)]
struct SessionTransaction {
    state: TxState,
    /// The step whose statement has begun it; None of one that a person has begun.
    begun_by: Option<StepRef>,
}

impl SessionTransaction {
    fn is_open(&self) -> bool {
        matches!(self.state, TxState::Open | TxState::Failed)
    }

    /// Takes over what an input has left; `by` is its step, if it is one's.
    fn is_now(&mut self, state: TxState, by: Option<StepRef>) {
        let was_open = self.is_open();
        self.state = state;
        match (was_open, self.is_open()) {
            (true, true) => {}
            (false, true) => self.begun_by = by,
            (_, false) => self.begun_by = None,
        }
    }
}

/// The byte offset where a word begins, and what it may become.
pub type Candidates = (usize, Vec<SqlCandidate>);

enum Input {
    Run { id: u64, by: Option<StepRef>, text: String, columns: Option<usize>, answer: oneshot::Sender<SqlEnd> },
    Retry { id: u64, answer: oneshot::Sender<SqlEnd> },
    Complete { id: u64, text: String, cursor: usize, answer: oneshot::Sender<Candidates> },
}

impl Sessions {
    /// Makes the sessions of a run: none yet.
    pub fn new(sink: EventSink) -> Sessions {
        let (open, tasks, queued, numbers) = Default::default();
        Sessions { sink, open, tasks, closing: CancellationToken::new(), queued, numbers }
    }

    /// Takes the next turn among the inputs of a session.
    pub fn turn(&self, name: &str) -> InputTurn {
        let own = CancellationToken::new();
        let before = self.queued.lock().ok().and_then(|mut queued| queued.insert(name.to_owned(), own.clone()));
        InputTurn { before, own: own.drop_guard() }
    }

    /// Tells whether a session was made known, be it not connected yet.
    pub fn is_open(&self, name: &str) -> bool {
        self.open.lock().is_ok_and(|open| open.contains_key(name))
    }

    /// Makes a session known; it connects at its first input. One that leads there already stays as it is, unless another
    /// role is asked for: then it connects anew as that. Without a role, whichever it has will do, and a new one has
    /// the usual one.
    ///
    /// # Errors
    /// When another role is asked for in the middle of a transaction, which would be lost.
    pub fn ensure(&self, world: &dyn CloudTarget, name: &str, site: &DatabaseSite, role: Option<&str>) -> Result<()> {
        let Ok(mut open) = self.open.lock() else { return Ok(()) };
        if let Some(session) = open.get(name).filter(|session| session.host == site.host) {
            let Some(role) = role.filter(|role| *role != session.role) else { return Ok(()) };
            if session.transaction.lock().is_ok_and(|transaction| transaction.is_open()) {
                let message = format!(
                    "session {name} is {} with a transaction open, and a statement wants it to be {role}",
                    session.role
                );
                return Err(Problem::failed(message).hint("end it with COMMIT or ROLLBACK, then run the step again"));
            }
        }
        let role = role.unwrap_or(&site.role);
        let transaction: Arc<Mutex<SessionTransaction>> = Arc::default();
        let session = world.session(site.host.clone(), role.to_owned());
        let (inputs, received) = mpsc::unbounded_channel();
        let cancel = session.canceller();
        let (running, ended) = (Arc::default(), CancellationToken::new());
        let queue = InputQueue { received, running: Arc::clone(&running), ended: ended.clone() };
        let task = serve(session, name.to_owned(), self.sink.clone(), queue, transaction.clone());
        let closing = self.closing.clone();
        let Ok(mut tasks) = self.tasks.lock() else { return Ok(()) };
        tasks.spawn(async move {
            // Dropping the session closes its connection: the server ends what still runs.
            closing.run_until_cancelled(task).await;
        });
        open.insert(
            name.to_owned(),
            Open { host: site.host.clone(), role: role.to_owned(), transaction, inputs, cancel, running, ended },
        );
        Ok(())
    }

    /// Queues one input of a lesson's step and gives its end; None when there is no such session or it is closing. Once it is
    /// dropped, the input is cancelled.
    pub fn run(&self, name: &str, by: Option<StepRef>, text: String) -> BoxFuture<'static, Option<SqlEnd>> {
        self.queue(name, |answer| Input::Run { id: 0, by, text, columns: None, answer })
    }

    /// The same for what a person types, before a screen of so many columns.
    pub fn run_typed(
        &self,
        name: &str,
        id: u64,
        text: String,
        columns: Option<usize>,
    ) -> BoxFuture<'static, Option<SqlEnd>> {
        self.queue(name, |answer| Input::Run { id, by: None, text, columns, answer })
    }

    /// Returns the sessions with a transaction open that a step has begun, and which step.
    pub fn left_open(&self) -> Vec<(String, StepRef)> {
        let Ok(open) = self.open.lock() else { return Vec::new() };
        let of = |(name, session): (&String, &Open)| {
            let transaction = session.transaction.lock().ok()?;
            Some((name.clone(), transaction.begun_by.clone().filter(|_| transaction.is_open())?))
        };
        open.iter().filter_map(of).collect()
    }

    /// Ends a session: what it runs is cancelled, what waits never runs, and its connection is closed.
    pub fn end(&self, name: &str) {
        if let Some(session) = self.open.lock().ok().and_then(|mut open| open.remove(name)) {
            session.ended.cancel();
            (session.cancel)();
        }
    }

    /// Ends all sessions, and returns their names.
    pub fn end_all(&self) -> Vec<String> {
        let names: Vec<String> = self.open.lock().map(|open| open.keys().cloned().collect()).unwrap_or_default();
        names.iter().for_each(|name| self.end(name));
        names
    }

    /// Runs the transaction again that ended in a conflict.
    pub fn retry(&self, name: &str, id: u64) -> BoxFuture<'static, Option<SqlEnd>> {
        self.queue(name, |answer| Input::Retry { id, answer })
    }

    /// Asks for candidates at a byte offset: where the word begins, and what it may become. None when there is no such
    /// session.
    pub fn complete(&self, name: &str, id: u64, text: String, cursor: usize) -> BoxFuture<'static, Option<Candidates>> {
        self.queue(name, |answer| Input::Complete { id, text, cursor, answer })
    }

    /// Asks the server to stop what a session runs. False when there is no such session.
    pub fn cancel(&self, name: &str) -> bool {
        let cancel = self.open.lock().ok().and_then(|open| open.get(name).map(|o| o.cancel.clone()));
        cancel.inspect(|cancel| cancel()).is_some()
    }

    /// Closes all connections and waits for their tasks.
    pub async fn close(&self) {
        self.closing.cancel();
        let mut tasks = self.tasks.lock().map(|mut tasks| std::mem::take(&mut *tasks)).unwrap_or_default();
        while tasks.join_next().await.is_some() {}
    }

    fn queue<T: Send + 'static>(
        &self,
        name: &str,
        input: impl FnOnce(oneshot::Sender<T>) -> Input,
    ) -> BoxFuture<'static, Option<T>> {
        let (answer, end) = oneshot::channel();
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let pending = self.open.lock().ok().and_then(|open| {
            let session = open.get(name)?;
            session.inputs.send((number, input(answer))).ok()?;
            let (running, cancel) = (session.running.clone(), session.cancel.clone());
            Some(PendingInput { end: Some(end), number, running, cancel })
        });
        Box::pin(async move { pending?.end().await })
    }
}

/// The inputs of a session in their order.
struct InputQueue {
    received: mpsc::UnboundedReceiver<(u64, Input)>,
    running: Arc<Mutex<Option<u64>>>,
    ended: CancellationToken,
}

impl InputQueue {
    /// Takes the next input that somebody waits for; None when there is none any more.
    async fn next(&mut self) -> Option<Input> {
        loop {
            self.is_running(None);
            let (number, input) = self.received.recv().await.filter(|_| !self.ended.is_cancelled())?;
            self.is_running(Some(number));
            if !input.is_abandoned() {
                return Some(input);
            }
        }
    }

    /// Notes which input runs.
    fn is_running(&self, number: Option<u64>) {
        if let Ok(mut running) = self.running.lock() {
            *running = number;
        }
    }
}

impl Input {
    /// Tells whether nobody waits for its end any more.
    fn is_abandoned(&self) -> bool {
        match self {
            Input::Run { answer, .. } | Input::Retry { answer, .. } => answer.is_closed(),
            Input::Complete { answer, .. } => answer.is_closed(),
        }
    }
}

async fn serve(
    mut session: Box<dyn SqlSession>,
    name: String,
    events: EventSink,
    mut queue: InputQueue,
    transaction: Arc<Mutex<SessionTransaction>>,
) {
    let ended = |end: &SqlEnd, by: Option<StepRef>| {
        if let Ok(mut transaction) = transaction.lock() {
            transaction.is_now(end.tx, by);
        }
    };
    while let Some(input) = queue.next().await {
        let (news, received) = mpsc::channel(HELD);
        let sink = SessionSink(news);
        match input {
            Input::Run { id, by, text, columns, answer } => {
                if columns.is_some() {
                    session.set_columns(columns);
                }
                events.emit(EventKind::SqlStarted { id, session: name.clone(), text: history::shown(&text) });
                let begun = Instant::now();
                let (mut end, printed) = relay(session.run(&text, sink), received, &events, &name, id).await;
                end.printed = printed;
                queue.is_running(None);
                ended(&end, by);
                finish(&events, &name, id, begun, &end);
                let _ = answer.send(end);
            }
            Input::Retry { id, answer } => {
                events.emit(EventKind::SqlStarted { id, session: name.clone(), text: RETRY.to_owned() });
                let begun = Instant::now();
                let (mut end, printed) = relay(session.retry(sink), received, &events, &name, id).await;
                end.printed = printed;
                queue.is_running(None);
                ended(&end, None);
                finish(&events, &name, id, begun, &end);
                let _ = answer.send(end);
            }
            Input::Complete { id, text, cursor, answer } => {
                let found = relay(session.complete(&text, cursor, sink), received, &events, &name, id).await.0;
                let _ = answer.send(found);
            }
        }
    }
}

/// Passes a session's news on while its input runs, all of it before its end.
async fn relay<T>(
    run: BoxFuture<'_, T>,
    mut received: mpsc::Receiver<SessionNews>,
    events: &EventSink,
    name: &str,
    id: u64,
) -> (T, String) {
    tokio::pin!(run);
    let mut passed = 0;
    let mut printed = String::new();
    let end = loop {
        tokio::select! {
            biased;
            Some(news) = received.recv() => {
                passed += if let SessionNews::Lines(lines) = &news { lines.len() } else { 0 };
                remember(&mut printed, &news);
                pass_on(news, events, name, id);
                if passed >= LINES_A_SECOND {
                    passed = 0;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            end = &mut run => break end,
        }
    };
    while let Ok(news) = received.try_recv() {
        remember(&mut printed, &news);
        pass_on(news, events, name, id);
    }
    (end, printed)
}

/// Keeps what is printed for expectations, up to a size that one can look through.
fn remember(printed: &mut String, news: &SessionNews) {
    let SessionNews::Lines(lines) = news else { return };
    for (_, line) in lines {
        if printed.len() + line.len() > PRINTED {
            return;
        }
        printed.push_str(line);
        printed.push('\n');
    }
}

fn pass_on(news: SessionNews, events: &EventSink, name: &str, id: u64) {
    let session = name.to_owned();
    events.emit(match news {
        SessionNews::Opened { role, host } => EventKind::SessionOpened { session, role, host },
        SessionNews::Lost { loss, reason } => EventKind::SessionLost { session, loss, reason },
        SessionNews::Lines(lines) => EventKind::SqlText { id, session, lines },
    });
}

fn finish(events: &EventSink, name: &str, id: u64, begun: Instant, end: &SqlEnd) {
    events.emit(EventKind::SqlFinished {
        id,
        session: name.to_owned(),
        tx: end.tx,
        rows: end.results.iter().map(|r| r.row_count).sum(),
        took_ms: millis(begun.elapsed()),
        error: end.error.clone(),
        prompts: end.prompts.clone(),
    });
    if let Some(problem) = &end.problem {
        events.emit(EventKind::Trouble { problem: problem.clone() });
    }
}

/// Returns what is said of an input that has no session to run in.
pub fn closed() -> SqlEnd {
    SqlEnd {
        tx: TxState::Unknown,
        problem: Some(Problem::new(Kind::Interrupted, "the session is closed")),
        ..SqlEnd::default()
    }
}

const RETRY: &str = "-- the transaction again";
