//! Where the talk is: what is told of the account and of the standby that follows.

use super::console;
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::present::standby;
use workshop_engine::event::{ACCOUNT_THROTTLED, EventKind, StandbyState};

/// Takes in what is told; `before` is the standby as it was.
pub fn take(m: &mut Model, before: Option<&StandbyState>, kind: &EventKind) {
    let key = m.key(KeyAction::Failover);
    let (text, line, mood) = match kind {
        EventKind::Standby { state } => return came_on(m, before, state),
        EventKind::Switched { onto_standby, behind, .. } => {
            console::forget_past(m);
            m.located_at = None;
            let mood = if behind.is_empty() { Mood::Good } else { Mood::Warn };
            (standby::switched(&m.course, *onto_standby, behind, &key), LogKind::Note, mood)
        }
        EventKind::AccountGone { problem } => {
            (standby::gone(&m.course, &m.progress, problem, &key), LogKind::Bad, Mood::Bad)
        }
        EventKind::AccountThrottled => (ACCOUNT_THROTTLED.to_owned(), LogKind::Note, Mood::Warn),
        EventKind::AccountBack => (standby::back(&m.progress, &key), LogKind::Good, Mood::Good),
        _ => return,
    };
    m.log.push_prose(line, &text);
    m.toast = Some((text, mood));
}

/// Tells in the log when the standby is level, and when it has stopped; what lies between is on the way.
fn came_on(m: &mut Model, before: Option<&StandbyState>, state: &StandbyState) {
    if state.problem.is_some() && before.is_none_or(|before| before.problem != state.problem) {
        let text = standby::how_far(&m.course, state);
        m.log.push_prose(LogKind::Bad, &text);
    } else if state.is_level() && !before.is_some_and(StandbyState::is_level) {
        m.log.push_prose(LogKind::Note, "the local standby is at the same step");
    }
}
