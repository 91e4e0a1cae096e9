//! Many lines, of which a few are on the screen: bounded, wrapped, searched. Pure.
//!
//! Invariant: what it costs to draw depends on the rows shown, never on the lines held; lines that were
//! given up for room are counted.

use std::collections::VecDeque;

use super::matching::{found, matches};
use super::wrap;

/// Lines kept in memory by a panel; the log file and `\o` have all of them.
pub const KEPT: usize = 10_000;
/// Bytes kept at most, when the lines are long.
const KEPT_BYTES: usize = 8 * 1024 * 1024;
/// A line longer than this is cut: a child may print a hundred megabytes without a newline.
const LONGEST: usize = 8_192;

#[derive(Debug, Clone)]
pub struct ScrollbackLine<K> {
    pub kind: K,
    /// Sanitized, tabs expanded.
    pub text: String,
    wrap: Wrap,
    /// Rows of all lines up to and including this one, since the first line ever.
    end: u64,
    /// Columns that stay in view when the others are scrolled away: the first one of a table.
    frozen: usize,
    /// The line with the headings above it, counted from the first line ever.
    head: Option<u64>,
}

/// Treatment of a line that is too long for its panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrap {
    /// It is scrolled sideways: a row of a table.
    Never,
    /// It goes on in the next row, as in a terminal.
    Columns,
    /// It goes on with its next word, so many columns from the left: sentences, what is typed behind a prompt.
    Words { hang: usize },
}

#[derive(Debug, Clone)]
pub struct Scrollback<K> {
    lines: VecDeque<ScrollbackLine<K>>,
    /// Of all lines' texts.
    bytes: usize,
    /// Rows of the lines that were dropped.
    base: u64,
    pub dropped: u64,
    width: usize,
    /// Rows of the panel, and those of them that hold lines.
    room: usize,
    height: usize,
    /// The row at the top of the view, counted like `ScrollbackLine::end`.
    top: u64,
    /// Stay at the end as lines come.
    pub follow: bool,
    /// Columns scrolled away to the left.
    pub left: usize,
    widest: usize,
    /// The table that is being pushed: the line with its headings, and the columns of its first one.
    table: Option<(u64, usize)>,
    pub query: String,
    /// The line (counted from the first ever) that the search stands on.
    pub found: Option<u64>,
}

/// One row of the view.
pub struct ScrollbackRow<'a, K> {
    pub kind: &'a K,
    pub text: &'a str,
    /// The line it is a part of, and the byte in it where it begins.
    pub whole: &'a str,
    pub start: usize,
    /// Counted from the first line ever.
    pub line: u64,
    /// Columns of it that are scrolled away, behind those that stay.
    pub left: usize,
    /// Columns that stay.
    pub frozen: usize,
    /// Blanks before it: it goes on what began further to the left.
    pub indent: usize,
}

impl<K> Default for Scrollback<K> {
    fn default() -> Self {
        Scrollback {
            lines: VecDeque::new(),
            bytes: 0,
            base: 0,
            dropped: 0,
            width: 80,
            room: 1,
            height: 1,
            top: 0,
            follow: true,
            left: 0,
            widest: 0,
            table: None,
            query: String::new(),
            found: None,
        }
    }
}

impl<K> Scrollback<K> {
    /// Adds a line that is broken into rows, or, if it does not wrap, scrolled sideways.
    pub fn push(&mut self, kind: K, text: &str, wraps: bool) {
        self.table = None;
        self.add(kind, text, if wraps { Wrap::Columns } else { Wrap::Never });
    }

    /// Adds a line of prose: words stay whole, and what is indented stays so.
    pub fn push_prose(&mut self, kind: K, text: &str) {
        self.push_hung(kind, text, wrap::width(text) - wrap::width(text.trim_start()));
    }

    /// Adds a line of words that goes on so many columns from the left.
    pub fn push_hung(&mut self, kind: K, text: &str, hang: usize) {
        self.table = None;
        self.add(kind, text, Wrap::Words { hang });
    }

    /// Adds a line of a table: the line under its headings says where its first column ends.
    pub fn push_table(&mut self, kind: K, text: &str) {
        // The line under the headings stands below one.
        if let (Some(frozen), Some(head)) =
            (first_column(text), self.lines.back_mut().filter(|line| line.wrap == Wrap::Never))
        {
            head.frozen = frozen;
            self.table = Some((self.dropped + self.lines.len() as u64 - 1, frozen));
        }
        self.add(kind, text, Wrap::Never);
    }

