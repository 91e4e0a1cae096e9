//! The client's side of a connection: TLS, a bounded inbox, a buffered outbox.
//!
//! Invariant: holds at most one message and one read of it in memory; a message beyond the limit ends
//! the connection.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::backend::Message;
use super::inbox;
use super::texts::SqlFailure;
use super::wire;

/// When the outbox has grown so large, it is written even before the answer is complete.
const OUTBOX: usize = 64 * 1024;
/// How much may be read ahead while a statement runs, in bytes.
const AHEAD: usize = 64 * 1024;

pub struct Client<S> {
    stream: S,
    inbox: BytesMut,
    /// What is to be sent.
    pub out: BytesMut,
    /// A message may have gone out in part: nothing but its rest can follow.
    pub half: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Takes over a stream whose TLS is made.
    pub fn new(stream: S) -> Self {
        Client { stream, inbox: BytesMut::new(), out: BytesMut::new(), half: false }
    }

    /// Reads more; false at the end of the stream. Cancel-safe.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn fill(&mut self) -> io::Result<bool> {
        Ok(inbox::read(&mut self.stream, &mut self.inbox).await? > 0)
    }

    /// The next message that is there already.
    pub fn ready(&mut self) -> io::Result<Option<Message>> {
        let len = wire::frame_len(&self.inbox, wire::CLIENT_MESSAGE_LIMIT)
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        Ok(match len {
            Some(len) if self.inbox.len() >= len => {
                let kind = self.inbox[0];
                Some(Message { kind, raw: self.inbox.split_to(len).freeze() })
            }
            _ => None,
        })
    }

    /// Returns what has come and was not taken.
    pub fn ahead(&self) -> &[u8] {
        &self.inbox
    }

    /// Takes so many bytes of what has come, which are there.
    pub fn take(&mut self, len: usize) -> BytesMut {
        self.inbox.split_to(len)
    }

    /// Returns whether more may be read ahead while a statement runs.
    pub fn has_room(&self) -> bool {
        self.inbox.len() < AHEAD
    }

    /// Returns whether a whole message waits.
    pub fn waiting(&self) -> bool {
        matches!(wire::frame_len(&self.inbox, usize::MAX), Ok(Some(len)) if self.inbox.len() >= len)
    }

    /// The next message; None at the end of the stream. Cancel-safe.
    ///
    /// # Errors
    /// When the connection is broken, or what comes is no message.
    pub async fn next(&mut self) -> io::Result<Option<Message>> {
        loop {
            if let Some(message) = self.ready()? {
                return Ok(Some(message));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// The opening packet and nothing else; None at the end of the stream.
    ///
    /// # Errors
    /// When the connection is broken, or what comes is no opening packet.
    pub async fn opening(&mut self) -> io::Result<Option<wire::Opening>> {
        loop {
            match wire::opening(&self.inbox).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))? {
                Some((len, packet)) => {
                    let _: Bytes = self.inbox.split_to(len).freeze();
                    return Ok(Some(packet));
                }
                None if !self.fill().await? => return Ok(None),
                None => {}
            }
        }
    }

    /// Takes bytes for the client; they go out at the next flush, or when there are many.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.out.is_empty() && bytes.len() >= OUTBOX {
            let half = std::mem::replace(&mut self.half, true);
            self.stream.write_all(bytes).await?;
            self.half = half;
            return Ok(());
        }
        self.out.extend_from_slice(bytes);
        if self.out.len() >= OUTBOX { self.write().await } else { Ok(()) }
    }

    /// Sends all that was taken.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.write().await?;
        self.stream.flush().await
    }

    async fn write(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            let half = std::mem::replace(&mut self.half, true);
            self.stream.write_all(&self.out).await?;
            self.half = half;
            inbox::emptied(&mut self.out);
        }
        Ok(())
    }

    /// Ends the connection as its protocol has it: TLS with a close_notify.
    ///
    /// # Errors
    /// When the connection is broken already.
    pub async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.shutdown().await
    }

    /// Tells the client why the connection ends, unless it has yet to read the rest of a message, and ends it.
    pub async fn refuse(&mut self, failure: &SqlFailure) -> io::Result<()> {
        if !self.half {
            failure.put(&mut self.out);
            self.flush().await?;
        }
        self.stream.shutdown().await
    }
}
