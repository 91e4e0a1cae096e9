//! Running one statement: on the real tables while nobody else wants its rows, on private copies after.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use super::gate::{is_logged, only_locks, wants_transaction};
use super::receive::{Expect, Outcome, Sink};
use super::{Phase, Session, Stop};
use crate::dsql::classify::{Kind, Statement, Step};
use crate::dsql::shadow;
use crate::dsql::texts::Rule;
use crate::dsql::txn::{Entry, Meaning, Mode, Params, meaning};
use crate::dsql::wire;

/// How a statement reached us.
pub(super) enum Source {
    Simple {
        /// Characters of the query before the statement.
        before: usize,
        /// It is all of the query.
        alone: bool,
        /// None stands behind it.
        last: bool,
    },
    /// Bound to a portal of this name, on the backend if that has not been lost meanwhile.
    Extended { portal: String, params: Params },
}

/// How often a statement is tried again with another snapshot.
const TRIES: usize = 50;

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Runs a statement to its end, and shows the client what it came to. False if it failed.
    pub(super) async fn step(&mut self, statement: &Arc<Statement>, source: &Source) -> Result<bool, Stop> {
        let kind = statement.kind.clone();
        if matches!(kind, Kind::Commit { .. } | Kind::Rollback { .. }) && statement.refusal.is_none() {
            return self.control(statement, &kind).await;
        }
        if let Err(failure) = self.gate_step(statement, &kind).await? {
            self.fail(failure).await?;
            return Ok(false);
        }
        if matches!(kind, Kind::Begin { .. }) {
            return self.control(statement, &kind).await;
        }
        let alone = matches!(source, Source::Simple { alone: true, .. } | Source::Extended { .. });
        if matches!(self.phase, Phase::Idle) && (wants_transaction(statement, &kind) || !alone) {
            // A transaction of several statements may have to wait for its client between them.
            self.open(true, !alone, "").await?;
        }
        match self.attempts(statement, &kind, source).await? {
            Some(outcome) => self.finish(statement, &kind, source, outcome).await,
            None => Ok(false),
        }
    }

    /// Runs it until it has an outcome that the client may see. None: it failed, and the client was told.
    async fn attempts(
        &mut self,
        statement: &Arc<Statement>,
        kind: &Kind,
        source: &Source,
    ) -> Result<Option<Outcome>, Stop> {
        let mut tries = 0;
        loop {
            if !self.unpark(statement, kind).await? {
                return Ok(None);
            }
            let outcome = self.attempt(statement, kind, source).await?;
            let preempted = std::mem::take(&mut self.preempted);
            if let (true, Phase::Open(txn)) = (preempted, &self.phase) {
                // The statement may have ended before it could be cancelled: whoever waits must ask again.
                txn.fate.resumed();
            }
            let Some(error) = outcome.error.clone() else {
                if !self.key_was_taken(statement, kind).await? {
                    return Ok(Some(outcome));
                }
                if outcome.shown {
                    self.fail(Rule::Conflict.failure()).await?;
                    return Ok(None);
                }
                if self.go_private(statement, true).await? {
                    continue;
                }
                return Ok(None);
            };
            let what = match meaning(outcome.sqlstate()) {
                // We have cancelled it ourselves, because another session waits for this one's rows.
                Meaning::Genuine if preempted && outcome.sqlstate() == "57014" => Meaning::Deadlock,
                other => other,
            };
            let Phase::Open(txn) = &mut self.phase else {
                // Not in a transaction: the statement's own end of it.
                match what {
                    Meaning::Conflict | Meaning::Deadlock => self.fail(Rule::Conflict.failure()).await?,
                    Meaning::Key | Meaning::Genuine => self.fail_raw(&self.located(&error, statement, source)).await?,
                }
                return Ok(None);
            };
            let replayable = txn.base && txn.mode == Mode::Direct && !outcome.shown && !txn.ddl && kind != &Kind::Ddl;
            let again = match what {
                Meaning::Deadlock => txn.implicit && txn.log.is_empty(),
                Meaning::Conflict => txn.may_look_again(kind),
                Meaning::Key | Meaning::Genuine => false,
            };
            if again && tries < TRIES && !outcome.shown {
                tries += 1;
                let (implicit, base) = (txn.implicit, txn.base);
                txn.fate.over();
                self.own("ROLLBACK").await?.ok();
                self.phase = Phase::Idle;
                self.open(implicit, base, "").await?;
                continue;
            }
            match (what, replayable) {
                (Meaning::Conflict | Meaning::Key, true) => {
                    if self.go_private(statement, true).await? {
                        continue;
                    }
                    return Ok(None);
                }
                (Meaning::Deadlock, true) => {
                    if self.go_private(statement, false).await? {
                        continue;
                    }
                    return Ok(None);
                }
                (Meaning::Conflict | Meaning::Deadlock, false) => {
                    self.fail(Rule::Conflict.failure()).await?;
                    return Ok(None);
                }
                (Meaning::Key | Meaning::Genuine, _) => {
                    let error = self.located(&error, statement, source);
                    self.client.push(&outcome.held).await.map_err(Stop::Client)?;
                    self.fail_raw(&error).await?;
                    return Ok(None);
                }
            }
        }
    }

    /// Has the backend run it once.
    async fn attempt(&mut self, statement: &Arc<Statement>, kind: &Kind, source: &Source) -> Result<Outcome, Stop> {
        if let Some(explain) = &statement.explain {
            if let Source::Extended { portal, .. } = source {
                self.names.lose_portal(portal);
            }
            return self.explain(statement, explain, source).await;
        }
        if let Step::IndexJob { create, unique } = statement.step() {
            if let Source::Extended { portal, .. } = source {
                self.names.lose_portal(portal);
            }
            return self.index_job(create, *unique, source).await;
        }
        // What may have to be taken back must not be shown before it is certain.
        let hold = is_logged(kind) || statement.rewrite.is_some() || self.wanted > 0;
        let sink = if hold { Sink::Hold } else { Sink::Show };
        let private = match &self.phase {
            Phase::Open(txn) if txn.mode == Mode::Shadow => Some(shadow::redirect(statement.sql(), &txn.shadows)),
            Phase::Open(_) | Phase::Idle | Phase::Failed => None,
        };
        match (source, private) {
            (Source::Simple { .. }, private) => {
                let sql = private.as_deref().unwrap_or(statement.sql());
                wire::put_query(&mut self.server.out, sql);
                self.names.unnamed_live = false;
                self.expected.push_back(Expect::Query(sink));
            }
            (Source::Extended { portal, .. }, None) if self.names.alive(portal) => {
                wire::put_execute(&mut self.server.out, portal, 0);
                wire::put_empty(&mut self.server.out, b'H');
                self.expected.push_back(Expect::Part(b'E', sink));
            }
            (Source::Extended { portal, params }, private) => {
                let sql = private.as_deref().unwrap_or(statement.sql()).to_owned();
                self.names.lose_portal(portal);
                self.spare_unnamed().await?;
                self.put_bound(&sql, params, sink);
            }
        }
        // COPY is a conversation: it cannot be begun again behind the client's back.
        self.yielding = !matches!(kind, Kind::CopyIn | Kind::Ddl);
        let received = self.receive().await;
        self.yielding = false;
        let mut outcome = received?.pop().unwrap_or_default();
        if outcome.copy_in {
            outcome = self.copy(outcome).await?;
        }
        self.resync().await?;
        Ok(outcome)
    }

    /// After an error in the extended protocol: lets the backend listen again.
    pub(super) async fn resync(&mut self) -> Result<(), Stop> {
        if std::mem::take(&mut self.unsynced) {
            wire::put_empty(&mut self.server.out, b'S');
            self.expected.push_back(Expect::Sync(Sink::Drop));
            self.receive().await?;
        }
        Ok(())
    }

    /// Parses, binds and executes in one go, without touching the client's names.
    pub(super) fn put_bound(&mut self, sql: &str, params: &Params, sink: Sink) {
        let out = &mut self.server.out;
        wire::put_parse(out, "", sql, &params.types);
        wire::put_bind(out, "", "", &params.bind);
        wire::put_execute(out, "", 0);
        wire::put_empty(out, b'S');
        self.names.unnamed_live = false;
        for part in [b'P', b'B'] {
            self.expected.push_back(Expect::Part(part, Sink::Drop));
        }
        self.expected.push_back(Expect::Part(b'E', sink));
        self.expected.push_back(Expect::Sync(Sink::Drop));
    }

    /// The statement has succeeded: counts, logs, and shows it.
    async fn finish(
        &mut self,
        statement: &Arc<Statement>,
        kind: &Kind,
        source: &Source,
        mut outcome: Outcome,
    ) -> Result<bool, Stop> {
        match (&statement.kind, statement.step()) {
            (Kind::Deallocate { name: Some(name) }, _) => drop(self.names.statements.remove(name)),
            (Kind::Deallocate { name: None }, _) => self.names.deallocate_all(),
            (_, Step::Analyzed(table)) => self.analyzed(table).await?,
            _ => {}
        }
        if matches!(self.phase, Phase::Idle) && kind == &Kind::Other {
            if statement.calls_the_service() {
                self.seen = self.cluster.catalog();
            }
            // ANALYZE leaves a row that somebody has to clear away.
            self.cluster.jobs.wake((self.clock)());
        }
        if let Phase::Open(txn) = &mut self.phase {
            txn.fresh = false;
            let rows = if only_locks(kind) { 0 } else { wire::rows_of_tag(&outcome.tag) };
            if let Err(failure) = txn.did(kind, rows) {
                self.fail(failure).await?;
                return Ok(false);
            }
            if is_logged(kind) {
                if kind == &Kind::Ddl {
                    let text = statement.text.to_ascii_lowercase();
                    txn.look |= ["function", "references", "foreign", "drop", "key", "unique"]
                        .iter()
                        .any(|word| text.contains(word));
                }
                let params = match source {
                    Source::Simple { .. } => None,
                    // Run again by its text, of several statements.
                    Source::Extended { .. }
                        if matches!(statement.step(), Step::IndexJob { .. } | Step::SyncIndex { .. }) =>
                    {
                        None
                    }
                    Source::Extended { params, .. } => Some(params.clone()),
                };
                let copy = self.copied.take();
                // A replay runs what was explained: only how many rows it changes has been told.
                let (ran, only_tag) = match &statement.explain {
                    Some(explain) => (&explain.body, true),
                    None => (statement, false),
                };
                txn.log.push(Entry { statement: ran.clone(), params, copy, digest: outcome.digest, only_tag });
            }
        }
        if let Some(tag) = statement.rewrite.as_ref().and_then(|r| r.tag) {
            retag(&mut outcome, tag);
        }
        let last = match source {
            Source::Extended { portal, .. } => return self.show_portal(portal, outcome).await,
            Source::Simple { last, .. } => *last,
        };
        self.client.push(&outcome.held).await.map_err(Stop::Client)?;
        if last && matches!(&self.phase, Phase::Open(txn) if txn.implicit) {
            // PostgreSQL commits before it says that the last statement is complete. At a Sync it commits after.
            self.complete = outcome.complete;
        } else {
            self.client.push(&outcome.complete).await.map_err(Stop::Client)?;
        }
        Ok(true)
    }

    /// PostgreSQL's error with its position in the query that the client sent, and nothing of private copies.
    fn located(&self, error: &Bytes, statement: &Statement, source: &Source) -> Bytes {
        // What runs in the place of CREATE INDEX ASYNC has every word where the client has it.
        let elsewhere = statement.rewrite.as_ref().is_some_and(|r| r.tag.is_some())
            && !matches!(statement.step(), Step::IndexJob { .. });
        let before = match source {
            Source::Simple { before, .. } => *before,
            Source::Extended { .. } => 0,
        };
        let shadows = match &self.phase {
            Phase::Open(txn) if txn.mode == Mode::Shadow => &txn.shadows[..],
            Phase::Open(_) | Phase::Idle | Phase::Failed => &[],
        };
        if before == 0 && !elsewhere && shadows.is_empty() {
            return error.clone();
        }
        let position = wire::field(&error[5..], b'P').and_then(|p| p.parse::<usize>().ok());
        let position = position.map(|p| (shadow::position(statement.sql(), shadows, p) + before).to_string());
        let table = wire::field(&error[5..], b't');
        let schema = shadows.iter().find(|(_, copied)| table == Some(copied)).map(|(schema, _)| schema.as_str());
        let fields = wire::fields(&error[5..]).into_iter().filter_map(|(code, value)| match code {
            b'P' if elsewhere => None,
            b'P' => position.as_deref().map(|p| (code, p)),
            b's' => Some((code, schema.filter(|_| value.starts_with("pg_temp")).unwrap_or(value))),
            _ => Some((code, value)),
        });
        let mut out = BytesMut::with_capacity(error.len() + 8);
        wire::put_fields(&mut out, b'E', fields);
        out.freeze()
    }
}

/// Replaces the command tag of a result that was held. A procedure of ours has no rows to show.
fn retag(outcome: &mut Outcome, tag: &str) {
    let mut complete = BytesMut::new();
    wire::put_complete(&mut complete, tag);
    if !outcome.complete.is_empty() {
        outcome.complete = complete.freeze();
        return;
    }
    let old = outcome.held.split();
    let mut at = 0;
    while let Ok(Some(len)) = wire::frame_len(&old[at..], usize::MAX) {
        match old[at] {
            b'C' => outcome.held.extend_from_slice(&complete),
            _ => outcome.held.extend_from_slice(&old[at..at + len]),
        }
        at += len;
    }
}
