//! vi's commands in the console's entry, in one table: the letters of its normal mode, as readline has them with
//! `editing-mode vi`.
//!
//! Invariant: what a letter does, what the help says of it and what is shown after `d`, `c` and `y` are all read from here.

use super::bindings::KeyAction;
use super::editor::ViMotion::{self, FirstText, Left, LineEnd, LineStart, Right, WholeLine, Word, WordBack, WordEnd};
use super::views::ViInsert;

/// The meaning of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViAction {
    Go(ViMotion),
    Kill(ViMotion),
    /// The next keys are text.
    Insert(ViInsert),
    /// The next letter says what `d`, `c` or `y` is about.
    Operator,
    /// The next character is looked for.
    Find,
    /// The character that was looked for last, once more, or the other way.
    FindAgain,
    /// The next character takes the place of the one at the cursor.
    Replace,
    Put {
        behind: bool,
    },
    Case,
    /// The last change once more.
    Again,
    /// Another key's command.
    Key(KeyAction),
}

/// Letters that mean the same.
pub struct ViCommand {
    /// Each of them is one.
    pub letters: &'static str,
    pub does: ViAction,
    /// For the help.
    pub long: &'static str,
}

const fn vi(letters: &'static str, does: ViAction, long: &'static str) -> ViCommand {
    ViCommand { letters, does, long }
}

/// The commands, in the order of the help.
pub static COMMANDS: &[ViCommand] = &[
    vi("i", ViAction::Insert(ViInsert::Here), "Type before the cursor"),
    vi("a", ViAction::Insert(ViInsert::Behind), "Type behind it"),
    vi("I", ViAction::Insert(ViInsert::LineStart), "Type at the start of the line"),
    vi("A", ViAction::Insert(ViInsert::LineEnd), "Type at the end of the line"),
    vi("o", ViAction::Insert(ViInsert::NewLine), "Type in a new line"),
    vi("h", ViAction::Go(Left), "Left"),
    vi("l ", ViAction::Go(Right), "Right"),
    vi("w", ViAction::Go(Word), "To the next word"),
    vi("e", ViAction::Go(WordEnd), "To the end of the word"),
    vi("b", ViAction::Go(WordBack), "To the word before"),
    vi("0", ViAction::Go(LineStart), "Start of the line"),
    vi("^", ViAction::Go(FirstText), "First character that is no blank"),
    vi("$", ViAction::Go(LineEnd), "End of the line"),
    vi("fFtT", ViAction::Find, "To the character that is typed next: onto it, or beside it; capitals look backwards"),
    vi(";,", ViAction::FindAgain, "To the next such character, or the other way"),
    vi("k-", ViAction::Key(KeyAction::Up), "Line up, or the statement before"),
    vi("j+", ViAction::Key(KeyAction::Down), "Line down, or the statement after"),
    vi("x", ViAction::Kill(Right), "Delete the character"),
    vi("X", ViAction::Kill(Left), "Delete the character before"),
    vi("r", ViAction::Replace, "Put the character that is typed next in its place"),
    vi("~", ViAction::Case, "The other case"),
    vi("s", ViAction::Insert(ViInsert::InPlaceOf(Right)), "Put something else in its place"),
    vi("dcy", ViAction::Operator, "Delete, change, copy: what, says the next letter"),
    vi("D", ViAction::Kill(LineEnd), "Delete to the end of the line"),
    vi("C", ViAction::Insert(ViInsert::InPlaceOf(LineEnd)), "Change to the end of the line"),
    vi("S", ViAction::Insert(ViInsert::InPlaceOf(WholeLine)), "Change the line"),
    vi("p", ViAction::Put { behind: true }, "Put back what was deleted or copied, behind the cursor"),
    vi("P", ViAction::Put { behind: false }, "Put it before the cursor"),
    vi(".", ViAction::Again, "Do the last change once more"),
    vi("u", ViAction::Key(KeyAction::UndoEdit), "Undo the last edit"),
    vi("/", ViAction::Key(KeyAction::HistorySearch), "Search the history backwards"),
    vi("v", ViAction::Key(KeyAction::EditText), "Write the statement in $EDITOR"),
];

/// The objects of `d`, `c` and `y`.
static OBJECTS: &[(&str, ViMotion, &str)] = &[
    ("w", Word, "to the next word"),
    ("e", WordEnd, "to the end of the word"),
    ("b", WordBack, "to the word before"),
    ("h", Left, "the character before"),
    ("l ", Right, "the character"),
    ("$", LineEnd, "to the end of the line"),
    ("0", LineStart, "to the start of the line"),
    ("^", FirstText, "to the first that is no blank"),
];

/// Returns what a letter does; None where it is no command.
pub fn command(letter: char) -> Option<ViAction> {
    COMMANDS.iter().find(|command| command.letters.contains(letter)).map(|command| command.does)
}

/// Returns what the letter behind `d`, `c` or `y` is about; None where it says nothing.
pub fn object(operator: char, letter: char) -> Option<ViMotion> {
    if letter == operator {
        return Some(WholeLine);
    }
    OBJECTS.iter().find(|(letters, ..)| letters.contains(letter)).map(|(_, motion, _)| *motion)
}

/// Returns what can follow `d`, `c` or `y`, with its letters.
pub fn objects(operator: char) -> Vec<(String, &'static str)> {
    let mut all = vec![(operator.to_string(), "the line"), (names("fFtT"), "to a character")];
    all.extend(OBJECTS.iter().map(|(letters, _, long)| (names(letters), *long)));
    all
}

/// Names letters as the help lists them: `l, space`.
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
