//! One connection to a PostgreSQL-speaking server: TLS, start-up, authentication and message frames.
//!
//! The messages come from `postgres-protocol`. We do not go through tokio-postgres here, because a console needs what
//! its simple protocol hides: command tags, column types, the transaction's state, COPY (README, "How it is put together").
//!
//! Invariant: a frame is lent, never copied, so a result of any size passes through one buffer.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::report::TxState;
use super::servererror::ServerMessage;
use crate::token::Secret;

/// Why a connection could not be made, or broke.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("could not connect to {address}: {}", reason(source))]
    Connect { address: String, source: io::Error },
    #[error("the server at {0} does not accept TLS")]
    NoTls(String),
    #[error("TLS with {host} failed: {}", reason(source))]
    Tls { host: String, source: io::Error },
    #[error("no certificate authority: {0}")]
    Roots(String),
    #[error("{0:?} is not a host name that a certificate can carry")]
    HostName(String),
    #[error("{}", .0.message)]
    Refused(Box<ServerMessage>),
    #[error("the server wants a kind of authentication that this console does not speak")]
    Authentication,
    #[error("the server wants a password and there is none")]
    NoPassword,
    #[error("no answer from {address} within {seconds} s")]
    TimedOut { address: String, seconds: u64 },
    #[error("the connection was lost: {}", reason(.0))]
    Lost(#[from] io::Error),
    #[error("{0}")]
    Token(workshop_base::problem::Problem),
}

/// What the operating system says, in its own words, without the number of it.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// What TLS needs to know: the name that the certificate must carry, and whom to trust.
#[derive(Clone)]
pub struct TlsPlan {
    pub config: Arc<rustls::ClientConfig>,
    pub host: String,
    /// TLS from the first byte (`sslnegotiation=direct`, PostgreSQL 17 and DSQL) instead of after an SSLRequest.
    pub direct: bool,
}

/// A socket, with TLS or without.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

/// Opens the socket and, where there is a plan for it, TLS. An address with a slash is the directory of a
/// Unix socket, which has no TLS.
pub(super) async fn open(
    address: &str,
    port: u16,
    tls: Option<&TlsPlan>,
) -> Result<(Box<dyn Socket>, Option<TlsFacts>), WireError> {
    if address.starts_with('/') {
        let path = format!("{address}/.s.PGSQL.{port}");
        let socket = tokio::net::UnixStream::connect(&path).await;
        let socket = socket.map_err(|source| WireError::Connect { address: path, source })?;
        return Ok((Box::new(socket), None));
    }
    let shown = format!("{address}:{port}");
    let tcp = TcpStream::connect((address, port))
        .await
        .map_err(|source| WireError::Connect { address: shown.clone(), source })?;
    tcp.set_nodelay(true).ok();
    let Some(plan) = tls else { return Ok((Box::new(tcp), None)) };
    let mut tcp = tcp;
    if !plan.direct {
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        tcp.write_all(&request).await?;
        if tcp.read_u8().await? != b'S' {
            return Err(WireError::NoTls(shown));
        }
    }
    let name = rustls::pki_types::ServerName::try_from(plan.host.clone())
        .map_err(|_| WireError::HostName(plan.host.clone()))?;
    let connector = tokio_rustls::TlsConnector::from(plan.config.clone());
    let stream =
        connector.connect(name, tcp).await.map_err(|source| WireError::Tls { host: plan.host.clone(), source })?;
    let session = stream.get_ref().1;
    let facts = TlsFacts {
        protocol: match session.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
            _ => "TLSv1.3".to_owned(),
        },
        cipher: session
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .map_or("unknown".to_owned(), |name| name.replace("TLS13_", "TLS_")),
    };
    Ok((Box::new(stream), Some(facts)))
}

/// What a CancelRequest must name: the server process and the number that proves it is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelKey {
    process: i32,
    secret: i32,
}

impl CancelKey {
    /// The server process, as `pg_backend_pid()` says it.
    pub fn process(&self) -> i32 {
        self.process
    }
}

/// Asks the server, on a connection of its own, to cancel what the connection with this key runs.
///
/// # Errors
/// When that second connection cannot be made. The server never answers whether there was anything to cancel.
pub async fn cancel(address: &str, port: u16, tls: Option<&TlsPlan>, key: CancelKey) -> Result<(), WireError> {
    let (mut socket, _) = open(address, port, tls).await?;
    let mut request = BytesMut::new();
    frontend::cancel_request(key.process, key.secret, &mut request);
    socket.write_all(&request).await?;
    socket.flush().await?;
    // The server closes once it has acted, so that a statement sent afterwards cannot be the one it hits.
    let mut rest = [0u8; 64];
    while socket.read(&mut rest).await.is_ok_and(|n| n > 0) {}
    Ok(())
}

