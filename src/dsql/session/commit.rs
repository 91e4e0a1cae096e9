//! COMMIT: what must hold before it, what it leaves behind for others, and what it tells them.

use std::collections::HashSet;

use tokio::io::{AsyncRead, AsyncWrite};

use super::internal::array;
use super::types::{ProxySession, SessionEnd, SessionPhase};
use crate::backend::BackendError;
use crate::catalog_change::CatalogChange;
use crate::conditions::SandboxFault;
use crate::limits;
use crate::rules;
use crate::shadow;
use crate::statement::SqlStatement;
use crate::texts::{Rule, SqlFailure};
use crate::txn::{Txn, WriteMode};
use crate::wire;

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// COMMIT. Whether nothing was said against it.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. A conflict is a result, and no error.
    pub(super) async fn commit(&mut self, statement: &SqlStatement) -> Result<bool, SessionEnd> {
        match &self.control.phase {
            SessionPhase::Idle => {
                let good = self.forward_verbatim(&statement.text).await?;
                self.frontend.names.portals.clear();
                return Ok(good);
            }
            SessionPhase::Failed => {
                self.control.phase = SessionPhase::Idle;
                self.frontend.names.portals.clear();
                self.roll_back().await?;
                wire::put_complete(&mut self.frontend.client.out, "ROLLBACK");
                return Ok(true);
            }
            SessionPhase::Open(txn) if txn.implicit => Rule::NoTransaction.warn(&mut self.frontend.client.out),
            SessionPhase::Open(_) => {}
        }
        if self.conditions.strikes(SandboxFault::LostBeforeCommit) {
            return Err(SessionEnd::Goodbye);
        }
        let done = self.try_commit().await?;
        if self.conditions.strikes(SandboxFault::LostAfterCommit) {
            return Err(SessionEnd::Goodbye);
        }
        self.control.phase = SessionPhase::Idle;
        match &done {
            Ok(()) => wire::put_complete(&mut self.frontend.client.out, "COMMIT"),
            Err(failure) => failure.put(&mut self.frontend.client.out),
        }
        Ok(done.is_ok())
    }

    /// The end of what the client did not begin itself, and with it of a query whose tag waits for that.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. A conflict is a result, and no error.
    pub(super) async fn end_implicit(&mut self) -> Result<(), SessionEnd> {
        if matches!(&self.control.phase, SessionPhase::Open(txn) if txn.implicit) {
            let done = self.try_commit().await?;
            self.control.phase = SessionPhase::Idle;
            let complete = std::mem::take(&mut self.frontend.complete);
            match done {
                Ok(()) => self.frontend.client.push(&complete).await.map_err(SessionEnd::Client)?,
                Err(failure) => failure.put(&mut self.frontend.client.out),
            }
        }
        Ok(())
    }

    /// Commits on the backend, or rolls back and says why. Afterwards no transaction is open there.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. A conflict is a result, and no error.
    pub(super) async fn try_commit(&mut self) -> Result<Result<(), SqlFailure>, SessionEnd> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(Ok(())) };
        let conflict = txn.conflict.clone();
        let ddl = txn.ddl;
        let done = match self.may_commit() {
            Ok(()) => self.commit_now().await?,
            Err(failure) => Err(failure),
        };
        self.frontend.names.portals.clear();
        self.control.entry.set_current(None);
        match &done {
            Ok(()) => {
                conflict.won();
                if let Some(change) = self.control.change.take().filter(|_| ddl) {
                    self.control.seen = self.cluster.changed(change).await;
                    self.cluster.jobs.wake((self.clock)());
                }
            }
            Err(failure) => {
                conflict.over();
                if failure.code == "40001" {
                    self.control.seen = self.cluster.catalog();
                }
                self.roll_back().await?;
            }
        }
        Ok(done)
    }

    fn may_commit(&self) -> Result<(), SqlFailure> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(()) };
        if let Some(failure) = txn.too_old((self.clock)()) {
            return Err(failure);
        }
        let concerned = || txn.log.iter().any(|entry| self.is_concerned(txn.catalog, &entry.statement));
        if (txn.ddl || txn.dml) && txn.catalog.0 != self.cluster.catalog() && concerned() {
            return Err(Rule::SchemaChanged.failure());
        }
        // Whoever reads tables as they lie may find them otherwise from now on.
        txn.log.iter().for_each(|entry| self.cluster.written(&entry.statement));
        // Nobody minds what a transaction has only read.
        if txn.mode == WriteMode::Lost || txn.conflict.doomed() && (txn.dml || txn.ddl) {
            return Err(Rule::Conflict.failure());
        }
        Ok(())
    }

    async fn commit_now(&mut self) -> Result<Result<(), SqlFailure>, SessionEnd> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(Ok(())) };
        let conflict = txn.conflict.clone();
        let mut replay = txn.mode != WriteMode::Direct && !txn.log.is_empty();
        let cluster = self.cluster.clone();
        let mut commit_lock = None;
        loop {
            if replay {
                if commit_lock.is_none() {
                    commit_lock = Some(cluster.commit_lock.lock().await);
                }
                if !Box::pin(self.replay()).await? {
                    return Ok(Err(Rule::Conflict.failure()));
                }
            }
            // Before the rows that are locked are written back, and look like others.
            if self.took_a_shared_key().await? {
                return Ok(Err(Rule::Conflict.failure()));
            }
            if !cluster.defers() {
                break;
            }
            match Box::pin(self.check_deferred()).await? {
                Ok(true) => break,
                // Whoever holds the token and meets another circle is not given another chance: there may be no end.
                Ok(false) if commit_lock.is_some() => return Ok(Err(Rule::Conflict.failure())),
                Ok(false) => replay = true,
                Err(failure) => return Ok(Err(failure)),
            }
        }
        if let Some(failure) = self.before_commit().await? {
            return Ok(Err(failure));
        }
        let Ok(sharing) = self.share_keys().await? else { return Ok(Err(Rule::Conflict.failure())) };
        if matches!(&self.control.phase, SessionPhase::Open(txn) if txn.ddl) {
            self.control.change = Some(self.catalog_change().await?);
        }
        let takes = matches!(&self.control.phase, SessionPhase::Open(txn) if txn.locks.takes_keys);
        if takes {
            cluster.takes_now();
        }
        let done = self.query_internal("COMMIT").await;
        if takes {
            cluster.has_taken();
        }
        if let Some(ticket) = sharing {
            cluster.has_shared(ticket, &conflict);
        }
        Ok(match done? {
            // A block that has failed ends in a rollback without an error.
            Ok(_) if self.pipeline.server.tag != "COMMIT" => Err(Rule::Conflict.failure()),
            Ok(_) => Ok(()),
            Err(error) if is_anothers(&error) => Err(Rule::Conflict.failure()),
            Err(error) => Err(SqlFailure { severity: "ERROR", ..error.failure() }),
        })
    }

    /// Has deferred constraints looked at while the transaction can still go back to its savepoint. False: it has, as
    /// another was in its way that is in no hurry either.
    async fn check_deferred(&mut self) -> Result<Result<bool, SqlFailure>, SessionEnd> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(Ok(true)) };
        if !txn.dml || !txn.has_savepoint || txn.log.is_empty() {
            return Ok(Ok(true));
        }
        let conflict = txn.conflict.clone();
        match self.query_internal("SET CONSTRAINTS ALL IMMEDIATE").await? {
            Ok(_) => Ok(Ok(true)),
            Err(error) if error.code() == "40P01" => self.park_failed().await.map(|()| Ok(false)),
            Err(error) if is_anothers(&error) || conflict.doomed() => Ok(Err(Rule::Conflict.failure())),
            Err(error) => Ok(Err(SqlFailure { severity: "ERROR", ..error.failure() })),
        }
    }

    /// Returns what the transaction has changed of the catalogue.
    async fn catalog_change(&mut self) -> Result<CatalogChange, SessionEnd> {
        let texts: Vec<_> = match &self.control.phase {
            SessionPhase::Open(txn) => txn.log.iter().map(|entry| entry.statement.text.clone()).collect(),
            SessionPhase::Idle | SessionPhase::Failed => Vec::new(),
        };
        let texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
        let (roles, members): (Vec<_>, Vec<_>) = texts.iter().map(|text| rules::memberships(text)).unzip();
        let (roles, members) = (roles.concat(), members.concat());
        let params = [&*array(&roles), &*array(&members)];
        Ok(match self.call_internal("changes", "$2::text[], $3::text[]", &params).await? {
            Ok(rows) => {
                let mut change = CatalogChange::of_rows(rows);
                texts.iter().for_each(|text| change.add_words(text));
                change
            }
            Err(error) => {
                tracing::warn!(%error, "a change of the catalogue is not known");
                CatalogChange { everything: true, ..CatalogChange::default() }
            }
        })
    }

    /// Tells the cluster which keys this transaction relies on: PostgreSQL forgets such locks at COMMIT,
    /// but an older transaction that takes the key away later must fail.
    async fn share_keys(&mut self) -> Result<Result<Option<u64>, BackendError>, SessionEnd> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(Ok(None)) };
        let shares = txn.locks.for_key_share || txn.dml && self.cluster.may_share(&txn.conflict);
        if !shares {
            return Ok(Ok(None));
        }
        let names = named(txn);
        let rows = match self.call_internal("shared", "$2::text[], {path}", &[&names]).await? {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "shared keys could not be read");
                return Ok(Err(error));
            }
        };
        let rows = rows.into_iter().filter_map(|row| match <[_; 3]>::try_from(row) {
            Ok([Some(relation), Some(key), Some(version)]) => Some([relation, key, version]),
            _ => None,
        });
        Ok(Ok(Some(self.cluster.shares_now(rows))))
    }

    /// Returns whether a transaction that was committed since this one began relies on a key that this one has
    /// taken away or locked.
    async fn took_a_shared_key(&mut self) -> Result<bool, SessionEnd> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(false) };
        if !txn.locks.takes_keys && !txn.locks.for_update {
            return Ok(false);
        }
        let shared = self.cluster.shared_since(txn.shares);
        if shared.is_empty() {
            return Ok(false);
        }
        let relations = array(shared.iter().map(|s| &s.relation));
        let keys = array(shared.iter().map(|s| &s.key));
        let versions = array(shared.iter().map(|s| &s.version));
        let locking = if txn.locks.for_update { "true" } else { "false" };
        let params = [&relations, &keys, &versions, locking, &txn.taken_at.clone()];
        match self
            .call_internal("took", "$2::oid[], $3::text[], $4::text[], $5::bool, nullif($6, '')::numeric", &params)
            .await?
        {
            Ok(rows) => Ok(rows.into_iter().flatten().flatten().any(|took| took == "t")),
            Err(error) => {
                tracing::warn!(%error, "shared keys could not be compared");
                Ok(true)
            }
        }
    }

    /// Returns what must hold, and what must be left behind for others, before a COMMIT.
    async fn before_commit(&mut self) -> Result<Option<SqlFailure>, SessionEnd> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(None) };
        let (touch, measure) = (txn.locks.for_update, txn.worth_measuring());
        if !touch && !measure {
            return Ok(None);
        }
        let names = named(txn);
        if touch && let Err(error) = self.touch(&names).await? {
            tracing::debug!(%error, "locked rows could not be written back");
            return Ok(Some(Rule::Conflict.failure()));
        }
        if measure {
            let rows = match self.call_internal("size", "$2::text[], {path}", &[&names]).await? {
                Ok(rows) => rows,
                Err(error) => return Ok(Some(SqlFailure { severity: "ERROR", ..error.failure() })),
            };
            let size = rows.into_iter().flatten().flatten().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
            if size > limits::BYTES {
                let detail = format!("Current transaction size {}mb > 10mb", size.div_ceil(1024 * 1024));
                return Ok(Some(Rule::SizeLimit.failure().detail(detail)));
            }
        }
        Ok(None)
    }

    /// Writes rows back that the transaction has locked FOR UPDATE, as the client: it has the right to, and what its
    /// tables compute runs with that.
    async fn touch(&mut self, names: &str) -> Result<Result<(), BackendError>, SessionEnd> {
        let commands = match self.call_internal("touch", "$2::text[], {path}", &[names]).await? {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        for command in commands.into_iter().flatten().flatten() {
            if let Err(error) = self.query_internal(&command).await? {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }
}

/// Returns whether it is no error of the client's: another transaction was first, or could not be made to give way.
fn is_anothers(error: &BackendError) -> bool {
    matches!(error.code(), "40001" | "40P01" | "55P03")
}

/// Every name in the transaction's statements that could be a table's, as an array of PostgreSQL's.
pub(super) fn named(txn: &Txn) -> String {
    let names: HashSet<String> = txn.log.iter().flat_map(|entry| shadow::names(&entry.statement.text)).collect();
    array(&names)
}
