//! The text being typed, as rows: coloured by what it is, long lines going on in the next row, the cursor among them.
//!
//! Invariant: what it costs depends on the rows shown, but for the colours of a short text.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::prompt::prompt;
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::theme::Pieces;
use crate::tui::{sql_colours, theme, wrap};
use workshop_base::secret::redact;
use workshop_base::text::masked;
use workshop_engine::event::TxState;

/// Rows of the entry at most.
pub const ENTRY_ROWS: usize = 8;
/// A longer line is not wrapped: what shows of it is cut out around the cursor, with a mark at each end.
const WRAPPED: usize = 4_000;
/// A longer text has no colours.
const COLOURED: usize = 32 * 1024;

/// The entry as it is drawn.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EntryView {
    pub rows: Vec<Line<'static>>,
    /// The cursor's row among them, and its column.
    pub cursor: (usize, usize),
}

/// Lays the entry of the session in view out for so many columns: at most [`ENTRY_ROWS`] rows around the cursor.
pub fn entry_view(m: &Model, width: usize) -> EntryView {
    let Some(session) = m.session() else { return EntryView::default() };
    let editor = &session.editor;
    // Who sees a prompt types at it. Where keys walk through the course, there is none.
    if m.mode != InputMode::Entry && editor.is_blank() {
        let open = match m.progress.sessions.get(&session.name).map(|state| state.tx) {
            Some(TxState::Open) => " · a transaction is open",
            Some(TxState::Failed) => " · a transaction has failed, ROLLBACK ends it",
            Some(TxState::Idle | TxState::Unknown) | None => "",
        };
        let words = Line::from(vec![
            Span::styled(m.key(KeyAction::Console), theme::KEY),
            Span::styled(" types SQL here", theme::DIM),
            Span::styled(open, theme::WAIT),
        ]);
        return EntryView { rows: vec![words], cursor: (0, 0) };
    }
    let colours = colours(editor.lines());
    let layout = |number: usize| layout(m, session, number, width, colours.as_deref());
    let (mut rows, (mut cursor_row, column)) = layout(editor.row());
    let (mut first, mut last) = (editor.row(), editor.row());
    // The lines above have the room first: what was just typed is read on.
    for above in (0..editor.row()).rev() {
        if rows.len() >= ENTRY_ROWS {
            break;
        }
        first = above;
        let (mut earlier, _) = layout(above);
        cursor_row += earlier.len();
        earlier.append(&mut rows);
        rows = earlier;
    }
    for below in editor.row() + 1..editor.lines().len() {
        if rows.len() >= ENTRY_ROWS {
            break;
        }
        last = below;
        rows.append(&mut layout(below).0);
    }
    let (mut is_more_above, mut is_more_below) = (first > 0, last + 1 < editor.lines().len());
    if rows.len() > ENTRY_ROWS {
        let top = (cursor_row + 1).saturating_sub(ENTRY_ROWS);
        is_more_above |= top > 0;
        is_more_below |= rows.len() > top + ENTRY_ROWS;
        rows.drain(..top);
        rows.truncate(ENTRY_ROWS);
        cursor_row -= top;
    }
    mark(rows.first_mut().filter(|_| is_more_above), "↑ more");
    mark(rows.last_mut().filter(|_| is_more_below), "↓ more");
    EntryView { rows, cursor: (cursor_row, column) }
}

/// Says in the place of a row's prompt that more of the text is above it, or below.
fn mark(row: Option<&mut Line<'static>>, says: &str) {
    if let Some(prompt) = row.and_then(|row| row.spans.first_mut()) {
        let width = wrap::width(&prompt.content);
        let says = wrap::fit(says, width);
        let blank = " ".repeat(width.saturating_sub(wrap::width(&says)));
        *prompt = Span::styled(format!("{says}{blank}"), theme::DIM);
    }
}

/// Counts the rows that the entry takes, with the line of a search.
pub fn entry_rows(m: &Model, width: usize) -> usize {
    let searching = matches!(&m.mode, InputMode::Search { of: Panel::Sql, .. });
    entry_view(m, width).rows.len().max(1) + usize::from(searching)
}

/// Lays one line out; returns its rows, and where the cursor would stand in them.
fn layout(
    m: &Model,
    session: &ConsoleSession,
    number: usize,
    width: usize,
    colours: Option<&[Vec<Piece>]>,
) -> (Vec<Line<'static>>, (usize, usize)) {
    let editor = &session.editor;
    let line = &editor.lines()[number];
    let at = if number == editor.row() { editor.at() } else { 0 };
    let prompt = prompt(m, &session.name, number == 0);
    let indent = wrap::width(&prompt).min(width.saturating_sub(8));
    let room = width.saturating_sub(indent).max(8);
    let head = |first: bool| match first {
        true => Span::styled(wrap::fit(&prompt, indent).into_owned(), prompt_style(m, session)),
        false => Span::raw(" ".repeat(indent)),
    };
    if line.len() > WRAPPED {
        let (text, column) = window(line, at, room, m.hides());
        return (vec![Line::from(vec![head(true), Span::styled(text, theme::TEXT)])], (0, indent + column));
    }
    let shown = |text: &str| {
        let text = masked(text);
        wrap::expand_tabs(&text).into_owned()
    };
    let whole = shown(line);
    let mut cursor = shown(&line[..at]).len();
    // Of a line with something hidden in it the colours would no longer fit.
    let (whole, pieces) = match m.hides().then(|| redact(&whole).into_owned()).filter(|hidden| *hidden != whole) {
        Some(hidden) => {
            let characters = whole[..cursor].chars().count();
            cursor = hidden.char_indices().nth(characters).map_or(hidden.len(), |(at, _)| at);
            (hidden, None)
        }
        // Tabs and masks move what stands behind them.
        None => (whole.clone(), colours.and_then(|lines| lines.get(number)).filter(|_| whole == *line)),
    };
    let mut ranges = wrap::hard(&whole, room);
    let last = ranges.last().cloned().unwrap_or(0..0);
    if cursor == whole.len() && wrap::width(&whole[last]) >= room {
        // Behind a full row the cursor needs one of its own.
        ranges.push(whole.len()..whole.len());
    }
    let place = ranges.iter().rposition(|range| range.start <= cursor).unwrap_or(0);
    let column = indent + wrap::width(&whole[ranges[place].start..cursor]);
    let rows = ranges.iter().enumerate().map(|(i, range)| {
        let mut spans = vec![head(i == 0)];
        spans.extend(styled(&whole, range.clone(), pieces.map(Vec::as_slice).unwrap_or_default()));
        Line::from(spans)
    });
    (rows.collect(), (place, column))
}

