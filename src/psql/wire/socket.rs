//! The socket: plain, Unix or TLS, and the request to cancel that goes over one of its own.

use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::error::WireError;

/// The facts that TLS needs: the name that the certificate must carry, and whom to trust.
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
///
/// # Errors
/// When nobody listens there, the server takes no TLS, or its certificate is not to be trusted.
pub(crate) async fn open(
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

/// The terms that were agreed on when TLS began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3`
    pub protocol: String,
    /// `TLS_AES_256_GCM_SHA384`
    pub cipher: String,
}

/// The facts that a CancelRequest must name: the server process and the number that proves it is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancelKey {
    pub(super) process: i32,
    pub(super) secret: i32,
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
