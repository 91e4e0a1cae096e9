//! A diff as rows to draw: one list for both layouts, derived anew on every change. Pure.
//!
//! Invariant: hunk numbers, opened context and the scroll position refer to the diff, never to a layout,
//! so that nothing points at the wrong place after a resize, a switch or an opened gap.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ratatui::text::{Line, Span};

use super::highlight::{self, HighlightJob, Lang};
use super::markdown::KnownColours;
use super::{markdown, theme, wrap};
use workshop_base::text;
use workshop_course::code::diff::{FileDiff, FileStatus, Hunk, Side};

/// Unchanged lines shown around a hunk.
const CONTEXT: usize = 3;
/// From this width on, two columns.
pub const SPLIT_FROM: usize = 150;

/// One file of the diff, with what drawing needs at hand.
#[derive(Debug, Clone)]
pub struct FileView {
    pub diff: FileDiff,
    /// Byte range of each line.
    pub before: Vec<Range<usize>>,
    pub after: Vec<Range<usize>>,
    pub lang: Option<Lang>,
    pub before_key: u64,
    pub after_key: u64,
    /// Each hunk's index among the file's hunks in the whole chapter's diff; empty when there is none.
    pub indices: Vec<usize>,
}

/// A hunk by its place in the diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HunkAt {
    pub file: usize,
    pub hunk: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum DiffRow {
    File(usize),
    /// `lines` unchanged lines that are not shown.
    Gap {
        file: usize,
        gap: usize,
        lines: usize,
    },
    /// `part`: which of its rows, for a line that takes several.
    Same {
        file: usize,
        before: usize,
        after: usize,
        part: usize,
    },
    Head(HunkAt),
    Note(HunkAt, Line<'static>),
    /// Places in `Hunk::lines`; unified rows have one of the two.
    Changed {
        at: HunkAt,
        removed: Option<usize>,
        added: Option<usize>,
        part: usize,
    },
    Blank,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrangement {
    #[default]
    ByWidth,
    Unified,
    SideBySide,
}

impl FileView {
    /// Prepares a file's difference for drawing: its lines found, its texts named for their colours.
    pub fn new(diff: FileDiff, indices: Vec<usize>) -> FileView {
        let lang = Lang::of(&diff.path);
        let key = |text: &str| lang.map_or(0, |lang| highlight::key(lang, text));
        FileView {
            before: line_ranges(&diff.before),
            after: line_ranges(&diff.after),
            before_key: key(&diff.before),
            after_key: key(&diff.after),
            lang,
            indices,
            diff,
        }
    }

    /// The texts whose colours are not known.
    pub fn wanted(&self, known: &KnownColours) -> Vec<HighlightJob> {
        let Some(lang) = self.lang else { return Vec::new() };
        [(&self.diff.before, self.before_key), (&self.diff.after, self.after_key)]
            .into_iter()
            .filter(|(text, key)| !text.is_empty() && !known.contains_key(key))
            .map(|(text, key)| HighlightJob { key, lang, text: text.clone() })
            .collect()
    }

    /// Returns a hunk of this file.
    pub fn hunk(&self, at: HunkAt) -> &Hunk {
        &self.diff.hunks[at.hunk]
    }
}

/// A file that is not there yet: it is one hunk, and needs no heading of its own.
pub fn is_new(view: &FileView) -> bool {
    view.diff.status == FileStatus::Added && view.diff.hunks.len() == 1
}

/// Columns of the line numbers.
pub fn gutter(files: &[FileView]) -> usize {
    let most = files.iter().map(|f| f.before.len().max(f.after.len())).max().unwrap_or(0);
    most.max(1).ilog10() as usize + 1
}

/// Columns of the left half, without the line between the halves, and of the right one.
pub fn halves(width: usize) -> (usize, usize) {
    ((width / 2).saturating_sub(1), width - width / 2)
}

/// Columns that are left for code beside number, bar and sign.
pub fn room(width: usize, gutter: usize) -> usize {
    width.saturating_sub(gutter + 4).max(8)
}

/// Columns for the code of each side.
struct Rooms {
    before: usize,
    after: usize,
}

/// Counts the rows that a line takes, given in pieces. Most take one.
fn parts<'a>(pieces: impl Iterator<Item = &'a str> + Clone, room: usize) -> usize {
    let is_short = pieces.clone().map(str::len).sum::<usize>() <= room && pieces.clone().all(text::is_plain);
    if is_short { 1 } else { line_parts(&pieces.collect::<String>(), room) }
}

fn line_parts(line: &str, room: usize) -> usize {
    match text::is_plain(line) {
        true => wrap::code_rows(line, room),
        false => wrap::code_rows(&markdown::plain(line), room),
    }
}

fn line_ranges(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let start = at;
            at += line.len();
            start..start + line.trim_end_matches(['\n', '\r']).len()
        })
        .collect()
}

