//! Typing in the console: edited, recalled from the history, sent.

use super::asking;
use super::completion::{accept, complete, complete_or_next};
use super::console::{current, draw_picture, exported, is_busy};
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::present::prompt::history_match;
use workshop_engine::command::Command;
use workshop_psql::entry::{OwnCommand, command_in_between, needs_more, own_command};
use workshop_psql::history;

/// Takes typed or pasted text; an open list of completions follows what is typed.
pub fn insert(m: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    if let Some(query) = &mut m.console.history_search {
        query.extend(text.chars().filter(|c| !c.is_control()));
        return;
    }
    let typed_one = text.chars().count() == 1;
    let Some(session) = current(m) else { return };
    session.editor.insert(text);
    session.recalled = None;
    // While the list of completions is open it follows what is typed.
    if m.console.completion.is_some() {
        m.console.completion = None;
        if typed_one && !text.trim().is_empty() {
            complete(m, effects);
        }
    }
}

/// Enter: takes the completion, ends the history search, sends a finished statement, or begins a new line.
pub fn enter_pressed(m: &mut Model, effects: &mut Vec<Effect>) {
    if m.console.history_search.is_some() {
        take_history(m);
        return;
    }
    if let Some(completion) = m.console.completion.take() {
        accept(m, &completion);
        return;
    }
    let Some(session) = current(m) else { return };
    let text = session.editor.text();
    if session.editor.is_blank() {
        session.editor.clear();
        return;
    }
    let name = session.name.clone();
    if needs_more(&text) {
        let ends = session.editor.offset() == text.len();
        match command_in_between(&text).filter(|_| ends) {
            Some((statement, command)) => run_in_between(m, &name, statement, command, effects),
            None => session.editor.newline(),
        }
        return;
    }
    if is_busy(m, &name) {
        return;
    }
    let own = own_command(&text);
    if let Some(OwnCommand::Edit { before }) = own {
        let draft = if before.is_empty() { m.console.history.last().cloned().unwrap_or_default() } else { before };
        effects.push(Effect::EditText(draft));
        return;
    }
    if let Some(session) = current(m) {
        session.editor.clear();
        session.recalled = None;
        session.exporting = exported(&text);
        session.back.end_of_all();
    }
    // The arrows bring back what is kept: no password that someone else may look at.
    if let Some(entry) = history::kept(&text)
        && m.console.history.last() != Some(&entry)
    {
        m.console.history.push(entry.clone());
        effects.push(Effect::Remember(entry));
    }
    if own == Some(OwnCommand::Quit) {
        m.mode = InputMode::Walking;
        return;
    }
    send(m, name, text, effects);
}

/// Sends an input to a session, whose answers are shown.
fn send(m: &mut Model, session: String, text: String, effects: &mut Vec<Effect>) {
    // Who types wants to go on seeing what came of it.
    draw_picture(m, SqlPicture::None);
    let columns = m.session().map(|session| session.back.columns());
    effects.push(asking::request(m, Command::Sql { session, text, columns }));
}

/// Runs a command while a statement is typed, which stays as it is.
fn run_in_between(m: &mut Model, name: &str, statement: &str, command: &str, effects: &mut Vec<Effect>) {
    if is_busy(m, name) {
        return;
    }
    if let Some(session) = current(m) {
        session.editor.set(&format!("{statement}\n"));
        session.back.end_of_all();
    }
    send(m, name.to_owned(), command.trim().to_owned(), effects);
}

/// Does what an editing key does.
pub fn edit(m: &mut Model, does: KeyAction, effects: &mut Vec<Effect>) {
    match does {
        KeyAction::Complete => return complete_or_next(m, effects),
        KeyAction::HistorySearch => return history_search(m),
        KeyAction::EndEntry => return end_entry(m),
        KeyAction::AbortSearch => {
            close_open(m);
            return;
        }
        KeyAction::Up | KeyAction::Down => return up_down(m, does == KeyAction::Up),
        KeyAction::EditText => {
            if let Some(session) = m.session() {
                let text = session.editor.text();
                let text = if text.trim().is_empty() { m.console.history.last().cloned() } else { Some(text) };
                effects.push(Effect::EditText(text.unwrap_or_default()));
            }
            return;
        }
        _ => {}
    }
    if let Some(query) = &mut m.console.history_search {
        match does {
            KeyAction::Backspace => {
                query.pop();
            }
            _ => take_history(m),
        }
        return;
    }
    let open = m.console.completion.take().is_some();
    let Some(session) = current(m) else { return };
    let editor = &mut session.editor;
    match does {
        KeyAction::NewLine => editor.newline(),
        KeyAction::Backspace => editor.backspace(),
        KeyAction::Delete => editor.delete(),
        KeyAction::DeleteWord => editor.delete_word(),
        KeyAction::DeleteWordRight => editor.delete_word_right(),
        KeyAction::KillToStart => editor.kill_to_start(),
        KeyAction::KillToEnd => editor.kill_to_end(),
        KeyAction::Yank => editor.yank(),
        KeyAction::UndoEdit => _ = editor.undo(),
        KeyAction::CharLeft => editor.left(),
        KeyAction::CharRight => editor.right(),
        KeyAction::WordLeft => editor.word_left(),
        KeyAction::WordRight => editor.word_right(),
        KeyAction::LineStart => editor.home(),
        KeyAction::LineEnd => editor.end(),
        _ => {}
    }
    if open && does == KeyAction::Backspace {
        complete(m, effects);
    }
}

