//! Searching: in the panel that has the keyboard, while the query is typed and with one key afterwards.

use super::{console, panels};
use crate::tui::matching;
use crate::tui::model::*;
use crate::tui::present::room::body_height;
use crate::tui::present::search::rows;

/// Begins to type a query for the panel with the keyboard.
pub fn begin(m: &mut Model, effects: &mut Vec<Effect>) {
    let of = m.focus;
    panels::show(m, of, effects);
    forget(m);
    m.mode = InputMode::Search { of, query: String::new() };
}

/// The query is as it shall be: keys that look for it again hold from now on.
pub fn accept(m: &mut Model, effects: &mut Vec<Effect>) {
    let InputMode::Search { of, query } = std::mem::replace(&mut m.mode, InputMode::Walking) else { return };
    if query.is_empty() {
        return;
    }
    m.search = Some(PanelSearch { of, query });
    // That there is none is said again, and so it is to who looks for the next: the key must not move the talk.
    step(m, true, true, effects);
}

/// Takes the marks away and forgets the query: its keys are free again. Returns whether there was one.
pub fn end(m: &mut Model) -> bool {
    let was = m.search.is_some();
    forget(m);
    was
}

/// Forgets what was searched, however far that had come, and takes its marks away.
pub fn forget(m: &mut Model) {
    (m.search, m.found) = (None, None);
    unmark(m);
}

fn unmark(m: &mut Model) {
    m.log.query.clear();
    m.console.sessions.iter_mut().for_each(|session| session.back.query.clear());
}

/// The marks of a scrollback are its own; only what is searched has any.
fn mark(m: &mut Model, of: Panel, query: &str) {
    unmark(m);
    match of {
        Panel::Log => query.clone_into(&mut m.log.query),
        Panel::Sql => {
            if let Some(session) = console::current(m) {
                query.clone_into(&mut session.back.query);
            }
        }
        Panel::Outline | Panel::Page | Panel::Diff | Panel::Deploy | Panel::Checks | Panel::Load => {}
    }
}

/// To the next match, or to the one before; `from_view`: the first that shows counts. Returns whether there is one.
pub fn step(m: &mut Model, forward: bool, from_view: bool, effects: &mut Vec<Effect>) -> bool {
    let (of, query) = match (&m.mode, &m.search) {
        (InputMode::Search { of, query }, _) => (*of, query.clone()),
        (_, Some(search)) => (search.of, search.query.clone()),
        (_, None) => return false,
    };
    // What is found has to be seen, whatever was looked at since.
    if !m.layout.shows(of) {
        super::panels::show(m, of, effects);
    }
    mark(m, of, &query);
    // What was said is searched, and has to be seen for that.
    if of == Panel::Sql {
        console::draw_picture(m, SqlPicture::None);
    }
    let hit = match of {
        Panel::Sql => console::current(m).is_some_and(|session| session.back.search(forward, from_view)),
        Panel::Log => m.log.search(forward, from_view),
        Panel::Outline | Panel::Page | Panel::Diff | Panel::Deploy | Panel::Checks | Panel::Load => {
            in_rows(m, of, &query, forward, from_view)
        }
    };
    if !hit && !query.is_empty() {
        m.toast = Some((format!("Nothing in {} holds “{query}”", of.title()), Mood::Warn));
    }
    hit
}

fn in_rows(m: &mut Model, of: Panel, query: &str, forward: bool, from_view: bool) -> bool {
    let rows = rows(m, of);
    let count = rows.len();
    if count == 0 || query.is_empty() {
        m.found = None;
        return query.is_empty();
    }
    let here = m.found.filter(|at| !from_view && *at < count).unwrap_or_else(|| top(m, of).min(count - 1));
    let skip = usize::from(!from_view && m.found.is_some());
    let at = |n: usize| if forward { (here + n) % count } else { (here + count - n % count) % count };
    let hit = (skip..count + skip).map(at).find(|at| matching::matches(&rows[*at], query));
    m.found = hit.or(m.found);
    if let Some(hit) = hit {
        bring(m, of, hit);
    }
    hit.is_some()
}

fn top(m: &Model, of: Panel) -> usize {
    match of {
        Panel::Outline => m.outline.rows.iter().position(|row| row.item == m.outline.cursor).unwrap_or(0),
        Panel::Page => m.page.top,
        Panel::Diff => m.diff.top,
        Panel::Deploy => m.deploy.top,
        Panel::Load => m.load.top,
        Panel::Checks => m.checks.list.iter().position(|row| row.item == m.checks.cursor).unwrap_or(0),
        Panel::Sql | Panel::Log => 0,
    }
}

/// Brings a row into view, with a little of what is before it.
fn bring(m: &mut Model, of: Panel, row: usize) {
    let height = m.layout.slot(of).map_or(1, |slot| body_height(m, slot));
    let near = |top: usize, height: usize| {
        let shows = row >= top && row + 2 < top + height;
        if shows { top } else { row.saturating_sub(height / 3) }
    };
    match of {
        Panel::Outline => m.outline.cursor = m.outline.rows.get(row).map_or(m.outline.cursor, |row| row.item),
        Panel::Page => m.page.top = near(m.page.top, m.page.height).min(m.page.last_top()),
        Panel::Diff => m.diff.top = near(m.diff.top, m.diff.height),
        Panel::Deploy => m.deploy.top = near(m.deploy.top, height),
        Panel::Load => m.load.top = near(m.load.top, height),
        Panel::Checks => match m.checks.list.get(row) {
            Some(listed) => {
                if m.checks.cursor != listed.item {
                    m.checks = ChecksView { cursor: listed.item, chosen: true, ..ChecksView::default() };
                }
            }
            None => m.checks.top = row.saturating_sub(m.checks.list.len() + 1),
        },
        Panel::Sql | Panel::Log => {}
    }
}
