//! What a session is made of: its parts, the transaction as its client sees it, and what the backend's answers come to.
//!
//! Invariant: data alone; the files beside this one do something with it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use super::names::ClientNames;
use crate::backend::{Backend, BackendError};
use crate::catalog_change::CatalogChange;
use crate::client::Client;
use crate::cluster::{DatabaseCluster, WaitWatch};
use crate::conditions::Conditions;
use crate::conflict_state::{SessionEntry, SessionRequest};
use crate::edits::Edits;
use crate::interfaces::{Authority, Time, TimeSource};
use crate::statement::SqlStatement;
use crate::texts::{Rule, SqlFailure};
use crate::txn::Txn;
use crate::wire;

/// Why a session ends.
#[derive(Debug, thiserror::Error)]
pub enum SessionEnd {
    #[error("the client has gone")]
    Client(#[source] io::Error),
    #[error("the database has gone")]
    Server(#[source] io::Error),
    #[error("the client said goodbye")]
    Goodbye,
    #[error("{}", .0.message)]
    Refused(SqlFailure),
}

/// The transaction as the client sees it.
pub enum SessionPhase {
    Idle,
    Open(Box<Txn>),
    /// A statement failed; so has the backend's transaction, which has given up its locks.
    Failed,
}

impl SessionPhase {
    /// Returns the byte of a ReadyForQuery.
    pub fn status(&self) -> u8 {
        match self {
            SessionPhase::Idle => b'I',
            SessionPhase::Open(txn) if txn.implicit => b'I',
            SessionPhase::Open(_) => b'T',
            SessionPhase::Failed => b'E',
        }
    }
}

/// What a session is given at its start.
pub struct SessionSetup {
    pub cluster: Arc<DatabaseCluster>,
    pub user: String,
    pub authority: Arc<dyn Authority>,
    pub time: Time,
    pub shutdown: CancellationToken,
}

/// A client's session, in parts.
pub struct ProxySession<S> {
    pub frontend: Frontend<S>,
    pub pipeline: BackendPipeline,
    pub control: TransactionControl,
    pub texts: StatementCache,
    pub cluster: Arc<DatabaseCluster>,
    pub authority: Arc<dyn Authority>,
    pub clock: TimeSource,
    pub conditions: Conditions,
    /// The role that has connected.
    pub user: String,
}

/// The client's side: what it has named, and what it is still owed.
pub struct Frontend<S> {
    pub client: Client<S>,
    pub names: ClientNames,
    /// After an error in the extended protocol, everything is ignored until Sync.
    pub skip: bool,
    /// How many rows the Execute that runs wants; 0: all.
    pub wanted: u32,
    /// The CommandComplete that the client is told once its implicit transaction is committed; else empty.
    pub complete: Bytes,
    /// The data of the COPY that has just ended.
    pub copied: Option<Vec<Bytes>>,
    /// The planner's settings are the client's own.
    pub planner_own: bool,
    /// A parameter may have been set, of which PostgreSQL tells at its next ReadyForQuery.
    pub untold: bool,
    /// The client knows that DPUs are estimated.
    pub estimate_told: bool,
}

/// The backend's side: what was sent to it, and what it has answered.
pub struct BackendPipeline {
    pub server: Backend,
    /// What the backend still has to answer.
    pub expected: VecDeque<ExpectedReply>,
    pub outcomes: Vec<StatementOutcome>,
    /// How many of the expected messages have been answered, and whether the next one failed.
    pub answered: usize,
    pub failed_at: Option<usize>,
    /// Of queries that were sent in other words than the client's: the place among what is expected, the characters before
    /// it in what the client has sent, and what is not the client's.
    pub edited: Vec<(usize, usize, Edits)>,
    /// The backend waits for a Sync after an error.
    pub unsynced: bool,
    /// The running statement was cancelled for another session's sake.
    pub preempted: bool,
    /// The running statement is one that could be run again.
    pub yielding: bool,
    pub watch: Option<WaitWatch>,
    /// Goes off when a statement may have taken long. It is left as it was set by an earlier statement until
    /// then: a timer for every answer would wake another thread every time.
    pub patience: Pin<Box<Sleep>>,
}

/// The transaction, and what other sessions may ask of it.
pub struct TransactionControl {
    pub phase: SessionPhase,
    /// The version of the catalogue that this session has seen.
    pub seen: u64,
    /// What the transaction that is being committed has changed of the catalogue.
    pub change: Option<CatalogChange>,
    pub entry: Arc<SessionEntry>,
    pub requests: mpsc::UnboundedReceiver<SessionRequest>,
}

/// Texts that were looked at before.
#[derive(Default)]
pub struct StatementCache {
    /// Statements by their text, so that a repeated query is classified once.
    pub known: HashMap<Box<str>, Arc<[Arc<SqlStatement>]>>,
    pub known_at: u64,
    /// Reads that need nothing from us, without their numbers.
    pub plain: HashSet<Box<str>>,
    /// A text without its numbers.
    pub shape: String,
    /// Texts of several statements that PostgreSQL's grammar has nothing against.
    pub sound: HashSet<Box<str>>,
}

/// How many texts are remembered; beyond, the memory starts anew.
pub const KNOWN: usize = 256;
/// A longer text is not worth remembering, in bytes.
pub const KNOWN_LEN: usize = 4 * 1024;

/// What happens to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplySink {
    /// To the client at once; an error and ReadyForQuery are not shown.
    Show,
    /// To the client at once, everything.
    Raw,
    /// Into the outcome.
    Hold,
    /// Only its digest is kept.
    Drop,
}

/// What the backend still has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedReply {
    /// A simple query's, up to ReadyForQuery.
    Query(ReplySink),
    /// The ReadyForQuery of a Sync.
    Sync(ReplySink),
    /// One message of the extended protocol, named by its type byte.
    Part(u8, ReplySink),
}

