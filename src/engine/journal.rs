//! Everything the runner writes into the working directory goes through here, and can be taken back.
//!
//! Invariant: before a file is changed or removed, its content is in `.workshop/journal/blobs` and an entry
//! that names it is in `entries.jsonl`. Contents are written beside and renamed into place, so a file is
//! always whole: the old or the new. Paths never leave the working directory and links are not followed: not those that
//! were there when it was looked, and not those that are put there in between.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::event::{FileChange, StepRef};
use super::remedies;
use workshop_base::private_dir::{self, OURS, PrivateDir};
use workshop_base::problem::{Kind, Problem};
use workshop_course::code::tree::{self, SourceFile};

const NEW_FILE_MODE: u32 = 0o644;
const ENTRIES: &str = "entries.jsonl";
/// The file that says which contents are the course's.
const AUTHORS: &str = "ours.json";
/// The file that says which text of the course the learner's own was brought to.
const BASES: &str = "stands-for.json";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Path(#[from] tree::TreeError),
    #[error("`{path}` is a directory, where the course has a file")]
    Directory { path: String },
    #[error("{doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("there is no journal entry {0}")]
    NoEntry(u64),
    #[error("the copy of `{path}` in the journal is damaged")]
    Damaged { path: String },
    #[error("{} is not the directory any more that the workshop was opened in", .0.display())]
    Moved(PathBuf),
}

type Result<T, E = Error> = std::result::Result<T, E>;

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match &error {
            Error::Io { source, .. } if private_dir::refused(source).is_some() => Problem::usage(source)
                .hint("someone else may have put it there: look at it, remove it, or choose another --workdir"),
            Error::Path(_) => Problem::usage(&error)
                .hint("replace the link by a real file or directory, or choose another --workdir; nothing was changed"),
            Error::Directory { .. } => {
                Problem::usage(&error).hint("move the directory away and try again; nothing was changed")
            }
            Error::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => Problem::environment(&error)
                .hint("free some disk space and try again: what you had is kept in .workshop/journal"),
            Error::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Problem::environment(&error).hint("make the working directory writable for you and try again")
            }
            Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Problem::environment(&error).hint(remedies::GONE)
            }
            Error::Io { .. } => Problem::environment(&error).hint("nothing is lost; repair the cause and try again"),
            Error::NoEntry(_) => Problem::usage(&error),
            Error::Moved(_) => Problem::environment(&error).hint(remedies::GONE),
            Error::Damaged { .. } => Problem::new(Kind::Environment, &error)
                .hint("the other files of this entry can still be brought back by hand from .workshop/journal/blobs"),
        }
    }
}

/// A content in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// SHA-256, hexadecimal; the name of the blob.
    hash: String,
    /// Permission bits.
    mode: u32,
}

/// One write, or one putting aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub id: u64,
    /// Milliseconds since 1970-01-01 UTC.
    pub at: u64,
    pub at_step: Option<StepRef>,
    pub kind: EntryKind,
    /// Each file as it was before; None: it was not there.
    pub before: BTreeMap<String, Option<Stored>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// We wrote; `before` is what the files were.
    Written,
    /// The learner's own edits, put aside.
    Kept,
}

/// Each file as it is to become; None: it is to be gone.
pub type DesiredFiles = BTreeMap<String, Option<SourceFile>>;

/// The things that [`Journal::write`] did. Empty when everything was as wanted already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// The entry with the learner's own edits, and their paths.
    pub kept: Option<(u64, Vec<String>)>,
    pub written: Option<(u64, BTreeMap<String, FileChange>)>,
}

/// The journal of one working directory.
#[derive(Debug)]
pub struct Journal {
    workdir: PathBuf,
    /// The same, held open: what is written below it is found from here.
    root: PrivateDir,
    dir: PrivateDir,
    blobs: PrivateDir,
    /// Contents on their way to their places.
    beside: PrivateDir,
    entries: Vec<Entry>,
    /// Hashes of all that we ever wrote to a path: whatever else stands there is the learner's.
    ours: BTreeMap<String, BTreeSet<String>>,
    /// The course's text that was written to a path last, or that the learner's own text was brought to, by its hash.
    stands_for: BTreeMap<String, String>,
}

