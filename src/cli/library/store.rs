//! The installed courses in the cache: a directory each, and in it the content under its own hash.
//!
//! Invariants: a course is whole or not there, since it is made beside and renamed; a place holds one content for ever,
//! so that what was agreed to is what runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::find::{CourseChoice, courses_in};
use crate::cli::archive::{self, ArchiveLinks};
use crate::cli::git_clone;
use crate::cli::locked_dir::LockedDir;
use workshop_base::copy_tree::copy_tree;
use workshop_base::files;
use workshop_base::problem::{Problem, Result};

const ABOUT: &str = "about.json";
/// Digits of the hash in a name.
const SHORT: usize = 16;

/// What is known of an installed course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutCourse {
    /// Where it came from, as it was named: an address with its tag, a file, a directory.
    pub source: String,
    /// The commit, when git fetched it.
    pub commit: Option<String>,
    /// SHA-256 over its files: names, modes and contents.
    pub hash: String,
    /// Seconds since 1970-01-01 UTC.
    pub installed: i64,
}

/// An installed course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledCourse {
    /// The name that `--course` takes.
    pub name: String,
    /// The directory with its files.
    pub home: PathBuf,
    pub about: AboutCourse,
}

/// All installed courses.
#[derive(Debug, Clone)]
pub struct Library {
    dir: PathBuf,
}

impl Library {
    /// Names the courses of a cache; makes nothing yet.
    pub fn new(cache: &Path) -> Library {
        Library { dir: cache.join("courses") }
    }

    /// Returns all of them by name.
    pub fn list(&self) -> Vec<InstalledCourse> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut all: Vec<InstalledCourse> = names.filter_map(|name| self.find(&name)).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// Finds a course by its name.
    pub fn find(&self, name: &str) -> Option<InstalledCourse> {
        let single = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
        let dir = self.dir.join(Some(name).filter(|_| single)?);
        let about: AboutCourse = serde_json::from_slice(&fs::read(dir.join(ABOUT)).ok()?).ok()?;
        let home = dir.join(short(&about.hash));
        home.is_dir().then(|| InstalledCourse { name: name.to_owned(), home, about })
    }

    /// Finds the course that was installed from a source.
    pub fn of_source(&self, source: &str) -> Option<InstalledCourse> {
        self.list().into_iter().find(|course| course.about.source == source)
    }

