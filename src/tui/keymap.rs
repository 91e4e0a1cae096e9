//! Every key of the terminal interface, in one table.
//!
//! Invariant: the key handling, the footer, the help and the command palette are all read from
//! [`KEYMAP`]; there is no key that is not in it, but for text typed where text is wanted.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::bindings::{Binding, Context, Key, KeyAction, Keymap, alt, alt_k, c, ctrl, ctrl_k, k, quiet, shown};
use super::model::{InputMode, Panel};

use Context::{Anywhere, Asking, Entry, Filtering, Found, In, Leaving, Palette, Reading, Search, Walking};
use KeyCode::{BackTab, Backspace, Delete, Down, End, Enter, Esc, Home, Left, PageDown, PageUp, Right, Tab, Up};

/// In the order of the footer and of the help.
pub static KEYMAP: &[Binding] = &[
    // A panel's own keys come before the general ones.
    shown(In(Panel::Outline), &[k(Enter)], KeyAction::Accept, "go there", "Go to the selected step"),
    shown(In(Panel::Outline), &[k(Right)], KeyAction::Right, "open", "Show the steps of the selected chapter"),
    quiet(In(Panel::Outline), &[k(Left)], KeyAction::Left, "Hide the steps of the selected chapter"),
    shown(In(Panel::Diff), &[c(']')], KeyAction::NextHunk, "next hunk", "Next hunk, with its note"),
    shown(In(Panel::Diff), &[c('[')], KeyAction::BackHunk, "back", "Previous hunk"),
    shown(In(Panel::Diff), &[c('a')], KeyAction::ApplyHunk, "apply this", "Apply this hunk"),
    shown(In(Panel::Diff), &[c('u')], KeyAction::UndoHunk, "undo", "Undo this hunk"),
    shown(
        In(Panel::Diff),
        &[c('m')],
        KeyAction::DiffOf,
        "which",
        "Switch: this step, the whole chapter, my files against it",
    ),
    shown(In(Panel::Diff), &[c('s')], KeyAction::DiffLayout, "split", "Unified, side by side, or by width"),
    shown(
        In(Panel::Diff),
        &[c('o')],
        KeyAction::OpenContext,
        "context",
        "Open or close the collapsed lines nearest to the hunk",
    ),
    quiet(In(Panel::Diff), &[c('O')], KeyAction::OpenAll, "Open or close all collapsed lines"),
    shown(In(Panel::Sql), &[k(Enter)], KeyAction::Console, "type", "Type SQL"),
    shown(
        In(Panel::Sql),
        &[c('t')],
        KeyAction::RetryTransaction,
        "retry transaction",
        "Retry the whole transaction that ended in a conflict",
    ),
    quiet(
        In(Panel::Sql),
        &[c('w')],
        KeyAction::Export,
        "Write the rows of the last query to a CSV file (runs it once more)",
    ),
    shown(In(Panel::Sql), &[c(']'), c('[')], KeyAction::NextSession, "session", "Next console session"),
    shown(
        In(Panel::Sql),
        &[c('v')],
        KeyAction::SqlPicture,
        "picture",
        "The sessions as lanes on one axis of time, the newest plan as a tree, or what was said",
    ),
    quiet(In(Panel::Sql), &[c('+')], KeyAction::NewSession, "Open another console session"),
    quiet(In(Panel::Sql), &[c('-')], KeyAction::CloseSession, "Close this console session"),
    shown(In(Panel::Checks), &[k(Enter)], KeyAction::CheckOne, "run this", "Run the selected check again"),
    shown(In(Panel::Log), &[c('f')], KeyAction::Follow, "follow", "Follow the newest lines"),
    shown(In(Panel::Deploy), &[c('l')], KeyAction::RawLog, "raw log", "The raw log of the deploy"),
    // After a search.
    shown(Found, &[c('n')], KeyAction::SearchNext, "next match", "Next match"),
    shown(Found, &[c('N')], KeyAction::SearchBack, "match before", "Match before"),
    quiet(Found, &[k(Esc)], KeyAction::Close, "Take the marks away, and forget the search"),
    // Driving.
    shown(
        Walking,
        &[c(' '), k(PageDown)],
        KeyAction::GoOn,
        "go on",
        "Go on: read on, run the step, or move to the next (clicker forward)",
    ),
    shown(
        Walking,
        &[k(PageUp), k(Backspace)],
        KeyAction::GoBack,
        "back",
        "Go back: scroll up, or move to the previous step (clicker back)",
    ),
    shown(Walking, &[c('r'), k(Enter)], KeyAction::Run, "run", "Run this step (again)"),
    shown(Walking, &[c('f')], KeyAction::Repair, "repair", "Go to the step that repairs the expected failure"),
    shown(Walking, &[c('h')], KeyAction::Hint, "hint", "One more hint"),
    shown(Walking, &[k(Tab)], KeyAction::FocusNext, "panel", "Next panel"),
    shown(Walking, &[c('?')], KeyAction::Help, "help", "This help"),
    shown(Walking, &[c('q')], KeyAction::Quit, "quit", "Leave; everything is kept for the next time"),
    quiet(Walking, &[c('.')], KeyAction::RunStatement, "Run the next statement of this step alone"),
    quiet(
        Walking,
        &[c('B')],
        KeyAction::BringHere,
        "Bring everything here: files, packages, stack, database and clock as this chapter begins",
    ),
    quiet(
        Walking,
        &[c('F')],
        KeyAction::Failover,
        "Fail over: move the talk from the account onto its local standby, or back (asks first)",
    ),
    quiet(Walking, &[], KeyAction::BringBack, "Put everything back to what it was before it was brought somewhere"),
    quiet(Walking, &[c('n')], KeyAction::NextStep, "Next step, without running this one (its files are written)"),
    quiet(Walking, &[c('b')], KeyAction::BackStep, "Previous step"),
    quiet(Walking, &[c('c')], KeyAction::RunChecks, "Run the chapter's checks"),
    quiet(Walking, &[c('i')], KeyAction::Console, "Type SQL in the console"),
    quiet(Walking, &[k(BackTab)], KeyAction::FocusBack, "Previous panel"),
    quiet(Walking, &[c('z')], KeyAction::Zoom, "Zoom this panel, or back"),
    shown(Walking, &[c('/')], KeyAction::Search, "search", "Search in this panel"),
    shown(Walking, &[c(':'), ctrl('p')], KeyAction::Palette, "commands", "Command palette: every command, every step"),
    quiet(Walking, &[c('x')], KeyAction::Redact, "Hide account ids, ARNs, endpoints and tokens, or show them again"),
    quiet(Walking, &[c('p')], KeyAction::PauseClock, "Pause the stage clock, or let it run on"),
    quiet(Walking, &[], KeyAction::RestartClock, "Start the stage clock again from zero, after a rehearsal"),
    quiet(
        Walking,
        &[],
        KeyAction::BeginAgain,
        "Begin again: ticks, clock, files and the sandbox as they were before the first chapter on stage",
    ),
    quiet(Walking, &[c('N')], KeyAction::Notes, "Presenter notes of this step on this screen"),
    quiet(
        Walking,
        &[c('y')],
        KeyAction::CopyPart,
        "Copy one thing to the clipboard: an output, a statement, a block of code",
    ),
    quiet(Walking, &[c('Y')], KeyAction::Copy, "Copy this panel to the clipboard"),
    quiet(
        Walking,
        &[c('S')],
        KeyAction::OwnShell,
        "Own shell in the project, with the target's environment; exit comes back",
    ),
    quiet(Walking, &[c('I')], KeyAction::Images, "Show this step's pictures, where the terminal has any"),
    quiet(
        Walking,
        &[c('W')],
        KeyAction::TakeHome,
        "Write the record to take home: what was done and what came of it, identities hidden",
    ),
    quiet(
        Walking,
        &[c('L')],
        KeyAction::Audience,
        "Layout for an audience: the page and one panel, no clock, identities hidden",
    ),
    quiet(
        Walking,
        &[c('M')],
        KeyAction::Mouse,
        "Use the mouse: click on panels, steps and checks, scroll; or let the terminal select text",
    ),
    quiet(Walking, &[c('t')], KeyAction::Clock, "Show the clock and the planned times, or hide them"),
    quiet(Walking, &[c('e')], KeyAction::EditFile, "Open the step's file in $EDITOR"),
    quiet(Walking, &[c('Z')], KeyAction::UndoLast, "Take the last action back: a move, a hunk, an edit"),
    quiet(Walking, &[ctrl('o')], KeyAction::JumpBack, "Back to where the last leap began"),
    // What a terminal sends for ctrl-i is a tab.
    quiet(Walking, &[alt('o')], KeyAction::JumpForward, "Forward again over a leap"),
    quiet(Walking, &[c('U')], KeyAction::UndoStep, "Take back what this step wrote"),
    quiet(Walking, &[], KeyAction::UndoChapter, "Take back what this chapter wrote"),
    quiet(Walking, &[c('A')], KeyAction::ApplyChapter, "Apply all changes of this chapter"),
    quiet(Walking, &[c('E')], KeyAction::RestoreEdits, "Bring back own edits that were put aside"),
    quiet(
        Walking,
        &[c('T')],
        KeyAction::TakeCourse,
        "Take the course's text where your own lines meet it; yours are put aside",
    ),
    quiet(Walking, &[], KeyAction::Prepare, "Prepare again: prerequisites, packages, sandbox"),
    quiet(Walking, &[], KeyAction::Locate, "Look where files, stack and database really are"),
    quiet(Walking, &[c('1')], KeyAction::Show(Panel::Outline), "Outline"),
    quiet(Walking, &[c('2')], KeyAction::Show(Panel::Page), "Page"),
    quiet(Walking, &[c('3')], KeyAction::Show(Panel::Diff), "Diff"),
    quiet(Walking, &[c('4')], KeyAction::Show(Panel::Deploy), "Deploy"),
    quiet(Walking, &[c('5')], KeyAction::Show(Panel::Sql), "SQL console"),
    quiet(Walking, &[c('6')], KeyAction::Show(Panel::Checks), "Checks"),
    quiet(Walking, &[c('7')], KeyAction::Show(Panel::Log), "Log"),
    quiet(
        Walking,
        &[c('8')],
        KeyAction::Show(Panel::Load),
        "Load: throughput, failures and latencies of many invocations",
    ),
    quiet(Walking, &[k(Up), c('k')], KeyAction::Up, "Up"),
    quiet(Walking, &[k(Down), c('j')], KeyAction::Down, "Down"),
    quiet(Walking, &[ctrl('u')], KeyAction::PageUp, "One page up"),
    quiet(Walking, &[ctrl('d')], KeyAction::PageDown, "One page down"),
    quiet(Walking, &[k(Home), c('g')], KeyAction::Top, "To the beginning"),
    quiet(Walking, &[k(End), c('G')], KeyAction::Bottom, "To the end"),
    quiet(Walking, &[k(Left)], KeyAction::Left, "To the left"),
    quiet(Walking, &[k(Right)], KeyAction::Right, "To the right"),
    quiet(Walking, &[k(Esc)], KeyAction::Close, "Close, or leave the zoom"),
    // Typing SQL.
    shown(Entry, &[k(Enter)], KeyAction::Accept, "send", "Send, when the statement ends with ;"),
    shown(Entry, &[k(Tab)], KeyAction::Complete, "complete", "Complete the word"),
    shown(Entry, &[k(Esc)], KeyAction::EndEntry, "leave", "Leave the console's entry"),
    shown(Entry, &[k(Up)], KeyAction::Up, "history", "Line up, or the statement before"),
    quiet(Entry, &[k(Down)], KeyAction::Down, "Line down, or the statement after"),
    shown(Entry, &[ctrl('r')], KeyAction::HistorySearch, "search history", "Search the history backwards"),
    quiet(Entry, &[ctrl('g')], KeyAction::AbortSearch, "Stop searching the history, or completing"),
    shown(Entry, &[ctrl('c')], KeyAction::Interrupt, "cancel", "Cancel the running statement, or clear the entry"),
    shown(
        Entry,
        &[ctrl('t')],
        KeyAction::RetryTransaction,
        "retry",
        "Retry the whole transaction that ended in a conflict",
    ),
    quiet(Entry, &[ctrl('x')], KeyAction::EditText, "Write the statement in $EDITOR (as \\e does)"),
    shown(Entry, &[ctrl('o')], KeyAction::NextSession, "session", "Next console session"),
    quiet(Entry, &[ctrl('p')], KeyAction::Palette, "Command palette: every command, every step"),
    quiet(Entry, &[alt('+')], KeyAction::NewSession, "Open another console session"),
    quiet(Entry, &[alt('-')], KeyAction::CloseSession, "Close this console session"),
    quiet(Entry, &[alt_k(Enter), ctrl('j')], KeyAction::NewLine, "New line"),
    quiet(Entry, &[k(PageUp)], KeyAction::PageUp, "Results up"),
    quiet(Entry, &[k(PageDown)], KeyAction::PageDown, "Results down"),
    quiet(Entry, &[alt_k(Left)], KeyAction::Left, "Results to the left"),
    quiet(Entry, &[alt_k(Right)], KeyAction::Right, "Results to the right"),
    quiet(Entry, &[k(Backspace), ctrl('h')], KeyAction::Backspace, "Delete the character before"),
    quiet(Entry, &[k(Delete)], KeyAction::Delete, "Delete the character"),
    quiet(Entry, &[ctrl('d')], KeyAction::EndEntry, "Leave the entry when it is empty"),
    quiet(Entry, &[ctrl('w'), alt_k(Backspace)], KeyAction::DeleteWord, "Delete the word before"),
    quiet(Entry, &[alt('d')], KeyAction::DeleteWordRight, "Delete to the end of the word"),
    quiet(Entry, &[ctrl('u')], KeyAction::KillToStart, "Delete to the start of the line"),
    quiet(Entry, &[ctrl('k')], KeyAction::KillToEnd, "Delete to the end of the line"),
    quiet(Entry, &[ctrl('y')], KeyAction::Yank, "Put back what was deleted"),
    // What a terminal sends for ctrl-_ and ctrl-/, as readline has it.
    quiet(Entry, &[ctrl('7'), alt('u')], KeyAction::UndoEdit, "Undo the last edit, as ctrl-_ does elsewhere"),
    quiet(Entry, &[k(Left), ctrl('b')], KeyAction::CharLeft, "Left"),
    quiet(Entry, &[k(Right), ctrl('f')], KeyAction::CharRight, "Right"),
    quiet(Entry, &[ctrl_k(Left), alt('b')], KeyAction::WordLeft, "Word left"),
    quiet(Entry, &[ctrl_k(Right), alt('f')], KeyAction::WordRight, "Word right"),
    quiet(Entry, &[k(Home), ctrl('a')], KeyAction::LineStart, "Start of the line"),
    quiet(Entry, &[k(End), ctrl('e')], KeyAction::LineEnd, "End of the line"),
    // Searching.
    shown(Search, &[k(Enter)], KeyAction::Accept, "find", "Keep this search, to go on to the next match"),
    shown(Search, &[k(Down)], KeyAction::SearchNext, "next", "Next match"),
    shown(Search, &[k(Up)], KeyAction::SearchBack, "previous", "Previous match"),
    shown(Search, &[k(Esc)], KeyAction::Close, "close", "Close the search"),
    quiet(Search, &[k(Backspace), ctrl('h')], KeyAction::Backspace, "Delete the character before"),
    quiet(Search, &[ctrl('u')], KeyAction::KillToStart, "Clear"),
    quiet(Search, &[ctrl('c')], KeyAction::Close, "Close the search"),
    // Choosing.
    shown(Palette, &[k(Enter)], KeyAction::Accept, "choose", "Do the selected one"),
    shown(Palette, &[k(Up), k(BackTab)], KeyAction::Up, "up", "Up"),
    shown(Palette, &[k(Down), k(Tab)], KeyAction::Down, "down", "Down"),
    shown(Palette, &[k(Esc)], KeyAction::Close, "close", "Close"),
    quiet(Palette, &[k(Backspace), ctrl('h')], KeyAction::Backspace, "Delete the character before"),
    quiet(Palette, &[ctrl('u')], KeyAction::KillToStart, "Clear"),
    quiet(Palette, &[ctrl('c')], KeyAction::Close, "Close"),
    // Reading.
    shown(Reading, &[k(Down), c('j')], KeyAction::Down, "down", "Down"),
    shown(Reading, &[c('/')], KeyAction::Search, "find", "Find in the help"),
    shown(Reading, &[k(Up), c('k')], KeyAction::Up, "up", "Up"),
    quiet(Reading, &[k(PageDown), c(' ')], KeyAction::PageDown, "One page down"),
    quiet(Reading, &[k(PageUp)], KeyAction::PageUp, "One page up"),
    shown(Reading, &[k(Esc), c('q'), c('?'), c('N'), k(Enter)], KeyAction::Close, "close", "Close"),
    // Finding in the help.
    shown(Filtering, &[k(Enter)], KeyAction::Accept, "keep", "Keep what was found and read it"),
    shown(Filtering, &[k(Esc), ctrl('c')], KeyAction::Close, "all", "All of the help again"),
    quiet(Filtering, &[k(Backspace), ctrl('h')], KeyAction::Backspace, "Delete the character before"),
    quiet(Filtering, &[ctrl('u')], KeyAction::KillToStart, "Clear"),
    quiet(Filtering, &[k(Down)], KeyAction::Down, "Down"),
    quiet(Filtering, &[k(Up)], KeyAction::Up, "Up"),
    // Leaving.
    shown(Leaving, &[c('d')], KeyAction::Detach, "detach", "Leave it running in the cloud, and go"),
    shown(Leaving, &[c('c')], KeyAction::CancelRunning, "cancel it", "Cancel what runs, and go"),
    shown(Leaving, &[k(Esc), c('k'), c('q')], KeyAction::Close, "keep watching", "Stay"),
    // Asked.
    shown(Asking, &[c('y'), k(Enter)], KeyAction::Accept, "yes", "Do what is asked about"),
    shown(Asking, &[k(Esc), c('n'), c('q'), ctrl('c')], KeyAction::Close, "no", "Leave everything as it is"),
    // Always.
    shown(Anywhere, &[ctrl('c')], KeyAction::Interrupt, "interrupt", "Interrupt what runs, or leave"),
    quiet(Anywhere, &[ctrl('z')], KeyAction::Suspend, "Back to the shell; fg returns"),
    quiet(Anywhere, &[ctrl('l')], KeyAction::Redraw, "Draw the screen anew"),
];

