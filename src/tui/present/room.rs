//! The room that a panel has for its own, and the places within the console.

use ratatui::layout::{Position, Rect};

use super::entry::entry_rows;
use crate::tui::layout::Slot;
use crate::tui::model::*;

/// Rows of a panel's place that the card takes: on a small screen it stands below whatever is shown.
fn card_rows(m: &Model, slot: &Slot) -> u16 {
    let alone = m.layout.slots.len() == 1 && slot.panel != Panel::Page && !m.page.card.is_empty();
    if alone { (m.page.card.len() as u16 + 1).min(slot.body.height.saturating_sub(4)) } else { 0 }
}

/// Returns the place for a panel's own, and that of the card below it.
pub fn own_body(m: &Model, slot: &Slot) -> (Rect, Rect) {
    let (body, rows) = (slot.body, card_rows(m, slot));
    (Rect { height: body.height - rows, ..body }, Rect { y: body.bottom() - rows, height: rows, ..body })
}

/// Rows for a panel's own.
pub fn body_height(m: &Model, slot: &Slot) -> usize {
    usize::from(slot.body.height - card_rows(m, slot)).max(1)
}

/// Columns left free before what the console says: as in every panel, unless it has the screen to itself, as a terminal.
pub fn console_margin(m: &Model) -> u16 {
    u16::from(m.layout.slots.len() > 1)
}

/// The places within the console.
pub struct ConsolePlaces {
    /// All of it but the margin.
    pub body: Rect,
    /// The place of what was said.
    pub said: Rect,
    /// The place where one types.
    pub entry: Rect,
}

/// Returns the places within a console: the entry stands below what was said.
pub fn console_places(m: &Model, body: Rect) -> ConsolePlaces {
    let margin = console_margin(m);
    let body = Rect { x: body.x + margin, width: body.width - margin, ..body };
    let entry = (entry_rows(m, body.width.into()) as u16).min(body.height);
    let most = body.height - entry;
    // A single session's entry follows its last row, as in a terminal.
    let used = match (m.console.split, m.session()) {
        (SessionLayout::One, Some(session)) if m.console.sessions.len() == 1 => {
            (session.back.visible().len() + session.back.notice()) as u16
        }
        _ => most,
    };
    let said = Rect { height: most, ..body };
    ConsolePlaces { body, said, entry: Rect { y: body.y + used.min(most), height: entry, ..body } }
}

/// Returns the sessions that stand in this place, by their number, and where each does: its title and what it said.
pub fn session_places(m: &Model, area: Rect) -> Vec<(usize, Rect)> {
    let all = m.console.sessions.len();
    let shown = m.console.in_view.iter().copied().filter(|at| *at < all);
    match m.console.split {
        SessionLayout::One => std::iter::once((m.console.current, area)).filter(|(at, _)| *at < all).collect(),
        SessionLayout::SideBySide => {
            let wide = (area.width + 1) / (shown.clone().count() as u16).max(1);
            let place = |i| Rect { x: area.x + wide * i, width: wide.saturating_sub(1), ..area };
            shown.zip((0..).map(place)).collect()
        }
        SessionLayout::Stacked => {
            let mut y = area.y;
            let place = |(at, share): (usize, &usize)| {
                let place = Rect { y, height: *share as u16, ..area }.intersection(area);
                y += place.height;
                (at, place)
            };
            shown.zip(&m.console.shares).map(place).collect()
        }
    }
}

/// Returns the session that stands at a position of the console, and its place.
pub fn session_at(m: &Model, body: Rect, at: Position) -> Option<(usize, Rect)> {
    let places = session_places(m, console_places(m, body).said);
    places.into_iter().find(|(_, place)| place.contains(at))
}
