//! COPY … FROM STDIN: the client's data passes through, and is kept for a replay.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::receive::{Expect, Outcome};
use super::{Phase, Session, Stop};
use crate::dsql::limits;
use crate::dsql::txn::Mode;
use crate::dsql::wire;

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// The server has asked for data: feeds it until the client or the server ends the copy.
    pub(super) async fn copy(&mut self, mut outcome: Outcome) -> Result<Outcome, Stop> {
        self.client.flush().await.map_err(Stop::Client)?;
        let mut kept: Vec<Bytes> = Vec::new();
        let mut bytes = 0u64;
        loop {
            tokio::select! {
                biased;
                filled = self.server.fill() => {
                    filled.map_err(Stop::Server)?;
                    // An error in the data; what the client still sends is ignored later.
                    break;
                }
                message = self.client.next() => {
                    let Some(message) = message.map_err(Stop::Client)? else { return Err(Stop::Goodbye) };
                    match message.kind {
                        b'd' => {
                            self.server.send_raw(&message.raw).await.map_err(Stop::Server)?;
                            bytes += message.raw.len() as u64;
                            if bytes <= 2 * limits::BYTES {
                                kept.push(message.raw);
                            }
                        }
                        b'c' | b'f' => {
                            self.server.send_raw(&message.raw).await.map_err(Stop::Server)?;
                            kept.push(message.raw);
                            break;
                        }
                        b'H' | b'S' => {}
                        _ => return Err(Stop::Refused(super::protocol("unexpected message during COPY from stdin"))),
                    }
                }
            }
        }
        self.after_data();
        if bytes > 2 * limits::BYTES
            && let Phase::Open(txn) = &mut self.phase
        {
            // Too much to be run again; COMMIT would refuse it for its size anyway.
            txn.mode = Mode::Lost;
        }
        self.copied = Some(kept);
        let mut after = self.receive().await?.pop().unwrap_or_default();
        outcome.held.unsplit(after.held);
        after.held = outcome.held;
        after.shown = true;
        Ok(after)
    }

    /// Has the server answer for the data that it was sent. While it reads data it takes no notice of a Sync: one that
    /// was sent with the Execute is sent again.
    pub(super) fn after_data(&mut self) {
        match (self.expected.front(), self.expected.get(1)) {
            (Some(Expect::Part(..)), Some(Expect::Sync(_))) => wire::put_empty(&mut self.server.out, b'S'),
            (Some(Expect::Part(..)), _) => wire::put_empty(&mut self.server.out, b'H'),
            _ => {}
        }
    }
}
