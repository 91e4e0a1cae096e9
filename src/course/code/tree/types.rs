//! Files of a project, and why one is not among them.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// The files of a project by path, in path order.
pub type Tree = BTreeMap<String, SourceFile>;

/// Names of what tools make, at any depth: never part of a tree.
pub const IGNORED: [&str; 5] = ["node_modules", ".workshop", "cdk.out", ".git", "__pycache__"];

/// No source file that anyone reads on a stage is larger than this, in bytes.
pub const MAX_FILE: u64 = 4 * 1024 * 1024;

/// One file of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    pub content: FileContent,
    /// True when its owner may run it: the one bit of a mode that belongs to a project.
    pub executable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// UTF-8 without NUL.
    Text(String),
    /// Anything else: it comes and goes whole.
    Binary(Vec<u8>),
}

impl SourceFile {
    /// Returns a text that nobody runs.
    pub fn plain(text: impl Into<String>) -> SourceFile {
        SourceFile { content: FileContent::Text(text.into()), executable: false }
    }

    /// Sorts bytes into text and anything else.
    pub fn new(bytes: Vec<u8>, executable: bool) -> SourceFile {
        let content = match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => FileContent::Text(text),
            Ok(text) => FileContent::Binary(text.into_bytes()),
            Err(error) => FileContent::Binary(error.into_bytes()),
        };
        SourceFile { content, executable }
    }

    /// Returns the text; `None` for a binary file.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            FileContent::Text(text) => Some(text),
            FileContent::Binary(_) => None,
        }
    }

    /// Returns the content as it is on disk.
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            FileContent::Text(text) => text.as_bytes(),
            FileContent::Binary(bytes) => bytes,
        }
    }
}

/// A tree, and what below its root could not be part of it.
#[derive(Debug, Default)]
pub struct Reading {
    pub files: Tree,
    /// In path order. A snapshot must have none; a learner's directory may.
    pub skipped: Vec<(String, Skipped)>,
    /// Paths that are there and are not read on purpose, in path order: the topmost paths, and what says so.
    pub ignored: Vec<(String, String)>,
}

impl Reading {
    /// Returns what keeps a path out of the tree, when something does: `.gitignore`, or a name that tools use.
    pub fn ignored_by(&self, path: &str) -> Option<&str> {
        let covers =
            |above: &str| path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.ignored.iter().find(|(above, _)| covers(above)).map(|(_, why)| why.as_str())
    }
}

/// Why a file is not in a tree.
#[derive(Debug, thiserror::Error)]
pub enum Skipped {
    #[error("is a symbolic link, and those are not followed")]
    Symlink,
    #[error("is neither a file nor a directory")]
    Special,
    #[error("has a name that is not UTF-8")]
    OddName,
    #[error("has a name with `:`, `\\` or a control character, which is no name of a file everywhere")]
    Unportable,
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
