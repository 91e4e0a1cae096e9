//! A PostgreSQL server for each cluster, with a spare one ready so that a new cluster is up at once.
//!
//! Invariants: no server listens on a network; none outlives the sandbox; the data of a cluster is in
//! one numbered directory, named by the index, and nothing in the directory that the index does not
//! name is worth keeping.

pub mod account;
pub mod install;
pub mod server;
pub mod template;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as Plain, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use self::account::ServerAccount;
use self::install::Binaries;
use self::server::{PostgresServer, ServerSite};
use super::interfaces::{BoxFuture, Databases, PgServer};
use super::launch::Spawner;
use super::progress::ProgressSink;
use super::state;
use workshop_base::problem::Problem;

/// The bootstrap superuser, as Amazon's managed databases call theirs.
pub const SUPERUSER: &str = "rdsadmin";
pub const DATABASE: &str = "postgres";
/// Only part of the socket's name: each server has a directory of its own.
pub const PORT: u16 = 5432;

#[derive(Debug, thiserror::Error)]
pub enum PgError {
    #[error("no PostgreSQL 16 to be had ({0})")]
    NoBinaries(String),
    #[error("PostgreSQL does not run as root, and there is no unprivileged account to run it as")]
    NoAccount,
    #[error("PostgreSQL's account cannot reach {}", .0.display())]
    Unreachable(PathBuf),
    #[error("PostgreSQL could not be initialised: {0}")]
    Initdb(String),
    #[error("PostgreSQL did not start: {0}")]
    Start(String),
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("PostgreSQL could not be saved: {0}")]
    Save(String),
    #[error("the sandbox is stopping")]
    Stopping,
}

impl PgError {
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        PgError::Io { path: path.to_path_buf(), source }
    }
}

impl From<PgError> for Problem {
    fn from(error: PgError) -> Problem {
        let full = error.to_string().contains("No space left on device");
        let hint = match &error {
            _ if full => "free some disk space and try again".into(),
            PgError::NoBinaries(_) => {
                "check the network and that `npm ping` works, then try again; or install PostgreSQL 16 or newer".into()
            }
            PgError::NoAccount => "run as an ordinary user, or add a user called `postgres`".into(),
            PgError::Unreachable(_) => "set WORKSHOP_CACHE to a directory that every user can enter".into(),
            PgError::Initdb(said) if said.contains("look up effective user") => {
                "give the current user an entry in /etc/passwd".into()
            }
            PgError::Initdb(_) | PgError::Start(_) => {
                "look at .workshop/sandbox/log/postgres.log; `workshop sandbox reset` starts anew".into()
            }
            PgError::Io { source, .. } => state::io_hint(source).into(),
            PgError::Save(_) => "try again".into(),
            PgError::Stopping => "start it again".to_string(),
        };
        Problem::environment(error).hint(hint)
    }
}

/// What the servers stand on.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// Shared by all sandboxes of the machine.
    pub cache: PathBuf,
    /// Data of this sandbox's clusters.
    pub data: PathBuf,
    /// Short enough for sockets (some 90 characters at most), reachable by every account.
    pub run: PathBuf,
    /// The servers' log.
    pub log: PathBuf,
    pub spawner: Spawner,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Servers {
    inner: Arc<ServersInner>,
}

#[derive(Debug)]
struct ServersInner {
    config: PostgresConfig,
    account: ServerAccount,
    binaries: Binaries,
    template: PathBuf,
    index: Plain<ClusterIndex>,
    slots: Plain<HashMap<String, Arc<Mutex<Option<PostgresServer>>>>>,
    spare: Mutex<Option<(u32, PostgresServer)>>,
    stopping: Mutex<bool>,
    tasks: Plain<JoinSet<()>>,
}

/// Which directory holds which cluster.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct ClusterIndex {
    clusters: BTreeMap<String, u32>,
    /// A complete directory that no cluster has yet.
    spare: Option<u32>,
    last: u32,
}

const INDEX: &str = "index.json";

impl Servers {
    /// Fetches and initialises PostgreSQL if the cache lacks it, and reads what clusters there are.
    /// Starts nothing.
    pub async fn open(mut config: PostgresConfig, report: &ProgressSink) -> Result<Servers, PgError> {
        let account = ServerAccount::choose()?;
        let wanted = config.cache.clone();
        config.cache = account.reachable(&wanted, "cache")?;
        config.data = {
            let data = place_of(account, &config.data)?;
            if data != config.data {
                note_owner(&data, &config.data)?;
            }
            data
        };
        for dir in [&config.cache, &config.data] {
            account::open_dir(dir).map_err(|e| PgError::io(dir, e))?;
        }
        let (binaries, template) = {
            let lock = config.cache.join("lock");
            let _lock = state::FileLock::wait(&lock).await.map_err(|e| PgError::io(&lock, e))?;
            let binaries = install::binaries(&config.cache, report).await?;
            let made = template::template(&config, &binaries, account, report).await?;
            (binaries, made)
        };
        let index = read_index(&config.data)?;
        sweep(&config.data, &index);
        Ok(Servers {
            inner: Arc::new(ServersInner {
                config,
                account,
                binaries,
                template,
                index: Plain::new(index),
                slots: Plain::default(),
                spare: Mutex::default(),
                stopping: Mutex::default(),
                tasks: Plain::default(),
            }),
        })
    }