    /// Fetches, unpacks or copies a course, in the place of what was installed from the same source before.
    ///
    /// # Errors
    /// When it cannot be fetched or read, holds no course, or the cache cannot be written.
    pub fn install(&self, source: &str) -> Result<InstalledCourse> {
        let made = LockedDir::new(&self.dir, ".new-", |_| ()).map_err(|e| self.unwritable(&e))?;
        let beside = made.path().join("course");
        let commit = bring(source, &beside)?;
        // What was installed before stays then.
        if courses_in(&beside).is_empty() {
            return Err(Problem::usage(format!("there is no course in {source}"))
                .expected("a lessons/course.yaml or a course.yaml there"));
        }
        let hash = content_hash(&beside).map_err(|e| self.unwritable(&e))?;
        let source = named_for_good(source);
        let name = self.of_source(&source).map_or_else(|| self.free_name(&source), |course| course.name);
        let about = AboutCourse { source, commit, hash, installed: jiff::Timestamp::now().as_second() };
        let home = self.dir.join(&name).join(short(&about.hash));
        let placing = || {
            fs::create_dir_all(self.dir.join(&name))?;
            if !home.is_dir() {
                fs::rename(&beside, &home)?;
            }
            files::replace(&self.dir.join(&name).join(ABOUT), &serde_json::to_vec_pretty(&about)?)
        };
        placing().map_err(|e| self.unwritable(&e))?;
        for entry in fs::read_dir(self.dir.join(&name)).into_iter().flatten().flatten() {
            if entry.path().is_dir() && entry.path() != home {
                // An older content; what cannot be deleted only takes room.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(InstalledCourse { name, home, about })
    }

    /// Removes a course.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, course: &InstalledCourse) -> Result<()> {
        remove(&self.dir.join(&course.name)).map_err(|e| self.unwritable(&e))
    }

    /// A name that no other course has: the readable end of where it comes from.
    fn free_name(&self, source: &str) -> String {
        let (source, _) = git_clone::with_tag(source);
        let last = source.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
        let endings = [".git", ".tar.gz", ".tgz", ".tar", ".zip"];
        let stem = endings.iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last);
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let stem: String = stem.chars().map(plain).take(40).collect();
        let stem = match stem.trim_matches(['.', '-']) {
            "" => "course",
            stem => stem,
        };
        let taken = |name: &str| self.dir.join(name).exists();
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        std::iter::once(stem.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    }

    fn unwritable(&self, error: &io::Error) -> Problem {
        Problem::environment(format!("{}: {error}", self.dir.display()))
            .hint("set WORKSHOP_CACHE to a directory that can be written")
    }
}

/// Returns the courses of an installed one, by the names that the command line takes: its own where it is one.
pub fn choices_of(course: &InstalledCourse) -> Vec<CourseChoice> {
    let mut choices = courses_in(&course.home);
    if let [one] = choices.as_mut_slice() {
        one.name.clone_from(&course.name);
    }
    choices
}

/// Makes a directory of what a source names. Returns the commit, when git has fetched it.
fn bring(source: &str, to: &Path) -> Result<Option<String>> {
    if git_clone::is_url(source) {
        let (url, tag) = git_clone::with_tag(source);
        let commit = git_clone::clone(url, tag, to)?;
        let _ = fs::remove_dir_all(to.join(".git"));
        return Ok(Some(commit));
    }
    let path = Path::new(source);
    if path.is_file() && archive::is_archive(path) {
        archive::unpack(path, to, ArchiveLinks::PassedOver)?;
        return Ok(None);
    }
    if !path.is_dir() {
        return Err(Problem::usage(format!("there is no course at {source}"))
            .expected("a directory, a .tar.gz or .zip file, or an address that git fetches from"));
    }
    let wanted = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        !workshop_course::code::tree::IGNORED.contains(&name)
    };
    copy_tree(path, to, &wanted)
        .map_err(|e| Problem::environment(format!("{source} cannot be copied: {e}")).hint("see that it can be read"))?;
    Ok(None)
}

/// The same source from every directory.
fn named_for_good(source: &str) -> String {
    match git_clone::is_url(source) {
        true => source.to_owned(),
        false => fs::canonicalize(source).map_or_else(|_| source.to_owned(), |path| path.display().to_string()),
    }
}

