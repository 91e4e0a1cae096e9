//! Everything put to where it was at another time: asked first, for files are put back and what was started is stopped.

use super::{asking, console, navigation};
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use workshop_engine::command::{BringTo, Command};

/// Asks whether everything shall be as the chapter at hand begins.
pub fn here(m: &mut Model, effects: &mut Vec<Effect>) {
    match m.here() {
        Some(here) => ask(m, BringTo::Chapter(here.chapter), None),
        None => asking::send(m, effects, Command::Locate),
    }
}

/// Asks whether the talk shall go on on its standby, or in the account again. What runs in the account is no reason to wait.
pub fn fail_over(m: &mut Model, effects: &mut Vec<Effect>) {
    let to = if m.progress.on_standby { BringTo::Account } else { BringTo::Standby };
    let is_one = m.progress.on_standby || m.progress.standby.is_some();
    match to {
        // The engine says why there is none.
        _ if !is_one => asking::send(m, effects, Command::Bring { to }),
        // Once more: without what the standby lacks.
        BringTo::Standby if m.progress.bringing.as_ref().is_some_and(|state| state.to == to) => {
            asking::send(m, effects, Command::Bring { to });
        }
        BringTo::Standby if m.progress.bringing.is_none() => {
            m.mode = InputMode::Confirm(Confirm { to, undoing: None });
        }
        _ => ask(m, to, None),
    }
}

/// Asks whether everything shall be put there; `undoing` says what is taken back by it, if anything is.
pub fn ask(m: &mut Model, to: BringTo, undoing: Option<String>) {
    if navigation::still_running(m) {
        return keep(m, to, undoing);
    }
    m.mode = InputMode::Confirm(Confirm { to, undoing });
}

/// Does what was asked about.
pub fn confirmed(m: &mut Model, effects: &mut Vec<Effect>) {
    let InputMode::Confirm(Confirm { to, undoing }) = std::mem::replace(&mut m.mode, InputMode::Walking) else {
        return;
    };
    // A step may have begun meanwhile.
    if to != BringTo::Standby && navigation::still_running(m) {
        return keep(m, to, undoing);
    }
    let before = effects.len();
    asking::send(m, effects, Command::Bring { to });
    if let (Some(words), Some(Effect::Send(request))) = (undoing, effects.get(before)) {
        m.retrace.undoing = Some((request.id, words, Command::Bring { to }));
    }
}

/// Tells that everything is where it was to be. A chapter that begins again has no hints that were asked for, and no plan to
/// compare with.
pub fn brought(m: &mut Model, to: BringTo) {
    let text = match to {
        BringTo::Chapter(chapter) => {
            m.hints.retain(|at, _| at.chapter < chapter);
            m.check_hints.retain(|(of, _), _| *of < chapter);
            console::forget_plans(m);
            format!("Everything is as chapter {chapter} begins; {} takes that back", m.key(KeyAction::UndoLast))
        }
        BringTo::Before => "Everything is as it was before".to_owned(),
        // What a move to another place came to was told with it.
        BringTo::Standby | BringTo::Account => return,
    };
    m.toast = Some((text, Mood::Good));
}

/// Leaves everything as it is.
pub fn declined(m: &mut Model) {
    let InputMode::Confirm(Confirm { to, undoing }) = std::mem::replace(&mut m.mode, InputMode::Walking) else {
        return;
    };
    keep(m, to, undoing);
}

/// What was to be taken back can be taken back still.
fn keep(m: &mut Model, to: BringTo, undoing: Option<String>) {
    m.retrace.done.extend(undoing.map(|words| (words, Command::Bring { to })));
}
