//! A connection of ours to a cluster's PostgreSQL, over its unix socket: framed reading, buffered writing,
//! and plain queries for the proxy's own needs.
//!
//! Invariant: knows nothing of clients and of transactions.

use std::io;
use std::path::PathBuf;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::inbox;
use super::texts::{Rule, SqlFailure};
use super::wire;
use crate::interfaces::PgServer;
use workshop_base::files;

#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error("database connection: {0}")]
    Io(#[from] io::Error),
    /// PostgreSQL's own refusal or error: the body of an ErrorResponse.
    #[error("{}", describe(.0))]
    Refused(Bytes),
}

fn describe(body: &[u8]) -> String {
    let get = |code| wire::field(body, code).unwrap_or_default();
    format!("{} ({})", get(b'M'), get(b'C'))
}

/// A database that stops where less than this is free, in bytes, has stopped for that: it ends at once when it cannot
/// go on with its log, by pieces of 1 MiB, and tells its clients at most that some process of it has ended.
const TOO_LITTLE: u64 = 4 << 20;
/// What to do then.
const FREE_SPACE: &str = "Free some disk space, then connect again: what was committed is kept.";

/// Why a database ended or does not take connections, if it is for want of space on its disk.
pub fn starved(server: &PgServer) -> Option<SqlFailure> {
    let free = files::free_in(&server.data).filter(|free| *free < TOO_LITTLE)?;
    let left = format!("{} kB are left in {}", free >> 10, server.data.display());
    Some(Rule::DiskFull.fill(&[&left]).hint(FREE_SPACE).fatal())
}

/// PostgreSQL refuses a connection whose cache of the catalogue it cannot write, and does not say why it cannot
/// (`write_relcache_init_file`); a disk that is not full takes it.
fn is_disk_full(body: &[u8]) -> bool {
    let message = wire::field(body, b'M').unwrap_or_default();
    wire::field(body, b'C') == Some("53100") || message.starts_with("could not write init file")
}

impl BackendError {
    /// Returns the SQLSTATE; empty when the connection has failed.
    pub fn code(&self) -> &str {
        match self {
            BackendError::Io(_) => "",
            BackendError::Refused(body) => wire::field(body, b'C').unwrap_or_default(),
        }
    }

    /// As the client is told.
    pub fn failure(&self) -> SqlFailure {
        match self {
            BackendError::Io(_) => Rule::Unreachable.fill(&["the database stopped"]).fatal(),
            BackendError::Refused(body) if is_disk_full(body) => {
                Rule::DiskFull.fill(&[wire::field(body, b'M').unwrap_or_default()]).hint(FREE_SPACE).fatal()
            }
            BackendError::Refused(body) => {
                let text = |code| wire::field(body, code).map(str::to_owned);
                SqlFailure {
                    severity: "FATAL",
                    code: text(b'C').unwrap_or_default(),
                    message: text(b'M').unwrap_or_default(),
                    detail: text(b'D'),
                    hint: text(b'H'),
                    position: None,
                }
            }
        }
    }
}

/// The rows of a query of ours, as text.
pub type Rows = Vec<Vec<Option<String>>>;

/// One whole message.
#[derive(Debug, Clone)]
pub struct Message {
    pub kind: u8,
    /// With type byte and length.
    pub raw: Bytes,
}

impl Message {
    /// Returns what follows type byte and length.
    pub fn body(&self) -> &[u8] {
        &self.raw[5..]
    }
}

pub struct Backend {
    stream: UnixStream,
    /// What was read and not yet taken.
    pub inbox: BytesMut,
    /// What is to be sent.
    pub out: BytesMut,
    /// The command tag of our own last query.
    pub tag: String,
    pub pid: i32,
    pub key: i32,
    /// What the server reported at the start.
    pub parameters: Vec<(String, String)>,
    /// ParameterStatus messages among answers that the client does not see.
    pub reported: BytesMut,
}

