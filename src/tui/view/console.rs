//! The SQL console: sessions side by side, what they said, and the entry.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::log;
use super::paint::{self, prompt as entry_line, row};
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::present::entry::entry_view;
use crate::tui::present::prompt::{history_match, history_part};
use crate::tui::present::room::{ConsolePlaces, console_margin, console_places, session_places};
use crate::tui::present::spans::{both_ends, display_text, shown, span};
use crate::tui::present::words;
use crate::tui::{theme, wrap};
use workshop_engine::event::{Loss, SqlLine, TxState};

/// Completions shown at once.
const CANDIDATES: usize = 8;

/// Draws sessions and entry, or the lanes; returns the cursor of who types.
pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) -> Option<Position> {
    let ConsolePlaces { body, said, entry: at } = console_places(m, body);
    if m.console.picture != SqlPicture::None && matches!(m.mode, InputMode::Walking) {
        picture(m, buffer, body);
        return None;
    }
    sessions(m, buffer, said);
    if let InputMode::Search { of: Panel::Sql, query } = &m.mode {
        let line = Rect { y: at.bottom() - 1, height: 1, ..at };
        return Some(entry_line(buffer, line, "search: ", query));
    }
    let typing = m.mode == InputMode::Entry;
    if let (true, Some(query)) = (typing, &m.console.history_search) {
        let found = history_match(m);
        let name = if found.is_some() { "history" } else { "not in the history" };
        // Hidden before it is cut: a part of an identity is not known for what it is.
        let found = display_text(m, &found.map_or("", |(_, text)| text).replace('\n', " ")).into_owned();
        let label = format!("({name}) {query}: ");
        let room = usize::from(body.width).saturating_sub(wrap::width(&label) + 2);
        let found = history_part(&found, query, room);
        entry_line(buffer, Rect { y: at.bottom() - 1, height: 1, ..at }, &label, &found);
        return Some(Position::new(at.x + wrap::width(&label) as u16 - 2, at.bottom() - 1));
    }
    let cursor = entry_text(m, buffer, at)?;
    if typing {
        completions(m, buffer, body, at, cursor);
    }
    typing.then_some(cursor)
}

/// Of lanes the head stays, and of the rest the end shows, unless one has scrolled up; a plan is read from its beginning.
fn picture(m: &Model, buffer: &mut Buffer, body: Rect) {
    let margin = 1 - console_margin(m);
    let area = Rect { x: body.x + margin, width: body.width.saturating_sub(margin + 1), ..body };
    let Some((head, rows)) = m.console.picture_rows.split_first() else { return };
    if m.console.picture == SqlPicture::Plan {
        paint::lines_counted(m, buffer, area, &m.console.picture_rows, m.console.picture_off, m.focus == Panel::Sql);
        return;
    }
    row(buffer, area, area.y, head);
    let room = usize::from(area.height.saturating_sub(1));
    let shown = shown(rows.len(), room).min(room);
    let top = rows.len().saturating_sub(shown + m.console.picture_off);
    // A row between says what has no room: it is above as a rule.
    if rows.len() > room {
        let below = rows.len().saturating_sub(top + shown);
        row(buffer, area, area.y + 1, &paint::besides(m, top, below, m.focus == Panel::Sql));
    }
    let below = Rect { y: area.bottom() - shown as u16, height: shown as u16, ..area };
    paint::lines(buffer, below, rows, top);
}

fn sessions(m: &Model, buffer: &mut Buffer, area: Rect) {
    let all = &m.console.sessions;
    if all.is_empty() {
        let text = format!("{} opens the console.", m.key(KeyAction::Console));
        buffer.set_stringn(area.x + 1, area.y + 1, text, area.width.into(), theme::DIM);
        return;
    }
    let titled = all.len() > 1;
    let one = m.console.split == SessionLayout::One;
    if titled && one {
        let labels = all.iter().enumerate().map(|(i, session)| label(m, session, i == m.console.current));
        names(buffer, area, &labels.collect::<Vec<_>>(), m.console.current);
    }
    for (number, at) in session_places(m, area) {
        let session = &all[number];
        if !one {
            row(buffer, at, at.y, &label(m, session, number == m.console.current));
        }
        let skip = u16::from(titled);
        rows(m, buffer, Rect { y: at.y + skip, height: at.height.saturating_sub(skip), ..at }, session);
        if at.x > area.x {
            for y in area.y..area.bottom() {
                buffer.set_stringn(at.x - 1, y, "│", 1, theme::DIM);
            }
        }
    }
}

