//! What the connections of one cluster share: its server, the version of its catalogue, the commit token,
//! who waits for whom.
//!
//! Invariant: nothing here runs a client's statement.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

use super::backend::{Backend, BackendError, Rows};
use super::catalog_change::{CatalogChange, CatalogUse};
use super::catalog_names::{self, CatalogNames};
use super::conflict_state::{ConflictState, SessionEntry, SessionRequest, lock};
use super::job_queue::JobQueue;
use super::own_names::SERVER_VERSION;
use super::rules::parameters;
use super::shared_keys::{SharedKey, SharedKeys};
use super::statement::{Catalogue, SqlStatement, WriteEffects};
use super::table_order::TableOrder;
use super::{texts, wire};
use crate::interfaces::PgServer;

/// How long a statement may run before the monitor looks whether it waits for a lock.
pub const PATIENCE: Duration = Duration::from_millis(2);

pub struct DatabaseCluster {
    pub server: PgServer,
    /// What the proxy proves itself with in sessions that are the client's own; see `pg_dsql.door`.
    pub key: String,
    /// Counts committed changes of the catalogue.
    catalog: AtomicU64,
    /// What they have changed, the last ones.
    changes: RwLock<VecDeque<(u64, CatalogChange)>>,
    /// Held while a transaction is replayed and committed: one at a time.
    pub commit_lock: tokio::sync::Mutex<()>,
    sessions: Mutex<HashMap<i32, Arc<SessionEntry>>>,
    /// Wakes the monitor: some statement takes long.
    wake_monitor: Notify,
    /// Sessions whose statement takes long.
    slow: AtomicU64,
    names: RwLock<CatalogNames>,
    /// Commits that have taken keys away, and such as are being made.
    takes: AtomicU64,
    taking: AtomicU64,
    /// Rows that committed transactions have locked FOR KEY SHARE, for those that began before.
    shared: Mutex<SharedKeys>,
    /// Whether any table refers to another.
    foreign_keys: AtomicBool,
    /// Whether that may be looked at as late as at COMMIT.
    deferred: AtomicBool,
    /// Whether any of them is changed with what it refers to.
    cascades: AtomicBool,
    pub table_order: TableOrder,
    /// Our own superuser connection; None after it broke.
    admin_connection: tokio::sync::Mutex<Option<Backend>>,
    pub jobs: JobQueue,
}

/// How many changes of the catalogue are remembered.
const CHANGES: usize = 4_096;

/// Where a transaction's snapshot stands among the commits that take keys away.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeysTaken {
    commits: u64,
    /// One was being made, and may or may not be in the snapshot.
    unsure: bool,
}

impl DatabaseCluster {
    /// Prepares the server's database for clients.
    ///
    /// # Errors
    /// The server does not take connections, or refuses a part of the setup.
    pub async fn open(server: PgServer) -> Result<Arc<DatabaseCluster>, BackendError> {
        let mut backend = Backend::connect_as_owner(&server).await?;
        backend.query(include_str!("setup.sql")).await?;
        backend.query(&texts::as_sql()).await?;
        backend.query(&catalogue()).await?;
        for part in PARTS {
            backend.query(part).await?;
        }
        backend.query(&include_str!("closing.sql").replace("{refused}", &parameters::refused_pattern())).await?;
        let key = hex::encode(rand::random::<[u8; 32]>());
        backend.query(&format!("DELETE FROM pg_dsql.door; INSERT INTO pg_dsql.door VALUES ('{key}')")).await?;
        for row in backend.query("SELECT datname FROM pg_database WHERE datname LIKE 'template%'").await? {
            // The service shows one database; these two serve CREATE DATABASE only, which does not exist.
            if let Some(Some(name)) = row.first() {
                backend.query(&format!("ALTER DATABASE {name} IS_TEMPLATE false")).await?;
                backend.query(&format!("DROP DATABASE {name}")).await?;
            }
        }
        let cluster = Arc::new(DatabaseCluster {
            server,
            key,
            catalog: AtomicU64::new(1),
            changes: RwLock::default(),
            commit_lock: tokio::sync::Mutex::new(()),
            sessions: Mutex::default(),
            wake_monitor: Notify::new(),
            slow: AtomicU64::new(0),
            names: RwLock::default(),
            takes: AtomicU64::new(0),
            taking: AtomicU64::new(0),
            shared: Mutex::default(),
            foreign_keys: AtomicBool::new(false),
            deferred: AtomicBool::new(false),
            cascades: AtomicBool::new(false),
            table_order: TableOrder::default(),
            admin_connection: tokio::sync::Mutex::new(Some(backend)),
            jobs: JobQueue::default(),
        });
        cluster.read_catalog().await?;
        Ok(cluster)
    }

