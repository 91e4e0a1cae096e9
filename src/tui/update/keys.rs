//! What each key does, after the keymap said which command it is.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{console, diff, drive, palette};
use crate::tui::keymap::{self, Do};
use crate::tui::model::*;
use crate::tui::view;
use workshop_engine::command::Command;

pub fn press(m: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    m.toast = None;
    match keymap::lookup(&m.mode, m.focus, &key) {
        Some(does) => run(m, does, effects),
        None => {
            let typed = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
            if let (KeyCode::Char(c), true) = (key.code, typed) {
                text(m, c.encode_utf8(&mut [0; 4]), effects);
            }
        }
    }
}

pub fn paste(m: &mut Model, pasted: &str) {
    text(m, pasted, &mut Vec::new());
}

/// Text typed or pasted, where text is wanted; elsewhere it is nothing.
fn text(m: &mut Model, typed: &str, effects: &mut Vec<Effect>) {
    match &mut m.mode {
        Mode::Entry => console::insert(m, typed, effects),
        Mode::Search { query, .. } => {
            query.extend(typed.chars().filter(|c| !c.is_control()));
            search(m, true, true);
        }
        Mode::Palette(palette) => {
            palette.query.extend(typed.chars().filter(|c| !c.is_control()));
            palette.cursor = 0;
        }
        Mode::Walking | Mode::Help { .. } | Mode::Notes { .. } | Mode::Leave(_) => {}
    }
}

/// Carries out one command; the palette comes here too.
pub fn run(m: &mut Model, does: Do, effects: &mut Vec<Effect>) {
    match does {
        Do::GoOn => drive::go_on(m, effects),
        Do::GoBack => drive::go_back(m, effects),
        Do::NextStep => drive::send(m, effects, Command::Next),
        Do::BackStep => drive::send(m, effects, Command::Back),
        Do::Run => drive::run(m, effects),
        Do::RunChecks => drive::check_all(m, effects),
        Do::CheckOne => drive::check_one(m, effects),
        Do::Hint => drive::hint(m),
        Do::Repair => drive::repair(m, effects),
        Do::UndoStep | Do::UndoChapter | Do::ApplyChapter => drive::write_or_undo(m, does, effects),
        Do::RestoreEdits => drive::restore_edits(m, effects),
        Do::Prepare => drive::send(m, effects, Command::Prepare),
        Do::Locate => drive::send(m, effects, Command::Locate),
        Do::RestartClock => drive::send(m, effects, Command::RestartClock),
        Do::PauseClock => {
            let command = if m.progress.pacing.paused { Command::Resume } else { Command::Pause };
            drive::send(m, effects, command);
        }
        Do::Redact => {
            m.redact = !m.redact;
            let word = if m.redact { "Identities are hidden" } else { "Identities are shown" };
            m.toast = Some((word.to_owned(), Mood::Plain));
        }
        Do::Notes => m.mode = Mode::Notes { top: 0 },
        Do::Interrupt if m.mode == Mode::Entry => console::interrupt(m, effects),
        Do::Interrupt => drive::interrupt(m, effects),
        Do::Suspend => effects.push(Effect::Suspend),
        Do::Redraw => effects.push(Effect::Redraw),
        Do::Quit => drive::quit(m, effects),
        Do::Help => m.mode = Mode::Help { top: 0 },
        Do::Palette => m.mode = Mode::Palette(Palette::default()),
        Do::Show(panel) => show(m, panel, effects),
        Do::FocusNext => focus_by(m, 1, effects),
        Do::FocusBack => focus_by(m, -1, effects),
        Do::Zoom => m.zoom = !m.zoom,
        Do::Copy => {
            let text = view::copy_of(m, m.focus);
            m.toast = Some((format!("Copied {} lines", text.lines().count()), Mood::Plain));
            effects.push(Effect::Copy(text));
        }
        Do::Console => {
            show(m, Panel::Sql, effects);
            console::enter(m);
        }
        Do::Up => updown(m, -1, effects),
        Do::Down => updown(m, 1, effects),
        Do::PageUp => page(m, -1),
        Do::PageDown => page(m, 1),
        Do::Top => to(m, false),
        Do::Bottom => to(m, true),
        Do::Left => sideways(m, -8),
        Do::Right => sideways(m, 8),
        Do::Search => {
            let of = if m.focus == Panel::Sql { Panel::Sql } else { Panel::Log };
            show(m, of, effects);
            m.mode = Mode::Search { of, query: String::new() };
        }
        Do::SearchNext => search(m, true, false),
        Do::SearchBack => search(m, false, false),
        Do::Accept => accept(m, effects),
        Do::Close => close(m),
        Do::Detach => drive::leave(m, Command::Detach, effects),
        Do::CancelRunning => drive::leave(m, Command::Cancel, effects),
        Do::NextHunk => diff::step(m, 1),
        Do::BackHunk => diff::step(m, -1),
        Do::ApplyHunk => diff::apply(m, true, effects),
        Do::UndoHunk => diff::apply(m, false, effects),
        Do::DiffOf => diff::choose(m, effects),
        Do::DiffLayout => diff::arrangement(m),
        Do::OpenContext => diff::open(m, false),
        Do::OpenAll => diff::open(m, true),
        Do::EditFile => diff::edit(m, effects),
        Do::Follow => {
            m.log.end_of_all();
        }
        Do::RawLog => show(m, Panel::Log, effects),
        Do::NewSession => console::new_session(m),
        Do::NextSession => console::next_session(m),
        Do::RetryTransaction => console::retry(m, effects),
        Do::Export => {
            show(m, Panel::Sql, effects);
            console::export(m);
        }
        Do::NewLine
        | Do::Delete
        | Do::DeleteWord
        | Do::KillToEnd
        | Do::Yank
        | Do::CharLeft
        | Do::CharRight
        | Do::WordLeft
        | Do::WordRight
        | Do::LineStart
        | Do::LineEnd
        | Do::Complete
        | Do::EditText
        | Do::EndEntry
        | Do::HistorySearch => console::edit(m, does, effects),
        Do::Backspace | Do::KillToStart => erase(m, does, effects),
    }
}

