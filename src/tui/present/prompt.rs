//! The console's prompt, and what a search of the history finds.

use crate::tui::model::*;
use crate::tui::{matching, wrap};
use workshop_base::text::masked;
use workshop_course::lesson::model::{Course, StepAction};
use workshop_engine::event::TxState;
use workshop_engine::progress::Progress;

/// Returns the prompt of a session of the screen. Where there are several, the session's name comes first.
pub fn prompt(m: &Model, name: &str, first: bool) -> String {
    session_prompt(&m.progress, name, m.console.sessions.len() > 1, first)
}

/// Returns a session's prompt for the first line of a statement or for the next ones: what the session says itself
/// (`\set PROMPT1`), and before that psql's own.
pub fn session_prompt(progress: &Progress, name: &str, named: bool, first: bool) -> String {
    let state = progress.sessions.get(name);
    let own = match state.and_then(|state| state.prompts.as_ref()) {
        Some(prompts) if first => prompts.first.clone(),
        Some(prompts) => prompts.more.clone(),
        None => {
            let mark = match state.map_or(TxState::Idle, |state| state.tx) {
                TxState::Idle => "",
                TxState::Open => "*",
                TxState::Failed => "!",
                TxState::Unknown => "?",
            };
            format!("postgres{}{mark}> ", if first { '=' } else { '-' })
        }
    };
    // A prompt of several lines stands with its last one before what is typed.
    let own = own.rsplit('\n').next().unwrap_or_default();
    if named { format!("{name} {own}") } else { own.to_owned() }
}

/// The newest input that holds the query, before the one that the search stands on.
pub fn history_match(m: &Model) -> Option<(usize, &str)> {
    let query = m.console.history_search.as_ref()?;
    let end = m.session().and_then(|s| s.recalled.as_ref()).map_or(m.console.history.len(), |(at, _)| *at);
    let hit = |(_, text): &(usize, &String)| query.is_empty() || matching::matches(text, query);
    m.console.history[..end].iter().enumerate().rev().find(hit).map(|(at, text)| (at, text.as_str()))
}

/// Returns as much of what was found as there is room for, around what was searched for, with a mark where it is cut.
pub fn history_part(found: &str, query: &str, room: usize) -> String {
    let (found, room) = (masked(found), room.max(8));
    let width = wrap::width(&found);
    if width <= room {
        return found.into_owned();
    }
    let hit = matching::found(&found, query).first().cloned().unwrap_or(0..0);
    let (from, to) = (wrap::width(&found[..hit.start]), wrap::width(&found[..hit.end]));
    // As much before it as behind it, a column for each mark.
    let skip = (from + to).saturating_sub(room).div_ceil(2).min(width - room);
    let left = if skip > 0 { "‹" } else { "" };
    let right = if skip + room < width { "›" } else { "" };
    let marks = wrap::width(left) + wrap::width(right);
    format!("{left}{}{right}", wrap::slice(&found, skip + wrap::width(left), room - marks))
}

/// The name that the course gives its first session.
pub fn first_session(course: &Course) -> String {
    let steps = course.chapters.iter().flat_map(|c| &c.steps);
    let named = steps.filter_map(|step| match &step.action {
        StepAction::Sql(sql) => sql.statements.first().map(|s| s.session.clone()),
        _ => None,
    });
    named.into_iter().next().unwrap_or_else(|| "main".to_owned())
}