    /// Runs a query of ours as the superuser.
    ///
    /// # Errors
    /// The connection's, after which the next question makes a new one, and PostgreSQL's own.
    pub async fn ask(&self, sql: &str) -> Result<Rows, BackendError> {
        self.with_admin(async |backend| backend.query(sql).await).await
    }

    /// Returns what PostgreSQL's grammar has against a [probe](super::classify::grammar_probe): the body of the
    /// ErrorResponse.
    pub async fn objection(&self, probe: &str) -> Option<Bytes> {
        match self.with_admin(async |backend| backend.parse(probe).await).await {
            // Not that these are several statements, which it says when it has read them all.
            Err(BackendError::Refused(body)) => {
                (wire::field(&body, b'R') != Some("exec_parse_message")).then_some(body)
            }
            // If there is anything, it will be said again.
            Ok(()) | Err(BackendError::Io(_)) => None,
        }
    }

    async fn with_admin<T>(
        &self,
        run: impl AsyncFnOnce(&mut Backend) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        let mut admin_connection = self.admin_connection.lock().await;
        let mut backend = match admin_connection.take() {
            Some(backend) => backend,
            None => Backend::connect_as_owner(&self.server).await?,
        };
        let result = run(&mut backend).await;
        if !matches!(result, Err(BackendError::Io(_))) {
            *admin_connection = Some(backend);
        }
        result
    }

    async fn read_catalog(&self) -> Result<(), BackendError> {
        let [programs, keys, tables] = catalog_names::QUERIES;
        let names = CatalogNames::of_rows(self.ask(programs).await?, self.ask(keys).await?, self.ask(tables).await?);
        *self.names.write().unwrap_or_else(|e| e.into_inner()) = names;
        let rows = self.ask("SELECT DISTINCT condeferrable FROM pg_constraint WHERE contype = 'f'").await?;
        self.foreign_keys.store(!rows.is_empty(), Ordering::SeqCst);
        let deferred = rows.iter().flatten().flatten().any(|deferrable| deferrable == "t");
        self.deferred.store(deferred, Ordering::SeqCst);
        let rows = self.ask(CASCADES).await?;
        self.cascades.store(!rows.is_empty(), Ordering::SeqCst);
        Ok(())
    }