fn erase(m: &mut Model, does: Do, effects: &mut Vec<Effect>) {
    let all = does == Do::KillToStart;
    match &mut m.mode {
        Mode::Search { query, .. } => {
            if all {
                query.clear();
            } else {
                query.pop();
            }
            search(m, true, true);
        }
        Mode::Palette(palette) => {
            if all {
                palette.query.clear();
            } else {
                palette.query.pop();
            }
            palette.cursor = 0;
        }
        Mode::Entry => console::edit(m, does, effects),
        Mode::Walking | Mode::Help { .. } | Mode::Notes { .. } | Mode::Leave(_) => {}
    }
}

fn accept(m: &mut Model, effects: &mut Vec<Effect>) {
    match &m.mode {
        Mode::Palette(_) => palette::choose(m, effects),
        Mode::Entry => console::enter_pressed(m, effects),
        Mode::Walking if m.focus == Panel::Outline => drive::go_to_selected(m, effects),
        Mode::Walking | Mode::Search { .. } | Mode::Help { .. } | Mode::Notes { .. } | Mode::Leave(_) => {}
    }
}

fn close(m: &mut Model) {
    match &m.mode {
        Mode::Walking => m.zoom = false,
        Mode::Entry | Mode::Search { .. } | Mode::Help { .. } | Mode::Notes { .. } | Mode::Palette(_) => {
            m.mode = Mode::Walking;
        }
        Mode::Leave(_) => {
            m.leave_when_idle = false;
            m.mode = Mode::Walking;
        }
    }
}

/// Puts a panel on the screen, with the keyboard in it.
pub fn show(m: &mut Model, panel: Panel, effects: &mut Vec<Effect>) {
    if panel.is_tool() && !(m.layout.shows(panel) && m.layout.slots.len() > 1) {
        m.shown = panel;
    }
    if m.shown == m.companion {
        m.companion = if m.shown == Panel::Log { Panel::Checks } else { Panel::Log };
    }
    m.focus = panel;
    if panel == Panel::Diff {
        diff::ask(m, effects);
    }
    if panel == Panel::Sql {
        console::ensure_session(m);
    }
}

fn focus_by(m: &mut Model, by: i64, effects: &mut Vec<Effect>) {
    let panels: Vec<Panel> = if m.layout.slots.len() == 1 {
        Panel::ALL.to_vec()
    } else {
        m.layout.slots.iter().map(|slot| slot.panel).collect()
    };
    let at = panels.iter().position(|p| *p == m.focus).unwrap_or(0) as i64;
    let next = panels[(at + by).rem_euclid(panels.len() as i64) as usize];
    show(m, next, effects);
}

