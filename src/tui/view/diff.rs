//! The diff panel: hunks in their colours, their notes, and whether they are in the working directory.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::paint::{self, row};
use crate::tui::diffrows::{self, DiffRow, FileView, HunkAt};
use crate::tui::model::*;
use crate::tui::present::diff::{heading, hunk_words};
use crate::tui::present::spans::{both_ends, display_spans, display_text, span};
use crate::tui::present::words;
use crate::tui::theme::Pieces;
use crate::tui::{markdown, theme, wrap};
use workshop_course::code::diff::{FileStatus, Side};
use workshop_engine::event::DiffOf;

/// Draws the rows in view, under a heading that says what the difference is between.
pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let d = &m.diff;
    if d.rows.is_empty() {
        empty(m, buffer, body);
        return;
    }
    let body = match heading(m) {
        Some(text) => {
            let text = format!(" {}", display_text(m, &text));
            let line = Line::from(span(wrap::fit(&text, body.width.into()).into_owned(), theme::HEADING));
            row(buffer, body, body.y, &line);
            Rect { y: body.y + 1, height: body.height.saturating_sub(1), ..body }
        }
        None => body,
    };
    let below = d.rows.len().saturating_sub(d.top + d.height);
    let body = if d.top + below > 0 && body.height > 1 {
        let line = paint::besides(m, d.top, below, m.focus == Panel::Diff);
        row(buffer, body, body.bottom() - 1, &line);
        Rect { height: body.height - 1, ..body }
    } else {
        body
    };
    let gutter = diffrows::gutter(&d.files);
    for (i, r) in d.rows.iter().skip(d.top).take(body.height.into()).enumerate() {
        let y = body.y + i as u16;
        draw_row(m, buffer, Rect { y, height: 1, ..body }, r, gutter);
        // Whose hunk it is, when the file's own row is further up.
        if let DiffRow::Head(at) = r
            && !d.rows[d.top..d.top + i].contains(&DiffRow::File(at.file))
        {
            let name = format!(" {} ", display_text(m, &d.files[at.file].diff.path));
            let width = wrap::width(&name) as u16;
            if width + HEAD_WIDTH <= body.width {
                buffer.set_stringn(body.right() - width, y, name, width.into(), theme::DIM);
            }
        }
    }
}

/// Columns that the head of a hunk takes at most: `▸ hunk 10 of 12 · ✓ in your files`
const HEAD_WIDTH: u16 = 36;

fn empty(m: &Model, buffer: &mut Buffer, body: Rect) {
    let text = match (&m.diff.asked, &m.diff.of) {
        (Some(asked), Some(of)) if asked == of => match of {
            DiffOf::Mine { .. } => "Your files are the same as the chapter's.",
            DiffOf::Step(_) | DiffOf::Chapters { .. } | DiffOf::Collision => "Nothing changes here.",
        },
        (Some(_), _) => "Reading the difference …",
        (None, _) => "The changes of a step stand here.",
    };
    buffer.set_stringn(body.x + 1, body.y + 1, text, body.width.saturating_sub(2).into(), theme::DIM);
}

fn draw_row(m: &Model, buffer: &mut Buffer, area: Rect, r: &DiffRow, gutter: usize) {
    let width = usize::from(area.width);
    let d = &m.diff;
    let current = d.hunks.get(d.hunk).copied();
    match r {
        DiffRow::Blank => {}
        DiffRow::File(file) => {
            let view = &d.files[*file];
            let word = match view.diff.status {
                FileStatus::Added => "new",
                FileStatus::Changed => "",
                FileStatus::Deleted => "deleted",
            };
            let own = HunkAt { file: *file, hunk: 0 };
            let here = diffrows::is_new(view) && current == Some(own);
            let hunks = match view.diff.hunks.len() {
                0 => String::new(),
                _ if diffrows::is_new(view) => hunk_words(m, own).0,
                n => words::counted(n, "hunk"),
            };
            let right = [word, hunks.as_str()].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(" · ");
            let pointer = if here { "▸" } else { " " };
            let name = if here { theme::FOCUS } else { theme::STRONG };
            let line = both_ends(
                vec![span(pointer, theme::FOCUS), span(display_text(m, &view.diff.path), name)],
                vec![span(format!("{right} "), theme::DIM)],
                width,
            );
            row(buffer, area, area.y, &line);
        }
        DiffRow::Gap { file, gap, lines } => {
            let open = d.opened.contains(&(*file, *gap));
            let sign = if open { "▾" } else { "▸" };
            let text = format!("{:>gutter$} {sign} {}", "", words::counted(*lines, "unchanged line"));
            row(buffer, area, area.y, &Line::styled(text, theme::DIM));
        }
        DiffRow::Same { file, before, after, part } => {
            let view = &d.files[*file];
            let text = &view.diff.after[view.after[*after].clone()];
            let new = markdown::paint(text, pieces(m, view.after_key, *after));
            if d.split {
                let (left, right) = halves(area);
                let old = &view.diff.before[view.before[*before].clone()];
                let old = markdown::paint(old, pieces(m, view.before_key, *before));
                let room = diffrows::room(left.width.min(right.width).into(), gutter);
                let side = |number: usize| Code { gutter, room, number, part: *part, sign: " ", style: theme::DIM };
                side(*before).draw(m, buffer, left, old, true);
                side(*after).draw(m, buffer, right, new, true);
                buffer.set_stringn(right.x - 1, area.y, "│", 1, theme::DIM);
            } else {
                let room = diffrows::room(width, gutter);
                let code = Code { gutter, room, number: *after, part: *part, sign: " ", style: theme::DIM };
                code.draw(m, buffer, area, new, true);
            }
        }
        DiffRow::Head(at) => head(m, buffer, area, *at, current == Some(*at)),
        DiffRow::Note(at, line) => {
            let mut spans = vec![span("   ▎ ", theme::WAIT)];
            spans.extend(line.spans.iter().map(|s| Span::styled(display_text(m, &s.content).into_owned(), s.style)));
            let mut line = Line::from(spans);
            if current != Some(*at) {
                line.style = line.style.add_modifier(Modifier::DIM);
            }
            row(buffer, area, area.y, &line);
        }
        DiffRow::Changed { at, removed, added, part } => {
            let dim = current.is_some_and(|c| c != *at);
            if d.split {
                let (left, right) = halves(area);
                side(m, buffer, left, gutter, (*at, *removed, *part), dim);
                side(m, buffer, right, gutter, (*at, *added, *part), dim);
                buffer.set_stringn(right.x - 1, area.y, "│", 1, theme::DIM);
            } else {
                side(m, buffer, area, gutter, (*at, removed.or(*added), *part), dim);
            }
        }
    }
}

