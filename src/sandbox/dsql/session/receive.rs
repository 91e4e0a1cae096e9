//! Reading the backend's answers: each is shown to the client, held back, or dropped.
//!
//! Invariant: answers are matched with what was sent, in order; memory is bounded by one message, except
//! for what is held, and that by [`HELD`].

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{Phase, Session, Stop};
use crate::dsql::backend::BackendError;
use crate::dsql::cluster::{Ask, Fate, PATIENCE};
use crate::dsql::texts::{self, Failure};
use crate::dsql::txn::Mode;
use crate::dsql::wire;

/// How much of a result may be held back, in bytes; what is more is shown as it comes.
const HELD: usize = 32 * 1024 * 1024;
/// A message longer than this is passed on in pieces, in bytes.
const WHOLE: usize = 64 * 1024;

/// How long a statement may go on although another session waits for its transaction's rows.
const GRACE: Duration = Duration::from_millis(20);
/// When a statement that was cancelled is cancelled again: the first may have come before it had begun.
const AGAIN: Duration = Duration::from_millis(100);

/// What happens to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
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
pub enum Expect {
    /// A simple query's, up to ReadyForQuery.
    Query(Sink),
    /// The ReadyForQuery of a Sync.
    Sync(Sink),
    /// One message of the extended protocol, named by its type byte.
    Part(u8, Sink),
}

/// What one query or Execute came to.
#[derive(Debug, Default)]
pub struct Outcome {
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
    rows: Option<DefaultHasher>,
}

impl Outcome {
    /// One of our own questions was refused: so is the statement.
    pub fn failed(error: &BackendError) -> Self {
        let mut raw = BytesMut::new();
        Failure { severity: "ERROR", ..error.failure() }.put(&mut raw);
        Outcome { error: Some(raw.freeze()), ..Outcome::default() }
    }

    /// An answer of ours, whole, to a statement that by itself would have had this tag.
    pub fn ours(held: BytesMut, tag: String) -> Self {
        Outcome { held, digest: tag_digest(&tag), tag, ..Outcome::default() }
    }

    /// Of rows and tag, or of the tag alone.
    pub fn digest_for(&self, only_tag: bool) -> u64 {
        if only_tag { tag_digest(&self.tag) } else { self.digest }
    }