fn updown(m: &mut Model, by: i64, effects: &mut Vec<Effect>) {
    match &mut m.mode {
        Mode::Palette(palette) => {
            let count = super::choices(&m.course, &palette.query).len().max(1) as i64;
            palette.cursor = (palette.cursor as i64 + by).rem_euclid(count) as usize;
        }
        Mode::Help { top } | Mode::Notes { top } => *top = top.saturating_add_signed(by as isize),
        Mode::Entry => console::edit(m, if by < 0 { Do::Up } else { Do::Down }, effects),
        Mode::Walking | Mode::Search { .. } | Mode::Leave(_) => scroll(m, by),
    }
}

/// Scrolls the focused panel, or moves the selection in a list.
fn scroll(m: &mut Model, by: i64) {
    let move_by = |at: usize, last: usize| (at as i64 + by).clamp(0, last as i64) as usize;
    match m.focus {
        Panel::Outline => m.outline.cursor = m.outline.cursor.saturating_add_signed(by as isize),
        Panel::Page => m.page.top = move_by(m.page.top, m.page.last_top()),
        Panel::Diff => diff::scroll(m, by),
        Panel::Deploy => m.deploy_top = m.deploy_top.saturating_add_signed(by as isize),
        Panel::Sql => {
            if let Some(session) = console::current(m) {
                session.back.scroll(by);
            }
        }
        Panel::Checks => {
            let count = m.chapter().map_or(0, |c| c.checks.len());
            let cursor = move_by(m.checks.cursor, count.saturating_sub(1));
            m.checks = ChecksView { cursor, top: 0, chosen: true };
        }
        Panel::Log => m.log.scroll(by),
    }
}

fn page(m: &mut Model, by: i64) {
    let height = m.layout.slot(m.focus).map_or(10, |slot| i64::from(slot.body.height)) - 2;
    match &mut m.mode {
        Mode::Help { top } | Mode::Notes { top } => {
            *top = top.saturating_add_signed((by * (i64::from(m.size.1) - 6)) as isize);
        }
        Mode::Entry => {
            if let Some(session) = console::current(m) {
                session.back.page(by);
            }
        }
        Mode::Walking | Mode::Search { .. } | Mode::Palette(_) | Mode::Leave(_) => match m.focus {
            Panel::Checks => m.checks.top = m.checks.top.saturating_add_signed((by * height / 2) as isize),
            _ => scroll(m, by * height.max(1)),
        },
    }
}

fn to(m: &mut Model, end: bool) {
    match m.focus {
        Panel::Log if end => m.log.end_of_all(),
        Panel::Log => m.log.home(),
        Panel::Sql => {
            if let Some(session) = console::current(m) {
                if end {
                    session.back.end_of_all();
                } else {
                    session.back.home();
                }
            }
        }
        Panel::Outline | Panel::Page | Panel::Diff | Panel::Deploy | Panel::Checks => {
            scroll(m, if end { 1_000_000 } else { -1_000_000 });
        }
    }
}

fn sideways(m: &mut Model, by: i64) {
    match m.focus {
        Panel::Sql => {
            if let Some(session) = console::current(m) {
                session.back.sideways(by);
            }
        }
        Panel::Outline => open_chapter(m, by > 0),
        Panel::Page | Panel::Diff | Panel::Deploy | Panel::Checks | Panel::Log => {}
    }
}

/// Shows the steps of the selected chapter, or hides them again; the chapter we are in stays open.
fn open_chapter(m: &mut Model, open: bool) {
    let items = view::outline::items(m);
    let Some(chapter) = items.get(m.outline.cursor).map(|item| item.chapter) else { return };
    if open {
        m.outline.opened.insert(chapter);
        return;
    }
    m.outline.opened.remove(&chapter);
    let items = view::outline::items(m);
    m.outline.cursor = items.iter().position(|item| item.chapter == chapter).unwrap_or(0);
}

fn search(m: &mut Model, forward: bool, from_view: bool) {
    let Mode::Search { of, query } = &m.mode else { return };
    let (of, query) = (*of, query.clone());
    let hit = match of {
        Panel::Sql => console::current(m).is_some_and(|session| {
            session.back.query.clone_from(&query);
            session.back.search(forward, from_view)
        }),
        _ => {
            m.log.query.clone_from(&query);
            m.log.search(forward, from_view)
        }
    };
    if !hit && !query.is_empty() {
        m.toast = Some((format!("Nothing holds “{query}”"), Mood::Warn));
    }
}
