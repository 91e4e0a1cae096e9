//! vi's commands in the console's entry: the letters of its normal mode, as readline has them with `editing-mode vi`.
//!
//! Typing is as ever; esc goes to the commands, `i` and its like go back, and a second esc leaves the entry. A number before
//! a command repeats it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::console::current;
use super::entry;
use crate::tui::bindings::{Context, KeyAction};
use crate::tui::editor::Editor;
use crate::tui::model::*;
use crate::tui::vikeys::command;

/// A command is repeated at most so often.
const MOST: usize = 999;

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
        (ViMode::Insert, _) => false,
        (_, KeyCode::Char(c)) if !chord => {
            if !counts(m, c) {
                letter(m, c, effects);
            }
            true
        }
        // Half a command is given up first.
        (ViMode::Operator(_) | ViMode::Find { .. } | ViMode::Replace, KeyCode::Esc) => {
            (m.console.vi, m.count) = (ViMode::Command, None);
            true
        }
        (_, KeyCode::Esc | KeyCode::Enter) => {
            (m.console.vi, m.count) = (ViMode::Insert, None);
            false
        }
        _ => false,
    }
}

/// Takes a digit in as a part of a count, where it is no command: `0` alone goes to the start of the line.
fn counts(m: &mut Model, c: char) -> bool {
    let takes = matches!(m.console.vi, ViMode::Command | ViMode::Operator(_));
    let digit = c.to_digit(10).filter(|digit| takes && (*digit > 0 || m.count.is_some()));
    if let Some(digit) = digit {
        m.count = Some((m.count.unwrap_or(0) * 10 + digit as usize).min(MOST));
    }
    digit.is_some()
}

fn letter(m: &mut Model, c: char, effects: &mut Vec<Effect>) {
    let mode = m.console.vi;
    match (mode, c) {
        (ViMode::Command, 'f' | 'F' | 't' | 'T') => return m.console.vi = ViMode::Find { how: c, operator: None },
        (ViMode::Operator(operator), 'f' | 'F' | 't' | 'T') => {
            return m.console.vi = ViMode::Find { how: c, operator: Some(operator) };
        }
        // It goes on with the count.
        (ViMode::Command, 'd' | 'c' | 'y' | 'r') => return m.console.vi = command(mode, c).1,
        _ => {}
    }
    let times = m.count.take().unwrap_or(1);
    m.console.vi = ViMode::Command;
    match (mode, c) {
        (ViMode::Find { how, operator }, letter) => find(m, how, letter, operator, times, effects),
        (ViMode::Replace, letter) => change(m, ViChange::Replace { letter, times }, effects),
        (ViMode::Command, '~') => change(m, ViChange::Case { times }, effects),
        (ViMode::Command, '.') => {
            if let Some(last) = m.console.vi_change {
                change(m, last, effects);
            }
        }
        (ViMode::Command, ';' | ',') => {
            if let (Some((how, letter)), Some(session)) = (m.console.vi_found, current(m)) {
                session.editor.find(if c == ';' { how } else { other_way(how) }, letter, times);
            }
        }
        (ViMode::Operator('y'), c) => {
            let (does, _) = command(mode, c);
            if let Some(session) = current(m) {
                session.editor.copied(|editor| does.iter().for_each(|does| keys(editor, *does, times)));
            }
        }
        (mode, c) => {
            let (does, next) = command(mode, c);
            let changes = matches!(mode, ViMode::Operator(_)) || matches!(c, 'x' | 'X' | 'D' | 'p' | 'P');
            if changes && next == ViMode::Command && !does.is_empty() {
                change(m, ViChange::Keys { does, times }, effects);
            } else {
                repeat(m, does, times, effects);
            }
            m.console.vi = next;
        }
    }
}

/// Does what `f`, `F`, `t` and `T` are about: goes there, or deletes, changes or copies up to there.
fn find(m: &mut Model, how: char, letter: char, operator: Option<char>, times: usize, effects: &mut Vec<Effect>) {
    m.console.vi_found = Some((how, letter));
    match operator {
        Some('d') => change(m, ViChange::Find { how, letter, times }, effects),
        Some('c') => {
            if current(m).is_some_and(|session| session.editor.kill_to_found(how, letter, times)) {
                m.console.vi = ViMode::Insert;
            }
        }
        Some(_) => {
            if let Some(session) = current(m) {
                session.editor.copied(|editor| _ = editor.kill_to_found(how, letter, times));
            }
        }
        None => {
            if let Some(session) = current(m) {
                session.editor.find(how, letter, times);
            }
        }
    }
}

