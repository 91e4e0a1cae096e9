//! Requests: each is refused with nothing done, or accepted, carried out and told when it is over.

use std::sync::Arc;

use super::state::{Busy, Driver, Waiting};
use crate::command::{BringTo, Command, CommandKind, Refusal, Request, RequestId, Scope};
use crate::config::Mode;
use crate::event::{CheckRef, DiffOf, EventKind, Position, RequestOutcome, StepRef};
use crate::files;
use crate::messages::Internal;
use crate::values::database_site;
use workshop_base::problem::{Problem, Result};
use workshop_course::code::tree::Tree;
use workshop_course::lesson::model::{ActionKind, StepAction};

/// Why not, for programs and for a person.
pub(super) type Refused = (Refusal, String);

/// An accepted request: over with this, or to be told when it is.
pub(super) enum Carried {
    Out(RequestOutcome),
    On,
}

impl Driver {
    /// Refuses a request, or accepts it and does or begins it.
    pub(super) fn request(&mut self, request: Request) {
        let Request { id, command } = request;
        let kind = command.kind();
        match self.admit(&command) {
            Err((because, reason)) => self.refuse(id, kind, because, reason),
            // It is known later whether it can be done.
            Ok(()) if kind == CommandKind::Detach => self.detach(id),
            Ok(()) => {
                self.emit(EventKind::Accepted { id, command: kind });
                match self.carry_out(id, command) {
                    Ok(Carried::Out(outcome)) => self.done(id, kind, outcome),
                    Ok(Carried::On) => {}
                    Err(problem) => self.done(id, kind, RequestOutcome::Failed(problem)),
                }
            }
        }
    }

    /// Tells whether a request can be carried out now, and does nothing of it.
    fn admit(&mut self, command: &Command) -> Result<(), Refused> {
        match command {
            Command::Run | Command::RunStatement => {
                self.is_free(true)?;
                if let Some(files) = self.edits() {
                    self.may_change(&files)?;
                    self.may_collide(&files)?;
                }
                self.may_cost()
            }
            Command::Next => {
                self.is_free(true)?;
                let next = self.beside(1).ok_or_else(|| no_further("this is the last step of the course"))?;
                self.may_move(&next)
            }
            Command::Back => {
                self.is_free(true)?;
                let before = self.beside(-1).ok_or_else(|| no_further("this is the first step of the course"))?;
                self.may_move(&before)
            }
            Command::GoTo { chapter, step } => {
                self.is_free(true)?;
                let position = self.position_of(*chapter, step.as_deref())?;
                self.may_move(&position)
            }
            Command::Bring { to } => {
                self.is_free(true)?;
                self.may_bring(*to)?;
                let BringTo::Chapter(chapter) = to else { return Ok(()) };
                let position = self.position_of(*chapter, None)?;
                self.may_move(&position)
            }
            Command::Check { checks, .. } => {
                self.is_free(false)?;
                self.chosen_checks(checks).map(drop)
            }
            Command::Apply { scope } | Command::Undo { scope } => {
                self.is_free(true)?;
                match scope {
                    Scope::Step(step) => self.position_of(step.chapter, Some(&step.step)).map(drop),
                    Scope::Chapter(chapter) => self.known_chapters(&[*chapter]),
                }
            }
            Command::ApplyHunk { file, index } | Command::UndoHunk { file, index } => {
                self.is_free(true)?;
                self.known_hunk(file, *index)
            }
            Command::RestoreEdits { .. } => self.is_free(true),
            Command::Cancel if matches!(self.busy, Busy::No) => Err(nothing_runs("nothing is running")),
            Command::Detach if !self.deploys() => Err(nothing_runs("no deploy is running")),
            Command::CancelSql { session } | Command::RetrySql { session } if !self.sessions.is_open(session) => {
                Err((Refusal::Unknown, format!("there is no session `{session}`")))
            }
            Command::Prepare if self.preparing => Err(already("it is being made ready already")),
            Command::Pause if self.progress.pacing.paused => Err(already("the clock stands already")),
            Command::Resume if !self.progress.pacing.paused => Err(already("the clock runs already")),
            Command::Quit => match self.busy_with() {
                Some(what) => Err((Refusal::Busy, format!("{what} is running: cancel it or detach from it first"))),
                None => Ok(()),
            },
            Command::ShowDiff { of } => match of {
                DiffOf::Step(step) => self.position_of(step.chapter, Some(&step.step)).map(drop),
                DiffOf::Chapters { from, to } => self.known_chapters(&[*from, *to]),
                DiffOf::Mine { chapter } => self.known_chapters(&[*chapter]),
                DiffOf::Collision => Ok(()),
            },
            Command::Settle { .. } if self.collision.is_none() => {
                Err((Refusal::Unknown, "no edits of yours are in the way of the course's".to_owned()))
            }
            Command::Settle { .. } => self.is_free(true),
            Command::Cancel
            | Command::Detach
            | Command::Sql { .. }
            | Command::CancelSql { .. }
            | Command::CloseSession { .. }
            | Command::RetrySql { .. }
            | Command::Complete { .. }
            | Command::Prepare
            | Command::Pause
            | Command::Resume
            | Command::RestartClock
            | Command::Locate => Ok(()),
        }
    }

