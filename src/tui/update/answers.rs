//! The engine's word about the console's sessions, taken into them.

use super::completion::accept;
use super::console::{self, reads_only, session};
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::plan::{self, QueryPlan};
use crate::tui::present::prompt::prompt;
use crate::tui::present::timeline;
use crate::tui::wrap;
use workshop_course::lesson::model::StepAction;
use workshop_engine::event::{EventKind, SqlLine, StepRef};

/// Takes in what the engine says about sessions.
pub fn take(m: &mut Model, kind: &EventKind) {
    exchange(m, kind);
    match kind {
        EventKind::SessionOpened { session: name, role, host } => {
            session(m, name);
            m.log.push_prose(LogKind::Note, &format!("console {name}: connected to {host} as {role}"));
        }
        EventKind::SessionLost { session: name, loss, reason } => match loss.text() {
            Some(lost) => {
                let text = format!("connection ended: {reason}; {lost}");
                session(m, name).back.push_prose(SqlLine::Error, &text);
            }
            // Nothing is lost that the next statement does not make anew.
            None => {
                m.log.push_prose(LogKind::Note, &format!("console {name}: connection ended, {reason}"));
                let runs = m.progress.sessions.get(name).is_some_and(|state| state.running.is_some());
                let next = if runs { "" } else { " The next one is made for the next statement." };
                let text = format!("The connection has ended: {reason}.{next}");
                session(m, name).back.push_prose(SqlLine::Notice, &text);
            }
        },
        EventKind::SessionClosed { session: name } => {
            let current = m.session().map(|session| session.name.clone());
            m.console.sessions.retain(|session| session.name != *name);
            // Whoever has the keyboard keeps it.
            let kept = m.console.sessions.iter().position(|session| Some(&session.name) == current.as_ref());
            let last = m.console.sessions.len().saturating_sub(1);
            m.console.current = kept.unwrap_or(m.console.current.min(last));
            let before = m.console.exchanges.iter().take(m.console.lanes_from);
            m.console.lanes_from = before.filter(|exchange| exchange.session != *name).count();
            m.console.exchanges.retain(|exchange| exchange.session != *name);
            console::drop_lanes(m);
        }
        EventKind::SqlStarted { session: name, text, .. } => {
            // What is asked stands before the answer, whoever asked. Another session's prompt has its name.
            session(m, name);
            let prompts = [true, false].map(|first| prompt(m, name, first));
            let session = session(m, name);
            // A statement's result is read from its left side.
            session.back.left = 0;
            session.query = reads_only(text).or(session.query.take());
            let back = &mut session.back;
            for (i, line) in text.trim_end().lines().enumerate() {
                let prompt = &prompts[usize::from(i > 0)];
                let indent = wrap::width(line) - wrap::width(line.trim_start());
                back.push_hung(SqlLine::Echo, &format!("{prompt}{line}"), wrap::width(prompt) + indent);
            }
            if let Some(at) = m.console.sessions.iter().position(|s| s.name == *name)
                && m.mode != InputMode::Entry
            {
                m.console.current = at;
            }
        }
        EventKind::SqlText { session: name, lines, .. } => {
            let session = session(m, name);
            if lines.iter().any(|(kind, _)| *kind == SqlLine::Error) {
                session.exporting = None;
            }
            let back = &mut session.back;
            for (kind, text) in lines {
                // Rows of a table keep their columns and scroll sideways; words are wrapped.
                let wraps = match kind {
                    SqlLine::Header | SqlLine::Row => false,
                    SqlLine::Echo
                    | SqlLine::Footer
                    | SqlLine::Status
                    | SqlLine::Notice
                    | SqlLine::Error
                    | SqlLine::Hint => true,
                };
                for line in text.split('\n') {
                    match wraps {
                        false => back.push_table(*kind, line),
                        true if is_prose(*kind, line) => back.push_prose(*kind, line),
                        true => back.push(*kind, line, true),
                    }
                }
            }
        }
        EventKind::SqlFinished { session: name, error: Some(error), .. }
            if error.is_conflict()
                // What a lesson's own statements come to, it tells itself.
                && m.progress.running.is_none()
                && m.progress.bringing.is_none()
                && (m.mode == InputMode::Entry || m.focus == Panel::Sql) =>
        {
            let key = m.key_here(KeyAction::RetryTransaction);
            m.toast = Some((format!("{name}: another transaction won; {key} retries the whole one"), Mood::Warn));
        }
        EventKind::SqlFinished { session: name, error, .. } => {
            let file = session(m, name).exporting.take();
            if let (Some(file), None) = (file, error) {
                let path = m.options.workdir.join(file);
                m.toast = Some((format!("Written to {}", path.display()), Mood::Good));
            }
        }
        EventKind::Completions { id, from, candidates } => {
            let Some(completion) = m.console.completion.as_mut().filter(|c| c.id == *id) else { return };
            completion.from = *from;
            completion.candidates.clone_from(candidates);
            match candidates.len() {
                0 => {
                    m.console.completion = None;
                    m.toast = Some(("Nothing completes this".to_owned(), Mood::Plain));
                }
                1 => {
                    let completion = completion.clone();
                    m.console.completion = None;
                    accept(m, &completion);
                }
                _ => {}
            }
        }
        _ => {}
    }
}

