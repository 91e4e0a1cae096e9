//! What all connections of a proxy share: its clusters, who it asks about them, and how many are inside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backend;
use super::cluster::DatabaseCluster;
use super::jobs::{self, Pace};
use super::limits::Bucket;
use crate::interfaces::{Authority, Databases, PgServer, Time};

/// What all connections share.
pub struct Proxy {
    pub tls: Arc<rustls::ServerConfig>,
    pub authority: Arc<dyn Authority>,
    pub databases: Arc<dyn Databases>,
    pub time: Time,
    pub pace: Pace,
    pub shutdown: CancellationToken,
    pub clusters: tokio::sync::Mutex<HashMap<String, Arc<DatabaseCluster>>>,
    /// How fast and how many connections are let in, by cluster.
    pub doors: Mutex<HashMap<String, Door>>,
    pub tasks: TaskTracker,
}

/// What has come in to one cluster.
pub struct Door {
    pub bucket: Bucket,
    pub inside: u32,
}

impl Proxy {
    /// The cluster's shared state; made anew when its server is another one than before.
    ///
    /// # Errors
    /// The server cannot be reached, or cannot be set up.
    pub async fn cluster(
        self: &Arc<Self>,
        identifier: &str,
        server: PgServer,
    ) -> Result<Arc<DatabaseCluster>, backend::BackendError> {
        let mut clusters = self.clusters.lock().await;
        if let Some(cluster) = clusters.get(identifier) {
            if cluster.server == server && cluster.ask("SELECT 1").await.is_ok() {
                return Ok(cluster.clone());
            }
            cluster.end_all();
        }
        let cluster = DatabaseCluster::open(server).await?;
        let (monitor, shutdown) = (cluster.clone().monitor(), self.shutdown.clone());
        let work = jobs::work(cluster.clone(), self.time.now.clone(), self.pace);
        let watched = cluster.clone();
        let order = async move { watched.table_order.watch(&watched.server).await };
        self.tasks.spawn(async move {
            tokio::select! {
                () = monitor => {}
                () = work => {}
                () = order => {}
                () = shutdown.cancelled() => {}
            }
        });
        clusters.insert(identifier.to_owned(), cluster.clone());
        Ok(cluster)
    }

    /// Finds the cluster that has this session, for a CancelRequest.
    pub async fn session(&self, pid: i32, key: i32) -> Option<PgServer> {
        let clusters = self.clusters.lock().await;
        clusters.values().find(|c| c.find(pid, key)).map(|c| c.server.clone())
    }

    /// Looks at how many and how fast connections come to a cluster.
    pub fn doors<T>(&self, identifier: &str, look: impl FnOnce(&mut Door) -> T) -> T {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.time.now)();
        let new = || Door { bucket: Bucket::full(self.authority.conditions().limits(), now), inside: 0 };
        look(doors.entry(identifier.to_owned()).or_insert_with(new))
    }
}
