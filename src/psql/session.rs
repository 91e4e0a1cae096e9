//! Sessions: where to connect, as whom, and with which proof.
//!
//! Invariant: a token is minted for each new connection and forgotten with it; it is never shown.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use workshop_base::database_url::{DatabaseUrl, UrlTls};

use crate::report::{SqlError, StatementResult};
use crate::servererror::ServerMessage;
use crate::token::{Secret, TokenSource};
use crate::wire::{self, CancelKey, PgConnection, Socket, TlsPlan, WireError};

/// The proof of who we are.
#[derive(Clone)]
pub enum Auth {
    /// A token for each connection: DSQL.
    Token(Arc<dyn TokenSource>),
    /// A password: ordinary PostgreSQL.
    Password(Secret),
    /// Nothing: a server that trusts its own machine.
    Trust,
}

/// The protection of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tls {
    /// TLS after an SSLRequest, the certificate verified in full: what every client speaks.
    #[default]
    VerifyFull,
    /// TLS from the first byte, verified in full: one round trip less (`sslnegotiation=direct`).
    Direct,
    /// None: only for a test server on this machine. DSQL refuses it.
    Off,
}

/// Everything a connection needs, but the role.
#[derive(Clone)]
pub struct Connector {
    /// The name of the server: for SNI, the certificate and the token.
    pub host: String,
    /// The address where it really listens, when that is not where its name leads (the local target). A directory stands for
    /// the Unix socket in it.
    pub hostaddr: Option<String>,
    pub port: u16,
    pub database: String,
    /// PEM file of the authorities to trust; the machine's own when there is none.
    pub ca: Option<PathBuf>,
    pub tls: Tls,
    pub auth: Auth,
    /// The time that connecting may take, token and TLS included.
    pub timeout: Duration,
}

/// Advice where a server wants a password.
const PASSWORD: &str = "put it into the server's address, or set PGPASSWORD";
/// The time that connecting may take before it is given up, unless someone says otherwise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

impl Connector {
    /// A connector for a cluster endpoint on the standard port, with tokens.
    pub fn new(host: impl Into<String>, tokens: Arc<dyn TokenSource>) -> Connector {
        Connector {
            host: host.into(),
            hostaddr: None,
            port: 5432,
            database: "postgres".to_owned(),
            ca: None,
            tls: Tls::VerifyFull,
            auth: Auth::Token(tokens),
            timeout: CONNECT_TIMEOUT,
        }
    }

    /// A connector for an ordinary PostgreSQL server, with the password that its address has. `role` is who connects where
    /// the address names nobody, and the name of the database where it names none.
    pub fn to_server(url: &DatabaseUrl, role: &str) -> Connector {
        let tls = match url.tls {
            UrlTls::Off => Tls::Off,
            UrlTls::IfRemote if url.is_here() => Tls::Off,
            UrlTls::IfRemote | UrlTls::Verified => Tls::VerifyFull,
        };
        let user = url.user.as_deref().unwrap_or(role);
        Connector {
            host: url.host.clone(),
            hostaddr: None,
            port: url.port,
            database: url.database.clone().unwrap_or_else(|| user.to_owned()),
            ca: url.ca.as_ref().map(PathBuf::from),
            tls,
            auth: url.password.as_ref().map_or(Auth::Trust, |password| Auth::Password(Secret::new(password))),
            timeout: CONNECT_TIMEOUT,
        }
    }

    /// The same on another host: a password and plain text are for the server that they were given for.
    pub(super) fn at_host(&self, host: String) -> Connector {
        let from = self.clone();
        if matches!(from.auth, Auth::Token(_)) {
            return Connector { host, ..from };
        }
        let url = DatabaseUrl {
            host,
            port: from.port,
            user: None,
            password: None,
            database: Some(from.database),
            tls: if from.tls == Tls::Off { UrlTls::IfRemote } else { UrlTls::Verified },
            ca: from.ca.map(|ca| ca.to_string_lossy().into_owned()),
        };
        Connector { timeout: from.timeout, ..Connector::to_server(&url, "") }
    }

    /// The address that is dialled.
    pub fn address(&self) -> &str {
        self.hostaddr.as_deref().unwrap_or(&self.host)
    }

    /// Returns what proves that we may connect as `role`: a fresh token where tokens are used.
    ///
    /// # Errors
    /// When there is no token.
    pub(super) async fn password(&self, role: &str) -> Result<Option<Secret>, WireError> {
        match &self.auth {
            Auth::Token(source) => Ok(Some(source.token(&self.host, role).await.map_err(WireError::Token)?)),
            Auth::Password(secret) => Ok(Some(secret.clone())),
            Auth::Trust => Ok(None),
        }
    }

    /// Opens a socket as this connector says, TLS included.
    ///
    /// # Errors
    /// When there is no route or no trust.
    pub(super) async fn socket(&self) -> Result<Box<dyn Socket>, WireError> {
        let plan = self.tls_plan().await?;
        Ok(wire::open(self.address(), self.port, plan.as_ref()).await?.0)
    }

    /// That connecting took longer than it may.
    pub(super) fn late(&self) -> WireError {
        let address = format!("{}:{}", self.address(), self.port);
        WireError::TimedOut { address, seconds: self.timeout.as_secs() }
    }

