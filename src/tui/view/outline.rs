//! The outline panel.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::paint::row;
use crate::tui::model::*;
use crate::tui::present::spans::{last_top, shown};
use crate::tui::present::words;
use crate::tui::theme;

/// Draws the rows around the selection.
pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let rows = &m.outline.rows;
    let height = shown(rows.len(), body.height.into());
    let top = m.outline.top.min(last_top(rows.len(), body.height.into()));
    if height < body.height.into() && rows.len() > height {
        let words = format!(" {}", words::besides(top, rows.len() - top - height));
        row(buffer, body, body.bottom() - 1, &Line::styled(words, theme::DIM));
    }
    for (i, r) in rows.iter().skip(top).take(height).enumerate() {
        let y = body.y + i as u16;
        row(buffer, body, y, &r.line);
        if m.focus == Panel::Outline && r.item == m.outline.cursor {
            let style: Style = theme::SELECTED;
            buffer.set_style(Rect { y, height: 1, ..body }, style);
        }
    }
}
