//! Reading a project from disk.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::types::{IGNORED, MAX_FILE, Reading, Skipped, SourceFile, TreeError};

/// Names of files that belong to the machine rather than to the project.
const CLUTTER: [&str; 2] = [".DS_Store", "Thumbs.db"];

/// Returns whether a name is that of a file which belongs to the machine, or to an editor that has another one open: Vim's
/// swap files (its help, `swap-file`), Emacs' locks, auto-saves and backups (its manual, "Interlocking", "Auto Save
/// Files", "Backup Names"), and what macOS puts beside a file in an archive (`._NAME`).
fn names_clutter(name: &str) -> bool {
    let swap = |end: &str| matches!(end.as_bytes(), [b's', b'w', b'a'..=b'p']);
    CLUTTER.contains(&name)
        || name.starts_with(".#")
        || name.starts_with("._")
        || name.ends_with('~')
        || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'))
        || (name.starts_with('.') && name.rsplit_once('.').is_some_and(|(_, end)| swap(end)))
}

/// Deeper than any project: a tree that is deeper is no project.
const DEEPEST: usize = 64;

/// Reads all files below a directory, except what [`IGNORED`] and the project's own `.gitignore` files name.
///
/// # Errors
/// When there is no such directory, or it cannot be listed. What cannot be read below it is in `skipped`.
pub fn read(root: &Path) -> Result<Reading, TreeError> {
    match fs::metadata(root) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(TreeError::NotADirectory(root.to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(TreeError::Missing(root.to_owned())),
        Err(e) => return Err(TreeError::Unreadable(root.to_owned(), e)),
    }
    let mut walk = Walk { root, rules: Vec::new(), reading: Reading::default() };
    let entries = fs::read_dir(root).map_err(|e| TreeError::Unreadable(root.to_owned(), e))?;
    walk.directory(entries, "");
    let mut reading = walk.reading;
    reading.skipped.sort_by(|a, b| a.0.cmp(&b.0));
    reading.ignored.sort();
    Ok(reading)
}

/// Reads one file of a project; `None` when there is none.
///
/// # Errors
/// When the path leaves the project, leads through a link, or names what is no file that can be read.
pub fn read_file(root: &Path, path: &str) -> Result<Option<SourceFile>, TreeError> {
    let full = locate(root, path)?;
    match fs::symlink_metadata(&full) {
        Err(e) if is_absent(&e) => Ok(None),
        Err(e) => Err(TreeError::Unreadable(full, e)),
        Ok(_) => {
            let file = read_source(&full).map_err(|why| TreeError::Skipped { path: path.to_owned(), why })?;
            Ok(Some(file))
        }
    }
}

/// Returns where a file of a project is on disk; the file itself need not exist.
///
/// # Errors
/// When the path leaves the root, by name or through a symbolic link in any of its directories.
pub fn locate(root: &Path, path: &str) -> Result<PathBuf, TreeError> {
    if !is_inside(path) {
        return Err(TreeError::Outside(path.to_owned()));
    }
    let mut full = root.to_owned();
    for part in path.split('/') {
        full.push(part);
        match fs::symlink_metadata(&full) {
            Ok(meta) if meta.is_symlink() => {
                return Err(TreeError::Skipped { path: path.to_owned(), why: Skipped::Symlink });
            }
            Ok(_) => {}
            Err(e) if is_absent(&e) => {}
            Err(e) => return Err(TreeError::Unreadable(full, e)),
        }
    }
    Ok(full)
}

/// Returns whether a slash-separated path names something below its root, in the one form that trees use.
pub fn is_inside(path: &str) -> bool {
    let odd = |c: char| matches!(c, '\\' | ':') || c.is_control();
    path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(odd))
}

fn is_absent(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

struct Walk<'r> {
    root: &'r Path,
    /// The `.gitignore` files of the directories around, the outermost first.
    rules: Vec<Gitignore>,
    reading: Reading,
}

impl Walk<'_> {
    fn directory(&mut self, entries: fs::ReadDir, prefix: &str) {
        let rules = self.rules.len();
        self.own_rules(prefix);
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(e) => {
                    let path = prefix.trim_end_matches('/').to_owned();
                    self.reading.skipped.push((path, Skipped::Unreadable(e)));
                    continue;
                }
            };
            let os_name = entry.file_name();
            let Some(name) = os_name.to_str() else {
                self.reading.skipped.push((format!("{prefix}{}", os_name.to_string_lossy()), Skipped::OddName));
                continue;
            };
            if names_clutter(name) {
                continue;
            }
            let path = format!("{prefix}{name}");
            if IGNORED.contains(&name) {
                self.reading.ignored.push((path, format!("what stands in `{name}` is never part of a project")));
                continue;
            }
            if let Err(why) = self.entry(&entry, &path) {
                self.reading.skipped.push((path, why));
            }
        }
        self.rules.truncate(rules);
    }

    /// Takes up the directory's own `.gitignore`, when it has one that can be read.
    fn own_rules(&mut self, prefix: &str) {
        let directory = self.root.join(prefix);
        let file = directory.join(".gitignore");
        if fs::symlink_metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() <= MAX_FILE) {
            let mut builder = GitignoreBuilder::new(&directory);
            // A line that is no pattern is passed over, as git does.
            let _ = builder.add(&file);
            self.rules.extend(builder.build().ok());
        }
    }

    /// Returns the rule that keeps a path out, as `.gitignore says `dist/``.
    fn ignored(&self, path: &str, is_dir: bool) -> Option<String> {
        let full = self.root.join(path);
        for rules in self.rules.iter().rev() {
            match rules.matched(&full, is_dir) {
                Match::None => {}
                Match::Whitelist(_) => return None,
                Match::Ignore(glob) => {
                    let file = glob.from().and_then(|file| file.strip_prefix(self.root).ok());
                    let file = file.map_or_else(|| ".gitignore".into(), |file| file.display().to_string());
                    return Some(format!("{file} says `{}`", glob.original()));
                }
            }
        }
        None
    }

    fn entry(&mut self, entry: &fs::DirEntry, path: &str) -> Result<(), Skipped> {
        // `file_type` does not follow links.
        let kind = entry.file_type().map_err(Skipped::Unreadable)?;
        if let Some(why) = self.ignored(path, kind.is_dir()) {
            self.reading.ignored.push((path.to_owned(), why));
        } else if !is_inside(path) {
            return Err(Skipped::Unportable);
        } else if kind.is_dir() {
            if path.split('/').count() > DEEPEST {
                return Err(Skipped::Unreadable(io::Error::other("directories are nested too deep")));
            }
            let entries = fs::read_dir(entry.path()).map_err(Skipped::Unreadable)?;
            self.directory(entries, &format!("{path}/"));
        } else {
            self.reading.files.insert(path.to_owned(), read_source(&entry.path())?);
        }
        Ok(())
    }
}

fn read_source(path: &Path) -> Result<SourceFile, Skipped> {
    let meta = fs::symlink_metadata(path).map_err(Skipped::Unreadable)?;
    if meta.is_symlink() {
        return Err(Skipped::Symlink);
    }
    if !meta.is_file() {
        return Err(Skipped::Special);
    }
    if meta.len() > MAX_FILE {
        return Err(Skipped::TooLarge);
    }
    let bytes = fs::read(path).map_err(Skipped::Unreadable)?;
    Ok(SourceFile::new(bytes, meta.permissions().mode() & 0o100 != 0))
}
