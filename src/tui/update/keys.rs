//! The actions of the keys, after the keymap said which command it is.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::panels::{says_nothing_for, show};
use super::scrolling::{page, sideways, to, updown};
use super::{asking, author, bringing, console, diff, entry, navigation, retrace, search, vi};
use crate::tui::bindings::KeyAction;
use crate::tui::keymap;
use crate::tui::model::*;
use crate::tui::present::intent;
use crate::tui::present::palette;
use crate::tui::present::spans::display_text;
use crate::tui::present::{copy, take_home, words};
use crate::tui::signals::ctrl_c;
use crate::tui::wrap;
use workshop_engine::command::{BringTo, Command};

/// Takes in a key: a row of the keymap, or text where text is wanted.
pub fn press(m: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    m.toast = None;
    m.confirmed = std::mem::take(&mut m.asks);
    m.page.read = m.page.read.max(m.page.top + m.page.height);
    if m.layout.too_small {
        return unseen(m, key, effects);
    }
    let gone = m.question_gone.take().is_some_and(|at| m.now.saturating_sub(at) < LATE_MS);
    if gone && m.mode == InputMode::Walking && keymap::answers(&m.options.keymap, &key) {
        m.toast = Some((navigation::ENDED_MEANWHILE.to_owned(), Mood::Plain));
        return;
    }
    if vi::press(m, key, effects) {
        return;
    }
    if count(m, key) {
        return;
    }
    let counted = m.count.take();
    let times = counted.unwrap_or(1);
    let does = keymap::lookup(&m.options.keymap, &m.mode, m.focus, m.search.is_some(), &key);
    match does.map(|does| or_repair(m, does, &key)) {
        // It takes the count away and nothing else.
        Some(KeyAction::Close) if counted.is_some() => {}
        Some(does) if does.repeats() => (0..times).for_each(|_| run(m, does, effects)),
        Some(does) => run(m, does, effects),
        None => {
            let typed = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
            if let (KeyCode::Char(c), true) = (key.code, typed) {
                text(m, c.encode_utf8(&mut [0; 4]), effects);
                belongs_elsewhere(m, key, c);
            }
        }
    }
}

/// Where the screen has no room to be drawn, no key does what nobody would see: one can stop the program, and leave it, also by
/// ctrl-c whatever is typed or asked, when nothing runs that would have to be asked about or it is being left already.
fn unseen(m: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    let leaves = m.closing.is_some() || navigation::busy(m).is_none();
    match keymap::lookup(&m.options.keymap, &m.mode, m.focus, false, &key) {
        Some(does @ (KeyAction::Suspend | KeyAction::Redraw)) => run(m, does, effects),
        does if leaves && (does == Some(KeyAction::Quit) || key == ctrl_c()) => run(m, KeyAction::Quit, effects),
        _ => {}
    }
}

/// A log that follows already leaves its key to what has the same where one walks through the course, and is told on the
/// card: the way to the repair.
fn or_repair(m: &Model, does: KeyAction, key: &KeyEvent) -> KeyAction {
    let general = || keymap::lookup(&m.options.keymap, &m.mode, Panel::Page, false, key);
    let repairs = does == KeyAction::Follow && m.log.below() == 0 && general() == Some(KeyAction::Repair);
    if repairs && intent::repair_at_hand(m).is_some() { KeyAction::Repair } else { does }
}

/// Says of a key that does nothing here in which panel it does something.
fn belongs_elsewhere(m: &mut Model, key: KeyEvent, typed: char) {
    if m.mode != InputMode::Walking {
        return;
    }
    if let Some((panel, binding)) = keymap::elsewhere(&m.options.keymap, m.panels(), &key) {
        let (title, goes_there) = (panel.title(), m.key(KeyAction::Show(panel)));
        let does = binding.long.split('(').next().unwrap_or(binding.long).trim_end();
        m.toast = Some((format!("{typed} is a key of {title} ({goes_there}): {does}"), Mood::Plain));
    }
}

/// Takes a digit with alt in as a part of a count, as readline does; the next key is repeated by it. Says whether it was one.
fn count(m: &mut Model, key: KeyEvent) -> bool {
    let digit = match key.code {
        KeyCode::Char(c) if m.mode == InputMode::Walking && key.modifiers == KeyModifiers::ALT => c.to_digit(10),
        _ => None,
    };
    let Some(digit) = digit else { return false };
    m.count = Some((m.count.unwrap_or(0) * 10 + digit as usize).min(MOST));
    true
}

/// So long after a question has gone, milliseconds, a key may still be meant for it.
const LATE_MS: u64 = 1_500;

/// A key is repeated at most so often.
const MOST: usize = 999;

