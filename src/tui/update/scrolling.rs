//! What moves a selection or the view: by rows, by pages, to either end, sideways.

use super::{console, diff, entry};
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::present::checks::list_window;
use crate::tui::present::room::body_height;
use crate::tui::present::{outline, palette, reading};

/// Moves a selection, the text of a window, or what the focused panel shows.
pub fn updown(m: &mut Model, by: i64, effects: &mut Vec<Effect>) {
    let entries = palette::entries(m).len();
    match &mut m.mode {
        InputMode::Palette(palette) => {
            let count = entries.max(1) as i64;
            palette.cursor = (palette.cursor as i64 + by).rem_euclid(count) as usize;
        }
        InputMode::Help { top, .. } | InputMode::Notes { top } => *top = top.saturating_add_signed(by as isize),
        InputMode::Entry => entry::edit(m, if by < 0 { KeyAction::Up } else { KeyAction::Down }, effects),
        InputMode::Walking | InputMode::Search { .. } | InputMode::Leave(_) | InputMode::Confirm(_) => scroll(m, by),
    }
}

/// Scrolls the focused panel, or moves the selection in a list.
fn scroll(m: &mut Model, by: i64) {
    let move_by = |at: usize, last: usize| (at as i64 + by).clamp(0, last as i64) as usize;
    match m.focus {
        Panel::Outline => m.outline.cursor = m.outline.cursor.saturating_add_signed(by as isize),
        Panel::Page => m.page.top = move_by(m.page.top, m.page.last_top()),
        Panel::Diff => diff::scroll(m, by),
        Panel::Deploy => m.deploy.top = m.deploy.top.saturating_add_signed(by as isize),
        Panel::Load => m.load.top = m.load.top.saturating_add_signed(by as isize),
        Panel::Sql if m.console.picture != SqlPicture::None => {
            let by = if m.console.picture == SqlPicture::Lanes { -by } else { by };
            m.console.picture_off = m.console.picture_off.saturating_add_signed(by as isize);
        }
        Panel::Sql => {
            if let Some(session) = console::current(m) {
                session.back.scroll(by);
            }
        }
        Panel::Checks => {
            let count = m.chapter().map_or(0, |c| c.checks.len());
            let cursor = move_by(m.checks.cursor, count.saturating_sub(1));
            m.checks = ChecksView { cursor, chosen: true, ..ChecksView::default() };
        }
        Panel::Log => m.log.scroll(by),
    }
}

/// Scrolls by what is in view.
pub fn page(m: &mut Model, by: i64) {
    let height = m.layout.slot(m.focus).map_or(10, |slot| body_height(m, slot) as i64) - 2;
    // The last row of what lies over the panels says how much there is beside.
    let over = reading::place(m).map_or(10, |(at, _)| i64::from(reading::inside(at).height)) - 1;
    match &mut m.mode {
        InputMode::Help { top, .. } | InputMode::Notes { top } => {
            *top = top.saturating_add_signed((by * over.max(1)) as isize);
        }
        InputMode::Entry => {
            if let Some(session) = console::current(m) {
                session.back.page(by);
            }
        }
        InputMode::Walking
        | InputMode::Search { .. }
        | InputMode::Palette(_)
        | InputMode::Leave(_)
        | InputMode::Confirm(_) => match m.focus {
            Panel::Checks => {
                let list = list_window(&m.checks, (height + 2) as usize).rows as i64;
                m.checks.top = m.checks.top.saturating_add_signed((by * (height - list).max(1)) as isize);
            }
            Panel::Sql if m.console.picture == SqlPicture::None => {
                if let Some(session) = console::current(m) {
                    session.back.page(by);
                }
            }
            _ => scroll(m, by * height.max(1)),
        },
    }
}

/// Scrolls to the beginning or the end.
pub fn to(m: &mut Model, end: bool) {
    match m.focus {
        Panel::Log if end => m.log.end_of_all(),
        Panel::Log => m.log.home(),
        Panel::Sql if m.console.picture == SqlPicture::None => {
            if let Some(session) = console::current(m) {
                if end {
                    session.back.end_of_all();
                } else {
                    session.back.home();
                }
            }
        }
        Panel::Outline | Panel::Page | Panel::Diff | Panel::Deploy | Panel::Sql | Panel::Checks | Panel::Load => {
            scroll(m, if end { 1_000_000 } else { -1_000_000 });
        }
    }
}

/// Scrolls sideways, or opens and shuts a chapter of the outline.
pub fn sideways(m: &mut Model, by: i64) {
    match m.focus {
        Panel::Sql => {
            if let Some(session) = console::current(m) {
                session.back.sideways(by);
            }
        }
        Panel::Outline => open_chapter(m, by > 0),
        Panel::Page | Panel::Diff | Panel::Deploy | Panel::Checks | Panel::Log | Panel::Load => {}
    }
}

/// Shows the steps of the selected chapter, or hides them again; the chapter we are in stays open.
fn open_chapter(m: &mut Model, open: bool) {
    let items = outline::items(m);
    let Some(chapter) = items.get(m.outline.cursor).map(|item| item.chapter) else { return };
    if open {
        m.outline.opened.insert(chapter);
        return;
    }
    m.outline.opened.remove(&chapter);
    let items = outline::items(m);
    m.outline.cursor = items.iter().position(|item| item.chapter == chapter).unwrap_or(0);
}

#[cfg(test)]
mod tests {
    use crate::tui::update::tests::at;

    #[test]
    fn no_line_of_what_is_read_over_the_panels_is_skipped() {
        let lines: Vec<String> = (0..150).map(|n| format!("- number {n};")).collect();
        for ((width, height), opens) in [((80, 24), "N"), ((120, 40), "N"), ((200, 60), "N"), ((80, 24), "?")] {
            let mut player = at(width, height, 1, "deploy");
            std::sync::Arc::make_mut(&mut player.model.course).chapters[1].steps[1].notes = Some(lines.join("\n"));
            player.key(opens);
            let all: Vec<String> = player.model.over.iter().map(|line| line.to_string().trim().to_owned()).collect();
            let mut seen = String::new();
            for _ in 0..all.len() {
                seen.push_str(&player.screen().join("\n"));
                player.key("pgdn");
            }
            let missed: Vec<&String> = all.iter().filter(|line| !seen.contains(line.as_str())).collect();
            assert!(all.len() > 100 && missed.is_empty(), "{opens} at {width}x{height}: {missed:?}");
        }
    }
}