/// The contexts that hold now, the nearest first.
fn contexts(mode: &InputMode, focus: Panel, found: bool) -> [Option<Context>; 4] {
    match mode {
        InputMode::Walking => [found.then_some(Found), Some(In(focus)), Some(Walking), Some(Anywhere)],
        InputMode::Entry => [Some(Entry), Some(Anywhere), None, None],
        InputMode::Search { .. } => [Some(Search), Some(Anywhere), None, None],
        InputMode::Palette(_) => [Some(Palette), Some(Anywhere), None, None],
        InputMode::Help { typing: true, .. } => [Some(Filtering), Some(Anywhere), None, None],
        InputMode::Help { .. } | InputMode::Notes { .. } => [Some(Reading), Some(Anywhere), None, None],
        InputMode::Leave(_) => [Some(Leaving), Some(Anywhere), None, None],
        InputMode::Confirm(_) => [Some(Asking), Some(Anywhere), None, None],
    }
}

fn pressed(event: &KeyEvent) -> Key {
    Key {
        code: event.code,
        ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        alt: event.modifiers.contains(KeyModifiers::ALT),
    }
}

fn binding(keys: &Keymap, context: Context, key: Key) -> Option<&'static Binding> {
    let mut rows = KEYMAP.iter().enumerate().filter(|(_, b)| b.context == context);
    rows.find(|(row, b)| keys.keys(*row, b).contains(&key)).map(|(_, b)| b)
}

