//! A read that was prepared under a name and is executed whole, in one go: the messages that most clients send for it
//! pass as they came, and so does what PostgreSQL answers up to its ReadyForQuery.

use tokio::io::{AsyncRead, AsyncWrite};

use super::types::{ExpectedReply, ProxySession, ReplySink, SessionEnd, SessionPhase};
use crate::backend::Message;
use crate::wire;

/// A Describe of the unnamed portal.
const DESCRIBE: &[u8] = b"D\0\0\0\x06P\0";
/// An Execute of the unnamed portal, of all its rows, and a Sync.
const EXECUTE_AND_SYNC: &[u8] = b"E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04";

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// Returns how many of the bytes behind a Bind go with it, when they are an execution that needs nothing from us: outside
    /// of a transaction, with nothing before it that waits for its answer, by the unnamed portal, which ends with the Sync.
    pub(super) fn plain_execution(&self, bind: &Message) -> Option<usize> {
        let alone = matches!(self.control.phase, SessionPhase::Idle) && self.pipeline.expected.is_empty();
        let ahead = self.frontend.client.ahead();
        let described = if ahead.starts_with(DESCRIBE) { DESCRIBE.len() } else { 0 };
        if !alone || self.frontend.skip || !ahead[described..].starts_with(EXECUTE_AND_SYNC) {
            return None;
        }
        let bind = wire::bind(bind.body()).ok().filter(|bind| bind.portal.is_empty() && !bind.statement.is_empty())?;
        let statement = self.frontend.names.statements.get(bind.statement)?.statement.as_ref()?;
        self.passes(statement).then_some(described + EXECUTE_AND_SYNC.len())
    }

    /// Has PostgreSQL answer a Bind and so many of the bytes behind it.
    pub(super) async fn pass_execution(&mut self, bind: &Message, len: usize) -> Result<(), SessionEnd> {
        self.tell_parameters();
        let rest = self.frontend.client.take(len);
        self.pipeline.server.out.extend_from_slice(&bind.raw);
        self.pipeline.server.out.extend_from_slice(&rest);
        self.pipeline.expected.push_back(ExpectedReply::Query(ReplySink::Raw));
        let received = self.receive().await;
        // The end of the transaction on the backend: what was bound is gone.
        self.frontend.names.portals.clear();
        received.map(drop)
    }
}