/// Whose text a write leaves in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    /// The course's: what the learner had there is put aside.
    Course,
    /// As before: the course's text stays the course's, and the learner's stays theirs.
    Same,
    /// As an entry held it; the journal knows whose that was.
    Entry,
}

/// A content to come, and its permissions.
type Content = Option<(Vec<u8>, Permissions)>;

/// The permissions that a file is to have.
#[derive(Debug, Clone, Copy)]
enum Permissions {
    /// Just these bits.
    Bits(u32),
    /// Those it has, or those of a new file, and whoever may read it may run it, or nobody.
    Executable(bool),
}

impl Permissions {
    fn bits(self, now: Option<u32>) -> u32 {
        let now = now.unwrap_or(NEW_FILE_MODE);
        match self {
            Permissions::Bits(bits) => bits,
            Permissions::Executable(true) if now & 0o100 != 0 => now,
            Permissions::Executable(true) => now | ((now & 0o444) >> 2),
            Permissions::Executable(false) if now & 0o100 == 0 => now,
            Permissions::Executable(false) => now & !0o111,
        }
    }
}

/// A file as it is on disk.
struct OnDisk {
    bytes: Vec<u8>,
    mode: u32,
}

impl Journal {
    /// Opens the journal of a working directory, making it if need be.
    ///
    /// # Errors
    /// When it cannot be read or made. An entry cut off by a crash is dropped: its files were not touched yet.
    pub fn open(workdir: &Path) -> Result<Journal> {
        let path = workdir.join(OURS).join("journal");
        let open = || {
            let root = PrivateDir::named(workdir)?;
            let dir = root.below(OURS)?.below("journal")?;
            Ok((root, dir.below("blobs")?, dir.below("tmp")?, dir))
        };
        let (root, blobs, beside, dir) = open().map_err(io_error("making", &path))?;
        let text = dir.read(ENTRIES).map_err(io_error("reading", &path))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let entries = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        // Where it is lost, our own text counts as the learner's and is kept once more.
        let ours = dir.read(AUTHORS).ok().flatten().and_then(|b| serde_json::from_slice(&b).ok());
        let stands_for = dir.read(BASES).ok().flatten().and_then(|b| serde_json::from_slice(&b).ok());
        let (workdir, stands_for) = (workdir.to_owned(), stands_for.unwrap_or_default());
        Ok(Journal { workdir, root, dir, blobs, beside, entries, ours: ours.unwrap_or_default(), stands_for })
    }

    /// Makes files what they are to be. The learner's own edits among those that change are put aside first.
    ///
    /// # Errors
    /// When a path is out of bounds, nothing is changed. When the disk fails, files written so far are whole,
    /// and the entry takes all of it back.
    pub fn write(&mut self, at: u64, at_step: Option<&StepRef>, wanted: &DesiredFiles) -> Result<Written> {
        let written = self.change(at, at_step, contents(wanted), Author::Course)?;
        // What a learner makes of it begins with this text.
        let files = written.written.iter().flat_map(|(_, files)| files.keys());
        let text = |path: &String| wanted.get(path)?.as_ref()?.text().map(str::to_owned);
        self.now_stands_for(files.map(|path| (path.clone(), text(path))).collect::<Vec<_>>())?;
        Ok(written)
    }

    /// Changes files in place: the learner's own edits in them are still there afterwards, so nothing is put
    /// aside, and they stay the learner's.
    ///
    /// # Errors
    /// As [`Journal::write`].
    pub fn edit(&mut self, at: u64, at_step: Option<&StepRef>, wanted: &DesiredFiles) -> Result<Written> {
        self.change(at, at_step, contents(wanted), Author::Same)
    }

    /// Takes a file's present content for the course's, as when a tool that the course ran has rewritten it.
    pub fn adopt(&mut self, path: &str) {
        if let Ok(full) = tree::locate(&self.workdir, path)
            && let Ok(Some(now)) = look(path, &full)
        {
            let is_new = self.ours.entry(path.to_owned()).or_default().insert(hash(&now.bytes));
            // Lost, it counts as the learner's.
            let _ = if is_new { self.save_authors() } else { Ok(()) };
        }
    }

