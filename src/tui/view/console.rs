//! The SQL console: sessions side by side, what they said, and the entry.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::log;
use super::paint::{self, prompt as entry_line, row};
use crate::tui::model::*;
use crate::tui::present::prompt::{ENTRY_ROWS, entry_rows, history_match, prompt};
use crate::tui::present::spans::{display_text, span};
use crate::tui::{theme, wrap};
use workshop_engine::event::{Loss, SqlLine, TxState};

/// Completions shown at once.
const CANDIDATES: usize = 8;

/// Draws sessions and entry, or the lanes; returns the cursor of who types.
pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) -> Option<Position> {
    if m.console.lanes && matches!(m.mode, InputMode::Walking) {
        return lanes(m, buffer, body);
    }
    let entry = (entry_rows(m) as u16).min(body.height);
    let most = body.height - entry;
    // A single session's entry follows its last row, as in a terminal.
    let used = match (m.console.split, m.session()) {
        (SessionLayout::One, Some(session)) if m.console.sessions.len() == 1 => {
            (session.back.visible().len() + session.back.notice()) as u16
        }
        _ => most,
    };
    let above = Rect { height: most, ..body };
    sessions(m, buffer, above);
    let at = Rect { y: above.y + used.min(most), height: entry, ..body };
    if let InputMode::Search { of: Panel::Sql, query } = &m.mode {
        let line = Rect { y: at.bottom() - 1, height: 1, ..at };
        return Some(entry_line(buffer, line, "search: ", query));
    }
    let typing = m.mode == InputMode::Entry;
    if let (true, Some(query)) = (typing, &m.console.history_search) {
        let found = history_match(m).map_or("", |(_, text)| text).replace('\n', " ");
        let label = format!("(history) {query}: ");
        entry_line(buffer, Rect { y: at.bottom() - 1, height: 1, ..at }, &label, &display_text(m, &found));
        return Some(Position::new(at.x + wrap::width(&label) as u16 - 2, at.bottom() - 1));
    }
    let cursor = entry_text(m, buffer, at)?;
    if typing {
        completions(m, buffer, body, at, cursor);
    }
    typing.then_some(cursor)
}

/// The head stays; of the rest the end shows, unless one has scrolled up.
fn lanes(m: &Model, buffer: &mut Buffer, body: Rect) -> Option<Position> {
    let area = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let (head, rows) = m.console.lane_rows.split_first()?;
    row(buffer, area, area.y, head);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let top = rows.len().saturating_sub(usize::from(below.height) + m.console.lanes_up);
    paint::lines(buffer, below, rows, top);
    None
}

fn tx(m: &Model, session: &ConsoleSession) -> TxState {
    m.progress.sessions.get(&session.name).map_or(TxState::Idle, |s| s.tx)
}

fn sessions(m: &Model, buffer: &mut Buffer, area: Rect) {
    let all = &m.console.sessions;
    if all.is_empty() {
        buffer.set_stringn(area.x + 1, area.y + 1, "enter opens the console.", area.width.into(), theme::DIM);
        return;
    }
    let count = all.len() as u16;
    match m.console.split {
        SessionLayout::One => {
            let titled = count > 1;
            if titled {
                let mut x = area.x;
                for (i, session) in all.iter().enumerate() {
                    let here = i == m.console.current;
                    let label = label(m, session, here);
                    let room = area.right().saturating_sub(x);
                    x = buffer.set_line(x, area.y, &label, room).0 + 2;
                }
            }
            if let Some(session) = m.session() {
                let skip = u16::from(titled);
                rows(m, buffer, Rect { y: area.y + skip, height: area.height.saturating_sub(skip), ..area }, session);
            }
        }
        SessionLayout::SideBySide => {
            let wide = (area.width + 1) / count;
            for (i, session) in all.iter().enumerate() {
                let at = Rect { x: area.x + wide * i as u16, width: wide - 1, ..area };
                row(buffer, at, at.y, &label(m, session, i == m.console.current));
                rows(m, buffer, Rect { y: at.y + 1, height: at.height.saturating_sub(1), ..at }, session);
                if i > 0 {
                    for y in area.y..area.bottom() {
                        buffer.set_stringn(at.x - 1, y, "│", 1, theme::DIM);
                    }
                }
            }
        }
        SessionLayout::Stacked => {
            let high = area.height / count;
            for (i, session) in all.iter().enumerate() {
                let at = Rect { y: area.y + high * i as u16, height: high, ..area };
                row(buffer, at, at.y, &label(m, session, i == m.console.current));
                rows(m, buffer, Rect { y: at.y + 1, height: at.height.saturating_sub(1), ..at }, session);
            }
        }
    }
}

