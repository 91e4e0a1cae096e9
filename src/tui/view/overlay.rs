//! Overlays: help, notes, command palette, the question before leaving.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::paint;
use crate::tui::model::*;
use crate::tui::present::palette::entries;
use crate::tui::present::spans::{both_ends, display_text, shown, span};
use crate::tui::present::{questions, reading};
use crate::tui::{theme, wrap};

/// Draws the overlay of the mode, if it has one; then only its own cursor counts.
pub fn draw(m: &Model, buffer: &mut Buffer, screen: Rect) -> Option<Option<Position>> {
    match &m.mode {
        InputMode::Walking | InputMode::Entry | InputMode::Search { .. } => None,
        InputMode::Help { top, .. } | InputMode::Notes { top } => {
            let (at, title) = reading::place(m)?;
            let (title, typing) = match &m.mode {
                InputMode::Help { query, typing, .. } if *typing || !query.is_empty() => {
                    (format!("{title}: / {query}"), *typing)
                }
                _ => (title.to_owned(), false),
            };
            let area = window(buffer, screen, at, &title);
            paint::lines_counted(m, buffer, area, &m.over, *top, false);
            // Behind what is typed, in the frame.
            Some(typing.then(|| Position::new(at.x + 3 + wrap::width(&title) as u16 - 1, at.y)))
        }
        InputMode::Palette(palette) => Some(Some(draw_palette(m, buffer, screen, palette))),
        InputMode::Leave(leave) => {
            let (title, text, keys) = questions::leaving(m, leave);
            question(buffer, screen, questions::leaving_frame(m, leave), &title, &text, &keys);
            Some(None)
        }
        InputMode::Confirm(confirm) => {
            let (title, text, keys) = questions::bringing(m, confirm);
            question(buffer, screen, "Are you sure?", &title, &text, &keys);
            Some(None)
        }
    }
}

/// Clears a place in the middle and frames it; what is around it steps back. Returns its inside.
fn window(buffer: &mut Buffer, screen: Rect, area: Rect, title: &str) -> Rect {
    let width = area.width;
    buffer.set_style(Rect { height: screen.height - 1, ..screen }, theme::DIM);
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            buffer[(x, y)].reset();
        }
        for x in [area.x, area.right() - 1] {
            buffer[(x, y)].set_symbol("┃").set_style(theme::FOCUS);
        }
    }
    let rule = "━".repeat(usize::from(width));
    let head = format!("━ {title} {rule}");
    buffer.set_stringn(area.x, area.y, wrap::slice(&head, 0, width.into()), width.into(), theme::FOCUS);
    buffer.set_stringn(area.x, area.bottom() - 1, rule, width.into(), theme::FOCUS);
    reading::inside(area)
}

fn draw_palette(m: &Model, buffer: &mut Buffer, screen: Rect, palette: &Palette) -> Position {
    let area = window(
        buffer,
        screen,
        reading::middle(screen, 76, (screen.height * 2 / 3).min(24)),
        match palette.of {
            PaletteOf::Commands => "Commands",
            PaletteOf::Copies => "Copy",
        },
    );
    let cursor = paint::prompt(buffer, Rect { height: 1, ..area }, "› ", &palette.query);
    let list = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let all = entries(m);
    let room = shown(all.len(), list.height.into());
    let top = (palette.cursor + 1).saturating_sub(room);
    if all.len() > room {
        let line = paint::besides(m, top, all.len() - top - room, false);
        paint::row(buffer, list, list.y + room as u16, &line);
    }
    for (i, choice) in all.iter().enumerate().skip(top).take(room) {
        let y = list.y + (i - top) as u16;
        let line = both_ends(
            vec![span(format!(" {}", display_text(m, &choice.title)), theme::TEXT)],
            vec![span(format!("{} ", choice.key), theme::DIM)],
            list.width.into(),
        );
        paint::row(buffer, list, y, &line);
        if i == palette.cursor {
            buffer.set_style(Rect { y, height: 1, ..list }, theme::SELECTED);
        }
    }
    if all.is_empty() {
        paint::row(buffer, list, list.y, &Line::styled(" Nothing is called that", theme::DIM));
    }
    cursor
}

/// A question, what it is about, and the keys that answer it.
fn question(buffer: &mut Buffer, screen: Rect, frame: &str, title: &str, text: &str, keys: &[(String, String)]) {
    let width = usize::from(reading::inside(reading::middle(screen, QUESTION, 4)).width);
    let none = Span::raw("");
    let mut all = wrap::words(&[span(title, theme::STRONG)], width, &none, &none);
    all.extend(wrap::words(&[span(text, theme::TEXT)], width, &none, &none));
    // What there is no room for is left out of the reading: the keys that answer stay.
    let room = usize::from(screen.height).saturating_sub(AROUND + keys.len());
    if all.len() + 1 > room {
        all.truncate(room.saturating_sub(1).max(1));
        all.push(Line::styled("…", theme::DIM));
    } else {
        all.push(Line::default());
    }
    let widest = keys.iter().map(|(key, _)| wrap::width(key)).max().unwrap_or(0).max(5);
    for (key, what) in keys {
        let key = format!("{}{key}  ", " ".repeat(widest - wrap::width(key)));
        all.push(Line::from(vec![span(key, theme::KEY), span(what.clone(), theme::TEXT)]));
    }
    let area = window(buffer, screen, reading::middle(screen, QUESTION, all.len() as u16 + 2), frame);
    paint::lines(buffer, area, &all, 0);
}

/// Rows around a question's lines: its frame, and the screen's first and last.
const AROUND: usize = 4;
/// Columns of a question.
const QUESTION: u16 = 60;