    /// Begins to prepare the server that the next new cluster will get.
    pub fn prepare_spare(&self) {
        let inner = self.inner.clone();
        lock(&self.inner.tasks).spawn(async move {
            let stopping = inner.stopping.lock().await;
            let mut spare = inner.spare.lock().await;
            if spare.is_some() || *stopping {
                return;
            }
            // Whoever asks for a cluster waits on the spare's lock; nobody on this one.
            drop(stopping);
            match inner.fresh().await {
                Ok(made) => *spare = Some(made),
                Err(error) => tracing::warn!(%error, "no spare server"),
            }
        });
    }

    /// Starts the servers of all clusters that exist, side by side.
    pub async fn start_all(&self) -> Result<(), PgError> {
        let clusters: Vec<String> = lock(&self.inner.index).clusters.keys().cloned().collect();
        let starts = clusters.iter().map(|cluster| self.inner.ensure(cluster));
        futures::future::try_join_all(starts).await.map(drop)
    }

    /// Stops every server; later requests are refused.
    pub async fn shutdown(&self) {
        *self.inner.stopping.lock().await = true;
        let tasks = std::mem::take(&mut *lock(&self.inner.tasks));
        tasks.join_all().await;
        self.inner.stop_all().await;
    }

    /// The version of the binaries, for people.
    pub fn version(&self) -> &str {
        &self.inner.binaries.label
    }

    /// Process ids of the running servers.
    pub async fn pids(&self) -> Vec<i32> {
        let slots: Vec<_> = lock(&self.inner.slots).values().cloned().collect();
        let mut pids = Vec::new();
        for slot in slots {
            pids.extend(slot.lock().await.as_ref().map(PostgresServer::pid));
        }
        pids.extend(self.inner.spare.lock().await.as_ref().map(|(_, server)| server.pid()));
        pids
    }

    /// Copies the data of all clusters to `to` while they run.
    pub async fn save(&self, to: &Path) -> Result<(), PgError> {
        let index = lock(&self.inner.index).clone();
        fs::create_dir_all(to).map_err(|e| PgError::io(to, e))?;
        for (cluster, number) in &index.clusters {
            let address = self.inner.ensure(cluster).await?;
            self.inner.backup(&address, *number, &to.join(number.to_string())).await?;
        }
        write_index(to, &ClusterIndex { spare: None, ..index })
    }

    /// Replaces the data of all clusters by what was saved. Until that has been copied, nothing is touched.
    pub async fn restore(&self, from: &Path) -> Result<(), PgError> {
        let path = from.join(INDEX);
        fs::metadata(&path).map_err(|e| PgError::io(&path, e))?;
        let saved = read_index(from)?;
        let inner = &self.inner;
        let mut number = {
            let mut index = lock(&inner.index);
            let first = index.last.max(saved.last);
            index.last = first + saved.clusters.len() as u32;
            first
        };
        let mut restored = ClusterIndex::default();
        for (cluster, old) in &saved.clusters {
            number += 1;
            restored.clusters.insert(cluster.clone(), number);
            let (from, to) = (from.join(old.to_string()), inner.config.data.join(number.to_string()));
            if let Err(error) = inner.copy(from, to).await {
                let names = restored.clusters.values().map(u32::to_string);
                remove_behind(names.filter_map(|name| to_trash(&inner.config.data, &name)).collect());
                return Err(error);
            }
        }
        inner.stop_all().await;
        restored.last = lock(&inner.index).last;
        write_index(&inner.config.data, &restored)?;
        sweep(&inner.config.data, &restored);
        *lock(&inner.index) = restored;
        self.start_all().await
    }

    /// Deletes all clusters.
    pub async fn clear(&self) -> Result<(), PgError> {
        self.inner.stop_all().await;
        let index = ClusterIndex { last: lock(&self.inner.index).last, ..ClusterIndex::default() };
        write_index(&self.inner.config.data, &index)?;
        sweep(&self.inner.config.data, &index);
        *lock(&self.inner.index) = index;
        Ok(())
    }
}

