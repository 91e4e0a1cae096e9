//! Requests to the engine, and how each is taken back once it is carried out.

use crate::tui::model::*;
use workshop_course::lesson::model::StepAction;
use workshop_engine::command::{BringTo, Command, Request, Scope};
use workshop_engine::event::StepRef;

/// Said to who asks for something before the engine has said where we are.
pub const STILL_STARTING: &str = "Still starting";

/// Asks the engine, once it has said where we are.
pub fn send(m: &mut Model, effects: &mut Vec<Effect>, command: Command) {
    if m.progress.position.is_none() && !matches!(command, Command::Quit) {
        m.toast = Some((STILL_STARTING.to_owned(), Mood::Plain));
        return;
    }
    let asked = request(m, command);
    effects.push(asked);
}

/// Makes a request, and remembers how it is taken back, or that it is not.
pub fn request(m: &mut Model, command: Command) -> Effect {
    let asked = m.ask(command);
    if let Effect::Send(request) = &asked {
        remember_way_back(m, request);
    }
    asked
}

/// Remembers how a request is taken back, once it is carried out.
fn remember_way_back(m: &mut Model, request: &Request) {
    let Some(here) = m.here() else { return };
    let title = |m: &Model, at: &StepRef| m.step_of(at).map_or_else(|| at.step.clone(), |step| step.title.clone());
    let edits = m.step().is_some_and(|step| matches!(step.action, StepAction::Edit(_)));
    let way = match &request.command {
        Command::Next | Command::Back | Command::GoTo { .. } => {
            let back = Command::GoTo { chapter: here.chapter, step: Some(here.step.clone()) };
            (format!("Back at “{}”", title(m, &here)), back)
        }
        Command::Run if edits => {
            (format!("“{}” is taken back", title(m, &here)), Command::Undo { scope: Scope::Step(here) })
        }
        Command::Apply { scope } => ("The changes are taken back".to_owned(), Command::Undo { scope: scope.clone() }),
        Command::Undo { scope: Scope::Chapter(chapter) } => {
            ("The chapter is written again".to_owned(), Command::Apply { scope: Scope::Chapter(*chapter) })
        }
        Command::Undo { scope: Scope::Step(step) } => {
            ("The step is written again".to_owned(), Command::Apply { scope: Scope::Step(step.clone()) })
        }
        Command::ApplyHunk { file, index } => {
            ("The hunk is taken back".to_owned(), Command::UndoHunk { file: file.clone(), index: *index })
        }
        Command::UndoHunk { file, index } => {
            ("The hunk is written again".to_owned(), Command::ApplyHunk { file: file.clone(), index: *index })
        }
        Command::Bring { to: BringTo::Chapter(_) } => {
            ("Everything is as it was before".to_owned(), Command::Bring { to: BringTo::Before })
        }
        Command::Run | Command::RunStatement => {
            let what = format!("“{}”", title(m, &here));
            m.retrace.stays = Some((m.retrace.done.len(), what));
            return;
        }
        Command::Sql { .. } | Command::RetrySql { .. } => {
            m.retrace.stays = Some((m.retrace.done.len(), "A statement".to_owned()));
            return;
        }
        _ => return,
    };
    m.retrace.asked.insert(request.id, way);
}