    /// Does, or begins, what was admitted.
    fn carry_out(&mut self, id: RequestId, command: Command) -> Result<Carried> {
        match command {
            Command::Run | Command::RunStatement => {
                self.run_step(id, command.kind());
                return Ok(Carried::On);
            }
            Command::Bring { to } => {
                self.bring(id, to);
                return Ok(Carried::On);
            }
            Command::Next => self.step_beside(1)?,
            Command::Back => self.step_beside(-1)?,
            Command::GoTo { chapter, step } => match self.position_of(chapter, step.as_deref()) {
                Ok(position) => self.move_to(position)?,
                Err((_, reason)) => return Err(Problem::usage(reason)),
            },
            Command::Check { checks, must_fail } => {
                let chosen = self.chosen_checks(&checks).map_err(|(_, reason)| Problem::usage(reason))?;
                self.check(id, chosen, must_fail);
                return Ok(Carried::On);
            }
            Command::Apply { scope } => self.apply(&scope)?,
            Command::Undo { scope } => self.undo(&scope)?,
            Command::ApplyHunk { file, index } => self.hunk(&file, index, true)?,
            Command::UndoHunk { file, index } => self.hunk(&file, index, false)?,
            Command::RestoreEdits { journal } => self.restore(journal)?,
            Command::Cancel => {
                self.cancel(id);
                return Ok(Carried::On);
            }
            Command::Detach => {}
            Command::Sql { session, text, columns } => {
                self.sql(id, session, Some((text, columns)));
                return Ok(Carried::On);
            }
            Command::RetrySql { session } => {
                self.sql(id, session, None);
                return Ok(Carried::On);
            }
            Command::CancelSql { session } => _ = self.sessions.cancel(&session),
            Command::CloseSession { session } => {
                self.sessions.end(&session);
                self.emit(EventKind::SessionClosed { session });
            }
            Command::Complete { session, text, cursor } => {
                self.complete(id, session, text, cursor);
                return Ok(Carried::On);
            }
            Command::ShowDiff { of } => self.show_diff(of)?,
            Command::Prepare => {
                self.prepare_asked = Some(id);
                self.prepare();
                return Ok(Carried::On);
            }
            Command::Pause => self.emit(EventKind::Paused),
            Command::Resume => self.emit(EventKind::Resumed),
            Command::RestartClock => self.emit(EventKind::ClockRestarted),
            Command::Settle { own } => self.settle(own),
            Command::Locate => {
                self.locate(Some(id));
                return Ok(Carried::On);
            }
            Command::Quit => self.quit = true,
        }
        Ok(Carried::Out(RequestOutcome::Complete))
    }

    /// Answers an accepted request for the last time.
    pub(super) fn done(&mut self, id: RequestId, command: CommandKind, outcome: RequestOutcome) {
        self.emit(EventKind::Done { id, command, outcome });
    }

    /// Ends the requests that waited for the end of what ran.
    pub(super) fn end_waiting(&mut self, waiting: Vec<Waiting>, detached: bool) {
        for Waiting { id, command } in waiting {
            if command == CommandKind::Detach && !detached {
                self.refuse(id, command, Refusal::NothingRuns, "the deploy has ended meanwhile");
                continue;
            }
            if command == CommandKind::Detach {
                self.emit(EventKind::Accepted { id, command });
            }
            self.done(id, command, RequestOutcome::Complete);
        }
    }

    /// Names what runs, for a person.
    fn busy_with(&self) -> Option<String> {
        match &self.busy {
            Busy::No => None,
            Busy::Step { at_step, .. } => {
                let title = at_step.of(&self.setup.course);
                Some(format!("“{}”", title.map_or(at_step.step.as_str(), |s| s.title.as_str())))
            }
            Busy::Checks { .. } => Some("a check".to_owned()),
            Busy::Bringing { .. } => Some("bringing everything to a chapter".to_owned()),
        }
    }