    /// Tells whether a file is as the runner left it, or is not there.
    pub fn is_ours(&self, path: &str) -> bool {
        let Ok(full) = tree::locate(&self.workdir, path) else { return false };
        match look(path, &full) {
            Ok(Some(now)) => self.knows(path, &hash(&now.bytes)),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Returns a digest of a file that is neither text nor the course's.
    pub fn own_bytes(&self, path: &str) -> Option<String> {
        let now = look(path, &tree::locate(&self.workdir, path).ok()?).ok()??;
        let digest = hash(&now.bytes);
        (std::str::from_utf8(&now.bytes).is_err() && !self.knows(path, &digest)).then_some(digest)
    }

    /// Returns the text of a file as it is now; None when it is none, or not there.
    pub fn workdir_text(&self, path: &str) -> Option<String> {
        Some(tree::read_file(&self.workdir, path).ok()??.text()?.to_owned())
    }

    /// Tells whether the workshop has ever written a file.
    pub fn has_written(&self, path: &str) -> bool {
        self.ours.contains_key(path)
    }

    /// Returns the course's text that was written to a file last, or that the learner's own was brought to since.
    pub fn stands_for(&self, path: &str) -> Option<String> {
        let stored = Stored { hash: self.stands_for.get(path)?.clone(), mode: NEW_FILE_MODE };
        String::from_utf8(self.blob(path, &stored).ok()?).ok()
    }

    /// Remembers which text of the course the learner's own texts were brought to; None, that the course has none there now: a
    /// file that somebody makes there is theirs.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn now_stands_for(&mut self, texts: impl IntoIterator<Item = (String, Option<String>)>) -> Result<()> {
        let mut changed = false;
        for (path, text) in texts {
            let Some(text) = text else {
                changed |= self.stands_for.remove(&path).is_some();
                continue;
            };
            let stored = self.store(&OnDisk { bytes: text.into_bytes(), mode: NEW_FILE_MODE })?;
            changed |= self.stands_for.insert(path, stored.hash.clone()) != Some(stored.hash);
        }
        if changed {
            let bases = serde_json::to_vec(&self.stands_for).unwrap_or_default();
            self.dir.replace(BASES, &bases).map_err(io_error("writing", &self.dir.path().join(BASES)))?;
        }
        Ok(())
    }

    /// Returns which of these files would change although the workshop has never written them: somebody else's work.
    ///
    /// # Errors
    /// When one cannot be read, or its path leads out.
    pub fn strangers(&self, wanted: &DesiredFiles) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for (path, want) in wanted.iter().filter(|(path, _)| !self.ours.contains_key(*path)) {
            let now = look(path, &tree::locate(&self.workdir, path)?)?;
            if now.is_some_and(|now| Some(now.bytes.as_slice()) != want.as_ref().map(SourceFile::bytes)) {
                found.push(path.clone());
            }
        }
        Ok(found)
    }

    fn knows(&self, path: &str, hash: &str) -> bool {
        self.ours.get(path).is_some_and(|known| known.contains(hash))
    }

    /// Returns what of the learner's own was put aside after an entry: the entries of that, each with its paths.
    pub fn kept_since(&self, id: u64) -> impl Iterator<Item = (u64, Vec<String>)> {
        let kept = self.entries.iter().filter(move |entry| entry.id > id && entry.kind == EntryKind::Kept);
        kept.map(|entry| (entry.id, entry.before.keys().cloned().collect()))
    }

    /// Returns the texts of the learner's own that an entry has put aside, each by its path; None when there is one that is no
    /// text, or is damaged.
    pub fn kept_texts(&self, id: u64) -> Option<Vec<(String, String)>> {
        let entry = self.entries.iter().find(|entry| entry.id == id && entry.kind == EntryKind::Kept)?;
        let text = |(path, stored): (&String, &Option<Stored>)| {
            Some((path.clone(), String::from_utf8(self.blob(path, stored.as_ref()?).ok()?).ok()?))
        };
        entry.before.iter().map(text).collect()
    }

