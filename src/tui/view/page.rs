//! The step's text, and the card below it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::paint::{lines, row};
use crate::tui::model::*;
use crate::tui::present::spans::display_text;
use crate::tui::present::words;
use crate::tui::theme;

/// Draws the page and its card.
pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let area = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    if m.progress.position.is_none() {
        opening(m, buffer, area);
        return;
    }
    let text = Rect { height: m.page.height.min(area.height.into()) as u16, ..area };
    lines(buffer, text, &m.page.rendered.lines, m.page.top);
    let mut used = text.height;
    let (above, below) = (m.page.top, m.page.rendered.lines.len().saturating_sub(m.page.top + m.page.height));
    if above + below > 0 && used < area.height {
        let words = match (above, below) {
            (_, 1..) => format!("↓ {}", words::counted(below, "more line")),
            (_, 0) => format!("↑ {} above", words::counted(above, "line")),
        };
        let line = Line::styled(words, theme::DIM);
        let width = (line.width() as u16).min(area.width);
        row(buffer, Rect { x: area.right() - width, width, ..area }, text.bottom(), &line);
        used += 1;
    }
    let rows = (m.page.card.len() as u16 + 1).min(body.height - used);
    let card = Rect { y: body.bottom() - rows, height: rows, ..body };
    draw_card(m, buffer, card);
}

/// Before the engine has said where we are: what is known at once.
fn opening(m: &Model, buffer: &mut Buffer, area: Rect) {
    let mut all = vec![
        Line::default(),
        Line::styled(display_text(m, &m.course.title).into_owned(), theme::HEADING),
        Line::default(),
    ];
    for chapter in &m.course.chapters {
        all.push(Line::raw(format!("  {}  {}", chapter.number, display_text(m, &chapter.title))));
    }
    lines(buffer, area, &all, 0);
}

/// Draws the card below a rule.
pub fn draw_card(m: &Model, buffer: &mut Buffer, area: Rect) {
    if m.page.card.is_empty() || area.height == 0 {
        return;
    }
    let rule = "╌".repeat(area.width.into());
    buffer.set_stringn(area.x, area.y, rule, area.width.into(), theme::DIM);
    let inner = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(1),
    };
    lines(buffer, inner, &m.page.card, 0);
}
