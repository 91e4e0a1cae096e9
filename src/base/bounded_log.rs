//! A log file that stays small, however much is written to it and by how many.
//!
//! Invariants: the file and the one before it hold at most twice the limit, and a little more for what was under way; where
//! something is missing, the file says so; a log that cannot be written fails nobody.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::files;

/// The file is looked at after so many bytes, as a part of the limit.
const LOOKS: u64 = 16;

/// One writer of a log. Others, of this process or another, may write to the same file.
#[derive(Debug)]
pub struct BoundedLog {
    path: PathBuf,
    /// None when it cannot be written.
    file: Option<File>,
    limit: u64,
    /// Bytes written since the file was looked at.
    unseen: u64,
}

impl BoundedLog {
    /// Opens the log at `path`, making it if need be. At `limit` bytes it is set aside as `NAME.old`, in the place of the
    /// one before.
    ///
    /// # Errors
    /// When it is a link, or cannot be opened.
    pub fn open(path: &Path, limit: u64) -> io::Result<BoundedLog> {
        let file = files::append(path)?;
        let mut log = BoundedLog { path: path.to_path_buf(), file: Some(file), limit, unseen: 0 };
        log.look();
        Ok(log)
    }

    /// Makes a log that nobody can read, for where none can be written.
    pub fn nowhere() -> BoundedLog {
        BoundedLog { path: PathBuf::new(), file: None, limit: u64::MAX, unseen: 0 }
    }

    /// Adds text at the end.
    pub fn add(&mut self, text: &str) {
        if let Some(file) = &mut self.file {
            let _ = file.write_all(text.as_bytes());
        }
        self.unseen += text.len() as u64;
        if self.unseen > self.limit / LOOKS {
            self.look();
        }
    }

    /// Begins a new file if this one is long enough.
    fn look(&mut self) {
        self.unseen = 0;
        let Some(ours) = self.file.as_ref().and_then(|file| file.metadata().ok()) else { return };
        if !ours.is_file() || ours.len() <= self.limit {
            return;
        }
        let mut old = self.path.clone().into_os_string();
        old.push(".old");
        let old = PathBuf::from(old);
        // Another writer may have set it aside already.
        let still_there = fs::symlink_metadata(&self.path).is_ok_and(|there| there.ino() == ours.ino());
        if still_there && fs::rename(&self.path, &old).is_err() {
            return;
        }
        self.file = files::append(&self.path).ok();
        if still_there && let Some(file) = &mut self.file {
            let name = old.file_name().unwrap_or_default().to_string_lossy();
            let _ = writeln!(file, "[workshop] what came before is in {name}; older lines are gone");
        }
    }
}

impl Write for BoundedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_at_most_however_many_write() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one.log");
        let limit = 64 << 10;
        let mut writers = [(); 3].map(|()| BoundedLog::open(&path, limit).unwrap());
        let line = format!("{}\n", "x".repeat(99));
        for _ in 0..10_000 {
            writers.iter_mut().for_each(|log| log.add(&line));
        }
        let sizes: Vec<u64> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).collect();
        assert_eq!(sizes.len(), 2, "{sizes:?}");
        assert!(sizes.iter().all(|size| *size < 2 * limit), "{sizes:?}");
        assert!(fs::read_to_string(&path).unwrap().starts_with("[workshop] what came before is in one.log.old"));
    }

    #[test]
    fn a_long_log_is_set_aside_when_it_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one.log");
        fs::write(&path, "x".repeat(2000)).unwrap();
        BoundedLog::open(&path, 1000).unwrap().add("new\n");
        assert_eq!(fs::metadata(dir.path().join("one.log.old")).unwrap().len(), 2000);
        assert!(fs::read_to_string(&path).unwrap().ends_with("gone\nnew\n"));
        BoundedLog::nowhere().add("nothing");
    }
}
