//! A cloud for the database tests: credentials, policies, clusters, the proxy, and real PostgreSQL.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use workshop_dsql::conditions::Conditions;
use workshop_dsql::jobs::Pace;
use workshop_dsql::token;
use workshop_sandbox::clock::SandboxClock;
use workshop_sandbox::interfaces::{Authority, ClusterInfo, Credential, Decision, Principal, Time};
use workshop_sandbox::postgres::Servers;

pub const REGION: &str = "us-east-1";

/// What IAM knows, and what a test can change.
#[derive(Default)]
pub struct Cloud {
    /// Actions that nobody may do.
    pub denied: Mutex<Vec<String>>,
    pub status: Mutex<HashMap<String, String>>,
    pub conditions: Conditions,
}

pub fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::123456789012:role/{name}")
}

/// Credentials of an assumed role; the key's name is the role's.
pub fn credential(role: &str) -> Credential {
    Credential {
        access_key_id: format!("ASIA{role}"),
        secret_access_key: format!("secret of {role}"),
        session_token: Some(format!("token/of+{role}==")),
        expires: None,
        principal: Principal {
            arn: format!("arn:aws:sts::123456789012:assumed-role/{role}/session"),
            role_arn: Some(role_arn(role)),
        },
    }
}

impl Authority for Cloud {
    fn credential(&self, access_key_id: &str) -> Option<Credential> {
        access_key_id.strip_prefix("ASIA").map(credential)
    }

    fn authorize(&self, _: &Principal, action: &str, _: &str) -> Decision {
        match self.denied.lock().unwrap().iter().any(|denied| denied == action) {
            true => Decision::NoPolicyAllows,
            false => Decision::Allow,
        }
    }

    fn cluster(&self, host: &str) -> Option<ClusterInfo> {
        let identifier = host.strip_suffix(&format!(".dsql.{REGION}.on.aws"))?.to_owned();
        let status = self.status.lock().unwrap().get(&identifier).cloned();
        Some(ClusterInfo {
            arn: format!("arn:aws:dsql:{REGION}:123456789012:cluster/{identifier}"),
            region: REGION.into(),
            endpoint: host.to_owned(),
            status: status.unwrap_or_else(|| "ACTIVE".into()),
            identifier,
        })
    }

    fn role_exists(&self, role_arn: &str) -> bool {
        !role_arn.ends_with("/nobody")
    }

    fn conditions(&self) -> Conditions {
        self.conditions.clone()
    }
}

pub struct World {
    pub cloud: Arc<Cloud>,
    pub servers: Arc<Servers>,
    pub address: SocketAddr,
    /// The CA's certificate, as a file for libpq and as bytes for us.
    pub ca_file: PathBuf,
    pub ca: CertificateDer<'static>,
    /// The proxy's side of TLS.
    pub tls: Arc<rustls::ServerConfig>,
    pub clock: SandboxClock,
    time: Time,
    shutdown: CancellationToken,
    proxy: JoinHandle<()>,
    /// Deleted with the world.
    _dir: tempfile::TempDir,
}

impl World {
    pub async fn new() -> World {
        World::with(|clock| clock.reader().into()).await
    }

    /// One whose clients sign by the machine's clock, which does not move with the world's.
    pub async fn by_the_machine() -> World {
        World::with(SandboxClock::time).await
    }

    async fn with(time: impl FnOnce(&SandboxClock) -> Time) -> World {
        let dir = tempfile::tempdir().expect("a directory");
        let servers = Arc::new(crate::support::servers(dir.path()).await);
        let (tls, ca) = tls();
        let ca_file = dir.path().join("ca.pem");
        std::fs::write(&ca_file, pem(&ca)).expect("written");
        let (cloud, clock, shutdown) = (Arc::new(Cloud::default()), SandboxClock::new(), CancellationToken::new());
        let time = time(&clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let proxy = proxy(listener, &tls, &cloud, &servers, &time, &shutdown);
        World { cloud, servers, address, ca_file, ca, tls, clock, time, shutdown, proxy, _dir: dir }
    }

    /// Ends the proxy with all its sessions, and starts another one on the same databases.
    pub async fn restart(&mut self) {
        self.shutdown.cancel();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        self.address = listener.local_addr().expect("an address");
        self.shutdown = CancellationToken::new();
        let next = proxy(listener, &self.tls, &self.cloud, &self.servers, &self.time, &self.shutdown);
        let last = std::mem::replace(&mut self.proxy, next);
        tokio::time::timeout(Duration::from_secs(10), last).await.expect("the proxy ends").expect("well");
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.advance_ms(seconds * 1_000);
    }

    pub fn now(&self) -> SystemTime {
        self.clock.now()
    }

    pub fn token(&self, host: &str, user: &str) -> String {
        let action = if user == "admin" { "DbConnectAdmin" } else { "DbConnect" };
        token::sign(host, action, REGION, &credential("lambda"), self.now(), 900)
    }

    /// Ends the proxy and PostgreSQL, and sees that they end.
    pub async fn end(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.proxy).await.expect("the proxy ends").expect("well");
        self.servers.shutdown().await;
    }
}

fn proxy(
    listener: TcpListener,
    tls: &Arc<rustls::ServerConfig>,
    cloud: &Arc<Cloud>,
    servers: &Arc<Servers>,
    time: &Time,
    shutdown: &CancellationToken,
) -> JoinHandle<()> {
    // A minute of each, which only the tests' own clock makes pass.
    let minute = Duration::from_secs(60);
    let pace = Pace { submitted: minute, processing: minute, ..Pace::default() };
    tokio::spawn(workshop_dsql::serve(
        listener,
        tls.clone(),
        cloud.clone(),
        servers.clone(),
        time.clone(),
        pace,
        shutdown.clone(),
    ))
}

pub fn host(cluster: &str) -> String {
    format!("{cluster}.dsql.{REGION}.on.aws")
}

/// A server's TLS for every cluster of the region, and the CA to trust.
fn tls() -> (Arc<rustls::ServerConfig>, CertificateDer<'static>) {
    let ca_key = rcgen::KeyPair::generate().expect("a key");
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.distinguished_name.push(rcgen::DnType::CommonName, "the test's authority");
    let issuer = ca.self_signed(&ca_key).expect("signed");
    let key = rcgen::KeyPair::generate().expect("a key");
    let leaf =
        rcgen::CertificateParams::new(vec![format!("*.dsql.{REGION}.on.aws"), "127.0.0.1".into()]).expect("a name");
    let signer = rcgen::Issuer::new(ca, ca_key);
    let leaf = leaf.signed_by(&key, &signer).expect("signed");
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .expect("a certificate");
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    (Arc::new(config), issuer.der().clone())
}

fn pem(der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
