//! The console's entry: its prompt, its rows, and what a search of the history finds.

use crate::tui::model::*;
use crate::tui::scrollback;
use workshop_course::lesson::model::{Course, StepAction};
use workshop_engine::event::TxState;

/// Rows of the entry at most.
pub const ENTRY_ROWS: usize = 8;

/// Rows that the entry takes, with the completions above it.
pub fn entry_rows(m: &Model) -> usize {
    let lines = m.session().map_or(1, |s| s.editor.lines().len().min(ENTRY_ROWS));
    let searching = matches!(&m.mode, InputMode::Search { of: Panel::Sql, .. });
    lines + usize::from(searching)
}

/// The prompt of a session: psql's, by the state of the transaction.
pub fn prompt(tx: TxState, first: bool) -> &'static str {
    match (tx, first) {
        (TxState::Idle, true) => "postgres=> ",
        (TxState::Open, true) => "postgres=*> ",
        (TxState::Failed, true) => "postgres=!> ",
        (TxState::Unknown, true) => "postgres=?> ",
        (TxState::Idle, false) => "postgres-> ",
        (TxState::Open, false) => "postgres-*> ",
        (TxState::Failed, false) => "postgres-!> ",
        (TxState::Unknown, false) => "postgres-?> ",
    }
}

/// The newest input that holds the query, before the one that the search stands on.
pub fn history_match(m: &Model) -> Option<(usize, &str)> {
    let query = m.console.history_search.as_ref()?;
    let end = m.session().and_then(|s| s.recalled.as_ref()).map_or(m.console.history.len(), |(at, _)| *at);
    let hit = |(_, text): &(usize, &String)| query.is_empty() || scrollback::matches(text, query);
    m.console.history[..end].iter().enumerate().rev().find(hit).map(|(at, text)| (at, text.as_str()))
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
