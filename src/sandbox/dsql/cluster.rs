//! What the connections of one cluster share: its server, the version of its catalogue, the commit token,
//! who waits for whom.
//!
//! Invariant: nothing here runs a client's statement.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

use super::backend::{Backend, BackendError, Rows};
use super::classify::Catalogue;
use super::jobs::Jobs;
use super::rules::{SERVER_VERSION, parameters};
use super::{texts, wire};
use crate::interfaces::PgServer;

/// How long a statement may run before the monitor looks whether it waits for a lock.
pub const PATIENCE: Duration = Duration::from_millis(2);

pub struct Cluster {
    pub server: PgServer,
    /// What the proxy proves itself with in sessions that are the client's own; see `pg_dsql.door`.
    pub key: String,
    /// Counts committed changes of the catalogue.
    catalog: AtomicU64,
    /// What they have changed, the last ones.
    changes: RwLock<VecDeque<(u64, CatalogChange)>>,
    /// Held while a transaction is replayed and committed: one at a time.
    pub token: tokio::sync::Mutex<()>,
    sessions: Mutex<HashMap<i32, Arc<Seat>>>,
    /// Wakes the monitor: some statement takes long.
    nudge: Notify,
    /// Sessions whose statement takes long.
    slow: AtomicU64,
    names: RwLock<Names>,
    /// Commits that have taken keys away, and such as are being made.
    takes: AtomicU64,
    taking: AtomicU64,
    /// Counts commits that have shared keys.
    shares: AtomicU64,
    /// Rows that committed transactions have locked FOR KEY SHARE, for those that began before.
    shared: Mutex<Vec<Shared>>,
    /// Whether any table refers to another.
    foreign_keys: AtomicBool,
    /// Our own superuser connection; None after it broke.
    keeper: tokio::sync::Mutex<Option<Backend>>,
    pub jobs: Jobs,
}

/// How many changes of the catalogue are remembered.
const CHANGES: usize = 4_096;

/// What one transaction has changed of the catalogue.
#[derive(Debug, Clone, Default)]
pub struct CatalogChange {
    /// The names under which statements use it, unquoted.
    pub names: HashSet<String>,
    /// Roles whose memberships have changed.
    pub members: Vec<String>,
    /// It is not known.
    pub everything: bool,
}

/// What statements are classified by.
#[derive(Default)]
struct Names {
    /// The client's own functions, which may write.
    functions: HashSet<String>,
    /// Columns of unique indexes.
    keys: HashSet<String>,
}

/// Where a transaction's snapshot stands among the commits that take keys away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taken {
    commits: u64,
    /// One was being made, and may or may not be in the snapshot.
    unsure: bool,
}

/// What other sessions may know of a session, and ask of it.
pub struct Seat {
    pub pid: i32,
    pub key: i32,
    asks: mpsc::UnboundedSender<Ask>,
    current: Mutex<Option<Arc<Fate>>>,
}

/// Asks of one session to another.
#[derive(Debug)]
pub enum Ask {
    /// Give up the row locks of this transaction: another waits for them.
    Park(Arc<Fate>),
    /// Somebody cancels the running statement.
    End,
}

/// What becomes of a transaction, as others decide it.
#[derive(Debug, Default)]
pub struct Fate {
    doomed: AtomicBool,
    /// Transactions that wanted the same row: the first of two to commit dooms the other.
    rivals: Mutex<Vec<Arc<Fate>>>,
    asked: AtomicBool,
}

impl Fate {
    pub fn doom(&self) {
        self.doomed.store(true, Ordering::SeqCst);
    }

    pub fn doomed(&self) -> bool {
        self.doomed.load(Ordering::SeqCst)
    }

    /// This transaction has committed.
    pub fn won(&self) {
        for rival in lock(&self.rivals).drain(..) {
            rival.doom();
        }
    }

    /// This transaction is over without having committed.
    pub fn over(&self) {
        lock(&self.rivals).clear();
    }

    /// The transaction holds locks again, which others may ask it to give up.
    pub fn resumed(&self) {
        self.asked.store(false, Ordering::SeqCst);
    }

    fn against(self: &Arc<Self>, other: &Arc<Fate>) {
        for (one, two) in [(self, other), (other, self)] {
            let mut rivals = lock(&one.rivals);
            if !rivals.iter().any(|r| Arc::ptr_eq(r, two)) {
                rivals.push(two.clone());
            }
        }
    }
}

