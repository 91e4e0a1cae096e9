//! The keys in force: the table, with what a person has put in its place in the config file.
//!
//! `key.go-on = space, ctrl-f` gives a command its keys; `key.entry.complete = tab` one that holds where something is typed or
//! chosen. An empty value takes a command's keys away: the palette has it still.

use crossterm::event::KeyCode;

use super::bindings::{Binding, Context, Key, KeyAction, Keymap};
use super::keymap::KEYMAP;
use super::model::{InputMode, Model, ViMode};

/// Why a line gives no key, and what is possible there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProblem<'a> {
    pub what: String,
    pub hint: String,
    /// The part of the line that is meant.
    pub part: &'a str,
}

/// Returns the keys of a row of the table.
pub fn keys<'a>(keymap: &'a Keymap, binding: &'a Binding) -> &'a [Key] {
    let row = KEYMAP.iter().position(|row| std::ptr::eq(row, binding));
    row.map_or(binding.keys, |row| keymap.keys(row, binding))
}

/// Returns the keys of a row as the help lists them: `space, pgdn`; empty when only the palette has the command.
pub fn names(keymap: &Keymap, binding: &Binding) -> String {
    keys(keymap, binding).iter().map(|key| key.name()).collect::<Vec<_>>().join(", ")
}

/// Names the key of a command where one walks through the course; the palette's when it has none.
pub fn name(keymap: &Keymap, does: KeyAction) -> String {
    name_in(keymap, Context::Walking, does)
}

/// Names the key of a command in a context, or in one that holds there, too; the palette's when it has none.
fn name_in(keymap: &Keymap, context: Context, does: KeyAction) -> String {
    let first = |does: KeyAction| {
        let rows = || KEYMAP.iter().filter(move |binding| binding.does == does);
        let near = rows().filter(|binding| group(binding.context) == group(context));
        // What holds everywhere is named rather than what belongs to a panel.
        let (own, general): (Vec<_>, Vec<_>) = near.partition(|binding| matches!(binding.context, Context::In(_)));
        let anywhere = rows().filter(|binding| binding.context == Context::Anywhere);
        general.into_iter().chain(own).chain(anywhere).find_map(|binding| keys(keymap, binding).first())
    };
    first(does).or_else(|| first(KeyAction::Palette)).map_or_else(|| "the palette".to_owned(), |key| key.name())
}

impl Model {
    /// Names the key of a command where one walks through the course; while something is typed, behind the key that leads out
    /// of that.
    pub fn key(&self, does: KeyAction) -> String {
        let key = name(&self.options.keymap, does);
        self.way_out().map_or_else(|| key.clone(), |out| format!("{out} {key}"))
    }

    /// Names what leads out of where letters are text; None where they are keys.
    fn way_out(&self) -> Option<String> {
        match self.mode {
            InputMode::Entry => {
                let out = self.key_in(Context::Entry, KeyAction::EndEntry);
                // To who has vi's keys the first leads to its commands only.
                let twice = self.options.vi && self.console.vi == ViMode::Insert;
                Some(if twice { format!("{out} {out}") } else { out })
            }
            InputMode::Search { .. } => Some(self.key_in(Context::Search, KeyAction::Close)),
            InputMode::Walking
            | InputMode::Help { .. }
            | InputMode::Notes { .. }
            | InputMode::Palette(_)
            | InputMode::Leave(_)
            | InputMode::Confirm(_) => None,
        }
    }

    /// Names the key of a command in a context of its own: where SQL is typed, where something is asked.
    pub fn key_in(&self, context: Context, does: KeyAction) -> String {
        name_in(&self.options.keymap, context, does)
    }

    /// Names the key of a command as it is in the mode at hand, of those in which SQL may be typed meanwhile.
    pub fn key_here(&self, does: KeyAction) -> String {
        self.key_in(if self.mode == InputMode::Entry { Context::Entry } else { Context::Walking }, does)
    }
}

