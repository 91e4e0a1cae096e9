//! From an accepted socket to a session: TLS, startup, password, role, backend.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::access::{self, Admitted};
use super::backend::{self, Backend};
use super::client::Client;
use super::cluster::DatabaseCluster;
use super::own_names::SERVER_VERSION;
use super::proxy::{Door, Proxy};
use super::rules::parameters;
use super::session::{ProxySession, SessionEnd, SessionSetup};
use super::texts::{Rule, SqlFailure};
use super::wire::{self, Opening};
use crate::conditions::SandboxFault;
use crate::interfaces::ClusterInfo;
use workshop_base::sql::quote_literal;

/// What to do about a connection in the clear.
const NO_TLS: &str = "connect with sslmode=require, or with verify-full and the certificate authority";
/// How long a client may take to be let in.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves one connection to its end.
pub(super) async fn connection(proxy: Arc<Proxy>, socket: TcpStream) {
    let shutdown = proxy.shutdown.clone();
    let admitted = tokio::select! {
        admitted = tokio::time::timeout(PATIENCE, enter(&proxy, socket)) => admitted,
        () = shutdown.cancelled() => return,
    };
    let (client, server, cluster, user, _inside) = match admitted {
        Ok(Ok(Some(entered))) => entered,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection was not made");
            return;
        }
        Err(_) => {
            tracing::debug!("a connection was not made in time");
            return;
        }
    };
    let setting =
        SessionSetup { cluster, user, authority: proxy.authority.clone(), time: proxy.time.clone(), shutdown };
    match ProxySession::serve(client, server, setting).await {
        Ok(()) | Err(SessionEnd::Goodbye) => {}
        Err(error) => tracing::debug!(%error, "a session has ended"),
    }
}

type EnteredClient = (Client<TlsStream<TcpStream>>, Backend, Arc<DatabaseCluster>, String, CountedConnection);

/// None: the connection was served or refused already.
async fn enter(proxy: &Arc<Proxy>, socket: TcpStream) -> io::Result<Option<EnteredClient>> {
    socket.set_nodelay(true)?;
    let Some(socket) = until_tls(proxy, socket).await? else { return Ok(None) };
    let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), socket).await?;
    let host = start.client_hello().server_name().map(str::to_ascii_lowercase);
    let mut client = Client::new(start.into_stream(proxy.tls.clone()).await?);
    let Some(params) = startup(proxy, &mut client).await? else { return Ok(None) };
    match admit(proxy, &mut client, host.as_deref(), params).await? {
        Ok((server, cluster, user, inside)) => Ok(Some((client, server, cluster, user, inside))),
        Err(failure) => {
            client.refuse(&failure).await?;
            Ok(None)
        }
    }
}

/// Answers the requests that come in the clear, up to the start of TLS: asked for, or direct.
async fn until_tls(proxy: &Proxy, mut socket: TcpStream) -> io::Result<Option<TcpStream>> {
    loop {
        let mut first = [0; 1];
        if socket.peek(&mut first).await? == 0 {
            return Ok(None);
        }
        // A TLS record: the client has not asked, as PostgreSQL 17's direct negotiation has it.
        if first[0] == 0x16 {
            return Ok(Some(socket));
        }
        // Not one byte more than the packet may be read: what follows may be TLS.
        let mut packet = vec![0; 4];
        socket.read_exact(&mut packet).await?;
        let len = u32::from_be_bytes([packet[0], packet[1], packet[2], packet[3]]) as usize;
        if !(8..=10_000).contains(&len) {
            return Ok(None);
        }
        packet.resize(len, 0);
        socket.read_exact(&mut packet[4..]).await?;
        match wire::opening(&packet) {
            Ok(Some((_, Opening::Gss))) => socket.write_all(b"N").await?,
            Ok(Some((_, Opening::Ssl))) => {
                socket.write_all(b"S").await?;
                return Ok(Some(socket));
            }
            Ok(Some((_, Opening::Cancel { pid, key }))) => {
                cancel(proxy, pid, key).await;
                return Ok(None);
            }
            Ok(Some((_, Opening::Startup { .. }))) => {
                Client::new(socket).refuse(&Rule::NoTls.failure().fatal().hint(NO_TLS)).await?;
                return Ok(None);
            }
            Ok(Some((_, Opening::Version(_)))) | Ok(None) | Err(_) => return Ok(None),
        }
    }
}

