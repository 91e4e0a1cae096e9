//! The log panel, and the rows of any scrollback.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use super::paint::{prompt, row};
use crate::tui::model::*;
use crate::tui::scrollback::{Scrollback, ScrollbackRow};
use crate::tui::{matching, theme, wrap};
use workshop_base::secret;

/// Draws the log; returns the cursor while a search is typed in it.
pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) -> Option<Position> {
    // The margin that all panels have.
    let body = Rect { x: body.x + 1, width: body.width.saturating_sub(1), ..body };
    let searching = match &m.mode {
        InputMode::Search { of: Panel::Log, query } => Some(query.as_str()),
        _ => None,
    };
    let rows = Rect { height: body.height - u16::from(searching.is_some()), ..body };
    if m.log.is_empty() {
        buffer.set_stringn(body.x, body.y + 1, "What runs writes here.", rows.width.into(), theme::DIM);
    }
    let rows = gave_up(buffer, rows, &m.log, "the log file has them");
    draw_rows(m, buffer, rows, &m.log, style);
    searching.map(|query| prompt(buffer, Rect { y: rows.bottom(), height: 1, ..body }, "search: ", query))
}

fn style(kind: &LogKind) -> Style {
    match kind {
        LogKind::Out => theme::TEXT,
        LogKind::Err | LogKind::Function | LogKind::Note => theme::DIM,
        LogKind::Good => theme::GOOD,
        LogKind::Bad => theme::BAD,
        LogKind::Expected => theme::EXPECTED,
    }
}

/// The rows in view, with what was searched marked.
pub fn draw_rows<K>(m: &Model, buffer: &mut Buffer, area: Rect, back: &Scrollback<K>, style: impl Fn(&K) -> Style) {
    let rows = back.visible().into_iter().take(area.height.into());
    for (i, r) in rows.enumerate() {
        draw_row(m, buffer, area, area.y + i as u16, &r, back, style(r.kind));
    }
    if let Some(head) = back.headings().filter(|_| area.height > 3) {
        draw_row(m, buffer, area, area.y, &head, back, style(head.kind).add_modifier(Modifier::UNDERLINED));
    }
}

/// Draws one row: the columns that stay, those in view of the others, and a mark where some are out of view.
fn draw_row<K>(
    m: &Model,
    buffer: &mut Buffer,
    area: Rect,
    y: u16,
    r: &ScrollbackRow<'_, K>,
    back: &Scrollback<K>,
    base: Style,
) {
    let indent = r.indent.min(area.width.into()) as u16;
    buffer.set_stringn(area.x, y, " ".repeat(indent.into()), indent.into(), base);
    let area = Rect { x: area.x + indent, width: area.width - indent, ..area };
    let width = usize::from(area.width);
    let text = if m.hides() { hidden(r) } else { r.text.into() };
    let frozen = if r.left > 0 { r.frozen.min(width) } else { 0 };
    buffer.set_stringn(area.x, y, " ".repeat(width), width, base);
    buffer.set_stringn(area.x, y, wrap::slice(&text, 0, frozen), frozen, base);
    let from = area.x + frozen as u16;
    buffer.set_stringn(from, y, wrap::slice(&text, frozen + r.left, width - frozen), width - frozen, base);
    if !back.query.is_empty() {
        let mark = if back.found == Some(r.line) { theme::FOUND } else { theme::SELECTED };
        for range in matching::found(&text, &back.query) {
            let (start, end) = (wrap::width(&text[..range.start]), wrap::width(&text[..range.end]));
            // What is scrolled away lies behind the columns that stay.
            let seen = |column: usize| if column < frozen { column } else { column.saturating_sub(r.left).max(frozen) };
            let (x, wide) = (seen(start), seen(end).saturating_sub(seen(start)));
            let at = Rect { x: area.x + x.min(width) as u16, y, width: wide as u16, height: 1 }.intersection(area);
            buffer.set_style(at, mark);
        }
    }
    if r.left > 0 && wrap::width(&text) > frozen {
        buffer.set_stringn(from.min(area.right() - 1), y, "‹", 1, theme::FOCUS);
    }
    if wrap::width(&text) > r.left + width {
        buffer.set_stringn(area.right() - 1, y, "›", 1, theme::FOCUS);
    }
}

/// A row of a line whose identities are hidden: hidden in the whole line, for a row may hold half of one.
fn hidden<'a, K>(r: &ScrollbackRow<'a, K>) -> Cow<'a, str> {
    match secret::redact(r.whole) {
        Cow::Borrowed(_) => r.text.into(),
        Cow::Owned(whole) if r.text.len() == r.whole.len() => whole.into(),
        Cow::Owned(whole) => {
            let before = r.whole[..r.start].chars().count();
            whole.chars().skip(before).take(r.text.chars().count()).collect::<String>().into()
        }
    }
}

/// Losses are never silent: a row of its own above what is left. Returns the room below it.
pub fn gave_up<K>(buffer: &mut Buffer, area: Rect, back: &Scrollback<K>, where_to: &str) -> Rect {
    let notice = back.notice().min(area.height.into()) as u16;
    if notice > 0 {
        let count = back.dropped;
        let long = format!("{count} earlier lines are not kept here: {where_to}");
        let short = format!("{count} earlier: {where_to}");
        let fits = wrap::width(&long) <= area.width.into();
        row(buffer, area, area.y, &Line::styled(if fits { long } else { short }, theme::WARN));
    }
    Rect { y: area.y + notice, height: area.height - notice, ..area }
}