/// A session's name, its role and the state of its transaction.
fn label(m: &Model, session: &ConsoleSession, current: bool) -> Line<'static> {
    let state = m.progress.sessions.get(&session.name);
    let pointer = if current { "▸ " } else { "  " };
    let name = if current { theme::FOCUS } else { theme::STRONG };
    let mut spans = vec![span(pointer, theme::FOCUS), span(display_text(m, &session.name).into_owned(), name)];
    if let Some(state) = state {
        spans.push(span(format!(" {}", display_text(m, &state.role)), theme::DIM));
        let (word, style) = match (state.open, state.tx) {
            (false, TxState::Unknown) => match state.lost {
                Some((_, Loss::Outcome)) => (" commit unknown", theme::BAD),
                _ => (" transaction lost", theme::BAD),
            },
            (false, _) => (" closed", theme::DIM),
            (true, TxState::Idle) => ("", theme::DIM),
            (true, TxState::Open) => (" in a transaction", theme::WAIT),
            (true, TxState::Failed) => (" transaction failed", theme::BAD),
            (true, TxState::Unknown) => (" transaction unknown", theme::WARN),
        };
        spans.push(span(word, style));
        if let (TxState::Idle, Some(error)) = (state.tx, &state.last_error) {
            spans.push(span(format!(" ✗ {}", display_text(m, &error.sqlstate)), theme::BAD));
        }
        if state.running.is_some() {
            spans.push(span(format!(" {}", theme::spinner(m.now)), theme::WAIT));
        }
    }
    Line::from(spans)
}

fn rows(m: &Model, buffer: &mut Buffer, area: Rect, session: &ConsoleSession) {
    let area = log::gave_up(buffer, area, &session.back, "\\o FILE keeps all");
    log::draw_rows(m, buffer, area, &session.back, style);
    if !session.back.follow && area.height > 1 {
        let text = format!(" {} rows below ", session.back.below());
        let width = wrap::width(&text).min(area.width.into()) as u16;
        let at = Rect { x: area.right() - width, y: area.bottom() - 1, width, height: 1 };
        row(buffer, at, at.y, &Line::styled(text, theme::WAIT));
    }
}

fn style(kind: &SqlLine) -> Style {
    match kind {
        SqlLine::Echo => theme::STRONG,
        SqlLine::Header => theme::HEADING,
        SqlLine::Row => theme::TEXT,
        SqlLine::Footer | SqlLine::Status => theme::DIM,
        SqlLine::Notice => theme::WARN,
        SqlLine::Error => theme::BAD,
        SqlLine::Hint => theme::WAIT,
    }
}

/// The text being typed, its lines around the cursor; returns where the cursor stands.
fn entry_text(m: &Model, buffer: &mut Buffer, area: Rect) -> Option<Position> {
    let session = m.session()?;
    let state = tx(m, session);
    let editor = &session.editor;
    let shown = usize::from(area.height).min(ENTRY_ROWS);
    let top = (editor.row() + 1).saturating_sub(shown);
    let mut cursor = Position::new(area.x, area.y);
    let typing = m.mode == InputMode::Entry;
    for (i, line) in editor.lines().iter().enumerate().skip(top).take(shown) {
        let y = area.y + (i - top) as u16;
        let prompt = prompt(state, i == 0);
        let prompt_style = match state {
            _ if !typing => theme::DIM,
            TxState::Idle => theme::STRONG,
            TxState::Open => theme::WAIT,
            TxState::Failed | TxState::Unknown => theme::BAD,
        };
        let x = buffer.set_stringn(area.x, y, prompt, area.width.into(), prompt_style).0;
        let room = usize::from(area.right().saturating_sub(x)).max(2);
        let here = i == editor.row();
        let at = if here { editor.at() } else { 0 };
        let (line, at) = hidden(m, line, at);
        let (text, column) = window(&line, at, room - 1);
        let text = wrap::expand_tabs(&text).into_owned();
        buffer.set_stringn(x, y, display_text(m, &text), room, theme::TEXT);
        if here {
            cursor = Position::new(x + column as u16, y);
        }
    }
    Some(cursor)
}

