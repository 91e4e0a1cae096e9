//! Files, hunks and lines of a difference.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::code::tree::SourceFile;

/// All files that differ between two trees, sorted by path.
pub type TreeDiff = Vec<FileDiff>;

/// The change of one file between two trees.
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
    /// The whole texts, for opening collapsed context and for highlighting; empty for a binary file.
    pub before: String,
    pub after: String,
    /// True for a side that may be run; false for a side that is not there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub before_executable: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub after_executable: bool,
    /// Both sides when one of them is no text: such a file changes whole. Never part of an event.
    #[serde(skip)]
    pub binary: Option<BinarySides>,
}

/// The two sides of a file of which at least one is no text; `None` for a side that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BinarySides {
    pub before: Option<SourceFile>,
    pub after: Option<SourceFile>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The part of a file that a hunk is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HunkSubject {
    #[default]
    Lines,
    /// The mode: may the file be run? The last hunk of its file, with ranges that hold nothing.
    Mode,
    /// All of a file that is no text.
    Content,
}

impl HunkSubject {
    fn is_lines(&self) -> bool {
        *self == HunkSubject::Lines
    }
}

/// A run of changed lines. Context is not part of it: the viewer takes it from the texts.
/// Two changes with no unchanged line between them are one hunk, unless a lesson parts them. An added
/// or deleted file is one hunk, even when it is empty. Removed lines come before added ones. A change
/// of a mode or of a binary file is a hunk whose lines say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// First removed line in `before`, from 0, and how many.
    pub before_start: usize,
    pub before_len: usize,
    /// First added line in `after`, from 0, and how many.
    pub after_start: usize,
    pub after_len: usize,
    pub lines: Vec<DiffLine>,
    #[serde(default, skip_serializing_if = "HunkSubject::is_lines")]
    pub subject: HunkSubject,
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
    /// Returns the line without marks.
    pub fn text(&self) -> String {
        self.parts.iter().map(|(_, t)| t.as_str()).collect()
    }
}

impl Hunk {
    /// Returns the lines of `before` that it removes, from 0.
    pub fn before_range(&self) -> Range<usize> {
        self.before_start..self.before_start + self.before_len
    }
    /// Returns the lines of `after` that it adds, from 0.
    pub fn after_range(&self) -> Range<usize> {
        self.after_start..self.after_start + self.after_len
    }
}

impl FileDiff {
    /// Returns the text before; `None` when there was no file, or no text.
    pub fn before(&self) -> Option<&str> {
        (self.status != FileStatus::Added && self.binary.is_none()).then_some(self.before.as_str())
    }

    /// Returns the text after; `None` when there is no file any more, or no text.
    pub fn after(&self) -> Option<&str> {
        (self.status != FileStatus::Deleted && self.binary.is_none()).then_some(self.after.as_str())
    }

    /// Returns the file before; `None` when there was none.
    pub fn file_before(&self) -> Option<SourceFile> {
        match &self.binary {
            Some(sides) => sides.before.clone(),
            None => self.before().map(|text| Self::file_of(text, self.before_executable)),
        }
    }

    /// Returns the file after; `None` when there is none any more.
    pub fn file_after(&self) -> Option<SourceFile> {
        match &self.binary {
            Some(sides) => sides.after.clone(),
            None => self.after().map(|text| Self::file_of(text, self.after_executable)),
        }
    }

    fn file_of(text: &str, executable: bool) -> SourceFile {
        SourceFile { executable, ..SourceFile::plain(text) }
    }
}