    /// Brings back what an entry holds: the learner's edits, or the state before a write. What stands there
    /// now is put aside in turn, if it is the learner's. `merge` gets a path, the learner's text and what stands there
    /// now, and may say what both together are; None: the learner's text as it was, and the path is among those returned.
    ///
    /// # Errors
    /// When there is no such entry or its copies are damaged, nothing is changed; else as [`Journal::write`].
    pub fn restore(
        &mut self,
        at: u64,
        id: u64,
        merge: impl Fn(&str, &str, &str) -> Option<String>,
    ) -> Result<(Written, Vec<String>)> {
        let entry = self.entries.iter().find(|e| e.id == id).ok_or(Error::NoEntry(id))?.clone();
        let mut wanted = BTreeMap::new();
        let mut whole = Vec::new();
        for (path, stored) in entry.before {
            let Some(stored) = stored else {
                wanted.insert(path, None);
                continue;
            };
            let mut bytes = self.blob(&path, &stored)?;
            let now = look(&path, &tree::locate(&self.workdir, &path)?)?.filter(|now| now.bytes != bytes);
            if let (EntryKind::Kept, Some(now)) = (entry.kind, now) {
                let texts = (std::str::from_utf8(&bytes), std::str::from_utf8(&now.bytes));
                let both = if let (Ok(kept), Ok(now)) = texts { merge(&path, kept, now) } else { None };
                match both {
                    Some(text) => bytes = text.into_bytes(),
                    None => whole.push(path.clone()),
                }
            }
            wanted.insert(path, Some((bytes, Permissions::Bits(stored.mode))));
        }
        Ok((self.change(at, None, wanted, Author::Entry)?, whole))
    }

    fn change(
        &mut self,
        at: u64,
        at_step: Option<&StepRef>,
        wanted: BTreeMap<String, Content>,
        author: Author,
    ) -> Result<Written> {
        // What is looked at by its path is written from the directory that is held: both must be the same.
        if !self.root.is_in_place() {
            return Err(Error::Moved(self.workdir.clone()));
        }
        // Look at everything before touching anything.
        let (mut changes, mut is_known) = (Vec::new(), true);
        for (path, want) in wanted {
            let full = tree::locate(&self.workdir, &path)?;
            let now = look(&path, &full)?;
            let same = match (&now, &want) {
                (None, None) => true,
                (Some(now), Some((bytes, mode))) => now.bytes == *bytes && mode.bits(Some(now.mode)) == now.mode,
                _ => false,
            };
            if !same {
                changes.push((path, full, now, want));
            } else if author == Author::Course
                && let Some((bytes, _)) = want
            {
                // The learner typed just what the course has: from now on it counts as the course's.
                is_known &= !self.ours.entry(path).or_default().insert(hash(&bytes));
            }
        }
        if changes.is_empty() {
            return if is_known { Ok(Written::default()) } else { self.save_authors().map(|()| Written::default()) };
        }
        let mut before = BTreeMap::new();
        let mut own = BTreeMap::new();
        let mut files = BTreeMap::new();
        for (path, _, now, want) in &changes {
            let stored = now.as_ref().map(|now| self.store(now)).transpose()?;
            if let Some(stored) = &stored
                && author != Author::Same
                && !self.knows(path, &stored.hash)
            {
                own.insert(path.clone(), Some(stored.clone()));
            }
            let change = match (now, want) {
                (None, _) => FileChange::Added,
                (Some(_), None) => FileChange::Deleted,
                (Some(_), Some(_)) => FileChange::Changed,
            };
            files.insert(path.clone(), change);
            before.insert(path.clone(), stored);
        }
        let kept = if own.is_empty() {
            None
        } else {
            let paths = own.keys().cloned().collect();
            Some((self.note(at, at_step, EntryKind::Kept, own)?, paths))
        };
        let id = self.note(at, at_step, EntryKind::Written, before)?;
        // Before the files: whatever ends this half-way, what is written by then is not taken for the learner's.
        for (path, _, now, want) in &changes {
            let was_ours = now.as_ref().is_none_or(|now| self.knows(path, &hash(&now.bytes)));
            if let Some((bytes, _)) = want
                && (author == Author::Course || (author == Author::Same && was_ours))
            {
                self.ours.entry(path.clone()).or_default().insert(hash(bytes));
            }
        }
        self.save_authors()?;
        for (path, _, now, want) in changes {
            match want {
                Some((bytes, mode)) => self.put(&path, &bytes, mode.bits(now.map(|now| now.mode)))?,
                None => self.remove(&path)?,
            }
        }
        Ok(Written { kept, written: Some((id, files)) })
    }

