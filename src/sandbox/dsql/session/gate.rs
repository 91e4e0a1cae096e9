//! Whether a statement may run now, and what happens when it may not.

use std::collections::HashSet;

use tokio::io::{AsyncRead, AsyncWrite};

use super::receive::{Expect, Sink};
use super::{Phase, Session, Stop};
use crate::dsql::classify::{Kind, Statement, Write};
use crate::dsql::shadow;
use crate::dsql::texts::{Failure, Rule};
use crate::dsql::wire;

/// Nobody has a portal of this name; to execute it fails.
const NO_PORTAL: &str = "the transaction has failed";

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Everything that DSQL checks before a statement runs. 25P02 comes before any other refusal.
    pub(super) fn gate(&mut self, statement: &Statement, kind: &Kind) -> Result<(), Failure> {
        if matches!(self.phase, Phase::Failed) {
            return Err(Rule::Aborted.failure());
        }
        if let Some(failure) = &statement.refusal {
            return Err(failure.clone());
        }
        self.iam_role_exists(statement)?;
        let now = (self.clock)();
        let catalog = self.cluster.catalog();
        match &mut self.phase {
            Phase::Open(txn) => {
                if let Some(failure) = txn.too_old(now) {
                    return Err(failure);
                }
                txn.may(kind)?;
                let (since, implicit) = (txn.catalog, txn.implicit);
                if statement.relations && since != catalog {
                    if self.is_concerned(since, [&*statement.text].into_iter()) {
                        return Err(Rule::SchemaChanged.failure());
                    }
                    if implicit {
                        self.seen = catalog;
                    }
                }
            }
            Phase::Idle if statement.relations && self.seen != catalog => {
                // The session has the newer catalogue from now on, whether it could go on with that or not.
                let since = std::mem::replace(&mut self.seen, catalog);
                if self.is_concerned(since, [&*statement.text].into_iter()) {
                    return Err(Rule::SchemaChanged.failure());
                }
            }
            Phase::Idle | Phase::Failed => {}
        }
        Ok(())
    }

    /// Whether something that these statements use has changed in the catalogue since it had this version.
    pub(super) fn is_concerned<'a>(&self, since: u64, texts: impl Iterator<Item = &'a str>) -> bool {
        let names: HashSet<String> = texts.flat_map(shadow::names).collect();
        let bare = names.iter().filter_map(|name| name.strip_prefix('"')?.strip_suffix('"'));
        self.cluster.changed_since(since, &self.user, bare)
    }

    fn iam_role_exists(&self, statement: &Statement) -> Result<(), Failure> {
        if statement.rewrite.as_ref().and_then(|r| r.tag) != Some("AWS IAM GRANT") {
            return Ok(());
        }
        let arn = statement.text.trim_end_matches('\'').rsplit('\'').next().unwrap_or_default();
        match arn.contains(":role/") && !self.authority.role_exists(arn) {
            true => Err(Rule::IamRoleMissing.fill(&[arn])),
            false => Ok(()),
        }
    }

    /// A statement failed: the client is told, and its transaction is over but for ROLLBACK. Locks and
    /// snapshot are given up at once.
    pub(super) async fn fail(&mut self, failure: Failure) -> Result<(), Stop> {
        failure.put(&mut self.client.out);
        self.abort().await
    }

    /// The same for PostgreSQL's own error, whole.
    pub(super) async fn fail_raw(&mut self, error: &[u8]) -> Result<(), Stop> {
        self.client.push(error).await.map_err(Stop::Client)?;
        self.abort().await
    }

    pub(super) async fn abort(&mut self) -> Result<(), Stop> {
        let txn = match std::mem::replace(&mut self.phase, Phase::Failed) {
            Phase::Open(txn) => txn,
            Phase::Idle => {
                self.phase = Phase::Idle;
                return Ok(());
            }
            Phase::Failed => return Ok(()),
        };
        txn.fate.over();
        self.seat.set_current(None);
        self.seen = self.cluster.catalog();
        if txn.implicit {
            self.phase = Phase::Idle;
            self.names.portals.clear();
            return self.own("ROLLBACK").await.map(|_| ());
        }
        self.names.fail_portals();
        // From here on PostgreSQL knows best what the client may be told.
        self.fail_backend().await
    }

    /// The backend's transaction fails, if it has not yet. This way costs the client none of its names.
    pub(super) async fn fail_backend(&mut self) -> Result<(), Stop> {
        wire::put_execute(&mut self.server.out, NO_PORTAL, 0);
        wire::put_empty(&mut self.server.out, b'S');
        self.expected.push_back(Expect::Part(b'E', Sink::Drop));
        self.expected.push_back(Expect::Sync(Sink::Drop));
        self.receive().await.map(|_| ())
    }
}

/// Whether the statement must run in a transaction of its own when the client has begun none, so that
/// what it changed can be judged before it is committed.
pub(super) fn needs_transaction(kind: &Kind) -> bool {
    match kind {
        Kind::Write(_) | Kind::Ddl | Kind::CopyIn => true,
        Kind::Read | Kind::Local | Kind::Other => false,
        Kind::Deallocate { .. } | Kind::Begin { .. } | Kind::Commit { .. } | Kind::Rollback { .. } => false,
    }
}

/// The same, for the statement as a whole: an EXPLAIN asks several questions of one snapshot.
pub(super) fn wants_transaction(statement: &Statement, kind: &Kind) -> bool {
    needs_transaction(kind) || statement.explain.is_some()
}

/// Whether a replay must run the statement again.
pub(super) fn is_logged(kind: &Kind) -> bool {
    needs_transaction(kind) || matches!(kind, Kind::Local | Kind::Other)
}

/// Whether the statement only locks rows, so that its tag says nothing about changed rows.
pub(super) fn only_locks(kind: &Kind) -> bool {
    matches!(kind, Kind::Write(Write { dml: false, .. }))
}
