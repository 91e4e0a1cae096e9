//! Files of the workshop's own by their paths, where many tasks and processes write at once; the directories that they lie
//! in are made by [`PrivateDir`](crate::private_dir::PrivateDir), which holds them against links.
//!
//! Invariants: no link is followed in the place of a file; a file that is replaced is the old one or the new one, never half
//! of one, also after a power cut, and however many replace it at once.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

/// Ends the names of files that are still being written.
pub const UNFINISHED: &str = ".unfinished";
/// A file that only its owner reads and writes.
const OWNERS: Mode = Mode::RUSR.union(Mode::WUSR);
/// Flags that every opening here has: no link is followed, nothing is inherited by children, and a pipe that somebody put in
/// the file's place is not waited for.
const SAFELY: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// A directory by what it is to the system, whatever its name: device and number.
pub type DirectoryId = (u64, u64);

/// Tells which directory stands at a path; None where none does, and for a link to one.
pub fn directory_id(path: &Path) -> Option<DirectoryId> {
    let known = path.symlink_metadata().ok().filter(|known| known.is_dir())?;
    Some((known.dev(), known.ino()))
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
    replace_with(path, |file| file.write_all(bytes))
}

/// The errors with which a file cannot be put in the place of another.
const IN_PLACE: [io::ErrorKind; 3] =
    [io::ErrorKind::PermissionDenied, io::ErrorKind::ResourceBusy, io::ErrorKind::CrossesDevices];

/// As [`replace`], for somebody's own file: it keeps its mode, and through a link the file that it leads to is written.
///
/// # Errors
/// As [`replace`], and when it is not there.
pub fn rewrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = std::fs::canonicalize(path)?;
    // Who may not write it may not put another in its place either.
    let mode = File::options().write(true).open(&path)?.metadata()?.permissions();
    match replace_with(&path, |file| file.write_all(bytes).and_then(|()| file.set_permissions(mode))) {
        // A file of its own in a place where no other can be made, such as one that is mounted alone.
        Err(error) if IN_PLACE.contains(&error.kind()) => std::fs::write(&path, bytes),
        replaced => replaced,
    }
}

/// As [`replace`], for what is written piece by piece.
///
/// # Errors
/// As [`replace`], and those of `write`.
pub fn replace_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let (beside, mut file) = made_beside(path)?;
    let written = write(&mut file).and_then(|()| file.sync_data()).and_then(|()| std::fs::rename(&beside, path));
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

/// Counts the names that were tried.
static COUNT: AtomicU64 = AtomicU64::new(0);
/// So many names may be taken, one behind the other.
const TAKEN: usize = 1000;

/// Makes a file in the same directory under a name that nobody else uses: of this process, and counted. One that is there was left
/// by a process that was killed and had the same number, or is another's in another container.
fn made_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut tries = 0;
    loop {
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        name.push(format!(".{}-{count}{UNFINISHED}", std::process::id()));
        let beside = path.with_file_name(name);
        match opened(&beside, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TAKEN => tries += 1,
            made => return made.map(|file| (beside, file)),
        }
    }
}

fn linked(path: &Path) -> io::Error {
    let text = format!("{} is a symbolic link, which the workshop does not write through", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// Returns the bytes that can still be written to a directory's disk; None when it does not say.
pub fn free_in(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

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
    fn somebodys_own_file_keeps_its_mode_and_the_link_to_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o754)).unwrap();
        symlink("file", &link).unwrap();
        rewrite(&link, b"new").unwrap();
        assert_eq!(
            (fs::read(&file).unwrap().as_slice(), fs::metadata(&file).unwrap().mode() & 0o777),
            (&b"new"[..], 0o754)
        );
        assert!(link.is_symlink());
        assert!(rewrite(&dir.path().join("none"), b"new").is_err());
    }

    #[test]
    fn what_a_killed_process_of_the_same_number_has_left_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        // Tests count beside each other: the next names are among these.
        let next = COUNT.load(Ordering::Relaxed);
        for count in next..next + 200 {
            fs::write(dir.path().join(format!(".file.{}-{count}{UNFINISHED}", std::process::id())), "half").unwrap();
        }
        replace(&path, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
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