/// All hunks in order.
pub fn hunks(files: &[FileView]) -> Vec<HunkAt> {
    let of = |(file, view): (usize, &FileView)| {
        (0..view.diff.hunks.len()).map(move |hunk| HunkAt { file, hunk }).collect::<Vec<_>>()
    };
    files.iter().enumerate().flat_map(of).collect()
}

/// The rows, and at which row each hunk begins.
pub fn rows(
    files: &[FileView],
    opened: &BTreeSet<(usize, usize)>,
    split: bool,
    width: usize,
) -> (Vec<DiffRow>, BTreeMap<HunkAt, usize>) {
    // About as many as there will be: most lines take one row.
    let around = |hunk: &Hunk| hunk.lines.len() + 2 * CONTEXT + 2;
    let mut rows = Vec::with_capacity(files.iter().flat_map(|file| &file.diff.hunks).map(around).sum());
    let mut starts = BTreeMap::new();
    let gutter = gutter(files);
    let (left, right) = if split { halves(width) } else { (width, width) };
    let rooms = Rooms { before: room(left, gutter), after: room(right, gutter) };
    for (file, view) in files.iter().enumerate() {
        if file > 0 {
            rows.push(DiffRow::Blank);
        }
        rows.push(DiffRow::File(file));
        let (mut before, mut after) = (0, 0);
        for (number, hunk) in view.diff.hunks.iter().enumerate() {
            let at = HunkAt { file, hunk: number };
            let between = before..hunk.before_start;
            same(&mut rows, view, opened, (file, number), between, after, (number > 0, true), split, &rooms);
            if is_new(view) {
                starts.insert(at, rows.len() - 1);
            } else {
                starts.insert(at, rows.len());
                rows.push(DiffRow::Head(at));
            }
            if let Some(note) = &hunk.note {
                let rendered = markdown::render(note, width.saturating_sub(6).clamp(16, 90), &KnownColours::new());
                rows.extend(rendered.lines.into_iter().map(|line| DiffRow::Note(at, line)));
            }
            changed(&mut rows, at, hunk, split, &rooms);
            before = hunk.before_start + hunk.before_len;
            after = hunk.after_start + hunk.after_len;
        }
        let end = view.before.len();
        let gap = (file, view.diff.hunks.len());
        let ends = (!view.diff.hunks.is_empty(), false);
        same(&mut rows, view, opened, gap, before..end, after, ends, split, &rooms);
    }
    (rows, starts)
}

/// Unchanged lines between two hunks: their ends, and a gap between the ends when they are many. `ends` says
/// whether there is a hunk before and one after.
#[expect(clippy::too_many_arguments, reason = "one place, two call sites")]
fn same(
    rows: &mut Vec<DiffRow>,
    view: &FileView,
    opened: &BTreeSet<(usize, usize)>,
    (file, gap): (usize, usize),
    before: Range<usize>,
    after: usize,
    ends: (bool, bool),
    split: bool,
    rooms: &Rooms,
) {
    let count = before.end.saturating_sub(before.start);
    let (first, last) = (if ends.0 { CONTEXT } else { 0 }, if ends.1 { CONTEXT } else { 0 });
    let lines = |rows: &mut Vec<DiffRow>, range: Range<usize>| {
        for i in range {
            let (before, after) = (before.start + i, after + i);
            let text = view.after.get(after).map_or("", |range| &view.diff.after[range.clone()]);
            let narrow = if split { rooms.before.min(rooms.after) } else { rooms.after };
            rows.extend((0..line_parts(text, narrow)).map(|part| DiffRow::Same { file, before, after, part }));
        }
    };
    if count <= first + last + 1 {
        lines(rows, 0..count);
        return;
    }
    let hidden = count - first - last;
    lines(rows, 0..first);
    rows.push(DiffRow::Gap { file, gap, lines: hidden });
    if opened.contains(&(file, gap)) {
        lines(rows, first..first + hidden);
    }
    lines(rows, count - last..count);
}

fn changed(rows: &mut Vec<DiffRow>, at: HunkAt, hunk: &Hunk, split: bool, rooms: &Rooms) {
    let of = |side: Side| -> Vec<usize> {
        hunk.lines.iter().enumerate().filter(|(_, line)| line.side == side).map(|(place, _)| place).collect()
    };
    let (removed, added) = (of(Side::Removed), of(Side::Added));
    let mut push = |removed: Option<usize>, added: Option<usize>| {
        let text = |place: usize| hunk.lines[place].parts.iter().map(|(_, text)| text.as_str());
        let high = |place: Option<usize>, room| place.map_or(1, |place| parts(text(place), room));
        let count = high(removed, rooms.before).max(high(added, rooms.after));
        rows.extend((0..count).map(|part| DiffRow::Changed { at, removed, added, part }));
    };
    if split {
        for i in 0..removed.len().max(added.len()) {
            push(removed.get(i).copied(), added.get(i).copied());
        }
    } else {
        removed.into_iter().for_each(|place| push(Some(place), None));
        added.into_iter().for_each(|place| push(None, Some(place)));
    }
}

