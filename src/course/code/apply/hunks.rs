//! Putting hunks into a file and taking them back.

use std::ops::Range;

use super::places::{HunkPlace, places};
use super::types::{Conflict, HunkState};
use crate::code::diff::{FileDiff, FileStatus, Hunk, HunkSubject, split_lines};
use crate::code::tree::SourceFile;

/// Returns the file with exactly the chosen hunks in place; `None` when it then does not exist.
pub fn compose(diff: &FileDiff, chosen: impl Fn(usize) -> bool) -> Option<SourceFile> {
    let any = (0..diff.hunks.len()).any(&chosen);
    match diff.status {
        FileStatus::Added if !any => return None,
        FileStatus::Deleted => return if any { None } else { diff.file_before() },
        FileStatus::Added | FileStatus::Changed => {}
    }
    let of = |subject| diff.hunks.iter().position(|hunk| hunk.subject == subject);
    let executable = match of(HunkSubject::Mode) {
        Some(mode) if !chosen(mode) => diff.before_executable,
        Some(_) | None => diff.after_executable,
    };
    if diff.binary.is_some() {
        let whole = match of(HunkSubject::Content) {
            Some(content) if !chosen(content) => diff.file_before(),
            Some(_) | None => diff.file_after(),
        };
        return whole.map(|file| SourceFile { executable, ..file });
    }
    let (before, after) = (split_lines(&diff.before), split_lines(&diff.after));
    let mut text = String::with_capacity(diff.before.len().max(diff.after.len()));
    let mut done = 0;
    for (index, hunk) in diff.hunks.iter().enumerate().filter(|(_, hunk)| hunk.subject == HunkSubject::Lines) {
        text.extend(before[done..hunk.before_start].iter().copied());
        match chosen(index) {
            true => text.extend(after[hunk.after_range()].iter().copied()),
            false => text.extend(before[hunk.before_range()].iter().copied()),
        }
        done = hunk.before_range().end;
    }
    text.extend(before[done..].iter().copied());
    Some(SourceFile { executable, ..SourceFile::plain(text) })
}

/// Returns which hunks a file has, as it stands now; `None` when there is no such file.
pub fn states(diff: &FileDiff, current: Option<&SourceFile>) -> Vec<HunkState> {
    if let Some(state) = whole_file_state(diff, current) {
        return vec![state; diff.hunks.len()];
    }
    let Some(current) = current else { return vec![HunkState::Conflict; diff.hunks.len()] };
    let mut lines = match current.text() {
        Some(text) if diff.binary.is_none() => {
            let text = in_line_ends_of(diff, text);
            places(diff, &split_lines(&text.text)).iter().map(HunkPlace::state).collect()
        }
        Some(_) | None => Vec::new(),
    }
    .into_iter();
    let state = |hunk: &Hunk| match hunk.subject {
        HunkSubject::Lines => lines.next().unwrap_or(HunkState::Conflict),
        HunkSubject::Mode if current.executable == diff.after_executable => HunkState::Applied,
        HunkSubject::Mode => HunkState::Pending,
        HunkSubject::Content => content_state(diff, current),
    };
    diff.hunks.iter().map(state).collect()
}

/// Returns the file with one more hunk in place, the rest of it untouched.
///
/// # Errors
/// When lines of the learner's own stand where the hunk belongs.
pub fn apply(diff: &FileDiff, current: Option<&SourceFile>, hunk: usize) -> Result<Option<SourceFile>, Conflict> {
    set(diff, current, hunk, true)
}

/// Returns the file with one hunk taken back, the rest of it untouched.
///
/// # Errors
/// As [`apply`].
pub fn undo(diff: &FileDiff, current: Option<&SourceFile>, hunk: usize) -> Result<Option<SourceFile>, Conflict> {
    set(diff, current, hunk, false)
}

