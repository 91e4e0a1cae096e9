//! Reading the backend's answers: each is shown to the client, held back, or dropped.
//!
//! Invariant: answers are matched with what was sent, in order; memory is bounded by one message, except
//! for what is held, and that by [`HELD`].

use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::types::{
    ExpectedReply, ProxySession, ReplySink, SessionEnd, SessionPhase, StatementOutcome, digest, shutting_down,
};
use crate::cluster::PATIENCE;
use crate::conflict_state::{ConflictState, SessionRequest};
use crate::texts;
use crate::txn::WriteMode;
use crate::wire;

/// How much of a result may be held back, in bytes; what is more is shown as it comes.
const HELD: usize = 32 * 1024 * 1024;
/// A message longer than this is passed on in pieces, in bytes.
const WHOLE: usize = 64 * 1024;

/// How long a statement may go on although another session waits for its transaction's rows.
const GRACE: Duration = Duration::from_millis(20);
/// When a statement that was cancelled is cancelled again: the first may have come before it had begun.
const AGAIN: Duration = Duration::from_millis(100);

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// Reads until everything that is expected has been answered, or the server wants COPY data. After an
    /// error in the extended protocol what came before the next Sync is forgotten; if none was sent,
    /// `unsynced` says so. Answers the outcomes of queries, of Executes and of whatever failed, in order.
    pub(super) async fn receive(&mut self) -> Result<Vec<StatementOutcome>, SessionEnd> {
        self.pipeline.server.send().await.map_err(SessionEnd::Server)?;
        self.pipeline.answered = 0;
        let result = self.received().await;
        self.pipeline.watch = None;
        self.frontend.names.settle(self.pipeline.failed_at.take());
        self.pipeline.edited.clear();
        result?;
        Ok(std::mem::take(&mut self.pipeline.outcomes))
    }

    async fn received(&mut self) -> Result<(), SessionEnd> {
        let mut current = StatementOutcome::default();
        while let Some(expect) = self.pipeline.expected.front().copied() {
            let Some((kind, len)) = self.pipeline.server.head().map_err(SessionEnd::Server)? else {
                self.fill().await?;
                continue;
            };
            let sink = match expect {
                ExpectedReply::Query(sink) | ExpectedReply::Sync(sink) | ExpectedReply::Part(_, sink) => sink,
            };
            if matches!(kind, b'D' | b'd') && len > WHOLE && matches!(sink, ReplySink::Show | ReplySink::Raw) {
                self.begin_answer(&mut current).await?;
                Box::pin(self.pieces(len)).await?;
                continue;
            }
            if self.pipeline.server.inbox.len() < len {
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
                    let raw = self.pipeline.server.inbox.split_to(len);
                    if sink != ReplySink::Drop {
                        self.frontend.client.push(&raw).await.map_err(SessionEnd::Client)?;
                    } else if kind == b'S' {
                        self.pipeline.server.reported.extend_from_slice(&raw);
                    }
                }
                b'E' => {
                    let raw = self.pipeline.server.inbox.split_to(len).freeze();
                    if severity_is_fatal(&raw) {
                        self.frontend.client.push(&raw).await.map_err(SessionEnd::Client)?;
                        self.frontend.client.flush().await.map_err(SessionEnd::Client)?;
                        return Err(SessionEnd::Goodbye);
                    }
                    let raw = texts::in_place_of(&raw).unwrap_or(raw);
                    let raw = self.as_written(&raw).unwrap_or(raw);
                    if sink == ReplySink::Raw {
                        self.frontend.client.push(&raw).await.map_err(SessionEnd::Client)?;
                    } else if current.error.is_none() {
                        current.error = Some(raw);
                    }
                    if let ExpectedReply::Part(..) = expect {
                        self.pipeline.failed_at = Some(self.pipeline.answered);
                        // The backend ignores everything before the next Sync.
                        while let Some(ExpectedReply::Part(..) | ExpectedReply::Query(_)) =
                            self.pipeline.expected.front()
                        {
                            self.pipeline.expected.pop_front();
                        }
                        self.pipeline.unsynced = self.pipeline.expected.is_empty();
                        self.pipeline.outcomes.push(std::mem::take(&mut current));
                    }
                }
                b'G' => {
                    let raw = self.pipeline.server.inbox.split_to(len);
                    if sink != ReplySink::Drop {
                        self.frontend.client.push(&raw).await.map_err(SessionEnd::Client)?;
                        current.shown = true;
                    }
                    current.copy_in = true;
                    self.pipeline.outcomes.push(current);
                    return Ok(());
                }
                _ => {
                    let ends = self.ends(expect, kind);
                    if kind == b'C' && sink != ReplySink::Raw {
                        current.tag =
                            wire::cstr(&mut &self.pipeline.server.inbox[5..len]).unwrap_or_default().to_owned();
                    }
                    if kind == b'C' && matches!(expect, ExpectedReply::Query(ReplySink::Show | ReplySink::Hold)) {
                        // The end of a query may depend on the end of its transaction.
                        current.complete = self.pipeline.server.inbox.split_to(len).freeze();
                    } else if kind == b'T' && sink == ReplySink::Show && self.pipeline.yielding && !ends {
                        // A statement that may yet be run again has not begun its answer: its columns wait
                        // for the first row.
                        current.held.extend_from_slice(&self.pipeline.server.inbox[..len]);
                        self.pipeline.server.inbox.advance(len);
                    } else if kind == b'Z' && ends && sink != ReplySink::Raw {
                        self.pipeline.server.inbox.advance(len);
                    } else {
                        self.sink(sink, len, &mut current).await?;
                    }
                    if ends {
                        self.pipeline.expected.pop_front();
                        self.pipeline.answered += 1;
                        if matches!(expect, ExpectedReply::Query(_) | ExpectedReply::Part(b'E', _)) {
                            if matches!(sink, ReplySink::Hold | ReplySink::Drop) {
                                current.digest = digest(&current);
                            }
                            self.pipeline.outcomes.push(std::mem::take(&mut current));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn ends(&self, expect: ExpectedReply, kind: u8) -> bool {
        match expect {
            ExpectedReply::Query(_) | ExpectedReply::Sync(_) => kind == b'Z',
            ExpectedReply::Part(b'P', _) => kind == b'1',
            ExpectedReply::Part(b'B', _) => kind == b'2',
            ExpectedReply::Part(b'C', _) => kind == b'3',
            ExpectedReply::Part(b'D', _) => matches!(kind, b'T' | b'n'),
            ExpectedReply::Part(b'E', _) => matches!(kind, b'C' | b'I' | b's'),
            ExpectedReply::Part(..) => true,
        }
    }

    /// Shows the client what its statement has answered so far, its columns: from here on it can no longer be run again.
    async fn begin_answer(&mut self, current: &mut StatementOutcome) -> Result<(), SessionEnd> {
        current.shown = true;
        self.pipeline.yielding = false;
        if !current.held.is_empty() {
            self.frontend.client.push(&current.held.split()).await.map_err(SessionEnd::Client)?;
        }
        Ok(())
    }

    /// Does with the next `len` bytes of the backend's answer what is to be done with it.
    async fn sink(&mut self, sink: ReplySink, len: usize, current: &mut StatementOutcome) -> Result<(), SessionEnd> {
        match sink {
            ReplySink::Show | ReplySink::Raw => {
                self.begin_answer(current).await?;
                let raw = &self.pipeline.server.inbox[..len];
                self.frontend.client.push(raw).await.map_err(SessionEnd::Client)?;
            }
            ReplySink::Hold => {
                let raw = &self.pipeline.server.inbox[..len];
                remember(current, raw);
                current.held.extend_from_slice(raw);
                if current.held.len() > HELD {
                    current.shown = true;
                    self.frontend.client.push(&current.held.split()).await.map_err(SessionEnd::Client)?;
                }
            }
            ReplySink::Drop => remember(current, &self.pipeline.server.inbox[..len]),
        }
        self.pipeline.server.inbox.advance(len);
        Ok(())
    }

    /// The length of the whole messages of this kind at the head.
    fn run_of_rows(&self, kind: u8) -> usize {
        let inbox = &self.pipeline.server.inbox[..];
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
    async fn pieces(&mut self, mut left: usize) -> Result<(), SessionEnd> {
        self.frontend.client.half = true;
        while left > 0 {
            if self.pipeline.server.inbox.is_empty() {
                self.fill().await?;
            }
            let n = left.min(self.pipeline.server.inbox.len());
            let piece = self.pipeline.server.inbox.split_to(n);
            left -= n;
            self.frontend.client.push(&piece).await.map_err(SessionEnd::Client)?;
        }
        self.frontend.client.half = false;
        Ok(())
    }

    /// Reads more from the backend. When that takes long, the monitor is told, and it is noticed if the
    /// client goes away meanwhile.
    async fn fill(&mut self) -> Result<(), SessionEnd> {
        if self.pipeline.watch.is_none() {
            let due = Instant::now() + PATIENCE;
            loop {
                tokio::select! {
                    biased;
                    filled = self.pipeline.server.fill() => return filled.map_err(SessionEnd::Server),
                    () = &mut self.pipeline.patience => match Instant::now() < due {
                        true => self.pipeline.patience.as_mut().reset(due),
                        false => break,
                    },
                }
            }
        }
        Box::pin(self.fill_patiently()).await
    }

    async fn fill_patiently(&mut self) -> Result<(), SessionEnd> {
        if self.pipeline.watch.is_none() {
            self.pipeline.watch = Some(self.cluster.watch());
            // What is there already, the client may as well see.
            self.frontend.client.flush().await.map_err(SessionEnd::Client)?;
            // Most statements end by themselves before anybody should be cancelled.
            if let Ok(filled) = tokio::time::timeout(GRACE, self.pipeline.server.fill()).await {
                return filled.map_err(SessionEnd::Server);
            }
        }
        loop {
            tokio::select! {
                biased;
                filled = self.pipeline.server.fill() => return filled.map_err(SessionEnd::Server),
                // Somebody waits for rows of this transaction, and it is busy with something else.
                Some(ask) = self.control.requests.recv(), if !self.pipeline.preempted => match ask {
                    SessionRequest::Park(conflict) if self.can_yield(&conflict) => {
                        self.pipeline.preempted = true;
                        self.cancel_own().await;
                    }
                    // Not now: to be asked again.
                    SessionRequest::Park(conflict) => conflict.resumed(),
                    SessionRequest::End => {
                        self.cancel_own().await;
                        return Err(shutting_down());
                    }
                },
                () = tokio::time::sleep(AGAIN), if self.pipeline.preempted => self.cancel_own().await,
                read = self.frontend.client.fill(), if self.frontend.client.has_room() => {
                    if !read.map_err(SessionEnd::Client)? {
                        return Err(self.abandon().await);
                    }
                }
            }
        }
    }

    /// Returns whether the running statement can be run again in private without the client noticing.
    fn can_yield(&self, conflict: &Arc<ConflictState>) -> bool {
        let hidden = self.pipeline.outcomes.is_empty() && self.pipeline.yielding;
        matches!(&self.control.phase, SessionPhase::Open(txn)
            if Arc::ptr_eq(&txn.conflict, conflict) && txn.has_savepoint && txn.mode == WriteMode::Direct && !txn.ddl && hidden)
    }

    /// The client is gone in the middle of a statement: it is cancelled.
    async fn abandon(&mut self) -> SessionEnd {
        self.cancel_own().await;
        SessionEnd::Goodbye
    }

    pub(super) async fn cancel_own(&mut self) {
        let cancel = crate::backend::cancel(&self.cluster.server, self.control.entry.pid, self.control.entry.key);
        let _ = tokio::time::timeout(Duration::from_secs(1), cancel).await;
    }

    /// Something came from the backend while nothing was expected: a notice, or its end.
    pub(super) async fn unasked(&mut self) -> Result<(), SessionEnd> {
        while let Some(message) = self.pipeline.server.ready().map_err(SessionEnd::Server)? {
            self.frontend.client.push(&message.raw).await.map_err(SessionEnd::Client)?;
            if message.kind == b'E' && severity_is_fatal(&message.raw) {
                self.frontend.client.flush().await.map_err(SessionEnd::Client)?;
                return Err(SessionEnd::Goodbye);
            }
        }
        Ok(())
    }
}

fn severity_is_fatal(raw: &[u8]) -> bool {
    matches!(wire::field(&raw[5..], b'V'), Some("FATAL" | "PANIC"))
}

/// Only rows count: how they are described and announced is the same by construction.
fn remember(outcome: &mut StatementOutcome, raw: &[u8]) {
    if raw.first() == Some(&b'D') {
        // Not `hash`: how the rows were cut into reads must not matter.
        outcome.rows.get_or_insert_default().write(raw);
    }
}
