//! Requests: each is refused with nothing done, or accepted, carried out and answered when it is over.

use super::activity::{PastPoint, PendingRequest, TalkPlace};
use super::state::Driver;
use crate::command::{BringTo, Command, CommandKind, Refusal, Request, RequestId};
use crate::event::{EventKind, Position, RequestOutcome};
use workshop_base::problem::{Problem, Result};

/// What has become of an accepted request.
enum RequestState {
    Finished(RequestOutcome),
    /// Whatever carries it out answers it.
    Continues,
}

impl Driver {
    /// Refuses a request, or accepts it and does or begins it.
    pub(super) fn request(&mut self, request: Request) {
        let Request { id, command } = request;
        let kind = command.kind();
        match self.admit(&command) {
            Err((because, reason)) => self.run.refuse(id, kind, because, reason),
            // It is known later whether it can be done.
            Ok(()) if kind == CommandKind::Detach => self.activity.detach(id),
            Ok(()) if matches!(command, Command::Apply { .. } | Command::Undo { .. }) => self.write_scope(id, &command),
            Ok(()) => {
                self.emit(EventKind::Accepted { id, command: kind });
                match self.carry_out(id, command) {
                    Ok(RequestState::Finished(outcome)) => self.run.finish(id, kind, outcome),
                    Ok(RequestState::Continues) => {}
                    Err(problem) => self.run.finish(id, kind, RequestOutcome::Failed(problem)),
                }
            }
        }
    }

    /// Writes a step or a chapter, or takes it back; refuses what the files are already.
    fn write_scope(&mut self, id: RequestId, command: &Command) {
        let (events, unchanged) = match command {
            Command::Apply { scope } => (self.workspace.apply(scope), "the files have all of it already"),
            Command::Undo { scope } => {
                (self.workspace.undo(scope), "the files have nothing of it that could be taken back")
            }
            _ => return,
        };
        let kind = command.kind();
        if events.as_ref().is_ok_and(Vec::is_empty) {
            return self.run.refuse(id, kind, Refusal::Already, unchanged);
        }
        self.emit(EventKind::Accepted { id, command: kind });
        let outcome = self.files_written(events).map_or_else(RequestOutcome::Failed, |()| RequestOutcome::Complete);
        self.run.finish(id, kind, outcome);
    }

    /// Does, or begins, what was admitted.
    fn carry_out(&mut self, id: RequestId, command: Command) -> Result<RequestState> {
        match command {
            Command::Run | Command::RunStatement => {
                self.run_step(id, command.kind());
                return Ok(RequestState::Continues);
            }
            Command::Bring { to } => {
                match to {
                    BringTo::Chapter(chapter) => self.bring(id, PastPoint::Chapter(chapter)),
                    BringTo::Before => self.bring(id, PastPoint::Before),
                    BringTo::Standby => self.switch(id, TalkPlace::Standby),
                    BringTo::Account => self.switch(id, TalkPlace::Account),
                }
                return Ok(RequestState::Continues);
            }
            Command::Follow { at_step } => {
                let position = Position { chapter: at_step.chapter, step: at_step.step };
                if self.run.progress().position.as_ref() != Some(&position) {
                    self.run.enter(position);
                }
                self.run_step(id, CommandKind::Follow);
                return Ok(RequestState::Continues);
            }
            Command::Next => self.step_beside(1)?,
            Command::Back => self.step_beside(-1)?,
            Command::GoTo { chapter, step } => match self.known_position(chapter, step.as_deref()) {
                Ok(position) => self.move_to(position)?,
                Err((_, reason)) => return Err(Problem::usage(reason)),
            },
            Command::Check { checks, must_fail } => {
                let chosen = self.chosen_checks(&checks).map_err(|(_, reason)| Problem::usage(reason))?;
                self.check(id, chosen, must_fail);
                return Ok(RequestState::Continues);
            }
            // Answered by `write_scope`.
            Command::Apply { .. } | Command::Undo { .. } => {}
            Command::ApplyHunk { file, index } => self.set_hunk(&file, index, true)?,
            Command::UndoHunk { file, index } => self.set_hunk(&file, index, false)?,
            Command::RestoreEdits { journal } => {
                let events = self.workspace.restore(journal);
                self.files_written(events)?;
            }
            Command::Cancel => {
                self.activity.cancel(id);
                // What waits for the standby waits for nothing that could be cancelled.
                self.switch_when_level();
                return Ok(RequestState::Continues);
            }
            Command::Detach => {}
            Command::Sql { session, text, columns } => {
                self.run_sql(id, session, Some((text, columns)));
                return Ok(RequestState::Continues);
            }
            Command::RetrySql { session } => {
                self.run_sql(id, session, None);
                return Ok(RequestState::Continues);
            }
            Command::CancelSql { session } => _ = self.target.sessions.cancel(&session),
            Command::CloseSession { session } => {
                self.target.sessions.end(&session);
                self.emit(EventKind::SessionClosed { session });
            }
            Command::Complete { session, text, cursor } => {
                self.complete_sql(id, session, text, cursor);
                return Ok(RequestState::Continues);
            }
            Command::ShowDiff { of } => {
                let diff = self.workspace.diff(of)?;
                self.emit(diff);
            }
            Command::Prepare => {
                self.prepare(Some(id));
                return Ok(RequestState::Continues);
            }
            Command::Pause => self.emit(EventKind::Paused),
            Command::Resume => self.emit(EventKind::Resumed),
            Command::RestartClock => self.emit(EventKind::ClockRestarted),
            Command::Settle { own } => self.workspace.settle(own),
            Command::Locate => {
                self.locate(Some(id));
                return Ok(RequestState::Continues);
            }
            Command::Quit => self.quit = true,
        }
        Ok(RequestState::Finished(RequestOutcome::Complete))
    }

    /// Moves so many steps on, or back; at the ends it stays.
    fn step_beside(&mut self, by: isize) -> Result<()> {
        self.beside(by).map_or(Ok(()), |position| self.move_to(position))
    }

    /// Writes one hunk of the chapter at hand, or takes it back.
    fn set_hunk(&mut self, file: &str, index: usize, on: bool) -> Result<()> {
        let Some(chapter) = self.run.chapter() else { return Ok(()) };
        let events = self.workspace.set_hunk(chapter, file, index, on);
        self.files_written(events)
    }

    /// Tells what was written, and how far the files are now.
    fn files_written(&mut self, events: Result<Vec<EventKind>>) -> Result<()> {
        self.emit_all(events?);
        self.report_distance();
        // What was put aside is to be found again, whatever comes now.
        self.save();
        Ok(())
    }

    /// Refuses to let go of the deploy that runs: it cannot go on by itself yet.
    pub(super) fn refuse_detach(&mut self, reason: &str) {
        for PendingRequest { id, command } in self.activity.take_detach_requests() {
            self.run.refuse(id, command, Refusal::NotInTheCloud, reason);
        }
    }
}