/// A line whose identities are hidden, with the cursor at the same character. A line that is too long to
/// look through is hidden in what shows of it alone.
fn hidden<'a>(m: &Model, line: &'a str, at: usize) -> (Cow<'a, str>, usize) {
    if !m.hides() || line.len() > 10_000 {
        return (line.into(), at);
    }
    match workshop_base::text::redact(line) {
        Cow::Borrowed(_) => (line.into(), at),
        Cow::Owned(hidden) => {
            let characters = line[..at].chars().count();
            let at = hidden.char_indices().nth(characters).map_or(hidden.len(), |(at, _)| at);
            (hidden.into(), at)
        }
    }
}

/// The part of a line around the cursor as it is shown, and the cursor's column in it. Costs what it shows, not
/// what the line holds.
fn window(line: &str, at: usize, room: usize) -> (String, usize) {
    // What a terminal would obey, or show nothing of, shows as one character each.
    let near = room * 4;
    let first = line[..at].char_indices().rev().take(near).last().map_or(at, |(i, _)| i);
    let last = line[at..].char_indices().nth(near).map_or(line.len(), |(i, _)| at + i);
    let (before, after) = (workshop_base::text::masked(&line[first..at]), workshop_base::text::masked(&line[at..last]));
    let wide = |text: &str, width: usize| if text == "\t" { wrap::TAB } else { width };
    let mut start = before.len();
    let mut used = 0;
    for (i, grapheme, width) in workshop_base::text::graphemes(&before).rev() {
        if used + wide(grapheme, width) > room {
            break;
        }
        used += wide(grapheme, width);
        start = i;
    }
    let mut end = 0;
    for (i, grapheme, width) in workshop_base::text::graphemes(&after) {
        if used + wide(grapheme, width) > room {
            break;
        }
        used += wide(grapheme, width);
        end = i + grapheme.len();
    }
    // A tab's width depends on its column: count again in the text as it is shown.
    let column = wrap::width(&wrap::expand_tabs(&before[start..]));
    (format!("{}{}", &before[start..], &after[..end]), column.min(room))
}

/// The list of completions: below the entry where there is room, else above it.
fn completions(m: &Model, buffer: &mut Buffer, body: Rect, entry: Rect, cursor: Position) {
    let Some(completion) = &m.console.completion else { return };
    let count = completion.candidates.len();
    if count == 0 {
        return;
    }
    let wanted = count.min(CANDIDATES) as u16;
    let (above, below) = (entry.y - body.y, body.bottom() - entry.bottom());
    let (y, shown) = if below >= wanted || below >= above {
        (entry.bottom(), wanted.min(below))
    } else {
        (entry.y - wanted.min(above), wanted.min(above))
    };
    let top = (completion.selected + 1).saturating_sub(shown.into());
    let widest = completion.candidates.iter().map(|c| wrap::width(c)).max().unwrap_or(0);
    let width = (widest as u16 + 2).max(12).min(body.width);
    let x = cursor.x.min(body.right().saturating_sub(width));
    for (i, candidate) in completion.candidates.iter().enumerate().skip(top).take(shown.into()) {
        let at = Rect { x, y: y + (i - top) as u16, width, height: 1 };
        let text =
            format!(" {:<wide$}", wrap::fit(&display_text(m, candidate), widest + 1), wide = usize::from(width) - 1);
        let style = if i == completion.selected { theme::SELECTED } else { theme::STRONG };
        row(buffer, at, at.y, &Line::styled(text, style));
        if i + 1 == top + usize::from(shown) && count > usize::from(shown) {
            let more = format!("{}/{count} ", completion.selected + 1);
            let wide = wrap::width(&more) as u16;
            let corner = Rect { x: at.right().saturating_sub(wide).max(x), width: wide, ..at };
            row(buffer, corner, at.y, &Line::styled(more, theme::DIM));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stands_where_the_text_before_it_ends() {
        let cases = [
            ("select 1", 6, "select 1", 6),
            ("a\u{202e}b\u{200b}c", "a\u{202e}b\u{200b}".len(), "a\u{fffd}b\u{fffd}c", 4),
            ("日本x", "日本".len(), "日本x", 4),
            ("e\u{301}x", "e\u{301}".len(), "e\u{301}x", 1),
            ("👍🏽x", "👍🏽".len(), "👍🏽x", 2),
            ("\tx", 1, "\tx", 4),
        ];
        for (line, at, shown, column) in cases {
            assert_eq!(window(line, at, 20), (shown.to_owned(), column), "{line:?}");
        }
        let long = "x".repeat(1000);
        assert_eq!(window(&long, 500, 10), ("x".repeat(10), 10));
    }
}