    /// Refuses when something runs, or when nothing may be written.
    fn is_free(&self, writes: bool) -> Result<(), Refused> {
        if let Some(what) = self.busy_with() {
            return Err((Refusal::Busy, format!("{what} is running: wait for it, or cancel it")));
        }
        if writes && self.setup.mode == Mode::CheckOnly {
            return Err((Refusal::ReadOnly, "this run only looks: it changes nothing".to_owned()));
        }
        Ok(())
    }

    fn position_of(&self, chapter: u32, step: Option<&str>) -> Result<Position, Refused> {
        let position = match step {
            Some(step) => Position { chapter, step: step.to_owned() },
            None => self.start_of(chapter).map_err(|problem| (Refusal::Unknown, said(&problem)))?,
        };
        match self.step_at(&position) {
            Some(_) => Ok(position),
            None => Err((Refusal::Unknown, format!("chapter {} has no step `{}`", position.chapter, position.step))),
        }
    }

    /// The checks that are meant: those named, or all of the chapter where the learner is.
    fn chosen_checks(&self, checks: &[CheckRef]) -> Result<Vec<CheckRef>, Refused> {
        let course = &self.setup.course;
        let here = self.progress.position.as_ref().and_then(|position| course.chapter(position.chapter));
        let Some(here) = here else { return Err(no_further("the course has no steps")) };
        if let Some(unknown) =
            checks.iter().find(|r| course.chapter(r.chapter).and_then(|c| c.check(&r.check)).is_none())
        {
            let reason = format!("chapter {} has no check `{}`", unknown.chapter, unknown.check);
            return Err((Refusal::Unknown, reason));
        }
        if !checks.is_empty() {
            return Ok(checks.to_vec());
        }
        if here.checks.is_empty() {
            return Err((Refusal::Unknown, format!("chapter {} has no checks", here.number)));
        }
        Ok(here.checks.iter().map(|check| CheckRef { chapter: here.number, check: check.id.clone() }).collect())
    }

    /// The files as the step at hand makes them, if it is an edit.
    fn edits(&self) -> Option<Tree> {
        let (chapter, step) = self.current()?;
        let at_step = StepRef { chapter: chapter.number, step: step.id.clone() };
        matches!(step.action, StepAction::Edit(_)).then(|| files::after(&self.setup.course, &at_step).ok())?
    }

    fn may_move(&mut self, position: &Position) -> Result<(), Refused> {
        match files::at(&self.setup.course, position) {
            Ok(files) => {
                self.may_change(&files)?;
                self.may_collide(&files)
            }
            Err(_) => Ok(()),
        }
    }

    /// Asks before files are changed that the workshop has not written. Who asks for the same again has answered.
    fn may_change(&mut self, files: &Tree) -> Result<(), Refused> {
        let wanted = files::wanted(&self.setup.course, files);
        let interactive = self.setup.mode == Mode::Interactive;
        let strangers =
            self.journal.as_ref().filter(|_| interactive).and_then(|journal| journal.strangers(&wanted).ok());
        let strangers = strangers.filter(|files| !files.is_empty());
        if strangers.is_none() || std::mem::replace(&mut self.told_strangers, strangers.clone()) == strangers {
            return Ok(());
        }
        let files = strangers.unwrap_or_default();
        let shown = files.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if files.len() > SHOWN { format!(" and {} more", files.len() - SHOWN) } else { String::new() };
        let reason = format!(
            "{shown}{more} would change, and the workshop has not written them. Ask again to go on: what is not the \
             course's is put aside and can be brought back"
        );
        Err((Refusal::StrangeFiles, reason))
    }

    fn known_chapters(&self, numbers: &[u32]) -> Result<(), Refused> {
        match numbers.iter().find(|number| self.setup.course.chapter(**number).is_none()) {
            None => Ok(()),
            Some(unknown) => Err((Refusal::Unknown, format!("there is no chapter {unknown}"))),
        }
    }

    /// Tells whether the chapter where the learner is changes a file in so many places.
    fn known_hunk(&self, file: &str, index: usize) -> Result<(), Refused> {
        let here = self.progress.position.as_ref().and_then(|p| self.setup.course.chapter(p.chapter));
        let Some(chapter) = here else { return Err(no_further("the course has no steps")) };
        if chapter.diff.iter().any(|diff| diff.path == file && index < diff.hunks.len()) {
            return Ok(());
        }
        Err((Refusal::Unknown, format!("chapter {} has no such change in {file}", chapter.number)))
    }