    pub fn sqlstate(&self) -> &str {
        self.error.as_ref().and_then(|e| wire::field(&e[5..], b'C')).unwrap_or_default()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Reads until everything that is expected has been answered, or the server wants COPY data. After an
    /// error in the extended protocol what came before the next Sync is forgotten; if none was sent,
    /// `unsynced` says so. Answers the outcomes of queries, of Executes and of whatever failed, in order.
    pub(super) async fn receive(&mut self) -> Result<Vec<Outcome>, Stop> {
        self.server.send().await.map_err(Stop::Server)?;
        self.answered = 0;
        let result = self.received().await;
        self.watch = None;
        self.names.settle(self.failed_at.take());
        result?;
        Ok(std::mem::take(&mut self.outcomes))
    }

    async fn received(&mut self) -> Result<(), Stop> {
        let mut current = Outcome::default();
        while let Some(expect) = self.expected.front().copied() {
            let Some((kind, len)) = self.server.head().map_err(Stop::Server)? else {
                self.fill().await?;
                continue;
            };
            let sink = match expect {
                Expect::Query(sink) | Expect::Sync(sink) | Expect::Part(_, sink) => sink,
            };
            if matches!(kind, b'D' | b'd') && len > WHOLE && matches!(sink, Sink::Show | Sink::Raw) {
                Box::pin(self.pieces(len)).await?;
                continue;
            }
            if self.server.inbox.len() < len {
                self.fill().await?;
                continue;
            }
            match kind {
                // Rows that follow each other go in one piece.
                b'D' | b'd' => {
                    let end = self.run_of_rows(kind);
                    self.sink(sink, end, &mut current).await?;
                }
                b'N' | b'S' | b'A' => {
                    let raw = self.server.inbox.split_to(len);
                    if sink != Sink::Drop {
                        self.client.push(&raw).await.map_err(Stop::Client)?;
                    }
                }
                b'E' => {
                    let raw = self.server.inbox.split_to(len).freeze();
                    if severity_is_fatal(&raw) {
                        self.client.push(&raw).await.map_err(Stop::Client)?;
                        self.client.flush().await.map_err(Stop::Client)?;
                        return Err(Stop::Goodbye);
                    }
                    let raw = texts::in_place_of(&raw).unwrap_or(raw);
                    if sink == Sink::Raw {
                        self.client.push(&raw).await.map_err(Stop::Client)?;
                    } else if current.error.is_none() {
                        current.error = Some(raw);
                    }
                    if let Expect::Part(..) = expect {
                        self.failed_at = Some(self.answered);
                        // The backend ignores everything before the next Sync.
                        while let Some(Expect::Part(..) | Expect::Query(_)) = self.expected.front() {
                            self.expected.pop_front();
                        }
                        self.unsynced = self.expected.is_empty();
                        self.outcomes.push(std::mem::take(&mut current));
                    }
                }
                b'G' => {
                    let raw = self.server.inbox.split_to(len);
                    if sink != Sink::Drop {
                        self.client.push(&raw).await.map_err(Stop::Client)?;
                        current.shown = true;
                    }
                    current.copy_in = true;
                    self.outcomes.push(current);
                    return Ok(());
                }
                _ => {
                    let ends = self.ends(expect, kind);
                    if kind == b'C' && sink != Sink::Raw {
                        current.tag = wire::cstr(&mut &self.server.inbox[5..len]).unwrap_or_default().to_owned();
                    }
                    if kind == b'C' && matches!(expect, Expect::Query(Sink::Show | Sink::Hold)) {
                        // The end of a query may depend on the end of its transaction.
                        current.complete = self.server.inbox.split_to(len).freeze();
                    } else if kind == b'T' && sink == Sink::Show && self.yielding && !ends {
                        // A statement that may yet be run again has not begun its answer: its columns wait
                        // for the first row.
                        current.held.extend_from_slice(&self.server.inbox[..len]);
                        self.server.inbox.advance(len);
                    } else if kind == b'Z' && ends && sink != Sink::Raw {
                        self.server.inbox.advance(len);
                    } else {
                        self.sink(sink, len, &mut current).await?;
                    }
                    if ends {
                        self.expected.pop_front();
                        self.answered += 1;
                        if matches!(expect, Expect::Query(_) | Expect::Part(b'E', _)) {
                            if matches!(sink, Sink::Hold | Sink::Drop) {
                                current.digest = digest(&current);
                            }
                            self.outcomes.push(std::mem::take(&mut current));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn ends(&self, expect: Expect, kind: u8) -> bool {
        match expect {
            Expect::Query(_) | Expect::Sync(_) => kind == b'Z',
            Expect::Part(b'P', _) => kind == b'1',
            Expect::Part(b'B', _) => kind == b'2',
            Expect::Part(b'C', _) => kind == b'3',
            Expect::Part(b'D', _) => matches!(kind, b'T' | b'n'),
            Expect::Part(b'E', _) => matches!(kind, b'C' | b'I' | b's'),
            Expect::Part(..) => true,
        }
    }

    /// Does with the next `len` bytes of the backend's answer what is to be done with it.
    async fn sink(&mut self, sink: Sink, len: usize, current: &mut Outcome) -> Result<(), Stop> {
        let raw = &self.server.inbox[..len];
        match sink {
            Sink::Show | Sink::Raw => {
                current.shown = true;
                self.yielding = false;
                if !current.held.is_empty() {
                    self.client.push(&current.held.split()).await.map_err(Stop::Client)?;
                }
                self.client.push(raw).await.map_err(Stop::Client)?;
            }
            Sink::Hold => {
                remember(current, raw);
                current.held.extend_from_slice(raw);
                if current.held.len() > HELD {
                    current.shown = true;
                    self.client.push(&current.held.split()).await.map_err(Stop::Client)?;
                }
            }
            Sink::Drop => remember(current, raw),
        }
        self.server.inbox.advance(len);
        Ok(())
    }

    /// The length of the whole messages of this kind at the head.
    fn run_of_rows(&self, kind: u8) -> usize {
        let inbox = &self.server.inbox[..];
        let mut end = 0;
        while let Ok(Some(len)) = wire::frame_len(&inbox[end..], i32::MAX as usize) {
            if inbox[end] != kind || end + len > inbox.len() {
                break;
            }
            end += len;
        }
        end
    }

    /// Passes on one long message as it comes.
    async fn pieces(&mut self, mut left: usize) -> Result<(), Stop> {
        while left > 0 {
            if self.server.inbox.is_empty() {
                self.fill().await?;
            }
            let n = left.min(self.server.inbox.len());
            let piece = self.server.inbox.split_to(n);
            left -= n;
            self.client.push(&piece).await.map_err(Stop::Client)?;
        }
        Ok(())
    }

    /// Reads more from the backend. When that takes long, the monitor is told, and it is noticed if the
    /// client goes away meanwhile.
    async fn fill(&mut self) -> Result<(), Stop> {
        if self.watch.is_none() {
            let due = Instant::now() + PATIENCE;
            loop {
                tokio::select! {
                    biased;
                    filled = self.server.fill() => return filled.map_err(Stop::Server),
                    () = &mut self.patience => match Instant::now() < due {
                        true => self.patience.as_mut().reset(due),
                        false => break,
                    },
                }
            }
        }
        Box::pin(self.fill_patiently()).await
    }

    async fn fill_patiently(&mut self) -> Result<(), Stop> {
        if self.watch.is_none() {
            self.watch = Some(self.cluster.watch());
            // What is there already, the client may as well see.
            self.client.flush().await.map_err(Stop::Client)?;
            // Most statements end by themselves before anybody should be cancelled.
            if let Ok(filled) = tokio::time::timeout(GRACE, self.server.fill()).await {
                return filled.map_err(Stop::Server);
            }
        }
        loop {
            tokio::select! {
                biased;
                filled = self.server.fill() => return filled.map_err(Stop::Server),
                // Somebody waits for rows of this transaction, and it is busy with something else.
                Some(ask) = self.asks.recv(), if !self.preempted => match ask {
                    Ask::Park(fate) if self.can_yield(&fate) => {
                        self.preempted = true;
                        self.cancel_own().await;
                    }
                    // Not now: to be asked again.
                    Ask::Park(fate) => fate.resumed(),
                    Ask::End => return Err(self.abandon().await),
                },
                () = tokio::time::sleep(AGAIN), if self.preempted => self.cancel_own().await,
                read = self.client.fill(), if self.client.has_room() => {
                    if !read.map_err(Stop::Client)? {
                        return Err(self.abandon().await);
                    }
                }
            }
        }
    }

    /// Whether the running statement can be run again in private without the client noticing.
    fn can_yield(&self, fate: &Arc<Fate>) -> bool {
        let hidden = self.outcomes.is_empty() && self.yielding;
        matches!(&self.phase, Phase::Open(txn)
            if Arc::ptr_eq(&txn.fate, fate) && txn.base && txn.mode == Mode::Direct && !txn.ddl && hidden)
    }

    /// The client is gone in the middle of a statement: it is cancelled.
    async fn abandon(&mut self) -> Stop {
        self.cancel_own().await;
        Stop::Goodbye
    }

    async fn cancel_own(&mut self) {
        let cancel = crate::dsql::backend::cancel(&self.cluster.server, self.seat.pid, self.seat.key);
        let _ = tokio::time::timeout(Duration::from_secs(1), cancel).await;
    }

    /// Something came from the backend while nothing was expected: a notice, or its end.
    pub(super) async fn unasked(&mut self) -> Result<(), Stop> {
        while let Some(message) = self.server.ready().map_err(Stop::Server)? {
            self.client.push(&message.raw).await.map_err(Stop::Client)?;
            if message.kind == b'E' && severity_is_fatal(&message.raw) {
                self.client.flush().await.map_err(Stop::Client)?;
                return Err(Stop::Goodbye);
            }
        }
        Ok(())
    }
}

fn severity_is_fatal(raw: &[u8]) -> bool {
    matches!(wire::field(&raw[5..], b'V'), Some("FATAL" | "PANIC"))
}

/// Only rows count: how they are described and announced is the same by construction.
fn remember(outcome: &mut Outcome, raw: &[u8]) {
    if raw.first() == Some(&b'D') {
        // Not `hash`: how the rows were cut into reads must not matter.
        outcome.rows.get_or_insert_default().write(raw);
    }
}

/// The digest of an outcome without rows.
fn tag_digest(tag: &str) -> u64 {
    digest(&Outcome { tag: tag.to_owned(), ..Outcome::default() })
}

fn digest(outcome: &Outcome) -> u64 {
    let mut hasher = outcome.rows.clone().unwrap_or_default();
    outcome.tag.hash(&mut hasher);
    hasher.finish()
}
