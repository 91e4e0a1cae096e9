//! The simple protocol: one message holds any number of statements, run as one transaction unless they
//! say otherwise.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::run::StatementSource;
use super::types::{ExpectedReply, KNOWN_LEN, ProxySession, ReplySink, SessionEnd, SessionPhase};
use crate::dsql::backend::Message;
use crate::dsql::classify;
use crate::dsql::statement::{SqlStatement, StatementKind};
use crate::dsql::texts::Rule;
use crate::dsql::wire;

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    pub(super) async fn simple(&mut self, message: Message) -> Result<(), SessionEnd> {
        let Some(sql) = wire::cstr(&mut message.body()) else {
            let Some(bytes) = wire::invalid_utf8(message.kind, message.body()) else {
                return self.malformed("invalid string in message").await;
            };
            Box::pin(self.fail(Rule::Encoding.fill(&[&bytes]))).await?;
            self.ready_for_query();
            return Ok(());
        };
        let statements = self.classified(sql);
        // A query takes the place of the client's unnamed statement and portal, by the protocol.
        self.frontend.names.statements.remove("");
        if statements.is_empty() {
            wire::put_empty(&mut self.frontend.client.out, b'I');
            self.ready_for_query();
            return Ok(());
        }
        if statements.len() > 1 && Box::pin(self.objected(sql, &statements)).await? {
            self.ready_for_query();
            return Ok(());
        }
        let failed = matches!(self.control.phase, SessionPhase::Failed);
        let before = self.frontend.names.portals.remove("");
        self.run_all(sql, &statements, &message).await?;
        if matches!(self.control.phase, SessionPhase::Failed) {
            self.frontend.names.unnamed_portal_after_failure(before, failed);
        }
        Ok(())
    }

    async fn run_all(
        &mut self,
        sql: &str,
        statements: &[Arc<SqlStatement>],
        message: &Message,
    ) -> Result<(), SessionEnd> {
        match statements {
            [one] if self.passes(one) => {
                self.frontend.names.unnamed_live = false;
                match self.order_of(one) {
                    Some(query) => wire::put_query(&mut self.pipeline.server.out, &query.sql),
                    None => self.pipeline.server.send_raw(&message.raw).await.map_err(SessionEnd::Server)?,
                }
                self.pipeline.expected.push_back(ExpectedReply::Query(ReplySink::Raw));
                self.receive().await?;
                return Ok(());
            }
            _ => {}
        }
        let alone = statements.len() == 1;
        for (at, statement) in statements.iter().enumerate() {
            let before = sql[..statement.offset].chars().count();
            let source = StatementSource::Simple { before, alone, last: at + 1 == statements.len() };
            if !Box::pin(self.step(statement, &source)).await? {
                break;
            }
        }
        Box::pin(self.end_implicit()).await?;
        self.ready_for_query();
        Ok(())
    }

    /// PostgreSQL reads a whole query before it runs any of it: whether it objects, and has been heard.
    async fn objected(&mut self, sql: &str, statements: &[Arc<SqlStatement>]) -> Result<bool, SessionEnd> {
        if self.texts.sound.contains(sql) {
            return Ok(false);
        }
        match self.cluster.objection(&classify::grammar_probe(sql, statements)).await {
            Some(body) => {
                wire::put(&mut self.frontend.client.out, b'E', |out| out.extend_from_slice(&body));
                self.abort().await.map(|()| true)
            }
            None => {
                if sql.len() <= KNOWN_LEN {
                    self.texts.sound.insert(sql.into());
                }
                Ok(false)
            }
        }
    }

    /// A lone read outside of a transaction needs nothing from us: bytes in, bytes out. Nor does what
    /// PostgreSQL will not run in a transaction that has failed.
    fn passes(&self, statement: &Arc<SqlStatement>) -> bool {
        if statement.foreign() {
            return false;
        }
        match self.control.phase {
            SessionPhase::Idle => {
                statement.kind == StatementKind::Read
                    && statement.explain.is_none()
                    && (statement.uses.names.is_empty() || self.control.seen == self.cluster.catalog())
            }
            SessionPhase::Failed => !matches!(statement.kind, StatementKind::Commit | StatementKind::Rollback),
            SessionPhase::Open(_) => false,
        }
    }
}
