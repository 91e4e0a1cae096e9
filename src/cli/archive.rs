//! Archives: `.tar.gz`, `.tgz`, `.tar` and `.zip` unpacked, `.tar.gz` written.
//!
//! Invariants: nothing is written outside the directory given, whatever the names in the archive; nothing is written
//! through a link, since links are made last; an archive that claims little and holds much is stopped.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use workshop_base::files;
use workshop_base::problem::{Problem, Result};
use workshop_base::text::sanitize;

/// The most that is unpacked of one archive, in bytes and in entries.
const MOST_BYTES: u64 = 8 << 30;
const MOST_ENTRIES: usize = 1_000_000;

/// What becomes of the symbolic links in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveLinks {
    /// They are made, those that lead out of it excepted, which are refused.
    Kept,
    /// They are passed over, as a course's are everywhere.
    PassedOver,
}

/// Returns true for a file whose name is that of an archive.
pub fn is_archive(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    [".tar.gz", ".tgz", ".tar", ".zip"].iter().any(|end| name.ends_with(end))
}

/// Unpacks an archive, known by its first bytes, into a directory that nobody else writes to. Files keep whether they may
/// be run, and nothing else of their modes and owners.
///
/// # Errors
/// When it cannot be read, is no archive, names something outside of it, or holds what is neither file, directory nor link.
pub fn unpack(archive: &Path, to: &Path, links: ArchiveLinks) -> Result<()> {
    let unread = |error: io::Error| {
        Problem::usage(format!("{} cannot be unpacked: {error}", archive.display()))
            .hint("name a whole .tar.gz, .tar or .zip file")
    };
    let mut magic = [0; 4];
    let mut file = File::open(archive).map_err(unread)?;
    let read = file.read(&mut magic).map_err(unread)?;
    let file = BufReader::new(File::open(archive).map_err(unread)?);
    fs::create_dir_all(to).map_err(unread)?;
    let mut unpacking = Unpacking { to: to.to_owned(), links, made: Vec::new(), entries: 0, bytes: 0 };
    match &magic[..read] {
        [b'P', b'K', ..] => unpacking.zip(file),
        [0x1f, 0x8b, ..] => unpacking.tar(MultiGzDecoder::new(file)),
        _ => unpacking.tar(file),
    }
    .and_then(|()| unpacking.link())
    .map_err(unread)
}

struct Unpacking {
    to: PathBuf,
    links: ArchiveLinks,
    /// Links that are still to be made, each with what it leads to.
    made: Vec<(PathBuf, PathBuf)>,
    entries: usize,
    bytes: u64,
}

impl Unpacking {
    fn tar(&mut self, reader: impl Read) -> io::Result<()> {
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries()? {
            // What cannot be read from its first byte on is another sort of file, whatever is said of its fields.
            let is_first = self.entries == 0;
            let no_archive = || io::Error::new(io::ErrorKind::InvalidData, "it is neither a tar nor a zip archive");
            let mut entry = entry.map_err(|error| if is_first { no_archive() } else { error })?;
            let name = entry.path()?.into_owned();
            match entry.header().entry_type() {
                tar::EntryType::Directory => self.directory(&name)?,
                tar::EntryType::Regular | tar::EntryType::Continuous => {
                    let executable = entry.header().mode().unwrap_or(0) & 0o100 != 0;
                    self.file(&name, executable, &mut entry)?;
                }
                tar::EntryType::Symlink => {
                    let target = entry.link_name()?.ok_or_else(|| wrong("holds a link to nothing", &name))?;
                    self.later(&name, target.into_owned())?;
                }
                // A second name of a file that came before it: here each is a file of its own.
                tar::EntryType::Link => {
                    let first = entry.link_name()?.ok_or_else(|| wrong("holds a link to nothing", &name))?;
                    let first = self.inside(&first)?;
                    let meta = fs::symlink_metadata(&first).ok().filter(fs::Metadata::is_file);
                    let meta = meta.ok_or_else(|| wrong("holds a second name of a file that it has not", &name))?;
                    let executable = meta.permissions().mode() & 0o100 != 0;
                    self.file(&name, executable, &mut File::open(first)?)?;
                }
                tar::EntryType::XGlobalHeader => {}
                _ => return Err(wrong("holds what is neither a file nor a directory", &name)),
            }
        }
        Ok(())
    }

