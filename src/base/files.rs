//! Files that the workshop keeps in directories which may hold anything: a project that came from somebody else, or a
//! directory that others write to.
//!
//! Invariants: nothing here follows a symbolic link below the directory it is given, so that what is written there stays
//! there; a file that is replaced is the old one or the new one, never half of one, also after a power cut, and however
//! many replace it at once.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags, mkdirat, open, openat};
use rustix::io::Errno;

/// Ends the names of files that are still being written.
pub const UNFINISHED: &str = ".unfinished";
/// A file that only its owner reads and writes.
const OWNERS: Mode = Mode::RUSR.union(Mode::WUSR);
/// Flags that every opening here has: no link is followed, nothing is inherited by children, and a pipe that somebody put in
/// the file's place is not waited for.
const SAFELY: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// Makes the directories of `below` one inside the other, beginning in `root`, and returns the last one's path. Those
/// that are new get the permissions `mode`, such as `0o700`; `root` itself is followed wherever it leads.
///
/// # Errors
/// When `root` is no directory, when one of those below is a link or a file, or when the disk refuses one.
pub fn make_dirs(root: &Path, below: impl AsRef<Path>, mode: u32) -> io::Result<PathBuf> {
    let mut path = root.to_path_buf();
    let mut at = open(root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(|error| named(&path, error))?;
    for part in below.as_ref().components() {
        let Component::Normal(name) = part else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a directory is named from its root"));
        };
        path.push(name);
        match mkdirat(&at, name, Mode::from_raw_mode(mode as _)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(named(&path, error)),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        at = openat(&at, name, flags, Mode::empty()).map_err(|error| match path.is_symlink() {
            true => linked(&path),
            false => named(&path, error),
        })?;
    }
    Ok(path)
}

/// Opens a file to write at its end, making it for its owner alone if it is not there.
///
/// # Errors
/// When it is a link, or cannot be opened.
pub fn append(path: &Path) -> io::Result<File> {
    opened(path, OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE)
}

/// Opens a file to be locked, making it for its owner alone if it is not there. What it holds stays.
///
/// # Errors
/// When it is a link, or cannot be opened.
pub fn lockable(path: &Path) -> io::Result<File> {
    opened(path, OFlags::RDWR | OFlags::CREATE)
}

/// Replaces a file in one step by one that only its owner reads; it is on the disk when this returns. A link in its place
/// is replaced, not followed.
///
/// # Errors
/// When its directory cannot be written to, or the disk is full. The old file is still there then.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    let written = opened(&beside, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data()))
        .and_then(|()| std::fs::rename(&beside, path));
    if let Err(error) = written {
        let _ = std::fs::remove_file(&beside);
        return Err(error);
    }
    sync_parent(path);
    Ok(())
}

/// Deletes what [`replace`] left in `dir` when its process was killed. Call it while nobody else writes there.
pub fn remove_unfinished(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
            // What cannot be deleted is only in the way of nobody.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Takes care that a directory's entry outlives a power cut. Some file systems cannot be asked to.
pub fn sync_parent(path: &Path) {
    if let Some(dir) = path.parent() {
        let _ = File::open(dir).and_then(|dir| dir.sync_all());
    }
}

fn opened(path: &Path, flags: OFlags) -> io::Result<File> {
    let file = open(path, flags | SAFELY, OWNERS).map_err(|error| match error {
        Errno::LOOP if path.is_symlink() => linked(path),
        error => error.into(),
    })?;
    Ok(file.into())
}

/// A name in the same directory that nobody else uses: of this process, and counted.
fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".{}-{count}{UNFINISHED}", std::process::id()));
    path.with_file_name(name)
}

fn linked(path: &Path) -> io::Error {
    let text = format!("{} is a symbolic link, which the workshop does not write through", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn named(path: &Path, error: Errno) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn no_directory_is_made_through_a_link() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let made = make_dirs(root.path(), "a/b", 0o700).unwrap();
        assert_eq!(fs::metadata(&made).unwrap().mode() & 0o777, 0o700);
        assert_eq!(make_dirs(root.path(), "a/b", 0o700).unwrap(), made, "what is there stays");
        symlink(outside.path(), root.path().join("link")).unwrap();
        for below in ["link", "link/c"] {
            let error = make_dirs(root.path(), below, 0o700).unwrap_err();
            assert!(error.to_string().contains("link is a symbolic link"), "{error}");
        }
        fs::write(root.path().join("file"), "").unwrap();
        assert!(make_dirs(root.path(), "file", 0o700).is_err());
        assert!(make_dirs(root.path(), "../x", 0o700).is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        let linked = root.path().join("whole");
        symlink(outside.path(), &linked).unwrap();
        make_dirs(&linked, "c", 0o700).expect("where the work is, is for its owner to say");
    }

    #[test]
    fn no_file_is_written_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (theirs, ours) = (dir.path().join("theirs"), dir.path().join("ours"));
        fs::write(&theirs, "precious").unwrap();
        symlink(&theirs, &ours).unwrap();
        for error in [append(&ours).unwrap_err(), lockable(&ours).unwrap_err()] {
            assert!(error.to_string().ends_with("is a symbolic link, which the workshop does not write through"));
        }
        replace(&ours, b"new").unwrap();
        assert_eq!(fs::read(&theirs).unwrap(), b"precious");
        assert_eq!(fs::read(&ours).unwrap(), b"new");
        assert!(!ours.is_symlink());
        assert_eq!(fs::metadata(&ours).unwrap().mode() & 0o777, 0o600);
        symlink(dir.path().join("nothing"), dir.path().join("loose")).unwrap();
        assert!(append(&dir.path().join("loose")).is_err());
        assert!(!dir.path().join("nothing").exists());
    }

    #[test]
    fn many_replace_one_file_at_once_and_none_fails() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index.json");
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                let path = &path;
                scope.spawn(move || (0..50).for_each(|_| replace(path, &[writer; 4096]).unwrap()));
            }
        });
        let whole = fs::read(&path).unwrap();
        assert!(whole.len() == 4096 && whole.iter().all(|byte| *byte == whole[0]));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing unfinished is left");
    }
}
