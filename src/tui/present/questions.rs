//! What is asked before something is left, or goes: its title, what it means, and the keys that answer it.

use super::spans::display_text;
use super::standby;
use super::words::{self, listed};
use crate::tui::bindings::{Context, KeyAction};
use crate::tui::model::*;
use workshop_engine::command::BringTo;
use workshop_engine::event::{Phase, StepRef};

/// A title, what it means, and each key with what it does.
pub type Question = (String, String, Vec<(String, String)>);

/// Returns what is asked about what still runs.
pub fn leaving(m: &Model, leave: &Leave) -> Question {
    let (title, text) = match &leave.what {
        Running::Deploy(step) if goes_on_alone(m, &leave.what) => (name(m, step), changing(m)),
        Running::Deploy(step) => {
            (name(m, step), "Nothing of the deploy has reached the stack yet: cancelled, it stays as it is.".to_owned())
        }
        Running::Bring => match m.progress.bringing.as_ref().map(|state| state.to) {
            Some(BringTo::Standby | BringTo::Account) => {
                ("Moving the talk".to_owned(), "Stopped, it stays where it is.".to_owned())
            }
            Some(BringTo::Chapter(_) | BringTo::Before) | None => (
                "Bringing everything to this chapter".to_owned(),
                format!(
                    "Stopped, everything stays where it is by then; {} brings the rest.",
                    m.key(KeyAction::BringHere)
                ),
            ),
        },
        Running::Step(step) => {
            (name(m, step), "Cancelled, it is ended now; it can be run again at any time.".to_owned())
        }
        Running::Checks => {
            ("The checks".to_owned(), "Cancelled, they end now; they can be run again at any time.".to_owned())
        }
        Running::Sql(session) => (
            format!("Session {}", display_text(m, session)),
            match runs_statement(m, session) {
                true => "A statement runs. Nothing of it is kept unless it is committed.".to_owned(),
                false => "A transaction is open. Nothing of it is kept unless it is committed.".to_owned(),
            },
        ),
    };
    let key = |does| m.key_in(Context::Leaving, does);
    let mut keys = Vec::new();
    let after = if leave.quit { " and leave" } else { "" };
    if goes_on_alone(m, &leave.what) {
        keys.push((key(KeyAction::Detach), format!("let it go on{after}")));
    }
    let word = match leave.what {
        Running::Sql(_) if leave.quit => "roll back and leave".to_owned(),
        Running::Sql(_) => "cancel the statement".to_owned(),
        Running::Deploy(_) | Running::Step(_) | Running::Bring | Running::Checks => format!("cancel it{after}"),
    };
    keys.push((key(KeyAction::CancelRunning), word));
    let stay = match &leave.what {
        Running::Sql(session) if !runs_statement(m, session) => "stay",
        _ => "keep watching",
    };
    keys.push((key(KeyAction::Close), stay.to_owned()));
    (title, text, keys)
}

/// Says what becomes of a stack that is being changed: CloudFormation takes nothing back but an update.
fn changing(m: &Model) -> String {
    match words::unstoppable(&m.progress) {
        Some(status) => format!(
            "The stack is {status}, and CloudFormation cannot stop that: it goes on to its end, cancelled or left alone, and \
             coming back finds it."
        ),
        None => "The stack is being changed. Left alone that goes on, and coming back finds it. Cancelled, the stack returns \
                 to where it was."
            .to_owned(),
    }
}

/// Returns the keys that answer what is asked now, each with what it does; None: nothing is asked.
pub fn answers(m: &Model) -> Option<Vec<(String, String)>> {
    match &m.mode {
        InputMode::Leave(leave) => Some(leaving(m, leave).2),
        InputMode::Confirm(confirm) => Some(bringing(m, confirm).2),
        _ => None,
    }
}

