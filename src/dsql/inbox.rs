//! Reading into a buffer of messages that costs nothing while nothing comes: a connection spends most of its life
//! waiting, and a cluster has hundreds of them.
//!
//! Invariant: holds memory only for what has come and was not taken yet.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// How much is read at a time, in bytes.
const CHUNK: usize = 32 * 1024;
/// What was sent once need not be held for the next time when it was more than this, in bytes.
const KEPT: usize = 4 * 1024;

thread_local! {
    /// Where a first read goes, of whichever connection.
    static FIRST: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK].into_boxed_slice());
}

/// Reads more into `inbox`; how many bytes, 0 at the end of the stream. Cancel-safe.
///
/// # Errors
/// When the stream is broken.
pub async fn read<R: AsyncRead + Unpin>(stream: &mut R, inbox: &mut BytesMut) -> io::Result<usize> {
    if !inbox.is_empty() {
        inbox.reserve(CHUNK);
        return stream.read_buf(inbox).await;
    }
    // Its memory may be that of a large message.
    *inbox = BytesMut::new();
    poll_fn(|cx| {
        FIRST.with_borrow_mut(|first| {
            let mut first = ReadBuf::new(first);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut first))?;
            inbox.extend_from_slice(first.filled());
            Poll::Ready(Ok(first.filled().len()))
        })
    })
    .await
}

/// Empties an outbox that was sent, and gives up its memory if that was much.
pub fn emptied(outbox: &mut BytesMut) {
    if outbox.len() > KEPT {
        *outbox = BytesMut::new();
    } else {
        outbox.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_that_waits_holds_no_memory() {
        let (mut near, mut far) = tokio::io::duplex(2 * CHUNK);
        let mut inbox = BytesMut::new();
        tokio::io::AsyncWriteExt::write_all(&mut far, &vec![7; CHUNK + 1]).await.unwrap();
        assert_eq!(read(&mut near, &mut inbox).await.unwrap(), CHUNK);
        assert_eq!(read(&mut near, &mut inbox).await.unwrap(), 1);
        assert!(inbox.iter().all(|b| *b == 7) && inbox.len() == CHUNK + 1);
        drop(inbox.split());
        assert!(futures::poll!(Box::pin(read(&mut near, &mut inbox))).is_pending());
        assert_eq!(inbox.capacity(), 0);
        drop(far);
        assert_eq!(read(&mut near, &mut inbox).await.unwrap(), 0);
    }

    #[test]
    fn an_outbox_keeps_little() {
        for (sent, keeps) in [(KEPT, true), (KEPT + 1, false)] {
            let mut out = BytesMut::from(&vec![7; sent][..]);
            emptied(&mut out);
            assert!(out.is_empty() && (out.capacity() > 0) == keeps, "{sent}");
        }
    }
}
