//! A directory of the program's own, in a place where others may have put things: a project that was unpacked, cloned
//! or shared.
//!
//! Invariant: below the directory that the user named nothing is opened, made, renamed or removed through a link. Every
//! name is looked up by itself, relative to a descriptor of the directory that holds it, so that nothing can be put in
//! its place between the look and the write. Files that are made here are their owner's alone.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

/// The name of the program's directory in a working directory.
pub const OURS: &str = ".workshop";

/// A file of its owner's alone.
const FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const DIRECTORY: Mode = Mode::RWXU;
/// Of root: the account that a database runs as must pass through, and sees nothing.
const PASSABLE: Mode = Mode::RWXU.union(Mode::XGRP).union(Mode::XOTH);
const ANYONE_ELSE: Mode = Mode::RWXG.union(Mode::RWXO);

/// A directory that is held open.
#[derive(Debug)]
pub struct PrivateDir {
    /// For messages, and for programs that must be given a name.
    path: PathBuf,
    fd: OwnedFd,
}

/// Something that is not followed or not written over, because of what it is.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("{} is a symbolic link, and those are not followed here", .0.display())]
    Link(PathBuf),
    #[error("{} is not a directory", .0.display())]
    NotADirectory(PathBuf),
    #[error("{} is not a file", .0.display())]
    NotAFile(PathBuf),
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidInput, refused)
    }
}

/// Returns what stood in the way, where an error of this module is about a link or another thing that is no file.
pub fn refused(error: &io::Error) -> Option<&Refused> {
    error.get_ref()?.downcast_ref()
}

impl PrivateDir {
    /// Opens a directory below another, making it if need be, and closes it to everybody else. The way to `parent` may
    /// lead over links: the user has named it.
    ///
    /// # Errors
    /// When `parent` is not there, when `name` is a link or a file, and those of the disk.
    pub fn open(parent: &Path, name: &str) -> io::Result<PrivateDir> {
        let dir = PrivateDir::named(parent)?.below(name)?;
        if name == OURS {
            dir.keep_out_of_git();
        }
        Ok(dir)
    }

    /// Tells git to leave all of this out, as tools do that keep things in a project: `git add .` would publish logs, keys and
    /// credentials. What cannot be written here is told when something is.
    fn keep_out_of_git(&self) {
        if let Ok(mut file) = self.file(".gitignore", OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, FILE) {
            let _ = file.write_all(b"# Made by workshop.\n*\n");
        }
    }