    fn add(&mut self, kind: K, text: &str, wrap: Wrap) {
        let mut text = wrap::expand_tabs(&workshop_base::text::sanitize(text)).into_owned();
        if text.len() > LONGEST {
            let mut cut = LONGEST;
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            let lost = text.len() - cut;
            text.truncate(cut);
            text.push_str(&format!("… ({lost} more bytes)"));
        }
        self.widest = self.widest.max(wrap::width(&text));
        let end = self.end() + rows(&text, wrap, self.width);
        self.bytes += text.len();
        let (head, frozen) = self.table.map_or((None, 0), |(head, frozen)| (Some(head), frozen));
        self.lines.push_back(ScrollbackLine { kind, text, wrap, end, frozen, head });
        while self.lines.len() > KEPT || self.bytes > KEPT_BYTES {
            self.drop_first();
        }
        self.settle();
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.lines.pop_front() {
            self.base = first.end;
            self.bytes -= first.text.len();
            self.dropped += 1;
        }
    }

    /// Breaks the lines anew for this many columns and rows; the line at the top stays there.
    pub fn resize(&mut self, width: usize, height: usize) {
        if width != self.width && width > 0 {
            // The line at the top stays at the top.
            let at = self.lines.partition_point(|line| line.end <= self.top);
            self.width = width;
            let mut end = self.base;
            for line in &mut self.lines {
                end += rows(&line.text, line.wrap, width);
                line.end = end;
            }
            self.top = if at == 0 { self.base } else { self.lines.get(at - 1).map_or(self.base, |line| line.end) };
        }
        self.room = height.max(1);
        self.settle();
    }

    /// Returns the columns of the panel.
    pub fn columns(&self) -> usize {
        self.width
    }

    /// Rows that the word about lost lines takes, above the lines that are left.
    pub fn notice(&self) -> usize {
        usize::from(self.dropped > 0 && self.room > 1)
    }

    fn end(&self) -> u64 {
        self.lines.back().map_or(self.base, |line| line.end)
    }

    fn settle(&mut self) {
        self.height = self.room - self.notice();
        let last = self.end().saturating_sub(self.height as u64).max(self.base);
        self.top = if self.follow { last } else { self.top.clamp(self.base, last) };
    }

    /// Scrolls by rows, downwards when positive; at the end it follows again.
    pub fn scroll(&mut self, rows: i64) {
        let last = self.end().saturating_sub(self.height as u64).max(self.base);
        self.top = self.top.saturating_add_signed(rows).clamp(self.base, last);
        self.follow = self.top == last;
    }

    /// Scrolls by pages less a row, that the eye may find it again.
    pub fn page(&mut self, pages: i64) {
        self.scroll(pages * (self.height as i64 - 1).max(1));
    }

    /// Goes to the oldest line that is still held.
    pub fn home(&mut self) {
        self.top = self.base;
        self.follow = self.end() - self.base <= self.height as u64;
    }

    /// Goes to the newest line and stays there as lines come.
    pub fn end_of_all(&mut self) {
        self.follow = true;
        self.settle();
    }

    /// Scrolls by columns, to the right when positive; wrapped lines do not move.
    pub fn sideways(&mut self, columns: i64) {
        let most = self.widest.saturating_sub(self.width.min(self.widest));
        self.left = self.left.saturating_add_signed(columns as isize).min(most);
    }

    /// Says whether nothing was ever pushed, or all of it was dropped.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Rows below the view.
    pub fn below(&self) -> u64 {
        self.end().saturating_sub(self.top + self.height as u64)
    }

    /// Returns the number of the next line, counted from the first line ever.
    pub fn next_line(&self) -> u64 {
        self.dropped + self.lines.len() as u64
    }

    /// Counts the rows above the view, from a line (counted from the first ever) on.
    pub fn above_from(&self, line: u64) -> u64 {
        let before = usize::try_from(line.saturating_sub(self.dropped)).unwrap_or(usize::MAX).checked_sub(1);
        let begins = before.map_or(self.base, |at| self.lines.get(at).map_or(self.end(), |line| line.end));
        self.top.saturating_sub(begins)
    }

    /// Counts the rows of all that is held, with the word about what is not.
    pub fn rows(&self) -> usize {
        (self.end() - self.base) as usize + usize::from(self.dropped > 0)
    }