/// Returns whether a line is a sentence. The line of the statement and the mark under it stand one below the other.
fn is_prose(kind: SqlLine, line: &str) -> bool {
    let placed = line.starts_with("LINE ") || line.trim() == "^";
    kind == SqlLine::Hint || matches!(kind, SqlLine::Error | SqlLine::Notice) && !placed
}

/// After a step in several sessions: where only one of them shows, that is the one with an error to read.
pub fn settled(m: &mut Model, step: &StepRef) {
    let Some(StepAction::Sql(sql)) = m.step_of(step).map(|step| step.action.clone()) else { return };
    let erred = |session: &ConsoleSession| {
        let own = sql.statements.iter().any(|statement| statement.session == session.name);
        own && m.progress.sessions.get(&session.name).is_some_and(|state| state.last_error.is_some())
    };
    if let (SessionLayout::One, false, Some(at)) =
        (m.console.split, m.mode == InputMode::Entry, m.console.sessions.iter().rposition(erred))
    {
        m.console.current = at;
    }
}

/// Keeps a plan to be drawn; one that a lesson asks for is drawn at once.
fn keep_plan(m: &mut Model, plan: Option<(QueryPlan, String)>) {
    let Some((plan, query)) = plan else { return };
    m.console.plans.push(PlanRun { query, plan });
    let gone = m.console.plans.len().saturating_sub(PLANS);
    m.console.plans.drain(..gone);
    if m.progress.running.is_some() && m.mode != InputMode::Entry {
        console::draw_picture(m, SqlPicture::Plan);
    }
}

/// Plans kept, and rows of one that are looked at.
const PLANS: usize = 6;
const PLAN_ROWS: usize = 1000;

/// Rows of an answer kept for the time line: those that it shows, and one more.
const ANSWER_ROWS: usize = 4;

/// Exchanges kept for the time line.
const EXCHANGES: usize = 200;

/// Writes down when a statement began and ended: the lanes of several sessions are drawn from that.
fn exchange(m: &mut Model, kind: &EventKind) {
    match kind {
        EventKind::SqlStarted { id, session, text } => {
            if m.console.exchanges.len() >= EXCHANGES {
                m.console.exchanges.remove(0);
                m.console.lanes_from = m.console.lanes_from.saturating_sub(1);
            }
            let chapter = m.progress.running.as_ref().map(|at| at.chapter).or(m.here().map(|here| here.chapter));
            m.console.exchanges.push(Exchange {
                id: *id,
                chapter: chapter.unwrap_or_default(),
                session: session.clone(),
                text: text.clone(),
                written: timeline::written(text),
                started: m.progress.at,
                finished: None,
                error: None,
                rows: Vec::new(),
                answer: Vec::new(),
            });
        }
        EventKind::SqlText { id, session, lines } => {
            let Some(own) = m.console.exchanges.iter_mut().rev().find(|e| e.id == *id && e.session == *session) else {
                return;
            };
            let (kept, most) = match plan::explained(&own.text) {
                Some(_) => (&mut own.rows, PLAN_ROWS),
                None => (&mut own.answer, ANSWER_ROWS),
            };
            let room = most.saturating_sub(kept.len());
            // A query answers in rows, a command of the console's own in words.
            let said = |kind: &SqlLine| *kind == SqlLine::Row || own.text.starts_with('\\') && *kind == SqlLine::Status;
            let rows = lines.iter().filter(|(kind, _)| said(kind)).flat_map(|(_, text)| text.split('\n'));
            let plan = most == PLAN_ROWS;
            kept.extend(rows.filter(|row| plan || !row.trim().is_empty()).take(room).map(str::to_owned));
        }
        EventKind::SqlFinished { id, session, tx, error, .. } => {
            let now = m.progress.at;
            let own = m.console.exchanges.iter_mut().rev().find(|e| e.id == *id && e.session == *session);
            if let Some(own) = own {
                own.finished = Some(ExchangeEnd { at: now, tx: *tx, failed: error.is_some() });
                own.error.clone_from(error);
                let rows = std::mem::take(&mut own.rows);
                let plan = QueryPlan::read(rows.iter().map(String::as_str));
                let plan = plan.zip(plan::explained(&own.text)).filter(|_| error.is_none());
                keep_plan(m, plan);
            }
        }
        _ => {}
    }
}
