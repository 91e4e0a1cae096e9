//! What was typed: kept across sessions, searchable, without secrets.
//!
//! The file holds an entry a line, newlines written `\n` and backslashes doubled; only its owner can read it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;

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
            let lines: String = entries.iter().map(|e| escape(e) + "\n").collect();
            fs::write(&file, lines).ok();
        }
        History { entries, file: Some(file) }
    }

    /// A history that is forgotten with the process.
    pub fn in_memory() -> History {
        History::default()
    }

    pub fn entries(&self) -> &[String] {
        &self.entries
    }

    /// Adds what was typed, unless it is what was typed before it, or holds a secret that cannot be cut out.
    pub fn add(&mut self, text: &str) {
        let Some(entry) = redacted(text.trim()) else { return };
        if entry.is_empty() || self.entries.last() == Some(&entry) {
            return;
        }
        if let Some(file) = &self.file {
            append(file, &escape(&entry)).ok();
        }
        self.entries.push(entry);
    }

    /// The newest entry before `before` (an index into [`entries`](Self::entries)) that contains the text, in
    /// any case.
    pub fn search(&self, text: &str, before: usize) -> Option<usize> {
        let wanted = text.to_lowercase();
        (0..before.min(self.entries.len())).rev().find(|&i| self.entries[i].to_lowercase().contains(&wanted))
    }

    /// The newest entry before `before` that begins so.
    pub fn search_prefix(&self, text: &str, before: usize) -> Option<usize> {
        (0..before.min(self.entries.len())).rev().find(|&i| self.entries[i].starts_with(text))
    }
}

fn append(file: &PathBuf, line: &str) -> std::io::Result<()> {
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

static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?is)\bpassword(\s*=\s*|\s+)(e?'(?:[^']|'')*'?)").expect("the expression is a constant")
});
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)X-Amz-(Signature|Credential|Security-Token)|\b(AKIA|ASIA)[0-9A-Z]{16}\b|aws_secret_access_key|aws_session_token")
        .expect("the expression is a constant")
});

/// The entry without its passwords; none when it holds a token or a key.
fn redacted(text: &str) -> Option<String> {
    if SECRET.is_match(text) {
        return None;
    }
    Some(PASSWORD.replace_all(text, "PASSWORD$1'…'").into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_and_can_be_found() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("deep/history");
        let mut history = History::open(file.clone());
        history.add("select 1;");
        history.add("select 1;");
        history.add("select 'a\\b'\n from x;");
        let again = History::open(file.clone());
        assert_eq!(again.entries(), ["select 1;", "select 'a\\b'\n from x;"]);
        assert_eq!(again.search("FROM", 2), Some(1));
        assert_eq!(again.search_prefix("select", 1), Some(0));
        assert_eq!(again.search("nope", 2), None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn secrets_are_not_kept() {
        let mut history = History::in_memory();
        history.add("alter role x password 'hunter2';");
        history.add("select 'abc/?Action=DbConnect&X-Amz-Signature=00';");
        assert_eq!(history.entries(), ["alter role x PASSWORD '…';"]);
    }
}
