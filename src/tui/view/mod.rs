//! The model as a frame. Looks things up and draws them; works nothing out that depends on how much there is.
//!
//! Invariant: takes `&Model`; all text from outside goes through [`ink`].

mod activity;
pub mod card;
pub mod checks;
mod chrome;
mod console;
pub mod deploy;
mod diff;
mod log;
pub mod outline;
pub mod overlay;
pub mod page;
pub mod record;
pub mod words;

pub use activity::Activity;
pub use deploy::wanted as deploy_rows;
pub use diff::heading as diff_heading;

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::model::*;
use super::{layout, theme, wrap};
use workshop_base::text;

pub fn view(m: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    if m.layout.too_small {
        too_small(frame.buffer_mut(), area);
        return;
    }
    let mut cursor = None;
    let buffer = frame.buffer_mut();
    chrome::header(m, buffer, m.layout.header);
    if let Some(tabs) = m.layout.tabs {
        chrome::tabs(m, buffer, tabs);
    }
    for slot in &m.layout.slots {
        chrome::title(m, buffer, slot);
        let alone = m.layout.slots.len() == 1;
        let body = match slot.panel {
            Panel::Page => slot.body,
            _ if alone && !m.page.card.is_empty() => card_below(m, buffer, slot.body),
            _ => slot.body,
        };
        match slot.panel {
            Panel::Outline => outline::draw(m, buffer, body),
            Panel::Page => page::draw(m, buffer, body),
            Panel::Diff => diff::draw(m, buffer, body),
            Panel::Deploy => deploy::draw(m, buffer, body),
            Panel::Sql => cursor = console::draw(m, buffer, body),
            Panel::Checks => checks::draw(m, buffer, body),
            Panel::Log => cursor = cursor.or(log::draw(m, buffer, body)),
        }
    }
    for x in &m.layout.separators {
        let top = m.layout.header.bottom();
        for y in top..m.layout.status.y {
            buffer[(*x, y)].set_symbol("│").set_style(theme::DIM);
        }
    }
    chrome::status(m, buffer, m.layout.status);
    chrome::footer(m, buffer, m.layout.footer);
    if let Some(over) = overlay::draw(m, buffer, area) {
        cursor = over;
    }
    if m.redact {
        redact_rows(buffer, area);
    }
    m.options.looks.apply(buffer);
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// On a small screen the card of the page stands below whatever panel is shown.
fn card_below(m: &Model, buffer: &mut Buffer, body: Rect) -> Rect {
    let rows = (m.page.card.len() as u16 + 1).min(body.height.saturating_sub(4));
    let at = Rect { y: body.bottom() - rows, height: rows, ..body };
    page::draw_card(m, buffer, at);
    Rect { height: body.height - rows, ..body }
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

/// Text from outside, fit for a terminal, and with identities hidden when that is wished.
pub fn ink<'a>(m: &Model, text: &'a str) -> Cow<'a, str> {
    let clean = text::sanitize(text);
    match m.redact {
        false => clean,
        true => Cow::Owned(text::redact(&clean).into_owned()),
    }
}

/// A row of spans, cut at the width.
fn row(buffer: &mut Buffer, area: Rect, y: u16, line: &Line<'_>) {
    if y < area.bottom() {
        buffer.set_line(area.x, y, line, area.width);
    }
}

/// Lines from a row on, as many as fit.
fn lines(buffer: &mut Buffer, area: Rect, all: &[Line<'_>], top: usize) {
    for (i, line) in all.iter().skip(top).take(area.height.into()).enumerate() {
        row(buffer, area, area.y + i as u16, line);
    }
}

/// How many of so many lines show in a panel of this height: when not all, a row says how many there are besides.
pub fn shown(count: usize, height: usize) -> usize {
    if count > height { height.saturating_sub(1).max(1) } else { height }
}

/// The first line from which all of a text's rest shows.
pub fn last_top(count: usize, height: usize) -> usize {
    count.saturating_sub(shown(count, height))
}

/// Lines from a row on; where they do not all fit, the last row says how many there are beside, and with the keyboard
/// here, which key brings them.
fn lines_counted(buffer: &mut Buffer, area: Rect, all: &[Line<'_>], top: usize, here: bool) {
    let height = usize::from(area.height);
    let top = top.min(last_top(all.len(), height));
    if all.len() <= height || height < 2 {
        return lines(buffer, area, all, top);
    }
    let shown = Rect { height: area.height - 1, ..area };
    lines(buffer, shown, all, top);
    let below = all.len() - top - usize::from(shown.height);
    let key = match below {
        _ if !here => "",
        0 => ": ctrl-u goes back",
        _ => ": ctrl-d reads on",
    };
    let words = format!("{}{key}", words::besides(top, below));
    row(buffer, area, shown.bottom(), &Line::styled(words, theme::DIM));
}

/// Left text and right text on one line of this width; the left one gives way.
pub fn both_ends(left: Vec<Span<'static>>, right: Vec<Span<'static>>, width: usize) -> Line<'static> {
    let right_width: usize = right.iter().map(Span::width).sum();
    let room = width.saturating_sub(right_width + 1);
    let mut spans = fit_spans(left, room);
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(" ".repeat(width.saturating_sub(used + right_width))));
    spans.extend(right);
    Line::from(spans)
}

pub fn fit_spans(spans: Vec<Span<'static>>, width: usize) -> Vec<Span<'static>> {
    let mut out = Vec::new();
    let mut used = 0;
    for span in spans {
        let wide = span.width();
        if used + wide <= width {
            used += wide;
            out.push(span);
            continue;
        }
        let cut = wrap::fit(&span.content, width - used).into_owned();
        out.push(Span::styled(cut, span.style));
        break;
    }
    out
}

fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// The net under [`ink`]: hides what a row still shows as a whole.
fn redact_rows(buffer: &mut Buffer, area: Rect) {
    for y in area.y..area.bottom() {
        let row: String = (area.x..area.right())
            .map(|x| {
                let symbol = buffer[(x, y)].symbol();
                if symbol.len() == 1 { symbol.chars().next().unwrap_or(' ') } else { '\u{fffd}' }
            })
            .collect();
        if let Cow::Owned(hidden) = text::redact(&row) {
            for (x, (before, after)) in (area.x..).zip(row.chars().zip(hidden.chars())) {
                if before != after {
                    buffer[(x, y)].set_char(after);
                }
            }
        }
    }
}

/// A panel's whole text, for the clipboard: what it shows, from its beginning to its end.
pub fn copy_of(m: &Model, panel: Panel) -> String {
    let text = match panel {
        Panel::Outline => outline::text(m),
        Panel::Page => page::source(m),
        Panel::Diff => diff::text(m),
        Panel::Deploy => joined(&deploy::lines(m, 100)),
        Panel::Sql => match m.session() {
            Some(session) => session.back.lines().map(|line| format!("{}\n", line.text)).collect(),
            None => String::new(),
        },
        Panel::Checks => joined(&checks::all_lines(m, 100)),
        Panel::Log => m.log.lines().map(|line| format!("{}\n", line.text)).collect(),
    };
    ink(m, &text).into_owned()
}

fn joined(lines: &[Line<'_>]) -> String {
    lines.iter().map(|line| format!("{}\n", line.to_string().trim_end())).collect()
}