/// The socket's path, by libpq's naming.
pub fn socket(server: &PgServer) -> PathBuf {
    server.socket_dir.join(format!(".s.PGSQL.{}", server.port))
}

impl Backend {
    /// Connects as `user`; trust authentication is all that is spoken.
    ///
    /// # Errors
    /// The socket's, and PostgreSQL's refusal of the role.
    pub async fn connect(server: &PgServer, user: &str, params: &[(&str, &str)]) -> Result<Backend, BackendError> {
        let stream = UnixStream::connect(socket(server)).await?;
        let mut this = Backend {
            stream,
            inbox: BytesMut::new(),
            out: BytesMut::new(),
            tag: String::new(),
            pid: 0,
            key: 0,
            parameters: Vec::new(),
            reported: BytesMut::new(),
        };
        let mut all = vec![("user", user), ("database", server.database.as_str())];
        all.extend(params);
        wire::put_startup(&mut this.out, &all);
        this.send().await?;
        loop {
            let message = this.next().await?;
            match message.kind {
                b'R' if message.body() == [0; 4] => {}
                b'R' => return Err(io::Error::other("the database asks for a password").into()),
                b'S' => {
                    let mut body = message.body();
                    if let (Some(name), Some(value)) = (wire::cstr(&mut body), wire::cstr(&mut body)) {
                        this.parameters.push((name.to_owned(), value.to_owned()));
                    }
                }
                b'K' => {
                    let mut body = message.body();
                    (this.pid, this.key) = (body.get_i32(), body.get_i32());
                }
                b'E' => return Err(BackendError::Refused(message.raw.slice(5..))),
                b'Z' => return Ok(this),
                _ => {}
            }
        }
    }

    /// Connects as the superuser, for the sandbox's own work: names are looked up where no client can define any.
    ///
    /// # Errors
    /// The socket's, and PostgreSQL's refusal.
    pub async fn connect_as_owner(server: &PgServer) -> Result<Backend, BackendError> {
        Backend::connect(server, &server.superuser, &[("search_path", "pg_catalog, pg_temp")]).await
    }

    /// Sends what waits in `out`.
    pub async fn send(&mut self) -> io::Result<()> {
        // In one piece: a system call for pieces costs more.
        self.stream.write_all(&self.out).await?;
        inbox::emptied(&mut self.out);
        Ok(())
    }