    fn zip(&mut self, reader: impl Read + io::Seek) -> io::Result<()> {
        let mut archive = zip::ZipArchive::new(reader).map_err(io::Error::other)?;
        for number in 0..archive.len() {
            let mut entry = archive.by_index(number).map_err(io::Error::other)?;
            // Windows PowerShell parts names its own way, against the format's specification (APPNOTE 4.4.17.1).
            let name = entry.name().map_err(io::Error::other)?;
            let name = if name.contains('/') { name.into_owned() } else { name.replace('\\', "/") };
            let is_dir = entry.is_dir() || name.ends_with('/');
            let name = PathBuf::from(name);
            let mode = entry.unix_mode().unwrap_or(0o644);
            if is_dir {
                self.directory(&name)?;
            } else if mode & 0o170_000 == 0o120_000 {
                let mut target = String::new();
                entry.by_ref().take(4096).read_to_string(&mut target)?;
                self.later(&name, PathBuf::from(target))?;
            } else {
                self.file(&name, mode & 0o100 != 0, &mut entry)?;
            }
        }
        Ok(())
    }

    /// The place of an entry.
    fn place(&mut self, name: &Path) -> io::Result<PathBuf> {
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            return Err(io::Error::other(format!("it holds more than {MOST_ENTRIES} entries")));
        }
        self.inside(name)
    }

    /// The place of a name, if that is in the directory.
    fn inside(&self, name: &Path) -> io::Result<PathBuf> {
        let inside = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
        if !name.components().all(inside) {
            return Err(wrong("names something outside of it", name));
        }
        Ok(self.to.join(name))
    }

    fn directory(&mut self, name: &Path) -> io::Result<()> {
        fs::create_dir_all(self.place(name)?)
    }

    fn file(&mut self, name: &Path, executable: bool, content: &mut impl Read) -> io::Result<()> {
        let path = self.place(name)?;
        fs::create_dir_all(path.parent().unwrap_or(&self.to))?;
        // The last of a name counts, as for everyone who unpacks.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mode = if executable { 0o755 } else { 0o644 };
        let mut file = File::options().write(true).create_new(true).mode(mode).open(&path)?;
        self.bytes += io::copy(&mut content.take(MOST_BYTES - self.bytes + 1), &mut file)?;
        if self.bytes > MOST_BYTES {
            return Err(io::Error::other(format!("it holds more than {} GiB", MOST_BYTES >> 30)));
        }
        Ok(())
    }

    fn later(&mut self, name: &Path, target: PathBuf) -> io::Result<()> {
        let path = self.place(name)?;
        if self.links == ArchiveLinks::Kept {
            if !stays_inside(name, &target) {
                return Err(wrong("holds a link that leads out of it", name));
            }
            self.made.push((path, target));
        }
        Ok(())
    }

    fn link(&mut self) -> io::Result<()> {
        for (path, target) in std::mem::take(&mut self.made) {
            fs::create_dir_all(path.parent().unwrap_or(&self.to))?;
            symlink(target, path)?;
        }
        Ok(())
    }
}

/// Tells whether a link at `name` leads to something in the same archive, by the letter of both.
fn stays_inside(name: &Path, target: &Path) -> bool {
    let mut depth = name.components().filter(|part| matches!(part, Component::Normal(_))).count() - 1;
    target.components().all(|part| match part {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => depth.checked_sub(1).map(|less| depth = less).is_some(),
        Component::RootDir | Component::Prefix(_) => false,
    })
}

fn wrong(what: &str, name: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it {what}: {}", sanitize(&name.display().to_string())))
}

