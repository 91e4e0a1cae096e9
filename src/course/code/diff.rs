//! The difference between two project trees, as files, hunks and lines. Pure.
//!
//! Invariant: a [`FileDiff`] loses nothing. The texts it was made from are in it, line ends and a
//! missing last newline included, and its hunks point into them.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::tree::Tree;

mod words;

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
    pub lines: Vec<Line>,
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
pub struct Line {
    pub side: Side,
    /// (is this part different from the other side, text); the parts joined are the line.
    /// A line that has no counterpart on the other side carries no marks.
    pub parts: Vec<(bool, String)>,
}

impl Line {
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

/// The files that differ between two trees.
pub fn diff_trees(before: &Tree, after: &Tree) -> TreeDiff {
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
        .into_iter()
        .filter_map(|path| diff_file(path, before.get(path).map(String::as_str), after.get(path).map(String::as_str)))
        .collect()
}

/// One file's difference; `None` stands for a file that is not there. Nothing when both are the same.
pub fn diff_file(path: &str, before: Option<&str>, after: Option<&str>) -> Option<FileDiff> {
    let (status, hunks) = match (before, after) {
        (None, None) => return None,
        (Some(a), Some(b)) if a == b => return None,
        (Some(a), Some(b)) => (FileStatus::Changed, diff_text(a, b)),
        (None, Some(b)) => (FileStatus::Added, vec![whole_file(b, Side::Added)]),
        (Some(a), None) => (FileStatus::Deleted, vec![whole_file(a, Side::Removed)]),
    };
    Some(FileDiff {
        path: path.to_owned(),
        status,
        hunks,
        before: before.unwrap_or_default().to_owned(),
        after: after.unwrap_or_default().to_owned(),
    })
}

/// The hunks that turn one text into another, with word marks.
pub fn diff_text(before: &str, after: &str) -> Vec<Hunk> {
    let old = split_lines(before);
    let new = split_lines(after);
    changed_ranges(&capture_diff_slices(Algorithm::Myers, &old, &new))
        .into_iter()
        .map(|(old_range, new_range)| Hunk {
            before_start: old_range.start,
            before_len: old_range.len(),
            after_start: new_range.start,
            after_len: new_range.len(),
            lines: words::mark(&old[old_range], &new[new_range]),
            note: None,
        })
        .collect()
}

/// The lines of a text, each with its line end; the last may lack one.
pub fn split_lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Joins neighbouring changes, so that between two runs there is always an unchanged line.
fn changed_ranges(ops: &[DiffOp]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut runs: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for op in ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. })) {
        let (old, new) = (op.old_range(), op.new_range());
        match runs.last_mut() {
            Some(run) if run.0.end == old.start && run.1.end == new.start => {
                run.0.end = old.end;
                run.1.end = new.end;
            }
            _ => runs.push((old, new)),
        }
    }
    runs
}

fn plain_line(side: Side, line: &str) -> Line {
    let text = line.strip_suffix('\n').unwrap_or(line);
    let parts = if text.is_empty() { Vec::new() } else { vec![(false, text.to_owned())] };
    Line { side, parts }
}

fn whole_file(text: &str, side: Side) -> Hunk {
    let lines: Vec<Line> = split_lines(text).into_iter().map(|line| plain_line(side, line)).collect();
    let (before_len, after_len) = match side {
        Side::Removed => (lines.len(), 0),
        Side::Added => (0, lines.len()),
    };
    Hunk { before_start: 0, before_len, after_start: 0, after_len, lines, note: None }
}