    fn save_authors(&self) -> Result<()> {
        let ours = serde_json::to_vec(&self.ours).unwrap_or_default();
        self.dir.replace(AUTHORS, &ours).map_err(io_error("writing", &self.dir.path().join(AUTHORS)))
    }

    /// Keeps a content under its hash.
    fn store(&self, now: &OnDisk) -> Result<Stored> {
        let stored = Stored { hash: hash(&now.bytes), mode: now.mode };
        if !self.blobs.contains(&stored.hash) {
            let kept = self.blobs.replace(&stored.hash, &now.bytes);
            kept.map_err(io_error("writing", &self.blobs.path().join(&stored.hash)))?;
        }
        Ok(stored)
    }

    fn blob(&self, path: &str, stored: &Stored) -> Result<Vec<u8>> {
        match self.blobs.read(&stored.hash) {
            Ok(Some(bytes)) if hash(&bytes) == stored.hash => Ok(bytes),
            _ => Err(Error::Damaged { path: path.to_owned() }),
        }
    }

    /// Appends an entry and waits until it is on the disk.
    fn note(
        &mut self,
        at: u64,
        at_step: Option<&StepRef>,
        kind: EntryKind,
        before: BTreeMap<String, Option<Stored>>,
    ) -> Result<u64> {
        let id = self.entries.last().map_or(1, |e| e.id + 1);
        let entry = Entry { id, at, at_step: at_step.cloned(), kind, before };
        // A line cut off by a crash must not swallow this one.
        let mut line = b"\n".to_vec();
        line.extend(serde_json::to_vec(&entry).unwrap_or_default());
        line.push(b'\n');
        let append = || {
            let mut file = self.dir.append(ENTRIES)?;
            file.write_all(&line)?;
            file.sync_data()
        };
        append().map_err(io_error("writing", &self.dir.path().join(ENTRIES)))?;
        self.entries.push(entry);
        Ok(id)
    }

    /// Writes beside, and renames into place what is on the disk: a power cut leaves the old or the new.
    fn put(&self, path: &str, bytes: &[u8], mode: u32) -> Result<()> {
        let temporary = format!("{}-{}", std::process::id(), hash(path.as_bytes()));
        let write = || {
            let Some((dir, name)) = self.root.holder(path, true)? else { return Err(io::ErrorKind::NotFound.into()) };
            let mut file = self.beside.create(&temporary)?;
            file.write_all(bytes)?;
            file.set_permissions(fs::Permissions::from_mode(mode))?;
            file.sync_data()?;
            self.beside.rename_to(&temporary, &dir, name)?;
            // Some file systems cannot be asked for this.
            let _ = dir.sync();
            Ok(())
        };
        write().map_err(|source| {
            // What was written so far must not fill the disk further; the error that matters is the first.
            let _ = self.beside.remove(&temporary);
            Error::Io { doing: "writing", path: self.workdir.join(path), source }
        })
    }

    /// Removes a file, and directories that it leaves empty.
    fn remove(&self, path: &str) -> Result<()> {
        let failed = |source| Error::Io { doing: "removing", path: self.workdir.join(path), source };
        let Some((dir, name)) = self.root.holder(path, false).map_err(failed)? else { return Ok(()) };
        dir.remove(name).map_err(failed)?;
        let mut left = path;
        while let Some((parent, _)) = left.rsplit_once('/')
            && let Ok(Some((above, name))) = self.root.holder(parent, false)
            && above.remove_dir(name).is_ok()
        {
            left = parent;
        }
        Ok(())
    }
}

fn contents(wanted: &DesiredFiles) -> BTreeMap<String, Content> {
    let content = |file: &SourceFile| (file.bytes().to_vec(), Permissions::Executable(file.executable));
    wanted.iter().map(|(path, file)| (path.clone(), file.as_ref().map(content))).collect()
}