fn prompt_style(m: &Model, session: &ConsoleSession) -> Style {
    let state = m.progress.sessions.get(&session.name).map_or(TxState::Idle, |state| state.tx);
    match state {
        _ if m.mode != InputMode::Entry => theme::DIM,
        TxState::Idle => theme::STRONG,
        TxState::Open => theme::WAIT,
        TxState::Failed | TxState::Unknown => theme::BAD,
    }
}

/// A part of a line with a colour of its own.
type Piece = (Range<usize>, Style);

/// Returns a part of a line as spans.
fn styled(line: &str, range: Range<usize>, pieces: &[Piece]) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut at = range.start;
    for (piece, style) in pieces.iter().filter(|(piece, _)| piece.start < range.end && piece.end > range.start) {
        let piece = piece.start.max(range.start)..piece.end.min(range.end);
        if piece.start > at {
            spans.push(Span::styled(line[at..piece.start].to_owned(), theme::TEXT));
        }
        spans.push(Span::styled(line[piece.clone()].to_owned(), *style));
        at = piece.end;
    }
    if at < range.end {
        spans.push(Span::styled(line[at..range.end].to_owned(), theme::TEXT));
    }
    spans
}

/// Returns the colours of the text being typed, line by line; None for one that is too long for them.
fn colours(lines: &[String]) -> Option<Vec<Pieces>> {
    let size: usize = lines.iter().map(|line| line.len() + 1).sum();
    (size <= COLOURED).then(|| sql_colours::paint(&lines.join("\n")))
}

/// Returns the part of a long line around the cursor, with a mark where it is cut, and the cursor's column in it; `hides`:
/// without identities. Costs what it shows, not what the line holds.
fn window(line: &str, at: usize, room: usize, hides: bool) -> (String, usize) {
    // What a terminal would obey, or show nothing of, shows as one character each.
    let near = room * 4;
    let first = line[..at].char_indices().rev().take(near).last().map_or(at, |(i, _)| i);
    let last = line[at..].char_indices().nth(near).map_or(line.len(), |(i, _)| at + i);
    let (before, after) = (masked(&line[first..at]), masked(&line[at..last]));
    let (mut before, mut after) = (wrap::expand_tabs(&before), wrap::expand_tabs(&after));
    if hides {
        // Before anything is cut, also at the cursor: a part of an identity is not known for what it is.
        let hidden = redact(&format!("{before}{after}")).into_owned();
        let cut = hidden.char_indices().nth(before.chars().count()).map_or(hidden.len(), |(at, _)| at);
        (before, after) = (hidden[..cut].to_owned().into(), hidden[cut..].to_owned().into());
    }
    // A column for each mark, and one for the cursor.
    let room = room.saturating_sub(3);
    let shown = wrap::width(&before).min(room * 3 / 4);
    let start = wrap::slice(&before, wrap::width(&before) - shown, shown);
    let left = if start.len() < before.len() || first > 0 { "‹" } else { "" };
    let end = wrap::slice(&after, 0, room - shown.min(room));
    let right = if end.len() < after.len() || last < line.len() { "›" } else { "" };
    (format!("{left}{start}{end}{right}"), wrap::width(left) + wrap::width(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_shows_around_the_cursor_with_marks() {
        let line: String = ('a'..='z').cycle().take(5_000).collect();
        let (text, column) = window(&line, 2_600, 20, false);
        assert!(text.starts_with('‹') && text.ends_with('›'), "{text}");
        assert_eq!(wrap::width(&text), 19);
        let cut = text.char_indices().nth(column).unwrap().0;
        assert!(line[..2_600].ends_with(text[..cut].trim_start_matches('‹')), "{text} {column}");
        assert_eq!(window(&line, 0, 20, false).1, 0);
    }

    #[test]
    fn an_identity_at_the_edge_of_a_long_line_is_hidden_as_a_whole() {
        let line = format!("{}'arn:aws:iam::123456789012:role/Mine'{}", "x".repeat(3_000), "y".repeat(3_000));
        for at in 2_990..3_060 {
            let (text, _) = window(&line, at, 20, true);
            assert!(!text.chars().any(|c| c.is_ascii_digit()) && !text.contains("Min"), "{at}: {text}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_has_no_colours() {
        assert_eq!(colours(&["select".to_owned()]).unwrap(), [[(0..6, theme::CODE_KEYWORD)]]);
        assert!(colours(&["x".repeat(COLOURED)]).is_none());
    }

    #[test]
    fn a_row_is_cut_out_of_what_is_coloured() {
        let pieces = [(2..5, theme::CODE_STRING)];
        let spans = styled("ab'c'd", 1..4, &pieces);
        let texts: Vec<&str> = spans.iter().map(|span| &*span.content).collect();
        assert_eq!(texts, ["b", "'c"]);
    }
}