/// Takes in pasted text where text is wanted.
pub fn paste(m: &mut Model, pasted: &str) {
    if m.layout.too_small {
        return;
    }
    match &m.mode {
        InputMode::Walking | InputMode::Help { typing: false, .. } | InputMode::Notes { .. } => {
            let types = match m.uses.asks {
                true => format!(": {} types SQL", m.key(KeyAction::Console)),
                false => String::new(),
            };
            m.toast = Some((format!("What was pasted went nowhere, for nothing is typed here{types}"), Mood::Plain));
        }
        _ => text(m, pasted, &mut Vec::new()),
    }
}

/// Text typed or pasted, where text is wanted; elsewhere it is nothing.
fn text(m: &mut Model, typed: &str, effects: &mut Vec<Effect>) {
    match &mut m.mode {
        InputMode::Entry => entry::insert(m, typed, effects),
        InputMode::Search { query, .. } => {
            query.extend(typed.chars().filter(|c| !c.is_control()));
            search::step(m, true, true, effects);
        }
        InputMode::Palette(palette) => {
            palette.query.extend(typed.chars().filter(|c| !c.is_control()));
            palette.cursor = 0;
        }
        InputMode::Help { top, query, typing: true } => {
            query.extend(typed.chars().filter(|c| !c.is_control()));
            *top = 0;
        }
        InputMode::Walking
        | InputMode::Help { .. }
        | InputMode::Notes { .. }
        | InputMode::Leave(_)
        | InputMode::Confirm(_) => {}
    }
}

