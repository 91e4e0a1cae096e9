//! The room that a panel has for its own.

use crate::tui::layout::Slot;
use crate::tui::model::*;

/// Rows for a panel's own: on a small screen the card stands below it.
pub fn body_height(m: &Model, slot: &Slot) -> usize {
    let alone = m.layout.slots.len() == 1 && !m.page.card.is_empty();
    let card = if alone { m.page.card.len() + 1 } else { 0 };
    usize::from(slot.body.height).saturating_sub(card).max(1)
}

/// Columns left free before what the console says: as in every panel, unless it has the screen to itself, as a terminal.
pub fn console_margin(m: &Model) -> u16 {
    u16::from(m.layout.slots.len() > 1)
}
