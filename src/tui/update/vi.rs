//! vi's commands in the console's entry: the letters of its normal mode, as readline has them with `editing-mode vi`.
//!
//! Typing is as ever; esc goes to the commands, `i` and its like go back, and a second esc leaves the entry.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::entry;
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;

/// Takes a key in, if it is one of vi's commands now; says whether it was.
pub fn press(m: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) -> bool {
    if !m.options.vi || m.mode != InputMode::Entry || m.console.history_search.is_some() {
        return false;
    }
    let chord = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match (m.console.vi, key.code) {
        (ViMode::Insert, KeyCode::Esc) if m.console.completion.is_none() => {
            m.console.vi = ViMode::Command;
            m.toast = Some(("vi's commands: i types again, esc leaves".to_owned(), Mood::Plain));
            true
        }
        (ViMode::Command | ViMode::Operator(_), KeyCode::Char(c)) if !chord => {
            let (actions, next) = command(m.console.vi, c);
            m.console.vi = next;
            actions.iter().for_each(|does| entry::edit(m, *does, effects));
            true
        }
        (ViMode::Command | ViMode::Operator(_), KeyCode::Esc | KeyCode::Enter) => {
            m.console.vi = ViMode::Insert;
            false
        }
        (ViMode::Insert | ViMode::Command | ViMode::Operator(_), _) => false,
    }
}

/// Returns what a letter does, and the mode after it. A letter that is no command does nothing.
fn command(mode: ViMode, c: char) -> (&'static [KeyAction], ViMode) {
    use KeyAction::*;
    use ViMode::{Command, Insert, Operator};
    match (mode, c) {
        (Operator(operator), c) => {
            let next = if operator == 'c' { Insert } else { Command };
            match c {
                _ if c == operator => (&[LineStart, KillToEnd], next),
                'w' | 'e' => (&[DeleteWordRight], next),
                'b' => (&[DeleteWord], next),
                '$' => (&[KillToEnd], next),
                '0' | '^' => (&[KillToStart], next),
                _ => (&[], Command),
            }
        }
        (_, 'd' | 'c') => (&[], Operator(c)),
        (_, 'h') => (&[CharLeft], Command),
        (_, 'l' | ' ') => (&[CharRight], Command),
        (_, '0' | '^') => (&[LineStart], Command),
        (_, '$') => (&[LineEnd], Command),
        (_, 'w' | 'e') => (&[WordRight], Command),
        (_, 'b') => (&[WordLeft], Command),
        (_, 'x') => (&[Delete], Command),
        (_, 'X') => (&[Backspace], Command),
        (_, 'D') => (&[KillToEnd], Command),
        (_, 'C') => (&[KillToEnd], Insert),
        (_, 'S') => (&[LineStart, KillToEnd], Insert),
        (_, 's') => (&[Delete], Insert),
        (_, 'p' | 'P') => (&[Yank], Command),
        (_, 'u') => (&[UndoEdit], Command),
        (_, 'k' | '-') => (&[Up], Command),
        (_, 'j' | '+') => (&[Down], Command),
        (_, '/') => (&[HistorySearch], Insert),
        (_, 'v') => (&[EditText], Insert),
        (_, 'i') => (&[], Insert),
        (_, 'I') => (&[LineStart], Insert),
        (_, 'a') => (&[CharRight], Insert),
        (_, 'A') => (&[LineEnd], Insert),
        (_, 'o') => (&[LineEnd, NewLine], Insert),
        (_, _) => (&[], Command),
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::golden::Player;

    fn typed(keys: &str) -> (String, String) {
        let mut player = Player::new(120, 40);
        player.model.options.vi = true;
        player.json(
            r#"{"event":"opened","title":"c","target":"local","workdir":"w","position":{"chapter":2,"step":"conflict"}}"#,
        );
        player.play("key i");
        for key in keys.split(' ') {
            match key {
                "esc" => _ = player.play("key esc"),
                "_" => _ = player.play("key space"),
                text => _ = player.play(&format!("type {text}")),
            }
        }
        let text = player.model.session().map(|session| session.editor.text()).unwrap_or_default();
        (text, format!("{:?} {:?}", player.model.mode, player.model.console.vi))
    }

    #[test]
    fn letters_are_commands_after_esc_and_text_again_after_i() {
        for (keys, text) in [
            ("select _ 1; esc 0 x i S", "Select 1;"),
            ("select _ one esc b D a two", "select two"),
            ("select _ one esc 0 dw", " one"),
            ("select _ one esc 0 cw update", "update one"),
            ("select _ one esc dd", ""),
            ("select _ one esc dd p", "select one"),
            ("select _ one esc 0 D u A !", "select one!"),
            ("ab esc h h x", "b"),
            ("ab esc 0 d z x", "b"),
        ] {
            assert_eq!(typed(keys).0, text, "{keys}");
        }
        assert_eq!(typed("select esc").1, "Entry Command");
        assert_eq!(typed("select esc A").1, "Entry Insert");
        assert!(typed("select esc esc").1.starts_with("Walking"), "a second esc leaves");
    }
}