    fn names(&self) -> RwLockReadGuard<'_, CatalogNames> {
        self.names.read().unwrap_or_else(|e| e.into_inner())
    }

    /// Takes note of a statement that writes, before it does and when that is committed.
    pub fn written(&self, statement: &SqlStatement) {
        if statement.writes() {
            let names = &statement.uses.names;
            let hidden = |schema: &Option<String>, name: &String| {
                let relation: Vec<_> = schema.iter().chain([name]).cloned().collect();
                self.primary_key(&relation).is_none()
            };
            // A view, a function, or a row that goes with another.
            let all = self.cascades() || names.iter().any(|used| hidden(&used.schema, &used.name));
            self.table_order.written(names, all);
        }
    }

    /// Returns whether a change of some row may change others that refer to it.
    pub fn cascades(&self) -> bool {
        self.cascades.load(Ordering::SeqCst)
    }

    /// Returns whether a COMMIT may have to look whether what rows refer to is there, and wait for it.
    pub fn defers(&self) -> bool {
        self.deferred.load(Ordering::SeqCst)
    }

    /// The version of the catalogue.
    pub fn catalog(&self) -> u64 {
        self.catalog.load(Ordering::SeqCst)
    }

    /// Takes note of a committed change of the catalogue, and returns the new version. What statements are classified by
    /// is read before anybody learns of that.
    pub async fn changed(&self, change: CatalogChange) -> u64 {
        if let Err(error) = self.read_catalog().await {
            tracing::warn!(%error, "cannot read the catalogue");
        }
        let mut changes = self.changes.write().unwrap_or_else(|e| e.into_inner());
        let version = self.catalog.fetch_add(1, Ordering::SeqCst) + 1;
        changes.push_back((version, change));
        if changes.len() > CHANGES {
            changes.pop_front();
        }
        version
    }

    /// Returns whether the catalogue has changed since this version in something that a session of this role uses, or
    /// has to look at when it writes; `begun` is the version that its snapshot has. What is too long ago to be known has, for who looks at anything of the client's.
    pub fn changed_since(&self, (version, begun): (u64, u64), user: &str, uses: &CatalogUse, writes: bool) -> bool {
        let changes = self.changes.read().unwrap_or_else(|e| e.into_inner());
        if changes.front().is_some_and(|(first, _)| *first > version + 1) {
            return uses.relations;
        }
        changes.iter().filter(|(at, _)| *at > version).any(|(at, change)| {
            change.everything && uses.relations || change.concerns(user, &uses.names, writes, *at > begun)
        })
    }

    /// Before a COMMIT that takes keys away; [`DatabaseCluster::has_taken`] must follow.
    pub fn takes_now(&self) {
        self.taking.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends what [`DatabaseCluster::takes_now`] began, well or not.
    pub fn has_taken(&self) {
        self.takes.fetch_add(1, Ordering::SeqCst);
        self.taking.fetch_sub(1, Ordering::SeqCst);
    }

    /// Returns where a snapshot that is taken now stands.
    pub fn taken(&self) -> KeysTaken {
        let unsure = self.taking.load(Ordering::SeqCst) > 0;
        KeysTaken { commits: self.takes.load(Ordering::SeqCst), unsure }
    }

    /// Returns whether keys may have been taken away that a snapshot still shows.
    pub fn taken_since(&self, then: KeysTaken) -> bool {
        then.unsure || self.taking.load(Ordering::SeqCst) > 0 || self.takes.load(Ordering::SeqCst) != then.commits
    }

    /// Returns where a transaction that begins now stands among the commits that share keys.
    pub fn shares(&self) -> u64 {
        lock(&self.shared).commits()
    }

    /// Returns whether a transaction of this fate may have shared a key by a foreign key, and somebody may mind.
    pub fn may_share(&self, conflict: &Arc<ConflictState>) -> bool {
        self.foreign_keys.load(Ordering::SeqCst)
            && lock(&self.sessions)
                .values()
                .any(|entry| matches!(&*lock(&entry.current), Some(f) if !Arc::ptr_eq(f, conflict)))
    }

    /// These keys are shared by a transaction that commits now; [`DatabaseCluster::has_shared`] must follow, with the
    /// number that this returns.
    pub fn shares_now(&self, rows: impl Iterator<Item = [String; 3]>) -> u64 {
        lock(&self.shared).committing(rows)
    }

    /// The commit of the transaction of this fate is made, or has failed. What no other that goes on could mind is
    /// forgotten.
    pub fn has_shared(&self, ticket: u64, conflict: &Arc<ConflictState>) {
        let mut shared = lock(&self.shared);
        shared.committed(ticket);
        let sessions = lock(&self.sessions);
        let others = sessions.values().filter_map(|entry| lock(&entry.current).clone());
        let others = others.filter(|other| !Arc::ptr_eq(other, conflict));
        shared.forget(others.map(|other| other.shares.load(Ordering::SeqCst)).min());
    }

    /// The keys that were shared by commits after `since`.
    pub fn shared_since(&self, since: u64) -> Vec<SharedKey> {
        lock(&self.shared).since(since)
    }

    /// Takes a seat for a backend's session; what others ask of it comes from the receiver.
    pub fn entry(&self, pid: i32, key: i32) -> (Arc<SessionEntry>, mpsc::UnboundedReceiver<SessionRequest>) {
        let (requests, receiver) = mpsc::unbounded_channel();
        let entry = Arc::new(SessionEntry { pid, key, requests, current: Mutex::default() });
        lock(&self.sessions).insert(pid, entry.clone());
        (entry, receiver)
    }

    /// Takes a session off the list.
    pub fn leave(&self, pid: i32) {
        lock(&self.sessions).remove(&pid);
    }

    /// Returns whether this cluster has the session that a CancelRequest means.
    pub fn find(&self, pid: i32, key: i32) -> bool {
        lock(&self.sessions).get(&pid).is_some_and(|entry| entry.key == key)
    }

    /// Ends every session: the cluster is deleted.
    pub fn end_all(&self) {
        self.jobs.gone.cancel();
        for entry in lock(&self.sessions).values() {
            let _ = entry.requests.send(SessionRequest::End);
        }
    }

    /// A statement has run for longer than [`PATIENCE`]; until the guard is dropped, the monitor watches.
    pub fn watch(self: &Arc<Self>) -> WaitWatch {
        self.slow.fetch_add(1, Ordering::SeqCst);
        self.wake_monitor.notify_one();
        WaitWatch(self.clone())
    }

    /// Runs as long as the cluster: while statements wait for locks, asks the idle transactions that hold
    /// them to give them up.
    pub async fn monitor(self: Arc<Self>) {
        let mut backend: Option<Backend> = None;
        loop {
            self.wake_monitor.notified().await;
            let mut pause = PATIENCE / 2;
            while self.slow.load(Ordering::SeqCst) > 0 {
                match self.look(&mut backend).await {
                    Ok(true) => pause = PATIENCE / 2,
                    // A long query that waits for nobody must not be asked about all the time.
                    Ok(false) => pause = (pause * 5 / 4).min(Duration::from_millis(25)),
                    Err(error) => {
                        tracing::warn!(%error, "cannot look for waiting statements");
                        backend = None;
                        pause = Duration::from_millis(50);
                    }
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.wake_monitor.notified() => pause = PATIENCE / 2,
                }
            }
        }
    }

    /// Returns whether anybody waits.
    async fn look(&self, backend: &mut Option<Backend>) -> Result<bool, BackendError> {
        let backend = match backend {
            Some(backend) => backend,
            None => backend.insert(Backend::connect_as_owner(&self.server).await?),
        };
        let rows = backend.query(WAITING).await?;
        let waits = |pid: i32| rows.iter().any(|row| row[0].as_deref().and_then(|p| p.parse().ok()) == Some(pid));
        for row in &rows {
            let [Some(waiting), Some(rows), Some(blockers)] = &row[..] else { continue };
            let waiting = waiting.parse().ok().and_then(|pid| self.conflict(pid)).map(|(_, conflict)| conflict);
            let blockers = blockers.trim_matches(['{', '}']).split(',').filter_map(|pid| pid.parse().ok());
            for (entry, conflict) in blockers.filter_map(|pid| self.conflict(pid)) {
                if let (Some(waiting), "t") = (&waiting, rows.as_str()) {
                    conflict.against(waiting);
                }
                // Who waits will go on, or be stopped by PostgreSQL if that is a circle.
                if !waits(entry.pid) && !conflict.asked.swap(true, Ordering::SeqCst) {
                    // A session that is gone holds no locks.
                    let _ = entry.requests.send(SessionRequest::Park(conflict));
                }
            }
        }
        Ok(!rows.is_empty())
    }

    fn conflict(&self, pid: i32) -> Option<(Arc<SessionEntry>, Arc<ConflictState>)> {
        let entry = lock(&self.sessions).get(&pid)?.clone();
        let conflict = lock(&entry.current).clone()?;
        Some((entry, conflict))
    }
}