/// Packs directories into a `.tar.gz` file that only its owner reads, each under a name of its own.
///
/// # Errors
/// When something cannot be read or written; what was at `to` is still there then.
pub fn pack(dirs: &[(String, PathBuf)], to: &Path) -> io::Result<()> {
    let packing = |file: &mut File| {
        let mut tar = tar::Builder::new(GzEncoder::new(BufWriter::new(file), flate2::Compression::fast()));
        tar.follow_symlinks(false);
        for (name, dir) in dirs {
            tar.append_dir_all(name, dir)?;
        }
        tar.into_inner()?.finish()?.flush()
    };
    // A pipe or a device takes it as it comes.
    match to.metadata() {
        Ok(known) if !known.is_file() => File::options().write(true).open(to).and_then(|mut file| packing(&mut file)),
        Ok(_) => files::replace_with(&fs::canonicalize(to)?, packing),
        Err(_) => files::replace_with(to, packing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of entries: name, kind, content or target.
    fn tarred(entries: &[(&str, tar::EntryType, &str)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            header.set_size(0);
            let field = &mut header.as_old_mut().name;
            field[..name.len()].copy_from_slice(name.as_bytes());
            match kind {
                tar::EntryType::Regular => header.set_size(content.len() as u64),
                tar::EntryType::Symlink | tar::EntryType::Link => header.set_link_name(content).unwrap(),
                _ => {}
            }
            header.set_cksum();
            let content = if *kind == tar::EntryType::Regular { content.as_bytes() } else { b"" };
            tar.append(&header, content).unwrap();
        }
        tar.into_inner().unwrap()
    }

    fn unpacked(bytes: &[u8], links: ArchiveLinks) -> (tempfile::TempDir, Result<()>) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("archive"), bytes).unwrap();
        let result = unpack(&dir.path().join("archive"), &dir.path().join("to"), links);
        (dir, result)
    }

    #[test]
    fn what_is_packed_is_unpacked_with_links_and_what_may_be_run() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("deep/.bin")).unwrap();
        fs::write(from.join("deep/run.sh"), "#!/bin/sh").unwrap();
        fs::set_permissions(from.join("deep/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("../run.sh", from.join("deep/.bin/run")).unwrap();
        let archive = dir.path().join("a.tar.gz");
        pack(&[("one".into(), from)], &archive).unwrap();
        assert_eq!(fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);
        unpack(&archive, &to, ArchiveLinks::Kept).unwrap();
        assert_eq!(fs::read_to_string(to.join("one/deep/.bin/run")).unwrap(), "#!/bin/sh");
        assert_eq!(fs::metadata(to.join("one/deep/run.sh")).unwrap().permissions().mode() & 0o111, 0o111);
    }

    #[test]
    fn what_cannot_be_packed_leaves_the_archive_that_was_there_and_a_pipe_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (from, archive) = (dir.path().join("from"), dir.path().join("a.tar.gz"));
        fs::create_dir(&from).unwrap();
        fs::write(from.join("x"), "x").unwrap();
        fs::write(&archive, "of yesterday").unwrap();
        let dirs = |from: &Path| vec![("one".to_owned(), from.to_owned())];
        assert!(pack(&dirs(&dir.path().join("none")), &archive).is_err());
        assert_eq!(fs::read_to_string(&archive).unwrap(), "of yesterday");
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::set_permissions(&pipe, fs::Permissions::from_mode(0o644)).unwrap();
        let reads = pipe.clone();
        let reader = std::thread::spawn(move || fs::read(reads).unwrap());
        pack(&dirs(&from), &pipe).unwrap();
        assert_eq!(reader.join().unwrap()[..2], [0x1f, 0x8b]);
        assert_eq!(fs::metadata(&pipe).unwrap().permissions().mode() & 0o777, 0o644);
        pack(&dirs(&from), &archive).unwrap();
        assert_eq!(fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn nothing_is_written_outside_and_nothing_through_a_link() {
        use tar::EntryType::{Fifo, Regular, Symlink};
        for (entries, why) in [
            (&[("../evil", Regular, "x")][..], "names something outside"),
            (&[("a/../../evil", Regular, "x")], "names something outside"),
            (&[("/evil", Regular, "x")], "names something outside"),
            (&[("link", Symlink, "/etc")], "leads out of it"),
            (&[("a/link", Symlink, "../../x")], "leads out of it"),
            (&[("pipe", Fifo, "")], "neither a file nor a directory"),
        ] {
            let (dir, result) = unpacked(&tarred(entries), ArchiveLinks::Kept);
            let problem = result.unwrap_err();
            assert!(problem.message.contains(why), "{problem}");
            assert!(!dir.path().join("evil").exists());
        }
        // A file below a link's name is a file of its own: the link is made last, and then finds a directory there.
        let (dir, result) = unpacked(&tarred(&[("a", Symlink, "b"), ("a/x", Regular, "x")]), ArchiveLinks::Kept);
        assert!(result.is_err() && !dir.path().join("to/b").exists());
        let (dir, result) = unpacked(&tarred(&[("a", Symlink, "/etc"), ("x", Regular, "x")]), ArchiveLinks::PassedOver);
        result.unwrap();
        assert!(dir.path().join("to/x").exists() && !dir.path().join("to/a").is_symlink());
    }

    #[test]
    fn a_file_of_two_names_is_two_files_and_a_name_of_what_is_not_there_is_refused() {
        use tar::EntryType::{Link, Regular, Symlink};
        let (dir, result) = unpacked(&tarred(&[("a/x", Regular, "x"), ("b/y", Link, "a/x")]), ArchiveLinks::Kept);
        result.unwrap();
        let made = dir.path().join("to/b/y");
        assert_eq!(fs::read_to_string(&made).unwrap(), "x");
        assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o111, 0o111);
        fs::write(made, "y").unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("to/a/x")).unwrap(), "x");
        let long = Path::new("/").join("etc/hostname");
        for (entries, why) in [
            (&[("y", Link, "x")][..], "a second name of a file that it has not"),
            (&[("x", Symlink, "z"), ("y", Link, "x")], "a second name of a file that it has not"),
            (&[("y", Link, "../archive")], "names something outside"),
            (&[("y", Link, long.to_str().unwrap())], "names something outside"),
        ] {
            let (_dir, result) = unpacked(&tarred(entries), ArchiveLinks::Kept);
            let problem = result.unwrap_err();
            assert!(problem.message.contains(why), "{problem}");
        }
    }

    #[test]
    fn a_zip_is_unpacked_and_what_is_none_is_told() {
        use zip::write::SimpleFileOptions;
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        zip.start_file("course/run.sh", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        zip.write_all(b"#!/bin/sh").unwrap();
        zip.start_file("course\\lessons\\a.yaml", SimpleFileOptions::default()).unwrap();
        let (dir, result) = unpacked(&zip.finish().unwrap().into_inner(), ArchiveLinks::PassedOver);
        result.unwrap();
        let made = fs::metadata(dir.path().join("to/course/run.sh")).unwrap();
        assert_eq!(made.permissions().mode() & 0o111, 0o111);
        assert!(dir.path().join("to/course/lessons/a.yaml").is_file(), "as Windows PowerShell packs it");
        let (_dir, result) =
            unpacked("say: a lesson, and no archive\n".repeat(60).as_bytes(), ArchiveLinks::PassedOver);
        let problem = result.unwrap_err();
        assert!(problem.to_string().contains("neither a tar nor a zip archive"), "{problem}");
        for bytes in [&b"PK\x03\x04 and no more"[..], b"\x1f\x8b\x08", b"a text that is no archive at all"] {
            let (_dir, result) = unpacked(bytes, ArchiveLinks::PassedOver);
            assert_eq!(result.unwrap_err().kind.exit_code(), 2);
        }
        assert!(is_archive(Path::new("x/Course.TAR.GZ")) && is_archive(Path::new("a.zip")));
        assert!(!is_archive(Path::new("course.yaml")));
    }
}