impl Databases for Servers {
    fn ensure(&self, cluster: &str) -> BoxFuture<'_, Result<PgServer, String>> {
        let cluster = cluster.to_string();
        Box::pin(async move {
            let known = lock(&self.inner.index).clusters.contains_key(&cluster);
            let answer = self.inner.ensure(&cluster).await.map_err(|error| error.to_string());
            if !known {
                self.prepare_spare();
            }
            answer
        })
    }

    fn delete(&self, cluster: &str) -> BoxFuture<'_, Result<(), String>> {
        let cluster = cluster.to_string();
        Box::pin(async move {
            let slot = lock(&self.inner.slots).remove(&cluster);
            if let Some(slot) = slot
                && let Some(server) = slot.lock().await.take()
            {
                server.abandon().await;
            }
            let (number, index) = {
                let mut index = lock(&self.inner.index);
                (index.clusters.remove(&cluster), index.clone())
            };
            write_index(&self.inner.config.data, &index).map_err(|e| e.to_string())?;
            // Only this one: while it runs, or is being made, the spare is not in the index.
            let trash = number.and_then(|number| to_trash(&self.inner.config.data, &number.to_string()));
            remove_behind(trash.into_iter().collect());
            Ok(())
        })
    }
}

impl ServersInner {
    async fn ensure(&self, cluster: &str) -> Result<PgServer, PgError> {
        if *self.stopping.lock().await {
            return Err(PgError::Stopping);
        }
        let slot = lock(&self.slots).entry(cluster.to_string()).or_default().clone();
        let mut slot = slot.lock().await;
        if let Some(server) = slot.as_mut() {
            if !server.ended() {
                return Ok(server.address());
            }
            tracing::warn!(cluster, "the server had ended; starting it again");
        }
        let number = lock(&self.index).clusters.get(cluster).copied();
        let server = match number {
            Some(number) => self.boot(number).await?,
            None => {
                let spare = self.spare.lock().await.take();
                let alive = spare.and_then(|(number, mut server)| (!server.ended()).then_some((number, server)));
                let (number, server) = match alive {
                    Some(ready) => ready,
                    None => self.fresh().await?,
                };
                let index = {
                    let mut index = lock(&self.index);
                    index.clusters.insert(cluster.to_string(), number);
                    index.spare = None;
                    index.clone()
                };
                write_index(&self.config.data, &index)?;
                server
            }
        };
        let address = server.address();
        *slot = Some(server);
        Ok(address)
    }

    /// A running server without a past: the spare of the last run, or a new copy.
    async fn fresh(&self) -> Result<(u32, PostgresServer), PgError> {
        let left = lock(&self.index).spare.take();
        let number = match left {
            Some(number) => number,
            None => {
                let number = {
                    let mut index = lock(&self.index);
                    index.last += 1;
                    index.last
                };
                self.copy(self.template.clone(), self.config.data.join(number.to_string())).await?;
                number
            }
        };
        Ok((number, self.boot(number).await?))
    }

    async fn boot(&self, number: u32) -> Result<PostgresServer, PgError> {
        let site = ServerSite {
            data: self.config.data.join(number.to_string()),
            socket_dir: self.config.run.join(format!("pg{number}")),
            log: self.config.log.clone(),
        };
        PostgresServer::start(&site, &self.binaries, self.account, &self.config.spawner).await
    }

    async fn copy(&self, from: PathBuf, to: PathBuf) -> Result<(), PgError> {
        let account = self.account;
        let target = to.clone();
        let copied = tokio::task::spawn_blocking(move || {
            template::remove(&to)?;
            template::copy_tree(&from, &to, account)
        });
        match copied.await {
            Ok(outcome) => outcome,
            Err(error) => Err(PgError::io(&target, std::io::Error::other(error))),
        }
    }

    /// A backup of a running server: its files between the start and the stop of a backup, and the log
    /// since.
    async fn backup(&self, address: &PgServer, number: u32, to: &Path) -> Result<(), PgError> {
        let failed = |error: tokio_postgres::Error| PgError::Save(whole(&error));
        let (client, connection) = connect(address).await.map_err(failed)?;
        let driver = tokio::spawn(connection);
        let saved = async {
            client.query("SELECT pg_backup_start('save', true)", &[]).await.map_err(failed)?;
            let data = self.config.data.join(number.to_string());
            self.copy(data.clone(), to.to_path_buf()).await?;
            let row = client.query_one("SELECT labelfile FROM pg_backup_stop(false)", &[]).await.map_err(failed)?;
            // The log that makes the copy consistent was written after the copying began.
            template::remove(&to.join("pg_wal"))?;
            self.copy(data.join("pg_wal"), to.join("pg_wal")).await?;
            let label = to.join("backup_label");
            fs::write(&label, row.get::<_, String>(0)).map_err(|e| PgError::io(&label, e))?;
            self.account.give(&label).map_err(|e| PgError::io(&label, e))?;
            for running_only in ["postmaster.pid", "postmaster.opts"] {
                let _ = fs::remove_file(to.join(running_only));
            }
            Ok(())
        }
        .await;
        drop(client);
        let _ = driver.await;
        saved
    }

