//! One frame: header, panels, status, keys, and what lies over them.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{checks, chrome, console, deploy, diff, header, log, outline, overlay, page};
use crate::tui::model::*;
use crate::tui::present::room::own_body;
use crate::tui::{layout, matching, theme, wrap};
use workshop_base::secret;

/// Draws a whole frame; a model that was laid out for another size draws nothing.
pub fn view(m: &Model, frame: &mut Frame<'_>) {
    if let Some(cursor) = draw(m, frame.buffer_mut()) {
        frame.set_cursor_position(cursor);
    }
}

/// Returns the text that the mouse has marked, as it stands on the screen.
pub fn marked_text(m: &Model, marked: &MarkedText) -> String {
    let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width: m.size.0, height: m.size.1 });
    draw(m, &mut buffer);
    let row = |(y, columns): (u16, std::ops::Range<u16>)| row_text(&buffer, y, columns).trim_end().to_owned();
    marked.rows().into_iter().map(row).collect::<Vec<_>>().join("\n")
}

/// The text of some columns of a row. What a wide character covers is no text of its own.
fn row_text(buffer: &Buffer, y: u16, columns: std::ops::Range<u16>) -> String {
    let mut text = String::new();
    let mut covered = 0;
    for x in columns {
        if covered == 0 {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            covered = wrap::width(symbol);
        }
        covered = covered.saturating_sub(1);
    }
    text
}

/// Draws into a buffer; returns the cursor of who types.
fn draw(m: &Model, buffer: &mut Buffer) -> Option<Position> {
    let area = buffer.area;
    // Laid out for another size: the next frame has this one.
    if (area.width, area.height) != m.size {
        return None;
    }
    if m.layout.too_small {
        too_small(buffer, area);
        return None;
    }
    let mut cursor = None;
    header::draw(m, buffer, m.layout.header);
    if let Some(tabs) = m.layout.tabs {
        chrome::tabs(m, buffer, tabs);
    }
    for slot in &m.layout.slots {
        chrome::title(m, buffer, slot);
        let (body, card) = own_body(m, slot);
        page::draw_card(m, buffer, card);
        match slot.panel {
            Panel::Outline => outline::draw(m, buffer, body),
            Panel::Page => page::draw(m, buffer, body),
            Panel::Diff => diff::draw(m, buffer, body),
            Panel::Deploy => deploy::draw(m, buffer, body, &m.deploy, Panel::Deploy),
            Panel::Load => deploy::draw(m, buffer, body, &m.load, Panel::Load),
            Panel::Sql => cursor = console::draw(m, buffer, body),
            Panel::Checks => checks::draw(m, buffer, body),
            Panel::Log => cursor = cursor.or(log::draw(m, buffer, body)),
        }
    }
    mark_matches(m, buffer);
    for (y, columns) in m.marked.iter().flat_map(MarkedText::rows) {
        let at = Rect { x: columns.start, y, width: columns.end.saturating_sub(columns.start), height: 1 };
        buffer.set_style(at.intersection(area), theme::SELECTED);
    }
    for x in &m.layout.separators {
        let top = m.layout.header.bottom();
        for y in top..m.layout.status.y {
            buffer[(*x, y)].set_symbol("│").set_style(theme::DIM);
        }
    }
    cursor = cursor.or(chrome::status(m, buffer, m.layout.status));
    chrome::footer(m, buffer, m.layout.footer);
    if let Some(over) = overlay::draw(m, buffer, area) {
        cursor = over;
    }
    if m.hides() {
        redact_rows(buffer, area);
    }
    m.options.looks.apply(buffer);
    cursor
}

fn too_small(buffer: &mut Buffer, area: Rect) {
    let (width, height) = layout::SMALLEST;
    let lines = [
        "This screen is",
        "too small:",
        &format!("{}x{},", area.width, area.height),
        &format!("needs {width}x{height}"),
    ];
    for (row, line) in lines.iter().enumerate().take(area.height.into()) {
        buffer.set_stringn(area.x, area.y + row as u16, line, area.width.into(), theme::TEXT);
    }
}

/// The net under `display_text`: hides what a row still shows as a whole.
fn redact_rows(buffer: &mut Buffer, area: Rect) {
    for y in area.y..area.bottom() {
        let row: String = (area.x..area.right())
            .map(|x| {
                let symbol = buffer[(x, y)].symbol();
                if symbol.len() == 1 { symbol.chars().next().unwrap_or(' ') } else { '\u{fffd}' }
            })
            .collect();
        if let Cow::Owned(hidden) = secret::redact(&row) {
            for (x, (before, after)) in (area.x..).zip(row.chars().zip(hidden.chars())) {
                if before != after {
                    buffer[(x, y)].set_char(after);
                }
            }
        }
    }
}

/// Marks what was searched in a panel whose rows are drawn as they are.
fn mark_matches(m: &Model, buffer: &mut Buffer) {
    let (of, query) = match (&m.mode, &m.search) {
        (InputMode::Search { of, query }, _) => (*of, query.as_str()),
        (_, Some(search)) => (search.of, search.query.as_str()),
        _ => return,
    };
    let Some(slot) = m.layout.slot(of).filter(|_| !matches!(of, Panel::Sql | Panel::Log)) else { return };
    let body = slot.body;
    for y in body.y..body.bottom() {
        let row = row_text(buffer, y, body.x..body.right());
        for range in matching::found(&row, query) {
            let x = body.x + wrap::width(&row[..range.start]) as u16;
            let wide = wrap::width(&row[range]) as u16;
            buffer.set_style(Rect { x, y, width: wide, height: 1 }.intersection(body), theme::FOUND);
        }
    }
}
