//! Every key of the terminal interface, in one table.
//!
//! Invariant: the key handling, the footer, the help and the command palette are all read from
//! [`KEYMAP`]; there is no key that is not in it, but for text typed where text is wanted.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::model::{Mode, Panel};

/// Where a binding holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// In every mode.
    Anywhere,
    /// Walking through the course: no text is being typed, nothing is asked.
    Walking,
    /// Walking, with the keyboard in this panel.
    In(Panel),
    /// Typing in the console.
    Entry,
    /// Typing a search.
    Search,
    /// Choosing in the command palette.
    Palette,
    /// Reading the help or the notes.
    Reading,
    /// Asked what to do with what still runs.
    Leaving,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Do {
    GoOn,
    GoBack,
    NextStep,
    BackStep,
    Run,
    RunChecks,
    Hint,
    Repair,
    UndoStep,
    UndoChapter,
    ApplyChapter,
    RestoreEdits,
    Prepare,
    Locate,
    PauseClock,
    RestartClock,
    Redact,
    Notes,
    Interrupt,
    Suspend,
    Redraw,
    Quit,
    Help,
    Palette,
    Show(Panel),
    FocusNext,
    FocusBack,
    Zoom,
    Copy,
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
    NextSession,
    RetryTransaction,
    Export,
    NewLine,
    Backspace,
    Delete,
    DeleteWord,
    KillToStart,
    KillToEnd,
    Yank,
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
    pub does: Do,
    /// For the footer; None keeps it out.
    pub short: Option<&'static str>,
    /// For the help and the palette.
    pub long: &'static str,
    /// Whether the palette offers it.
    pub command: bool,
}

const fn c(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: false, alt: false }
}
const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: true, alt: false }
}
const fn alt(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: false, alt: true }
}
const fn k(code: KeyCode) -> Key {
    Key { code, ctrl: false, alt: false }
}
const fn ctrl_k(code: KeyCode) -> Key {
    Key { code, ctrl: true, alt: false }
}
const fn alt_k(code: KeyCode) -> Key {
    Key { code, ctrl: false, alt: true }
}

/// A key that the footer and the palette show.
const fn shown(
    context: Context,
    keys: &'static [Key],
    does: Do,
    short: &'static str,
    long: &'static str,
    command: bool,
) -> Binding {
    Binding { context, keys, does, short: Some(short), long, command }
}

/// A key that only the help lists.
const fn quiet(context: Context, keys: &'static [Key], does: Do, long: &'static str) -> Binding {
    Binding { context, keys, does, short: None, long, command: false }
}

/// A command for the palette and the help, out of the footer.
const fn command(context: Context, keys: &'static [Key], does: Do, long: &'static str) -> Binding {
    Binding { context, keys, does, short: None, long, command: true }
}

use Context::{Anywhere, Entry, In, Leaving, Palette, Reading, Search, Walking};
use KeyCode::{BackTab, Backspace, Delete, Down, End, Enter, Esc, Home, Left, PageDown, PageUp, Right, Tab, Up};

