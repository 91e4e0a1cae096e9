//! The simple protocol: one message holds any number of statements, run as one transaction unless they
//! say otherwise.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::receive::{Expect, Sink};
use super::run::Source;
use super::{Phase, Session, Stop};
use crate::sandbox::dsql::backend::Message;
use crate::sandbox::dsql::classify::{Kind, Statement};
use crate::sandbox::dsql::wire;

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    pub(super) async fn simple(&mut self, message: Message) -> Result<(), Stop> {
        let Some(sql) = wire::cstr(&mut message.body()) else {
            return self.malformed("invalid string in message").await;
        };
        let statements = self.classified(sql);
        match &statements[..] {
            [] => {
                wire::put_empty(&mut self.client.out, b'I');
                self.ready_for_query();
                return Ok(());
            }
            [one] if self.passes(one) => {
                self.unnamed_live = false;
                self.server.send_raw(&message.raw).await.map_err(Stop::Server)?;
                self.expected.push_back(Expect::Query(Sink::Raw));
                self.receive().await?;
                return Ok(());
            }
            _ => {}
        }
        let alone = statements.len() == 1;
        for statement in statements.iter() {
            let source = Source::Simple { before: sql[..statement.offset].chars().count(), alone };
            if !self.step(statement, &source).await? {
                break;
            }
        }
        self.end_implicit().await?;
        self.ready_for_query();
        Ok(())
    }

    /// A lone read outside of a transaction needs nothing from us: bytes in, bytes out.
    fn passes(&self, statement: &Arc<Statement>) -> bool {
        matches!(self.phase, Phase::Idle)
            && statement.kind == Kind::Read
            && statement.refusal.is_none()
            && statement.rewrite.is_none()
            && statement.explain.is_none()
            && (!statement.relations || self.seen == self.cluster.catalog())
    }
}
