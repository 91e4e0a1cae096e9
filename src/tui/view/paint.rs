//! Lines on a buffer: one, several, or as many as fit with a word about the rest.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use crate::tui::bindings::KeyAction;
use crate::tui::model::Model;
use crate::tui::present::spans::{last_top, span};
use crate::tui::present::words;
use crate::tui::{theme, wrap};

/// A row of spans, cut at the width.
pub fn row(buffer: &mut Buffer, area: Rect, y: u16, line: &Line<'_>) {
    if y < area.bottom() {
        buffer.set_line(area.x, y, line, area.width);
    }
}

/// Lines from a row on, as many as fit.
pub fn lines(buffer: &mut Buffer, area: Rect, all: &[Line<'_>], top: usize) {
    for (i, line) in all.iter().skip(top).take(area.height.into()).enumerate() {
        row(buffer, area, area.y + i as u16, line);
    }
}

/// Lines from a row on; where they do not all fit, the last row says how many there are beside, and with the keyboard
/// here, which key brings them.
pub fn lines_counted(m: &Model, buffer: &mut Buffer, area: Rect, all: &[Line<'_>], top: usize, here: bool) {
    let height = usize::from(area.height);
    let top = top.min(last_top(all.len(), height));
    if all.len() <= height || height < 2 {
        return lines(buffer, area, all, top);
    }
    let shown = Rect { height: area.height - 1, ..area };
    lines(buffer, shown, all, top);
    let below = all.len() - top - usize::from(shown.height);
    row(buffer, area, shown.bottom(), &besides(m, top, below, here));
}

/// Says how many lines there are beside those that show and, with the keyboard here, which key brings them.
pub fn besides(m: &Model, above: usize, below: usize, here: bool) -> Line<'static> {
    let key = match below {
        _ if !here => String::new(),
        0 => format!(": {} goes back", m.key(KeyAction::PageUp)),
        _ => format!(": {} reads on", m.key(KeyAction::PageDown)),
    };
    Line::styled(format!("{}{key}", words::besides(above, below)), theme::DIM)
}

/// A line to type in; the cursor stands behind the text.
pub fn prompt(buffer: &mut Buffer, area: Rect, label: &str, text: &str) -> Position {
    let room = usize::from(area.width).saturating_sub(wrap::width(label) + 2);
    let wide = wrap::width(text);
    let shown = wrap::slice(text, wide.saturating_sub(room), room);
    let line = Line::from(vec![span(label, theme::STRONG), span(shown, theme::TEXT)]);
    buffer.set_stringn(area.x, area.y, " ".repeat(area.width.into()), area.width.into(), theme::TEXT);
    row(buffer, area, area.y, &line);
    Position::new(area.x + (wrap::width(label) + wrap::width(shown)) as u16, area.y)
}