/// What one query or Execute came to.
#[derive(Debug, Default)]
pub struct StatementOutcome {
    /// What the client has not been shown yet.
    pub held: BytesMut,
    /// Of rows and tag, unless they were shown at once.
    pub digest: u64,
    pub tag: String,
    /// The CommandComplete of a simple query, whole, unless it was dropped: nothing else shows it.
    pub complete: Bytes,
    /// The ErrorResponse, whole.
    pub error: Option<Bytes>,
    /// Part of the result was shown already.
    pub shown: bool,
    /// The server wants COPY data.
    pub copy_in: bool,
    /// The server was given the client's whole query, not the statement alone: errors point into that.
    pub whole: bool,
    /// How many rows it has changed with all that hangs on them, where that was asked.
    pub changed: u64,
    pub rows: Option<DefaultHasher>,
}

impl StatementOutcome {
    /// One of our own questions was refused: so is the statement.
    pub fn failed(error: &BackendError) -> Self {
        let mut raw = BytesMut::new();
        SqlFailure { severity: "ERROR", ..error.failure() }.put(&mut raw);
        StatementOutcome { error: Some(raw.freeze()), ..StatementOutcome::default() }
    }

    /// An answer of ours, whole, to a statement that by itself would have had this tag.
    pub fn answered(held: BytesMut, tag: String) -> Self {
        StatementOutcome { held, digest: tag_digest(&tag), tag, ..StatementOutcome::default() }
    }

    /// Of rows and tag, or of the tag alone.
    pub fn digest_for(&self, only_tag: bool) -> u64 {
        if only_tag { tag_digest(&self.tag) } else { self.digest }
    }

    /// Returns the SQLSTATE of its error; empty if it has none.
    pub fn sqlstate(&self) -> &str {
        self.error.as_ref().and_then(|e| wire::field(&e[5..], b'C')).unwrap_or_default()
    }
}

/// The digest of an outcome without rows.
fn tag_digest(tag: &str) -> u64 {
    digest(&StatementOutcome { tag: tag.to_owned(), ..StatementOutcome::default() })
}

/// Returns a number that two results share if their rows and tags are the same.
pub fn digest(outcome: &StatementOutcome) -> u64 {
    let mut hasher = outcome.rows.clone().unwrap_or_default();
    outcome.tag.hash(&mut hasher);
    hasher.finish()
}

/// Returns the failure that ends a session whose client breaks the protocol.
pub fn protocol(what: &str) -> SqlFailure {
    Rule::Protocol.fill(&[what]).fatal()
}

/// Returns how a session ends that the sandbox ends.
pub fn shutting_down() -> SessionEnd {
    SessionEnd::Refused(Rule::ShuttingDown.failure().fatal())
}