/// Esc closes what is open, and then the entry; ctrl-d only leaves an empty one.
fn end_entry(m: &mut Model) {
    if !close_open(m) {
        m.mode = InputMode::Walking;
    }
}

/// Closes the history search, the next of which begins anew, or the completions; says whether something was open.
fn close_open(m: &mut Model) -> bool {
    if m.console.history_search.take().is_some() {
        if let Some(session) = current(m) {
            session.recalled = None;
        }
        return true;
    }
    m.console.completion.take().is_some()
}

/// Ctrl-C: cancels what runs, or clears what was typed.
pub fn interrupt(m: &mut Model, effects: &mut Vec<Effect>) {
    if close_open(m) {
        return;
    }
    let Some(name) = m.session().map(|s| s.name.clone()) else { return };
    if m.progress.sessions.get(&name).is_some_and(|s| s.running.is_some()) {
        m.toast = Some(("Cancel request sent".to_owned(), Mood::Plain));
        effects.push(m.ask(Command::CancelSql { session: name }));
        return;
    }
    if let Some(session) = current(m) {
        session.recalled = None;
        session.editor.clear();
    }
}

fn up_down(m: &mut Model, up: bool) {
    if let Some(completion) = &mut m.console.completion
        && !completion.candidates.is_empty()
    {
        let count = completion.candidates.len();
        completion.selected = (completion.selected + if up { count - 1 } else { 1 }) % count;
        return;
    }
    m.console.completion = None;
    let history = std::mem::take(&mut m.console.history);
    if let Some(session) = current(m)
        && !(if up { session.editor.up() } else { session.editor.down() })
    {
        recall(session, &history, up);
    }
    m.console.history = history;
}

/// Through the history; the newest "down" is what was typed before.
fn recall(session: &mut ConsoleSession, history: &[String], up: bool) {
    let (at, draft) = session.recalled.clone().unwrap_or((history.len(), session.editor.text()));
    let next = if up { at.checked_sub(1) } else { Some(at + 1).filter(|next| *next <= history.len()) };
    let Some(next) = next else { return };
    match history.get(next) {
        Some(text) => session.editor.set(text),
        None => session.editor.set(&draft),
    }
    session.recalled = (next < history.len()).then_some((next, draft));
}

fn history_search(m: &mut Model) {
    if m.console.history_search.is_none() {
        m.console.history_search = Some(String::new());
        return;
    }
    // Once more: the one before. Where there is none it stays at the oldest.
    let Some((at, _)) = history_match(m) else { return };
    let Some(session) = current(m) else { return };
    let before = session.recalled.take();
    let draft = before.as_ref().map_or(String::new(), |(_, draft)| draft.clone());
    session.recalled = Some((at, draft));
    if history_match(m).is_none() {
        if let Some(session) = current(m) {
            session.recalled = before;
        }
        m.toast = Some(("No older statement has it".to_owned(), Mood::Plain));
    }
}

fn take_history(m: &mut Model) {
    let text = history_match(m).map(|(_, text)| text.to_owned());
    m.console.history_search = None;
    if let (Some(text), Some(session)) = (text, current(m)) {
        session.editor.set(&text);
        session.recalled = None;
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::golden::Player;

    #[test]
    fn the_history_is_searched_to_its_oldest_and_anew_after_it_was_given_up() {
        let mut player = Player::new(80, 24);
        player.json(
            r#"{"event":"opened","title":"c","target":"local","workdir":"w","position":{"chapter":2,"step":"conflict"}}"#,
        );
        let shows = |player: &Player, text: &str| player.screen().iter().any(|row| row.contains(text));
        player.play("key i ctrl-r");
        player.play("type sel");
        assert!(shows(&player, "(history) sel: select 1;"));
        player.play("key ctrl-r");
        assert!(shows(&player, "(history) sel: select 1;") && shows(&player, "No older statement has it"));
        player.play("type zz");
        assert!(shows(&player, "(not in the history) selzz:"));
        player.play("key ctrl-g");
        assert!(!shows(&player, "history)"));
        player.play("key ctrl-r");
        player.play("type sel");
        assert!(shows(&player, "(history) sel: select 1;"));
        player.play("key enter");
        assert!(shows(&player, "> select 1;"));
    }
}
