//! vi's commands in the console's entry: the letters of its normal mode, as readline has them with `editing-mode vi`.
//!
//! Typing is as ever; esc goes to the commands, `i` and its like go back, and a second esc leaves the entry. A number before
//! a command repeats it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::console::current;
use super::entry;
use crate::tui::bindings::{Context, KeyAction};
use crate::tui::editor::{Editor, ViMotion};
use crate::tui::model::*;
use crate::tui::vikeys::{self, ViAction};

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
            if let Some(typed) = m.console.vi_typing.take() {
                m.console.vi_change = Some(typed);
            }
            if let Some(session) = current(m) {
                session.editor.vi_step_back();
            }
            let leaves = m.key_in(Context::Entry, KeyAction::EndEntry);
            m.toast = Some((format!("vi's commands: i types again, {leaves} leaves"), Mood::Plain));
            true
        }
        (ViMode::Insert, code) => {
            typed(m, code, chord);
            false
        }
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

/// Keeps what is typed behind a command, for `.`; what goes elsewhere meanwhile cannot be done again.
fn typed(m: &mut Model, code: KeyCode, chord: bool) {
    match (&mut m.console.vi_typing, code) {
        (Some(ViChange::Type { text, .. }), KeyCode::Char(c)) if !chord => text.push(c),
        (Some(ViChange::Type { text, .. }), KeyCode::Backspace) if !text.is_empty() => _ = text.pop(),
        (typing, _) => *typing = None,
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
    // These go on with the count.
    m.console.vi = match (mode, vikeys::command(c)) {
        (ViMode::Command, Some(ViAction::Operator)) => ViMode::Operator(c),
        (ViMode::Command, Some(ViAction::Replace)) => ViMode::Replace,
        (ViMode::Command, Some(ViAction::Find)) => ViMode::Find { how: c, operator: None },
        (ViMode::Operator(operator), Some(ViAction::Find)) => ViMode::Find { how: c, operator: Some(operator) },
        _ => ViMode::Command,
    };
    if m.console.vi != ViMode::Command {
        return;
    }
    let times = m.count.take().unwrap_or(1);
    match mode {
        ViMode::Insert => {}
        ViMode::Replace => change(m, ViChange::Replace { letter: c, times }, effects),
        ViMode::Find { how, operator } => {
            m.console.vi_found = Some((how, c));
            over(m, operator, ViMotion::Find { how, letter: c }, times, effects);
        }
        ViMode::Operator(operator) => {
            if let Some(motion) = vikeys::object(operator, c) {
                over(m, Some(operator), motion, times, effects);
            }
        }
        ViMode::Command => act(m, c, times, effects),
    }
    if m.console.vi == ViMode::Command
        && let Some(session) = current(m)
    {
        session.editor.vi_settle();
    }
}

/// Does a letter of the normal mode that needs no other.
fn act(m: &mut Model, c: char, times: usize, effects: &mut Vec<Effect>) {
    match vikeys::command(c) {
        Some(ViAction::Go(motion)) => over(m, None, motion, times, effects),
        Some(ViAction::Kill(motion)) => change(m, ViChange::Kill(motion, times), effects),
        Some(ViAction::Insert(at)) => begin(m, at, times, effects),
        Some(ViAction::Put { behind }) => change(m, ViChange::Put { behind, times }, effects),
        Some(ViAction::Case) => change(m, ViChange::Case { times }, effects),
        Some(ViAction::Again) => {
            if let Some(last) = m.console.vi_change.clone() {
                change(m, last, effects);
            }
        }
        Some(ViAction::FindAgain) => {
            if let Some((how, letter)) = m.console.vi_found {
                let how = if c == ';' { how } else { other_way(how) };
                over(m, None, ViMotion::Find { how, letter }, times, effects);
            }
        }
        Some(ViAction::Key(does)) => {
            (0..if does == KeyAction::EditText { 1 } else { times }).for_each(|_| entry::edit(m, does, effects));
            if matches!(does, KeyAction::HistorySearch | KeyAction::EditText) {
                m.console.vi = ViMode::Insert;
            }
        }
        Some(ViAction::Operator | ViAction::Find | ViAction::Replace) | None => {}
    }
}

/// Goes there, or does what the operator does with what lies between.
fn over(m: &mut Model, operator: Option<char>, motion: ViMotion, times: usize, effects: &mut Vec<Effect>) {
    match operator {
        Some('d') => change(m, ViChange::Kill(motion, times), effects),
        // As in vi: it leaves the blanks behind the word.
        Some('c') if motion == ViMotion::Word => {
            begin(m, ViInsert::InPlaceOf(ViMotion::ThisWord), times, effects);
        }
        Some('c') => begin(m, ViInsert::InPlaceOf(motion), times, effects),
        Some(_) => {
            if let Some(session) = current(m) {
                session.editor.vi_copy(motion, times);
            }
        }
        None => {
            if let Some(session) = current(m) {
                session.editor.vi_go(motion, times);
            }
        }
    }
}

/// Begins to type, unless there is nothing in whose place it would be.
fn begin(m: &mut Model, at: ViInsert, times: usize, effects: &mut Vec<Effect>) {
    if insert_at(m, at, times, effects) {
        m.console.vi = ViMode::Insert;
        m.console.vi_typing = Some(ViChange::Type { at, times, text: String::new() });
    }
}

fn insert_at(m: &mut Model, at: ViInsert, times: usize, effects: &mut Vec<Effect>) -> bool {
    let Some(session) = current(m) else { return false };
    let editor = &mut session.editor;
    match at {
        ViInsert::Here => {}
        ViInsert::Behind => editor.vi_append(),
        ViInsert::LineStart => _ = editor.vi_go(ViMotion::FirstText, 1),
        ViInsert::LineEnd => editor.end(),
        ViInsert::NewLine => {
            editor.end();
            entry::edit(m, KeyAction::NewLine, effects);
        }
        ViInsert::InPlaceOf(motion) => {
            let found = editor.vi_kill(motion, times);
            // An empty line is changed by typing in it.
            return found || !matches!(motion, ViMotion::Find { .. });
        }
    }
    true
}

/// Changes the text, and keeps how for `.`.
fn change(m: &mut Model, what: ViChange, effects: &mut Vec<Effect>) {
    m.console.vi_change = Some(what.clone());
    let mut edit = |edit: &dyn Fn(&mut Editor)| {
        if let Some(session) = current(m) {
            edit(&mut session.editor);
        }
    };
    match what {
        ViChange::Kill(motion, times) => edit(&|editor| _ = editor.vi_kill(motion, times)),
        ViChange::Put { behind, times } => edit(&|editor| editor.vi_put(behind, times)),
        ViChange::Replace { letter, times } => edit(&|editor| editor.vi_replace(letter, times)),
        ViChange::Case { times } => edit(&|editor| editor.vi_swap_case(times)),
        ViChange::Type { at, times, text } => {
            if insert_at(m, at, times, effects)
                && let Some(session) = current(m)
            {
                session.editor.insert(&text);
                session.editor.vi_step_back();
            }
        }
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
        assert!(shows(&player, "e to the end of the word") && shows(&player, "d the line"));
        player.play("key esc");
        assert!(!shows(&player, "e to the end of the word"));
        player.play("key esc ? /");
        player.play("type change to");
        assert!(shows(&player, "Change to the end of the line"));
    }

    #[test]
    fn letters_are_commands_after_esc_and_text_again_after_i() {
        for (keys, text) in [
            ("select _ 1; esc 0 x i S", "Select 1;"),
            ("select _ one esc b D a two", "select two"),
            ("select _ one esc 0 dw", "one"),
            ("select _ one esc 0 de", " one"),
            ("select _ one esc 0 cw update", "update one"),
            ("select _ one esc dd", ""),
            ("select _ one esc dd p", "select one"),
            ("select _ one esc 0 D u A !", "select one!"),
            ("abc esc x", "ab"),
            ("abc esc 0 x p", "bac"),
            ("abc esc xp", "abc"),
            ("ab esc h h x", "b"),
            ("ab esc 0 d z x", "b"),
            ("select _ aaa, _ bbb, _ ccc esc 0 3w x", "select aaa, bb, ccc"),
            ("select _ aaa, _ bbb, _ ccc esc 0 w d2w", "select bbb, ccc"),
            ("select _ aaa, _ bbb esc 0 w e x", "select aa, bbb"),
            ("select _ aaa, _ bbb esc b b x", "select aaa bbb"),
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
            ("442 esc $ yb P", "44442"),
            ("a _ b _ c _ d esc 0 2dw", "c d"),
            ("a _ b _ c _ d esc 0 d2w .", ""),
            ("a _ b _ c _ d esc 0 2dw $ p", "c da b "),
            ("abcdef esc 0 3x .", ""),
            ("abcdef esc 0 2l x", "abdef"),
            ("abcdef esc 10h x", "bcdef"),
            ("abc esc 0 iQ esc .", "QQabc"),
            ("a,b _ c,d esc 0 ct,TT esc w w .", "TT,TT,d"),
            ("a _ b _ c esc 0 cwx esc w .", "x x c"),
            ("ab esc A c esc 0 .", "abcc"),
            ("_ _ ab esc I x", "  xab"),
            ("abc esc 0 3x ix", "x"),
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
