//! The deploy panel.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint;
use crate::tui::model::*;

pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let area = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    paint::lines_counted(buffer, area, &m.deploy.lines, m.deploy.top, m.focus == Panel::Deploy);
}
