//! Addresses of PostgreSQL servers, written as libpq's URIs: `postgres://app:secret@db.example:5432/shop?sslmode=require`.
//!
//! Invariant: neither `Debug` nor `Display` shows a password.

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The port of PostgreSQL where an address names none.
const PORT: u16 = 5432;
/// Both beginnings that libpq takes.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// The server, the database and the role that an address names.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// A name, a number, or the directory of a Unix socket.
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
    pub password: Option<String>,
    /// Where it is left out, it is called as the role is.
    pub database: Option<String>,
    pub tls: UrlTls,
    /// A PEM file of the authorities to trust.
    pub ca: Option<String>,
}

/// The protection that an address asks for (`sslmode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UrlTls {
    /// `disable`
    Off,
    /// None on this machine, else verified: `prefer`, `allow`, or nothing said.
    #[default]
    IfRemote,
    /// `require`, `verify-ca` and `verify-full`: the certificate is verified in full for each of them.
    Verified,
}

/// A fault of an address. None of them shows its password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    #[error("it does not begin with postgres:// or postgresql://")]
    Scheme,
    #[error("it names no host")]
    NoHost,
    #[error("it names several hosts, and one is connected to")]
    SeveralHosts,
    #[error("`{0}` is not a port")]
    Port(String),
    #[error("the parameter `{0}` is not known here")]
    Parameter(String),
    #[error("`{0}` is not an sslmode")]
    SslMode(String),
    #[error("it holds a percent sign that begins no code, or one of no text")]
    Percent,
}

impl DatabaseUrlError {
    /// Returns what to write instead.
    pub fn hint(&self) -> &'static str {
        match self {
            DatabaseUrlError::Scheme | DatabaseUrlError::NoHost | DatabaseUrlError::SeveralHosts => {
                "write it as postgres://ROLE@HOST:5432/DATABASE"
            }
            DatabaseUrlError::Port(_) => "a port is a number from 1 to 65535",
            DatabaseUrlError::Parameter(_) => {
                "there are sslmode, sslrootcert, host, port, user, password, dbname, connect_timeout and application_name"
            }
            DatabaseUrlError::SslMode(_) => "there are disable, allow, prefer, require, verify-ca and verify-full",
            DatabaseUrlError::Percent => "a percent sign itself is written %25",
        }
    }
}

impl DatabaseUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// Says what of it cannot be read; never with the password in it.
    pub fn parse(text: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
        let rest =
            SCHEMES.iter().find_map(|scheme| text.trim().strip_prefix(scheme)).ok_or(DatabaseUrlError::Scheme)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (who, place) = authority.rsplit_once('@').map_or((None, authority), |(who, place)| (Some(who), place));
        let (user, password) = match who.map(|who| who.split_once(':').map_or((who, None), |(u, p)| (u, Some(p)))) {
            Some((user, password)) => (given(user)?, password.map(decoded).transpose()?),
            None => (None, None),
        };
        if place.contains(',') {
            return Err(DatabaseUrlError::SeveralHosts);
        }
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        let mut url = DatabaseUrl {
            host: decoded(host)?,
            port: port.filter(|port| !port.is_empty()).map_or(Ok(PORT), number)?,
            user,
            password,
            database: given(path)?,
            tls: UrlTls::default(),
            ca: None,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            url.set(name, decoded(value)?)?;
        }
        if url.host.is_empty() { Err(DatabaseUrlError::NoHost) } else { Ok(url) }
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), DatabaseUrlError> {
        match name {
            "host" => self.host = value,
            "port" => self.port = number(&value)?,
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "dbname" => self.database = Some(value),
            "sslrootcert" => self.ca = Some(value).filter(|ca| ca != "system"),
            "sslmode" => {
                self.tls = match value.as_str() {
                    "disable" => UrlTls::Off,
                    "allow" | "prefer" => UrlTls::IfRemote,
                    "require" | "verify-ca" | "verify-full" => UrlTls::Verified,
                    _ => return Err(DatabaseUrlError::SslMode(value)),
                };
            }
            "connect_timeout" | "application_name" => {}
            _ => return Err(DatabaseUrlError::Parameter(name.to_owned())),
        }
        Ok(())
    }

    /// Tells whether the server is on this machine.
    pub fn is_here(&self) -> bool {
        self.host.starts_with('/') || matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "::1")
    }

    /// Returns the variables by which programs that speak PostgreSQL find it: libpq's, and `DATABASE_URL`. They hold the
    /// password.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mode = match self.tls {
            UrlTls::Off => "disable",
            UrlTls::IfRemote => "prefer",
            UrlTls::Verified => "verify-full",
        };
        let given = [
            ("PGUSER", &self.user),
            ("PGPASSWORD", &self.password),
            ("PGDATABASE", &self.database),
            ("PGSSLROOTCERT", &self.ca),
        ];
        let mut variables = vec![
            ("PGHOST", self.host.clone()),
            ("PGPORT", self.port.to_string()),
            ("PGSSLMODE", mode.to_owned()),
            ("DATABASE_URL", self.written(true)),
        ];
        variables.extend(given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        variables
    }

    fn written(&self, password: bool) -> String {
        let code = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut out = "postgres://".to_owned();
        if let Some(user) = &self.user {
            out.push_str(&code(user));
            if let Some(secret) = self.password.as_ref().filter(|_| password) {
                out.push_str(&format!(":{}", code(secret)));
            }
            out.push('@');
        }
        match self.host.as_str() {
            host if host.starts_with('/') => out.push_str(&code(host)),
            host if host.contains(':') => out.push_str(&format!("[{host}]")),
            host => out.push_str(host),
        }
        out.push_str(&format!(":{}", self.port));
        if let Some(database) = &self.database {
            out.push_str(&format!("/{}", code(database)));
        }
        match self.tls {
            UrlTls::Off => out.push_str("?sslmode=disable"),
            UrlTls::IfRemote => {}
            UrlTls::Verified => out.push_str("?sslmode=verify-full"),
        }
        out
    }
}

