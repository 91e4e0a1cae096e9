//! vi's commands in the console's entry, in one table: the letters of its normal mode, as readline has them with
//! `editing-mode vi`.
//!
//! Invariant: what a letter does, what the help says of it and what is shown after `d`, `c` and `y` are all read from here;
//! what needs a character of its own, or goes on from what was done before, is done beside the table (`update/vi.rs`).

use super::bindings::KeyAction::{self, *};
use super::views::ViMode::{self, Command, Insert, Operator, Replace};

/// Letters that mean one thing, and the mode after them.
pub struct ViCommand {
    /// Each of them is one.
    pub letters: &'static str,
    pub does: &'static [KeyAction],
    pub next: ViMode,
    /// For the help.
    pub long: &'static str,
}

const fn vi(letters: &'static str, does: &'static [KeyAction], next: ViMode, long: &'static str) -> ViCommand {
    ViCommand { letters, does, next, long }
}

/// The commands, in the order of the help.
pub static COMMANDS: &[ViCommand] = &[
    vi("i", &[], Insert, "Type before the cursor"),
    vi("a", &[CharRight], Insert, "Type behind it"),
    vi("I", &[LineStart], Insert, "Type at the start of the line"),
    vi("A", &[LineEnd], Insert, "Type at the end of the line"),
    vi("o", &[LineEnd, NewLine], Insert, "Type in a new line"),
    vi("h", &[CharLeft], Command, "Left"),
    vi("l ", &[CharRight], Command, "Right"),
    vi("w", &[WordRight], Command, "Word right"),
    vi("e", &[WordRight], Command, "End of the word"),
    vi("b", &[WordLeft], Command, "Word left"),
    vi("0^", &[LineStart], Command, "Start of the line"),
    vi("$", &[LineEnd], Command, "End of the line"),
    vi("k-", &[Up], Command, "Line up, or the statement before"),
    vi("j+", &[Down], Command, "Line down, or the statement after"),
    vi("x", &[Delete], Command, "Delete the character"),
    vi("X", &[Backspace], Command, "Delete the character before"),
    vi("s", &[Delete], Insert, "Put something else in its place"),
    vi("fFtT", &[], Command, "To the character that is typed next: onto it, or beside it; capitals look backwards"),
    vi(";,", &[], Command, "To the next such character, or the other way"),
    vi("r", &[], Replace, "Put the character that is typed next in its place"),
    vi("~", &[], Command, "The other case"),
    vi("d", &[], Operator('d'), "Delete: what, says the next letter"),
    vi("c", &[], Operator('c'), "Change: what, says the next letter"),
    vi("y", &[], Operator('y'), "Copy: what, says the next letter"),
    vi("D", &[KillToEnd], Command, "Delete to the end of the line"),
    vi("C", &[KillToEnd], Insert, "Change to the end of the line"),
    vi("S", &[LineStart, KillToEnd], Insert, "Change the line"),
    vi("pP", &[Yank], Command, "Put back what was deleted"),
    vi(".", &[], Command, "Do the last change once more"),
    vi("u", &[UndoEdit], Command, "Undo the last edit"),
    vi("/", &[HistorySearch], Insert, "Search the history backwards"),
    vi("v", &[EditText], Insert, "Write the statement in $EDITOR"),
];

/// What `d`, `c` and `y` can be about.
static OBJECTS: &[ViCommand] = &[
    vi("we", &[DeleteWordRight], Command, "to the end of the word"),
    vi("b", &[DeleteWord], Command, "the word before"),
    vi("$", &[KillToEnd], Command, "to the end of the line"),
    vi("0^", &[KillToStart], Command, "to the start of the line"),
];

/// Returns what a letter does, and the mode after it. A letter that is no command does nothing.
pub fn command(mode: ViMode, letter: char) -> (&'static [KeyAction], ViMode) {
    let Operator(operator) = mode else {
        let found = COMMANDS.iter().find(|command| command.letters.contains(letter));
        return found.map_or((&[], Command), |command| (command.does, command.next));
    };
    let next = if operator == 'c' { Insert } else { Command };
    if letter == operator {
        return (&[LineStart, KillToEnd], next);
    }
    let found = OBJECTS.iter().find(|object| object.letters.contains(letter));
    found.map_or((&[], Command), |object| (object.does, next))
}

/// Returns what can follow `d`, `c` or `y`, with its letters.
pub fn objects(operator: char) -> Vec<(String, &'static str)> {
    let mut all = vec![(operator.to_string(), "the line"), (names("fFtT"), "to a character")];
    all.extend(OBJECTS.iter().map(|object| (names(object.letters), object.long)));
    all
}

/// Names letters as the help lists them: `0, ^`.
pub fn names(letters: &str) -> String {
    let name = |letter: char| if letter == ' ' { "space".to_owned() } else { letter.to_string() };
    letters.chars().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_letter_is_two_commands() {
        let letters: Vec<char> = COMMANDS.iter().flat_map(|command| command.letters.chars()).collect();
        for (at, letter) in letters.iter().enumerate() {
            assert!(!letters[at + 1..].contains(letter), "{letter}");
        }
    }
}