async fn cancel(proxy: &Proxy, pid: i32, key: i32) {
    if let Some(server) = proxy.session(pid, key).await
        && let Err(error) = backend::cancel(&server, pid, key).await
    {
        tracing::debug!(%error, "a statement could not be cancelled");
    }
}

type StartupParams = Vec<(String, String)>;

/// The startup parameters; None when the connection was something else.
async fn startup<S: AsyncRead + AsyncWrite + Unpin>(
    proxy: &Proxy,
    client: &mut Client<S>,
) -> io::Result<Option<StartupParams>> {
    let failure = match client.opening().await? {
        Some(Opening::Startup { minor, params }) => {
            let (options, params): (StartupParams, StartupParams) =
                params.into_iter().partition(|(k, _)| k.starts_with("_pq_."));
            if minor > 0 || !options.is_empty() {
                let names: Vec<&str> = options.iter().map(|(k, _)| k.as_str()).collect();
                wire::put_negotiate(&mut client.out, &names);
            }
            return Ok(Some(params));
        }
        Some(Opening::Cancel { pid, key }) => {
            cancel(proxy, pid, key).await;
            client.close().await?;
            return Ok(None);
        }
        Some(Opening::Version(version)) => {
            format!("unsupported frontend protocol {}.{}: server supports 3.0", version >> 16, version & 0xffff)
        }
        Some(Opening::Ssl | Opening::Gss) => "encryption has been negotiated already".to_owned(),
        None => return Ok(None),
    };
    client.refuse(&Rule::Protocol.fill(&[&failure]).fatal()).await?;
    Ok(None)
}

type Admission = Result<(Backend, Arc<DatabaseCluster>, String, CountedConnection), SqlFailure>;

async fn admit<S: AsyncRead + AsyncWrite + Unpin>(
    proxy: &Arc<Proxy>,
    client: &mut Client<S>,
    host: Option<&str>,
    params: StartupParams,
) -> io::Result<Admission> {
    let info = match access::cluster(proxy.authority.as_ref(), host) {
        Ok(info) => info,
        Err(failure) => return Ok(Err(failure)),
    };
    if proxy.authority.conditions().strikes(SandboxFault::WakingUp) {
        return Ok(Err(Rule::WakingUp.failure().fatal()));
    }
    let inside = match CountedConnection::new(proxy, &info.identifier) {
        Ok(inside) => inside,
        Err(failure) => return Ok(Err(failure)),
    };
    let get = |name: &str| params.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str());
    let user = get("user").unwrap_or_default().to_owned();
    wire::put_auth(&mut client.out, 3);
    client.flush().await?;
    let Some(message) = client.next().await? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
    let password = match (message.kind, wire::cstr(&mut message.body())) {
        (b'p', Some(password)) => password.to_owned(),
        _ => return Ok(Err(Rule::Protocol.fill(&["expected password response"]).fatal())),
    };
    let admitted = access::admit(proxy.authority.as_ref(), &info, &user, &password, &proxy.time);
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(failure) => return Ok(Err(failure)),
    };
    Ok(match connect(proxy, &info, &user, &admitted, &params).await {
        Ok((mut backend, cluster)) => {
            welcome(client, &mut backend, &user);
            Ok((backend, cluster, user, inside))
        }
        Err(failure) => Err(failure),
    })
}