/// A message from the server: its type byte and its body, lent from the connection's buffer.
#[derive(Debug)]
pub struct Frame<'a> {
    pub tag: u8,
    pub body: &'a [u8],
}

pub struct Connection {
    socket: Box<dyn Socket>,
    /// Bytes read and not yet handed out are `buffer[start..end]`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    out: BytesMut,
    pub key: CancelKey,
    /// What the server said in its last ReadyForQuery.
    pub tx: TxState,
    /// `server_version`, `is_superuser`, `client_encoding`, … as the server reports them.
    pub parameters: BTreeMap<String, String>,
    /// Protocol and cipher, where there is TLS.
    pub tls: Option<TlsFacts>,
}

/// What was agreed on when TLS began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3`
    pub protocol: String,
    /// `TLS_AES_256_GCM_SHA384`
    pub cipher: String,
}

/// Bytes asked from the socket at a time: what a TLS record or four can hold.
const READ: usize = 64 * 1024;

impl Connection {
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
    ) -> Result<(Connection, Vec<ServerMessage>), WireError> {
        let (socket, tls) = open(address, port, tls).await?;
        let mut c = Connection {
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

    /// Whether a whole message is waiting, so that [`next`](Self::next) would not have to wait for the server.
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

    /// Whether the server has hung up while we were not looking. Anything else it said is kept.
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

fn four(bytes: &[u8]) -> [u8; 4] {
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

/// A big-endian number from a slice of four.
pub fn int32(bytes: &[u8]) -> i32 {
    i32::from_be_bytes(four(bytes))
}

/// An error for a server that does not keep to the protocol.
pub fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

/// The columns of a RowDescription: name and type OID.
///
/// # Errors
/// When the message is cut short.
pub fn columns(body: &[u8]) -> io::Result<Vec<(String, u32)>> {
    Ok(typed_columns(body)?.into_iter().map(|(name, oid, _)| (name, oid)).collect())
}

/// The columns of a RowDescription: name, type OID and type modifier.
///
/// # Errors
/// When the message is cut short.
pub fn typed_columns(body: &[u8]) -> io::Result<Vec<(String, u32, i32)>> {
    let short = || broken("a row description that is cut short");
    let count = body.get(..2).map(|b| u16::from_be_bytes([b[0], b[1]])).ok_or_else(short)?;
    let mut rest = &body[2..];
    let mut out = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let end = rest.iter().position(|&b| b == 0).ok_or_else(short)?;
        let name = String::from_utf8_lossy(&rest[..end]).into_owned();
        // After the name: table OID (4), column number (2), type OID (4), size (2), modifier (4), format (2).
        let fixed = rest.get(end + 1..end + 19).ok_or_else(short)?;
        out.push((name, int32(&fixed[6..10]).cast_unsigned(), int32(&fixed[12..16])));
        rest = &rest[end + 19..];
    }
    Ok(out)
}

/// The values of a DataRow, lent: `None` is NULL.
pub struct Values<'a> {
    rest: &'a [u8],
    left: u16,
}

/// # Errors
/// When the message is cut short.
pub fn values(body: &[u8]) -> io::Result<Values<'_>> {
    let head = body.get(..2).ok_or_else(|| broken("a row that is cut short"))?;
    Ok(Values { rest: &body[2..], left: u16::from_be_bytes([head[0], head[1]]) })
}

impl<'a> Iterator for Values<'a> {
    type Item = io::Result<Option<&'a [u8]>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let Some(head) = self.rest.get(..4) else { return Some(Err(broken("a row that is cut short"))) };
        let length = int32(head);
        self.rest = &self.rest[4..];
        let Ok(length) = usize::try_from(length) else { return Some(Ok(None)) };
        if self.rest.len() < length {
            return Some(Err(broken("a row that is cut short")));
        }
        let (value, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(Ok(Some(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_without_copying_and_nulls_are_told_apart() {
        let body = [0, 3, 0, 0, 0, 1, b'x', 255, 255, 255, 255, 0, 0, 0, 0];
        let got: Vec<_> = values(&body).unwrap().map(|v| v.unwrap()).collect();
        assert_eq!(got, [Some(&b"x"[..]), None, Some(&b""[..])]);
    }

    #[test]
    fn a_short_row_is_an_error_not_a_panic() {
        assert!(values(&[0, 1, 0, 0, 0, 9, b'x']).unwrap().next().unwrap().is_err());
        assert!(values(&[0]).is_err());
        assert!(columns(&[0, 1, b'a']).is_err());
    }
}