    fn cancel(&mut self, id: RequestId) {
        let waiting = Waiting { id, command: CommandKind::Cancel };
        match &mut self.busy {
            Busy::No => {}
            Busy::Step { cancel, waiting: all, .. }
            | Busy::Bringing { cancel, waiting: all }
            | Busy::Checks { cancel, waiting: all, .. } => {
                cancel.cancel();
                all.push(waiting);
            }
        }
    }

    fn detach(&mut self, id: RequestId) {
        if let Busy::Step { detach, waiting, .. } = &mut self.busy {
            detach.notify_one();
            waiting.push(Waiting { id, command: CommandKind::Detach });
        }
    }

    /// The deploy that runs cannot be let go of yet.
    pub(super) fn not_detachable(&mut self, reason: &str) {
        let Busy::Step { waiting, .. } = &mut self.busy else { return };
        let asked: Vec<Waiting> = waiting.extract_if(.., |w| w.command == CommandKind::Detach).collect();
        for Waiting { id, command } in asked {
            self.refuse(id, command, Refusal::NotInTheCloud, reason);
        }
    }

    fn deploys(&self) -> bool {
        matches!(&self.busy, Busy::Step { at_step, .. } if self.is_deploy(at_step))
    }

    fn is_deploy(&self, at_step: &StepRef) -> bool {
        let step = at_step.of(&self.setup.course);
        step.is_some_and(|s| s.action.kind() == ActionKind::Deploy)
    }

    /// Runs an input in a console session; without a text, its transaction again. A session that is not open yet is
    /// opened, in the database's usual role.
    fn sql(&mut self, id: RequestId, session: String, input: Option<(String, Option<usize>)>) {
        self.prepare_again();
        let command = if input.is_some() { CommandKind::Sql } else { CommandKind::RetrySql };
        let ctx = self.ctx(None, self.stop.child_token(), Arc::default());
        let course = self.setup.course.clone();
        self.tasks.spawn(async move {
            let stop = ctx.cancel.clone();
            let run = async {
                let world = ctx.world().await?;
                let site = database_site(world.as_ref(), &course).await?;
                ctx.sessions.ensure(world.as_ref(), &session, &site, None)?;
                match input {
                    Some((text, columns)) => ctx.sessions.run_typed(&session, id, text, columns).await,
                    None => ctx.sessions.retry(&session, id).await,
                };
                Ok::<(), Problem>(())
            };
            let outcome = match stop.run_until_cancelled(run).await {
                Some(Ok(())) => RequestOutcome::Complete,
                Some(Err(problem)) => RequestOutcome::Failed(problem),
                None => return,
            };
            ctx.sink.send(Internal::RequestEnded { id, command, outcome });
        });
    }

    /// Asks a session for candidates. One that is not open yet is opened, for it knows no names before.
    fn complete(&mut self, id: RequestId, session: String, text: String, cursor: usize) {
        let ctx = self.ctx(None, self.stop.child_token(), Arc::default());
        let course = self.setup.course.clone();
        self.tasks.spawn(async move {
            let stop = ctx.cancel.clone();
            let find = async {
                if !ctx.sessions.is_open(&session) {
                    let world = ctx.world().await?;
                    let site = database_site(world.as_ref(), &course).await?;
                    ctx.sessions.ensure(world.as_ref(), &session, &site, None)?;
                }
                Ok::<_, Problem>(ctx.sessions.complete(&session, id, text, cursor).await)
            };
            let (found, outcome) = match stop.run_until_cancelled(find).await {
                Some(Ok(found)) => (found, RequestOutcome::Complete),
                Some(Err(problem)) => (None, RequestOutcome::Failed(problem)),
                None => return,
            };
            let (from, candidates) = found.unwrap_or((cursor, Vec::new()));
            ctx.sink.emit(EventKind::Completions { id, from, candidates });
            ctx.sink.send(Internal::RequestEnded { id, command: CommandKind::Complete, outcome });
        });
    }
}

/// A problem in one line, with its advice.
pub(super) fn said(problem: &Problem) -> String {
    match &problem.hint {
        Some(hint) => format!("{problem}: {hint}"),
        None => problem.to_string(),
    }
}

/// The number of files that a refusal names.
const SHOWN: usize = 3;

fn no_further(reason: &str) -> Refused {
    (Refusal::NoFurther, reason.to_owned())
}

fn nothing_runs(reason: &str) -> Refused {
    (Refusal::NothingRuns, reason.to_owned())
}

fn already(reason: &str) -> Refused {
    (Refusal::Already, reason.to_owned())
}
