//! One client's session: takes its messages one by one, decides with `classify` and `txn` what each may
//! do, and has the backend do it.
//!
//! 1. `simple` and `extended` turn messages into statements to run.
//! 2. `names` knows the client's prepared statements and portals, `portals` takes results in slices.
//! 3. `gate` decides whether a statement may run now.
//! 4. `run` runs it, directly or on private copies, and keeps the log.
//! 5. `transaction` begins, parks, replays, commits and rolls back.
//! 6. `explain` answers EXPLAIN, `steps` does what else a statement of DSQL's own needs.
//! 7. `receive` reads what the backend answers and shows it, holds it, or drops it.
//!
//! What is rare is awaited in a box: a future holds everything that it may come to wait for, and is moved whole for
//! each message.
//!
//! Invariant: no client message is answered out of order, and the client's view of the transaction
//! (`phase`) is the only truth about it; the backend may be elsewhere, but it is never in a transaction
//! that goes on while the client's has failed.

mod copy;
mod explain;
mod extended;
mod gate;
mod names;
mod portals;
mod receive;
mod run;
mod simple;
mod steps;
mod transaction;

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, mpsc};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use super::backend::{self, Backend, Message};
use super::classify::Statement;
use super::client::Client;
use super::cluster::{Ask, CatalogChange, Cluster, Seat, Watch};
use super::limits;
use super::texts::{Failure, Rule};
use super::txn::Txn;
use super::wire;

use crate::interfaces::{Authority, Time, TimeSource};

use names::Names;
use receive::{Expect, Outcome};