/// Gives a command its keys, as a line of the config file has them: `go-on` and `space, ctrl-f`.
///
/// # Errors
/// When there is no such command or key, and when a key has another meaning in the same place.
pub fn set<'a>(keymap: &mut Keymap, name: &'a str, new: &'a str) -> Result<(), KeyProblem<'a>> {
    let (place, command) = name.split_once('.').unwrap_or((DRIVING, name));
    let rows: Vec<usize> = (0..KEYMAP.len())
        .filter(|row| group(KEYMAP[*row].context) == place && command_name(KEYMAP[*row].does) == command)
        .collect();
    if rows.is_empty() {
        return Err(unknown_command(name, place, command));
    }
    let mut parsed = Vec::new();
    for part in new.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let key = Key::parse(part).ok_or_else(|| KeyProblem {
            what: format!("there is no key “{part}”"),
            hint:
                "a character, space, comma, hash, enter, esc, tab, shift-tab, backspace, del, pgup, pgdn, home, end, \
                   up, down, left, right, f1 to f12; with ctrl- or alt- before it"
                    .to_owned(),
            part,
        })?;
        if let Some((what, hint)) = never_comes(key, rows.iter().map(|row| KEYMAP[*row].context)) {
            return Err(KeyProblem { what: format!("{part} {what}"), hint: hint.to_owned(), part });
        }
        parsed.push((key, part));
    }
    for (key, part) in &parsed {
        let taken = |(row, binding): &(usize, &'static Binding)| {
            let met = rows.iter().any(|own| meet(KEYMAP[*own].context, binding.context));
            !rows.contains(row) && met && keys(keymap, binding).contains(key)
        };
        if let Some((_, other)) = KEYMAP.iter().enumerate().find(taken) {
            let mut other_name = command_name(other.does);
            if group(other.context) != DRIVING {
                other_name = format!("{}.{other_name}", group(other.context));
            }
            return Err(KeyProblem {
                what: format!("{part} means “{}” already", other.long),
                hint: format!("give that another key in a line before this one: key.{other_name} = …"),
                part,
            });
        }
    }
    let keys: Vec<Key> = parsed.into_iter().map(|(key, _)| key).collect();
    for row in rows {
        keymap.changed.insert(row, keys.clone());
    }
    Ok(())
}

/// Says why a key cannot have a meaning in one of these contexts: it is text there, begins a count, or is another key to a
/// terminal; and what can be taken in its place.
fn never_comes(key: Key, mut of: impl Iterator<Item = Context>) -> Option<(&'static str, &'static str)> {
    let KeyCode::Char(c) = key.code else { return None };
    // While it stands for a command it cannot be typed.
    let is_text = |context| {
        matches!(context, Context::Anywhere | Context::Entry | Context::Search | Context::Palette | Context::Filtering)
    };
    match (key.ctrl, key.alt) {
        (true, false) if c == 'i' => Some(("is what a terminal sends for tab", "tab, or another key with ctrl-")),
        (true, false) if c == 'm' => Some(("is what a terminal sends for enter", "enter, or another key with ctrl-")),
        (true, false) if c == '[' => Some(("is what a terminal sends for esc", "esc, or another key with ctrl-")),
        (false, false) if of.any(is_text) => {
            Some(("is text where something is typed", "a key that is none: with ctrl- or alt- before it, or f1 to f12"))
        }
        (false, true) if c.is_ascii_digit() => {
            let counts = of.any(|context| group(context) == DRIVING);
            counts.then_some(("begins a count before a key that moves", "a letter, or ctrl- before it"))
        }
        _ => None,
    }
}

/// Where one walks through the course: the place that needs no name.
const DRIVING: &str = "driving";

/// Returns the place of a context, as the config file names it.
fn group(context: Context) -> &'static str {
    match context {
        Context::Anywhere | Context::Walking | Context::In(_) | Context::Found => DRIVING,
        Context::Entry => "entry",
        Context::Search => "search",
        Context::Palette => "palette",
        Context::Reading => "reading",
        Context::Filtering => "filtering",
        Context::Leaving => "leaving",
        Context::Asking => "asking",
    }
}

/// Returns whether a key would have two meanings in these contexts. A panel's own keys come before the general ones, as in the
/// table.
fn meet(one: Context, other: Context) -> bool {
    one == other || matches!((one, other), (Context::Anywhere, _) | (_, Context::Anywhere))
}

/// Returns a command's name in the config file: `go-on`, `show-diff`.
pub fn command_name(does: KeyAction) -> String {
    let mut out = String::new();
    for c in format!("{does:?}").chars() {
        match c {
            '(' | ')' => {}
            c if c.is_uppercase() => {
                if !out.is_empty() {
                    out.push('-');
                }
                out.extend(c.to_lowercase());
            }
            c => out.push(c),
        }
    }
    out
}

fn unknown_command<'a>(name: &'a str, place: &str, command: &str) -> KeyProblem<'a> {
    let places = ["driving", "entry", "search", "palette", "reading", "filtering", "leaving", "asking"];
    let mut names: Vec<String> =
        KEYMAP.iter().filter(|row| group(row.context) == place).map(|row| command_name(row.does)).collect();
    names.sort();
    names.dedup();
    let nearest = names.iter().min_by_key(|known| distance(known, command));
    let hint = match nearest {
        Some(nearest) => format!("did you mean {nearest}? There are {}", names.join(", ")),
        None => format!("the places are {}", places.join(", ")),
    };
    KeyProblem { what: format!("no command is called “{command}”"), hint, part: name }
}