/// Without its password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(false))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

fn number(text: &str) -> Result<u16, DatabaseUrlError> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| DatabaseUrlError::Port(text.to_owned()))
}

fn given(text: &str) -> Result<Option<String>, DatabaseUrlError> {
    if text.is_empty() { Ok(None) } else { decoded(text).map(Some) }
}

fn decoded(text: &str) -> Result<String, DatabaseUrlError> {
    let code = |rest: &str| rest.len() >= 2 && rest.chars().take(2).all(|c| c.is_ascii_hexdigit());
    if text.split('%').skip(1).any(|rest| !code(rest)) {
        return Err(DatabaseUrlError::Percent);
    }
    percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| DatabaseUrlError::Percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_libpq_reads_it() {
        let url = DatabaseUrl::parse("postgresql://app:p%40ss:w@db.example:6543/my%20shop?sslmode=require").unwrap();
        assert_eq!((url.host.as_str(), url.port), ("db.example", 6543));
        assert_eq!((url.user.as_deref(), url.password.as_deref()), (Some("app"), Some("p@ss:w")));
        assert_eq!((url.database.as_deref(), url.tls), (Some("my shop"), UrlTls::Verified));
        let short = DatabaseUrl::parse("postgres://localhost").unwrap();
        assert_eq!((short.port, short.user, short.database, short.tls), (5432, None, None, UrlTls::IfRemote));
        for (text, host) in [
            ("postgres://[::1]:1/x", "::1"),
            ("postgres://%2Ftmp%2Fsockets/x", "/tmp/sockets"),
            ("postgres:///x?host=/tmp/sockets", "/tmp/sockets"),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!((url.host.as_str(), url.is_here()), (host, true), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (text, error) in [
            ("mysql://app@h/x", DatabaseUrlError::Scheme),
            ("postgres://", DatabaseUrlError::NoHost),
            ("postgres://a,b/x", DatabaseUrlError::SeveralHosts),
            ("postgres://h:0/x", DatabaseUrlError::Port("0".into())),
            ("postgres://h:http/x", DatabaseUrlError::Port("http".into())),
            ("postgres://h/x?sslmode=yes", DatabaseUrlError::SslMode("yes".into())),
            ("postgres://h/x?options=-c", DatabaseUrlError::Parameter("options".into())),
            ("postgres://app:hunter%2@h/x", DatabaseUrlError::Percent),
        ] {
            let came = DatabaseUrl::parse(text).unwrap_err();
            assert!(!came.to_string().contains("hunter") && !came.hint().is_empty());
            assert_eq!(came, error, "{text}");
        }
        let url = DatabaseUrl::parse("postgres://app:hunter2@h/x").unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://app@h:5432/x DatabaseUrl(postgres://app@h:5432/x)");
        let variables = url.variables();
        assert!(variables.contains(&("PGPASSWORD", "hunter2".to_owned())), "{variables:?}");
        assert!(variables.contains(&("DATABASE_URL", "postgres://app:hunter2@h:5432/x".to_owned())), "{variables:?}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["postgres://a%3Ab:c%2Fd@[::1]:7/e%3Ff?sslmode=disable", "postgres://%2Ftmp:5432/x"] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(DatabaseUrl::parse(&url.written(true)), Ok(url));
        }
    }
}
