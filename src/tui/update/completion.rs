//! Completions of the word at the cursor: asked for, chosen, taken.

use super::console::current;
use crate::tui::model::*;
use workshop_engine::command::Command;

/// Selects the next completion, or asks for completions.
pub fn complete_or_next(m: &mut Model, effects: &mut Vec<Effect>) {
    match &mut m.console.completion {
        Some(completion) if !completion.candidates.is_empty() => {
            completion.selected = (completion.selected + 1) % completion.candidates.len();
        }
        _ => complete(m, effects),
    }
}

/// Asks the engine for completions at the cursor; the answer is known by its id.
pub fn complete(m: &mut Model, effects: &mut Vec<Effect>) {
    let Some(session) = m.session() else { return };
    let (text, cursor) = (session.editor.text(), session.editor.offset());
    let name = session.name.clone();
    let request = m.requests.make(Command::Complete { session: name, text, cursor });
    // An empty list waits for its answer; an older answer is dropped by its id.
    m.console.completion = Some(Completion { id: request.id, from: cursor, candidates: Vec::new(), selected: 0 });
    effects.push(Effect::Send(request));
}

/// Puts the selected completion in the place of the word.
pub fn accept(m: &mut Model, completion: &Completion) {
    if let (Some(word), Some(session)) = (completion.candidates.get(completion.selected), current(m)) {
        session.editor.complete(completion.from, &word.text);
    }
}
