//! Keys, their actions, and how a row of the keymap is written.

use std::collections::BTreeMap;

use crossterm::event::KeyCode::{self, *};

use super::panel::Panel;

/// The modes and panels in which a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// In every mode.
    Anywhere,
    /// Walking through the course: no text is being typed, nothing is asked.
    Walking,
    /// Walking, with the keyboard in this panel.
    In(Panel),
    /// Walking, after a search that can be gone on with.
    Found,
    /// Typing in the console.
    Entry,
    /// Typing a search.
    Search,
    /// Choosing in the command palette.
    Palette,
    /// Reading the help or the notes.
    Reading,
    /// Typing what to find in the help.
    Filtering,
    /// Asked what to do with what still runs.
    Leaving,
    /// Asked whether to do it.
    Asking,
}

/// Everything that a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAction {
    GoOn,
    GoBack,
    NextStep,
    BackStep,
    Run,
    RunChecks,
    Hint,
    Repair,
    RunStatement,
    BringHere,
    BringBack,
    Failover,
    UndoLast,
    JumpBack,
    JumpForward,
    UndoStep,
    UndoChapter,
    ApplyChapter,
    RestoreEdits,
    TakeCourse,
    Prepare,
    Locate,
    PauseClock,
    RestartClock,
    BeginAgain,
    Redact,
    Notes,
    Interrupt,
    Suspend,
    TakeHome,
    OwnShell,
    Images,
    Redraw,
    Quit,
    Help,
    Palette,
    Show(Panel),
    FocusNext,
    FocusBack,
    Zoom,
    Copy,
    CopyPart,
    Clock,
    Audience,
    Mouse,
    Console,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Left,
    Right,
    Search,
    SearchNext,
    SearchBack,
    Accept,
    Close,
    Detach,
    CancelRunning,
    NextHunk,
    BackHunk,
    ApplyHunk,
    UndoHunk,
    DiffOf,
    DiffLayout,
    OpenContext,
    OpenAll,
    EditFile,
    CheckOne,
    Follow,
    RawLog,
    NewSession,
    SqlPicture,
    NextSession,
    CloseSession,
    RetryTransaction,
    Export,
    NewLine,
    Backspace,
    Delete,
    DeleteWord,
    DeleteWordRight,
    KillToStart,
    KillToEnd,
    Yank,
    UndoEdit,
    CharLeft,
    CharRight,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    Complete,
    EditText,
    EndEntry,
    HistorySearch,
    AbortSearch,
}

impl KeyAction {
    /// Tells whether a count before its key repeats it: it moves within what one sees.
    pub fn repeats(self) -> bool {
        use KeyAction::*;
        matches!(
            self,
            Up | Down | PageUp | PageDown | Left | Right | NextHunk | BackHunk | SearchNext | SearchBack | NextSession
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
}

#[derive(Debug)]
pub struct Binding {
    pub context: Context,
    pub keys: &'static [Key],
    pub does: KeyAction,
    /// For the footer; None keeps it out.
    pub short: Option<&'static str>,
    /// For the help and the palette.
    pub long: &'static str,
}

/// The keys in force: the table's, but where a person has given others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    /// Other keys than the table's, by the row.
    pub changed: BTreeMap<usize, Vec<Key>>,
}

impl Keymap {
    /// Returns the keys of a row, counted from 0.
    pub fn keys<'a>(&'a self, row: usize, binding: &'a Binding) -> &'a [Key] {
        self.changed.get(&row).map_or(binding.keys, Vec::as_slice)
    }
}

/// Returns a key that types a character.
pub const fn c(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: false, alt: false }
}

/// Returns a character with control.
pub const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: true, alt: false }
}

/// Returns a character with alt.
pub const fn alt(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: false, alt: true }
}

/// Returns a key that types nothing: an arrow, enter.
pub const fn k(code: KeyCode) -> Key {
    Key { code, ctrl: false, alt: false }
}

/// Returns such a key with control.
pub const fn ctrl_k(code: KeyCode) -> Key {
    Key { code, ctrl: true, alt: false }
}

/// Returns such a key with alt.
pub const fn alt_k(code: KeyCode) -> Key {
    Key { code, ctrl: false, alt: true }
}

/// A row of the table that the footer may show.
pub const fn shown(
    context: Context,
    keys: &'static [Key],
    does: KeyAction,
    short: &'static str,
    long: &'static str,
) -> Binding {
    Binding { context, keys, does, short: Some(short), long }
}

/// A row that only the help and the palette show.
pub const fn quiet(context: Context, keys: &'static [Key], does: KeyAction, long: &'static str) -> Binding {
    Binding { context, keys, does, short: None, long }
}

impl Key {
    /// As a person reads it.
    pub fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "space".to_owned(),
            KeyCode::Char(',') => "comma".to_owned(),
            KeyCode::Char('#') => "hash".to_owned(),
            KeyCode::F(number) => format!("f{number}"),
            KeyCode::Char(c) => c.to_string(),
            Enter => "enter".to_owned(),
            Esc => "esc".to_owned(),
            Tab => "tab".to_owned(),
            BackTab => "shift-tab".to_owned(),
            Backspace => "backspace".to_owned(),
            Delete => "del".to_owned(),
            PageUp => "pgup".to_owned(),
            PageDown => "pgdn".to_owned(),
            Home => "home".to_owned(),
            End => "end".to_owned(),
            Up => "↑".to_owned(),
            Down => "↓".to_owned(),
            Left => "←".to_owned(),
            Right => "→".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
        let ctrl = if self.ctrl { "ctrl-" } else { "" };
        let alt = if self.alt { "alt-" } else { "" };
        format!("{ctrl}{alt}{name}")
    }
}
