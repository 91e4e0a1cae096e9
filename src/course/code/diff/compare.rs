//! Comparing two texts, files or trees.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::types::{DiffLine, FileDiff, FileStatus, Hunk, Side, TreeDiff};
use super::words::{self, plain_line};
use crate::code::tree::Tree;

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

fn whole_file(text: &str, side: Side) -> Hunk {
    let lines: Vec<DiffLine> = split_lines(text).into_iter().map(|line| plain_line(side, line)).collect();
    let (before_len, after_len) = match side {
        Side::Removed => (lines.len(), 0),
        Side::Added => (0, lines.len()),
    };
    Hunk { before_start: 0, before_len, after_start: 0, after_len, lines, note: None }
}
