//! Watching the working directory, so that what a learner saves in their own editor shows at once.
//!
//! Only directories that hold files of the course are watched, each by itself: `node_modules` has thousands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::files;
use super::messages::{EventSink, Internal};
use workshop_course::lesson::model::Course;

/// An editor's save is several events: they are told as one.
const SETTLE: Duration = Duration::from_millis(60);

/// Watches as long as it lives.
pub struct FileWatch {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
}

impl FileWatch {
    /// Starts watching. None where the system cannot: then the distance follows the runner's own steps only.
    pub fn start(sink: EventSink) -> Option<(FileWatch, impl Future<Output = ()> + Send)> {
        let (saved, mut saves) = mpsc::unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|e| !e.kind.is_access()) {
                let _ = saved.send(());
            }
        });
        let gather = async move {
            while saves.recv().await.is_some() {
                tokio::time::sleep(SETTLE).await;
                while saves.try_recv().is_ok() {}
                sink.send(Internal::FilesChanged);
            }
        };
        Some((FileWatch { watcher: watcher.ok()?, watched: BTreeSet::new() }, gather))
    }

    /// Watches the directories that hold files of the course, as far as they are there.
    pub fn follow(&mut self, course: &Course, workdir: &Path) {
        let mut wanted = BTreeSet::from([workdir.to_owned()]);
        for path in files::tracked(course) {
            let mut dir = Path::new(path).parent();
            while let Some(parent) = dir.filter(|d| !d.as_os_str().is_empty()) {
                wanted.insert(workdir.join(parent));
                dir = parent.parent();
            }
        }
        // A directory that was removed and made again is a new one to the system.
        self.watched.retain(|dir| dir.is_dir());
        for dir in wanted {
            let real = dir.symlink_metadata().is_ok_and(|m| m.is_dir());
            if real && !self.watched.contains(&dir) && self.watcher.watch(&dir, RecursiveMode::NonRecursive).is_ok() {
                self.watched.insert(dir);
            }
        }
    }
}