/// Returns what a key does here. None: it is text, where text is wanted, or nothing.
pub fn lookup(keys: &Keymap, mode: &InputMode, focus: Panel, found: bool, event: &KeyEvent) -> Option<KeyAction> {
    let key = pressed(event);
    let mut contexts = contexts(mode, focus, found).into_iter().flatten();
    contexts.find_map(|context| binding(keys, context, key)).map(|b| b.does)
}

/// Tells whether a key answers the question about what runs by ending it, or by leaving it alone.
pub fn answers(keys: &Keymap, event: &KeyEvent) -> bool {
    let does = binding(keys, Leaving, pressed(event)).map(|binding| binding.does);
    matches!(does, Some(KeyAction::CancelRunning | KeyAction::Detach))
}

/// Returns the first of these panels in which a key does something, and what.
pub fn elsewhere(
    keys: &Keymap,
    mut panels: impl Iterator<Item = Panel>,
    event: &KeyEvent,
) -> Option<(Panel, &'static Binding)> {
    let key = pressed(event);
    panels.find_map(|panel| Some((panel, binding(keys, In(panel), key)?)))
}

/// The bindings that the footer may show now, most important first.
pub fn footer(mode: &InputMode, focus: Panel, found: bool) -> impl Iterator<Item = &'static Binding> {
    let contexts = contexts(mode, focus, found);
    // The notes are shorter than what one looks for things in.
    let finds = !matches!(mode, InputMode::Notes { .. });
    contexts
        .into_iter()
        .flatten()
        .flat_map(|context| KEYMAP.iter().filter(move |b| b.context == context))
        .filter(move |b| b.short.is_some() && (finds || b.does != KeyAction::Search))
}

