//! Comparing two texts, files or trees.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::types::{BinarySides, DiffLine, FileDiff, FileStatus, Hunk, HunkSubject, Side, TreeDiff};
use super::words::{self, plain_line};
use crate::code::tree::{SourceFile, Tree};

/// Returns the files that differ between two trees, by path.
pub fn diff_trees(before: &Tree, after: &Tree) -> TreeDiff {
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().filter_map(|path| diff_sources(path, before.get(path), after.get(path))).collect()
}

/// Returns one file's difference, mode and all; `None` stands for a file that is not there. Nothing when both are the
/// same.
pub fn diff_sources(path: &str, before: Option<&SourceFile>, after: Option<&SourceFile>) -> Option<FileDiff> {
    if before == after {
        return None;
    }
    let is_text = |side: Option<&SourceFile>| side.is_none_or(|file| file.text().is_some());
    let runs = |side: Option<&SourceFile>| side.is_some_and(|file| file.executable);
    let mut diff = if is_text(before) && is_text(after) {
        let (old, new) = (before.and_then(SourceFile::text), after.and_then(SourceFile::text));
        diff_file(path, old, new).unwrap_or_else(|| FileDiff {
            path: path.to_owned(),
            status: FileStatus::Changed,
            hunks: Vec::new(),
            before: old.unwrap_or_default().to_owned(),
            after: new.unwrap_or_default().to_owned(),
            before_executable: false,
            after_executable: false,
            binary: None,
        })
    } else {
        let content = before.map(SourceFile::bytes) != after.map(SourceFile::bytes);
        FileDiff {
            path: path.to_owned(),
            status: status(before.is_some(), after.is_some()),
            hunks: content.then(|| content_hunk(before, after)).into_iter().collect(),
            before: String::new(),
            after: String::new(),
            before_executable: false,
            after_executable: false,
            binary: Some(BinarySides { before: before.cloned(), after: after.cloned() }),
        }
    };
    (diff.before_executable, diff.after_executable) = (runs(before), runs(after));
    if diff.status == FileStatus::Changed && runs(before) != runs(after) {
        let hunk = mode_hunk(&diff);
        diff.hunks.push(hunk);
    }
    Some(diff)
}

/// Returns one text's difference; `None` stands for a file that is not there. Nothing when both are the same.
pub fn diff_file(path: &str, before: Option<&str>, after: Option<&str>) -> Option<FileDiff> {
    let hunks = match (before, after) {
        (None, None) => return None,
        (Some(a), Some(b)) if a == b => return None,
        (Some(a), Some(b)) => diff_text(a, b),
        (None, Some(b)) => vec![whole_file(b, Side::Added)],
        (Some(a), None) => vec![whole_file(a, Side::Removed)],
    };
    Some(FileDiff {
        path: path.to_owned(),
        status: status(before.is_some(), after.is_some()),
        hunks,
        before: before.unwrap_or_default().to_owned(),
        after: after.unwrap_or_default().to_owned(),
        before_executable: false,
        after_executable: false,
        binary: None,
    })
}

fn status(before: bool, after: bool) -> FileStatus {
    match (before, after) {
        (false, _) => FileStatus::Added,
        (true, false) => FileStatus::Deleted,
        (true, true) => FileStatus::Changed,
    }
}

/// Returns the hunks that turn one text into another, with word marks.
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
            subject: HunkSubject::Lines,
            note: None,
        })
        .collect()
}

/// Returns the lines of a text, each with its line end; the last may lack one.
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
    Hunk { before_start: 0, before_len, after_start: 0, after_len, lines, subject: HunkSubject::Lines, note: None }
}

/// In git's words, so that a lesson can name it by one of the two lines.
fn mode_hunk(diff: &FileDiff) -> Hunk {
    let mode = |executable| if executable { "100755" } else { "100644" };
    Hunk {
        before_start: split_lines(&diff.before).len(),
        before_len: 0,
        after_start: split_lines(&diff.after).len(),
        after_len: 0,
        lines: vec![
            plain_line(Side::Removed, &format!("old mode {}", mode(diff.before_executable))),
            plain_line(Side::Added, &format!("new mode {}", mode(diff.after_executable))),
        ],
        subject: HunkSubject::Mode,
        note: None,
    }
}

fn content_hunk(before: Option<&SourceFile>, after: Option<&SourceFile>) -> Hunk {
    let line = |side, file: &SourceFile| {
        let what = if file.text().is_some() { "text" } else { "binary" };
        plain_line(side, &format!("{what} file, {} bytes", file.bytes().len()))
    };
    let sides = [before.map(|file| line(Side::Removed, file)), after.map(|file| line(Side::Added, file))];
    Hunk {
        before_start: 0,
        before_len: 0,
        after_start: 0,
        after_len: 0,
        lines: sides.into_iter().flatten().collect(),
        subject: HunkSubject::Content,
        note: None,
    }
}

/// Parts a hunk after the first `added` of its added lines: what it removes and these, and the added lines that are
/// left. `None` when one of the two would be empty.
pub fn part_hunk(diff: &FileDiff, index: usize, added: usize) -> Option<(Hunk, Hunk)> {
    let hunk = diff.hunks.get(index).filter(|hunk| hunk.subject == HunkSubject::Lines && added < hunk.after_len)?;
    let (before, after) = (split_lines(&diff.before), split_lines(&diff.after));
    let cut = hunk.after_start + added;
    let part = |old: Range<usize>, new: Range<usize>| Hunk {
        before_start: old.start,
        before_len: old.len(),
        after_start: new.start,
        after_len: new.len(),
        lines: words::mark(&before[old], &after[new]),
        subject: HunkSubject::Lines,
        note: None,
    };
    let end = hunk.before_range().end;
    let first = part(hunk.before_range(), hunk.after_start..cut);
    (added > 0).then(|| (first, part(end..end, cut..hunk.after_range().end)))
}