impl Catalogue for DatabaseCluster {
    fn calls(&self, function: &str) -> WriteEffects {
        self.names().calls(function)
    }

    fn reads(&self, view: &str) -> WriteEffects {
        self.names().reads(view)
    }

    fn in_key(&self, column: &str) -> bool {
        self.names().in_key(column)
    }

    fn defines(&self, function: &str) -> bool {
        self.names().defines(function)
    }

    fn primary_key(&self, relation: &[String]) -> Option<Vec<String>> {
        self.names().primary_key(relation)
    }

    fn copied_columns(&self, relation: &[String]) -> Option<Vec<String>> {
        self.names().copied_columns(relation)
    }

    fn columns(&self, relation: &[String]) -> Option<Vec<String>> {
        self.names().columns(relation)
    }
}

/// What is set up in the database once the catalogue looks like DSQL's.
const PARTS: [&str; 4] =
    [include_str!("limits.sql"), include_str!("conflict.sql"), include_str!("explain.sql"), include_str!("jobs.sql")];

/// Returns what makes the catalogue look like DSQL's.
fn catalogue() -> String {
    let number = SERVER_VERSION.split('.').filter_map(|part| part.parse::<u32>().ok());
    let number = number.fold(0, |number, part| number * 10_000 + part);
    include_str!("catalogue.sql")
        .replace("{server_version}", SERVER_VERSION)
        .replace("{server_version_num}", &number.to_string())
        .replace("{settable}", &parameters::SETTABLE.join(","))
}

/// See [`DatabaseCluster::watch`].
pub struct WaitWatch(Arc<DatabaseCluster>);

impl Drop for WaitWatch {
    fn drop(&mut self) {
        self.0.slow.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Who waits for a lock, whether for a row (and not for a table's definition), and for whom.
const WAITING: &str = "SELECT pid, bool_or(locktype IN ('transactionid', 'tuple', 'virtualxid')), \
    pg_blocking_pids(pid) FROM pg_locks WHERE NOT granted GROUP BY pid";

/// Foreign keys by which a change of one row changes others.
const CASCADES: &str = "SELECT 1 FROM pg_constraint WHERE contype = 'f' \
    AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd')) LIMIT 1";