/// The line numbers (from 0) of a changed line: in `before` for a removed one, in `after` for an added one.
pub fn line_number(hunk: &Hunk, place: usize) -> usize {
    let side = hunk.lines[place].side;
    let nth = hunk.lines[..place].iter().filter(|line| line.side == side).count();
    nth + match side {
        Side::Removed => hunk.before_start,
        Side::Added => hunk.after_start,
    }
}

/// A changed line in syntax colours, with the changed words marked. `pieces` are the colours of the line.
pub fn marked(
    line: &workshop_course::code::diff::DiffLine,
    pieces: &[(Range<usize>, ratatui::style::Style)],
) -> Vec<Span<'static>> {
    let mark = match line.side {
        Side::Removed => theme::REMOVED_WORD,
        Side::Added => theme::ADDED_WORD,
    };
    let all_differ = line.parts.iter().all(|(differs, _)| *differs);
    let mut spans = Vec::new();
    let mut at = 0;
    for (differs, text) in &line.parts {
        let range = at..at + text.len();
        at = range.end;
        if *differs && !all_differ {
            spans.push(Span::styled(markdown::plain(text), mark));
            continue;
        }
        let inside: Vec<_> = pieces
            .iter()
            .filter(|(piece, _)| piece.start < range.end && piece.end > range.start)
            .map(|(piece, style)| {
                (piece.start.max(range.start) - range.start..piece.end.min(range.end) - range.start, *style)
            })
            .collect();
        spans.extend(markdown::paint(text, &inside));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: usize, changed: &[usize]) -> FileView {
        let before: String = (0..lines).map(|i| format!("line {i}\n")).collect();
        let hunks = changed
            .iter()
            .map(|&at| Hunk {
                before_start: at,
                before_len: 1,
                after_start: at,
                after_len: 1,
                lines: vec![
                    workshop_course::code::diff::DiffLine {
                        side: Side::Removed,
                        parts: vec![(false, "a".into()), (true, "b".into())],
                    },
                    workshop_course::code::diff::DiffLine {
                        side: Side::Added,
                        parts: vec![(false, "a".into()), (true, "c".into())],
                    },
                ],
                subject: Default::default(),
                note: Some("look".into()),
            })
            .collect();
        let diff = FileDiff {
            path: "a.ts".into(),
            status: FileStatus::Changed,
            hunks,
            after: before.clone(),
            before,
            before_executable: false,
            after_executable: false,
            binary: None,
        };
        FileView::new(diff, Vec::new())
    }

    fn lines(rows: &[DiffRow]) -> usize {
        rows.iter().filter(|row| matches!(row, DiffRow::Same { .. })).count()
    }

    #[test]
    fn context_is_collapsed_and_opens() {
        let files = [file(100, &[20, 60])];
        let (closed, starts) = rows(&files, &BTreeSet::new(), false, 80);
        assert_eq!(lines(&closed), 4 * CONTEXT);
        assert_eq!(starts.len(), 2);
        let (open, moved) = rows(&files, &BTreeSet::from([(0, 1)]), false, 80);
        assert_eq!(lines(&open), 4 * CONTEXT + 60 - 21 - 2 * CONTEXT);
        for (at, row) in moved {
            assert_eq!(open[row], DiffRow::Head(at), "a hunk is where it says after opening");
        }
    }

    #[test]
    fn side_by_side_pairs_what_belongs_together() {
        let files = [file(10, &[4])];
        let count = |split| {
            let (rows, _) = rows(&files, &BTreeSet::new(), split, 80);
            rows.iter().filter(|row| matches!(row, DiffRow::Changed { .. })).count()
        };
        assert_eq!((count(true), count(false)), (1, 2));
    }

    #[test]
    fn long_lines_take_more_rows_and_lose_nothing() {
        let mut view = file(10, &[4]);
        let long = "let answer = compute(the_first, the_second);";
        view.diff.hunks[0].lines[1].parts = vec![(false, "let ".into()), (true, long[4..].into())];
        let (rows, starts) = rows(&[view], &BTreeSet::new(), false, 30);
        let parts = rows.iter().filter(|row| matches!(row, DiffRow::Changed { added: Some(_), .. })).count();
        assert_eq!(parts, 3);
        assert_eq!(rows[starts[&HunkAt { file: 0, hunk: 0 }]], DiffRow::Head(HunkAt { file: 0, hunk: 0 }));
        let shown = wrap::code(vec![Span::raw(long)], 24);
        let text: Vec<String> = shown.iter().map(|row| row.iter().map(|s| s.content.as_ref()).collect()).collect();
        assert_eq!(text, ["let answer = ", "  compute(the_first, ", "  the_second);"]);
    }

    #[test]
    fn changed_words_are_marked() {
        let spans = marked(&file(10, &[4]).diff.hunks[0].lines[1], &[]);
        assert_eq!(spans.iter().map(|s| s.style).collect::<Vec<_>>(), [theme::TEXT, theme::ADDED_WORD]);
    }
}