/// Counts the letters by which two names differ.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = cost.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

impl Key {
    /// Reads a key as a person writes it: `ctrl-x`, `alt-enter`, `space`, `A`.
    pub fn parse(name: &str) -> Option<Key> {
        let (mut rest, mut ctrl, mut alt) = (name, false, false);
        loop {
            match rest {
                with if with.len() > 5 && with.starts_with("ctrl-") => (rest, ctrl) = (&with[5..], true),
                with if with.len() > 4 && with.starts_with("alt-") => (rest, alt) = (&with[4..], true),
                _ => break,
            }
        }
        let code = match rest {
            "space" => KeyCode::Char(' '),
            "comma" => KeyCode::Char(','),
            "hash" => KeyCode::Char('#'),
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "shift-tab" => KeyCode::BackTab,
            "backspace" => KeyCode::Backspace,
            "del" => KeyCode::Delete,
            "pgup" => KeyCode::PageUp,
            "pgdn" => KeyCode::PageDown,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "up" | "↑" => KeyCode::Up,
            "down" | "↓" => KeyCode::Down,
            "left" | "←" => KeyCode::Left,
            "right" | "→" => KeyCode::Right,
            other => {
                let mut chars = other.chars();
                match (chars.next()?, chars.as_str()) {
                    // Terminals send no capitals with control.
                    (c, "") if ctrl && c.is_ascii_uppercase() => KeyCode::Char(c.to_ascii_lowercase()),
                    (c, "") if !c.is_control() => KeyCode::Char(c),
                    ('f', number) => KeyCode::F(number.parse().ok().filter(|n| (1..=12).contains(n))?),
                    _ => return None,
                }
            }
        };
        Some(Key { code, ctrl, alt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for binding in KEYMAP {
            for key in binding.keys {
                assert_eq!(Key::parse(&key.name()), Some(*key), "{}", key.name());
            }
        }
        assert_eq!(Key::parse("f5").map(|key| key.code), Some(KeyCode::F(5)));
        assert_eq!((Key::parse("f13"), Key::parse("hyper-x"), Key::parse("")), (None, None, None));
    }

    #[test]
    fn a_command_gets_other_keys_and_loses_its_own() {
        let mut keymap = Keymap::default();
        assert_eq!((name(&keymap, KeyAction::Run), name(&keymap, KeyAction::Prepare)), ("r".into(), ":".into()));
        set(&mut keymap, "run", "R, ctrl-r").unwrap();
        assert_eq!(name(&keymap, KeyAction::Run), "R");
        let run = KEYMAP.iter().find(|row| row.does == KeyAction::Run).unwrap();
        assert_eq!(names(&keymap, run), "R, ctrl-r");
        set(&mut keymap, "run", "").unwrap();
        assert_eq!(name(&keymap, KeyAction::Run), ":");
        // What is free now can be had.
        set(&mut keymap, "hint", "r").unwrap();
        set(&mut keymap, "entry.complete", "ctrl-n").unwrap();
        set(&mut keymap, "show-diff", "d").unwrap();
    }

    #[test]
    fn what_is_no_command_no_key_or_taken_is_said() {
        let mut keymap = Keymap::default();
        let said = set(&mut keymap, "runn", "x").unwrap_err();
        assert!(said.what.contains("runn") && said.hint.starts_with("did you mean run?"), "{said:?}");
        let said = set(&mut keymap, "nowhere.run", "x").unwrap_err();
        assert!(said.hint.contains("entry"), "{said:?}");
        let said = set(&mut keymap, "run", "R, hyper-r").unwrap_err();
        assert_eq!(said.part, "hyper-r");
        let said = set(&mut keymap, "run", "h").unwrap_err();
        assert!(said.what.contains("One more hint") && said.hint.contains("key.hint ="), "{said:?}");
        let said = set(&mut keymap, "entry.complete", "ctrl-c").unwrap_err();
        assert!(said.what.contains("ctrl-c"), "{said:?}");
        for (name, key, why) in [
            ("entry.complete", "a", "a is text"),
            ("search.close", "q", "q is text"),
            ("redraw", "R", "R is text"),
            ("run", "alt-3", "begins a count"),
            ("jump-forward", "ctrl-i", "sends for tab"),
            ("run", "ctrl-m", "sends for enter"),
        ] {
            let said = set(&mut keymap, name, key).unwrap_err();
            assert!(said.what.contains(why) && said.part == key, "{said:?}");
        }
        assert_eq!(keymap, Keymap::default(), "nothing of it was taken");
        assert_eq!(Key::parse("ctrl-X"), Key::parse("ctrl-x"), "as a terminal sends it");
    }
}
