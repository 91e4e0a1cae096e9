//! Going back over what was done: the last action taken back, and jumps between the places that one came from.
//!
//! Invariant: only what has its own way back is taken back by the engine's own commands; SQL, deploys and invocations are not.

use super::asking::send;
use super::bringing;
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use workshop_engine::command::{Command, CommandKind};
use workshop_engine::event::{EventKind, Position, RequestOutcome, StepRef};

/// Actions that can be taken back, and jumps, kept.
const KEPT: usize = 50;

/// Takes in the end of a request: what was carried out can be taken back now.
pub fn answered(m: &mut Model, kind: &EventKind) {
    match kind {
        EventKind::Done { id, outcome, command } => {
            if *command == CommandKind::GoTo {
                m.retrace.jump = None;
            }
            let way = m.retrace.asked.remove(id);
            let good = match outcome {
                RequestOutcome::Complete => true,
                RequestOutcome::Verdict(verdict) => verdict.is_good(),
                RequestOutcome::Detached | RequestOutcome::Failed(_) => false,
            };
            match (m.retrace.undoing.take_if(|undoing| undoing.0 == *id), way) {
                (Some((_, words, _)), _) if good => m.add_toast(words, Mood::Good),
                (Some((_, words, command)), _) => m.retrace.done.push((words, command)),
                (None, Some(way)) if good => {
                    m.retrace.done.push(way);
                    let gone = m.retrace.done.len().saturating_sub(KEPT);
                    m.retrace.done.drain(..gone);
                }
                (None, _) => {}
            }
        }
        EventKind::Refused { id, command, .. } => {
            m.retrace.asked.remove(id);
            if *command == CommandKind::GoTo {
                m.retrace.jump = None;
            }
            // What was not taken back can be taken back still: the same key may be the answer to the refusal.
            if let Some((_, words, command)) = m.retrace.undoing.take_if(|undoing| undoing.0 == *id) {
                m.retrace.done.push((words, command));
            }
        }
        _ => {}
    }
}

/// Takes the last action back.
pub fn undo(m: &mut Model, effects: &mut Vec<Effect>) {
    let before = m.retrace.done.len();
    let stays = m.retrace.stays.take_if(|(since, _)| *since == before);
    if m.retrace.done.is_empty() {
        let text = "Nothing to take back: SQL, deploys and invocations stay as they are".to_owned();
        m.toast = Some((text, Mood::Plain));
        return;
    }
    if let Some((_, what)) = stays {
        let key = m.key(KeyAction::UndoLast);
        let text = format!("{what} cannot be taken back; {key} once more takes back what was before it");
        m.toast = Some((text, Mood::Plain));
        return;
    }
    let Some((words, command)) = m.retrace.done.pop() else { return };
    if let Command::Bring { to } = command {
        return bringing::ask(m, to, Some(words));
    }
    let before = effects.len();
    send(m, effects, command.clone());
    match effects.get(before) {
        Some(Effect::Send(request)) => m.retrace.undoing = Some((request.id, words, command)),
        _ => m.retrace.done.push((words, command)),
    }
}

/// Takes in a move: a leap is remembered as a place to come back to.
pub fn moved(m: &mut Model, from: Option<Position>, to: &Position) {
    let Some(from) = from.filter(|from| from != to) else { return };
    let at = StepRef { chapter: from.chapter, step: from.step.clone() };
    let there = StepRef { chapter: to.chapter, step: to.step.clone() };
    match m.retrace.jump.take() {
        Some(JumpKind::Back) => {
            m.retrace.back.pop();
            m.retrace.forward.push(at);
        }
        Some(JumpKind::Forward) => {
            m.retrace.forward.pop();
            m.retrace.back.push(at);
        }
        None if m.progress.bringing.is_some() || beside(m, &at, &there) => {}
        None => {
            m.retrace.back.push(at);
            m.retrace.forward.clear();
            let gone = m.retrace.back.len().saturating_sub(KEPT);
            m.retrace.back.drain(..gone);
        }
    }
}

fn beside(m: &Model, one: &StepRef, other: &StepRef) -> bool {
    let next = |at: &StepRef| next_step(&m.course, at).map(|(chapter, step)| (chapter.number, step.id.clone()));
    next(one) == Some((other.chapter, other.step.clone())) || next(other) == Some((one.chapter, one.step.clone()))
}

/// Goes to where the last leap began, or forward again.
pub fn jump(m: &mut Model, kind: JumpKind, effects: &mut Vec<Effect>) {
    let here = m.here();
    let places = if kind == JumpKind::Back { &mut m.retrace.back } else { &mut m.retrace.forward };
    // Where one has come back to step by step, no leap leads.
    while here.is_some() && places.last() == here.as_ref() {
        places.pop();
    }
    let Some(StepRef { chapter, step }) = places.last().cloned() else {
        let word = if kind == JumpKind::Back { "No leap to go back over" } else { "No leap to go forward over" };
        m.toast = Some((word.to_owned(), Mood::Plain));
        return;
    };
    m.retrace.jump = Some(kind);
    send(m, effects, Command::GoTo { chapter, step: Some(step) });
}