    async fn stop_all(&self) {
        let slots: Vec<_> = std::mem::take(&mut *lock(&self.slots)).into_values().collect();
        let mut stops = Vec::new();
        for slot in slots {
            stops.extend(slot.lock().await.take().map(PostgresServer::stop));
        }
        if let Some((number, server)) = self.spare.lock().await.take() {
            stops.push(server.stop());
            let index = {
                let mut index = lock(&self.index);
                index.spare = Some(number);
                index.clone()
            };
            if let Err(error) = write_index(&self.config.data, &index) {
                tracing::warn!(%error, "the spare server is forgotten");
            }
        }
        futures::future::join_all(stops).await;
    }
}

type AdminConnection = tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>;

/// As the superuser.
async fn connect(address: &PgServer) -> Result<(tokio_postgres::Client, AdminConnection), tokio_postgres::Error> {
    tokio_postgres::Config::new()
        .host_path(&address.socket_dir)
        .port(address.port)
        .user(&address.superuser)
        .dbname(&address.database)
        .connect(tokio_postgres::NoTls)
        .await
}

/// An error with its cause, which alone says what happened.
fn whole(error: &tokio_postgres::Error) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// Deletes the data of a sandbox that does not run, wherever it lies.
pub fn wipe(data: &Path) -> Result<(), PgError> {
    let account = ServerAccount::choose()?;
    template::remove(&place_of(account, data)?)?;
    template::remove(data)
}

/// Where the data really lies: PostgreSQL's account may be unable to reach the state.
fn place_of(account: ServerAccount, data: &Path) -> Result<PathBuf, PgError> {
    account.reachable(data, &format!("state-{}", state::short_hash(data)))
}

/// The environment of PostgreSQL's programs: nothing of the user's.
fn server_env() -> Vec<(OsString, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    vec![("PATH".into(), path), ("LC_ALL".into(), "C".into()), ("TZ".into(), "UTC".into())]
}

fn read_index(dir: &Path) -> Result<ClusterIndex, PgError> {
    let path = dir.join(INDEX);
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|e| PgError::io(&path, e.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(ClusterIndex::default()),
        Err(error) => Err(PgError::io(&path, error)),
    }
}

fn write_index(dir: &Path, index: &ClusterIndex) -> Result<(), PgError> {
    let path = dir.join(INDEX);
    state::write_json(&path, index).map_err(|e| PgError::io(&path, e))
}

/// Deletes, in the background, every numbered directory that the index does not name.
fn sweep(data: &Path, index: &ClusterIndex) {
    let keep: Vec<u32> = index.clusters.values().copied().chain(index.spare).collect();
    let Ok(entries) = fs::read_dir(data) else { return };
    let mut gone = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        match name.parse::<u32>() {
            Ok(number) if keep.contains(&number) => {}
            Ok(_) => gone.extend(to_trash(data, &name)),
            Err(_) if name.ends_with(".trash") => gone.push(entry.path()),
            Err(_) => {}
        }
    }
    remove_behind(gone);
}

/// Moves a numbered directory out of the way at once: a new server may get the number.
fn to_trash(data: &Path, name: &str) -> Option<PathBuf> {
    let trash = data.join(format!("{name}.trash"));
    fs::rename(data.join(name), &trash).is_ok().then_some(trash)
}

/// Deletes directories in the background.
fn remove_behind(gone: Vec<PathBuf>) {
    tokio::task::spawn_blocking(move || {
        for dir in gone {
            let _ = fs::remove_dir_all(dir);
        }
    });
}

/// Data that lies away from its state says whose it is, so that it can be deleted after it; deletes
/// what others have left.
fn note_owner(data: &Path, state: &Path) -> Result<(), PgError> {
    if let Some(base) = data.parent() {
        for entry in fs::read_dir(base).into_iter().flatten().flatten() {
            let owner = fs::read_to_string(entry.path().join("owner"));
            if owner.is_ok_and(|owner| Path::new(&owner).parent().is_some_and(|dir| !dir.exists())) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
    account::open_dir(data).map_err(|e| PgError::io(data, e))?;
    let owner = data.join("owner");
    fs::write(&owner, state.to_string_lossy().as_bytes()).map_err(|e| PgError::io(&owner, e))
}

fn lock<T>(mutex: &Plain<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