/// In the order of the footer and of the help.
pub static KEYMAP: &[Binding] = &[
    // A panel's own keys come before the general ones.
    shown(In(Panel::Outline), &[k(Enter)], Do::Accept, "go there", "Go to the selected step", false),
    shown(In(Panel::Outline), &[k(Right)], Do::Right, "open", "Show the steps of the selected chapter", false),
    quiet(In(Panel::Outline), &[k(Left)], Do::Left, "Hide the steps of the selected chapter"),
    shown(In(Panel::Diff), &[c(']')], Do::NextHunk, "next hunk", "Next hunk, with its note", false),
    shown(In(Panel::Diff), &[c('[')], Do::BackHunk, "back", "Previous hunk", false),
    shown(In(Panel::Diff), &[c('a')], Do::ApplyHunk, "apply", "Apply this hunk", false),
    shown(In(Panel::Diff), &[c('u')], Do::UndoHunk, "undo", "Undo this hunk", false),
    shown(
        In(Panel::Diff),
        &[c('m')],
        Do::DiffOf,
        "which",
        "Switch: this step, the whole chapter, my files against it",
        false,
    ),
    shown(In(Panel::Diff), &[c('s')], Do::DiffLayout, "split", "Unified, side by side, or by width", false),
    shown(
        In(Panel::Diff),
        &[c('o')],
        Do::OpenContext,
        "context",
        "Open or close the collapsed lines nearest to the hunk",
        false,
    ),
    quiet(In(Panel::Diff), &[c('O')], Do::OpenAll, "Open or close all collapsed lines"),
    shown(In(Panel::Sql), &[k(Enter)], Do::Console, "type", "Type SQL", false),
    shown(
        In(Panel::Sql),
        &[c('t')],
        Do::RetryTransaction,
        "retry transaction",
        "Retry the whole transaction that ended in a conflict",
        true,
    ),
    command(
        In(Panel::Sql),
        &[c('w')],
        Do::Export,
        "Write the rows of the last query to a CSV file (runs it once more)",
    ),
    shown(In(Panel::Sql), &[c(']'), c('[')], Do::NextSession, "session", "Next console session", false),
    command(In(Panel::Sql), &[c('+')], Do::NewSession, "Open another console session"),
    shown(In(Panel::Checks), &[k(Enter)], Do::CheckOne, "run this", "Run the selected check again", false),
    shown(In(Panel::Log), &[c('f')], Do::Follow, "follow", "Follow the newest lines", false),
    shown(In(Panel::Deploy), &[c('l')], Do::RawLog, "raw log", "The raw log of the deploy", false),
    // Driving.
    shown(
        Walking,
        &[c(' '), k(PageDown)],
        Do::GoOn,
        "go on",
        "Go on: read on, run the step, or move to the next (clicker forward)",
        false,
    ),
    shown(
        Walking,
        &[k(PageUp), k(Backspace)],
        Do::GoBack,
        "back",
        "Go back: scroll up, or move to the previous step (clicker back)",
        false,
    ),
    shown(Walking, &[c('r'), k(Enter)], Do::Run, "run", "Run this step (again)", true),
    shown(Walking, &[c('f')], Do::Repair, "repair", "Go to the step that repairs the expected failure", true),
    shown(Walking, &[c('h')], Do::Hint, "hint", "One more hint", true),
    shown(Walking, &[k(Tab)], Do::FocusNext, "panel", "Next panel", false),
    shown(Walking, &[c('?')], Do::Help, "help", "This help", true),
    shown(Walking, &[c('q')], Do::Quit, "quit", "Leave; everything is kept for the next time", true),
    command(Walking, &[c('n')], Do::NextStep, "Next step, without running this one"),
    command(Walking, &[c('b')], Do::BackStep, "Previous step"),
    command(Walking, &[c('c')], Do::RunChecks, "Run the chapter's checks"),
    command(Walking, &[c('i')], Do::Console, "Type SQL in the console"),
    quiet(Walking, &[k(BackTab)], Do::FocusBack, "Previous panel"),
    command(Walking, &[c('z')], Do::Zoom, "Zoom this panel, or back"),
    shown(Walking, &[c('/')], Do::Search, "search", "Search in the log or the results", true),
    shown(Walking, &[c(':'), ctrl('p')], Do::Palette, "commands", "Command palette: every command, every step", false),
    command(Walking, &[c('x')], Do::Redact, "Hide account ids, ARNs, endpoints and tokens, or show them again"),
    command(Walking, &[c('p')], Do::PauseClock, "Pause the stage clock, or let it run on"),
    command(Walking, &[], Do::RestartClock, "Start the stage clock again from zero, after a rehearsal"),
    command(Walking, &[c('N')], Do::Notes, "Presenter notes of this step on this screen"),
    command(Walking, &[c('y')], Do::Copy, "Copy this panel to the clipboard"),
    command(Walking, &[c('e')], Do::EditFile, "Open the step's file in $EDITOR"),
    command(Walking, &[c('U')], Do::UndoStep, "Take back what this step wrote"),
    command(Walking, &[], Do::UndoChapter, "Take back what this chapter wrote"),
    command(Walking, &[c('A')], Do::ApplyChapter, "Apply all changes of this chapter"),
    command(Walking, &[c('E')], Do::RestoreEdits, "Bring back own edits that were put aside"),
    command(Walking, &[], Do::Prepare, "Prepare again: prerequisites, packages, sandbox"),
    command(Walking, &[], Do::Locate, "Look where files, stack and database really are"),
    command(Walking, &[c('1')], Do::Show(Panel::Outline), "Outline"),
    command(Walking, &[c('2')], Do::Show(Panel::Page), "Page"),
    command(Walking, &[c('3')], Do::Show(Panel::Diff), "Diff"),
    command(Walking, &[c('4')], Do::Show(Panel::Deploy), "Deploy"),
    command(Walking, &[c('5')], Do::Show(Panel::Sql), "SQL console"),
    command(Walking, &[c('6')], Do::Show(Panel::Checks), "Checks"),
    command(Walking, &[c('7')], Do::Show(Panel::Log), "Log"),
    quiet(Walking, &[k(Up), c('k')], Do::Up, "Up"),
    quiet(Walking, &[k(Down), c('j')], Do::Down, "Down"),
    quiet(Walking, &[ctrl('u')], Do::PageUp, "One page up"),
    quiet(Walking, &[ctrl('d')], Do::PageDown, "One page down"),
    quiet(Walking, &[k(Home), c('g')], Do::Top, "To the beginning"),
    quiet(Walking, &[k(End), c('G')], Do::Bottom, "To the end"),
    quiet(Walking, &[k(Left)], Do::Left, "To the left"),
    quiet(Walking, &[k(Right)], Do::Right, "To the right"),
    quiet(Walking, &[k(Esc)], Do::Close, "Close, or leave the zoom"),
    // Typing SQL.
    shown(Entry, &[k(Enter)], Do::Accept, "send", "Send, when the statement ends with ;", false),
    shown(Entry, &[k(Tab)], Do::Complete, "complete", "Complete the word", false),
    shown(Entry, &[k(Esc)], Do::EndEntry, "leave", "Leave the console's entry", false),
    shown(Entry, &[k(Up)], Do::Up, "history", "Line up, or the statement before", false),
    quiet(Entry, &[k(Down)], Do::Down, "Line down, or the statement after"),
    shown(Entry, &[ctrl('r')], Do::HistorySearch, "search history", "Search the history backwards", false),
    shown(Entry, &[ctrl('c')], Do::Interrupt, "cancel", "Cancel the running statement, or clear the entry", false),
    shown(
        Entry,
        &[ctrl('t')],
        Do::RetryTransaction,
        "retry",
        "Retry the whole transaction that ended in a conflict",
        false,
    ),
    quiet(Entry, &[ctrl('x')], Do::EditText, "Write the statement in $EDITOR (as \\e does)"),
    shown(Entry, &[ctrl('o')], Do::NextSession, "session", "Next console session", false),
    quiet(Entry, &[ctrl('p')], Do::Palette, "Command palette: every command, every step"),
    quiet(Entry, &[alt('+')], Do::NewSession, "Open another console session"),
    quiet(Entry, &[alt_k(Enter), ctrl('j')], Do::NewLine, "New line"),
    quiet(Entry, &[k(PageUp)], Do::PageUp, "Results up"),
    quiet(Entry, &[k(PageDown)], Do::PageDown, "Results down"),
    quiet(Entry, &[alt_k(Left)], Do::Left, "Results to the left"),
    quiet(Entry, &[alt_k(Right)], Do::Right, "Results to the right"),
    quiet(Entry, &[k(Backspace), ctrl('h')], Do::Backspace, "Delete the character before"),
    quiet(Entry, &[k(Delete)], Do::Delete, "Delete the character"),
    quiet(Entry, &[ctrl('d')], Do::EndEntry, "Leave the entry when it is empty"),
    quiet(Entry, &[ctrl('w'), alt_k(Backspace)], Do::DeleteWord, "Delete the word before"),
    quiet(Entry, &[ctrl('u')], Do::KillToStart, "Delete to the start of the line"),
    quiet(Entry, &[ctrl('k')], Do::KillToEnd, "Delete to the end of the line"),
    quiet(Entry, &[ctrl('y')], Do::Yank, "Put back what was deleted"),
    quiet(Entry, &[k(Left), ctrl('b')], Do::CharLeft, "Left"),
    quiet(Entry, &[k(Right), ctrl('f')], Do::CharRight, "Right"),
    quiet(Entry, &[ctrl_k(Left), alt('b')], Do::WordLeft, "Word left"),
    quiet(Entry, &[ctrl_k(Right), alt('f')], Do::WordRight, "Word right"),
    quiet(Entry, &[k(Home), ctrl('a')], Do::LineStart, "Start of the line"),
    quiet(Entry, &[k(End), ctrl('e')], Do::LineEnd, "End of the line"),
    // Searching.
    shown(Search, &[k(Enter), k(Down)], Do::SearchNext, "next", "Next match", false),
    shown(Search, &[k(Up)], Do::SearchBack, "previous", "Previous match", false),
    shown(Search, &[k(Esc)], Do::Close, "close", "Close the search", false),
    quiet(Search, &[k(Backspace), ctrl('h')], Do::Backspace, "Delete the character before"),
    quiet(Search, &[ctrl('u')], Do::KillToStart, "Clear"),
    quiet(Search, &[ctrl('c')], Do::Close, "Close the search"),
    // Choosing.
    shown(Palette, &[k(Enter)], Do::Accept, "choose", "Do the selected one", false),
    shown(Palette, &[k(Up), k(BackTab)], Do::Up, "up", "Up", false),
    shown(Palette, &[k(Down), k(Tab)], Do::Down, "down", "Down", false),
    shown(Palette, &[k(Esc)], Do::Close, "close", "Close", false),
    quiet(Palette, &[k(Backspace), ctrl('h')], Do::Backspace, "Delete the character before"),
    quiet(Palette, &[ctrl('u')], Do::KillToStart, "Clear"),
    quiet(Palette, &[ctrl('c')], Do::Close, "Close"),
    // Reading.
    shown(Reading, &[k(Down), c('j')], Do::Down, "down", "Down", false),
    shown(Reading, &[k(Up), c('k')], Do::Up, "up", "Up", false),
    quiet(Reading, &[k(PageDown), c(' ')], Do::PageDown, "One page down"),
    quiet(Reading, &[k(PageUp)], Do::PageUp, "One page up"),
    shown(Reading, &[k(Esc), c('q'), c('?'), c('N'), k(Enter)], Do::Close, "close", "Close", false),
    // Leaving.
    shown(Leaving, &[c('d')], Do::Detach, "detach", "Leave it running in the cloud, and go", false),
    shown(Leaving, &[c('c')], Do::CancelRunning, "cancel it", "Cancel what runs, and go", false),
    shown(Leaving, &[k(Esc), c('k'), c('q')], Do::Close, "keep watching", "Stay", false),
    // Always.
    shown(Anywhere, &[ctrl('c')], Do::Interrupt, "interrupt", "Interrupt what runs, or leave", false),
    quiet(Anywhere, &[ctrl('z')], Do::Suspend, "Back to the shell; fg returns"),
    quiet(Anywhere, &[ctrl('l')], Do::Redraw, "Draw the screen anew"),
];