/// Why a session ends.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    #[error("the client has gone")]
    Client(#[source] io::Error),
    #[error("the database has gone")]
    Server(#[source] io::Error),
    #[error("the client said goodbye")]
    Goodbye,
    #[error("{}", .0.message)]
    Refused(Failure),
}

/// The transaction as the client sees it.
enum Phase {
    Idle,
    Open(Box<Txn>),
    /// A statement failed; so has the backend's transaction, which has given up its locks.
    Failed,
}

impl Phase {
    fn status(&self) -> u8 {
        match self {
            Phase::Idle => b'I',
            Phase::Open(txn) if txn.implicit => b'I',
            Phase::Open(_) => b'T',
            Phase::Failed => b'E',
        }
    }
}

/// What a session is given at its start.
pub struct Setting {
    pub cluster: Arc<Cluster>,
    pub user: String,
    pub authority: Arc<dyn Authority>,
    pub time: Time,
    pub shutdown: CancellationToken,
}

pub struct Session<S> {
    client: Client<S>,
    server: Backend,
    cluster: Arc<Cluster>,
    authority: Arc<dyn Authority>,
    clock: TimeSource,
    seat: Arc<Seat>,
    asks: mpsc::UnboundedReceiver<Ask>,
    phase: Phase,
    /// The version of the catalogue that this session has seen.
    seen: u64,
    /// The role that has connected.
    user: String,
    /// What the transaction that is being committed has changed of the catalogue.
    change: Option<CatalogChange>,
    names: Names,
    /// After an error in the extended protocol, everything is ignored until Sync.
    skip: bool,
    /// What the backend still has to answer.
    expected: VecDeque<Expect>,
    outcomes: Vec<Outcome>,
    /// How many of the expected messages have been answered, and whether the next one failed.
    answered: usize,
    failed_at: Option<usize>,
    /// How many rows the Execute that runs wants; 0: all.
    wanted: u32,
    /// The backend waits for a Sync after an error.
    unsynced: bool,
    /// The running statement was cancelled for another session's sake.
    preempted: bool,
    /// The running statement is one that could be run again.
    yielding: bool,
    /// The CommandComplete that the client is told once its implicit transaction is committed; else empty.
    complete: Bytes,
    /// The data of the COPY that has just ended.
    copied: Option<Vec<Bytes>>,
    /// Statements by their text, so that a repeated query is classified once.
    known: HashMap<Box<str>, Arc<[Arc<Statement>]>>,
    known_at: u64,
    /// Texts of several statements that PostgreSQL's grammar has nothing against.
    sound: HashSet<Box<str>>,
    watch: Option<Watch>,
    /// Goes off when a statement may have taken long. It is left as it was set by an earlier statement until
    /// then: a timer for every answer would wake another thread every time.
    patience: Pin<Box<Sleep>>,
    /// The planner's settings are the client's own.
    planner_own: bool,
    /// The client knows that DPUs are estimated.
    estimate_told: bool,
}

/// How many texts are remembered; beyond, the memory starts anew.
const KNOWN: usize = 256;
/// A longer text is not worth remembering, in bytes.
const KNOWN_LEN: usize = 4 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Serves the client until it goes, the hour is over, or the proxy shuts down.
    pub async fn serve(client: Client<S>, server: Backend, setting: Setting) -> Result<(), Stop> {
        let Setting { cluster, user, authority, time, shutdown } = setting;
        let clock = time.now;
        let (seat, asks) = cluster.seat(server.pid, server.key);
        let _leave = Leave(cluster.clone(), server.pid);
        let (born, seen) = (clock(), cluster.catalog());
        let mut session = Session {
            client,
            server,
            cluster,
            authority,
            clock,
            seat,
            asks,
            phase: Phase::Idle,
            seen,
            user,
            change: None,
            names: Names::default(),
            skip: false,
            expected: VecDeque::new(),
            outcomes: Vec::new(),
            answered: 0,
            failed_at: None,
            wanted: 0,
            unsynced: false,
            preempted: false,
            yielding: false,
            complete: Bytes::new(),
            copied: None,
            known: HashMap::new(),
            known_at: seen,
            sound: HashSet::new(),
            watch: None,
            patience: Box::pin(tokio::time::sleep(Duration::ZERO)),
            planner_own: true,
            estimate_told: false,
        };
        let result = match session.turns(born, time.moved, shutdown).await {
            Err(Stop::Server(error)) => {
                Err(backend::starved(&session.cluster.server).map_or(Stop::Server(error), Stop::Refused))
            }
            result => result,
        };
        if let Phase::Open(txn) = &session.phase {
            txn.fate.over();
        }
        if let Err(Stop::Refused(failure)) = &result {
            let _ = session.client.refuse(failure).await;
        }
        result
    }

    async fn turns(&mut self, born: SystemTime, moved: Arc<Notify>, shutdown: CancellationToken) -> Result<(), Stop> {
        // The clock can be moved: a timer for the hour alone would not notice that it is over.
        let mut looks = tokio::time::interval(Duration::from_secs(15));
        // Registered once and not for every message: all sessions wait for the same two.
        let mut shut = pin!(shutdown.cancelled());
        let mut notified = pin!(moved.notified());
        loop {
            // What has come together is taken together, unless somebody waits for our rows.
            while self.asks.is_empty()
                && let Some(message) = self.client.ready().map_err(Stop::Client)?
            {
                self.living(born)?;
                self.message(message).await?;
            }
            if !self.client.waiting() {
                self.client.flush().await.map_err(Stop::Client)?;
            }
            if self.expected.is_empty() {
                self.living(born)?;
            }
            tokio::select! {
                biased;
                Some(ask) = self.asks.recv() => Box::pin(self.ask(ask)).await?,
                filled = self.client.fill(), if !self.client.waiting() => if !filled.map_err(Stop::Client)? {
                    return Err(Stop::Goodbye);
                },
                filled = self.server.fill() => {
                    filled.map_err(Stop::Server)?;
                    self.unasked().await?;
                }
                () = &mut shut => return Err(Stop::Refused(Rule::ShuttingDown.failure().fatal())),
                () = &mut notified => notified.set(moved.notified()),
                _ = looks.tick() => {}
            }
        }
    }

    /// Ends the session when its hour is over and nothing goes on: the service closes such a connection without a word.
    fn living(&self, born: SystemTime) -> Result<(), Stop> {
        let over = || (self.clock)().duration_since(born).unwrap_or_default() > limits::CONNECTION_LIFE;
        if matches!(self.phase, Phase::Idle) && over() { Err(Stop::Goodbye) } else { Ok(()) }
    }

    async fn ask(&mut self, ask: Ask) -> Result<(), Stop> {
        match ask {
            Ask::Park(fate) => match &self.phase {
                Phase::Open(txn) if Arc::ptr_eq(&txn.fate, &fate) => {
                    self.pump().await?;
                    self.park().await
                }
                Phase::Open(_) | Phase::Idle | Phase::Failed => Ok(()),
            },
            Ask::End => Err(Stop::Refused(Rule::ShuttingDown.failure().fatal())),
        }
    }

    async fn message(&mut self, message: Message) -> Result<(), Stop> {
        if self.skip && !matches!(message.kind, b'S' | b'X') {
            return Ok(());
        }
        match message.kind {
            b'Q' => {
                self.pump().await?;
                match self.skip {
                    // After an error in the extended protocol only a Sync is heard.
                    true => Ok(()),
                    false => self.simple(message).await,
                }
            }
            b'P' | b'B' | b'D' | b'E' | b'C' | b'H' | b'S' => match self.extended(message).await {
                Err(Stop::Client(e)) if e.kind() == io::ErrorKind::InvalidInput => self.malformed(&e.to_string()).await,
                other => other,
            },
            b'X' => Err(Stop::Goodbye),
            // What is left of a COPY that the server has ended.
            b'd' | b'c' | b'f' => Ok(()),
            b'F' => {
                self.pump().await?;
                Box::pin(self.fail(Rule::Statement.fill(&["FunctionCall"]))).await?;
                self.ready_for_query();
                Ok(())
            }
            other => Err(Stop::Refused(protocol(&format!("invalid frontend message type {other}")))),
        }
    }

    async fn malformed(&mut self, what: &str) -> Result<(), Stop> {
        Err(Stop::Refused(protocol(what)))
    }

    fn ready_for_query(&mut self) {
        let status = self.phase.status();
        wire::put_ready(&mut self.client.out, status);
    }

    /// The statements of a query, from memory if they were seen before.
    fn classified(&mut self, sql: &str) -> Arc<[Arc<Statement>]> {
        let version = self.cluster.catalog();
        if self.known_at != version || self.known.len() > KNOWN {
            self.known.clear();
            self.sound.clear();
            self.known_at = version;
        }
        if let Some(known) = self.known.get(sql) {
            return known.clone();
        }
        let all = super::classify::classify(sql, &*self.cluster);
        let all: Arc<[_]> = all.into_iter().map(Arc::new).collect();
        if sql.len() <= KNOWN_LEN {
            self.known.insert(sql.into(), all.clone());
        }
        all
    }
}

fn protocol(what: &str) -> Failure {
    Rule::Protocol.fill(&[what]).fatal()
}

/// Leaves the cluster's list of sessions however the session ends.
struct Leave(Arc<Cluster>, i32);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}