async fn connect(
    proxy: &Arc<Proxy>,
    info: &ClusterInfo,
    user: &str,
    admitted: &Admitted,
    params: &StartupParams,
) -> Result<(Backend, Arc<DatabaseCluster>), SqlFailure> {
    let unreachable = |error: String| {
        tracing::warn!(cluster = %info.identifier, %error, "the database cannot be reached");
        Rule::Unreachable.fill(&[&error]).fatal()
    };
    let server = proxy.databases.ensure(&info.identifier).await.map_err(unreachable)?;
    let cluster = proxy.cluster(&info.identifier, server.clone()).await;
    let cluster = cluster.map_err(|e| backend::starved(&server).unwrap_or_else(|| unreachable(e.to_string())))?;
    if admitted.needs_mapping {
        mapped(&cluster, user, admitted).await?;
    }
    let database = params.iter().find(|(k, _)| k == "database").map_or(user, |(_, v)| v.as_str());
    if database != "postgres" {
        return Err(Rule::BadDatabase.fill(&[database]).fatal());
    }
    let options = params.iter().find(|(name, _)| name == "options").map_or("", |(_, value)| value.as_str());
    let options = options.replace(parameters::DISABLE_SYNC_CREATE_INDEX, parameters::KEPT_SYNC);
    let mut passed = vec![(parameters::KEPT_SYNC, "on")];
    for (name, value) in params {
        match name.as_str() {
            "user" | "database" => {}
            "replication" => return Err(refused("replication")),
            "options" => match parameters::refused_option(value) {
                Some(option) => return Err(refused(&option)),
                None => passed.push((name.as_str(), options.as_str())),
            },
            name if name.eq_ignore_ascii_case(parameters::DISABLE_SYNC_CREATE_INDEX) => {
                passed.push((parameters::KEPT_SYNC, value.as_str()));
            }
            name if !parameters::is_settable(name) => return Err(refused(name)),
            name => passed.push((name, value.as_str())),
        }
    }
    let backend = Backend::connect(&cluster.server, user, &passed).await.map_err(|error| match error.code() {
        "53300" => Rule::TooManyConnections.failure().fatal(),
        _ => backend::starved(&cluster.server).unwrap_or_else(|| error.failure()),
    })?;
    Ok((backend, cluster))
}

fn refused(parameter: &str) -> SqlFailure {
    Rule::SetParameter.fill(&[parameter]).fatal()
}

/// The role must be there, be able to log in, and be mapped to who has signed.
async fn mapped(cluster: &DatabaseCluster, user: &str, admitted: &Admitted) -> Result<(), SqlFailure> {
    let who = &admitted.principal;
    let arns: Vec<String> =
        [Some(&who.arn), who.role_arn.as_ref()].into_iter().flatten().map(|a| quote_literal(a)).collect();
    let sql = format!(
        "SELECT r.rolcanlogin AND EXISTS (SELECT FROM pg_dsql.iam_mapping m WHERE m.pg_role = r.oid AND m.arn IN ({1})) \
         FROM pg_roles r WHERE r.rolname = {0}",
        quote_literal(user),
        arns.join(",")
    );
    match cluster.ask(&sql).await {
        Ok(rows) => match rows.into_iter().flatten().flatten().next().as_deref() {
            Some("t") => Ok(()),
            found => Err(access::unmapped(found.is_some())),
        },
        Err(error) => Err(error.failure()),
    }
}

/// Everything between the password and the first query.
fn welcome<S: AsyncRead + AsyncWrite + Unpin>(client: &mut Client<S>, backend: &mut Backend, user: &str) {
    let out = &mut client.out;
    wire::put_auth(out, 0);
    for (name, value) in std::mem::take(&mut backend.parameters) {
        let value = match name.as_str() {
            "server_version" => SERVER_VERSION,
            "session_authorization" => user,
            _ => &value,
        };
        wire::put_parameter(out, &name, value);
    }
    wire::put(out, b'K', |out| {
        out.extend_from_slice(&backend.pid.to_be_bytes());
        out.extend_from_slice(&backend.key.to_be_bytes());
    });
    wire::put_ready(out, b'I');
}

/// Counts a connection while it lives.
struct CountedConnection {
    proxy: Arc<Proxy>,
    identifier: String,
}

impl CountedConnection {
    fn new(proxy: &Arc<Proxy>, identifier: &str) -> Result<CountedConnection, SqlFailure> {
        let (limits, now) = (proxy.authority.conditions().limits(), (proxy.time.now)());
        proxy.doors(identifier, |door: &mut Door| {
            if !door.bucket.take(limits, now) {
                return Err(Rule::ConnectionRate.failure().fatal());
            }
            if door.inside >= limits.at_once {
                return Err(Rule::TooManyConnections.failure().fatal());
            }
            door.inside += 1;
            Ok(())
        })?;
        Ok(CountedConnection { proxy: proxy.clone(), identifier: identifier.to_owned() })
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.proxy.doors(&self.identifier, |door| door.inside = door.inside.saturating_sub(1));
    }
}
