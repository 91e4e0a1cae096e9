//! The checks panel: the list above, the selected check below it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::paint;
use crate::tui::model::*;
use crate::tui::present::checks::list_window;
use crate::tui::present::words;
use crate::tui::theme;

/// Draws the list and, below it, the selected check.
pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let area = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let list = &m.checks.list;
    let window = list_window(&m.checks, area.height.into());
    let here = m.focus == Panel::Checks;
    if window.shown < window.rows {
        let words = words::besides(window.top, list.len() - window.top - window.shown);
        paint::row(buffer, area, area.y + window.shown as u16, &Line::styled(words, theme::DIM));
    }
    let selectable = here && m.chapter().is_some_and(|c| !c.checks.is_empty());
    for (shown, y) in list.iter().skip(window.top).take(window.shown).zip(area.y..) {
        paint::row(buffer, area, y, &shown.line);
        if selectable && shown.item == m.checks.cursor {
            buffer.set_style(Rect { x: body.x, y, width: body.width, height: 1 }, theme::SELECTED);
        }
    }
    let taken = (window.rows as u16).min(area.height);
    let rest = Rect { y: area.y + taken, height: area.height - taken, ..area };
    paint::lines_counted(m, buffer, rest, &m.checks.detail, m.checks.top, here);
}
