//! Merging two versions of a text that have one origin.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::code::diff::split_lines;

/// The names of the three versions in conflict marks.
#[derive(Debug, Clone, Copy)]
pub struct MergeLabels<'l> {
    pub ours: &'l str,
    pub base: &'l str,
    pub theirs: &'l str,
}

/// Two versions of a text merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedText {
    /// Both sides' changes; conflicts stand in it between marks, as git's `diff3` style has them.
    pub text: String,
    pub conflicts: Vec<MergeConflict>,
}

/// Lines that both sides changed, each in its own way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeConflict {
    /// The line of the merged text, from 1, where its first mark stands.
    pub line: usize,
    pub base: String,
    pub ours: String,
    pub theirs: String,
}

const OURS: &str = "<<<<<<<";
const BASE: &str = "|||||||";
const MIDDLE: &str = "=======";
const THEIRS: &str = ">>>>>>>";

/// Returns the first line, from 1, that is the mark of a conflict nobody has settled.
pub fn holds_markers(text: &str) -> Option<usize> {
    let mark = |line: &str| {
        [OURS, BASE, THEIRS].iter().any(|mark| line.strip_prefix(mark).is_some_and(|rest| rest.starts_with(' ')))
    };
    text.lines().position(mark).map(|index| index + 1)
}

/// Merges what two versions made of a text.
pub fn merge_text(base: &str, ours: &str, theirs: &str, labels: MergeLabels<'_>) -> MergedText {
    let (base, ours, theirs) = (split_lines(base), split_lines(ours), split_lines(theirs));
    let (mut from_ours, mut from_theirs) = (Changes::new(&base, &ours), Changes::new(&base, &theirs));
    let mut merged = MergedText { text: String::new(), conflicts: Vec::new() };
    let mut done = 0;
    while let Some(region) = next_region(&mut from_ours, &mut from_theirs) {
        merged.push(&base[done..region.base.start]);
        done = region.base.end;
        let versions = (&base[region.base.clone()], &ours[region.ours.clone()], &theirs[region.theirs.clone()]);
        match versions {
            (was, ours, theirs) if ours == was => merged.push(theirs),
            (was, ours, theirs) if theirs == was || ours == theirs => merged.push(ours),
            (was, ours, theirs) => merged.conflict(was, ours, theirs, labels),
        }
    }
    merged.push(&base[done..]);
    merged
}

/// Merges what two versions made of a text; where both changed the same lines, ours stay.
pub fn merge_ours_first(base: &str, ours: &str, theirs: &str) -> String {
    let (base, ours, theirs) = (split_lines(base), split_lines(ours), split_lines(theirs));
    let (mut from_ours, mut from_theirs) = (Changes::new(&base, &ours), Changes::new(&base, &theirs));
    let mut merged = MergedText { text: String::new(), conflicts: Vec::new() };
    let mut done = 0;
    while let Some(region) = next_region(&mut from_ours, &mut from_theirs) {
        merged.push(&base[done..region.base.start]);
        done = region.base.end;
        let ours = &ours[region.ours.clone()];
        merged.push(if ours == &base[region.base.clone()] { &theirs[region.theirs.clone()] } else { ours });
    }
    merged.push(&base[done..]);
    merged.text
}

impl MergedText {
    fn push(&mut self, lines: &[&str]) {
        for line in lines {
            // The last line of a side may lack its line end.
            self.end_line();
            self.text.push_str(line);
        }
    }

    fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn mark(&mut self, mark: &str, label: &str) {
        self.end_line();
        self.text.push_str(mark);
        if !label.is_empty() {
            self.text.push(' ');
            self.text.push_str(label);
        }
        self.text.push('\n');
    }

    fn conflict(&mut self, base: &[&str], ours: &[&str], theirs: &[&str], labels: MergeLabels<'_>) {
        self.end_line();
        self.conflicts.push(MergeConflict {
            line: self.text.matches('\n').count() + 1,
            base: base.concat(),
            ours: ours.concat(),
            theirs: theirs.concat(),
        });
        self.mark(OURS, labels.ours);
        self.push(ours);
        self.mark(BASE, labels.base);
        self.push(base);
        self.mark(MIDDLE, "");
        self.push(theirs);
        self.mark(THEIRS, labels.theirs);
    }
}

/// Lines that one side or both changed, in all three versions.
struct Region {
    base: Range<usize>,
    ours: Range<usize>,
    theirs: Range<usize>,
}

/// One side's changes against the base, in order.
struct Changes {
    /// Changed lines of the base and what they became.
    ranges: std::iter::Peekable<std::vec::IntoIter<(Range<usize>, Range<usize>)>>,
    /// The number of lines that the side's lines are ahead of the base's after the changes taken so far.
    shift: isize,
}

impl Changes {
    fn new(base: &[&str], side: &[&str]) -> Changes {
        let ops = capture_diff_slices(Algorithm::Myers, base, side);
        let changed = ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
        let ranges: Vec<_> = changed.map(|op| (op.old_range(), op.new_range())).collect();
        Changes { ranges: ranges.into_iter().peekable(), shift: 0 }
    }

    fn start(&mut self) -> Option<usize> {
        self.ranges.peek().map(|(base, _)| base.start)
    }

    /// Takes the changes that touch a range of the base, and widens it by them.
    fn take(&mut self, range: &mut Range<usize>) -> bool {
        let mut taken = false;
        while let Some((base, side)) = self.ranges.next_if(|(base, _)| base.start <= range.end) {
            range.end = range.end.max(base.end);
            self.shift += side.len().cast_signed() - base.len().cast_signed();
            taken = true;
        }
        taken
    }
}

/// The next run of the base that a side changed, together with all changes that touch it.
fn next_region(ours: &mut Changes, theirs: &mut Changes) -> Option<Region> {
    let start = match (ours.start(), theirs.start()) {
        (Some(a), Some(b)) => a.min(b),
        (Some(a), None) | (None, Some(a)) => a,
        (None, None) => return None,
    };
    let before = (ours.shift, theirs.shift);
    let mut base = start..start;
    loop {
        let a = ours.take(&mut base);
        let b = theirs.take(&mut base);
        if !a && !b {
            break;
        }
    }
    let side =
        |before: isize, after: isize| base.start.saturating_add_signed(before)..base.end.saturating_add_signed(after);
    Some(Region { ours: side(before.0, ours.shift), theirs: side(before.1, theirs.shift), base })
}
