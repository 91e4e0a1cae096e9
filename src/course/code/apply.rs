//! Taking single hunks over into a file and back, also when the learner has changed it since.
//!
//! Invariant: text that belongs to no hunk is never touched. Where the learner's own edits and a hunk
//! meet, the answer is [`Conflict`], not a guess.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::diff::{FileDiff, FileStatus, split_lines};

/// Where a hunk stands in a learner's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HunkState {
    /// The lines are as before the hunk.
    Pending,
    /// The lines are as after the hunk.
    Applied,
    /// The lines are neither: the learner changed them.
    Conflict,
}

/// A hunk whose lines the learner has changed. Nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` has other lines where change {} belongs", hunk + 1)]
pub struct Conflict {
    pub path: String,
    /// Index of the hunk in its file.
    pub hunk: usize,
}

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
            places(diff, &split_lines(&current.text)).iter().map(Place::state).collect()
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
        Some(Place::At { applied, range }) => (applied, range),
        Some(Place::Lost) | None => return Err(conflict()),
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

#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// The lines of the file that hold the hunk's old or new lines.
    At {
        applied: bool,
        range: Range<usize>,
    },
    Lost,
}

impl Place {
    fn state(&self) -> HunkState {
        match self {
            Place::At { applied: true, .. } => HunkState::Applied,
            Place::At { applied: false, .. } => HunkState::Pending,
            Place::Lost => HunkState::Conflict,
        }
    }
}

fn places(diff: &FileDiff, lines: &[&str]) -> Vec<Place> {
    let (before, after) = (split_lines(&diff.before), split_lines(&diff.after));
    exact_places(diff, &before, &after, lines).unwrap_or_else(|| edited_places(diff, &before, &after, lines))
}

/// The places when the file is made of the course's lines alone: some hunks in, some not.
///
/// Walks the hunks and keeps every line of the file that can be reached by a choice for each of them.
fn exact_places(diff: &FileDiff, before: &[&str], after: &[&str], lines: &[&str]) -> Option<Vec<Place>> {
    let has = |at: usize, wanted: &[&str]| lines.get(at..at + wanted.len()) == Some(wanted);
    // For each hunk: where the file goes on after it -> where the hunk starts, and whether it is in.
    let mut reached: Vec<BTreeMap<usize, (usize, bool)>> = Vec::with_capacity(diff.hunks.len());
    let mut done = 0;
    for hunk in &diff.hunks {
        let common = &before[done..hunk.before_start];
        let ends: Vec<usize> = match reached.last() {
            None => vec![0],
            Some(last) => last.keys().copied().collect(),
        };
        let mut next = BTreeMap::new();
        for end in ends.into_iter().filter(|&end| has(end, common)) {
            let start = end + common.len();
            if has(start, &before[hunk.before_range()]) {
                next.entry(start + hunk.before_len).or_insert((start, false));
            }
            if has(start, &after[hunk.after_range()]) {
                next.entry(start + hunk.after_len).or_insert((start, true));
            }
        }
        if next.is_empty() {
            return None;
        }
        reached.push(next);
        done = hunk.before_range().end;
    }
    let tail = &before[done..];
    let mut end = lines.len().checked_sub(tail.len()).filter(|&end| has(end, tail))?;
    let mut places = Vec::with_capacity(reached.len());
    for (index, ends) in reached.iter().enumerate().rev() {
        let &(start, applied) = ends.get(&end)?;
        places.push(Place::At { applied, range: start..end });
        end = match index {
            0 => start,
            _ => start - (diff.hunks[index].before_start - diff.hunks[index - 1].before_range().end),
        };
    }
    places.reverse();
    Some(places)
}

/// The places in a file with edits of the learner's own: a hunk is found where all its old or all its
/// new lines stand untouched between lines that can be recognised.
fn edited_places(diff: &FileDiff, before: &[&str], after: &[&str], lines: &[&str]) -> Vec<Place> {
    let from_before = matches(before, lines);
    let from_after = matches(after, lines);
    let place = |hunk: &super::diff::Hunk| {
        let old = untouched(&from_before, before, hunk.before_range(), lines.len());
        let new = untouched(&from_after, after, hunk.after_range(), lines.len());
        match (old, new) {
            (Some((range, sure)), Some((_, less))) if sure > less => Place::At { applied: false, range },
            (Some((_, less)), Some((range, sure))) if sure > less => Place::At { applied: true, range },
            (Some((range, _)), None) => Place::At { applied: false, range },
            (None, Some((range, _))) => Place::At { applied: true, range },
            (Some(_), Some(_)) | (None, None) => Place::Lost,
        }
    };
    diff.hunks.iter().map(place).collect()
}

/// For each line of one text, the line of the other that it is.
fn matches(from: &[&str], to: &[&str]) -> Vec<Option<usize>> {
    let mut map = vec![None; from.len()];
    for op in capture_diff_slices(Algorithm::Myers, from, to) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for i in 0..len {
                map[old_index + i] = Some(new_index + i);
            }
        }
    }
    map
}

/// The lines that a range of the source is in the file, if none of them was touched, and on how many
/// sides (0 to 2) the line next to them stands where it should.
fn untouched(map: &[Option<usize>], source: &[&str], range: Range<usize>, end: usize) -> Option<(Range<usize>, u8)> {
    let previous = match range.start {
        0 => Some(0),
        start => map[start - 1].map(|line| line + 1),
    };
    let next = if range.end == map.len() { Some(end) } else { map[range.end] };
    if range.is_empty() {
        return match (previous, next) {
            (Some(a), Some(b)) => (a == b).then_some((a..a, 2)),
            // The neighbour was edited, but line for line: then there is still nothing between.
            (None, Some(b)) => {
                let known = map[..range.start].iter().rposition(Option::is_some);
                let (gap, from) = match known {
                    Some(i) => (range.start - i - 1, map[i]? + 1),
                    None => (range.start, 0),
                };
                (b - from == gap).then_some((b..b, 1))
            }
            (Some(a), None) => {
                let known = map[range.end..].iter().position(Option::is_some);
                let (gap, to) = match known {
                    Some(i) => (i, map[range.end + i]?),
                    None => (map.len() - range.end, end),
                };
                (to - a == gap).then_some((a..a, 1))
            }
            (None, None) => None,
        };
    }
    let first = map[range.start]?;
    if range.clone().zip(first..).any(|(i, line)| map[i] != Some(line)) {
        return None;
    }
    let found = first..first + range.len();
    let sure = u8::from(previous == Some(found.start)) + u8::from(next == Some(found.end));
    // A lone brace can be matched anywhere; a line with a word in it is not there by chance.
    let telling = source[range].iter().any(|line| line.chars().filter(|c| c.is_alphanumeric()).count() >= 3);
    (sure > 0 || telling).then_some((found, sure))
}

#[cfg(test)]
mod tests;