/// A poisoned lock means that a task panicked while it held plain data: the data is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

impl Seat {
    /// Which transaction this session is in.
    pub fn set_current(&self, fate: Option<Arc<Fate>>) {
        *lock(&self.current) = fate;
    }
}

impl Cluster {
    /// Prepares the server's database for clients.
    pub async fn open(server: PgServer) -> Result<Arc<Cluster>, BackendError> {
        let mut backend = Backend::connect_as_owner(&server).await?;
        backend.query(include_str!("setup.sql")).await?;
        backend.query(&texts::as_sql()).await?;
        backend.query(&catalogue()).await?;
        for part in PARTS {
            backend.query(part).await?;
        }
        backend.query(&include_str!("closing.sql").replace("{refused}", &parameters::refused_pattern())).await?;
        let key: [u8; 32] = rand::random();
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        backend.query(&format!("DELETE FROM pg_dsql.door; INSERT INTO pg_dsql.door VALUES ('{key}')")).await?;
        for row in backend.query("SELECT datname FROM pg_database WHERE datname LIKE 'template%'").await? {
            // The service shows one database; these two serve CREATE DATABASE only, which does not exist.
            if let Some(Some(name)) = row.first() {
                backend.query(&format!("ALTER DATABASE {name} IS_TEMPLATE false")).await?;
                backend.query(&format!("DROP DATABASE {name}")).await?;
            }
        }
        let cluster = Arc::new(Cluster {
            server,
            key,
            catalog: AtomicU64::new(1),
            changes: RwLock::default(),
            token: tokio::sync::Mutex::new(()),
            sessions: Mutex::default(),
            nudge: Notify::new(),
            slow: AtomicU64::new(0),
            names: RwLock::default(),
            takes: AtomicU64::new(0),
            taking: AtomicU64::new(0),
            shares: AtomicU64::new(1),
            shared: Mutex::default(),
            foreign_keys: AtomicBool::new(false),
            keeper: tokio::sync::Mutex::new(Some(backend)),
            jobs: Jobs::default(),
        });
        cluster.read_catalog().await?;
        Ok(cluster)
    }

    /// Runs a query of ours as the superuser.
    pub async fn ask(&self, sql: &str) -> Result<Rows, BackendError> {
        self.keep(async |backend| backend.query(sql).await).await
    }

    /// What PostgreSQL's grammar has against a [probe](super::classify::grammar_probe): the body of the
    /// ErrorResponse.
    pub async fn objection(&self, probe: &str) -> Option<Bytes> {
        match self.keep(async |backend| backend.parse(probe).await).await {
            // Not that these are several statements, which it says when it has read them all.
            Err(BackendError::Refused(body)) => {
                (wire::field(&body, b'R') != Some("exec_parse_message")).then_some(body)
            }
            // If there is anything, it will be said again.
            Ok(()) | Err(BackendError::Io(_)) => None,
        }
    }

    async fn keep<T>(&self, run: impl AsyncFnOnce(&mut Backend) -> Result<T, BackendError>) -> Result<T, BackendError> {
        let mut keeper = self.keeper.lock().await;
        let mut backend = match keeper.take() {
            Some(backend) => backend,
            None => Backend::connect_as_owner(&self.server).await?,
        };
        let result = run(&mut backend).await;
        if !matches!(result, Err(BackendError::Io(_))) {
            *keeper = Some(backend);
        }
        result
    }

    async fn read_catalog(&self) -> Result<(), BackendError> {
        let column = |rows: Rows| rows.into_iter().flatten().flatten().collect();
        let functions = column(self.ask(FUNCTIONS).await?);
        let keys = column(self.ask(KEYS).await?);
        *self.names.write().unwrap_or_else(|e| e.into_inner()) = Names { functions, keys };
        let rows = self.ask("SELECT 1 FROM pg_constraint WHERE contype = 'f' LIMIT 1").await?;
        self.foreign_keys.store(!rows.is_empty(), Ordering::SeqCst);
        Ok(())
    }

    /// The version of the catalogue.
    pub fn catalog(&self) -> u64 {
        self.catalog.load(Ordering::SeqCst)
    }

