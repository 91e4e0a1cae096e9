//! Finding the lines that hold a hunk in a file that a learner may have changed.

use std::collections::BTreeMap;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::types::HunkState;
use crate::code::diff::{FileDiff, Hunk, HunkSubject, split_lines};

#[derive(Debug, Clone, PartialEq)]
pub enum HunkPlace {
    /// The lines of the file that hold the hunk's old or new lines.
    At {
        applied: bool,
        range: Range<usize>,
    },
    Lost,
}

impl HunkPlace {
    /// Returns the state of a hunk that is there, and of one that was not found.
    pub fn state(&self) -> HunkState {
        match self {
            HunkPlace::At { applied: true, .. } => HunkState::Applied,
            HunkPlace::At { applied: false, .. } => HunkState::Pending,
            HunkPlace::Lost => HunkState::Conflict,
        }
    }
}

/// Returns the place of each hunk of lines in a file, given in lines: exact where the file holds the course's lines
/// alone, else as far as its neighbours can be recognised.
pub fn places(diff: &FileDiff, lines: &[&str]) -> Vec<HunkPlace> {
    let (before, after) = (split_lines(&diff.before), split_lines(&diff.after));
    exact_places(diff, &before, &after, lines).unwrap_or_else(|| edited_places(diff, &before, &after, lines))
}

/// The hunks that are lines of text; that of a mode comes after them.
fn line_hunks(diff: &FileDiff) -> &[Hunk] {
    let lines = diff.hunks.iter().take_while(|hunk| hunk.subject == HunkSubject::Lines).count();
    &diff.hunks[..lines]
}

/// The places when the file is made of the course's lines alone: some hunks in, some not.
///
/// Walks the hunks and keeps every line of the file that can be reached by a choice for each of them.
fn exact_places(diff: &FileDiff, before: &[&str], after: &[&str], lines: &[&str]) -> Option<Vec<HunkPlace>> {
    let hunks = line_hunks(diff);
    let has = |at: usize, wanted: &[&str]| lines.get(at..at + wanted.len()) == Some(wanted);
    // For each hunk: where the file goes on after it -> where the hunk starts, and whether it is in.
    let mut reached: Vec<BTreeMap<usize, (usize, bool)>> = Vec::with_capacity(hunks.len());
    let mut done = 0;
    for hunk in hunks {
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
        places.push(HunkPlace::At { applied, range: start..end });
        end = match index {
            0 => start,
            _ => start - (hunks[index].before_start - hunks[index - 1].before_range().end),
        };
    }
    places.reverse();
    Some(places)
}

/// The places in a file with edits of the learner's own: a hunk is found where all its old or all its
/// new lines stand untouched between lines that can be recognised.
fn edited_places(diff: &FileDiff, before: &[&str], after: &[&str], lines: &[&str]) -> Vec<HunkPlace> {
    let from_before = matches(before, lines);
    let from_after = matches(after, lines);
    let place = |hunk: &Hunk| {
        let old = untouched(&from_before, before, hunk.before_range(), lines.len());
        let new = untouched(&from_after, after, hunk.after_range(), lines.len());
        match (old, new) {
            (Some((range, sure)), Some((_, less))) if sure > less => HunkPlace::At { applied: false, range },
            (Some((_, less)), Some((range, sure))) if sure > less => HunkPlace::At { applied: true, range },
            (Some((range, _)), None) => HunkPlace::At { applied: false, range },
            (None, Some((range, _))) => HunkPlace::At { applied: true, range },
            (Some(_), Some(_)) | (None, None) => HunkPlace::Lost,
        }
    };
    line_hunks(diff).iter().map(place).collect()
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