    /// Connects as `role`, with a fresh token where tokens are used.
    ///
    /// # Errors
    /// When there is no token, no route, no trust, or the server refuses.
    pub async fn connect(&self, role: &str) -> Result<(PgConnection, Vec<ServerMessage>), WireError> {
        let connecting = async {
            let password = self.password(role).await?;
            let plan = self.tls_plan().await?;
            // Nothing else goes in: DSQL refuses start-up parameters that PostgreSQL would take.
            let startup = [
                ("user", role),
                ("database", self.database.as_str()),
                ("application_name", "workshop"),
                ("client_encoding", "UTF8"),
            ];
            PgConnection::connect(self.address(), self.port, plan.as_ref(), &startup, password.as_ref()).await
        };
        tokio::time::timeout(self.timeout, connecting).await.map_err(|_| self.late())?
    }

    /// Asks the server, on a second connection, to cancel what the connection with this key runs.
    ///
    /// # Errors
    /// When the second connection cannot be made.
    pub async fn cancel(&self, key: CancelKey) -> Result<(), WireError> {
        let plan = self.tls_plan().await?;
        wire::cancel(self.address(), self.port, plan.as_ref(), key).await
    }

    async fn tls_plan(&self) -> Result<Option<TlsPlan>, WireError> {
        let direct = match self.tls {
            Tls::Off => return Ok(None),
            Tls::VerifyFull => false,
            Tls::Direct => true,
        };
        let roots = self.roots().await?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| WireError::Roots(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        if direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(Some(TlsPlan { config: Arc::new(config), host: self.host.clone(), direct }))
    }

    async fn roots(&self) -> Result<rustls::RootCertStore, WireError> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject;
        let mut roots = rustls::RootCertStore::empty();
        match &self.ca {
            Some(file) => {
                let unreadable = |e: &dyn std::fmt::Display| WireError::Roots(format!("{}: {e}", file.display()));
                let pem = tokio::fs::read(file).await.map_err(|e| unreadable(&e))?;
                for certificate in CertificateDer::pem_slice_iter(&pem) {
                    let certificate = certificate.map_err(|e| unreadable(&e))?;
                    roots.add(certificate).map_err(|e| unreadable(&e))?;
                }
            }
            None => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
        }
        if roots.is_empty() {
            let place = self.ca.as_ref().map_or("this machine".to_owned(), |f| f.display().to_string());
            return Err(WireError::Roots(format!("{place} holds no certificates")));
        }
        Ok(roots)
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connector({}:{}/{})", self.address(), self.port, self.database)
    }
}

/// Runs one text on an open connection and keeps the last statement's result, with up to `most` of its rows.
///
/// # Errors
/// The first error, the server's or the connection's.
pub(super) async fn collect(
    connection: &mut PgConnection,
    query: &str,
    most: usize,
) -> Result<StatementResult, WireError> {
    connection.query(query).await?;
    let mut result = StatementResult::default();
    let mut error = None;
    loop {
        let frame = connection.next().await?;
        match frame.tag {
            b'T' => {
                let columns = wire::columns(frame.body)?.into_iter().map(|(name, _)| name).collect();
                result = StatementResult { columns, ..StatementResult::default() };
            }
            b'D' => {
                result.row_count += 1;
                if result.rows.len() < most {
                    result.rows.push(owned_row(frame.body)?);
                }
            }
            b'C' => {
                let tag = String::from_utf8_lossy(frame.body.strip_suffix(b"\0").unwrap_or(frame.body)).into_owned();
                if result.columns.is_empty() {
                    result.row_count = tag_rows(&tag).unwrap_or(0);
                }
                result.tag = tag;
            }
            b'G' => connection.copy_end(Some("there is no data")).await?,
            b'E' => {
                let message = ServerMessage::parse(frame.body);
                if message.is_fatal() {
                    return Err(WireError::Refused(Box::new(message)));
                }
                error.get_or_insert(message);
            }
            b'Z' => break,
            _ => {}
        }
    }
    match error {
        Some(message) => Err(WireError::Refused(Box::new(message))),
        None => Ok(result),
    }
}

/// Returns the values of a DataRow, as text of our own.
///
/// # Errors
/// When the message is cut short.
pub(super) fn owned_row(body: &[u8]) -> std::io::Result<Vec<Option<String>>> {
    wire::values(body)?.map(|v| v.map(|v| v.map(|v| String::from_utf8_lossy(v).into_owned()))).collect()
}

/// Returns how many rows a command tag speaks of: `INSERT 0 5` → 5, `CREATE TABLE` → none.
pub(super) fn tag_rows(tag: &str) -> Option<u64> {
    tag.rsplit(' ').next()?.parse().ok()
}

impl WireError {
    /// The error in the shape of the server's. What is not the server's own gets an SQLSTATE of class 08,
    /// "connection exception".
    pub fn to_message(&self) -> ServerMessage {
        let own =
            |state: &str| ServerMessage { severity: "FATAL".to_owned(), ..ServerMessage::own(state, self.to_string()) };
        match self {
            WireError::Refused(message) => (**message).clone(),
            WireError::Lost(_) => own("08006"),
            WireError::Token(problem) => ServerMessage { hint: problem.hint.clone(), ..own("08001") },
            WireError::NoPassword => ServerMessage { hint: Some(PASSWORD.to_owned()), ..own("28000") },
            WireError::Authentication => own("28000"),
            WireError::Connect { .. }
            | WireError::NoTls(_)
            | WireError::Tls { .. }
            | WireError::Roots(_)
            | WireError::HostName(_)
            | WireError::TimedOut { .. } => own("08001"),
        }
    }

    /// Returns the error as a run reports it.
    pub fn to_report(&self) -> SqlError {
        self.to_message().to_report()
    }
}