    /// Opens a directory that is there already, as [`PrivateDir::open`] does; None when it is not.
    ///
    /// # Errors
    /// When it is a link or a file, and those of the disk.
    pub fn existing(parent: &Path, name: &str) -> io::Result<Option<PrivateDir>> {
        let parent = match PrivateDir::named(parent) {
            Ok(parent) => parent,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match parent.directory(name) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a directory that the user has named, over links if need be, and leaves its mode as it is.
    ///
    /// # Errors
    /// When it is not there or no directory.
    pub fn named(path: &Path) -> io::Result<PrivateDir> {
        let fd = rustix::fs::open(path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(PrivateDir { path: path.to_owned(), fd })
    }

    /// Opens a directory in this one, making it if need be, and closes it to everybody else.
    ///
    /// # Errors
    /// When it is a link or a file, and those of the disk.
    pub fn below(&self, name: &str) -> io::Result<PrivateDir> {
        let mode = if rustix::process::geteuid().is_root() { PASSABLE } else { DIRECTORY };
        match rustix::fs::mkdirat(&self.fd, name, mode) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let dir = self.directory(name)?;
        let now = rustix::fs::fstat(&dir.fd)?;
        let open = Mode::from_raw_mode(now.st_mode).intersects(ANYONE_ELSE.difference(mode));
        if open && now.st_uid == rustix::process::geteuid().as_raw() {
            rustix::fs::fchmod(&dir.fd, mode)?;
        }
        Ok(dir)
    }

    /// Opens the directory that holds a slash-separated path below this one, and returns it with the path's last name.
    /// With `make`, directories on the way are made, in the mode that others get from the user; else None when one of
    /// them is not there.
    ///
    /// # Errors
    /// When a part of the path is a link, leads up, or is no directory, and those of the disk.
    pub fn holder<'a>(&self, path: &'a str, make: bool) -> io::Result<Option<(PrivateDir, &'a str)>> {
        let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut at = PrivateDir { path: self.path.clone(), fd: self.fd.try_clone()? };
        for part in dirs.split('/').filter(|_| !dirs.is_empty()) {
            if make {
                match rustix::fs::mkdirat(&at.fd, part, DIRECTORY | ANYONE_ELSE) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            at = match at.directory(part) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !make => return Ok(None),
                opened => opened?,
            };
        }
        Ok(Some((at, name)))
    }

    fn directory(&self, name: &str) -> io::Result<PrivateDir> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = self.path.join(name);
        match rustix::fs::openat(&self.fd, single(name)?, flags, Mode::empty()) {
            Ok(fd) => Ok(PrivateDir { path, fd }),
            Err(Errno::NOTDIR | Errno::LOOP) if self.is_link(name) => Err(Refused::Link(path).into()),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(Refused::NotADirectory(path).into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells whether this is still the directory that its name leads to: it may have been moved, or another made there.
    pub fn is_in_place(&self) -> bool {
        let same = || {
            let (held, there) = (rustix::fs::fstat(&self.fd)?, rustix::fs::stat(&self.path)?);
            io::Result::Ok((held.st_dev, held.st_ino) == (there.st_dev, there.st_ino))
        };
        same().unwrap_or(false)
    }

    /// The directory's name, for messages and for programs that must be given one.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether something of this name is here, be it a link that leads nowhere.
    pub fn contains(&self, name: &str) -> bool {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Opens a file for writing, empty, making it if need be.
    ///
    /// # Errors
    /// When it is a link or no file, and those of the disk.
    pub fn create(&self, name: &str) -> io::Result<File> {
        let file = self.file(name, OFlags::WRONLY | OFlags::CREATE, FILE)?;
        file.set_len(0)?;
        Ok(file)
    }

    /// Opens a file for reading and for writing at its end, making it if need be.
    ///
    /// # Errors
    /// As [`PrivateDir::create`].
    pub fn append(&self, name: &str) -> io::Result<File> {
        self.file(name, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE, FILE)
    }

    /// Reads a whole file; None when there is none.
    ///
    /// # Errors
    /// When it is a link or no file, and those of the disk.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut file = match self.file(name, OFlags::RDONLY, Mode::empty()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn file(&self, name: &str, flags: OFlags, mode: Mode) -> io::Result<File> {
        // A pipe that nobody reads would hold the opening up for ever.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let path = || self.path.join(name);
        let fd = match rustix::fs::openat(&self.fd, single(name)?, flags, mode) {
            Ok(fd) => fd,
            Err(Errno::LOOP) => return Err(Refused::Link(path()).into()),
            Err(Errno::ISDIR | Errno::NXIO) => return Err(Refused::NotAFile(path()).into()),
            Err(error) => return Err(error.into()),
        };
        match FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) {
            FileType::RegularFile => Ok(fd.into()),
            _ => Err(Refused::NotAFile(path()).into()),
        }
    }

    /// Gives a file a new content, whole or not at all: written beside and on the disk before it takes the old one's
    /// place, so that a power cut leaves one of the two.
    ///
    /// # Errors
    /// Those of the disk; the old content is still there then.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let beside = format!("{name}.new");
        let written = self.create(&beside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_data()?;
            self.rename(&beside, name)
        });
        written.inspect_err(|_| {
            // Half of it helps nobody, least of all on a full disk; the error that matters is the first.
            let _ = self.remove(&beside);
        })
    }

    /// Gives a file another name here, in the place of what has that name.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.rename_to(from, self, to)
    }

    /// Moves a file to another directory on the same disk, in the place of what has that name there: of a link, not of
    /// what it leads to.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn rename_to(&self, from: &str, to: &PrivateDir, name: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.fd, single(from)?, &to.fd, single(name)?)?)
    }

    /// Removes a file, or a link itself; nothing when it is not there.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.fd, single(name)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a directory that is empty.
    ///
    /// # Errors
    /// When something is in it, and those of the disk.
    pub fn remove_dir(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.fd, single(name)?, AtFlags::REMOVEDIR)?)
    }

    /// Takes away a link of this name, so that a program that is given the name writes here and nowhere else.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn remove_link(&self, name: &str) -> io::Result<()> {
        if self.is_link(name) { self.remove(name) } else { Ok(()) }
    }

    /// Waits until what was made, renamed and removed here is on the disk. Some file systems cannot be asked for this.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.fd)?)
    }

    /// Tells whether what has this name here is a link.
    pub fn is_link(&self, name: &str) -> bool {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|meta| FileType::from_raw_mode(meta.st_mode) == FileType::Symlink)
    }
}

