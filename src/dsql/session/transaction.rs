//! Beginning, going private, replaying, rolling back.
//!
//! BEGIN takes the snapshot and sets a savepoint. When another session waits for one of our rows while
//! we are idle, we go back to the savepoint (parked): the rows are free, the snapshot stays. When we speak
//! again, the log is run on private copies (shadow). COMMIT runs it on the real tables, one transaction
//! at a time; whatever differs from what the client was shown is a conflict.
//!
//! Invariant: a replay that does not give exactly what the client has seen ends in OC000.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use rand::Rng;
use tokio::io::{AsyncRead, AsyncWrite};

use super::internal::{CANCELS, array};
use super::types::{ExpectedReply, ProxySession, ReplySink, SessionEnd, SessionPhase};
use crate::shadow;
use crate::statement::{SqlStatement, StatementKind};
use crate::texts::{Rule, SqlFailure};
use crate::txn::{Txn, WriteMode, names_any};
use crate::wire;

/// A replay that keeps meeting deadlocks gives up, which the client sees as a conflict.
const TRIES: usize = 50;

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// BEGIN, COMMIT, ROLLBACK and their synonyms.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. What the client is told is no error.
    pub(super) async fn control(&mut self, statement: &SqlStatement, kind: &StatementKind) -> Result<bool, SessionEnd> {
        match kind {
            StatementKind::Begin { read_only, read_write } => {
                let options = match (read_only, read_write) {
                    (true, _) => " READ ONLY",
                    (false, true) => " READ WRITE",
                    (false, false) => "",
                };
                self.begin(statement, options).await
            }
            StatementKind::Commit => self.commit(statement).await,
            StatementKind::Rollback => self.rollback(statement).await.map(|()| true),
            _ => Ok(true),
        }
    }

    pub(super) async fn begin(&mut self, statement: &SqlStatement, options: &str) -> Result<bool, SessionEnd> {
        let starts = statement.text.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("start"));
        let tag = if starts { "START TRANSACTION" } else { "BEGIN" };
        match &mut self.control.phase {
            SessionPhase::Idle => {
                self.open(false, true, options).await?;
                wire::put_complete(&mut self.frontend.client.out, tag);
                Ok(true)
            }
            SessionPhase::Open(txn) if txn.implicit => {
                txn.implicit = false;
                if !options.is_empty()
                    && let Err(error) = self.query_internal(&format!("SET TRANSACTION{options}")).await?
                {
                    let failure = SqlFailure { severity: "ERROR", ..error.failure() };
                    return self.fail(failure).await.map(|()| false);
                }
                wire::put_complete(&mut self.frontend.client.out, tag);
                Ok(true)
            }
            // PostgreSQL itself warns of a transaction in a transaction.
            SessionPhase::Open(_) => self.forward_verbatim(&statement.text).await,
            SessionPhase::Failed => Ok(true),
        }
    }

    /// Lets PostgreSQL answer, for its warnings.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. What the client is told is no error.
    pub(super) async fn forward_verbatim(&mut self, sql: &str) -> Result<bool, SessionEnd> {
        self.drain_unnamed_portal().await?;
        wire::put_query(&mut self.pipeline.server.out, sql);
        self.frontend.names.unnamed_live = false;
        self.pipeline.expected.push_back(ExpectedReply::Query(ReplySink::Show));
        let outcome = self.receive().await?.pop().unwrap_or_default();
        match outcome.error {
            Some(error) => self.fail_raw(&error).await.map(|()| false),
            None => self.frontend.client.push(&outcome.complete).await.map(|()| true).map_err(SessionEnd::Client),
        }
    }

    /// Opens a transaction on the backend, where REPEATABLE READ is the default. `base`: it may be parked
    /// later.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. What the client is told is no error.
    pub(super) async fn open(&mut self, implicit: bool, has_savepoint: bool, options: &str) -> Result<(), SessionEnd> {
        let catalog = (self.control.seen, self.cluster.catalog());
        let mut txn = Box::new(Txn::new(implicit, has_savepoint, (self.clock)(), catalog));
        let sql = match has_savepoint {
            true => with_savepoint(options),
            false => format!("BEGIN ISOLATION LEVEL REPEATABLE READ{options}"),
        };
        // Before the snapshot: whatever is committed after this may conflict.
        txn.shares = self.cluster.shares();
        txn.taken = self.cluster.taken();
        txn.conflict.shares.store(txn.shares, Ordering::SeqCst);
        self.control.entry.set_current(Some(txn.conflict.clone()));
        txn.taken_at = self.begin_anew(&sql).await?;
        self.control.phase = SessionPhase::Open(txn);
        Ok(())
    }

    /// Runs these statements, which begin a transaction, whatever a client's cancel hits meanwhile. The first value.
    pub(super) async fn begin_anew(&mut self, sql: &str) -> Result<String, SessionEnd> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.query_internal(sql).await? {
                Ok(rows) => return Ok(rows.into_iter().flatten().flatten().next().unwrap_or_default()),
                Err(error) if tries < CANCELS && matches!(error.code(), "57014" | "25P02") => self.roll_back().await?,
                Err(error) => return Err(SessionEnd::Refused(error.failure())),
            }
        }
    }

    /// Before a statement runs: a parked transaction goes on, in private if it has written anything.
    /// False: it cannot, and the client was told.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. What the client is told is no error.
    pub(super) async fn unpark(&mut self, statement: &SqlStatement, kind: &StatementKind) -> Result<bool, SessionEnd> {
        let SessionPhase::Open(txn) = &mut self.control.phase else { return Ok(true) };
        // What a sequence has given to this session stays, whatever the rows get that are written again.
        if txn.mode != WriteMode::Direct && txn.varies() && names_any(&statement.text, &["currval", "lastval"]) {
            txn.conflict.doom();
        }
        match txn.mode {
            WriteMode::Direct => Ok(true),
            WriteMode::Parked if txn.log.is_empty() => {
                txn.mode = WriteMode::Direct;
                txn.conflict.resumed();
                Ok(true)
            }
            // A definition has no private copy: it is made again, and waits for whoever is in its way.
            WriteMode::Parked if txn.ddl => {
                txn.mode = WriteMode::Direct;
                txn.conflict.resumed();
                match self.rerun().await? {
                    Ok(true) => Ok(true),
                    Ok(false) | Err(_) => self.fail(Rule::SchemaChanged.failure()).await.map(|()| false),
                }
            }
            WriteMode::Parked => self.go_private(statement, false).await,
            WriteMode::Shadow => self.copies(statement, kind == &StatementKind::Read).await,
            WriteMode::Lost => self.fail(Rule::Conflict.failure()).await.map(|()| false),
        }
    }

    /// Makes private copies of every table that the transaction has written or is about to, and runs the
    /// log on them.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. What the client is told is no error.
    pub(super) async fn go_private(&mut self, statement: &SqlStatement, doomed: bool) -> Result<bool, SessionEnd> {
        let SessionPhase::Open(txn) = &mut self.control.phase else { return Ok(true) };
        if doomed {
            txn.conflict.doom();
        } else if txn.mode == WriteMode::Direct {
            // Its statement has failed, and PostgreSQL shows nothing any more of what it had written.
            txn.doom_if_varying();
        }
        txn.mode = WriteMode::Shadow;
        txn.shadows.clear();
        txn.copied_names.clear();
        let texts: Vec<_> = txn.log.iter().map(|e| e.statement.text.clone()).collect();
        self.go_to_base().await?;
        let mut names: HashSet<String> = texts.iter().flat_map(|t| shadow::names(t)).collect();
        names.extend(shadow::names(&statement.text));
        if !self.copy_tables(names, false).await? {
            return Ok(false);
        }
        let same = match self.rerun().await? {
            Ok(true) => Ok(self.is_as_seen().await?),
            other => other,
        };
        match same {
            Ok(true) => {}
            // The client has seen something else: it may go on, but not commit.
            Ok(false) => {
                if let SessionPhase::Open(txn) = &self.control.phase {
                    txn.conflict.doom();
                }
            }
            Err(_) => return self.fail(Rule::Conflict.failure()).await.map(|()| false),
        }
        Ok(true)
    }

    /// Private copies of what one more statement names.
    async fn copies(&mut self, statement: &SqlStatement, reading: bool) -> Result<bool, SessionEnd> {
        if !statement.uses.relations {
            return Ok(true);
        }
        let names = shadow::names(&statement.text);
        self.copy_tables(names, reading).await
    }

    async fn copy_tables(&mut self, names: HashSet<String>, reading: bool) -> Result<bool, SessionEnd> {
        let SessionPhase::Open(txn) = &mut self.control.phase else { return Ok(true) };
        let fresh: Vec<String> = names
            .into_iter()
            .filter(|name| {
                let known = txn.copied_names.contains(&(name.clone(), false));
                !known && txn.copied_names.insert((name.clone(), reading))
            })
            .collect();
        if fresh.is_empty() {
            return Ok(true);
        }
        let reading = if reading { "true" } else { "false" };
        match (
            self.call_internal("copy", "$2::text[], {path}, $3::bool", &[&array(&fresh), reading]).await?,
            &mut self.control.phase,
        ) {
            (Ok(rows), SessionPhase::Open(txn)) => {
                txn.shadows = rows
                    .into_iter()
                    .filter_map(|row| match <[_; 2]>::try_from(row) {
                        Ok([Some(schema), Some(table)]) => Some((schema, table)),
                        _ => None,
                    })
                    .collect();
                Ok(true)
            }
            (Ok(_), _) => Ok(true),
            (Err(error), _) => {
                tracing::debug!(%error, "no private copy: the transaction ends in a conflict");
                self.fail(Rule::Conflict.failure()).await.map(|()| false)
            }
        }
    }

    /// Runs the log again where the transaction is now. Whether it gave what the client has seen, or the
    /// SQLSTATE that stopped it.
    async fn rerun(&mut self) -> Result<Result<bool, String>, SessionEnd> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(Ok(true)) };
        let private = txn.mode == WriteMode::Shadow;
        let (log, shadows) = (txn.log.clone(), if private { txn.shadows.clone() } else { Vec::new() });
        let mut same = true;
        let mut at = 0;
        while at < log.len() {
            // All at once, up to a COPY, which is a conversation.
            let start = at;
            while at < log.len() && (at == start || log[at].copy.is_none()) {
                let entry = &log[at];
                let sql = shadow::redirect(&entry.text(), &shadows);
                match &entry.params {
                    Some(params) => self.put_bound(&sql, params, ReplySink::Drop),
                    None => {
                        wire::put_query(&mut self.pipeline.server.out, &sql);
                        self.frontend.names.unnamed_live = false;
                        self.pipeline.expected.push_back(ExpectedReply::Query(ReplySink::Drop));
                    }
                }
                at += 1;
                if entry.copy.is_some() {
                    break;
                }
            }
            let mut outcomes = self.receive().await?;
            if let Some(data) = &log[at - 1].copy
                && outcomes.last().is_some_and(|o| o.copy_in)
            {
                for message in data {
                    self.pipeline.server.send_raw(message).await.map_err(SessionEnd::Server)?;
                }
                self.after_data();
                outcomes.pop();
                outcomes.extend(self.receive().await?);
            }
            if outcomes.len() != at - start {
                outcomes.retain(|o| o.error.is_some());
            }
            for (n, outcome) in outcomes.iter().enumerate() {
                if outcome.error.is_some() {
                    return Ok(Err(outcome.sqlstate().to_owned()));
                }
                same &= log.get(start + n).is_some_and(|entry| entry.digest == outcome.digest_for(entry.only_tag));
            }
        }
        Ok(Ok(same))
    }

    /// Returns whether a statement that has just run on the real tables has added a key which the snapshot still
    /// shows: PostgreSQL lets it, once another transaction has taken the key away.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. What the client is told is no error.
    pub(super) async fn key_was_taken(
        &mut self,
        statement: &SqlStatement,
        kind: &StatementKind,
    ) -> Result<bool, SessionEnd> {
        let adds =
            matches!(kind, StatementKind::CopyIn) || matches!(kind, StatementKind::Write(write) if write.adds_keys);
        match &self.control.phase {
            SessionPhase::Open(txn)
                if adds
                    && txn.has_savepoint
                    && txn.mode == WriteMode::Direct
                    && !txn.ddl
                    && self.cluster.taken_since(txn.taken) =>
            {
                let names = shadow::names(&statement.text);
                self.shown_twice(names).await
            }
            SessionPhase::Open(_) | SessionPhase::Idle | SessionPhase::Failed => Ok(false),
        }
    }

    /// The same for all that has been run again.
    async fn added_taken_keys(&mut self) -> Result<bool, SessionEnd> {
        match &self.control.phase {
            SessionPhase::Open(txn) if txn.locks.adds_keys => {
                let names = txn.log.iter().flat_map(|entry| shadow::names(&entry.statement.text)).collect();
                self.shown_twice(names).await
            }
            SessionPhase::Open(_) | SessionPhase::Idle | SessionPhase::Failed => Ok(false),
        }
    }

    async fn shown_twice(&mut self, names: HashSet<String>) -> Result<bool, SessionEnd> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(false) };
        if !self.cluster.taken_since(txn.taken) {
            return Ok(false);
        }
        match self.call_internal("shown_twice", "$2::text[], {path}", &[&array(&names)]).await? {
            Ok(rows) => Ok(rows.into_iter().flatten().flatten().any(|twice| twice == "t")),
            Err(error) => {
                tracing::warn!(%error, "keys could not be compared");
                Ok(true)
            }
        }
    }

    /// Runs the log on the real tables. False: somebody was first.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. What the client is told is no error.
    pub(super) async fn replay(&mut self) -> Result<bool, SessionEnd> {
        if matches!(&self.control.phase, SessionPhase::Open(txn) if txn.mode == WriteMode::Shadow) {
            self.note_written().await?;
        }
        for _ in 0..TRIES {
            self.go_to_base().await?;
            if let SessionPhase::Open(txn) = &mut self.control.phase {
                txn.mode = WriteMode::Direct;
                if txn.conflict.doomed() {
                    return Ok(false);
                }
            }
            match self.rerun().await? {
                Ok(same) => return Ok(same && !self.added_taken_keys().await? && self.is_as_seen().await?),
                Err(code) if code == "40P01" => {}
                Err(_) => return Ok(false),
            }
        }
        Ok(false)
    }

    /// ROLLBACK.
    async fn rollback(&mut self, statement: &SqlStatement) -> Result<(), SessionEnd> {
        match std::mem::replace(&mut self.control.phase, SessionPhase::Idle) {
            SessionPhase::Idle => {
                self.forward_verbatim(&statement.text).await?;
                self.frontend.names.portals.clear();
                return Ok(());
            }
            SessionPhase::Failed => {}
            SessionPhase::Open(txn) => {
                if txn.implicit {
                    Rule::NoTransaction.warn(&mut self.frontend.client.out);
                }
                txn.conflict.over();
                self.control.entry.set_current(None);
            }
        }
        self.frontend.names.portals.clear();
        self.roll_back().await?;
        wire::put_complete(&mut self.frontend.client.out, "ROLLBACK");
        Ok(())
    }
}

/// Returns statements that begin a transaction which may be parked: they take its snapshot, and tell when.
pub(super) fn with_savepoint(options: &str) -> String {
    let seed: u64 = rand::rng().next_u64() >> 1;
    format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ{options};SET LOCAL dsql.seed='{seed}';SET LOCAL dsql.n='0';\
         SELECT pg_catalog.date_part('epoch',pg_catalog.clock_timestamp())::pg_catalog.numeric;SAVEPOINT _dsql"
    )
}
