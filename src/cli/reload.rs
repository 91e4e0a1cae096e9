//! The course read again whenever its author saves a lesson or a snapshot while it is open.
//!
//! Watched are the directories that hold lessons and what is part of a snapshot, each by itself: what tools make beside
//! them has thousands of files. The course that the program ships, and one that was fetched, have no author here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::places::CourseDirs;
use super::shipped;
use workshop_base::files::{DirectoryId, directory_id};
use workshop_course::code::tree::IGNORED;
use workshop_course::lesson::model::{Course, Target};
use workshop_engine::CourseReading;

/// An editor's save is several events, and an author's change several files: they are read as one.
const SETTLE: Duration = Duration::from_millis(120);
/// More directories than an author has: the system's watches are for other programs, too.
const MOST: usize = 8_000;

/// Watches a course for as long as it lives.
pub struct CourseWatch {
    /// None where there is nothing to watch, or no watch to be had.
    watching: Option<Watching>,
}

struct Watching {
    watcher: RecommendedWatcher,
    saves: UnboundedReceiver<()>,
    /// The directories by what they are to the system: one that was removed and made again is another.
    watched: BTreeMap<PathBuf, DirectoryId>,
    dirs: CourseDirs,
    /// Where it runs.
    target: Target,
    /// Something was saved that has not been read.
    unread: bool,
    /// The last reading that was handed on.
    last: CourseReading,
}

impl CourseWatch {
    /// Begins to watch the course that was read from `dirs`.
    pub fn start(dirs: &CourseDirs, course: Arc<Course>, target: Target) -> CourseWatch {
        if dirs.fetched.is_some() || shipped::is_shipped(&dirs.lessons) {
            return CourseWatch { watching: None };
        }
        let (saved, saves) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                let _ = saved.send(());
            }
        });
        let dirs = dirs.clone();
        let watching = watcher.ok().map(|watcher| {
            let mut watching =
                Watching { watcher, saves, watched: BTreeMap::new(), dirs, target, unread: false, last: Ok(course) };
            watching.follow();
            watching
        });
        CourseWatch { watching }
    }

    /// Returns the course when it is another than before, or what is wrong with it. Ends only with a change.
    pub async fn changed(&mut self) -> CourseReading {
        let Some(watching) = &mut self.watching else { return std::future::pending().await };
        loop {
            // Whoever waits may turn to something else in between, and come back.
            if !watching.unread {
                if watching.saves.recv().await.is_none() {
                    return std::future::pending().await;
                }
                watching.unread = true;
            }
            tokio::time::sleep(SETTLE).await;
            while watching.saves.try_recv().is_ok() {}
            let reading = watching.read().await;
            watching.unread = false;
            if let Some(reading) = reading {
                return reading;
            }
        }
    }
}

impl Watching {
    /// Reads the course; None when it says what it said before.
    async fn read(&mut self) -> Option<CourseReading> {
        self.follow();
        let dirs = self.dirs.clone();
        let target = self.target;
        let read = move || dirs.load().map(|course| Arc::new(course.on(target)));
        let reading = tokio::task::spawn_blocking(read).await.ok()?;
        if reading == self.last {
            return None;
        }
        self.last = reading.clone();
        Some(reading)
    }

    /// Watches what directories there are now. One that the system does not let be watched is passed over: the author
    /// starts the workshop again then.
    fn follow(&mut self) {
        let mut wanted = BTreeSet::new();
        for root in [&self.dirs.lessons, &self.dirs.snapshots] {
            directories(root, &mut wanted);
            // Where they come back when they have gone, as with a checkout.
            let here = |above| if above == Path::new("") { Path::new(".") } else { above };
            let above = root.parent().map(here);
            wanted.extend(above.map(Path::to_owned));
        }
        self.watched.retain(|dir, id| directory_id(dir) == Some(*id));
        for dir in wanted {
            let Some(id) = directory_id(&dir).filter(|_| !self.watched.contains_key(&dir)) else { continue };
            // What is left of a watch on the one before it.
            let _ = self.watcher.unwatch(&dir);
            if self.watcher.watch(&dir, RecursiveMode::NonRecursive).is_ok() {
                self.watched.insert(dir, id);
            }
        }
    }
}

/// Finds a directory and those below it, but for links and what tools make.
fn directories(root: &Path, found: &mut BTreeSet<PathBuf>) {
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        if found.len() >= MOST {
            return;
        }
        let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
        let real = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        let named = |entry: &std::fs::DirEntry| entry.file_name().to_str().is_none_or(|name| !IGNORED.contains(&name));
        open.extend(entries.filter(|entry| real(entry) && named(entry)).map(|entry| entry.path()));
        found.insert(dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn copy(from: &Path, to: &Path) {
        workshop_base::copy_tree::copy_tree(from, to, &|_| true).unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_saved_lesson_is_read_again_and_what_says_the_same_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/base"), dir.path());
        let dirs = CourseDirs {
            lessons: dir.path().join("lessons"),
            snapshots: dir.path().join("snapshots"),
            fetched: None,
            locale: None,
            chosen: std::collections::BTreeMap::new(),
        };
        let course = Arc::new(dirs.load().unwrap());
        let mut watch = CourseWatch::start(&dirs, course.clone(), Target::Local);
        let lesson = dirs.lessons.join("ch01.yaml");
        let text = fs::read_to_string(&lesson).unwrap();
        // A comment changes nothing, and is followed by something that does.
        fs::write(&lesson, format!("{text}# nothing\n")).unwrap();
        fs::write(&lesson, text.replace("Change everything", "Change it all")).unwrap();
        let read = tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.unwrap().unwrap();
        assert_eq!(read.chapters[1].steps[0].title, "Change it all");
        fs::write(&lesson, text.replace("minutes: 2\n", "minutes: two\n")).unwrap();
        let problems = tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.unwrap().unwrap_err();
        assert!(problems[0].to_string().contains("ch01.yaml:3:10"), "{}", problems[0]);
        // A file of a snapshot in a directory that is new.
        fs::write(&lesson, &text).unwrap();
        let read = tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.unwrap().unwrap();
        assert_eq!(read, course);
        fs::create_dir_all(dirs.snapshots.join("ch01/new/deep")).unwrap();
        fs::write(dirs.snapshots.join("ch01/new/deep/file.js"), "new\n").unwrap();
        let read = tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.unwrap().unwrap();
        assert!(read.chapters[1].snapshot.contains_key("new/deep/file.js"));
        // Gone and back, as another branch has them.
        let aside = dir.path().join("aside");
        fs::rename(&dirs.lessons, &aside).unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.unwrap().is_err());
        copy(&aside, &dirs.lessons);
        assert!(tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.unwrap().is_ok());
        fs::write(&lesson, text.replace("Change everything", "Change it once more")).unwrap();
        let read = tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.unwrap().unwrap();
        assert_eq!(read.chapters[1].steps[0].title, "Change it once more");
    }
}
