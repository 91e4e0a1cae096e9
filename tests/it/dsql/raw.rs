//! A client that shows everything a server says: rows, tags, SQLSTATEs, hints, the transaction's state.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::{backend, frontend};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::world::{World, host};

/// No statement waits for another session: one that takes so long has.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Raw {
    stream: TlsStream<TcpStream>,
    inbox: BytesMut,
    pub status: u8,
    /// What was sent asks for its columns, too.
    describes: bool,
    pub pid: i32,
    pub key: i32,
    pub parameters: Vec<(String, String)>,
}

/// TLS from the first byte, as PostgreSQL 17's clients can.
pub async fn direct(world: &World, name: &str, protocol: Option<&str>) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(world.address).await?;
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    speaking(&world.ca, protocol).connect(name, socket).await
}

fn speaking(ca: &CertificateDer<'static>, protocol: Option<&str>) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocol.into_iter().map(|p| p.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// Asks for TLS and gets it.
pub async fn encrypted(world: &World, name: &str) -> TlsStream<TcpStream> {
    asked(world.address, &world.ca, name).await.expect("TLS")
}

async fn asked(address: SocketAddr, ca: &CertificateDer<'static>, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let mut out = BytesMut::new();
    frontend::ssl_request(&mut out);
    socket.write_all(&out).await?;
    assert_eq!(socket.read_u8().await?, b'S');
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    speaking(ca, None).connect(name, socket).await
}

impl Raw {
    pub async fn connect(world: &World, cluster: &str, user: &str) -> Result<Raw, String> {
        let host = host(cluster);
        Self::to(world.address, &world.ca, &host, user, &world.token(&host, user)).await
    }

    pub async fn to(
        address: SocketAddr,
        ca: &CertificateDer<'static>,
        host: &str,
        user: &str,
        password: &str,
    ) -> Result<Raw, String> {
        let stream = asked(address, ca, host).await.map_err(|e| e.to_string())?;
        Self::with(stream, &[("user", user), ("database", "postgres")], password).await
    }

    pub async fn with(stream: TlsStream<TcpStream>, params: &[(&str, &str)], password: &str) -> Result<Raw, String> {
        let (inbox, parameters) = (BytesMut::new(), Vec::new());
        let mut raw = Raw { stream, inbox, status: b'?', describes: false, pid: 0, key: 0, parameters };
        let mut out = BytesMut::new();
        frontend::startup_message(params.iter().copied(), &mut out).expect("written");
        raw.send(out).await;
        loop {
            let (kind, body) = raw.message().await.ok_or("closed without a word")?;
            match kind {
                b'R' if body[..4] == [0, 0, 0, 3] => {
                    let mut out = BytesMut::new();
                    frontend::password_message(password.as_bytes(), &mut out).expect("written");
                    raw.send(out).await;
                }
                b'S' => raw.keep_parameter(&body),
                b'K' => {
                    let mut body = &body[..];
                    (raw.pid, raw.key) = (body.get_i32(), body.get_i32());
                }
                b'E' => return Err(error(&body).join("\n")),
                b'Z' => {
                    raw.status = body[0];
                    return Ok(raw);
                }
                _ => {}
            }
        }
    }

    fn keep_parameter(&mut self, body: &[u8]) {
        let text = String::from_utf8_lossy(body).into_owned();
        let mut parts = text.split('\0');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        self.parameters.retain(|(known, _)| known != name);
        self.parameters.push((name.into(), value.into()));
    }

    /// What the server has told last of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What is left when nothing more is to be understood.
    pub fn into_stream(self) -> TlsStream<TcpStream> {
        self.stream
    }

    /// If the other side has gone, reading will tell.
    pub async fn send(&mut self, out: BytesMut) {
        if self.stream.write_all(&out).await.is_ok() {
            let _ = self.stream.flush().await;
        }
    }

    /// The next message; None at the end.
    pub async fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some(header) = backend::Header::parse(&self.inbox).expect("a header") {
                let len = header.len() as usize + 1;
                if self.inbox.len() >= len {
                    let message = self.inbox.split_to(len);
                    return Some((header.tag(), message[5..].to_vec()));
                }
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.inbox));
            match read.await.expect("no statement waits") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// A simple query; what came back, one line a thing.
    pub async fn query(&mut self, sql: &str) -> Vec<String> {
        self.start(sql).await;
        self.finish().await
    }

    /// Sends a simple query without waiting for it.
    pub async fn start(&mut self, sql: &str) {
        let mut out = BytesMut::new();
        frontend::query(sql, &mut out).expect("written");
        self.describes = true;
        self.send(out).await;
    }

    /// The same by the extended protocol, in one batch.
    pub async fn start_extended(&mut self, sql: &str) {
        self.start_with(sql, &[], 0).await;
    }

    /// With parameters as text, and at most so many rows.
    pub async fn start_with(&mut self, sql: &str, values: &[&str], rows: i32) {
        let mut out = BytesMut::new();
        frontend::parse("", sql, [], &mut out).expect("written");
        let put = |value: &&str, out: &mut BytesMut| {
            out.extend_from_slice(value.as_bytes());
            Ok(IsNull::No)
        };
        frontend::bind("", "", [], values.iter(), put, [], &mut out).map_err(|_| "bind").expect("written");
        frontend::describe(b'P', "", &mut out).expect("written");
        frontend::execute("", rows, &mut out).expect("written");
        frontend::sync(&mut out);
        self.describes = true;
        self.send(out).await;
    }

    /// Cancels what runs, as PQcancel does: PostgreSQL signals a backend and then its process group, and only
    /// once it closes has the second signal been sent, which would otherwise hit the next statement.
    pub async fn cancel(&self, world: &World) {
        let mut out = BytesMut::new();
        frontend::cancel_request(self.pid, self.key, &mut out);
        let mut socket = TcpStream::connect(world.address).await.expect("connected");
        socket.write_all(&out).await.expect("sent");
        assert_eq!(socket.read(&mut [0]).await.unwrap_or_default(), 0, "a CancelRequest has no answer");
    }

    pub async fn extended(&mut self, sql: &str, values: &[&str]) -> Vec<String> {
        self.start_with(sql, values, 0).await;
        self.finish().await
    }

    /// Tells whether nothing has come that is yet to be read.
    pub async fn is_silent(&mut self) -> bool {
        let now = tokio::time::timeout(Duration::ZERO, self.stream.read_buf(&mut self.inbox));
        now.await.is_err() && self.inbox.is_empty()
    }

    /// Reads up to ReadyForQuery.
    pub async fn finish(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        let described = std::mem::take(&mut self.describes);
        let mut columns = None;
        loop {
            let Some((kind, body)) = self.message().await else {
                out.push("connection closed".into());
                return out;
            };
            match kind {
                b'T' => columns = Some(body[..2].to_vec()),
                b'D' => {
                    // No driver can read rows of which it was not told what they are.
                    assert!(!described || columns.as_deref() == Some(&body[..2]), "{} of {columns:?}", row(&body));
                    out.push(row(&body));
                }
                b'C' => out.push(String::from_utf8_lossy(&body[..body.len() - 1]).into_owned()),
                b'd' => out.push(String::from_utf8_lossy(body.trim_ascii_end()).replace('\t', "|")),
                b's' => out.push("(more)".into()),
                b'I' => out.push("(empty)".into()),
                b'E' => out.extend(error(&body)),
                b'N' => out.push(error(&body)[0].clone()),
                b'S' => self.keep_parameter(&body),
                b'Z' => {
                    self.status = body[0];
                    let mark = match body[0] {
                        b'T' => " *",
                        b'E' => " !",
                        _ => "",
                    };
                    // The prompt's mark stands beside the last line, as psql has it.
                    if let Some(last) = out.last_mut() {
                        last.push_str(mark);
                    }
                    return out;
                }
                _ => {}
            }
        }
    }
}

fn row(body: &[u8]) -> String {
    let mut body = body;
    let count = body.get_u16();
    let mut out = Vec::new();
    for _ in 0..count {
        let len = body.get_i32();
        if len < 0 {
            out.push("NULL".to_owned());
            continue;
        }
        out.push(String::from_utf8_lossy(&body[..len as usize]).into_owned());
        body.advance(len as usize);
    }
    out.join("|")
}

/// `ERROR 40001 text`, then DETAIL and HINT.
pub fn error(body: &[u8]) -> Vec<String> {
    let field = |code: u8| {
        let mut parts = body.split(|b| *b == 0);
        parts.find(|p| p.first() == Some(&code)).map(|p| String::from_utf8_lossy(&p[1..]).into_owned())
    };
    let get = |code| field(code).unwrap_or_default();
    let position = field(b'P').map_or(String::new(), |p| format!(" at {p}"));
    let mut out = vec![format!("{} {} {}{position}", get(b'S'), get(b'C'), get(b'M'))];
    out.extend(field(b'D').map(|d| format!("DETAIL {d}")));
    out.extend(field(b'H').map(|h| format!("HINT {h}")));
    out
}
