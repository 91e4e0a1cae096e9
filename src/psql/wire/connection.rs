//! A connection: start-up, authentication, and frames lent from one buffer.

use std::collections::BTreeMap;
use std::io;

use bytes::BytesMut;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::WireError;
use super::messages::{broken, four, int32};
use super::socket::{CancelKey, Socket, TlsFacts, TlsPlan, open};
use crate::report::TxState;
use crate::servererror::ServerMessage;
use crate::token::Secret;

/// A message from the server: its type byte and its body, lent from the connection's buffer.
#[derive(Debug)]
pub struct Frame<'a> {
    pub tag: u8,
    pub body: &'a [u8],
}

pub struct PgConnection {
    socket: Box<dyn Socket>,
    /// Bytes read and not yet handed out are `buffer[start..end]`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    out: BytesMut,
    pub key: CancelKey,
    /// The state that the server said in its last ReadyForQuery.
    pub tx: TxState,
    /// `server_version`, `is_superuser`, `client_encoding`, … as the server reports them.
    pub parameters: BTreeMap<String, String>,
    /// Protocol and cipher, where there is TLS.
    pub tls: Option<TlsFacts>,
}

/// Bytes asked from the socket at a time: what a TLS record or four can hold.
const READ: usize = 64 * 1024;

impl PgConnection {
    /// Connects, authenticates and waits until the server is ready.
    ///
    /// # Errors
    /// When the socket, TLS or the server refuses.
    pub async fn connect(
        address: &str,
        port: u16,
        tls: Option<&TlsPlan>,
        startup: &[(&str, &str)],
        password: Option<&Secret>,
    ) -> Result<(PgConnection, Vec<ServerMessage>), WireError> {
        let (socket, tls) = open(address, port, tls).await?;
        let mut c = PgConnection {
            socket,
            buffer: vec![0; 2 * READ],
            start: 0,
            end: 0,
            out: BytesMut::new(),
            key: CancelKey { process: 0, secret: 0 },
            tx: TxState::Idle,
            parameters: BTreeMap::new(),
            tls,
        };
        frontend::startup_message(startup.iter().copied(), &mut c.out)?;
        c.flush().await?;
        let user = startup.iter().find(|(k, _)| *k == "user").map_or("", |(_, v)| v);
        let mut notices = Vec::new();
        c.authenticate(user, password, &mut notices).await?;
        Ok((c, notices))
    }

    async fn authenticate(
        &mut self,
        user: &str,
        password: Option<&Secret>,
        notices: &mut Vec<ServerMessage>,
    ) -> Result<(), WireError> {
        let need = || password.ok_or(WireError::NoPassword).map(|p| p.expose().as_bytes());
        let mut scram: Option<sasl::ScramSha256> = None;
        loop {
            let frame = self.next().await?;
            let (tag, body) = (frame.tag, frame.body.to_vec());
            match tag {
                b'Z' => return Ok(()),
                b'E' => return Err(WireError::Refused(Box::new(ServerMessage::parse(&body)))),
                b'N' => notices.push(ServerMessage::parse(&body)),
                b'K' if body.len() >= 8 => {
                    self.key = CancelKey { process: int32(&body[..4]), secret: int32(&body[4..8]) }
                }
                b'R' if body.len() >= 4 => {
                    let (code, rest) = (int32(&body[..4]), &body[4..]);
                    match code {
                        0 => continue,
                        3 => frontend::password_message(need()?, &mut self.out)?,
                        5 => {
                            let salt = rest.try_into().map_err(|_| broken("a salt of the wrong length"))?;
                            let hash = md5_hash(user.as_bytes(), need()?, salt);
                            frontend::password_message(hash.as_bytes(), &mut self.out)?;
                        }
                        10 => {
                            if !rest.split(|&b| b == 0).any(|m| m == sasl::SCRAM_SHA_256.as_bytes()) {
                                return Err(WireError::Authentication);
                            }
                            let exchange = sasl::ScramSha256::new(need()?, sasl::ChannelBinding::unsupported());
                            frontend::sasl_initial_response(sasl::SCRAM_SHA_256, exchange.message(), &mut self.out)?;
                            scram = Some(exchange);
                        }
                        11 => {
                            let exchange = scram.as_mut().ok_or(WireError::Authentication)?;
                            exchange.update(rest)?;
                            frontend::sasl_response(exchange.message(), &mut self.out)?;
                        }
                        12 => {
                            scram.as_mut().ok_or(WireError::Authentication)?.finish(rest)?;
                            continue;
                        }
                        _ => return Err(WireError::Authentication),
                    }
                    self.flush().await?;
                }
                _ => {}
            }
        }
    }

