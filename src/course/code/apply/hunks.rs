//! Putting hunks into a file and taking them back.

use std::ops::Range;

use super::places::{HunkPlace, places};
use super::types::{Conflict, HunkState};
use crate::code::diff::{FileDiff, FileStatus, split_lines};

/// The file with exactly the chosen hunks in place; `None` when it then does not exist.
pub fn compose(diff: &FileDiff, chosen: impl Fn(usize) -> bool) -> Option<String> {
    match diff.status {
        FileStatus::Added => return chosen(0).then(|| diff.after.clone()),
        FileStatus::Deleted => return (!chosen(0)).then(|| diff.before.clone()),
        FileStatus::Changed => {}
    }
    let (before, after) = (split_lines(&diff.before), split_lines(&diff.after));
    let mut text = String::with_capacity(diff.before.len().max(diff.after.len()));
    let mut done = 0;
    for (index, hunk) in diff.hunks.iter().enumerate() {
        text.extend(before[done..hunk.before_start].iter().copied());
        match chosen(index) {
            true => text.extend(after[hunk.after_range()].iter().copied()),
            false => text.extend(before[hunk.before_range()].iter().copied()),
        }
        done = hunk.before_range().end;
    }
    text.extend(before[done..].iter().copied());
    Some(text)
}

/// Which hunks a file has, as it stands now; `None` when there is no such file.
pub fn states(diff: &FileDiff, current: Option<&str>) -> Vec<HunkState> {
    match whole_file_state(diff, current) {
        Some(state) => vec![state; diff.hunks.len()],
        None => {
            let current = in_line_ends_of(diff, current.unwrap_or_default());
            places(diff, &split_lines(&current.text)).iter().map(HunkPlace::state).collect()
        }
    }
}

/// The file with one more hunk in place, the rest of it untouched.
pub fn apply(diff: &FileDiff, current: Option<&str>, hunk: usize) -> Result<Option<String>, Conflict> {
    set(diff, current, hunk, true)
}

/// The file with one hunk taken back, the rest of it untouched.
pub fn undo(diff: &FileDiff, current: Option<&str>, hunk: usize) -> Result<Option<String>, Conflict> {
    set(diff, current, hunk, false)
}

fn set(diff: &FileDiff, current: Option<&str>, hunk: usize, on: bool) -> Result<Option<String>, Conflict> {
    let conflict = || Conflict { path: diff.path.clone(), hunk };
    if let Some(state) = whole_file_state(diff, current) {
        return match (state, on) {
            (HunkState::Conflict, _) => Err(conflict()),
            (HunkState::Applied, _) | (HunkState::Pending, _) => {
                Ok(if on { diff.after() } else { diff.before() }.map(str::to_owned))
            }
        };
    }
    let current = in_line_ends_of(diff, current.unwrap_or_default());
    let lines = split_lines(&current.text);
    let (there, range) = match places(diff, &lines).into_iter().nth(hunk) {
        Some(HunkPlace::At { applied, range }) => (applied, range),
        Some(HunkPlace::Lost) | None => return Err(conflict()),
    };
    if there == on {
        return Ok(Some(current.restore(current.text.clone())));
    }
    let source = if on { split_lines(&diff.after) } else { split_lines(&diff.before) };
    let hunk = &diff.hunks[hunk];
    let wanted = &source[if on { hunk.after_range() } else { hunk.before_range() }];
    Ok(Some(current.restore(splice(&lines, range, wanted))))
}

/// Added, deleted and missing files have one state for all their hunks; `None` for any other file.
fn whole_file_state(diff: &FileDiff, current: Option<&str>) -> Option<HunkState> {
    match (diff.status, current) {
        (FileStatus::Changed, Some(_)) => None,
        (_, now) if now == diff.after() => Some(HunkState::Applied),
        (_, now) if now == diff.before() => Some(HunkState::Pending),
        (_, _) => Some(HunkState::Conflict),
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