    /// Sends these bytes, after what waits in `out`.
    ///
    /// # Errors
    /// When the server has gone.
    pub async fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.out.is_empty() {
            self.send().await?;
        }
        self.stream.write_all(bytes).await
    }

    /// Reads more. Cancel-safe.
    ///
    /// # Errors
    /// When the server has gone, or ended the stream in the middle of a message.
    pub async fn fill(&mut self) -> io::Result<()> {
        match inbox::read(&mut self.stream, &mut self.inbox).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The type and whole length of the message at the head, once its header is there.
    ///
    /// # Errors
    /// When the length that it states cannot be a message's.
    pub fn head(&self) -> io::Result<Option<(u8, usize)>> {
        match wire::frame_len(&self.inbox, i32::MAX as usize) {
            Ok(len) => Ok(len.map(|len| (self.inbox[0], len))),
            Err(e) => Err(io::Error::new(io::ErrorKind::InvalidData, e)),
        }
    }

    /// The next message that is there already.
    ///
    /// # Errors
    /// When what is there is no message.
    pub fn ready(&mut self) -> io::Result<Option<Message>> {
        Ok(match self.head()? {
            Some((kind, len)) if self.inbox.len() >= len => {
                Some(Message { kind, raw: self.inbox.split_to(len).freeze() })
            }
            _ => None,
        })
    }

    /// The next message. Cancel-safe.
    ///
    /// # Errors
    /// When the server has gone, or what comes is no message.
    pub async fn next(&mut self) -> io::Result<Message> {
        loop {
            match self.ready()? {
                Some(message) => return Ok(message),
                None => self.fill().await?,
            }
        }
    }

    /// Runs one of our own queries; the rows of its last result. An error does not stop the reading
    /// before ReadyForQuery.
    ///
    /// # Errors
    /// The socket's; PostgreSQL's own error once its ReadyForQuery has come.
    pub async fn query(&mut self, sql: &str) -> Result<Rows, BackendError> {
        wire::put_query(&mut self.out, sql);
        self.send().await?;
        self.result().await
    }

    /// Runs one statement with parameters, as text: they stand in no text that anybody could read. The rows.
    ///
    /// # Errors
    /// The socket's; PostgreSQL's own error once its ReadyForQuery has come.
    pub async fn query_with(&mut self, sql: &str, params: &[&str]) -> Result<Rows, BackendError> {
        wire::put_parse(&mut self.out, "", sql, &[]);
        wire::put_text_bind(&mut self.out, params);
        wire::put_target(&mut self.out, b'D', b'P', "");
        wire::put_execute(&mut self.out, "", 0);
        wire::put_empty(&mut self.out, b'S');
        self.send().await?;
        self.result().await
    }

    /// Has a statement parsed, and nothing done with it.
    ///
    /// # Errors
    /// The socket's; what PostgreSQL has against the text.
    pub async fn parse(&mut self, sql: &str) -> Result<(), BackendError> {
        wire::put_parse(&mut self.out, "", sql, &[]);
        wire::put_empty(&mut self.out, b'S');
        self.send().await?;
        self.result().await.map(|_| ())
    }

    /// The result of a query that was sent, to its ReadyForQuery.
    ///
    /// # Errors
    /// The socket's; PostgreSQL's first error among the results.
    pub async fn result(&mut self) -> Result<Rows, BackendError> {
        let (mut rows, mut error) = (Vec::new(), None);
        loop {
            let message = self.next().await?;
            match message.kind {
                b'T' => rows.clear(),
                b'D' => rows.extend(wire::row(message.body())),
                b'C' => self.tag = wire::cstr(&mut message.body()).unwrap_or_default().to_owned(),
                b'S' => self.reported.extend_from_slice(&message.raw),
                b'E' if error.is_none() => error = Some(BackendError::Refused(message.raw.slice(5..))),
                b'Z' => return error.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }
}

/// Asks a server to cancel what a backend does, as a CancelRequest does.
///
/// # Errors
/// When the server cannot be reached. That it took the request is never told.
pub async fn cancel(server: &PgServer, pid: i32, key: i32) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket(server)).await?;
    let mut out = BytesMut::new();
    wire::put_cancel(&mut out, pid, key);
    stream.write_all_buf(&mut out).await?;
    // The server closes when it has done so.
    let mut rest = [0; 16];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_where_postgresql_does_not() {
        let refused = |body: &'static [u8]| BackendError::Refused(Bytes::from_static(body)).failure();
        let full = refused(b"SFATAL\0CXX000\0Mcould not write init file\0\0");
        assert_eq!((full.severity, full.code.as_ref()), ("FATAL", "53100"));
        assert_eq!(full.message, "the disk that holds the sandbox is full: could not write init file");
        assert!(full.hint.unwrap().starts_with("Free some disk space"));
        let other = refused(b"SFATAL\0CXX000\0Msomething else\0\0");
        assert_eq!((other.code.as_ref(), other.message.as_str()), ("XX000", "something else"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_database_that_ends_on_a_full_disk_ends_for_that() {
        let server = |data: &str| PgServer {
            socket_dir: "/".into(),
            port: 1,
            superuser: "s".into(),
            database: "postgres".into(),
            data: data.into(),
        };
        // Nothing can be written there, and it says so.
        let failure = starved(&server("/proc")).expect("no space");
        assert_eq!((failure.severity, failure.code.as_ref()), ("FATAL", "53100"));
        assert!(failure.message.contains("0 kB are left in /proc"), "{}", failure.message);
        assert!(starved(&server("/nowhere")).is_none(), "what cannot be known is not said");
    }
}
