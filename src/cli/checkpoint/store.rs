//! The checkpoints in the cache: a directory each, named by course, chapter and the beginning of its key.
//!
//! Invariant: a checkpoint is whole or not there, since it is made beside and renamed; of each course and chapter only the
//! newest is kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cli::locked_dir::LockedDir;
use crate::cli::target;
use workshop_base::files;
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::Course;

const ABOUT: &str = "about.json";
/// Begins the names of what is still being made.
const MAKING: &str = ".making-";
/// The format of what a checkpoint holds; another is not read.
const FORMAT: u32 = 1;
/// Digits of the key in a name.
const SHORT: usize = 16;

/// What is known of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutCheckpoint {
    pub format: u32,
    /// All that it depends on, hashed.
    pub key: String,
    /// The course's title, for people.
    pub course: String,
    /// The chapter that it is the state after.
    pub chapter: u32,
    /// When it was kept, in seconds since 1970-01-01 UTC.
    pub kept: i64,
    /// npm packages are to be laid out from the cache.
    pub packages: bool,
    /// The sandbox's state is in it.
    pub sandbox: bool,
}

impl AboutCheckpoint {
    /// Describes the state after a chapter, as it is kept now.
    pub fn new(course: &Course, chapter: u32, key: String) -> AboutCheckpoint {
        AboutCheckpoint {
            format: FORMAT,
            key,
            course: course.title.clone(),
            chapter,
            kept: jiff::Timestamp::now().as_second(),
            packages: false,
            sandbox: false,
        }
    }
}

/// A checkpoint in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    pub dir: PathBuf,
    pub about: AboutCheckpoint,
}

/// All checkpoints in the cache.
#[derive(Debug, Clone)]
pub struct CheckpointStore {
    dir: PathBuf,
}

impl CheckpointStore {
    /// Names the checkpoints in a directory; makes nothing yet.
    pub fn new(dir: PathBuf) -> CheckpointStore {
        CheckpointStore { dir }
    }

    /// Names those of this user: in `$WORKSHOP_CHECKPOINTS`, else in the cache.
    ///
    /// # Errors
    /// When the user has no home directory.
    pub fn of_user() -> Result<CheckpointStore> {
        let own = std::env::var_os("WORKSHOP_CHECKPOINTS").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        Ok(CheckpointStore::new(own.map_or_else(|| target::cache().map(|cache| cache.join("checkpoints")), Ok)?))
    }

    /// Returns the directory that holds them.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Finds the checkpoint of a key; what is there and cannot be read is none.
    pub fn find(&self, course: &Course, chapter: u32, key: &str) -> Option<StoredCheckpoint> {
        let dir = self.dir.join(name(&course.code, chapter, key));
        read(dir).filter(|found| found.about.key == key)
    }

    /// Tells whether there is a checkpoint of a chapter at all, be it of other lessons: only then is a key worth its making.
    pub fn has_any(&self, course: &Course, chapter: u32) -> bool {
        let prefix = prefix(&course.code, chapter);
        self.names().iter().any(|name| name.starts_with(&prefix))
    }

