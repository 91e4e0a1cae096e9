//! The course that the program ships, laid out where it can be read as any other.
//!
//! Invariant: what lies under a digest is whole and is what the digest says, since it is renamed there as a whole.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::digest::{self, digest};
use super::locked_dir::LockedDir;
use workshop_base::problem::{Problem, Result};

/// A file of the shipped course.
#[derive(Debug, Clone, Copy)]
pub struct ShippedFile {
    /// Below the course: `lessons/ch00.yaml`, `snapshots/ch00/package.json`.
    pub path: &'static str,
    pub executable: bool,
    pub bytes: &'static [u8],
}

static FILES: OnceLock<&'static [ShippedFile]> = OnceLock::new();

/// Makes the shipped course known, once, before anything asks for it.
pub fn register(files: &'static [ShippedFile]) {
    let _ = FILES.set(files);
}

/// Returns the files of the shipped course; none before it is registered.
pub fn files() -> &'static [ShippedFile] {
    FILES.get().copied().unwrap_or_default()
}

/// Returns true when the lesson files in a directory are the shipped ones, wherever it lies: nobody else has written what
/// they run.
pub fn is_shipped(course: &Path) -> bool {
    let is_lesson = |file: &&ShippedFile| file.path.starts_with("lessons/");
    let same = |file: &ShippedFile| {
        let name = file.path.trim_start_matches("lessons/");
        fs::read(course.join(name)).is_ok_and(|bytes| bytes == file.bytes)
    };
    files().iter().any(|file| is_lesson(&file)) && files().iter().filter(is_lesson).all(same)
}

/// Returns the directory that holds the shipped course's `lessons` and `snapshots`, laying it out in the cache if it is
/// not there; None when the program ships none.
///
/// # Errors
/// When the cache cannot be written.
pub fn lay_out(cache: &Path) -> Result<Option<PathBuf>> {
    match files() {
        [] => Ok(None),
        files => below(files, &cache.join("course")).map(Some).map_err(|e| {
            Problem::environment(format!("the course cannot be laid out in {}: {e}", cache.display()))
                .hint("set WORKSHOP_CACHE to a directory that can be written, with a megabyte free")
        }),
    }
}

fn below(files: &[ShippedFile], courses: &Path) -> io::Result<PathBuf> {
    let home = courses.join(format!("{:016x}", course_digest(files)));
    if home.is_dir() {
        return Ok(home);
    }
    let beside = LockedDir::new(courses, ".new-", |_| ())?;
    for file in files {
        let path = beside.path().join(file.path);
        fs::create_dir_all(path.parent().unwrap_or(courses))?;
        fs::write(&path, file.bytes)?;
        if file.executable {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    match fs::rename(beside.path(), &home) {
        // Another start was faster: what it has laid out is the same.
        Err(_) if home.is_dir() => Ok(home),
        renamed => renamed.map(|()| home),
    }
}

/// Tells one build's course from another's. Nobody is kept out by it.
fn course_digest(files: &[ShippedFile]) -> u64 {
    files.iter().fold(digest::BASIS, |hash, file| {
        let hash = digest(digest(hash, file.path.as_bytes()), &[0, u8::from(file.executable)]);
        digest(digest(hash, file.bytes), &(file.bytes.len() as u64).to_le_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[ShippedFile] = &[
        ShippedFile { path: "lessons/course.yaml", executable: false, bytes: b"title: x" },
        ShippedFile { path: "snapshots/ch00/bin/run.sh", executable: true, bytes: b"#!/bin/sh" },
    ];

    #[test]
    fn a_course_is_laid_out_once_and_another_beside_it() {
        let cache = tempfile::tempdir().unwrap();
        let home = below(ONE, cache.path()).unwrap();
        assert_eq!(fs::read(home.join("lessons/course.yaml")).unwrap(), b"title: x");
        let mode = fs::metadata(home.join("snapshots/ch00/bin/run.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111);
        assert_eq!(below(ONE, cache.path()).unwrap(), home);
        assert_ne!(below(&ONE[..1], cache.path()).unwrap(), home);
        let left: Vec<_> = fs::read_dir(cache.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
    }
}
