//! Files, hunks and lines of a difference.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// All files that differ between two trees, sorted by path.
pub type TreeDiff = Vec<FileDiff>;

/// What happened to one file between two trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    Added,
    Changed,
    Deleted,
}

/// One file's difference. Files are sorted by path, hunks by place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// Slash-separated, below the tree's root.
    pub path: String,
    pub status: FileStatus,
    pub hunks: Vec<Hunk>,
    /// The whole texts, for opening collapsed context and for highlighting.
    pub before: String,
    pub after: String,
}

/// A run of changed lines. Context is not part of it: the viewer takes it from the texts.
/// Two changes with no unchanged line between them are one hunk. An added or deleted file is one
/// hunk, even when it is empty. Removed lines come before added ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// First removed line in `before`, from 0, and how many.
    pub before_start: usize,
    pub before_len: usize,
    /// First added line in `after`, from 0, and how many.
    pub after_start: usize,
    pub after_len: usize,
    pub lines: Vec<DiffLine>,
    /// The author's note beside it (Markdown).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Removed,
    Added,
}

/// One removed or added line, without its line end, in parts for word marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    pub side: Side,
    /// (is this part different from the other side, text); the parts joined are the line.
    /// A line that has no counterpart on the other side carries no marks.
    pub parts: Vec<(bool, String)>,
}

impl DiffLine {
    pub fn text(&self) -> String {
        self.parts.iter().map(|(_, t)| t.as_str()).collect()
    }
}

impl Hunk {
    pub fn before_range(&self) -> Range<usize> {
        self.before_start..self.before_start + self.before_len
    }
    pub fn after_range(&self) -> Range<usize> {
        self.after_start..self.after_start + self.after_len
    }
}

impl FileDiff {
    /// The file before, `None` when there was none.
    pub fn before(&self) -> Option<&str> {
        (self.status != FileStatus::Added).then_some(self.before.as_str())
    }
    /// The file after, `None` when there is none any more.
    pub fn after(&self) -> Option<&str> {
        (self.status != FileStatus::Deleted).then_some(self.after.as_str())
    }
}