/// Carries out one command; the palette comes here too.
pub fn run(m: &mut Model, does: KeyAction, effects: &mut Vec<Effect>) {
    match does {
        KeyAction::GoOn => navigation::go_on(m, effects),
        KeyAction::GoBack => navigation::go_back(m, effects),
        KeyAction::NextStep => navigation::leave_step(m, effects),
        KeyAction::BackStep => asking::send(m, effects, Command::Back),
        KeyAction::Run => navigation::run(m, effects),
        KeyAction::RunStatement => navigation::run_statement(m, effects),
        KeyAction::BringHere => bringing::here(m, effects),
        KeyAction::Failover => bringing::fail_over(m, effects),
        KeyAction::BringBack => bringing::ask(m, BringTo::Before, None),
        KeyAction::RunChecks => navigation::check_all(m, effects),
        KeyAction::CheckOne => navigation::check_one(m, effects),
        KeyAction::Hint => navigation::hint(m, effects),
        KeyAction::Repair => navigation::repair(m, effects),
        KeyAction::UndoLast => retrace::undo(m, effects),
        KeyAction::JumpBack => retrace::jump(m, JumpKind::Back, effects),
        KeyAction::JumpForward => retrace::jump(m, JumpKind::Forward, effects),
        KeyAction::UndoStep | KeyAction::UndoChapter | KeyAction::ApplyChapter => {
            navigation::write_or_undo(m, does, effects)
        }
        KeyAction::RestoreEdits => navigation::restore_edits(m, effects),
        KeyAction::TakeCourse => asking::send(m, effects, Command::Settle { own: false }),
        KeyAction::Prepare => asking::send(m, effects, Command::Prepare),
        KeyAction::Locate => asking::send(m, effects, Command::Locate),
        KeyAction::RestartClock => asking::send(m, effects, Command::RestartClock),
        KeyAction::BeginAgain => bringing::ask(m, BringTo::Chapter(m.course.first_on_stage()), None),
        KeyAction::PauseClock => {
            let command = if m.progress.pacing.paused { Command::Resume } else { Command::Pause };
            asking::send(m, effects, command);
        }
        KeyAction::Redact => {
            m.settings.redact = !m.settings.redact;
            let word = match (m.settings.redact, m.settings.audience) {
                (true, _) => "Identities are hidden",
                (false, true) => "Identities are shown where no audience looks: this layout is without them",
                (false, false) => "Identities are shown",
            };
            m.toast = Some((word.to_owned(), Mood::Plain));
        }
        KeyAction::Notes => m.mode = InputMode::Notes { top: 0 },
        KeyAction::Interrupt if m.mode == InputMode::Entry => entry::interrupt(m, effects),
        KeyAction::Interrupt => navigation::interrupt(m, effects),
        KeyAction::TakeHome => {
            let record = take_home::record(m);
            effects.push(Effect::TakeHome(record));
        }
        KeyAction::OwnShell => effects.push(Effect::OwnShell),
        KeyAction::Images => match author::step_images(m) {
            images if images.is_empty() => m.toast = Some(("This step has no pictures".to_owned(), Mood::Plain)),
            images => effects.push(Effect::ShowImages(images)),
        },
        KeyAction::Suspend => effects.push(Effect::Suspend),
        KeyAction::Redraw => effects.push(Effect::Redraw),
        KeyAction::Quit => navigation::quit(m, effects),
        KeyAction::Help => m.mode = InputMode::Help { top: 0, query: String::new(), typing: false },
        KeyAction::Palette => m.mode = InputMode::Palette(palette::opened(m, PaletteOf::Commands)),
        KeyAction::Show(panel) => show(m, panel, effects),
        KeyAction::FocusNext => focus_by(m, 1, effects),
        KeyAction::FocusBack => focus_by(m, -1, effects),
        KeyAction::Zoom => m.settings.zoom = !m.settings.zoom,
        KeyAction::Copy => {
            let text = copy::copy_of(m, m.focus);
            put_on_clipboard(m, text, effects);
        }
        KeyAction::CopyPart => m.mode = InputMode::Palette(palette::opened(m, PaletteOf::Copies)),
        KeyAction::Audience => {
            m.settings.audience = !m.settings.audience;
            let word = match m.settings.audience {
                true => for_an_audience(m),
                false => "The whole screen again".to_owned(),
            };
            m.toast = Some((word, Mood::Plain));
        }
        KeyAction::Mouse => {
            m.settings.mouse = !m.settings.mouse;
            let word = if m.settings.mouse {
                "The mouse clicks and scrolls here; with shift the terminal selects text"
            } else {
                "The mouse is the terminal's again"
            };
            m.toast = Some((word.to_owned(), Mood::Plain));
        }
        KeyAction::Clock => {
            m.settings.clock = !m.settings.clock;
            let word = match (m.settings.clock, m.settings.audience) {
                (true, true) => "The clock is shown where no audience looks: this layout is without it",
                (true, false) => "The clock is shown",
                (false, _) => "The clock is hidden",
            };
            m.toast = Some((word.to_owned(), Mood::Plain));
        }
        KeyAction::Console | KeyAction::NewSession if says_nothing_for(m, Panel::Sql) => {}
        KeyAction::Console => {
            show(m, Panel::Sql, effects);
            console::enter(m);
        }
        KeyAction::Up => updown(m, -1, effects),
        KeyAction::Down => updown(m, 1, effects),
        KeyAction::PageUp => page(m, -1),
        KeyAction::PageDown => page(m, 1),
        KeyAction::Top => to(m, false),
        KeyAction::Bottom => to(m, true),
        KeyAction::Left => sideways(m, -8),
        KeyAction::Right => sideways(m, 8),
        KeyAction::Search => match &mut m.mode {
            InputMode::Help { typing, .. } => *typing = true,
            InputMode::Notes { .. } => {}
            _ => search::begin(m, effects),
        },
        KeyAction::SearchNext => drop(search::step(m, true, false, effects)),
        KeyAction::SearchBack => drop(search::step(m, false, false, effects)),
        KeyAction::Accept => accept(m, effects),
        KeyAction::Close => close(m),
        KeyAction::Detach => navigation::leave(m, Command::Detach, effects),
        KeyAction::CancelRunning => navigation::leave(m, Command::Cancel, effects),
        KeyAction::NextHunk => diff::step(m, 1),
        KeyAction::BackHunk => diff::step(m, -1),
        KeyAction::ApplyHunk => diff::apply(m, true, effects),
        KeyAction::UndoHunk => diff::apply(m, false, effects),
        KeyAction::DiffOf => diff::choose(m, effects),
        KeyAction::DiffLayout => diff::arrangement(m),
        KeyAction::OpenContext => diff::open(m, false),
        KeyAction::OpenAll => diff::open(m, true),
        KeyAction::EditFile => diff::edit(m, effects),
        KeyAction::Follow => {
            m.log.end_of_all();
        }
        KeyAction::RawLog => show(m, Panel::Log, effects),
        KeyAction::SqlPicture => {
            show(m, Panel::Sql, effects);
            console::picture(m);
        }
        KeyAction::NewSession => console::new_session(m),
        KeyAction::NextSession => console::next_session(m),
        KeyAction::CloseSession => console::close_session(m, effects),
        KeyAction::RetryTransaction => console::retry(m, effects),
        KeyAction::Export => {
            show(m, Panel::Sql, effects);
            console::export(m);
        }
        KeyAction::NewLine
        | KeyAction::Delete
        | KeyAction::DeleteWord
        | KeyAction::DeleteWordRight
        | KeyAction::KillToEnd
        | KeyAction::Yank
        | KeyAction::UndoEdit
        | KeyAction::CharLeft
        | KeyAction::CharRight
        | KeyAction::WordLeft
        | KeyAction::WordRight
        | KeyAction::LineStart
        | KeyAction::LineEnd
        | KeyAction::Complete
        | KeyAction::EditText
        | KeyAction::EndEntry
        | KeyAction::HistorySearch
        | KeyAction::AbortSearch => entry::edit(m, does, effects),
        KeyAction::Backspace | KeyAction::KillToStart => erase(m, does, effects),
    }
}

