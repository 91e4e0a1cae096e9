//! The panel on the screen that has the keyboard, and the check that is selected in it.

use super::{console, diff};
use crate::tui::model::*;

/// Puts a panel on the screen, with the keyboard in it.
pub fn show(m: &mut Model, panel: Panel, effects: &mut Vec<Effect>) {
    if panel.is_tool() && !(m.layout.shows(panel) && m.layout.slots.len() > 1) {
        m.shown = panel;
    }
    if m.shown == m.companion {
        m.companion = if m.shown == Panel::Log { Panel::Checks } else { Panel::Log };
    }
    m.focus = panel;
    if panel == Panel::Diff {
        diff::ask(m, effects);
    }
    if panel == Panel::Sql {
        console::ensure_session(m);
    }
}

/// Selects the check of the chapter with this id, if it is there.
pub fn select(m: &mut Model, check: Option<&String>) {
    let at = m.chapter().and_then(|c| c.checks.iter().position(|known| Some(&known.id) == check));
    if let Some(at) = at {
        m.checks = ChecksView { cursor: at, ..ChecksView::default() };
    }
}