    /// The next message. ParameterStatus and ReadyForQuery are noted here on their way.
    ///
    /// # Errors
    /// When the connection ends or talks nonsense.
    pub async fn next(&mut self) -> io::Result<Frame<'_>> {
        while !self.has_frame() {
            self.fill().await?;
        }
        let at = self.start;
        let length = self.frame_length();
        self.start += length;
        let frame = Frame { tag: self.buffer[at], body: &self.buffer[at + 5..at + length] };
        match frame.tag {
            b'S' => {
                let mut texts = frame.body.split(|&b| b == 0).map(|t| String::from_utf8_lossy(t).into_owned());
                if let (Some(name), Some(value)) = (texts.next(), texts.next()) {
                    self.parameters.insert(name, value);
                }
            }
            b'Z' => {
                self.tx = match frame.body.first() {
                    Some(b'T') => TxState::Open,
                    Some(b'E') => TxState::Failed,
                    _ => TxState::Idle,
                };
            }
            _ => {}
        }
        Ok(frame)
    }

    /// Reads what the server has sent so far, and waits for something where there is nothing. Giving it up
    /// half-way loses nothing.
    ///
    /// # Errors
    /// When the connection ends or talks nonsense.
    pub async fn fill(&mut self) -> io::Result<()> {
        let length = if self.end - self.start >= 5 { self.frame_length() } else { 5 };
        if length < 5 {
            return Err(broken("a message of no length"));
        }
        self.make_room(length);
        let n = match self.socket.read(&mut self.buffer[self.end..]).await {
            // TLS, too, that ended without a goodbye.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            read => read?,
        };
        if n == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        self.end += n;
        Ok(())
    }

    /// The length of the message at the start of what is held, type byte included. Only when five bytes are.
    fn frame_length(&self) -> usize {
        u32::from_be_bytes(four(&self.buffer[self.start + 1..self.start + 5])) as usize + 1
    }

    /// Tells whether a whole message is waiting, so that [`next`](Self::next) would not have to wait for the server.
    pub fn has_frame(&self) -> bool {
        let held = self.end - self.start;
        held >= 5 && (5..=held).contains(&self.frame_length())
    }

    /// Room for a message of `length` bytes from `start`, and for a good read behind it.
    fn make_room(&mut self, length: usize) {
        if self.start > 0 && (self.start == self.end || self.start + length.max(READ) > self.buffer.len()) {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        } else if self.buffer.len() > 16 * READ && length < READ && self.end < READ {
            // One huge value must not keep its memory for the rest of the session.
            self.buffer.truncate(2 * READ);
            self.buffer.shrink_to_fit();
        }
    }

    /// Tells whether the server has hung up while we were not looking. Anything else it said is kept.
    pub async fn is_dead(&mut self) -> bool {
        self.make_room(READ);
        let (socket, room) = (&mut self.socket, &mut self.buffer[self.end..]);
        // One poll: there is something, or there is nothing yet.
        let read = futures::FutureExt::now_or_never(socket.read(room));
        match read {
            None => false,
            Some(Ok(0)) | Some(Err(_)) => true,
            Some(Ok(n)) => {
                self.end += n;
                // A FATAL sent while idle (an administrator's shutdown, the end of a session's life) comes before the end.
                self.has_frame() && self.buffer[self.start] == b'E'
            }
        }
    }

    /// Sends a text as a simple query.
    ///
    /// # Errors
    /// When the text holds a zero byte or the connection is gone.
    pub async fn query(&mut self, text: &str) -> io::Result<()> {
        frontend::query(text, &mut self.out)?;
        self.flush().await
    }

    /// Sends bytes as a simple query that are not text: the server refuses them.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn query_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.extend_from_slice(b"Q");
        self.out.extend_from_slice(&(bytes.len() as u32 + 5).to_be_bytes());
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\0");
        self.flush().await
    }

    /// Asks for the columns of a statement's result, without running it.
    ///
    /// # Errors
    /// When the text holds a zero byte or the connection is gone.
    pub async fn describe(&mut self, text: &str) -> io::Result<()> {
        frontend::parse("", text, std::iter::empty(), &mut self.out)?;
        frontend::describe(b'S', "", &mut self.out)?;
        frontend::sync(&mut self.out);
        self.flush().await
    }

    /// # Errors
    /// When the connection is gone.
    pub async fn copy_data(&mut self, data: &[u8]) -> io::Result<()> {
        frontend::CopyData::new(data)?.write(&mut self.out);
        if self.out.len() >= READ { self.flush().await } else { Ok(()) }
    }

    /// Ends a COPY FROM STDIN: with its data, or by giving it up for a reason.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn copy_end(&mut self, failed: Option<&str>) -> io::Result<()> {
        match failed {
            None => frontend::copy_done(&mut self.out),
            Some(why) => frontend::copy_fail(why, &mut self.out)?,
        }
        self.flush().await
    }

    /// Says goodbye; the connection is not usable after.
    pub async fn close(mut self) {
        frontend::terminate(&mut self.out);
        if self.flush().await.is_ok() {
            self.socket.shutdown().await.ok();
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.socket.write_all(&self.out).await?;
        self.out.clear();
        self.socket.flush().await
    }
}