    /// Returns all that can be read, by course, then chapter.
    pub fn list(&self) -> Vec<StoredCheckpoint> {
        let mut names = self.names();
        names.sort();
        names.iter().filter_map(|name| read(self.dir.join(name))).collect()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| !name.starts_with('.')).collect()
    }

    /// Makes an empty directory to make a checkpoint in, and removes what runs that were killed have left.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn begin(&self) -> Result<Draft> {
        let dir = LockedDir::new(&self.dir, MAKING, |_| ()).map_err(|error| unwritable(&self.dir, &error))?;
        // A sandbox's state holds its keys.
        let closed = fs::set_permissions(&self.dir, std::os::unix::fs::PermissionsExt::from_mode(0o700));
        closed.map_err(|error| unwritable(&self.dir, &error))?;
        Ok(Draft(dir))
    }

    /// Puts what was made in its place, and removes the older ones of the same course and chapter.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn put(&self, draft: &Draft, course_code: &str, about: &AboutCheckpoint) -> Result<PathBuf> {
        let at = self.dir.join(name(course_code, about.chapter, &about.key));
        let putting = || {
            files::replace(&draft.dir().join(ABOUT), &serde_json::to_vec_pretty(about)?)?;
            remove(&at)?;
            fs::rename(draft.dir(), &at)
        };
        putting().map_err(|error| unwritable(&at, &error))?;
        let prefix = prefix(course_code, about.chapter);
        let older = self.names().into_iter().filter(|name| name.starts_with(&prefix));
        for name in older.filter(|name| Some(name.as_str()) != at.file_name().and_then(|name| name.to_str())) {
            let _ = fs::remove_dir_all(self.dir.join(name));
        }
        Ok(at)
    }

    /// Takes a checkpoint that was unpacked, under the name that it has there.
    ///
    /// # Errors
    /// When it is none, and when the cache cannot be written.
    pub fn adopt(&self, dir: &Path) -> Result<AboutCheckpoint> {
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let found = read(dir.to_owned()).filter(|found| {
            let end = format!("-ch{:02}-{}", found.about.chapter, short(&found.about.key));
            name.ends_with(&end) && !name.starts_with('.')
        });
        let found = found.ok_or_else(|| {
            Problem::usage(format!(
                "`{}` in it is no checkpoint that this program reads",
                workshop_base::text::sanitize(&name)
            ))
            .hint("restore a file that `workshop checkpoint save` of the same version has written")
        })?;
        let at = self.dir.join(&name);
        let moved = remove(&at).and_then(|()| fs::rename(dir, &at));
        moved.map_err(|error| unwritable(&at, &error))?;
        Ok(found.about)
    }

    /// Removes a checkpoint; one that is gone already is fine.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, stored: &StoredCheckpoint) -> Result<()> {
        remove(&stored.dir).map_err(|error| unwritable(&stored.dir, &error))
    }
}

/// A checkpoint that is being made; gone with this, unless it was put in its place.
#[derive(Debug)]
pub struct Draft(LockedDir);

impl Draft {
    /// Returns the directory to make it in.
    pub fn dir(&self) -> &Path {
        self.0.path()
    }
}

fn read(dir: PathBuf) -> Option<StoredCheckpoint> {
    let about: AboutCheckpoint = serde_json::from_slice(&fs::read(dir.join(ABOUT)).ok()?).ok()?;
    (about.format == FORMAT).then_some(StoredCheckpoint { dir, about })
}

/// `dat401-ch03-`
fn prefix(code: &str, chapter: u32) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let code: String = code.chars().map(plain).take(40).collect();
    format!("{}-ch{chapter:02}-", code.trim_matches('-'))
}

fn name(code: &str, chapter: u32, key: &str) -> String {
    format!("{}{}", prefix(code, chapter), short(key))
}

fn short(key: &str) -> String {
    key.chars().take(SHORT).collect()
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull => "free some disk space, or remove checkpoints: `workshop checkpoint remove`",
        _ => "set WORKSHOP_CACHE to a directory that can be written",
    };
    Problem::environment(format!("{}: {error}", path.display())).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(chapter: u32, key: &str) -> AboutCheckpoint {
        AboutCheckpoint {
            format: FORMAT,
            key: key.repeat(64),
            course: "x".into(),
            chapter,
            kept: 0,
            packages: false,
            sandbox: false,
        }
    }

    #[test]
    fn of_each_chapter_the_newest_is_kept_and_what_is_not_put_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let store = CheckpointStore::new(dir.path().join("kept"));
        for (chapter, key) in [(1, "a"), (2, "a"), (1, "b")] {
            store.put(&store.begin().unwrap(), "DAT 401", &about(chapter, key)).unwrap();
        }
        let kept: Vec<(u32, String)> =
            store.list().into_iter().map(|one| (one.about.chapter, one.about.key[..1].to_owned())).collect();
        assert_eq!(kept, [(1, "b".to_owned()), (2, "a".to_owned())]);
        drop(store.begin().unwrap());
        assert_eq!(fs::read_dir(store.dir()).unwrap().count(), 2, "no draft is left");
        // Chapter 11 is not chapter 1.
        store.put(&store.begin().unwrap(), "DAT 401", &about(11, "c")).unwrap();
        assert_eq!(store.list().len(), 3);
    }

    #[test]
    fn what_is_not_whole_or_of_another_format_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let store = CheckpointStore::new(dir.path().join("kept"));
        let at = store.put(&store.begin().unwrap(), "x", &AboutCheckpoint { format: 99, ..about(1, "a") }).unwrap();
        assert_eq!(store.list(), []);
        fs::write(at.join(ABOUT), "{").unwrap();
        assert_eq!(store.list(), []);
        let strange = dir.path().join("strange");
        fs::create_dir(&strange).unwrap();
        assert_eq!(store.adopt(&strange).unwrap_err().kind.exit_code(), 2);
    }
}
