//! Whether a statement may run now, and what happens when it may not.

use tokio::io::{AsyncRead, AsyncWrite};

use super::types::{ExpectedReply, ProxySession, ReplySink, SessionEnd, SessionPhase};
use crate::statement::{SqlStatement, StatementKind, WriteEffects};
use crate::texts::{Rule, SqlFailure};
use crate::wire;
use workshop_base::sql;

/// Nobody has a portal of this name; to execute it fails.
const NO_PORTAL: &str = "the transaction has failed";

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// Everything that DSQL checks before a statement runs. 25P02 comes before any other refusal.
    pub(super) fn gate(&mut self, statement: &SqlStatement, kind: &StatementKind) -> Result<(), SqlFailure> {
        if matches!(self.control.phase, SessionPhase::Failed) {
            return Err(Rule::Aborted.failure());
        }
        if let Some(failure) = &statement.refusal {
            return Err(failure.clone());
        }
        self.iam_role_exists(statement)?;
        match &mut self.control.phase {
            SessionPhase::Open(txn) => {
                if let Some(failure) = txn.too_old((self.clock)()) {
                    return Err(failure);
                }
                txn.check_allowed(kind)?;
            }
            SessionPhase::Idle | SessionPhase::Failed => {}
        }
        self.has_its_catalog(statement)
    }

    /// Refuses a statement of which something has changed since the session, or its transaction, had the catalogue.
    ///
    /// # Errors
    /// OC001, after which the session has the newest; so it has when the statement could go on with that.
    pub(super) fn has_its_catalog(&mut self, statement: &SqlStatement) -> Result<(), SqlFailure> {
        let catalog = self.cluster.catalog();
        let (since, keeps) = match &self.control.phase {
            SessionPhase::Open(txn) => (txn.catalog, !txn.implicit),
            SessionPhase::Idle => ((self.control.seen, catalog), false),
            SessionPhase::Failed => return Ok(()),
        };
        if since.0 == catalog || statement.uses.names.is_empty() {
            return Ok(());
        }
        let concerned = self.is_concerned(since, statement);
        if !keeps && (concerned || statement.uses.relations) {
            self.control.seen = catalog;
        }
        if concerned { Err(Rule::SchemaChanged.failure()) } else { Ok(()) }
    }

    /// Returns whether something that the statement uses has changed in the catalogue since it had this version, or was
    /// made since this other one.
    pub(super) fn is_concerned(&self, since: (u64, u64), statement: &SqlStatement) -> bool {
        self.cluster.changed_since(since, &self.user, &statement.uses, statement.writes())
    }

    fn iam_role_exists(&self, statement: &SqlStatement) -> Result<(), SqlFailure> {
        if statement.rewrite.as_ref().and_then(|r| r.tag) != Some("AWS IAM GRANT") {
            return Ok(());
        }
        let arn = sql::code_tokens(&statement.text)
            .last()
            .map(|token| token.text(&statement.text))
            .and_then(sql::literal_value);
        let arn = arn.unwrap_or_default();
        match arn.contains(":role/") && !self.authority.role_exists(&arn) {
            true => Err(Rule::IamRoleMissing.fill(&[&arn])),
            false => Ok(()),
        }
    }

    /// A statement failed: the client is told, and its transaction is over but for ROLLBACK. Locks and
    /// snapshot are given up at once.
    pub(super) async fn fail(&mut self, failure: SqlFailure) -> Result<(), SessionEnd> {
        failure.put(&mut self.frontend.client.out);
        self.abort().await
    }

    /// The same for PostgreSQL's own error, whole.
    pub(super) async fn fail_raw(&mut self, error: &[u8]) -> Result<(), SessionEnd> {
        self.frontend.client.push(error).await.map_err(SessionEnd::Client)?;
        self.abort().await
    }

    pub(super) async fn abort(&mut self) -> Result<(), SessionEnd> {
        let txn = match std::mem::replace(&mut self.control.phase, SessionPhase::Failed) {
            SessionPhase::Open(txn) => txn,
            SessionPhase::Idle => {
                self.control.phase = SessionPhase::Idle;
                return Ok(());
            }
            SessionPhase::Failed => return Ok(()),
        };
        txn.conflict.over();
        self.control.entry.set_current(None);
        self.control.seen = self.cluster.catalog();
        if txn.implicit {
            self.control.phase = SessionPhase::Idle;
            self.frontend.names.portals.clear();
            return self.roll_back().await;
        }
        self.frontend.names.fail_portals();
        // From here on PostgreSQL knows best what the client may be told.
        self.fail_backend().await
    }

    /// The backend's transaction fails, if it has not yet. This way costs the client none of its names.
    pub(super) async fn fail_backend(&mut self) -> Result<(), SessionEnd> {
        wire::put_execute(&mut self.pipeline.server.out, NO_PORTAL, 0);
        wire::put_empty(&mut self.pipeline.server.out, b'S');
        self.pipeline.expected.push_back(ExpectedReply::Part(b'E', ReplySink::Drop));
        self.pipeline.expected.push_back(ExpectedReply::Sync(ReplySink::Drop));
        self.receive().await.map(|_| ())
    }
}

/// Returns whether the statement must run in a transaction of its own when the client has begun none, so that
/// what it changed can be judged before it is committed.
pub(super) fn needs_transaction(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Write(_) | StatementKind::Ddl | StatementKind::CopyIn => true,
        StatementKind::Read | StatementKind::Local | StatementKind::Other => false,
        StatementKind::Deallocate | StatementKind::Begin { .. } | StatementKind::Commit | StatementKind::Rollback => {
            false
        }
    }
}

/// The same, for the statement as a whole: an EXPLAIN asks several questions of one snapshot.
pub(super) fn wants_transaction(statement: &SqlStatement, kind: &StatementKind) -> bool {
    needs_transaction(kind) || statement.explain.is_some()
}

/// Returns whether a replay must run the statement again.
pub(super) fn is_logged(kind: &StatementKind) -> bool {
    needs_transaction(kind) || matches!(kind, StatementKind::Local | StatementKind::Other)
}

/// Returns whether the statement only locks rows, so that its tag says nothing about changed rows.
pub(super) fn only_locks(kind: &StatementKind) -> bool {
    matches!(kind, StatementKind::Write(WriteEffects { dml: false, .. }))
}
