//! The mouse: a click puts the keyboard where it is and selects, the wheel scrolls what is under it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::{keys, navigation, panels};
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::present::checks::list_window;
use crate::tui::present::chrome::targets;

/// Rows that a notch of the wheel is worth.
const NOTCH: usize = 3;

/// Takes in what the mouse did. Nothing that asks for an answer is answered by a click.
pub fn take(m: &mut Model, mouse: MouseEvent, effects: &mut Vec<Effect>) {
    let at = Position::new(mouse.column, mouse.row);
    match mouse.kind {
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            let does = if mouse.kind == MouseEventKind::ScrollUp { KeyAction::Up } else { KeyAction::Down };
            wheel(m, at, does, effects);
        }
        MouseEventKind::Down(MouseButton::Left) if matches!(m.mode, InputMode::Walking | InputMode::Entry) => {
            m.toast = None;
            click(m, at, effects);
            m.marked = Some(MarkedText { within: None, from: at, to: at });
        }
        MouseEventKind::Drag(MouseButton::Left) => mark(m, at),
        MouseEventKind::Up(MouseButton::Left) => {
            if let Some(marked) = m.marked.take().filter(|marked| marked.within.is_some()) {
                effects.push(Effect::CopyMarked(marked));
                m.toast = Some(("Copied what was marked".to_owned(), Mood::Good));
            }
        }
        MouseEventKind::Down(_)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => {}
    }
}

/// Marks text up to the pointer, or as near to it as the panel goes in which the button went down.
fn mark(m: &mut Model, at: Position) {
    let Some(mut marked) = m.marked.take() else { return };
    let began = || m.layout.slots.iter().find(|slot| slot.body.contains(marked.from)).map(|slot| slot.body);
    let Some(body) = marked.within.or_else(began).filter(|body| !body.is_empty()) else { return };
    marked.within = Some(body);
    marked.to = Position::new(at.x.clamp(body.x, body.right() - 1), at.y.clamp(body.y, body.bottom() - 1));
    m.marked = Some(marked);
}

/// Scrolls the panel under the pointer, whichever has the keyboard; over the panels, what lies there.
fn wheel(m: &mut Model, at: Position, does: KeyAction, effects: &mut Vec<Effect>) {
    let under = m.layout.slots.iter().find(|slot| slot.body.contains(at)).map(|slot| slot.panel);
    let focus = m.focus;
    match (&m.mode, under) {
        (InputMode::Walking | InputMode::Search { .. }, Some(panel)) => {
            m.focus = panel;
            // In a list the wheel moves the view as little as it can: the selection.
            let notch = if matches!(panel, Panel::Outline | Panel::Checks) { 1 } else { NOTCH };
            (0..notch).for_each(|_| keys::run(m, does, effects));
            m.focus = focus;
        }
        (InputMode::Entry, _) => {
            let does = if does == KeyAction::Up { KeyAction::PageUp } else { KeyAction::PageDown };
            keys::run(m, does, effects);
        }
        (InputMode::Walking | InputMode::Search { .. }, None) => {}
        _ => (0..NOTCH).for_each(|_| keys::run(m, does, effects)),
    }
}

fn click(m: &mut Model, at: Position, effects: &mut Vec<Effect>) {
    if let Some((_, panel)) = targets(m).into_iter().find(|(place, _)| place.contains(at)) {
        m.mode = InputMode::Walking;
        panels::show(m, panel, effects);
        return;
    }
    let Some(slot) = m.layout.slots.iter().find(|slot| slot.body.contains(at)).copied() else { return };
    if slot.panel != Panel::Sql {
        m.mode = InputMode::Walking;
    }
    panels::show(m, slot.panel, effects);
    let row = usize::from(at.y - slot.body.y);
    match slot.panel {
        Panel::Outline => {
            let Some(item) = m.outline.rows.get(m.outline.top + row).map(|row| row.item) else { return };
            // The second click on it goes there.
            if m.outline.cursor == item {
                navigation::go_to_selected(m, effects);
            }
            m.outline.cursor = item;
        }
        Panel::Checks => {
            let window = list_window(&m.checks, slot.body.height.into());
            let row = Some(window.top + row).filter(|_| row < window.shown);
            if let Some(item) = row.and_then(|row| m.checks.list.get(row)).map(|row| row.item) {
                m.checks = ChecksView { cursor: item, chosen: true, ..ChecksView::default() };
            }
        }
        Panel::Sql if is_entry(m, at, slot.body) => keys::run(m, KeyAction::Console, effects),
        Panel::Page | Panel::Diff | Panel::Deploy | Panel::Sql | Panel::Log | Panel::Load => {}
    }
}

/// The last rows of the console are where one types.
fn is_entry(m: &Model, at: Position, body: Rect) -> bool {
    m.console.picture == SqlPicture::None && at.y + 3 >= body.bottom()
}
