//! The database as Aurora DSQL: a proxy in front of real PostgreSQL 16. It verifies tokens, refuses what
//! DSQL refuses with DSQL's words, and turns PostgreSQL's row locks into DSQL's optimistic concurrency.
//!
//! The life of a connection:
//! 1. `accept` negotiates TLS and reads the host name the client asks for.
//! 2. `access` verifies the token; the cluster's database knows the role and its mapping.
//! 3. A `backend` connection is made as that role; `session` takes over.
//! 4. `wire` finds messages, `classify` and `rules` say what a statement is, `txn` what it may do.
//! 5. `session` runs it; `cluster` holds what the sessions of a cluster share.
//! 6. `jobs` does what DSQL does on its own time.
//! 7. `explain` turns PostgreSQL's plans into DSQL's.
//! 8. `texts` has every error that is DSQL's own, one row a rule.
//!
//! `fuzz` has what must hold for any bytes; it is compiled for tests and for the targets in `fuzz/` only.
//!
//! Invariant: `wire`, `lex`, `classify`, `rules`, `shadow`, `explain`, `token`, `access`, `limits` and `txn`
//! do no I/O and never ask for the time.

mod accept;
mod access;
mod backend;
mod classify;
mod client;
mod cluster;
mod explain;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod jobs;
mod lex;
mod limits;
mod rules;
mod session;
mod shadow;
mod texts;
pub mod token;
mod txn;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::cluster::Cluster;
use self::jobs::Pace;
use self::limits::Bucket;

use super::interfaces::{Authority, Databases, PgServer, Time};

/// Serves clients on this listener until `shutdown`, and then waits until the last session has ended.
/// `tls` must hold a certificate for every cluster's host name, and one for clients that send none;
/// for direct TLS its ALPN protocols must be `postgresql` alone. Asynchronous jobs take as long as `pace`
/// says.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    authority: Arc<dyn Authority>,
    databases: Arc<dyn Databases>,
    time: Time,
    pace: Pace,
    shutdown: CancellationToken,
) {
    let proxy = Arc::new(Proxy {
        tls,
        authority,
        databases,
        time,
        pace,
        shutdown: shutdown.clone(),
        clusters: tokio::sync::Mutex::default(),
        doors: Mutex::default(),
        tasks: TaskTracker::new(),
    });
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    proxy.tasks.spawn(accept::connection(proxy.clone(), socket));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: some will come free.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    proxy.tasks.close();
    proxy.tasks.wait().await;
}

/// What all connections share.
struct Proxy {
    tls: Arc<rustls::ServerConfig>,
    authority: Arc<dyn Authority>,
    databases: Arc<dyn Databases>,
    time: Time,
    pace: Pace,
    shutdown: CancellationToken,
    clusters: tokio::sync::Mutex<HashMap<String, Arc<Cluster>>>,
    /// How fast and how many connections are let in, by cluster.
    doors: Mutex<HashMap<String, Door>>,
    tasks: TaskTracker,
}

struct Door {
    bucket: Bucket,
    inside: usize,
}

impl Proxy {
    /// The cluster's shared state; made anew when its server is another one than before.
    async fn cluster(
        self: &Arc<Self>,
        identifier: &str,
        server: PgServer,
    ) -> Result<Arc<Cluster>, backend::BackendError> {
        let mut clusters = self.clusters.lock().await;
        if let Some(cluster) = clusters.get(identifier) {
            if cluster.server == server && cluster.ask("SELECT 1").await.is_ok() {
                return Ok(cluster.clone());
            }
            cluster.end_all();
        }
        let cluster = Cluster::open(server).await?;
        let (monitor, shutdown) = (cluster.clone().monitor(), self.shutdown.clone());
        let work = jobs::work(cluster.clone(), self.time.now.clone(), self.pace);
        self.tasks.spawn(async move {
            tokio::select! {
                () = monitor => {}
                () = work => {}
                () = shutdown.cancelled() => {}
            }
        });
        clusters.insert(identifier.to_owned(), cluster.clone());
        Ok(cluster)
    }

    /// Finds the cluster that has this session, for a CancelRequest.
    async fn session(&self, pid: i32, key: i32) -> Option<PgServer> {
        let clusters = self.clusters.lock().await;
        clusters.values().find(|c| c.find(pid, key)).map(|c| c.server.clone())
    }

    fn doors<T>(&self, identifier: &str, look: impl FnOnce(&mut Door) -> T) -> T {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.time.now)();
        look(doors.entry(identifier.to_owned()).or_insert_with(|| Door { bucket: Bucket::full(now), inside: 0 }))
    }
}
