//! A PostgreSQL of a course's own: an ordinary server on loopback, with a password, that a course's programs reach as they
//! would reach any.
//!
//! Invariant: over the network nobody gets in without the password, which only the owner of the state can read; what the
//! server holds is in one directory and survives its end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::account::ServerAccount;
use super::admin;
use super::install::Binaries;
use super::server::{PostgresServer, ServerSite};
use super::servers::prepare;
use super::template::{self, PLAIN};
use super::types::{DATABASE, PORT, PgError, PostgresConfig};
use crate::progress::ProgressSink;
use crate::state;
use workshop_base::files;

/// Whom it is used as.
pub const ROLE: &str = "postgres";

/// A plain server that runs.
#[derive(Debug)]
pub struct PlainDatabase {
    server: PostgresServer,
    access: PlainAccess,
    version: String,
}

/// How it was reached last: what was told to a shell stays true as long as the port is free.
#[derive(Clone, Serialize, Deserialize)]
struct PlainAccess {
    port: u16,
    password: String,
}

impl std::fmt::Debug for PlainAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PlainAccess({})", self.port)
    }
}

impl PlainDatabase {
    /// Starts the server of a state, fetching and making what it needs. `port` is taken if it is given; else the last one,
    /// or PostgreSQL's own, if it is free.
    ///
    /// # Errors
    /// When no PostgreSQL can be had, no account may run it, a file cannot be written, or the port is taken.
    pub async fn start(
        mut config: PostgresConfig,
        access: &Path,
        port: Option<u16>,
        report: &ProgressSink,
    ) -> Result<PlainDatabase, PgError> {
        let (account, binaries, template) = prepare(&mut config, &PLAIN, report).await?;
        files::append(&config.log).map_err(|e| PgError::io(&config.log, e))?;
        let data = config.data.join("plain");
        if !data.join("global/pg_control").exists() {
            lay_out(template, data.clone(), account).await?;
        }
        let last: Option<PlainAccess> = fs::read(access).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let password = last.as_ref().map_or_else(new_password, |last| last.password.clone());
        let mut wanted = last.map_or(PORT, |last| last.port);
        let mut tries = 1;
        loop {
            let chosen = match port {
                Some(port) => port,
                None => free_port(wanted).await.map_err(|e| PgError::io(&data, e))?,
            };
            let now = PlainAccess { port: chosen, password: password.clone() };
            state::write_json(access, &now).map_err(|e| PgError::io(access, e))?;
            match run(&config, data.clone(), &binaries, account, chosen).await {
                Ok(server) => {
                    set_password(&server, &now.password).await?;
                    return Ok(PlainDatabase { server, access: now, version: binaries.label });
                }
                // Somebody was faster between the look and PostgreSQL's start. A port that was asked for by name is no other.
                Err(error) if port.is_none() && tries < TRIES && is_taken(&error) => {
                    (wanted, tries) = (0, tries + 1);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the variables by which programs reach it, its password among them.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let PlainAccess { port, password } = &self.access;
        let variables = [
            ("PGHOST", "127.0.0.1".to_owned()),
            ("PGPORT", port.to_string()),
            ("PGUSER", ROLE.to_owned()),
            ("PGPASSWORD", password.clone()),
            ("PGDATABASE", DATABASE.to_owned()),
            ("PGSSLMODE", "disable".to_owned()),
            ("DATABASE_URL", format!("postgres://{ROLE}:{password}@127.0.0.1:{port}/{DATABASE}?sslmode=disable")),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Returns the port that it listens on.
    pub fn port(&self) -> u16 {
        self.access.port
    }

    /// Returns the version of the binaries, for people.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Ends sessions, writes everything out, stops.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// Ports that are tried where one was free and is taken.
const TRIES: u32 = 5;

/// Tells whether a server did not start because its port is taken.
fn is_taken(error: &PgError) -> bool {
    error.to_string().contains("Address already in use")
}

async fn run(
    config: &PostgresConfig,
    data: PathBuf,
    binaries: &Binaries,
    account: ServerAccount,
    port: u16,
) -> Result<PostgresServer, PgError> {
    let site = ServerSite {
        data,
        socket_dir: config.run.join("plain"),
        log: config.log.clone(),
        superuser: PLAIN.superuser,
        port: Some(port),
    };
    PostgresServer::start(&site, binaries, account, &config.spawner).await
}

/// Copies the template beside its place, and moves it there whole.
async fn lay_out(template: PathBuf, data: PathBuf, account: ServerAccount) -> Result<(), PgError> {
    let half = data.with_extension("making");
    let target = data.clone();
    let copied = tokio::task::spawn_blocking(move || {
        template::remove(&half)?;
        template::remove(&data)?;
        template::copy_tree(&template, &half, account)?;
        fs::rename(&half, &data).map_err(|e| PgError::io(&data, e))
    });
    copied.await.unwrap_or_else(|error| Err(PgError::io(&target, std::io::Error::other(error))))
}

/// The password of the one who uses it. It is known over the network only; on the socket everybody is trusted who can reach
/// that.
async fn set_password(server: &PostgresServer, password: &str) -> Result<(), PgError> {
    let failed = |error: tokio_postgres::Error| PgError::Start(admin::cause_of(&error));
    let (client, connection) = admin::connect(&server.address()).await.map_err(failed)?;
    let driver = tokio::spawn(connection);
    // Hexadecimal digits: there is nothing to quote.
    let set = client.batch_execute(&format!("SET log_statement = none; ALTER ROLE {ROLE} PASSWORD '{password}'")).await;
    drop(client);
    let _ = driver.await;
    set.map_err(failed)
}

fn new_password() -> String {
    format!("{:024x}", rand::random::<u128>() >> 32)
}

/// Returns `wanted` if nobody listens there, else any that is free. Another may take it before the server does.
async fn free_port(wanted: u16) -> std::io::Result<u16> {
    let bound = match TcpListener::bind(("127.0.0.1", wanted)).await {
        Ok(bound) => bound,
        Err(_) => TcpListener::bind(("127.0.0.1", 0)).await?,
    };
    Ok(bound.local_addr()?.port())
}