/// Returns the help's chapters, that of the panel with the keyboard first.
pub fn sections(focus: Panel) -> Vec<(String, Vec<&'static Binding>)> {
    let titles: [(&str, Context); 10] = [
        ("Driving", Walking),
        ("Typing SQL", Entry),
        ("Searching", Search),
        ("After a search", Found),
        ("Commands", Palette),
        ("Help and notes", Reading),
        ("Finding in the help", Filtering),
        ("Leaving", Leaving),
        ("Asked before something goes", Asking),
        ("Always", Anywhere),
    ];
    let of = |context: Context| -> Vec<&'static Binding> { KEYMAP.iter().filter(|b| b.context == context).collect() };
    let mut sections = vec![(titles[0].0.to_owned(), of(Walking))];
    for panel in Panel::ALL {
        let keys = of(In(panel));
        if !keys.is_empty() && panel == focus {
            sections.insert(0, (format!("Here, in the panel {}", panel.title()), keys));
        } else if !keys.is_empty() {
            sections.push((format!("In the panel {}", panel.title()), keys));
        }
    }
    sections.extend(titles[1..].iter().map(|(title, context)| ((*title).to_owned(), of(*context))));
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
    }

    #[test]
    fn q_in_the_sql_console_is_text() {
        assert_eq!(
            lookup(&Keymap::default(), &InputMode::Walking, Panel::Sql, false, &press('q')),
            Some(KeyAction::Quit)
        );
        assert_eq!(lookup(&Keymap::default(), &InputMode::Entry, Panel::Sql, false, &press('q')), None);
        for c in ' '..='~' {
            assert_eq!(lookup(&Keymap::default(), &InputMode::Entry, Panel::Sql, false, &press(c)), None, "{c}");
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
            assert_eq!(lookup(&Keymap::default(), &InputMode::Walking, panel, false, &forward), Some(KeyAction::GoOn));
            assert_eq!(lookup(&Keymap::default(), &InputMode::Walking, panel, false, &back), Some(KeyAction::GoBack));
        }
    }

    #[test]
    fn everything_in_the_table_is_in_the_help() {
        let listed: usize = sections(Panel::Sql).iter().map(|(_, keys)| keys.len()).sum();
        assert_eq!(listed, KEYMAP.len());
    }
}