impl AsFd for PrivateDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A name that leads nowhere else.
fn single(name: &str) -> io::Result<&str> {
    match name {
        "" | "." | ".." => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        name if name.contains('/') => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn nothing_is_reached_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("mine"), "mine").unwrap();
        symlink(&outside, dir.path().join("link")).unwrap();
        for made in [PrivateDir::open(dir.path(), "link"), PrivateDir::named(dir.path()).unwrap().below("link")] {
            assert!(matches!(refused(&made.unwrap_err()), Some(Refused::Link(_))));
        }
        let ours = PrivateDir::open(dir.path(), "ours").unwrap();
        symlink(outside.join("mine"), dir.path().join("ours/file")).unwrap();
        symlink(outside.join("new"), dir.path().join("ours/nowhere")).unwrap();
        for name in ["file", "nowhere"] {
            for opened in [ours.create(name).err(), ours.append(name).err(), ours.read(name).err()] {
                assert!(matches!(refused(&opened.unwrap()), Some(Refused::Link(_))), "{name}");
            }
        }
        symlink(&outside, dir.path().join("ours/dir")).unwrap();
        let held = ours.holder("dir/mine", true).unwrap_err();
        assert!(matches!(refused(&held), Some(Refused::Link(_))));
        // What takes a link's place takes the link's place.
        ours.replace("file", b"ours").unwrap();
        assert_eq!(ours.read("file").unwrap().as_deref(), Some(b"ours".as_slice()));
        assert_eq!(std::fs::read(outside.join("mine")).unwrap(), b"mine");
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    }

    #[test]
    fn a_pipe_or_a_directory_in_the_place_of_a_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let ours = PrivateDir::open(dir.path(), "ours").unwrap();
        ours.below("file").unwrap();
        let pipe = dir.path().join("ours/pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, FILE, 0).unwrap();
        for name in ["file", "pipe"] {
            assert!(matches!(refused(&ours.create(name).unwrap_err()), Some(Refused::NotAFile(_))), "{name}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_none() {
        let dir = tempfile::tempdir().unwrap();
        let ours = PrivateDir::open(dir.path(), "ours").unwrap();
        for name in ["", ".", "..", "../x", "a/b", "/etc/x"] {
            assert!(ours.create(name).is_err(), "{name}");
        }
        assert!(ours.holder("a/../../x", true).is_err());
    }

    #[test]
    fn what_is_made_is_its_owners_alone_and_what_was_open_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ours");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        let ours = PrivateDir::open(dir.path(), "ours").unwrap();
        assert_eq!(mode(&path) & 0o066, 0, "nobody else lists it or writes into it");
        ours.replace("a", b"1").unwrap();
        ours.append("b").unwrap().write_all(b"2").unwrap();
        assert_eq!((mode(&path.join("a")), mode(&path.join("b"))), (0o600, 0o600));
        assert!(!ours.contains("a.new"));
        assert!(PrivateDir::existing(dir.path(), "none").unwrap().is_none());
    }

    #[test]
    fn what_is_ours_is_no_part_of_the_learners_repository() {
        let dir = tempfile::tempdir().unwrap();
        let told = |name: &str| std::fs::read_to_string(dir.path().join(name).join(".gitignore")).ok();
        PrivateDir::open(dir.path(), OURS).unwrap();
        assert_eq!(told(OURS).as_deref(), Some("# Made by workshop.\n*\n"));
        std::fs::write(dir.path().join(OURS).join(".gitignore"), "mine\n").unwrap();
        PrivateDir::open(dir.path(), OURS).unwrap();
        assert_eq!(told(OURS).as_deref(), Some("mine\n"), "whoever wants it otherwise");
        PrivateDir::open(dir.path(), "another").unwrap();
        assert_eq!(told("another"), None);
    }
}