/// Tells whether what runs is a deploy that has come so far that it would go on without us.
pub fn goes_on_alone(m: &Model, what: &Running) -> bool {
    let mut phases = m.progress.deploy.iter().flat_map(|deploy| &deploy.phases);
    matches!(what, Running::Deploy(_)) && phases.any(|phase| phase.phase == Phase::Resources)
}

/// Returns what is asked before everything is put to where it was at another time.
pub fn bringing(m: &Model, confirm: &Confirm) -> Question {
    let key = |does| m.key_in(Context::Asking, does);
    let keys = vec![
        (key(KeyAction::Accept), "do it".to_owned()),
        (key(KeyAction::Close), "leave everything as it is".to_owned()),
    ];
    let (title, mut text) = match confirm.to {
        BringTo::Standby => return (GO_LOCAL.to_owned(), onto_standby(m), keys),
        BringTo::Account => return (GO_BACK.to_owned(), into_account(m), keys),
        BringTo::Chapter(number) => {
            let chapter = m.course.chapter(number).map(|chapter| chapter.title.as_str()).unwrap_or_default();
            (
                format!("Bring everything to chapter {number}: {}", display_text(m, chapter)),
                format!("{} and ticks become what they are when chapter {number} begins.", has(m)),
            )
        }
        BringTo::Before => (
            "Put everything back".to_owned(),
            format!("{} and ticks become what they were before it was brought somewhere.", has(m)),
        ),
    };
    let back = m.key(KeyAction::RestoreEdits);
    text.push_str(&format!(" Own edits go along; what cannot is put aside, and {back} brings it back."));
    let running: Vec<&str> =
        m.progress.served.iter().filter(|(_, served)| served.is_running()).map(|(name, _)| name.as_str()).collect();
    match running.as_slice() {
        [] => {}
        [one] => text.push_str(&format!(" {} runs, and is stopped.", display_text(m, one))),
        many => text.push_str(&format!(" {} run, and are stopped.", display_text(m, &listed(many)))),
    }
    (title, text, keys)
}

/// Says how far the standby is, and what becomes of what runs.
fn onto_standby(m: &Model) -> String {
    let mut text = match &m.progress.standby {
        Some(state) => display_text(m, &standby::how_far(&m.course, state)).into_owned(),
        None => String::new(),
    };
    if m.progress.running.is_some() {
        text.push_str(" What runs is left as it is in the account.");
    }
    text.push_str(" From then on everything speaks to the sandbox on this machine; your files stay as they are.");
    text
}

/// Says what it means to go back.
fn into_account(m: &Model) -> String {
    let answers = match &m.progress.account_gone {
        None => "",
        Some(_) => "It does not answer as it should yet: until it does, the talk stays where it is. ",
    };
    format!("{answers}What was done on the standby alone is not there: it is listed then. Your files stay as they are.")
}

const GO_LOCAL: &str = "Move the talk onto the local standby";
const GO_BACK: &str = "Move the talk back to the AWS account";

/// Names what is put back, of what the course has.
fn has(m: &Model) -> String {
    let parts = [("Files", true), ("packages", true), ("stack", m.uses.deploys), ("database", m.uses.asks)];
    parts.iter().filter(|(_, has)| *has).map(|(what, _)| *what).collect::<Vec<_>>().join(", ")
}

fn name(m: &Model, step: &StepRef) -> String {
    let title = m.step_of(step).map_or(step.step.as_str(), |known| known.title.as_str());
    display_text(m, title).into_owned()
}

/// Returns the frame's title over [`leaving`].
pub fn leaving_frame(m: &Model, leave: &Leave) -> &'static str {
    match &leave.what {
        Running::Sql(session) if !runs_statement(m, session) => "Still open",
        Running::Sql(_) | Running::Deploy(_) | Running::Step(_) | Running::Bring | Running::Checks => "Still running",
    }
}

fn runs_statement(m: &Model, session: &str) -> bool {
    m.progress.sessions.get(session).is_some_and(|state| state.running.is_some())
}
