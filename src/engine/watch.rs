//! Watching the working directory, so that what a learner saves in their own editor shows at once.
//!
//! Only directories that hold files of the course are watched, each by itself: `node_modules` has thousands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::files;
use super::messages::{EventSink, Internal};
use workshop_base::files::{DirectoryId, directory_id};
use workshop_base::problem::Problem;
use workshop_course::lesson::model::Course;

/// An editor's save is several events: they are told as one.
const SETTLE: Duration = Duration::from_millis(60);

/// The pause between two looks where the system does not tell.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Watches as long as it lives.
pub struct FileWatch {
    /// None where the system has no watch to give.
    watcher: Option<RecommendedWatcher>,
    /// The directories by what they are to the system: one that was removed and made again is another.
    watched: BTreeMap<PathBuf, DirectoryId>,
    /// From then on it is looked every [`LOOK_EVERY`].
    polls: Arc<AtomicBool>,
}

impl FileWatch {
    /// Starts watching, and returns what passes the news on as long as it runs.
    pub fn start(sink: EventSink) -> (FileWatch, impl Future<Output = ()> + Send) {
        let (saved, saves) = mpsc::unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|e| !e.kind.is_access()) {
                let _ = saved.send(());
            }
        });
        let polls = Arc::new(AtomicBool::new(false));
        let watch = FileWatch { watcher: watcher.ok(), watched: BTreeMap::new(), polls: polls.clone() };
        (watch, pass_on(sink, saves, polls))
    }

    /// Watches the directories that hold files of the course, as far as they are there. From the first that the system
    /// does not let be watched, it is looked every now and then; that is returned once, to be told.
    pub fn follow(&mut self, course: &Course, workdir: &Path) -> Option<Problem> {
        let mut wanted = files::directories(course, workdir);
        // A deploy by hand begins with what the CDK writes there.
        wanted.extend(wanted.clone().iter().map(|dir| dir.join(files::ASSEMBLY)).filter(|dir| dir.is_dir()));
        self.watched.retain(|dir, id| directory_id(dir) == Some(*id));
        let mut refused = None;
        for dir in wanted {
            let Some(id) = directory_id(&dir).filter(|_| !self.watched.contains_key(&dir)) else { continue };
            let watching = self.watcher.as_mut().map(|watcher| {
                // What is left of a watch on the one before it.
                let _ = watcher.unwatch(&dir);
                watcher.watch(&dir, RecursiveMode::NonRecursive)
            });
            match watching {
                Some(Ok(())) => _ = self.watched.insert(dir, id),
                Some(Err(error)) => refused = Some(error.to_string()),
                None => refused = Some("there is none".to_owned()),
            }
        }
        let why = refused?;
        (!self.polls.swap(true, Ordering::Relaxed)).then(|| unwatched(&why))
    }
}

/// Tells of saves, several at once as one; and looks by itself where no watch was to be had.
async fn pass_on(sink: EventSink, mut saves: mpsc::UnboundedReceiver<()>, polls: Arc<AtomicBool>) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut watches = true;
    loop {
        tokio::select! {
            saved = saves.recv(), if watches => match saved {
                Some(()) => {
                    tokio::time::sleep(SETTLE).await;
                    while saves.try_recv().is_ok() {}
                }
                None => {
                    watches = false;
                    continue;
                }
            },
            _ = look.tick() => {
                if !polls.load(Ordering::Relaxed) {
                    continue;
                }
            }
        }
        sink.send(Internal::FilesChanged);
    }
}

fn unwatched(why: &str) -> Problem {
    Problem::environment(format!("the system gives no watch on the files ({why}): saves show within two seconds, not at once"))
        .hint("other programs use up the watches; on Linux `sysctl fs.inotify.max_user_watches` and `max_user_instances` say how many there are")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::unbounded_channel;

    #[tokio::test]
    async fn without_watches_it_is_said_once_and_looked_by_itself() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let course = workshop_course::lesson::load::load(&root.join("lessons"), &root.join("snapshots")).unwrap();
        let workdir = tempfile::tempdir().unwrap();
        let (messages, mut told) = unbounded_channel();
        let (mut watch, gather) = FileWatch::start(EventSink::new(messages));
        watch.watcher = None;
        let problem = watch.follow(&course, workdir.path()).expect("it is said");
        assert!(problem.message.contains("no watch") && problem.hint.unwrap().contains("max_user_watches"));
        assert!(watch.follow(&course, workdir.path()).is_none(), "once");
        let looks = async {
            for _ in 0..2 {
                assert!(matches!(told.recv().await, Some(Internal::FilesChanged)));
            }
        };
        tokio::select! { () = gather => {}, () = looks => {} }
    }
}