/// The names of all sessions in a row. That of the one with the keyboard is in view, and a sign stands where others are not.
fn names(buffer: &mut Buffer, area: Rect, labels: &[Line<'_>], current: usize) {
    let wide = |of: &[Line<'_>]| of.iter().map(|label| label.width() + 2).sum::<usize>();
    let room = usize::from(area.width).saturating_sub(2);
    let from = (0..current).find(|from| wide(&labels[*from..=current]) <= room).unwrap_or(current);
    let mut x = area.x + if from > 0 { 2 } else { 0 };
    for label in &labels[from..] {
        x = buffer.set_line(x, area.y, label, area.right().saturating_sub(x)).0 + 2;
    }
    if from > 0 {
        buffer.set_stringn(area.x, area.y, "‹", 1, theme::FOCUS);
    }
    if wide(&labels[from..]) > usize::from(area.width) + if from > 0 { 0 } else { 2 } {
        buffer.set_stringn(area.right() - 1, area.y, "›", 1, theme::FOCUS);
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
    if area.height < 2 {
        return;
    }
    // It has the row to itself: a row that is half covered would say something else.
    let mut corner = |text: String, y: u16| {
        let width = wrap::width(&text).min(area.width.into()) as u16;
        buffer.set_stringn(area.x, y, " ".repeat(area.width.into()), area.width.into(), theme::TEXT);
        let at = Rect { x: area.right() - width, y, width, height: 1 };
        row(buffer, at, y, &Line::styled(text, theme::WAIT));
    };
    // What the step at hand said first would not be missed.
    let above = session.step_from.map_or(0, |line| session.back.above_from(line));
    if above > 0 && m.mode == InputMode::Walking {
        let lines = words::counted(above as usize + 1, "more line");
        // Elsewhere the key scrolls what is there.
        let key = match m.focus == Panel::Sql {
            true => format!(": {}", m.key(KeyAction::PageUp)),
            false => String::new(),
        };
        corner(format!(" ↑ {lines} of this step{key} "), area.y);
    }
    if !session.back.follow {
        corner(format!(" {} below ", words::counted(session.back.below() as usize + 1, "row")), area.bottom() - 1);
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

/// Draws the text being typed; returns where the cursor stands.
fn entry_text(m: &Model, buffer: &mut Buffer, area: Rect) -> Option<Position> {
    m.session()?;
    let entry = entry_view(m, area.width.into());
    paint::lines(buffer, area, &entry.rows, 0);
    let (at_row, column) = entry.cursor;
    Some(Position::new(area.x + (column as u16).min(area.width.saturating_sub(1)), area.y + at_row as u16))
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
    let widest = completion.candidates.iter().map(|c| wrap::width(&c.text)).max().unwrap_or(0);
    let kinds = completion.candidates.iter().map(|c| wrap::width(&c.kind)).max().unwrap_or(0);
    let width = (widest + kinds + 4).max(12).min(body.width.into());
    let x = cursor.x.min(body.right().saturating_sub(width as u16));
    let width = width as u16;
    for (i, candidate) in completion.candidates.iter().enumerate().skip(top).take(shown.into()) {
        let at = Rect { x, y: y + (i - top) as u16, width, height: 1 };
        // Where more follow, the last one says how many there are.
        let more = i + 1 == top + usize::from(shown) && count > usize::from(shown);
        let about = if more { format!("{}/{count}", completion.selected + 1) } else { candidate.kind.clone() };
        let kind = span(format!("{about} "), theme::DIM);
        let name = span(format!(" {}", display_text(m, &candidate.text)), theme::STRONG);
        let line = both_ends(vec![name], vec![kind], usize::from(width));
        let line = if i == completion.selected { line.style(theme::SELECTED) } else { line };
        row(buffer, at, at.y, &line);
    }
}