    /// Returns the lines that are held, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = &ScrollbackLine<K>> {
        self.lines.iter()
    }

    /// The rows in view.
    pub fn visible(&self) -> Vec<ScrollbackRow<'_, K>> {
        let first = self.lines.partition_point(|line| line.end <= self.top);
        let mut out = Vec::with_capacity(self.height);
        let mut row_no = if first == 0 { self.base } else { self.lines[first - 1].end };
        for (index, line) in self.lines.iter().enumerate().skip(first) {
            let number = self.dropped + index as u64;
            if line.wrap != Wrap::Never {
                for range in ranges(&line.text, line.wrap, self.width) {
                    if row_no >= self.top {
                        out.push(ScrollbackRow {
                            kind: &line.kind,
                            text: &line.text[range.clone()],
                            whole: &line.text,
                            start: range.start,
                            line: number,
                            left: 0,
                            frozen: 0,
                            indent: if range.start > 0 { hang(line.wrap, self.width) } else { 0 },
                        });
                    }
                    row_no += 1;
                    if out.len() == self.height {
                        return out;
                    }
                }
            } else {
                out.push(self.unwrapped(line, number));
                row_no += 1;
            }
            if out.len() == self.height {
                break;
            }
        }
        out
    }

    fn unwrapped<'a>(&self, line: &'a ScrollbackLine<K>, number: u64) -> ScrollbackRow<'a, K> {
        // Where the first column would fill half of the view, it scrolls with the others.
        let frozen = if line.frozen <= self.width / 2 { line.frozen } else { 0 };
        let text = &line.text;
        ScrollbackRow {
            kind: &line.kind,
            text,
            whole: text,
            start: 0,
            line: number,
            left: self.left,
            frozen,
            indent: 0,
        }
    }

    /// Returns the headings of the table that the first row in view belongs to, when they are above the view.
    pub fn headings(&self) -> Option<ScrollbackRow<'_, K>> {
        let first = self.lines.partition_point(|line| line.end <= self.top);
        let head = self.lines.get(first)?.head?;
        let at = usize::try_from(head.checked_sub(self.dropped)?).ok()?;
        // The line under them stands for nothing.
        (at + 1 < first).then(|| self.unwrapped(&self.lines[at], head))
    }

    /// Goes to the next line that holds the query (without regard to case unless it has a capital).
    /// Returns whether there is one.
    pub fn search(&mut self, forward: bool, from_view: bool) -> bool {
        if self.query.is_empty() {
            self.found = None;
            return true;
        }
        let count = self.lines.len();
        if count == 0 {
            return false;
        }
        let here = match self.found {
            Some(line) if !from_view => line.saturating_sub(self.dropped) as usize,
            _ => self.lines.partition_point(|line| line.end <= self.top),
        };
        let step = |n: usize| if forward { (here + n) % count } else { (here + count - n % count) % count };
        let start = usize::from(!from_view);
        let hit = (start..count + start).map(step).find(|&i| matches(&self.lines[i].text, &self.query));
        let Some(hit) = hit else { return false };
        self.found = Some(self.dropped + hit as u64);
        let row = if hit == 0 { self.base } else { self.lines[hit - 1].end } + self.rows_before(hit);
        if row < self.top || row >= self.top + self.height as u64 {
            self.follow = false;
            self.top = row.saturating_sub(self.height as u64 / 3);
            self.settle();
        }
        self.follow = self.below() == 0 && self.follow;
        self.show_columns(hit);
        true
    }

    /// Counts the rows of a line that stand above what was found in it.
    fn rows_before(&self, hit: usize) -> u64 {
        let line = &self.lines[hit];
        let at = found(&line.text, &self.query).first().map_or(0, |range| range.start);
        match line.wrap {
            Wrap::Never => 0,
            wrap => ranges(&line.text, wrap, self.width).iter().filter(|range| range.end <= at).count() as u64,
        }
    }

    /// Scrolls sideways until what was found in a line that does not wrap is in view.
    fn show_columns(&mut self, hit: usize) {
        let line = &self.lines[hit];
        let Some(range) = found(&line.text, &self.query).into_iter().next().filter(|_| line.wrap == Wrap::Never) else {
            return;
        };
        let (from, to) = (wrap::width(&line.text[..range.start]), wrap::width(&line.text[..range.end]));
        let frozen = self.unwrapped(line, 0).frozen;
        if to > frozen && (from < frozen + self.left || to > self.left + self.width) {
            let most = self.widest.saturating_sub(self.width);
            self.left = from.saturating_sub(frozen + (self.width - frozen) / 3).min(most);
        }
    }
}

/// Returns the columns of a table's first column, its border behind it included, from the line under the headings; None
/// for every other line, and for a table of one column.
fn first_column(text: &str) -> Option<usize> {
    let is_rule = text.chars().all(|c| matches!(c, '-' | '+' | '─' | '┼' | '├' | '┤' | ' '));
    let mut crossings = text.char_indices().filter(|(_, c)| matches!(c, '+' | '┼'));
    let (at, c) = crossings.find(|(at, _)| *at > 0)?;
    is_rule.then(|| wrap::width(&text[..at + c.len_utf8()]))
}

fn rows(text: &str, wrap: Wrap, width: usize) -> u64 {
    if wrap == Wrap::Never || text.len() <= width { 1 } else { ranges(text, wrap, width).len() as u64 }
}

