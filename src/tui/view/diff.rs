//! The diff panel: hunks in their colours, their notes, and whether they are in the working directory.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{both_ends, ink, row, span, words};
use crate::code::diff::{FileStatus, Side};
use crate::engine::event::DiffOf;
use crate::tui::diffrows::{self, FileView, HunkAt, Row};
use crate::tui::highlight::Pieces;
use crate::tui::model::*;
use crate::tui::update::is_applied;
use crate::tui::{markdown, theme, wrap};

pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let d = &m.diff;
    if d.rows.is_empty() {
        empty(m, buffer, body);
        return;
    }
    let numbers = d.files.iter().map(|f| f.before.len().max(f.after.len())).max().unwrap_or(0);
    let gutter = numbers.max(1).ilog10() as usize + 1;
    for (i, r) in d.rows.iter().skip(d.top).take(body.height.into()).enumerate() {
        let y = body.y + i as u16;
        draw_row(m, buffer, Rect { y, height: 1, ..body }, r, gutter);
    }
}

fn empty(m: &Model, buffer: &mut Buffer, body: Rect) {
    let text = match (&m.diff.asked, &m.diff.of) {
        (Some(asked), Some(of)) if asked == of => match of {
            DiffOf::Mine { .. } => "Your files are the same as the chapter's.",
            DiffOf::Step(_) | DiffOf::Chapters { .. } => "Nothing changes here.",
        },
        (Some(_), _) => "Reading the difference …",
        (None, _) => "The changes of a step stand here.",
    };
    buffer.set_stringn(body.x + 1, body.y + 1, text, body.width.saturating_sub(2).into(), theme::DIM);
}

fn draw_row(m: &Model, buffer: &mut Buffer, area: Rect, r: &Row, gutter: usize) {
    let width = usize::from(area.width);
    let d = &m.diff;
    let current = d.hunks.get(d.hunk).copied();
    match r {
        Row::Blank => {}
        Row::File(file) => {
            let view = &d.files[*file];
            let word = match view.diff.status {
                FileStatus::Added => "new",
                FileStatus::Changed => "",
                FileStatus::Deleted => "deleted",
            };
            let hunks = match view.diff.hunks.len() {
                0 => String::new(),
                n => words::counted(n, "hunk"),
            };
            let right = [word, hunks.as_str()].into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(", ");
            let line = both_ends(
                vec![span(format!(" {}", ink(m, &view.diff.path)), theme::STRONG)],
                vec![span(format!("{right} "), theme::DIM)],
                width,
            );
            row(buffer, area, area.y, &line);
        }
        Row::Gap { file, gap, lines } => {
            let open = d.opened.contains(&(*file, *gap));
            let sign = if open { "▾" } else { "▸" };
            let text = format!("{:>gutter$} {sign} {}", "", words::counted(*lines, "unchanged line"));
            row(buffer, area, area.y, &Line::styled(text, theme::DIM));
        }
        Row::Same { file, before, after } => {
            let view = &d.files[*file];
            let pieces = pieces(m, view.after_key, *after);
            let text = &view.diff.after[view.after[*after].clone()];
            if d.split {
                let (left, right) = halves(area);
                let old = &view.diff.before[view.before[*before].clone()];
                let old_pieces = self::pieces(m, view.before_key, *before);
                code(m, buffer, left, gutter, Some(*before), " ", theme::DIM, markdown::paint(old, old_pieces), false);
                code(m, buffer, right, gutter, Some(*after), " ", theme::DIM, markdown::paint(text, pieces), false);
                buffer.set_stringn(right.x - 1, area.y, "│", 1, theme::DIM);
            } else {
                code(m, buffer, area, gutter, Some(*after), " ", theme::DIM, markdown::paint(text, pieces), false);
            }
        }
        Row::Head(at) => head(m, buffer, area, *at, current == Some(*at)),
        Row::Note(at, line) => {
            let mut spans = vec![span("   ▎ ", theme::WAIT)];
            spans.extend(line.spans.iter().map(|s| Span::styled(ink(m, &s.content).into_owned(), s.style)));
            let mut line = Line::from(spans);
            if current != Some(*at) {
                line.style = line.style.add_modifier(Modifier::DIM);
            }
            row(buffer, area, area.y, &line);
        }
        Row::Changed { at, removed, added } => {
            let dim = current.is_some_and(|c| c != *at);
            if d.split {
                let (left, right) = halves(area);
                side(m, buffer, left, gutter, *at, *removed, dim);
                side(m, buffer, right, gutter, *at, *added, dim);
                buffer.set_stringn(right.x - 1, area.y, "│", 1, theme::DIM);
            } else {
                side(m, buffer, area, gutter, *at, removed.or(*added), dim);
            }
        }
    }
}