/// Says how the layout for an audience is left, to who has left the workshop in it: it names no keys.
pub fn remind_of_audience(m: &mut Model) {
    if m.settings.audience && m.toast.is_none() {
        m.toast = Some((for_an_audience(m), Mood::Plain));
    }
}

fn for_an_audience(m: &Model) -> String {
    format!("For an audience: {} goes back", m.key(KeyAction::Audience))
}

fn erase(m: &mut Model, does: KeyAction, effects: &mut Vec<Effect>) {
    let all = does == KeyAction::KillToStart;
    match &mut m.mode {
        InputMode::Search { query, .. } => {
            if all {
                query.clear();
            } else {
                query.pop();
            }
            search::step(m, true, true, effects);
        }
        InputMode::Palette(palette) => {
            if all {
                palette.query.clear();
            } else {
                palette.query.pop();
            }
            palette.cursor = 0;
        }
        InputMode::Help { top, query, typing: true } => {
            if all {
                query.clear();
            } else {
                query.pop();
            }
            *top = 0;
        }
        InputMode::Entry => entry::edit(m, does, effects),
        InputMode::Walking
        | InputMode::Help { .. }
        | InputMode::Notes { .. }
        | InputMode::Leave(_)
        | InputMode::Confirm(_) => {}
    }
}

fn accept(m: &mut Model, effects: &mut Vec<Effect>) {
    match &m.mode {
        InputMode::Palette(_) => choose(m, effects),
        InputMode::Entry => entry::enter_pressed(m, effects),
        InputMode::Search { .. } => search::accept(m, effects),
        InputMode::Help { .. } => {
            if let InputMode::Help { typing, .. } = &mut m.mode {
                *typing = false;
            }
        }
        InputMode::Confirm(_) => bringing::confirmed(m, effects),
        InputMode::Walking if m.focus == Panel::Outline => navigation::go_to_selected(m, effects),
        InputMode::Walking | InputMode::Notes { .. } | InputMode::Leave(_) => {}
    }
}

fn close(m: &mut Model) {
    match &m.mode {
        InputMode::Help { typing: true, .. } => {
            m.mode = InputMode::Help { top: 0, query: String::new(), typing: false };
        }
        InputMode::Walking => {
            if !search::end(m) {
                m.settings.zoom = false;
            }
        }
        InputMode::Search { .. } => {
            search::forget(m);
            m.mode = InputMode::Walking;
        }
        InputMode::Palette(palette) => m.mode = if palette.typing { InputMode::Entry } else { InputMode::Walking },
        InputMode::Entry | InputMode::Help { .. } | InputMode::Notes { .. } => m.mode = InputMode::Walking,
        InputMode::Confirm(_) => bringing::declined(m),
        InputMode::Leave(_) => {
            m.leave_when_idle = false;
            m.mode = InputMode::Walking;
        }
    }
}

fn focus_by(m: &mut Model, by: i64, effects: &mut Vec<Effect>) {
    let panels: Vec<Panel> = if m.layout.slots.len() <= 1 {
        m.panels().collect()
    } else {
        m.layout.slots.iter().map(|slot| slot.panel).collect()
    };
    let at = panels.iter().position(|p| *p == m.focus).unwrap_or(0) as i64;
    let next = panels[(at + by).rem_euclid(panels.len() as i64) as usize];
    show(m, next, effects);
}

fn choose(m: &mut Model, effects: &mut Vec<Effect>) {
    let (chosen, typing) = match &m.mode {
        InputMode::Palette(palette) => (palette::entries(m).into_iter().nth(palette.cursor), palette.typing),
        _ => (None, false),
    };
    m.mode = if typing && chosen.is_none() { InputMode::Entry } else { InputMode::Walking };
    match chosen.map(|choice| choice.does) {
        Some(Chosen::Act(does, panel)) => {
            if let Some(panel) = panel {
                show(m, panel, effects);
            }
            run(m, does, effects);
        }
        Some(Chosen::GoTo { chapter, step }) => asking::send(m, effects, Command::GoTo { chapter, step }),
        Some(Chosen::Copy(text)) => put_on_clipboard(m, text, effects),
        None => {}
    }
}

/// Text that is hidden on the screen is hidden in what is copied.
fn put_on_clipboard(m: &mut Model, text: String, effects: &mut Vec<Effect>) {
    if text.trim().is_empty() {
        m.toast = Some((format!("There is nothing in {} to copy yet", m.focus.title()), Mood::Plain));
        return;
    }
    let text = display_text(m, &text).into_owned();
    let what = match text.trim_end().lines().collect::<Vec<_>>()[..] {
        [one] => format!("Copied “{}”", wrap::fit(one.trim(), 40)),
        ref many => format!("Copied {}", words::counted(many.len(), "line")),
    };
    m.toast = Some((what, Mood::Plain));
    effects.push(Effect::Copy(text));
}
