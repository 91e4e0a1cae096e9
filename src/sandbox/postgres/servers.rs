//! The servers of a sandbox's clusters, and the spare that the next cluster gets.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as Plain, PoisonError};

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::account::{ServerAccount, open_dir};
use super::index::{IndexFile, remove_behind, to_trash};
use super::install::{self, Binaries};
use super::server::{PostgresServer, ServerSite};
use super::template::{self, CLUSTER, TemplateSpec};
use super::types::{PgError, PostgresConfig};
use crate::interfaces::{BoxFuture, Databases, PgServer};
use crate::progress::ProgressSink;
use crate::state;
use workshop_base::files;

/// A PostgreSQL server for each cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Servers {
    pub(super) inner: Arc<ServersInner>,
}

/// Shared by the clones of [`Servers`].
#[derive(Debug)]
pub(super) struct ServersInner {
    pub config: PostgresConfig,
    pub account: ServerAccount,
    binaries: Binaries,
    template: PathBuf,
    pub index: IndexFile,
    slots: Plain<HashMap<String, Arc<Mutex<Option<PostgresServer>>>>>,
    spare: Mutex<Option<(u32, PostgresServer)>>,
    stopping: Mutex<bool>,
    tasks: Plain<JoinSet<()>>,
}

impl Servers {
    /// Fetches and initialises PostgreSQL if the cache lacks it, and reads what clusters there are. Starts nothing.
    ///
    /// # Errors
    /// When no PostgreSQL can be had, no account may run it, a directory cannot be made or reached, or the index of the
    /// clusters is damaged.
    pub async fn open(mut config: PostgresConfig, report: &ProgressSink) -> Result<Servers, PgError> {
        let (account, binaries, template) = prepare(&mut config, &CLUSTER, report).await?;
        // Before there is a server to lose its words.
        files::append(&config.log).map_err(|e| PgError::io(&config.log, e))?;
        files::remove_unfinished(&config.data);
        let index = IndexFile::open(&config.data)?;
        index.now().sweep(&config.data);
        Ok(Servers {
            inner: Arc::new(ServersInner {
                config,
                account,
                binaries,
                template,
                index,
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
    ///
    /// # Errors
    /// When one of them does not start; the others are started all the same.
    pub async fn start_all(&self) -> Result<(), PgError> {
        let index = self.inner.index.now();
        let starts = index.clusters.keys().map(|cluster| self.inner.ensure(cluster));
        futures::future::join_all(starts).await.into_iter().try_for_each(|started| started.map(drop))
    }

    /// Stops every server; later requests are refused.
    pub async fn shutdown(&self) {
        *self.inner.stopping.lock().await = true;
        let tasks = std::mem::take(&mut *lock(&self.inner.tasks));
        tasks.join_all().await;
        self.inner.stop_all().await;
    }

    /// Returns the version of the binaries, for people.
    pub fn version(&self) -> &str {
        &self.inner.binaries.label
    }

    /// Returns the process ids of the running servers, the spare's among them.
    pub async fn pids(&self) -> Vec<i32> {
        let slots: Vec<_> = lock(&self.inner.slots).values().cloned().collect();
        let mut pids = Vec::new();
        for slot in slots {
            pids.extend(slot.lock().await.as_ref().map(PostgresServer::pid));
        }
        pids.extend(self.inner.spare.lock().await.as_ref().map(|(_, server)| server.pid()));
        pids
    }
}

impl Databases for Servers {
    fn ensure(&self, cluster: &str) -> BoxFuture<'_, Result<PgServer, String>> {
        let cluster = cluster.to_string();
        Box::pin(async move {
            let known = self.inner.index.now().clusters.contains_key(&cluster);
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
            let index = &self.inner.index;
            let number = index.change(|index| index.clusters.remove(&cluster)).await.map_err(|e| e.to_string())?;
            // Only this one: while it runs, or is being made, the spare is not in the index.
            let trash = number.and_then(|number| to_trash(&self.inner.config.data, number));
            remove_behind(trash.into_iter().collect());
            Ok(())
        })
    }
}

impl ServersInner {
    /// Returns where the cluster's server is reached, starting it, or taking the spare for it, if need be.
    ///
    /// # Errors
    /// When the sandbox is stopping, a server does not start, or the index cannot be written.
    pub async fn ensure(&self, cluster: &str) -> Result<PgServer, PgError> {
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
        let number = self.index.now().clusters.get(cluster).copied();
        let server = match number {
            Some(number) => self.boot(number).await?,
            None => {
                let spare = self.spare.lock().await.take();
                let alive = spare.and_then(|(number, mut server)| (!server.ended()).then_some((number, server)));
                let (number, server) = match alive {
                    Some(ready) => ready,
                    None => self.fresh().await?,
                };
                self.index.change(|index| index.clusters.insert(cluster.to_string(), number)).await?;
                server
            }
        };
        let address = server.address();
        *slot = Some(server);
        Ok(address)
    }

    /// Makes a running server without a past: the spare of the last run, or a new copy.
    async fn fresh(&self) -> Result<(u32, PostgresServer), PgError> {
        let (left, next) = self
            .index
            .change(|index| {
                let left = index.spare.take();
                index.last += u32::from(left.is_none());
                (left, index.last)
            })
            .await?;
        let number = match left {
            Some(number) => number,
            None => {
                self.copy(self.template.clone(), self.config.data.join(next.to_string())).await?;
                next
            }
        };
        Ok((number, self.boot(number).await?))
    }

    async fn boot(&self, number: u32) -> Result<PostgresServer, PgError> {
        let site = ServerSite {
            data: self.config.data.join(number.to_string()),
            socket_dir: self.config.run.join(format!("pg{number}")),
            log: self.config.log.clone(),
            superuser: CLUSTER.superuser,
            port: None,
        };
        PostgresServer::start(&site, &self.binaries, self.account, &self.config.spawner).await
    }

    /// Copies a directory of PostgreSQL's, replacing what is at `to`.
    ///
    /// # Errors
    /// When a file cannot be read, written or given to PostgreSQL's account.
    pub async fn copy(&self, from: PathBuf, to: PathBuf) -> Result<(), PgError> {
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

    /// Stops the servers that run; the spare's directory is kept for the next start.
    pub async fn stop_all(&self) {
        let slots: Vec<_> = std::mem::take(&mut *lock(&self.slots)).into_values().collect();
        let mut stops = Vec::new();
        for slot in slots {
            stops.extend(slot.lock().await.take().map(PostgresServer::stop));
        }
        if let Some((number, server)) = self.spare.lock().await.take() {
            stops.push(server.stop());
            if let Err(error) = self.index.change(|index| index.spare = Some(number)).await {
                tracing::warn!(%error, "the spare server is forgotten");
            }
        }
        futures::future::join_all(stops).await;
    }
}

/// Deletes the data of a sandbox that does not run, wherever it lies.
///
/// # Errors
/// When no account may run PostgreSQL, or the data cannot be deleted.
pub fn wipe(data: &Path) -> Result<(), PgError> {
    let account = ServerAccount::choose()?;
    template::remove(&place_of(account, data)?)?;
    template::remove(data)
}

/// Makes ready what a server of a state needs: the account that runs it, the program, and a directory to begin from. Cache and
/// data of `config` become the places that this account can reach.
///
/// # Errors
/// When no PostgreSQL can be had, no account may run it, or a directory cannot be made or reached.
pub(super) async fn prepare(
    config: &mut PostgresConfig,
    spec: &TemplateSpec,
    report: &ProgressSink,
) -> Result<(ServerAccount, Binaries, PathBuf), PgError> {
    let account = ServerAccount::choose()?;
    config.cache = account.reachable(&config.cache, "cache")?;
    let data = place_of(account, &config.data)?;
    if data != config.data {
        note_owner(&data, &config.data)?;
    }
    config.data = data;
    for dir in [&config.cache, &config.data] {
        open_dir(dir).map_err(|e| PgError::io(dir, e))?;
    }
    let lock = config.cache.join("lock");
    let _lock = state::FileLock::wait(&lock).await.map_err(|e| PgError::io(&lock, e))?;
    let binaries = install::binaries(&config.cache, report).await?;
    let template = template::template(config, spec, &binaries, account, report).await?;
    Ok((account, binaries, template))
}

/// Returns where the data really lies: PostgreSQL's account may be unable to reach the state.
///
/// # Errors
/// When it reaches no place of ours.
pub(super) fn place_of(account: ServerAccount, data: &Path) -> Result<PathBuf, PgError> {
    account.reachable(data, &format!("state-{}", state::short_hash(data)))
}

/// Writes down whose the data is that lies away from its state, so that it can be deleted after it, and deletes what
/// others have left.
///
/// # Errors
/// When it cannot be written.
pub(super) fn note_owner(data: &Path, state: &Path) -> Result<(), PgError> {
    if let Some(base) = data.parent() {
        for entry in fs::read_dir(base).into_iter().flatten().flatten() {
            let owner = fs::read_to_string(entry.path().join("owner"));
            if owner.is_ok_and(|owner| Path::new(&owner).parent().is_some_and(|dir| !dir.exists())) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
    open_dir(data).map_err(|e| PgError::io(data, e))?;
    let owner = data.join("owner");
    files::replace(&owner, state.to_string_lossy().as_bytes()).map_err(|e| PgError::io(&owner, e))
}

fn lock<T>(mutex: &Plain<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