    /// A change of the catalogue was committed; the new version. `look`: it may have been one of functions
    /// or foreign keys.
    pub async fn changed(&self, change: CatalogChange, look: bool) -> u64 {
        let version = {
            let mut changes = self.changes.write().unwrap_or_else(|e| e.into_inner());
            let version = self.catalog.fetch_add(1, Ordering::SeqCst) + 1;
            changes.push_back((version, change));
            if changes.len() > CHANGES {
                changes.pop_front();
            }
            version
        };
        if look && let Err(error) = self.read_catalog().await {
            tracing::warn!(%error, "cannot read the catalogue");
        }
        version
    }

    /// Returns whether the catalogue has changed since this version in something that a session of this role uses with
    /// these names, lower case and unquoted. What is too long ago to be known has.
    pub fn changed_since<'a>(&self, version: u64, user: &str, mut names: impl Iterator<Item = &'a str>) -> bool {
        let changes = self.changes.read().unwrap_or_else(|e| e.into_inner());
        if changes.front().is_some_and(|(first, _)| *first > version + 1) {
            return true;
        }
        let since: Vec<_> = changes.iter().filter(|(at, _)| *at > version).map(|(_, change)| change).collect();
        since.iter().any(|change| change.everything || change.members.iter().any(|member| member == user))
            || names.any(|name| since.iter().any(|change| change.names.contains(name)))
    }

    /// Before a COMMIT that takes keys away; [`Cluster::has_taken`] must follow.
    pub fn takes_now(&self) {
        self.taking.fetch_add(1, Ordering::SeqCst);
    }

    pub fn has_taken(&self) {
        self.takes.fetch_add(1, Ordering::SeqCst);
        self.taking.fetch_sub(1, Ordering::SeqCst);
    }

    /// Where a snapshot that is taken now stands.
    pub fn taken(&self) -> Taken {
        let unsure = self.taking.load(Ordering::SeqCst) > 0;
        Taken { commits: self.takes.load(Ordering::SeqCst), unsure }
    }

    /// Whether keys may have been taken away that a snapshot still shows.
    pub fn taken_since(&self, then: Taken) -> bool {
        then.unsure || self.taking.load(Ordering::SeqCst) > 0 || self.takes.load(Ordering::SeqCst) != then.commits
    }

    /// Where a transaction that begins now stands among the commits that share keys.
    pub fn shares(&self) -> u64 {
        self.shares.load(Ordering::SeqCst)
    }

    /// Whether a transaction of this fate may have shared a key by a foreign key, and somebody may mind.
    pub fn may_share(&self, fate: &Arc<Fate>) -> bool {
        self.foreign_keys.load(Ordering::SeqCst)
            && lock(&self.sessions)
                .values()
                .any(|seat| matches!(&*lock(&seat.current), Some(f) if !Arc::ptr_eq(f, fate)))
    }

    /// These keys are shared by a transaction that commits now; [`Cluster::has_shared`] must follow.
    pub fn shares_now(&self, rows: impl Iterator<Item = [String; 3]>) {
        let shared = rows.map(|[relation, key, version]| Shared { relation, key, version, at: u64::MAX });
        lock(&self.shared).extend(shared);
    }

    /// The commit is made, or has failed.
    pub fn has_shared(&self) {
        let at = self.shares.fetch_add(1, Ordering::SeqCst) + 1;
        let mut shared = lock(&self.shared);
        shared.iter_mut().filter(|s| s.at == u64::MAX).for_each(|s| s.at = at);
        let open = lock(&self.sessions).values().any(|seat| lock(&seat.current).is_some());
        if !open {
            shared.clear();
        }
    }

    /// The keys that were shared by commits after `since`.
    pub fn shared_since(&self, since: u64) -> Vec<Shared> {
        lock(&self.shared).iter().filter(|s| s.at > since).cloned().collect()
    }

    /// Takes a seat for a backend's session; what others ask of it comes from the receiver.
    pub fn seat(&self, pid: i32, key: i32) -> (Arc<Seat>, mpsc::UnboundedReceiver<Ask>) {
        let (asks, receiver) = mpsc::unbounded_channel();
        let seat = Arc::new(Seat { pid, key, asks, current: Mutex::default() });
        lock(&self.sessions).insert(pid, seat.clone());
        (seat, receiver)
    }

    pub fn leave(&self, pid: i32) {
        lock(&self.sessions).remove(&pid);
    }

    pub fn find(&self, pid: i32, key: i32) -> bool {
        lock(&self.sessions).get(&pid).is_some_and(|seat| seat.key == key)
    }

    /// Ends every session: the cluster is deleted.
    pub fn end_all(&self) {
        self.jobs.gone.cancel();
        for seat in lock(&self.sessions).values() {
            let _ = seat.asks.send(Ask::End);
        }
    }

    /// A statement has run for longer than [`PATIENCE`]; until the guard is dropped, the monitor watches.
    pub fn watch(self: &Arc<Self>) -> Watch {
        self.slow.fetch_add(1, Ordering::SeqCst);
        self.nudge.notify_one();
        Watch(self.clone())
    }

    /// Runs as long as the cluster: while statements wait for locks, asks the idle transactions that hold
    /// them to give them up.
    pub async fn monitor(self: Arc<Self>) {
        let mut backend: Option<Backend> = None;
        loop {
            self.nudge.notified().await;
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
                    () = self.nudge.notified() => pause = PATIENCE / 2,
                }
            }
        }
    }

    /// Whether anybody waits.
    async fn look(&self, backend: &mut Option<Backend>) -> Result<bool, BackendError> {
        let backend = match backend {
            Some(backend) => backend,
            None => backend.insert(Backend::connect_as_owner(&self.server).await?),
        };
        let rows = backend.query(WAITING).await?;
        let waits = |pid: i32| rows.iter().any(|row| row[0].as_deref().and_then(|p| p.parse().ok()) == Some(pid));
        for row in &rows {
            let [Some(waiting), Some(rows), Some(blockers)] = &row[..] else { continue };
            let waiting = waiting.parse().ok().and_then(|pid| self.fate(pid)).map(|(_, fate)| fate);
            let blockers = blockers.trim_matches(['{', '}']).split(',').filter_map(|pid| pid.parse().ok());
            for (seat, fate) in blockers.filter_map(|pid| self.fate(pid)) {
                if let (Some(waiting), "t") = (&waiting, rows.as_str()) {
                    fate.against(waiting);
                }
                // Who waits will go on, or be stopped by PostgreSQL if that is a circle.
                if !waits(seat.pid) && !fate.asked.swap(true, Ordering::SeqCst) {
                    // A session that is gone holds no locks.
                    let _ = seat.asks.send(Ask::Park(fate));
                }
            }
        }
        Ok(!rows.is_empty())
    }

    fn fate(&self, pid: i32) -> Option<(Arc<Seat>, Arc<Fate>)> {
        let seat = lock(&self.sessions).get(&pid)?.clone();
        let fate = lock(&seat.current).clone()?;
        Some((seat, fate))
    }
}

