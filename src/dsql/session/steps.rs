//! What statements of DSQL's own need beside being run: an index that becomes a job, one that is made at once, roles
//! that must stay, a note of an ANALYZE.
//!
//! Invariant: everything runs with the client's privileges, or asks what anybody may know.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use super::explain::{TEXT, answered};
use super::run::StatementSource;
use super::types::{ExpectedReply, ProxySession, ReplySink, SessionEnd, SessionPhase, StatementOutcome};
use crate::own_names::OURS;
use crate::rules::parameters;
use crate::statement::{ASK_FOR_SYNC, ProxyStep, SqlStatement, StatementKind, ask_for_index};
use crate::texts::{Rule, SqlFailure};
use crate::wire;
use workshop_base::sql::quote_literal;

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// As [`ProxySession::gate`], with what only the database knows.
    pub(super) async fn gate_with_step(
        &mut self,
        statement: &SqlStatement,
        kind: &StatementKind,
    ) -> Result<Result<(), SqlFailure>, SessionEnd> {
        let requests = !matches!(self.control.phase, SessionPhase::Failed) && statement.refusal.is_none();
        match statement.step() {
            ProxyStep::SyncIndex { .. } if requests && !self.makes_indexes_at_once().await? => {
                return Ok(Err(Rule::SyncIndex.failure()));
            }
            ProxyStep::SyncIndex { refusal: Some(failure), .. } if requests => return Ok(Err((**failure).clone())),
            ProxyStep::None
            | ProxyStep::IndexJob { .. }
            | ProxyStep::SyncIndex { .. }
            | ProxyStep::DropRoles(_)
            | ProxyStep::Analyzed(_) => {}
        }
        if let Err(failure) = self.gate(statement, kind) {
            return Ok(Err(failure));
        }
        match statement.step() {
            ProxyStep::SyncIndex { table, .. } if !self.may_be_filled_at_once(table).await? => {
                Ok(Err(Rule::SyncIndex.failure()))
            }
            ProxyStep::DropRoles(names) => Ok(match self.mapped_role(names).await? {
                Some(name) => Err(Rule::RoleMapped.fill(&[&name])),
                None => Ok(()),
            }),
            ProxyStep::Analyzed(_) if matches!(&self.control.phase, SessionPhase::Open(txn) if !txn.implicit) => {
                Ok(Err(Rule::AnalyzeInBlock.failure()))
            }
            ProxyStep::None | ProxyStep::IndexJob { .. } | ProxyStep::SyncIndex { .. } | ProxyStep::Analyzed(_) => {
                Ok(Ok(()))
            }
        }
    }

    /// Returns whether the session asks for that: `disable_sync_create_index` is off.
    async fn makes_indexes_at_once(&mut self) -> Result<bool, SessionEnd> {
        let sql =
            format!("SELECT pg_catalog.current_setting('{}')::pg_catalog.bool", parameters::DISABLE_SYNC_CREATE_INDEX);
        let rows = self.query_internal(&sql).await?.unwrap_or_default();
        Ok(rows.into_iter().flatten().flatten().any(|disabled| disabled == "f"))
    }

    /// Returns whether the table is empty, as far as the client may see. One that cannot be asked is PostgreSQL's to refuse.
    /// The index that follows is to be there at once.
    async fn may_be_filled_at_once(&mut self, table: &str) -> Result<bool, SessionEnd> {
        if matches!(self.control.phase, SessionPhase::Idle) {
            self.open(true, false, "").await?;
        }
        let sql = format!("SAVEPOINT _dsql_asks; SELECT 1 FROM {table} LIMIT 1; RELEASE _dsql_asks");
        let empty = match self.query_internal(&sql).await? {
            Ok(rows) => rows.is_empty(),
            Err(_) => {
                self.query_internal("ROLLBACK TO _dsql_asks; RELEASE _dsql_asks").await?.ok();
                true
            }
        };
        self.query_internal(ASK_FOR_SYNC).await?.ok();
        Ok(empty)
    }

    /// The first of these roles that an IAM role is mapped to.
    async fn mapped_role(&mut self, names: &[String]) -> Result<Option<String>, SessionEnd> {
        let names = names.iter().map(|name| quote_literal(name)).collect::<Vec<_>>().join(",");
        let sql = format!(
            "SELECT m.pg_role_name FROM sys.iam_pg_role_mappings m WHERE m.pg_role_name OPERATOR(pg_catalog.=) \
             ANY (ARRAY[{names}]::pg_catalog.name[]) LIMIT 1"
        );
        Ok(self.query_internal(&sql).await?.unwrap_or_default().into_iter().flatten().flatten().next())
    }

    /// Leaves a row among the jobs.
    pub(super) async fn analyzed(&mut self, table: &str) -> Result<(), SessionEnd> {
        let sql = format!("SELECT pg_catalog.{OURS}analyzed({}::pg_catalog.regclass)", quote_literal(table));
        if let Err(error) = self.query_internal(&sql).await? {
            tracing::debug!(%error, "no note of an ANALYZE");
        }
        Ok(())
    }

    /// CREATE INDEX ASYNC: has the index made, which makes a job of it, and answers with that. No row when IF NOT
    /// EXISTS found one.
    pub(super) async fn index_job(
        &mut self,
        create: &str,
        unique: bool,
        source: &StatementSource,
    ) -> Result<StatementOutcome, SessionEnd> {
        let asked = format!("{}; SET LOCAL dsql.job = ''", ask_for_index(unique));
        if let Err(error) = self.query_internal(&asked).await? {
            return Ok(StatementOutcome::failed(&error));
        }
        wire::put_query(&mut self.pipeline.server.out, create);
        self.pipeline.expected.push_back(ExpectedReply::Query(ReplySink::Hold));
        let made = self.receive().await?.pop().unwrap_or_default();
        if made.error.is_some() {
            return Ok(made);
        }
        let job = match self.query_internal("SELECT pg_catalog.current_setting('dsql.job', true)").await? {
            Ok(rows) => rows.into_iter().flatten().flatten().next().filter(|job| !job.is_empty()),
            Err(error) => return Ok(StatementOutcome::failed(&error)),
        };
        let rows: Vec<String> = job.into_iter().collect();
        Ok(answered(BytesMut::new(), ("job_id", TEXT), &rows, ("CREATE INDEX", made.tag), source))
    }
}
