//! An initialised, empty server, made once and copied for each cluster: `initdb` takes a second, a
//! copy a twentieth of that.

use std::fs;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::account::ServerAccount;
use super::admin;
use super::install::Binaries;
use super::server::{PostgresServer, ServerSite};
use super::types::{PgError, PostgresConfig, SUPERUSER};
use crate::child::DeathSignal;
use crate::interfaces::PgServer;
use crate::launch::{Launch, Spawner};
use crate::progress::ProgressSink;

/// PostgresServer settings. Durability is off: the data is a lesson's, and a crash of the process (not of the
/// machine) loses nothing even so. The write-ahead log is complete enough for a backup of a running
/// server. Plans stay without workers and compilation, as DSQL's are.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "400"),
    ("superuser_reserved_connections", "10"),
    ("shared_buffers", "32MB"),
    ("max_locks_per_transaction", "256"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    // With fsync off this is one write to memory, and what was committed outlives a killed server.
    ("synchronous_commit", "on"),
    // What the proxy asks when it has to know whether a savepoint's rows are older than a snapshot.
    ("track_commit_timestamp", "on"),
    ("wal_level", "replica"),
    ("max_wal_senders", "0"),
    ("wal_init_zero", "off"),
    ("wal_recycle", "off"),
    ("min_wal_size", "8MB"),
    ("max_wal_size", "256MB"),
    // The proxy's monitor asks for waits of a few milliseconds; a deadlock must not last either.
    ("deadlock_timeout", "20ms"),
    // DSQL waits for nobody. Who has a lock that nothing can take from a transaction (what has used a sequence has one until
    // its end) is not waited for longer than the longest queue for a row was ever seen: a conflict is allowed instead.
    ("lock_timeout", "5s"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("max_parallel_maintenance_workers", "0"),
    // A scan that begins in the middle of a table has its rows in another order.
    ("synchronize_seqscans", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    ("log_checkpoints", "off"),
    // The proxy answers for the statements; their refusals are no news here.
    ("log_min_error_statement", "panic"),
];

/// Settings of a server without a cluster in front of it: PostgreSQL's own, but for durability and room.
const PLAIN_SETTINGS: &[(&str, &str)] = &[
    ("unix_socket_permissions", "0700"),
    ("shared_buffers", "32MB"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("wal_init_zero", "off"),
    ("wal_recycle", "off"),
    ("min_wal_size", "8MB"),
    ("max_wal_size", "256MB"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
];

/// What a template is made of.
#[derive(Debug)]
pub struct TemplateSpec {
    /// Begins its name in the cache.
    name: &'static str,
    pub superuser: &'static str,
    settings: &'static [(&'static str, &'static str)],
    hba: &'static str,
    /// The databases that its copies have no use for.
    dropped: &'static [&'static str],
}

/// The server behind a cluster.
pub const CLUSTER: TemplateSpec =
    TemplateSpec { name: "template", superuser: SUPERUSER, settings: SETTINGS, hba: HBA, dropped: SPARE_DATABASES };

/// A server of a course's own.
pub const PLAIN: TemplateSpec =
    TemplateSpec { name: "plain", superuser: "postgres", settings: PLAIN_SETTINGS, hba: PLAIN_HBA, dropped: &[] };

/// On the network nobody gets in without a password.
const PLAIN_HBA: &str = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";

/// A cluster has one database and can have no other. Without these two, a copy is a third as large.
const SPARE_DATABASES: &[&str] = &["template0", "template1"];

/// Only through the socket, whose directory only the server's account can enter.
const HBA: &str = "local all all trust\n";

/// The template for these binaries and settings, made if it is not in the cache. The caller holds the
/// cache's lock.
///
/// # Errors
/// When `initdb` fails, the fresh server does not start, or the cache cannot be written to.
pub async fn template(
    config: &PostgresConfig,
    spec: &TemplateSpec,
    binaries: &Binaries,
    account: ServerAccount,
    report: &ProgressSink,
) -> Result<PathBuf, PgError> {
    let PostgresConfig { cache, spawner, .. } = config;
    let mut hash = Sha256::new();
    for (name, value) in spec.settings {
        hash.update(format!("{name}={value}\n"));
    }
    hash.update(spec.hba);
    hash.update(spec.dropped.join(" "));
    let digest = hex::encode(&hash.finalize()[..4]);
    let home = cache.join(format!("{}-{}-{digest}-{}", spec.name, binaries.label, account.uid));
    if home.join("global/pg_control").exists() {
        return Ok(home);
    }
    report.say("preparing PostgreSQL");
    let making = cache.join(format!("making-{}", std::process::id()));
    for leftover in [&home, &making] {
        remove(leftover)?;
    }
    account.private_dir(&making).map_err(|e| PgError::io(&making, e))?;
    let made = async {
        initdb(&making, spec, binaries, account, spawner).await?;
        let hba = making.join("pg_hba.conf");
        fs::write(&hba, spec.hba).map_err(|e| PgError::io(&hba, e))?;
        if !spec.dropped.is_empty() {
            slim(&making, config, spec, binaries, account).await?;
        }
        fs::rename(&making, &home).map_err(|e| PgError::io(&home, e))
    }
    .await;
    if made.is_err() {
        let _ = fs::remove_dir_all(&making);
    }
    made.map(|()| home)
}

async fn initdb(
    dir: &Path,
    spec: &TemplateSpec,
    binaries: &Binaries,
    account: ServerAccount,
    spawner: &Spawner,
) -> Result<(), PgError> {
    let mut args: Vec<String> = [
        "--username",
        spec.superuser,
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        "--no-instructions",
        // Sixteen times smaller than usual: it is most of what a copy copies.
        "--wal-segsize=1",
        "--pgdata",
    ]
    .map(String::from)
    .to_vec();
    args.push(dir.display().to_string());
    for (name, value) in spec.settings {
        args.push("--set".into());
        args.push(format!("{name}={value}"));
    }
    let mut running = spawner
        .start(Launch {
            program: binaries.bin.join("initdb"),
            args: args.into_iter().map(Into::into).collect(),
            env: admin::server_env(),
            dir: dir.to_path_buf(),
            user: account.switch(),
            signal: DeathSignal::Kill,
            stdout: Stdio::null(),
            stderr: Stdio::piped(),
        })
        .await
        .map_err(|e| PgError::io(&binaries.bin, e))?;
    let mut said = String::new();
    if let Some(mut stderr) = running.stderr() {
        let _ = stderr.read_to_string(&mut said).await;
    }
    match running.wait().await {
        Ok(status) if status.success() => Ok(()),
        _ => Err(PgError::Initdb(said.trim().replace('\n', "; "))),
    }
}

/// Drops what a cluster never uses.
async fn slim(
    dir: &Path,
    config: &PostgresConfig,
    spec: &TemplateSpec,
    binaries: &Binaries,
    account: ServerAccount,
) -> Result<(), PgError> {
    let site = ServerSite {
        data: dir.to_path_buf(),
        socket_dir: config.run.join("template"),
        log: config.log.clone(),
        superuser: spec.superuser,
        port: None,
    };
    let server = PostgresServer::start(&site, binaries, account, &config.spawner).await?;
    let dropped = drop_databases(&server.address(), spec.dropped).await;
    server.stop().await;
    let _ = fs::remove_dir_all(&site.socket_dir);
    dropped.map_err(|error| PgError::Initdb(admin::cause_of(&error)))
}

async fn drop_databases(address: &PgServer, names: &[&str]) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = admin::connect(address).await?;
    let driver = tokio::spawn(connection);
    let work = async {
        client.batch_execute("UPDATE pg_database SET datistemplate = false").await?;
        for name in names {
            client.batch_execute(&format!("DROP DATABASE {name}")).await?;
        }
        Ok(())
    };
    let outcome = work.await;
    drop(client);
    let _ = driver.await;
    outcome
}

/// Copies a directory of files for the account, sharing the blocks where the file system can.
/// Blocking.
///
/// # Errors
/// When a file cannot be read, written or given away; one that a running server removes meanwhile is passed over.
pub fn copy_tree(from: &Path, to: &Path, account: ServerAccount) -> Result<(), PgError> {
    account.private_dir(to).map_err(|e| PgError::io(to, e))?;
    for entry in fs::read_dir(from).map_err(|e| PgError::io(from, e))? {
        let entry = entry.map_err(|e| PgError::io(from, e))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let meta = match fs::symlink_metadata(&source) {
            Ok(meta) => meta,
            // A running server removes files of its own.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(PgError::io(&source, error)),
        };
        if meta.is_dir() {
            copy_tree(&source, &target, account)?;
        } else if meta.is_file() {
            match copy_file(&source, &target, &meta).and_then(|()| account.give(&target)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !source.exists() => {}
                other => other.map_err(|e| PgError::io(&target, e))?,
            }
        }
    }
    Ok(())
}

/// By sharing blocks where the file system can, else by copying.
fn copy_file(source: &Path, target: &Path, meta: &fs::Metadata) -> std::io::Result<()> {
    let mut from = fs::File::open(source)?;
    let mut options = fs::OpenOptions::new();
    let mut to = options.write(true).create_new(true).mode(meta.mode() & 0o777).open(target)?;
    #[cfg(target_os = "linux")]
    if meta.size() > 0 && rustix::fs::ioctl_ficlone(&to, &from).is_ok() {
        return Ok(());
    }
    if meta.size() > 0 {
        std::io::copy(&mut from, &mut to)?;
    }
    Ok(())
}

/// Deletes a directory and all that is in it; one that is not there is fine.
///
/// # Errors
/// When a file cannot be deleted.
pub(super) fn remove(dir: &Path) -> Result<(), PgError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(PgError::io(dir, error)),
        _ => Ok(()),
    }
}