fn look(path: &str, full: &Path) -> Result<Option<OnDisk>> {
    let meta = match fs::symlink_metadata(full) {
        Ok(meta) => meta,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(source) => return Err(Error::Io { doing: "reading", path: full.to_owned(), source }),
    };
    if !meta.is_file() {
        return Err(Error::Directory { path: path.to_owned() });
    }
    let bytes = fs::read(full).map_err(io_error("reading", full))?;
    Ok(Some(OnDisk { bytes, mode: meta.permissions().mode() & 0o7777 }))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { doing, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(files: &[(&str, Option<&str>)]) -> DesiredFiles {
        files.iter().map(|(p, t)| ((*p).to_owned(), t.map(SourceFile::plain))).collect()
    }

    fn step(id: &str) -> StepRef {
        StepRef { chapter: 1, step: id.to_owned() }
    }

    fn text(dir: &Path, path: &str) -> Option<String> {
        fs::read_to_string(dir.join(path)).ok()
    }

    #[test]
    fn own_edits_are_put_aside_and_come_back_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        let first = journal.write(1, Some(&step("a")), &wanted(&[("src/x.ts", Some("ours 1"))])).unwrap();
        assert_eq!(first.kept, None);
        fs::write(dir.path().join("src/x.ts"), "mine").unwrap();
        let second = journal.write(2, Some(&step("b")), &wanted(&[("src/x.ts", Some("ours 2"))])).unwrap();
        let (kept, files) = second.kept.unwrap();
        assert_eq!(files, ["src/x.ts"]);
        assert_eq!(text(dir.path(), "src/x.ts").as_deref(), Some("ours 2"));

        let mut journal = Journal::open(dir.path()).unwrap();
        let (back, _) = journal.restore(3, kept, |_, _, _| None).unwrap();
        assert_eq!(text(dir.path(), "src/x.ts").as_deref(), Some("mine"));
        assert_eq!(back.kept, None, "what stood there was ours");
        // Brought back, it is still the learner's.
        assert!(journal.write(4, None, &wanted(&[("src/x.ts", None)])).unwrap().kept.is_some());
    }

    #[test]
    fn what_is_as_wanted_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "same").unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        let inode = |p: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(p.join("a")).unwrap());
        let before = inode(dir.path());
        assert_eq!(journal.write(1, None, &wanted(&[("a", Some("same")), ("b", None)])).unwrap(), Written::default());
        assert_eq!(inode(dir.path()), before);
        assert!(journal.entries.is_empty());
    }

    #[test]
    fn undoing_a_write_brings_back_deleted_files_and_modes_and_removes_added_ones() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.write(1, None, &wanted(&[("old.sh", Some("old")), ("keep", Some("1"))])).unwrap();
        fs::set_permissions(dir.path().join("old.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let change = [("old.sh", None), ("keep", Some("2")), ("new/deep/x", Some("x"))];
        let (id, _) = journal.write(2, Some(&step("a")), &wanted(&change)).unwrap().written.unwrap();
        assert!(!dir.path().join("old.sh").exists());

        let (undone, _) = journal.restore(4, id, |_, _, _| None).unwrap();
        assert_eq!(text(dir.path(), "old.sh").as_deref(), Some("old"));
        assert_eq!(fs::metadata(dir.path().join("old.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(text(dir.path(), "keep").as_deref(), Some("1"));
        assert!(!dir.path().join("new").exists(), "empty directories go with their files");
        assert_eq!(undone.written.unwrap().1["new/deep/x"], FileChange::Deleted);
    }

    #[test]
    fn an_edit_in_place_leaves_the_learners_text_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.write(1, None, &wanted(&[("a", Some("1")), ("b", Some("1"))])).unwrap();
        fs::write(dir.path().join("a"), "1 mine").unwrap();
        let edited = journal.edit(2, None, &wanted(&[("a", Some("2 mine")), ("b", Some("2"))])).unwrap();
        assert_eq!(edited.kept, None);
        assert!(!journal.is_ours("a") && journal.is_ours("b"));
        let kept = journal.write(3, None, &wanted(&[("a", Some("3")), ("b", Some("3"))])).unwrap().kept;
        assert_eq!(kept.unwrap().1, ["a"]);
    }

    #[test]
    fn what_a_tool_rewrote_can_be_adopted() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        fs::write(dir.path().join("package-lock.json"), "by npm").unwrap();
        journal.adopt("package-lock.json");
        drop(journal);
        // Also by the next run.
        let mut journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.write(1, None, &wanted(&[("package-lock.json", Some("ours"))])).unwrap().kept, None);
    }

    #[test]
    fn a_write_makes_a_file_one_to_run_or_not_and_keeps_who_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        let path = dir.path().join("run");
        for (before, executable, after) in
            [(0o700, true, 0o700), (0o640, true, 0o750), (0o755, false, 0o644), (0o600, false, 0o600)]
        {
            for text in ["1", "2"] {
                fs::write(&path, "1").unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
                let file = SourceFile { executable, ..SourceFile::plain(text) };
                journal.write(1, None, &BTreeMap::from([("run".to_owned(), Some(file))])).unwrap();
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, after, "{before:o}, {executable}, {text}");
            }
        }
        let new = SourceFile { executable: true, ..SourceFile::plain("#!/bin/sh") };
        journal.write(2, None, &BTreeMap::from([("new.sh".to_owned(), Some(new))])).unwrap();
        assert_eq!(fs::metadata(dir.path().join("new.sh")).unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn nothing_is_written_outside_or_through_links_and_nothing_at_all_when_one_path_is_bad() {
        let outside = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).unwrap();
        fs::create_dir(dir.path().join("z-dir")).unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        for bad in ["../x", "/etc/x", "link/x", "link", "a/../../x", "z-dir"] {
            let error = journal.write(1, None, &wanted(&[("a-good", Some("1")), (bad, Some("no"))]));
            let problem = Problem::from(error.unwrap_err());
            assert!(problem.hint.is_some_and(|h| h.contains("nothing was changed")), "{bad}");
        }
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        assert!(!dir.path().join("a-good").exists());
    }

    #[test]
    fn in_a_directory_that_was_moved_away_nothing_is_written() {
        let root = tempfile::tempdir().unwrap();
        let (here, there) = (root.path().join("here"), root.path().join("there"));
        fs::create_dir(&here).unwrap();
        let mut journal = Journal::open(&here).unwrap();
        journal.write(1, None, &wanted(&[("a", Some("1"))])).unwrap();
        fs::write(here.join("a"), "mine").unwrap();
        fs::rename(&here, &there).unwrap();
        for made_anew in [false, true] {
            if made_anew {
                fs::create_dir(&here).unwrap();
            }
            let problem = Problem::from(journal.write(2, None, &wanted(&[("a", Some("2"))])).unwrap_err());
            assert!(problem.hint.is_some_and(|hint| hint.contains("moved")), "{made_anew}");
            assert_eq!(text(&there, "a").as_deref(), Some("mine"));
        }
        fs::remove_dir_all(&here).unwrap();
        fs::rename(&there, &here).unwrap();
        assert!(journal.write(3, None, &wanted(&[("a", Some("2"))])).unwrap().kept.is_some());
    }

    #[test]
    fn an_entry_cut_off_by_a_crash_costs_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.write(1, None, &wanted(&[("a", Some("1"))])).unwrap();
        let path = dir.path().join(".workshop/journal/entries.jsonl");
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"{\"id\":2,\"at\"").unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.entries.len(), 1);
        journal.write(2, None, &wanted(&[("a", Some("2"))])).unwrap();
        assert_eq!(Journal::open(dir.path()).unwrap().entries.len(), 2);
    }

    #[test]
    fn what_a_write_has_written_that_broke_off_is_not_the_learners() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b"), "a file where a directory is to be").unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.write(1, None, &wanted(&[("a", Some("1")), ("b/x", Some("1"))])).unwrap_err();
        assert_eq!(text(dir.path(), "a").as_deref(), Some("1"));
        let mut journal = Journal::open(dir.path()).unwrap();
        assert!(journal.is_ours("a"));
        assert_eq!(journal.write(2, None, &wanted(&[("a", Some("2"))])).unwrap().kept, None);
    }

    #[test]
    fn a_damaged_copy_is_said_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        fs::write(dir.path().join("a"), "mine").unwrap();
        let (id, _) = journal.write(1, None, &wanted(&[("a", Some("ours"))])).unwrap().kept.unwrap();
        for blob in fs::read_dir(dir.path().join(".workshop/journal/blobs")).unwrap() {
            fs::write(blob.unwrap().path(), "rubbish").unwrap();
        }
        assert!(matches!(journal.restore(2, id, |_, _, _| None), Err(Error::Damaged { .. })));
        assert_eq!(text(dir.path(), "a").as_deref(), Some("ours"));
    }
}