fn ranges(text: &str, wrap: Wrap, width: usize) -> Vec<std::ops::Range<usize>> {
    match wrap {
        Wrap::Words { .. } => wrap::soft(text, width, hang(wrap, width)),
        Wrap::Never | Wrap::Columns => wrap::hard(text, width),
    }
}

/// Columns by which a line's second row is indented: less in a narrow panel.
fn hang(wrap: Wrap, width: usize) -> usize {
    match wrap {
        Wrap::Words { hang } => hang.min(width / 3),
        Wrap::Never | Wrap::Columns => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(count: usize) -> Scrollback<()> {
        let mut back = Scrollback::default();
        back.resize(10, 4);
        for i in 0..count {
            back.push((), &format!("line {i}"), true);
        }
        back
    }

    fn shown(back: &Scrollback<()>) -> Vec<&str> {
        back.visible().iter().map(|row| row.text).collect()
    }

    #[test]
    fn a_table_keeps_its_first_column_and_its_headings() {
        let mut back = Scrollback::default();
        back.resize(20, 4);
        back.push((), "postgres=> select", true);
        let wide = format!("{}end", "x".repeat(40));
        for line in [" id | name", "----+------"] {
            back.push_table((), line);
        }
        for id in 0..9 {
            back.push_table((), &format!("  {id} | {wide}"));
        }
        back.push((), "(9 rows)", true);
        back.sideways(8);
        assert_eq!(
            back.visible().iter().map(|row| (row.left, row.frozen)).collect::<Vec<_>>(),
            [(8, 5), (8, 5), (8, 5), (0, 0)]
        );
        assert_eq!(back.headings().map(|row| (row.text, row.frozen)), Some((" id | name", 5)));
        back.home();
        assert!(back.headings().is_none());
        back.query = "end".to_owned();
        back.left = 0;
        assert!(back.search(true, true));
        assert!(back.left > 0, "what is found is in view");
        back.query = "id".to_owned();
        back.search(true, false);
        assert!(back.left > 0, "the first column is always in view");
        assert_eq!((first_column("+---+---+"), first_column("│"), first_column("----")), (Some(5), None, None));
    }

    #[test]
    fn follows_until_scrolled_and_again_at_the_end() {
        let mut back = filled(8);
        assert_eq!(shown(&back), ["line 4", "line 5", "line 6", "line 7"]);
        back.scroll(-2);
        back.push((), "line 8", true);
        assert_eq!(shown(&back)[0], "line 2");
        assert_eq!(back.below(), 3);
        back.scroll(3);
        assert!(back.follow);
    }

    #[test]
    fn long_lines_take_more_rows_and_a_resize_keeps_the_place() {
        let mut back = filled(2);
        back.push((), "0123456789abc", true);
        assert_eq!(shown(&back), ["line 0", "line 1", "0123456789", "abc"]);
        back.resize(5, 3);
        assert_eq!(shown(&back), ["01234", "56789", "abc"]);
    }

    #[test]
    fn what_is_dropped_is_counted() {
        let back = filled(KEPT + 5);
        assert_eq!(back.dropped, 5);
        assert_eq!(back.lines().count(), KEPT);
        assert_eq!(shown(&back).last(), Some(&format!("line {}", KEPT + 4).as_str()));
        // The word about it has a row of its own and covers none of what is left.
        assert_eq!((back.notice(), shown(&back).len()), (1, 3));
    }

    #[test]
    fn long_lines_are_given_up_earlier_and_counted() {
        let mut back = filled(5);
        let line = "x".repeat(LONGEST);
        let room = KEPT_BYTES / LONGEST;
        for _ in 0..room + 2 {
            back.push((), &line, true);
        }
        assert_eq!((back.lines().count(), back.dropped), (room, 7));
    }

    #[test]
    fn search_goes_round() {
        let mut back = filled(30);
        back.query = "LINE 3".to_lowercase();
        back.home();
        assert!(back.search(true, true));
        assert_eq!(back.found, Some(3));
        assert!(back.search(true, false));
        assert_eq!(back.found, Some(3));
        back.query = "nowhere".into();
        assert!(!back.search(true, false));
        // At the end of a line that is longer than the view.
        back.push((), &format!("{}needle", "x".repeat(94)), true);
        back.home();
        back.query = "needle".into();
        assert!(back.search(true, true) && shown(&back).contains(&"xxxxneedle"), "{:?}", shown(&back));
    }

    #[test]
    fn an_endless_line_is_cut_and_says_so() {
        let mut back = filled(0);
        back.push((), &"x".repeat(1 << 20), true);
        assert!(back.lines().next().is_some_and(|l| l.text.ends_with("more bytes)") && l.text.len() < LONGEST + 40));
    }
}
