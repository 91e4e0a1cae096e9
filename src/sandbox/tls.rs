//! The sandbox's own certificate authority, and the proxy's certificate from it.
//!
//! Clients verify as they would on AWS; only the root they trust is another. The authority lives as long
//! as the state, so that what was exported to a shell stays valid; a server certificate lives as long as
//! a run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use workshop_base::files;

/// Years that the authority is valid for.
const AUTHORITY_YEARS: i16 = 20;

/// The authority's certificate, for clients, and what the proxy needs.
#[derive(Debug, Clone)]
pub struct Tls {
    pub ca: PathBuf,
    /// The authority beside those that this machine trusts, where they were found.
    pub bundle: Option<PathBuf>,
    /// The authority beside those that the user has told Node.js of, as behind a proxy that opens TLS.
    pub node: PathBuf,
    pub server: Arc<ServerConfig>,
}

/// Reads the authority in `dir` or makes one, and issues a certificate for the clusters of `region`.
///
/// # Errors
/// When the directory cannot be written to, or the authority's key is damaged.
pub fn prepare(dir: &Path, region: &str, now: SystemTime) -> io::Result<Tls> {
    fs::create_dir_all(dir)?;
    let (ca, key_file) = (dir.join("ca.pem"), dir.join("ca.key"));
    let year = jiff::Timestamp::try_from(now).map_or(2026, |now| now.to_zoned(jiff::tz::TimeZone::UTC).year());
    let key = match fs::read_to_string(&key_file) {
        Ok(pem) if ca.exists() => KeyPair::from_pem(&pem).map_err(io::Error::other)?,
        _ => {
            let key = KeyPair::generate().map_err(io::Error::other)?;
            let certificate = authority(year)?.self_signed(&key).map_err(io::Error::other)?;
            files::replace(&key_file, key.serialize_pem().as_bytes())?;
            files::replace(&ca, certificate.pem().as_bytes())?;
            key
        }
    };
    // Its name and key are all that a signature takes from the authority's certificate.
    let issuer = Issuer::new(authority(year)?, key);
    let server = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = certificate_for(region, year)?.signed_by(&server, &issuer).map_err(io::Error::other)?;
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    // For clients that negotiate TLS without asking first.
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    let bundle = dir.join("bundle.pem");
    let bundle = trusted_here().map(|theirs| -> io::Result<PathBuf> {
        files::replace(&bundle, &[fs::read(&ca)?, theirs].concat())?;
        Ok(bundle)
    });
    let node = match the_users("NODE_EXTRA_CA_CERTS").and_then(|path| fs::read(path).ok()) {
        Some(theirs) => {
            let node = dir.join("node.pem");
            files::replace(&node, &[fs::read(&ca)?, theirs].concat())?;
            node
        }
        None => ca.clone(),
    };
    Ok(Tls { ca, bundle: bundle.transpose()?, node, server: Arc::new(config) })
}

/// Lists of the authorities that a machine trusts, by the systems that have them there.
const TRUSTED: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/openssl@3/cert.pem",
];

/// The user's own list, else the machine's.
fn trusted_here() -> Option<Vec<u8>> {
    the_users("SSL_CERT_FILE").into_iter().chain(TRUSTED.map(PathBuf::from)).find_map(|path| fs::read(path).ok())
}

/// The file that a variable of the user's names, unless a sandbox has put it there: its list would grow with each start.
fn the_users(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from)?;
    let ours = path.parent().is_some_and(|dir| dir.ends_with(".workshop/sandbox/tls"));
    (!ours).then_some(path)
}

fn authority(year: i16) -> io::Result<CertificateParams> {
    let mut params = params(Vec::new(), year, year + AUTHORITY_YEARS)?;
    params.distinguished_name.push(DnType::CommonName, "workshop sandbox");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

fn certificate_for(region: &str, year: i16) -> io::Result<CertificateParams> {
    let name = format!("*.dsql.{region}.on.aws");
    let mut params = params(vec![name.clone()], year, year + 2)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn params(names: Vec<String>, from: i16, until: i16) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    // A machine whose clock is behind must not refuse it.
    params.not_before = rcgen::date_time_ymd(i32::from(from) - 2, 1, 1);
    params.not_after = rcgen::date_time_ymd(i32::from(until), 1, 1);
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_stays_and_its_key_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let tls = prepare(dir.path(), "us-east-1", SystemTime::now()).expect("made");
        let first = fs::read(&tls.ca).expect("read");
        let again = prepare(dir.path(), "eu-west-1", SystemTime::now()).expect("read");
        assert_eq!(first, fs::read(&again.ca).expect("read"));
        let mode = fs::metadata(dir.path().join("ca.key")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