fn set(diff: &FileDiff, current: Option<&SourceFile>, index: usize, on: bool) -> Result<Option<SourceFile>, Conflict> {
    let conflict = || Conflict { path: diff.path.clone(), hunk: index };
    let hunk = diff.hunks.get(index).ok_or_else(conflict)?;
    let one_of_many = diff.status == FileStatus::Added && diff.hunks.len() > 1;
    match whole_file_state(diff, current) {
        Some(HunkState::Conflict) => return Err(conflict()),
        // A new file that grows in parts begins with the first of them.
        Some(HunkState::Pending) if one_of_many && on && current.is_none() => {
            return Ok(compose(diff, |hunk| hunk == index));
        }
        Some(HunkState::Applied) if one_of_many && !on => return Ok(compose(diff, |hunk| hunk != index)),
        Some(HunkState::Applied | HunkState::Pending) => {
            return Ok(if on { diff.file_after() } else { diff.file_before() });
        }
        None => {}
    }
    let current = current.ok_or_else(conflict)?;
    match hunk.subject {
        HunkSubject::Mode => {
            let executable = if on { diff.after_executable } else { diff.before_executable };
            return Ok(Some(SourceFile { executable, ..current.clone() }));
        }
        HunkSubject::Content if content_state(diff, current) == HunkState::Conflict => return Err(conflict()),
        HunkSubject::Content => {
            let whole = if on { diff.file_after() } else { diff.file_before() };
            return Ok(whole.map(|file| SourceFile { executable: current.executable, ..file }));
        }
        HunkSubject::Lines => {}
    }
    let executable = current.executable;
    let current = in_line_ends_of(diff, current.text().ok_or_else(conflict)?);
    let lines = split_lines(&current.text);
    let (there, range) = match places(diff, &lines).into_iter().nth(index) {
        Some(HunkPlace::At { applied, range }) => (applied, range),
        Some(HunkPlace::Lost) | None => return Err(conflict()),
    };
    let text = if there == on {
        current.text.clone()
    } else {
        let source = if on { split_lines(&diff.after) } else { split_lines(&diff.before) };
        let wanted = &source[if on { hunk.after_range() } else { hunk.before_range() }];
        splice(&lines, range, wanted)
    };
    if text.is_empty() && one_of_many && !on {
        return Ok(None);
    }
    Ok(Some(SourceFile { executable, ..SourceFile::plain(current.restore(text)) }))
}

/// Added, deleted, binary and missing files mostly have one state for all their hunks; `None` for any other file, and
/// for one that is there in part.
fn whole_file_state(diff: &FileDiff, current: Option<&SourceFile>) -> Option<HunkState> {
    let same = |now: &SourceFile, side: Option<SourceFile>| side.is_some_and(|file| file.content == now.content);
    match (diff.status, current) {
        (FileStatus::Changed, Some(_)) => None,
        (FileStatus::Changed, None) => Some(HunkState::Conflict),
        (FileStatus::Added, None) => Some(HunkState::Pending),
        (FileStatus::Deleted, None) => Some(HunkState::Applied),
        // The content decides: a mode that differs is put right when the file is written.
        (FileStatus::Added, Some(now)) if same(now, diff.file_after()) => {
            Some(if now.executable == diff.after_executable { HunkState::Applied } else { HunkState::Pending })
        }
        (FileStatus::Added, Some(_)) if diff.hunks.len() > 1 => None,
        (FileStatus::Deleted, Some(now)) if same(now, diff.file_before()) => Some(HunkState::Pending),
        (FileStatus::Added | FileStatus::Deleted, Some(_)) => Some(HunkState::Conflict),
    }
}

fn content_state(diff: &FileDiff, current: &SourceFile) -> HunkState {
    let is = |side: Option<SourceFile>| side.is_some_and(|file| file.content == current.content);
    if is(diff.file_after()) {
        HunkState::Applied
    } else if is(diff.file_before()) {
        HunkState::Pending
    } else {
        HunkState::Conflict
    }
}

/// A learner's text with the line ends of the course's.
struct Aligned {
    text: String,
    crlf: bool,
}

impl Aligned {
    fn restore(&self, text: String) -> String {
        if self.crlf { text.replace('\n', "\r\n") } else { text }
    }
}

/// An editor may have rewritten every line end as CR LF: then the lines are compared as if it had not.
fn in_line_ends_of(diff: &FileDiff, current: &str) -> Aligned {
    let crlf_throughout = current.contains('\n') && split_lines(current).iter().all(|l| is_crlf_or_last(l));
    let crlf = crlf_throughout && !diff.before.contains('\r') && !diff.after.contains('\r');
    Aligned { text: if crlf { current.replace("\r\n", "\n") } else { current.to_owned() }, crlf }
}

fn is_crlf_or_last(line: &str) -> bool {
    let body = line.strip_suffix("\r\n").or(if line.ends_with('\n') { None } else { Some(line) });
    body.is_some_and(|body| !body.contains('\r'))
}

/// Puts lines in the place of others. A line end is added where lines would otherwise run together.
fn splice(lines: &[&str], range: Range<usize>, wanted: &[&str]) -> String {
    let all = lines[..range.start].iter().chain(wanted).chain(&lines[range.end..]);
    let mut text = String::new();
    for line in all {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(line);
    }
    text
}