fn halves(area: Rect) -> (Rect, Rect) {
    let left = area.width / 2;
    (Rect { width: left - 1, ..area }, Rect { x: area.x + left, width: area.width - left, ..area })
}

fn head(m: &Model, buffer: &mut Buffer, area: Rect, at: HunkAt, current: bool) {
    let number = m.diff.hunks.iter().position(|h| *h == at).unwrap_or(0) + 1;
    let pointer = if current { "▸" } else { " " };
    let style = if current { theme::FOCUS } else { theme::DIM };
    let (state, state_style) = match is_applied(m, at) {
        Some(true) => ("✓ in your files", theme::GOOD),
        Some(false) => ("not applied", theme::DIM),
        None => ("", theme::DIM),
    };
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

fn side(m: &Model, buffer: &mut Buffer, area: Rect, gutter: usize, at: HunkAt, place: Option<usize>, dim: bool) {
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
    code(m, buffer, area, gutter, Some(number), sign, style, spans, dim);
}

fn pieces(m: &Model, key: u64, line: usize) -> &[(std::ops::Range<usize>, Style)] {
    m.known.get(&key).and_then(|lines| lines.get(line)).map_or(&[][..], Pieces::as_slice)
}

/// One line of code: number, sign, text scrolled sideways.
#[expect(clippy::too_many_arguments, reason = "the parts of one row")]
fn code(
    m: &Model,
    buffer: &mut Buffer,
    area: Rect,
    gutter: usize,
    number: Option<usize>,
    sign: &str,
    style: Style,
    spans: Vec<Span<'static>>,
    dim: bool,
) {
    let number = number.map_or(String::new(), |n| (n + 1).to_string());
    let dimmed = if dim { Modifier::DIM } else { Modifier::empty() };
    let mut x = area.x;
    let bar = if sign == " " { " " } else { "▌" };
    for (text, style) in
        [(format!("{number:>gutter$} "), theme::DIM), (bar.to_owned(), style), (format!("{sign} "), style)]
    {
        x = buffer.set_stringn(x, area.y, &text, area.right().saturating_sub(x).into(), style).0;
    }
    let mut skip = m.diff.left;
    for piece in spans {
        if x >= area.right() {
            break;
        }
        let text = ink(m, &piece.content);
        let wide = wrap::width(&text);
        let room = usize::from(area.right() - x);
        let shown = wrap::slice(&text, skip, room);
        skip = skip.saturating_sub(wide);
        x = buffer.set_stringn(x, area.y, shown, room, piece.style.add_modifier(dimmed)).0;
    }
}

/// The difference as text, for the clipboard: without numbers or marks, signs only.
pub fn text(m: &Model) -> String {
    let mut out = String::new();
    for file in &m.diff.files {
        out.push_str(&format!("{}\n", file.diff.path));
        for line in file.diff.hunks.iter().flat_map(|hunk| &hunk.lines) {
            let sign = if line.side == Side::Added { '+' } else { '-' };
            out.push_str(&format!("{sign}{}\n", line.text()));
        }
    }
    out
}
