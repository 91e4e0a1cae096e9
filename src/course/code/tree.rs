//! A project as text: relative slash-separated paths and their contents.
//!
//! Invariant: nothing outside the root is ever read. Paths never climb out of it, and symbolic links
//! are reported, not followed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files of a project, path to text, in path order.
pub type Tree = BTreeMap<String, String>;

/// Names of what tools make, at any depth: never part of a tree.
pub const IGNORED: [&str; 5] = ["node_modules", ".workshop", "cdk.out", ".git", "dist"];

/// No source file that anyone reads on a stage is larger than this, in bytes.
pub const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Names of files that belong to the machine rather than to the project.
const CLUTTER: [&str; 2] = [".DS_Store", "Thumbs.db"];

/// A tree, and what below its root could not be part of it.
#[derive(Debug, Default)]
pub struct Reading {
    pub files: Tree,
    /// In path order. A snapshot must have none; a learner's directory may.
    pub skipped: Vec<(String, Skipped)>,
}

/// Why a file is not in a tree.
#[derive(Debug, thiserror::Error)]
pub enum Skipped {
    #[error("is a symbolic link, and those are not followed")]
    Symlink,
    #[error("is neither a file nor a directory")]
    Special,
    #[error("is not UTF-8 text")]
    NotText,
    #[error("has a name that is not UTF-8")]
    OddName,
    #[error("is larger than {} MiB", MAX_FILE / 1024 / 1024)]
    TooLarge,
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
}

/// Why a tree, or one path in it, is out of reach.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error("there is no directory {}", .0.display())]
    Missing(PathBuf),
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    #[error("cannot read {}: {}", .0.display(), .1)]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("the path `{0}` leaves the project")]
    Outside(String),
    #[error("`{path}` {why}")]
    Skipped { path: String, why: Skipped },
}

/// Reads all files below a directory, except what [`IGNORED`] names.
pub fn read(root: &Path) -> Result<Reading, TreeError> {
    match fs::metadata(root) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(TreeError::NotADirectory(root.to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(TreeError::Missing(root.to_owned())),
        Err(e) => return Err(TreeError::Unreadable(root.to_owned(), e)),
    }
    let mut reading = Reading::default();
    let entries = fs::read_dir(root).map_err(|e| TreeError::Unreadable(root.to_owned(), e))?;
    read_entries(entries, "", &mut reading);
    reading.skipped.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(reading)
}

/// Reads one file of a project; `None` when there is none.
pub fn read_file(root: &Path, path: &str) -> Result<Option<String>, TreeError> {
    let full = locate(root, path)?;
    match fs::symlink_metadata(&full) {
        Err(e) if is_absent(&e) => Ok(None),
        Err(e) => Err(TreeError::Unreadable(full, e)),
        Ok(_) => {
            let text = read_text(&full).map_err(|why| TreeError::Skipped { path: path.to_owned(), why })?;
            Ok(Some(text))
        }
    }
}

/// Where a file of a project is on disk. Refuses paths that leave the root, by name or through a
/// symbolic link in any of their directories; the file itself need not exist.
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

/// Whether a slash-separated path names something below its root, in the one form that trees use.
pub fn is_inside(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0', ':']))
}

fn is_absent(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn read_entries(entries: fs::ReadDir, prefix: &str, reading: &mut Reading) {
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                reading.skipped.push((prefix.trim_end_matches('/').to_owned(), Skipped::Unreadable(e)));
                continue;
            }
        };
        let os_name = entry.file_name();
        let Some(name) = os_name.to_str() else {
            reading.skipped.push((format!("{prefix}{}", os_name.to_string_lossy()), Skipped::OddName));
            continue;
        };
        if IGNORED.contains(&name) || CLUTTER.contains(&name) {
            continue;
        }
        let path = format!("{prefix}{name}");
        if let Err(why) = read_entry(&entry, &path, reading) {
            reading.skipped.push((path, why));
        }
    }
}

fn read_entry(entry: &fs::DirEntry, path: &str, reading: &mut Reading) -> Result<(), Skipped> {
    // `file_type` does not follow links.
    let kind = entry.file_type().map_err(Skipped::Unreadable)?;
    if kind.is_dir() {
        let entries = fs::read_dir(entry.path()).map_err(Skipped::Unreadable)?;
        read_entries(entries, &format!("{path}/"), reading);
    } else {
        reading.files.insert(path.to_owned(), read_text(&entry.path())?);
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String, Skipped> {
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
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(Skipped::NotText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_by_slash_path_and_leaves_out_what_tools_make() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("lambda/src")).unwrap();
        fs::create_dir_all(root.join("lambda/node_modules/x")).unwrap();
        fs::create_dir_all(root.join("cdk/cdk.out")).unwrap();
        fs::write(root.join("lambda/src/index.ts"), "a\r\nb").unwrap();
        fs::write(root.join("lambda/node_modules/x/index.js"), "no").unwrap();
        fs::write(root.join("cdk/cdk.out/t.json"), "no").unwrap();
        fs::write(root.join(".gitignore"), "").unwrap();
        let reading = read(root).unwrap();
        assert!(reading.skipped.is_empty());
        let expected = [(".gitignore", ""), ("lambda/src/index.ts", "a\r\nb")];
        assert_eq!(reading.files, Tree::from(expected.map(|(p, t)| (p.to_owned(), t.to_owned()))));
    }

    #[test]
    fn says_what_it_left_out_and_why() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        fs::create_dir(&root).unwrap();
        fs::write(dir.path().join("secret"), "outside").unwrap();
        std::os::unix::fs::symlink(dir.path(), root.join("dir-link")).unwrap();
        std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
        fs::write(root.join("image.png"), [0x89, b'P', 0xff]).unwrap();
        fs::write(root.join("nul"), "a\0b").unwrap();
        fs::write(root.join("big"), vec![b'x'; MAX_FILE as usize + 1]).unwrap();
        let reading = read(&root).unwrap();
        assert!(reading.files.is_empty());
        let said: Vec<String> = reading.skipped.iter().map(|(p, why)| format!("{p} {why}")).collect();
        assert_eq!(
            said,
            [
                "big is larger than 4 MiB",
                "dir-link is a symbolic link, and those are not followed",
                "image.png is not UTF-8 text",
                "link is a symbolic link, and those are not followed",
                "nul is not UTF-8 text",
            ]
        );
    }

    #[test]
    fn one_file_is_read_only_below_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        fs::create_dir_all(root.join("src")).unwrap();
        fs::write(dir.path().join("secret"), "outside").unwrap();
        fs::write(root.join("src/a"), "inside").unwrap();
        std::os::unix::fs::symlink("..", root.join("up")).unwrap();
        assert_eq!(read_file(&root, "src/a").unwrap().as_deref(), Some("inside"));
        assert_eq!(read_file(&root, "src/b").unwrap(), None);
        assert_eq!(read_file(&root, "src/a/b").unwrap(), None);
        for path in ["../secret", "/etc/passwd", "src/../../secret", "", "src//a", "./src/a", "C:/x", "a\\b"] {
            assert!(matches!(read_file(&root, path), Err(TreeError::Outside(_))), "{path}");
        }
        assert_eq!(
            read_file(&root, "up/secret").unwrap_err().to_string(),
            "`up/secret` is a symbolic link, and those are not followed"
        );
        assert!(matches!(read_file(&root, "src"), Err(TreeError::Skipped { .. })));
    }

    #[test]
    fn a_root_that_is_not_there_is_named() {
        assert!(matches!(read(Path::new("/nonexistent/project")), Err(TreeError::Missing(_))));
    }
}
