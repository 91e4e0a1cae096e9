//! COPY … FROM STDIN: the client's data passes through, and is kept for a replay.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::types::{ExpectedReply, ProxySession, SessionEnd, SessionPhase, StatementOutcome, protocol};
use crate::limits;
use crate::txn::WriteMode;
use crate::wire;

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// The server has asked for data: feeds it until the client or the server ends the copy.
    pub(super) async fn copy(&mut self, mut outcome: StatementOutcome) -> Result<StatementOutcome, SessionEnd> {
        self.frontend.client.flush().await.map_err(SessionEnd::Client)?;
        let mut kept: Vec<Bytes> = Vec::new();
        let mut bytes = 0u64;
        loop {
            tokio::select! {
                biased;
                filled = self.pipeline.server.fill() => {
                    filled.map_err(SessionEnd::Server)?;
                    // An error in the data; what the client still sends is ignored later.
                    break;
                }
                message = self.frontend.client.next() => {
                    let Some(message) = message.map_err(SessionEnd::Client)? else { return Err(SessionEnd::Goodbye) };
                    match message.kind {
                        b'd' => {
                            self.pipeline.server.send_raw(&message.raw).await.map_err(SessionEnd::Server)?;
                            bytes += message.raw.len() as u64;
                            if bytes <= 2 * limits::BYTES {
                                kept.push(message.raw);
                            }
                        }
                        b'c' | b'f' => {
                            self.pipeline.server.send_raw(&message.raw).await.map_err(SessionEnd::Server)?;
                            kept.push(message.raw);
                            break;
                        }
                        b'H' | b'S' => {}
                        _ => return Err(SessionEnd::Refused(protocol("unexpected message during COPY from stdin"))),
                    }
                }
            }
        }
        self.after_data();
        if bytes > 2 * limits::BYTES
            && let SessionPhase::Open(txn) = &mut self.control.phase
        {
            // Too much to be run again; COMMIT would refuse it for its size anyway.
            txn.mode = WriteMode::Lost;
        }
        self.frontend.copied = Some(kept);
        let mut after = self.receive().await?.pop().unwrap_or_default();
        outcome.held.unsplit(after.held);
        after.held = outcome.held;
        after.shown = true;
        Ok(after)
    }

    /// Has the server answer for the data that it was sent. While it reads data it takes no notice of a Sync: one that
    /// was sent with the Execute is sent again.
    pub(super) fn after_data(&mut self) {
        match (self.pipeline.expected.front(), self.pipeline.expected.get(1)) {
            (Some(ExpectedReply::Part(..)), Some(ExpectedReply::Sync(_))) => {
                wire::put_empty(&mut self.pipeline.server.out, b'S')
            }
            (Some(ExpectedReply::Part(..)), _) => wire::put_empty(&mut self.pipeline.server.out, b'H'),
            _ => {}
        }
    }
}