/// SHA-256 over all files of a directory, in the order of their names.
fn content_hash(root: &Path) -> io::Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut files = Vec::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir)? {
            let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
            match kind.is_dir() {
                true => dirs.push(path),
                false if kind.is_file() => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(&path).as_os_str().as_encoded_bytes().to_owned();
        let bytes = fs::read(&path)?;
        let executable = fs::metadata(&path)?.permissions().mode() & 0o100 != 0;
        for part in [name.as_slice(), &[u8::from(executable)], &bytes] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn short(hash: &str) -> String {
    hash.chars().filter(char::is_ascii_hexdigit).take(SHORT).collect()
}

fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn course(at: &Path, title: &str) {
        fs::create_dir_all(at.join("lessons")).unwrap();
        fs::write(at.join("lessons/course.yaml"), format!("title: {title}\n")).unwrap();
    }

    #[test]
    fn a_repository_is_kept_at_its_tag_and_renewed_when_it_is_installed_again() {
        let dir = tempfile::tempdir().unwrap();
        let repository = dir.path().join("mine");
        course(&repository, "one");
        let git = |args: &[&str]| {
            let identity = ["-c", "user.name=x", "-c", "user.email=x@example.invalid"];
            let out = Command::new("git").args(identity).args(args).current_dir(&repository).output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        };
        git(&["init", "--quiet"]);
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "x"]);
        git(&["tag", "v1"]);
        course(&repository, "two");
        git(&["commit", "--quiet", "-am", "y"]);
        let library = Library::new(&dir.path().join("cache"));
        let url = format!("file://{}", repository.display());
        let title = |course: &InstalledCourse| fs::read_to_string(course.home.join("lessons/course.yaml")).unwrap();
        let tagged = library.install(&format!("{url}#v1")).unwrap();
        assert_eq!((title(&tagged).as_str(), tagged.name.as_str()), ("title: one\n", "mine"));
        let newest = library.install(&url).unwrap();
        assert_eq!((title(&newest).as_str(), newest.name.as_str()), ("title: two\n", "mine-2"));
        assert_eq!(newest.about.commit.as_ref().unwrap().len(), 40);
        assert_ne!(newest.about.hash, tagged.about.hash);
        course(&repository, "three");
        git(&["commit", "--quiet", "-am", "z"]);
        let renewed = library.install(&url).unwrap();
        assert_eq!((title(&renewed).as_str(), renewed.name.as_str()), ("title: three\n", "mine-2"));
        assert_ne!(renewed.home, newest.home, "what was agreed to is another place");
        assert!(!newest.home.exists());
        fs::remove_dir_all(&repository).unwrap();
        assert_eq!(library.of_source(&url).unwrap(), renewed, "and then no network is needed");
        library.remove(&tagged).unwrap();
        assert_eq!(library.list(), [renewed]);
        assert_eq!(library.install("file:///nowhere/at/all").unwrap_err().kind.exit_code(), 3);
        assert_eq!(library.install("nowhere").unwrap_err().kind.exit_code(), 2);
        let broken = dir.path().join("broken");
        course(&broken, "four");
        let good = library.install(broken.to_str().unwrap()).unwrap();
        fs::remove_dir_all(broken.join("lessons")).unwrap();
        let problem = library.install(broken.to_str().unwrap()).unwrap_err();
        assert!(problem.message.starts_with("there is no course in"), "{problem}");
        assert_eq!(library.find("broken"), Some(good), "what is there already stays");
    }

    #[test]
    fn an_archive_and_a_directory_have_the_hash_of_what_they_hold() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        course(&from, "one");
        fs::create_dir_all(from.join("node_modules/x")).unwrap();
        fs::write(from.join("node_modules/x/index.js"), "").unwrap();
        let library = Library::new(&dir.path().join("cache"));
        let copied = library.install(from.to_str().unwrap()).unwrap();
        assert!(!copied.home.join("node_modules").exists());
        fs::remove_dir_all(from.join("node_modules")).unwrap();
        let file = dir.path().join("course.tar.gz");
        archive::pack(&[(".".into(), from)], &file).unwrap();
        let unpacked = library.install(file.to_str().unwrap()).unwrap();
        assert_eq!(unpacked.about.hash, copied.about.hash);
        assert_eq!(library.find("../from"), None);
        assert_eq!(library.find("course"), Some(unpacked));
    }

    #[test]
    fn an_installed_course_goes_by_the_name_that_it_was_installed_under() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("1b23cd793026b36d");
        fs::create_dir_all(home.join("lessons")).unwrap();
        fs::write(home.join("lessons/course.yaml"), "title: Queues by hand\n").unwrap();
        let about = AboutCourse { source: "x".into(), commit: None, hash: "1b23cd793026b36d".into(), installed: 0 };
        let course = InstalledCourse { name: "queues".into(), home: home.clone(), about };
        assert_eq!(choices_of(&course)[0].name, "queues");
        fs::rename(home.join("lessons"), home.join("one")).unwrap();
        fs::create_dir(home.join("two")).unwrap();
        fs::copy(home.join("one/course.yaml"), home.join("two/course.yaml")).unwrap();
        let names: Vec<String> = choices_of(&course).into_iter().map(|choice| choice.name).collect();
        assert_eq!(names, ["one", "two"], "of several each has its own");
    }
}
