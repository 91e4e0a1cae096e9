//! The panel on the screen that has the keyboard, and the check that is selected in it.

use super::{console, diff};
use crate::tui::model::*;
use crate::tui::present::words;

/// Puts a panel on the screen, with the keyboard in it.
pub fn show(m: &mut Model, panel: Panel, effects: &mut Vec<Effect>) {
    if says_nothing_for(m, panel) {
        return;
    }
    if panel.is_tool() && !(m.layout.shows(panel) && m.layout.slots.len() > 1) {
        m.shown = panel;
    }
    if m.shown == m.companion {
        m.companion = beside(m);
    }
    m.focus = panel;
    if panel == Panel::Diff {
        diff::ask(m, effects);
    }
    if panel == Panel::Sql {
        console::ensure_session(m);
    }
}

/// Says so where a panel has nothing to show, as the course never does what it is for; true then.
pub fn says_nothing_for(m: &mut Model, panel: Panel) -> bool {
    let unused = m.panels().all(|used| used != panel);
    let nothing = words::nothing_for(panel).filter(|_| unused);
    if let Some(nothing) = nothing {
        m.toast = Some((nothing.to_owned(), Mood::Plain));
    }
    nothing.is_some()
}

/// Returns the panel that stands beside the one that is shown.
pub fn beside(m: &Model) -> Panel {
    match m.shown {
        Panel::Log if m.uses.checks => Panel::Checks,
        Panel::Log => Panel::Diff,
        _ => Panel::Log,
    }
}

/// Selects the check of the chapter with this id, if it is there.
pub fn select(m: &mut Model, check: Option<&String>) {
    let at = m.chapter().and_then(|c| c.checks.iter().position(|known| Some(&known.id) == check));
    if let Some(at) = at {
        m.checks = ChecksView { cursor: at, ..ChecksView::default() };
    }
}
