//! The mouse: a click puts the keyboard where it is and selects, the wheel scrolls what is under it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::{console, keys, navigation, panels};
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::present::checks::list_window;
use crate::tui::present::chrome::targets;
use crate::tui::present::room::{console_places, own_body, session_at};

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
            (m.toast, m.count) = (None, None);
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
    let began = || {
        let slot = m.layout.slots.iter().find(|slot| slot.body.contains(marked.from))?;
        // Of sessions that stand side by side each is a place of its own.
        let said = session_under(m, marked.from).map(|(_, place)| place);
        Some(said.unwrap_or(slot.body))
    };
    let Some(body) = marked.within.or_else(began).filter(|body| !body.is_empty()) else { return };
    marked.within = Some(body);
    marked.to = Position::new(at.x.clamp(body.x, body.right() - 1), at.y.clamp(body.y, body.bottom() - 1));
    m.marked = Some(marked);
}

/// Scrolls the panel under the pointer, whichever has the keyboard; over the panels, what lies there.
fn wheel(m: &mut Model, at: Position, does: KeyAction, effects: &mut Vec<Effect>) {
    let under = m.layout.slots.iter().find(|slot| slot.body.contains(at)).map(|slot| slot.panel);
    let session = session_under(m, at).and_then(|(session, _)| m.console.sessions.get_mut(session));
    match (&m.mode, under) {
        (InputMode::Walking | InputMode::Search { .. } | InputMode::Entry, Some(Panel::Sql))
            if let Some(session) = session =>
        {
            let by = NOTCH as i64;
            session.back.scroll(if does == KeyAction::Up { -by } else { by });
        }
        (InputMode::Walking | InputMode::Search { .. } | InputMode::Entry, Some(panel)) => {
            // Whoever types goes on typing.
            let mode = std::mem::replace(&mut m.mode, InputMode::Walking);
            let focus = std::mem::replace(&mut m.focus, panel);
            // In a list the wheel moves the view as little as it can: the selection.
            let notch = if matches!(panel, Panel::Outline | Panel::Checks) { 1 } else { NOTCH };
            (0..notch).for_each(|_| keys::run(m, does, effects));
            (m.mode, m.focus) = (mode, focus);
        }
        (InputMode::Walking | InputMode::Search { .. } | InputMode::Entry, None) => {}
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
    let (body, _) = own_body(m, &slot);
    let had_keyboard = m.focus == slot.panel;
    let session = session_under(m, at);
    if slot.panel != Panel::Sql {
        m.mode = InputMode::Walking;
    }
    panels::show(m, slot.panel, effects);
    // The card below a panel is no part of it.
    if !body.contains(at) {
        return;
    }
    let row = usize::from(at.y - body.y);
    match slot.panel {
        Panel::Outline => {
            let Some(item) = m.outline.rows.get(m.outline.top + row).map(|row| row.item) else { return };
            // The second click on it goes there: the first may have been meant for the panel.
            if m.outline.cursor == item && had_keyboard {
                navigation::go_to_selected(m, effects);
            }
            m.outline.cursor = item;
        }
        Panel::Checks => {
            let window = list_window(&m.checks, body.height.into());
            let row = Some(window.top + row).filter(|_| row < window.shown);
            if let Some(item) = row.and_then(|row| m.checks.list.get(row)).map(|row| row.item) {
                m.checks = ChecksView { cursor: item, chosen: true, ..ChecksView::default() };
            }
        }
        Panel::Sql if is_entry(m, at, body) => keys::run(m, KeyAction::Console, effects),
        Panel::Sql if let Some((session, _)) = session => console::choose(m, session),
        Panel::Page | Panel::Diff | Panel::Deploy | Panel::Sql | Panel::Log | Panel::Load => {}
    }
}

/// Tells whether this is where one types; what is free below it is as good as that.
fn is_entry(m: &Model, at: Position, body: Rect) -> bool {
    !shows_picture(m) && at.y >= console_places(m, body).entry.y
}

/// Returns the session whose words are under the pointer, and its place.
fn session_under(m: &Model, at: Position) -> Option<(usize, Rect)> {
    let slot = m.layout.slot(Panel::Sql).filter(|_| !shows_picture(m))?;
    session_at(m, own_body(m, slot).0, at)
}

fn shows_picture(m: &Model) -> bool {
    m.console.picture != SqlPicture::None && m.mode == InputMode::Walking
}