fn halves(area: Rect) -> (Rect, Rect) {
    let (left, right) = diffrows::halves(area.width.into());
    (Rect { width: left as u16, ..area }, Rect { x: area.right() - right as u16, width: right as u16, ..area })
}

fn head(m: &Model, buffer: &mut Buffer, area: Rect, at: HunkAt, current: bool) {
    let number = m.diff.hunks.iter().position(|h| *h == at).unwrap_or(0) + 1;
    let pointer = if current { "▸" } else { " " };
    let style = if current { theme::FOCUS } else { theme::DIM };
    let (state, state_style) = hunk_words(m, at);
    let line = both_ends(
        vec![
            span(format!("{pointer} hunk {number} of {}", m.diff.hunks.len()), style),
            span(if state.is_empty() { String::new() } else { format!(" · {state}") }, state_style),
        ],
        Vec::new(),
        area.width.into(),
    );
    row(buffer, area, area.y, &line);
}

fn side(
    m: &Model,
    buffer: &mut Buffer,
    area: Rect,
    gutter: usize,
    (at, place, part): (HunkAt, Option<usize>, usize),
    dim: bool,
) {
    let Some(place) = place else { return };
    let view: &FileView = &m.diff.files[at.file];
    let hunk = view.hunk(at);
    let line = &hunk.lines[place];
    let number = diffrows::line_number(hunk, place);
    let (sign, style, key) = match line.side {
        Side::Removed => ("-", theme::REMOVED, view.before_key),
        Side::Added => ("+", theme::ADDED, view.after_key),
    };
    let spans = diffrows::marked(line, pieces(m, key, number));
    let room = diffrows::room(area.width.into(), gutter);
    Code { gutter, room, number, part, sign, style }.draw(m, buffer, area, spans, dim);
}

fn pieces(m: &Model, key: u64, line: usize) -> &[(std::ops::Range<usize>, Style)] {
    m.known.get(&key).and_then(|lines| lines.get(line)).map_or(&[][..], Pieces::as_slice)
}

/// One row of a line of code.
struct Code<'a> {
    gutter: usize,
    /// Columns for the code itself.
    room: usize,
    number: usize,
    /// The number of the line's row; only the first has the number.
    part: usize,
    sign: &'a str,
    style: Style,
}

impl Code<'_> {
    fn draw(&self, m: &Model, buffer: &mut Buffer, area: Rect, spans: Vec<Span<'static>>, dim: bool) {
        let spans = display_spans(m, spans);
        let Some(row) = wrap::code(spans, self.room).into_iter().nth(self.part) else { return };
        let gutter = self.gutter;
        let number = if self.part == 0 { (self.number + 1).to_string() } else { String::new() };
        let sign = if self.part == 0 { self.sign } else { " " };
        let bar = if self.sign == " " { " " } else { "▌" };
        let lead = [
            (format!("{number:>gutter$} "), theme::DIM),
            (bar.to_owned(), self.style),
            (format!("{sign} "), self.style),
        ];
        let mut x = area.x;
        let dimmed = if dim { Modifier::DIM } else { Modifier::empty() };
        for (text, style) in lead {
            x = buffer.set_stringn(x, area.y, &text, area.right().saturating_sub(x).into(), style).0;
        }
        for piece in row {
            let room = usize::from(area.right().saturating_sub(x));
            x = buffer.set_stringn(x, area.y, &piece.content, room, piece.style.add_modifier(dimmed)).0;
        }
    }
}
