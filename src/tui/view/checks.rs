//! The checks panel: the list above, the selected check below it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint;
use crate::tui::model::*;
use crate::tui::present::checks::list_rows;
use crate::tui::theme;

/// Draws the list and, below it, the selected check.
pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let area = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let list = &m.checks.list;
    let room = list_rows(list.len(), area.height.into());
    let here = m.focus == Panel::Checks;
    let last = list.iter().rposition(|row| row.item == m.checks.cursor).unwrap_or(0);
    let top = (last + 1).saturating_sub(room);
    let selectable = here && m.chapter().is_some_and(|c| !c.checks.is_empty());
    for (shown, y) in list.iter().skip(top).take(room).zip(area.y..) {
        paint::row(buffer, area, y, &shown.line);
        if selectable && shown.item == m.checks.cursor {
            buffer.set_style(Rect { x: body.x, y, width: body.width, height: 1 }, theme::SELECTED);
        }
    }
    let rest = Rect { y: area.y + room as u16, height: area.height - room as u16, ..area };
    paint::lines_counted(m, buffer, rest, &m.checks.detail, m.checks.top, here);
}
