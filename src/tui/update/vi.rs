//! vi's commands in the console's entry: the letters of its normal mode, as readline has them with `editing-mode vi`.
//!
//! Typing is as ever; esc goes to the commands, `i` and its like go back, and a second esc leaves the entry.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::entry;
use crate::tui::bindings::{Context, KeyAction};
use crate::tui::model::*;
use crate::tui::vikeys::command;

/// Takes a key in, if it is one of vi's commands now; says whether it was.
pub fn press(m: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) -> bool {
    if !m.options.vi || m.mode != InputMode::Entry || m.console.history_search.is_some() {
        return false;
    }
    let chord = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match (m.console.vi, key.code) {
        (ViMode::Insert, KeyCode::Esc) if m.console.completion.is_none() => {
            m.console.vi = ViMode::Command;
            let leaves = m.key_in(Context::Entry, KeyAction::EndEntry);
            m.toast = Some((format!("vi's commands: i types again, {leaves} leaves"), Mood::Plain));
            true
        }
        (ViMode::Command | ViMode::Operator(_), KeyCode::Char(c)) if !chord => {
            let (actions, next) = command(m.console.vi, c);
            m.console.vi = next;
            actions.iter().for_each(|does| entry::edit(m, *does, effects));
            true
        }
        // Half a command is given up first.
        (ViMode::Operator(_), KeyCode::Esc) => {
            m.console.vi = ViMode::Command;
            true
        }
        (ViMode::Command | ViMode::Operator(_), KeyCode::Esc | KeyCode::Enter) => {
            m.console.vi = ViMode::Insert;
            false
        }
        (ViMode::Insert | ViMode::Command | ViMode::Operator(_), _) => false,
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
    fn what_can_follow_half_a_command_is_shown_and_the_help_has_them_all() {
        let mut player = Player::new(80, 24);
        player.model.options.vi = true;
        player.json(
            r#"{"event":"opened","title":"c","target":"local","workdir":"w","position":{"chapter":2,"step":"conflict"}}"#,
        );
        let shows = |player: &Player, text: &str| player.screen().iter().any(|row| row.contains(text));
        player.play("key i esc d");
        assert!(shows(&player, "w, e to the end of the word") && shows(&player, "d the line"));
        player.play("key esc");
        assert!(!shows(&player, "w, e to the end of the word"));
        player.play("key esc ? /");
        player.play("type change to");
        assert!(shows(&player, "Change to the end of the line"));
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
        assert_eq!(typed("select esc d esc").1, "Entry Command", "half a command is given up first");
    }
}
