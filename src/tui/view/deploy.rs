//! The deploy and the load: lines that are scrolled as a whole.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint;
use crate::tui::model::*;

/// Draws lines that are scrolled as a whole.
pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect, of: &DeployView, panel: Panel) {
    let area = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    paint::lines_counted(m, buffer, area, &of.lines, of.top, m.focus == panel);
}
