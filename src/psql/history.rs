//! The inputs that were typed: kept across sessions, without secrets. The screen and `workshop sql` keep it in one file.
//!
//! The file holds an entry a line, newlines written `\n` and backslashes doubled; only its owner can read it. Each
//! line is one write at its end, so that several programs can add to it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use workshop_base::secret;

/// The file's name in the directory of the program.
pub const FILE: &str = "sql_history";
/// Entries kept in the file.
const KEPT: usize = 5_000;

/// The entries, oldest first.
#[derive(Debug, Default)]
pub struct History {
    entries: Vec<String>,
    file: Option<PathBuf>,
}

impl History {
    /// The history in a file. One that is not there or cannot be read is empty; history is never a reason to fail.
    pub fn open(file: PathBuf) -> History {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut entries: Vec<String> = text.lines().map(unescape).collect();
        if entries.len() > KEPT {
            entries.drain(..entries.len() - KEPT);
            replace(&file, &entries).ok();
        }
        History { entries, file: Some(file) }
    }

    /// A history that is forgotten with the process.
    pub fn in_memory() -> History {
        History::default()
    }

    /// Returns the entries, newest last.
    pub fn entries(&self) -> &[String] {
        &self.entries
    }

    /// Adds what was typed, unless it is what was typed before it, or holds a secret that cannot be cut out.
    /// Passwords are cut out.
    pub fn add(&mut self, text: &str) {
        let Some(entry) = kept(text) else { return };
        if self.entries.last() == Some(&entry) {
            return;
        }
        if let Some(file) = &self.file {
            append(file, &escape(&entry)).ok();
        }
        self.entries.push(entry);
    }
}

/// Writes what is left of a long file, in its place at once.
fn replace(file: &Path, entries: &[String]) -> std::io::Result<()> {
    let new = file.with_extension("new");
    fs::remove_file(&new).ok();
    append(&new, entries.iter().map(|e| escape(e)).collect::<Vec<_>>().join("\n").as_str())?;
    fs::rename(&new, file)
}

fn append(file: &Path, line: &str) -> std::io::Result<()> {
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // One write a line: sessions side by side never mix their lines.
    options.open(file)?.write_all(format!("{line}\n").as_bytes())
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

/// Returns what the history keeps of an entry: it without its passwords; nothing when it holds a token or a key.
pub fn kept(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && !secret::holds_credential(text)).then(|| secret::without_passwords(text))
}

/// Returns what others may see of an entry, and what a run's record keeps: it without its passwords, and a mark in place of
/// one that holds a token or a key.
pub fn shown(text: &str) -> String {
    kept(text).unwrap_or_else(|| if text.trim().is_empty() { String::new() } else { secret::MASKED.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("deep/history");
        let mut history = History::open(file.clone());
        history.add("select 1;");
        history.add("select 1;");
        history.add("select 'a\\b'\n from x;");
        let again = History::open(file.clone());
        assert_eq!(again.entries(), ["select 1;", "select 'a\\b'\n from x;"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_long_file_keeps_its_newest_entries() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        let long: String = (0..KEPT + 10).map(|n| format!("select {n};\n")).collect();
        fs::write(&file, long).unwrap();
        assert_eq!(History::open(file.clone()).entries().len(), KEPT);
        let again = History::open(file);
        assert_eq!((again.entries().len(), again.entries()[0].as_str()), (KEPT, "select 10;"));
    }

    #[test]
    fn passwords_are_cut_out_and_tokens_not_kept() {
        for text in [
            "alter role x password 'hunter2';",
            "CREATE ROLE x WITH LOGIN ENCRYPTED PASSWORD 'hun''ter2' VALID UNTIL 'infinity';",
            "alter role x password E'hun\\'ter2' login;",
            "alter role x password $$hunter2$$ login;",
            "alter role x password $a$hunter2$a$;",
            "alter role x password 'hunter2",
            "\\c \"host=h password=hunter2 user=u\"",
            "\\c postgresql://u:hunter2@h:5432/d",
            "alter role x\n  password\n  'hunter2';",
        ] {
            let kept = kept(text).unwrap();
            assert!(kept.contains('…') && !kept.contains("ter2"), "{text} is kept as {kept}");
        }
        assert_eq!(kept("alter role x password E'hun\\'ter2' login;").unwrap(), "alter role x password '…' login;");
        assert_eq!(kept("\\c postgresql://u:hunter2@h:5432/d").unwrap(), "\\c postgresql://u:…@h:5432/d");
        for text in [
            "select 'abc/?Action=DbConnect&X-Amz-Signature=00';",
            "\\set key AKIAIOSFODNN7EXAMPLE",
            "\\! export AWS_SECRET_ACCESS_KEY=abc",
        ] {
            assert_eq!(kept(text), None, "{text}");
        }
        let plain = "select password from users where role = 'x';";
        assert_eq!(kept(plain).unwrap(), plain);
    }
}