impl Catalogue for Cluster {
    fn may_write(&self, function: &str) -> bool {
        self.names.read().unwrap_or_else(|e| e.into_inner()).functions.contains(function)
    }

    fn in_key(&self, column: &str) -> bool {
        self.names.read().unwrap_or_else(|e| e.into_inner()).keys.contains(column)
    }
}

/// What is set up in the database once the catalogue looks like DSQL's.
const PARTS: [&str; 4] =
    [include_str!("limits.sql"), include_str!("conflict.sql"), include_str!("explain.sql"), include_str!("jobs.sql")];

/// What makes the catalogue look like DSQL's.
fn catalogue() -> String {
    let number = SERVER_VERSION.split('.').filter_map(|part| part.parse::<u32>().ok());
    let number = number.fold(0, |number, part| number * 10_000 + part);
    include_str!("catalogue.sql")
        .replace("{server_version}", SERVER_VERSION)
        .replace("{server_version_num}", &number.to_string())
        .replace("{settable}", &parameters::SETTABLE.join(","))
}

/// A row whose key a committed transaction relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// The table's OID, as text.
    pub relation: String,
    pub key: String,
    /// The transaction that made this version of the row, as text.
    pub version: String,
    /// Which commit it was; u64::MAX while it is being made.
    at: u64,
}

/// See [`Cluster::watch`].
pub struct Watch(Arc<Cluster>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.slow.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Who waits for a lock, whether for a row (and not for a table's definition), and for whom.
const WAITING: &str = "SELECT pid, bool_or(locktype IN ('transactionid', 'tuple', 'virtualxid')), \
    pg_blocking_pids(pid) FROM pg_locks WHERE NOT granted GROUP BY pid";

const KEYS: &str = "SELECT DISTINCT attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid \
    AND a.attnum = ANY (i.indkey) JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE i.indisunique AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')";

const FUNCTIONS: &str = "SELECT DISTINCT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
    WHERE provolatile = 'v' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')";
