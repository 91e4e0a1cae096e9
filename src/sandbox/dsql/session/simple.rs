//! The simple protocol: one message holds any number of statements, run as one transaction unless they
//! say otherwise.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::receive::{Expect, Sink};
use super::run::Source;
use super::{KNOWN_LEN, Phase, Session, Stop};
use crate::dsql::backend::Message;
use crate::dsql::classify::{self, Kind, Statement};
use crate::dsql::texts::Rule;
use crate::dsql::wire;

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    pub(super) async fn simple(&mut self, message: Message) -> Result<(), Stop> {
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
        self.names.statements.remove("");
        if statements.is_empty() {
            wire::put_empty(&mut self.client.out, b'I');
            self.ready_for_query();
            return Ok(());
        }
        if statements.len() > 1 && Box::pin(self.objected(sql, &statements)).await? {
            self.ready_for_query();
            return Ok(());
        }
        let failed = matches!(self.phase, Phase::Failed);
        let before = self.names.portals.remove("");
        self.run_all(sql, &statements, &message).await?;
        if matches!(self.phase, Phase::Failed) {
            self.names.unnamed_portal_after_failure(before, failed);
        }
        Ok(())
    }

    async fn run_all(&mut self, sql: &str, statements: &[Arc<Statement>], message: &Message) -> Result<(), Stop> {
        match statements {
            [one] if self.passes(one) => {
                self.names.unnamed_live = false;
                self.server.send_raw(&message.raw).await.map_err(Stop::Server)?;
                self.expected.push_back(Expect::Query(Sink::Raw));
                self.receive().await?;
                return Ok(());
            }
            _ => {}
        }
        let alone = statements.len() == 1;
        for (at, statement) in statements.iter().enumerate() {
            let before = sql[..statement.offset].chars().count();
            let source = Source::Simple { before, alone, last: at + 1 == statements.len() };
            if !Box::pin(self.step(statement, &source)).await? {
                break;
            }
        }
        Box::pin(self.end_implicit()).await?;
        self.ready_for_query();
        Ok(())
    }

    /// PostgreSQL reads a whole query before it runs any of it: whether it objects, and has been heard.
    async fn objected(&mut self, sql: &str, statements: &[Arc<Statement>]) -> Result<bool, Stop> {
        if self.sound.contains(sql) {
            return Ok(false);
        }
        match self.cluster.objection(&classify::grammar_probe(sql, statements)).await {
            Some(body) => {
                wire::put(&mut self.client.out, b'E', |out| out.extend_from_slice(&body));
                self.abort().await.map(|()| true)
            }
            None => {
                if sql.len() <= KNOWN_LEN {
                    self.sound.insert(sql.into());
                }
                Ok(false)
            }
        }
    }

    /// A lone read outside of a transaction needs nothing from us: bytes in, bytes out. Nor does what
    /// PostgreSQL will not run in a transaction that has failed.
    fn passes(&self, statement: &Arc<Statement>) -> bool {
        if statement.foreign() {
            return false;
        }
        match self.phase {
            Phase::Idle => {
                statement.kind == Kind::Read
                    && statement.explain.is_none()
                    && (!statement.relations || self.seen == self.cluster.catalog())
            }
            Phase::Failed => !matches!(statement.kind, Kind::Commit { .. } | Kind::Rollback { .. }),
            Phase::Open(_) => false,
        }
    }
}