/// Changes the text, and keeps how for `.`.
fn change(m: &mut Model, what: ViChange, effects: &mut Vec<Effect>) {
    m.console.vi_change = Some(what);
    if let ViChange::Keys { does, times } = what {
        return repeat(m, does, times, effects);
    }
    let Some(session) = current(m) else { return };
    match what {
        ViChange::Keys { .. } => {}
        ViChange::Replace { letter, times } => session.editor.replace(letter, times),
        ViChange::Case { times } => session.editor.swap_case(times),
        ViChange::Find { how, letter, times } => _ = session.editor.kill_to_found(how, letter, times),
    }
}

/// Does what the keys do, so often; what goes to one end of the line needs no second time.
fn repeat(m: &mut Model, does: &[KeyAction], times: usize, effects: &mut Vec<Effect>) {
    let once = does.iter().any(|does| matches!(does, KeyAction::LineStart | KeyAction::LineEnd | KeyAction::EditText));
    // What several words were is put back as one.
    if let (2.., [does @ (KeyAction::DeleteWord | KeyAction::DeleteWordRight)], Some(session)) =
        (times, does, current(m))
    {
        return session.editor.delete_words(times, *does == KeyAction::DeleteWordRight);
    }
    for _ in 0..if once { 1 } else { times } {
        does.iter().for_each(|does| entry::edit(m, *does, effects));
    }
}

/// Does the keys of what `y` is about, in an editor by itself.
fn keys(editor: &mut Editor, does: KeyAction, times: usize) {
    match does {
        KeyAction::LineStart => editor.home(),
        KeyAction::KillToEnd => editor.kill_to_end(),
        KeyAction::KillToStart => editor.kill_to_start(),
        KeyAction::DeleteWord => editor.delete_words(times, false),
        KeyAction::DeleteWordRight => editor.delete_words(times, true),
        _ => {}
    }
}

fn other_way(how: char) -> char {
    if how.is_lowercase() { how.to_ascii_uppercase() } else { how.to_ascii_lowercase() }
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
            ("select _ a,b,c esc 0 f, x", "select ab,c"),
            ("select _ a,b,c esc 0 2f, x", "select a,bc"),
            ("select _ a,b,c esc 0 t, x", "select ,b,c"),
            ("select _ a,b,c esc F, x", "select a,bc"),
            ("select _ a,b,c esc F, , x", "select a,bc"),
            ("select _ a,b,c esc 0 f, ; x", "select a,bc"),
            ("select _ a,b,c esc 0 df, u f, D", "select a"),
            ("select _ a,b,c esc 0 df,", "b,c"),
            ("select _ a,b,c esc 0 ct, x", "x,b,c"),
            ("select _ a,b,c esc 0 fz x", "elect a,b,c"),
            ("select esc 0 rS", "Select"),
            ("select esc 0 3rx A !", "xxxect!"),
            ("select esc 0 9rx", "select"),
            ("select esc 0 3~", "SELect"),
            ("select esc 0 ~ .", "SElect"),
            ("select _ one esc 0 ye $ p", "select oneselect"),
            ("select _ one esc yy p", "select oneselect one"),
            ("select _ one esc 0 yfl $ p", "select onesel"),
            ("a _ b _ c _ d esc 0 2dw", " c d"),
            ("a _ b _ c _ d esc 0 d2w .", ""),
            ("a _ b _ c _ d esc 0 2dw $ p", " c da b"),
            ("abcdef esc 0 3x .", ""),
            ("abcdef esc 0 2l x", "abdef"),
            ("abcdef esc 10h x", "bcdef"),
            ("ab esc 0 d z x", "b"),
        ] {
            assert_eq!(typed(keys).0, text, "{keys}");
        }
        assert_eq!(typed("select esc").1, "Entry Command");
        assert_eq!(typed("select esc A").1, "Entry Insert");
        assert!(typed("select esc esc").1.starts_with("Walking"), "a second esc leaves");
        for half in ["d", "f", "r", "df", "3d"] {
            assert_eq!(typed(&format!("select esc {half} esc")).1, "Entry Command", "half a command is given up first");
        }
    }
}
