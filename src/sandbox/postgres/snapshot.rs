//! The data of all clusters, copied while they run, and put back.

use std::fs;
use std::path::Path;

use super::account::{ServerAccount, open_dir};
use super::admin::{cause_of, connect};
use super::index::{ClusterIndex, remove_behind, to_trash};
use super::servers::{Servers, ServersInner, note_owner, place_of};
use super::template;
use super::types::PgError;
use crate::interfaces::PgServer;

impl Servers {
    /// Copies the data of all clusters to `to` while they run.
    ///
    /// # Errors
    /// When a server does not run, refuses the backup, or a file cannot be copied.
    pub async fn save(&self, to: &Path) -> Result<(), PgError> {
        let index = self.inner.index.now();
        fs::create_dir_all(to).map_err(|e| PgError::io(to, e))?;
        for (cluster, number) in &index.clusters {
            let address = self.inner.ensure(cluster).await?;
            self.inner.backup(&address, *number, &to.join(number.to_string())).await?;
        }
        ClusterIndex { spare: None, ..ClusterIndex::clone(&index) }.write(to)
    }

    /// Replaces the data of all clusters by what was saved. Until that has been copied, nothing is touched.
    ///
    /// # Errors
    /// When what was saved is not whole or cannot be copied, or a server does not start with it.
    pub async fn restore(&self, from: &Path) -> Result<(), PgError> {
        let saved = ClusterIndex::read_existing(from)?;
        let inner = &self.inner;
        let first = inner
            .index
            .change(|index| {
                let first = index.last.max(saved.last);
                index.last = first + saved.clusters.len() as u32;
                first
            })
            .await?;
        let mut restored = ClusterIndex::default();
        for (number, (cluster, old)) in (first + 1..).zip(&saved.clusters) {
            restored.clusters.insert(cluster.clone(), number);
            let (from, to) = (from.join(old.to_string()), inner.config.data.join(number.to_string()));
            if let Err(error) = inner.copy(from, to).await {
                let made = restored.clusters.values();
                remove_behind(made.filter_map(|number| to_trash(&inner.config.data, *number)).collect());
                return Err(error);
            }
        }
        inner.stop_all().await;
        inner
            .index
            .change(|index| {
                restored.last = index.last;
                *index = restored;
            })
            .await?;
        inner.index.now().sweep(&inner.config.data);
        self.start_all().await
    }

    /// Stops the servers of all clusters and deletes their data.
    ///
    /// # Errors
    /// When the list of clusters cannot be written.
    pub async fn clear(&self) -> Result<(), PgError> {
        let inner = &self.inner;
        inner.stop_all().await;
        inner
            .index
            .change(|index| {
                index.clusters.clear();
                index.spare = None;
            })
            .await?;
        inner.index.now().sweep(&inner.config.data);
        Ok(())
    }
}

/// Lays what [`Servers::save`] has saved out as the data of a sandbox that has never run, wherever PostgreSQL's account
/// reaches it. Blocking.
///
/// # Errors
/// When no account may run PostgreSQL, and when what was saved is not whole or cannot be copied.
pub fn seed(data: &Path, from: &Path) -> Result<(), PgError> {
    let saved = ClusterIndex::read_existing(from)?;
    let account = ServerAccount::choose()?;
    let place = place_of(account, data)?;
    if place != data {
        note_owner(&place, data)?;
    }
    open_dir(&place).map_err(|e| PgError::io(&place, e))?;
    for number in saved.clusters.values() {
        let name = number.to_string();
        template::copy_tree(&from.join(&name), &place.join(&name), account)?;
    }
    saved.write(&place)
}

impl ServersInner {
    /// Makes a backup of a running server: its files between the start and the stop of a backup, and the log since.
    async fn backup(&self, address: &PgServer, number: u32, to: &Path) -> Result<(), PgError> {
        let failed = |error: tokio_postgres::Error| PgError::Save(cause_of(&error));
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
}
