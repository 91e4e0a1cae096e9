//! The database that a course has besides the cluster of its stack: how it is reached, and by which variables its own
//! programs find it.

use super::cloud::DatabaseSite;
use workshop_base::database_url::DatabaseUrl;
use workshop_psql::session::Connector;

/// A database that is there already.
#[derive(Clone)]
pub struct OwnDatabase {
    /// Its name among hosts, and who connects where nobody is named.
    pub site: DatabaseSite,
    /// The way to it.
    pub connector: Connector,
    url: DatabaseUrl,
}

impl OwnDatabase {
    /// Takes the address of a database. `role` connects where it names nobody.
    pub fn new(url: DatabaseUrl, role: &str) -> OwnDatabase {
        let role = url.user.clone().unwrap_or_else(|| role.to_owned());
        let host = if url.host.starts_with('/') { "local".to_owned() } else { format!("{}:{}", url.host, url.port) };
        OwnDatabase { connector: Connector::to_server(&url, &role), site: DatabaseSite { host, role }, url }
    }

    /// Returns the password in its address, unless it is a word that says nothing: `postgres` for `postgres`, as throw-away
    /// servers have it.
    pub fn password(&self) -> Option<&str> {
        let url = &self.url;
        let known = |secret: &&str| [&url.user, &url.database].iter().any(|word| word.as_deref() == Some(*secret));
        url.password.as_deref().filter(|secret| !known(secret))
    }

    /// Returns the variables by which the course's own programs find it, the password among them.
    pub fn variables(&self) -> Vec<(String, String)> {
        self.url.variables().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