/// The contexts that hold now, the nearest first.
fn contexts(mode: &Mode, focus: Panel) -> [Option<Context>; 3] {
    match mode {
        Mode::Walking => [Some(In(focus)), Some(Walking), Some(Anywhere)],
        Mode::Entry => [Some(Entry), Some(Anywhere), None],
        Mode::Search { .. } => [Some(Search), Some(Anywhere), None],
        Mode::Palette(_) => [Some(Palette), Some(Anywhere), None],
        Mode::Help { .. } | Mode::Notes { .. } => [Some(Reading), Some(Anywhere), None],
        Mode::Leave(_) => [Some(Leaving), Some(Anywhere), None],
    }
}

/// What a key does here. None: it is text, where text is wanted, or nothing.
pub fn lookup(mode: &Mode, focus: Panel, event: &KeyEvent) -> Option<Do> {
    let key = Key {
        code: event.code,
        ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        alt: event.modifiers.contains(KeyModifiers::ALT),
    };
    contexts(mode, focus)
        .into_iter()
        .flatten()
        .find_map(|context| KEYMAP.iter().find(|b| b.context == context && b.keys.contains(&key)).map(|b| b.does))
}

/// The bindings that the footer may show now, most important first.
pub fn footer(mode: &Mode, focus: Panel) -> impl Iterator<Item = &'static Binding> {
    let contexts = contexts(mode, focus);
    contexts
        .into_iter()
        .flatten()
        .flat_map(|context| KEYMAP.iter().filter(move |b| b.context == context))
        .filter(|b| b.short.is_some())
}

