//! Running one statement: on the real tables while nobody else wants its rows, on private copies after.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use super::gate::{is_logged, needs_transaction, only_locks, wants_transaction};
use super::types::{ExpectedReply, ProxySession, ReplySink, SessionEnd, SessionPhase, StatementOutcome};
use crate::shadow;
use crate::statement::{Catalogue, ProxyStep, SqlStatement, StatementKind};
use crate::texts::Rule;
use crate::txn::{BoundParams, ErrorMeaning, LogEntry, WriteMode, meaning_of};
use crate::wire;
use workshop_base::sql;

/// How a statement reached us.
pub(super) enum StatementSource {
    Simple {
        /// It is all of the query.
        alone: bool,
        /// None stands behind it.
        last: bool,
    },
    /// Bound to a portal of this name, on the backend if that has not been lost meanwhile.
    Extended { portal: String, params: BoundParams },
}

/// How many rows this transaction has changed in the client's tables, cascades and all.
const ROWS_CHANGED: &str = "SELECT pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) \
    + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)) \
    FROM pg_catalog.pg_class c WHERE c.relkind = 'r' AND c.oid >= 16384";

/// How often a statement is tried again with another snapshot.
const TRIES: usize = 50;

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// Runs a statement to its end, and shows the client what it came to. False if it failed.
    pub(super) async fn step(
        &mut self,
        statement: &Arc<SqlStatement>,
        source: &StatementSource,
    ) -> Result<bool, SessionEnd> {
        let kind = statement.kind.clone();
        if matches!(kind, StatementKind::Commit | StatementKind::Rollback) && statement.refusal.is_none() {
            return self.control(statement, &kind).await;
        }
        if let Err(failure) = self.gate_with_step(statement, &kind).await? {
            self.fail(failure).await?;
            return Ok(false);
        }
        if matches!(kind, StatementKind::Begin { .. }) {
            return self.control(statement, &kind).await;
        }
        let alone = matches!(source, StatementSource::Simple { alone: true, .. } | StatementSource::Extended { .. });
        if matches!(self.control.phase, SessionPhase::Idle) && (wants_transaction(statement, &kind) || !alone) {
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
        statement: &Arc<SqlStatement>,
        kind: &StatementKind,
        source: &StatementSource,
    ) -> Result<Option<StatementOutcome>, SessionEnd> {
        let mut tries = 0;
        loop {
            if !self.unpark(statement, kind).await? {
                return Ok(None);
            }
            let cascades = self.cluster.cascades();
            let hidden = matches!(kind, StatementKind::Write(w) if w.hides_rows || w.unkeys && cascades);
            let before = if hidden { self.rows_changed().await? } else { 0 };
            let mut outcome = self.attempt(statement, kind, source).await?;
            if hidden && outcome.error.is_none() {
                outcome.changed = self.rows_changed().await?.saturating_sub(before);
            }
            let preempted = std::mem::take(&mut self.pipeline.preempted);
            if let (true, SessionPhase::Open(txn)) = (preempted, &self.control.phase) {
                // The statement may have ended before it could be cancelled: whoever waits must ask again.
                txn.conflict.resumed();
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
            let what = match meaning_of(&error[5..]) {
                // We have cancelled it ourselves, because another session waits for this one's rows.
                ErrorMeaning::Genuine if preempted && outcome.sqlstate() == "57014" => ErrorMeaning::Deadlock,
                ErrorMeaning::Genuine if self.takes_rows_of_copies(statement, outcome.sqlstate()) => {
                    ErrorMeaning::Conflict
                }
                // To look at the catalogue by numbers is nobody's race.
                ErrorMeaning::Catalog if !needs_transaction(kind) => ErrorMeaning::Genuine,
                other => other,
            };
            let SessionPhase::Open(txn) = &mut self.control.phase else {
                // Not in a transaction: the statement's own end of it.
                match what {
                    ErrorMeaning::Conflict | ErrorMeaning::Deadlock => self.fail(Rule::Conflict.failure()).await?,
                    ErrorMeaning::Catalog => self.fail(Rule::SchemaChanged.failure()).await?,
                    ErrorMeaning::Key | ErrorMeaning::Genuine => {
                        self.fail_raw(&self.located(&error, statement, outcome.whole)).await?
                    }
                }
                return Ok(None);
            };
            let replayable = txn.has_savepoint
                && txn.mode == WriteMode::Direct
                && !outcome.shown
                && !txn.ddl
                && kind != &StatementKind::Ddl;
            let again = match what {
                ErrorMeaning::Deadlock => txn.implicit && txn.log.is_empty(),
                ErrorMeaning::Conflict => txn.may_look_again(kind),
                ErrorMeaning::Key | ErrorMeaning::Catalog | ErrorMeaning::Genuine => false,
            };
            if again && tries < TRIES && !outcome.shown {
                tries += 1;
                let (implicit, has_savepoint) = (txn.implicit, txn.has_savepoint);
                txn.conflict.over();
                self.roll_back().await?;
                self.control.phase = SessionPhase::Idle;
                self.open(implicit, has_savepoint, "").await?;
                continue;
            }
            match (what, replayable) {
                (ErrorMeaning::Conflict | ErrorMeaning::Key, true) => {
                    if self.go_private(statement, true).await? {
                        continue;
                    }
                    return Ok(None);
                }
                (ErrorMeaning::Deadlock, true) => {
                    if self.go_private(statement, false).await? {
                        continue;
                    }
                    return Ok(None);
                }
                (ErrorMeaning::Catalog, _) => {
                    self.fail(Rule::SchemaChanged.failure()).await?;
                    return Ok(None);
                }
                (ErrorMeaning::Conflict | ErrorMeaning::Deadlock, false) => {
                    self.fail(Rule::Conflict.failure()).await?;
                    return Ok(None);
                }
                (ErrorMeaning::Key | ErrorMeaning::Genuine, _) => {
                    let error = self.located(&error, statement, outcome.whole);
                    self.frontend.client.push(&outcome.held).await.map_err(SessionEnd::Client)?;
                    self.fail_raw(&error).await?;
                    return Ok(None);
                }
            }
        }
    }

    /// Returns whether an error may come of private copies alone: a function of the client's that is given a row of a
    /// table, `f(t)` or `t.f`, takes none of a copy, whose rows are of another type.
    fn takes_rows_of_copies(&self, statement: &SqlStatement, sqlstate: &str) -> bool {
        let private = matches!(&self.control.phase, SessionPhase::Open(txn) if txn.mode == WriteMode::Shadow);
        // PostgreSQL's `undefined_function` and `undefined_column`.
        private && matches!(sqlstate, "42883" | "42703") && {
            let tokens = sql::code_tokens(&statement.text);
            let mut names = tokens.iter().filter_map(|token| token.name(&statement.text));
            names.any(|name| self.cluster.defines(&name))
        }
    }

    /// Has the backend run it once.
    async fn attempt(
        &mut self,
        statement: &Arc<SqlStatement>,
        kind: &StatementKind,
        source: &StatementSource,
    ) -> Result<StatementOutcome, SessionEnd> {
        if let Some(explain) = &statement.explain {
            if let StatementSource::Extended { portal, .. } = source {
                self.frontend.names.lose_portal(portal);
            }
            return self.explain(statement, explain, source).await;
        }
        if let ProxyStep::IndexJob { create, unique } = statement.step() {
            if let StatementSource::Extended { portal, .. } = source {
                self.frontend.names.lose_portal(portal);
            }
            return self.index_job(create, *unique, source).await;
        }
        self.cluster.written(statement);
        let text = self.text_of(statement).to_owned();
        // What may have to be taken back must not be shown before it is certain.
        let hold = is_logged(kind) || statement.rewrite.is_some() || self.frontend.wanted > 0;
        let sink = if hold { ReplySink::Hold } else { ReplySink::Show };
        let private = match &self.control.phase {
            SessionPhase::Open(txn) if txn.mode == WriteMode::Shadow => Some(shadow::redirect(&text, &txn.shadows)),
            SessionPhase::Open(_) | SessionPhase::Idle | SessionPhase::Failed => None,
        };
        let mut whole = false;
        match (source, private) {
            (StatementSource::Simple { .. }, private) => {
                let sql = private.as_deref().unwrap_or(&text);
                wire::put_query(&mut self.pipeline.server.out, sql);
                self.frontend.names.unnamed_live = false;
                self.pipeline.expected.push_back(ExpectedReply::Query(sink));
            }
            (StatementSource::Extended { portal, .. }, None) if self.frontend.names.alive(portal) => {
                whole = true;
                wire::put_execute(&mut self.pipeline.server.out, portal, 0);
                wire::put_empty(&mut self.pipeline.server.out, b'H');
                self.pipeline.expected.push_back(ExpectedReply::Part(b'E', sink));
            }
            (StatementSource::Extended { portal, params }, private) => {
                let sql = private.unwrap_or(text);
                self.frontend.names.lose_portal(portal);
                self.drain_unnamed_portal().await?;
                self.put_bound(&sql, params, sink);
            }
        }
        // COPY is a conversation: it cannot be begun again behind the client's back.
        self.pipeline.yielding = !matches!(kind, StatementKind::CopyIn | StatementKind::Ddl);
        let received = self.receive().await;
        self.pipeline.yielding = false;
        let mut outcome = received?.pop().unwrap_or_default();
        if outcome.copy_in {
            outcome = self.copy(outcome).await?;
        }
        outcome.whole = whole;
        self.resync().await?;
        Ok(outcome)
    }

    /// Returns how many rows the transaction has changed, by itself and by what hangs on them.
    async fn rows_changed(&mut self) -> Result<u64, SessionEnd> {
        let rows = self.query_internal(ROWS_CHANGED).await?.unwrap_or_default();
        Ok(rows.into_iter().flatten().flatten().next().and_then(|n| n.parse().ok()).unwrap_or(0))
    }

    /// After an error in the extended protocol: lets the backend listen again.
    pub(super) async fn resync(&mut self) -> Result<(), SessionEnd> {
        if std::mem::take(&mut self.pipeline.unsynced) {
            self.synced().await?;
        }
        Ok(())
    }

    /// Parses, binds and executes in one go, without touching the client's names.
    pub(super) fn put_bound(&mut self, sql: &str, params: &BoundParams, sink: ReplySink) {
        let out = &mut self.pipeline.server.out;
        wire::put_parse(out, "", sql, &params.types);
        wire::put_bind(out, "", "", &params.bind);
        wire::put_execute(out, "", 0);
        wire::put_empty(out, b'S');
        self.frontend.names.unnamed_live = false;
        for part in [b'P', b'B'] {
            self.pipeline.expected.push_back(ExpectedReply::Part(part, ReplySink::Drop));
        }
        self.pipeline.expected.push_back(ExpectedReply::Part(b'E', sink));
        self.pipeline.expected.push_back(ExpectedReply::Sync(ReplySink::Drop));
    }

    /// The statement has succeeded: counts, logs, and shows it.
    async fn finish(
        &mut self,
        statement: &Arc<SqlStatement>,
        kind: &StatementKind,
        source: &StatementSource,
        mut outcome: StatementOutcome,
    ) -> Result<bool, SessionEnd> {
        match (&statement.kind, statement.step()) {
            (StatementKind::Deallocate, _) => self.frontend.names.deallocate_all(),
            (_, ProxyStep::Analyzed(table)) => self.analyzed(table).await?,
            _ => {}
        }
        if matches!(self.control.phase, SessionPhase::Idle) && kind == &StatementKind::Other {
            if statement.calls_the_service() {
                self.control.seen = self.cluster.catalog();
            }
            // ANALYZE leaves a row that somebody has to clear away.
            self.cluster.jobs.wake((self.clock)());
        }
        let ordered = self.order_of(statement).is_some();
        if let SessionPhase::Open(txn) = &mut self.control.phase {
            txn.answered(kind);
            let rows = match kind {
                kind if only_locks(kind) => 0,
                StatementKind::Write(write) if write.hides_rows => outcome.changed,
                _ => wire::rows_of_tag(&outcome.tag).max(outcome.changed),
            };
            if let Err(failure) = txn.record(kind, rows) {
                self.fail(failure).await?;
                return Ok(false);
            }
            if is_logged(kind) {
                let params = match source {
                    StatementSource::Simple { .. } => None,
                    // Run again by its text, of several statements.
                    StatementSource::Extended { .. }
                        if matches!(statement.step(), ProxyStep::IndexJob { .. } | ProxyStep::SyncIndex { .. }) =>
                    {
                        None
                    }
                    StatementSource::Extended { params, .. } => Some(params.clone()),
                };
                let copy = self.frontend.copied.take();
                // A replay runs what was explained: only how many rows it changes has been told.
                let (ran, only_tag) = match &statement.explain {
                    Some(explain) => (&explain.body, true),
                    None => (statement, false),
                };
                txn.log.push(LogEntry {
                    statement: ran.clone(),
                    ordered,
                    params,
                    copy,
                    digest: outcome.digest,
                    only_tag,
                });
            }
        }
        if let Some(tag) = statement.rewrite.as_ref().and_then(|r| r.tag) {
            retag(&mut outcome, tag);
        }
        let last = match source {
            StatementSource::Extended { portal, .. } => return self.show_portal(portal, outcome).await,
            StatementSource::Simple { last, .. } => *last,
        };
        self.frontend.client.push(&outcome.held).await.map_err(SessionEnd::Client)?;
        if last && matches!(&self.control.phase, SessionPhase::Open(txn) if txn.implicit) {
            // PostgreSQL commits before it says that the last statement is complete. At a Sync it commits after.
            self.frontend.complete = outcome.complete;
        } else {
            self.frontend.client.push(&outcome.complete).await.map_err(SessionEnd::Client)?;
        }
        Ok(true)
    }
}

/// Replaces the command tag of a result that was held. A procedure of ours has no rows to show.
fn retag(outcome: &mut StatementOutcome, tag: &str) {
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
