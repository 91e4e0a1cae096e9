//! Which numbered directory holds which cluster's data, in memory and in `index.json`.
//!
//! Invariants: a change is on the disk before it is seen, and one change is made at a time, so that no older list ever
//! replaces a newer one; a directory that the index does not name is worth nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::types::PgError;
use crate::state;

const INDEX: &str = "index.json";

/// Names the directory of each cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClusterIndex {
    pub clusters: BTreeMap<String, u32>,
    /// A complete directory that no cluster has yet.
    pub spare: Option<u32>,
    /// The highest number that was ever given.
    pub last: u32,
}

impl ClusterIndex {
    /// Reads the index of `dir`; one that was never written is empty.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was written.
    pub fn read(dir: &Path) -> Result<ClusterIndex, PgError> {
        let path = dir.join(INDEX);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| PgError::io(&path, e.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(ClusterIndex::default()),
            Err(error) => Err(PgError::io(&path, error)),
        }
    }

    /// Reads an index that must be there.
    ///
    /// # Errors
    /// As [`ClusterIndex::read`], and when there is none.
    pub fn read_existing(dir: &Path) -> Result<ClusterIndex, PgError> {
        let path = dir.join(INDEX);
        fs::metadata(&path).map_err(|e| PgError::io(&path, e))?;
        ClusterIndex::read(dir)
    }

    /// Replaces the index of `dir` in one step. Blocking.
    ///
    /// # Errors
    /// When the disk refuses it; the old one is still there then.
    pub fn write(&self, dir: &Path) -> Result<(), PgError> {
        let path = dir.join(INDEX);
        state::write_json(&path, self).map_err(|e| PgError::io(&path, e))
    }

    /// Deletes, in the background, every numbered directory of `data` that is not named here.
    pub fn sweep(&self, data: &Path) {
        let keep: Vec<u32> = self.clusters.values().copied().chain(self.spare).collect();
        let Ok(entries) = fs::read_dir(data) else { return };
        let mut gone = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            match name.parse::<u32>() {
                Ok(number) if keep.contains(&number) => {}
                Ok(number) => gone.extend(to_trash(data, number)),
                Err(_) if name.ends_with(".trash") => gone.push(entry.path()),
                Err(_) => {}
            }
        }
        remove_behind(gone);
    }
}

/// The index of a running sandbox.
#[derive(Debug)]
pub(super) struct IndexFile {
    dir: PathBuf,
    now: Arc<Mutex<Arc<ClusterIndex>>>,
    /// Held from the beginning of a change until it is on the disk and seen, even if whoever asked for it has given up.
    changing: Arc<tokio::sync::Mutex<()>>,
}

impl IndexFile {
    /// Reads the index of `dir`.
    ///
    /// # Errors
    /// As [`ClusterIndex::read`].
    pub fn open(dir: &Path) -> Result<IndexFile, PgError> {
        let now = Arc::new(Mutex::new(Arc::new(ClusterIndex::read(dir)?)));
        Ok(IndexFile { dir: dir.to_path_buf(), now, changing: Arc::default() })
    }

    /// Returns the index as it is on the disk.
    pub fn now(&self) -> Arc<ClusterIndex> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the index, writes it, and returns what `change` returned. Changes wait for one another.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub async fn change<T>(&self, change: impl FnOnce(&mut ClusterIndex) -> T) -> Result<T, PgError> {
        let one_at_a_time = self.changing.clone().lock_owned().await;
        let mut next = ClusterIndex::clone(&self.now());
        let outcome = change(&mut next);
        let (now, dir) = (self.now.clone(), self.dir.clone());
        let writing = tokio::task::spawn_blocking(move || {
            let written = next.write(&dir);
            if written.is_ok() {
                *now.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
            }
            drop(one_at_a_time);
            written
        });
        writing.await.map_err(|error| PgError::io(&self.dir, std::io::Error::other(error)))??;
        Ok(outcome)
    }
}

/// Moves a numbered directory out of the way at once, since a new server may get the number, and returns where to.
pub(super) fn to_trash(data: &Path, number: u32) -> Option<PathBuf> {
    let trash = data.join(format!("{number}.trash"));
    fs::rename(data.join(number.to_string()), &trash).is_ok().then_some(trash)
}

/// Deletes directories in the background.
pub(super) fn remove_behind(gone: Vec<PathBuf>) {
    tokio::task::spawn_blocking(move || {
        for dir in gone {
            let _ = fs::remove_dir_all(dir);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn changes_at_the_same_time_are_all_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let index = IndexFile::open(dir.path()).expect("read");
        let made = (0..60_u32).map(|number| {
            index.change(move |index| {
                index.last += 1;
                index.clusters.insert(format!("c{number}"), index.last)
            })
        });
        for made in futures::future::join_all(made).await {
            made.expect("written");
        }
        let gone = (0..30_u32).map(|number| index.change(move |index| index.clusters.remove(&format!("c{number}"))));
        for gone in futures::future::join_all(gone).await {
            assert!(gone.expect("written").is_some());
        }
        let written = ClusterIndex::read(dir.path()).expect("read");
        assert_eq!((written.clusters.len(), written.last), (30, 60));
        assert_eq!(written, *index.now());
    }

    #[tokio::test]
    async fn a_change_that_is_not_written_is_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let index = IndexFile::open(dir.path()).expect("read");
        drop(dir);
        assert!(index.change(|index| index.last = 9).await.is_err());
        assert_eq!(index.now().last, 0);
    }
}