/// The help's chapters.
pub fn sections() -> Vec<(String, Vec<&'static Binding>)> {
    let titles: [(&str, Context); 7] = [
        ("Driving", Walking),
        ("Typing SQL", Entry),
        ("Searching", Search),
        ("Commands", Palette),
        ("Help and notes", Reading),
        ("Leaving", Leaving),
        ("Always", Anywhere),
    ];
    let of = |context: Context| -> Vec<&'static Binding> { KEYMAP.iter().filter(|b| b.context == context).collect() };
    let mut sections = vec![(titles[0].0.to_owned(), of(Walking))];
    for panel in Panel::ALL {
        let keys = of(In(panel));
        if !keys.is_empty() {
            sections.push((format!("In the panel {}", panel.title()), keys));
        }
    }
    sections.extend(titles[1..].iter().map(|(title, context)| ((*title).to_owned(), of(*context))));
    sections
}

impl Key {
    /// As a person reads it.
    pub fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "space".to_owned(),
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

impl Binding {
    pub fn key_names(&self) -> String {
        self.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
    }

    #[test]
    fn q_in_the_sql_console_is_text() {
        assert_eq!(lookup(&Mode::Walking, Panel::Sql, &press('q')), Some(Do::Quit));
        assert_eq!(lookup(&Mode::Entry, Panel::Sql, &press('q')), None);
        for c in ' '..='~' {
            assert_eq!(lookup(&Mode::Entry, Panel::Sql, &press(c)), None, "{c}");
        }
    }

    #[test]
    fn no_key_means_two_things_in_one_context() {
        for (i, a) in KEYMAP.iter().enumerate() {
            for b in &KEYMAP[i + 1..] {
                if a.context == b.context {
                    assert!(!a.keys.iter().any(|key| b.keys.contains(key)), "{} and {}", a.long, b.long);
                }
            }
        }
    }

    #[test]
    fn a_clicker_drives() {
        let forward = KeyEvent::new(PageDown, KeyModifiers::NONE);
        let back = KeyEvent::new(PageUp, KeyModifiers::NONE);
        for panel in Panel::ALL {
            assert_eq!(lookup(&Mode::Walking, panel, &forward), Some(Do::GoOn));
            assert_eq!(lookup(&Mode::Walking, panel, &back), Some(Do::GoBack));
        }
    }

    #[test]
    fn everything_in_the_table_is_in_the_help() {
        let listed: usize = sections().iter().map(|(_, keys)| keys.len()).sum();
        assert_eq!(listed, KEYMAP.len());
    }
}
