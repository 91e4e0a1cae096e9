//! Whether a request can be carried out now. What refuses changes nothing; asking again may be the answer to it.

use super::activity::TalkPlace;
use super::position;
use super::state::Driver;
use crate::command::{BringTo, Command, Refusal, Scope};
use crate::config::Mode;
use crate::event::{CheckRef, DiffOf, EventKind, Position, StepRef};
use crate::files;
use workshop_base::problem::Problem;
use workshop_course::code::tree::Tree;
use workshop_course::lesson::model::{DeployAction, StepAction, Target};

/// Why not, for programs and for a person.
pub(super) type Refused = (Refusal, String);

/// The number of files that a refusal names.
const SHOWN: usize = 3;

impl Driver {
    /// Tells whether a request can be carried out now, and does nothing of it.
    pub(super) fn admit(&mut self, command: &Command) -> Result<(), Refused> {
        match command {
            Command::Run | Command::RunStatement => {
                self.require_idle(true)?;
                if let Some(files) = self.edited_files() {
                    self.announce_changes(&files)?;
                    self.announce_collision(&files)?;
                }
                self.announce_costs()
            }
            Command::Next => {
                self.require_idle(true)?;
                let next = self.beside(1).ok_or_else(|| no_further("this is the last step of the course"))?;
                self.announce_move(&next)
            }
            Command::Back => {
                self.require_idle(true)?;
                let before = self.beside(-1).ok_or_else(|| no_further("this is the first step of the course"))?;
                self.announce_move(&before)
            }
            Command::GoTo { chapter, step } => {
                self.require_idle(true)?;
                let position = self.known_position(*chapter, step.as_deref())?;
                self.announce_move(&position)
            }
            Command::Follow { at_step } => {
                self.require_idle(true)?;
                self.known_position(at_step.chapter, Some(&at_step.step)).map(drop)
            }
            Command::Bring { to } => match to {
                BringTo::Standby => self.require_switchable(TalkPlace::Standby),
                BringTo::Account => self.require_switchable(TalkPlace::Account),
                BringTo::Before => {
                    self.require_idle(true)?;
                    self.require_bringable()?;
                    self.require_state_before()
                }
                BringTo::Chapter(chapter) => {
                    self.require_idle(true)?;
                    self.require_bringable()?;
                    let position = self.known_position(*chapter, None)?;
                    self.announce_move(&position)
                }
            },
            Command::Check { checks, .. } => {
                self.require_idle(false)?;
                self.chosen_checks(checks).map(drop)
            }
            Command::Apply { scope } | Command::Undo { scope } => {
                self.require_idle(true)?;
                match scope {
                    Scope::Step(step) => self.known_position(step.chapter, Some(&step.step)).map(drop),
                    Scope::Chapter(chapter) => self.require_chapters(&[*chapter]),
                }
            }
            Command::ApplyHunk { file, index } | Command::UndoHunk { file, index } => {
                self.require_idle(true)?;
                self.require_hunk(file, *index)
            }
            Command::RestoreEdits { .. } => self.require_idle(true),
            Command::Cancel if self.activity.is_idle() => Err(nothing_runs("nothing is running")),
            Command::Detach if !self.activity.is_deploy(&self.config.course) => {
                Err(nothing_runs("no deploy is running"))
            }
            Command::CancelSql { session } | Command::RetrySql { session }
                if !self.target.sessions.is_open(session) =>
            {
                Err((Refusal::Unknown, format!("there is no session `{session}`")))
            }
            Command::Prepare if self.target.is_preparing() => Err(already("it is being made ready already")),
            Command::Pause if self.run.progress().pacing.paused => Err(already("the clock stands already")),
            Command::Resume if !self.run.progress().pacing.paused => Err(already("the clock runs already")),
            Command::Quit => match self.activity.name(&self.config.course) {
                Some(what) => Err((Refusal::Busy, format!("{what} is running: cancel it or detach from it first"))),
                None => Ok(()),
            },
            Command::ShowDiff { of } => match of {
                DiffOf::Step(step) => self.known_position(step.chapter, Some(&step.step)).map(drop),
                DiffOf::Chapters { from, to } => self.require_chapters(&[*from, *to]),
                DiffOf::Mine { chapter } => self.require_chapters(&[*chapter]),
                DiffOf::Collision => Ok(()),
            },
            Command::Settle { .. } if !self.workspace.has_collision() => {
                Err((Refusal::Unknown, "no edits of yours are in the way of the course's".to_owned()))
            }
            Command::Settle { .. } => self.require_idle(true),
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

    /// Refuses when something runs, or when nothing may be written.
    pub(super) fn require_idle(&self, writes: bool) -> Result<(), Refused> {
        if let Some(what) = self.activity.name(&self.config.course) {
            return Err((Refusal::Busy, format!("{what} is running: wait for it, or cancel it")));
        }
        if writes && self.config.mode == Mode::CheckOnly {
            return Err((Refusal::ReadOnly, "this run only looks: it changes nothing".to_owned()));
        }
        Ok(())
    }

    fn require_chapters(&self, numbers: &[u32]) -> Result<(), Refused> {
        match numbers.iter().find(|number| self.config.course.chapter(**number).is_none()) {
            None => Ok(()),
            Some(unknown) => Err((Refusal::Unknown, format!("there is no chapter {unknown}"))),
        }
    }

    /// Refuses a hunk that the chapter where the learner is does not have.
    fn require_hunk(&self, file: &str, index: usize) -> Result<(), Refused> {
        let Some(chapter) = self.run.chapter() else { return Err(no_further("the course has no steps")) };
        if chapter.diff.iter().any(|diff| diff.path == file && index < diff.hunks.len()) {
            return Ok(());
        }
        Err((Refusal::Unknown, format!("chapter {} has no such change in {file}", chapter.number)))
    }

    /// Returns the position that is meant: a step, or the first of a chapter.
    pub(super) fn known_position(&self, chapter: u32, step: Option<&str>) -> Result<Position, Refused> {
        let course = &self.config.course;
        let position = match step {
            Some(step) => Position { chapter, step: step.to_owned() },
            None => position::chapter_start(course, chapter).map_err(|p| (Refusal::Unknown, one_line(&p)))?,
        };
        match position::step_at(course, &position) {
            Some(_) => Ok(position),
            None => Err((Refusal::Unknown, format!("chapter {} has no step `{}`", position.chapter, position.step))),
        }
    }

    /// Returns the checks that are meant: those named, or all of the chapter where the learner is.
    pub(super) fn chosen_checks(&self, checks: &[CheckRef]) -> Result<Vec<CheckRef>, Refused> {
        let course = &self.config.course;
        let Some(here) = self.run.chapter() else { return Err(no_further("the course has no steps")) };
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

    /// Returns the position so many steps on, or back.
    pub(super) fn beside(&self, by: isize) -> Option<Position> {
        position::beside(&self.config.course, self.run.progress().position.as_ref(), by)
    }

    /// Returns the files as the step at hand makes them, if it is an edit.
    fn edited_files(&self) -> Option<Tree> {
        let course = &self.config.course;
        let (chapter, step) = position::current(course, self.run.progress())?;
        let at_step = StepRef { chapter: chapter.number, step: step.id.clone() };
        matches!(step.action, StepAction::Edit(_)).then(|| files::after(course, &at_step).ok())?
    }

    pub(super) fn announce_move(&mut self, position: &Position) -> Result<(), Refused> {
        match files::at(&self.config.course, position) {
            Ok(files) => {
                self.announce_changes(&files)?;
                self.announce_collision(&files)
            }
            Err(_) => Ok(()),
        }
    }

    /// Asks before files are changed that the workshop has not written. Who asks for the same again has answered.
    fn announce_changes(&mut self, files: &Tree) -> Result<(), Refused> {
        let at_hand = self.step_at_hand();
        let Some(files) = self.workspace.unannounced(files, at_hand.as_ref()) else { return Ok(()) };
        let shown = files.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if files.len() > SHOWN { format!(" and {} more", files.len() - SHOWN) } else { String::new() };
        let reason = format!(
            "{shown}{more} would change, and the workshop has not written them. Ask again to go on: what is not the \
             course's is put aside and can be brought back"
        );
        Err((Refusal::StrangeFiles, reason))
    }

    /// Asks before own edits would have to give way. Who asks for the same again goes on with their own.
    fn announce_collision(&mut self, files: &Tree) -> Result<(), Refused> {
        let at_hand = self.step_at_hand();
        let Some(paths) = self.workspace.collide(files, at_hand.as_ref()) else { return Ok(()) };
        let reason = format!(
            "your own lines in {} are where the course changes them next. Ask again to go on with yours, or take the \
             course's: yours are put aside then and can be brought back",
            paths.join(", ")
        );
        self.emit(EventKind::EditsCollide { files: paths });
        Err((Refusal::OwnEdits, reason))
    }

    /// Says what the first deploy to someone's own account costs. Who asks for it again has answered.
    fn announce_costs(&mut self) -> Result<(), Refused> {
        let course = &self.config.course;
        let is_own_account = self.config.target == Target::Aws && self.config.mode == Mode::Interactive;
        let Some((chapter, step)) = position::current(course, self.run.progress()) else { return Ok(()) };
        let deploys = matches!(&step.action, StepAction::Deploy(deploy) if deploy.action != DeployAction::Destroy);
        if !deploys || !is_own_account || !self.deploys.costs_are_due() {
            return Ok(());
        }
        let place = match self.target.connected() {
            Some(target) => format!("account {}, {}", target.account(), target.region()),
            None => "your AWS account".to_owned(),
        };
        let what = course.costs.clone().unwrap_or_else(|| "what the course deploys".to_owned());
        let stack = course.stack.as_deref().unwrap_or_default();
        let project = chapter.cdk_project().filter(|project| !project.is_empty());
        let there = project.map(|project| format!(" in {project}")).unwrap_or_default();
        let reason = format!(
            "it makes things in {place} that cost money: {what}. Run it again to go on; `npx cdk destroy`{there} removes the stack {stack} \
             afterwards"
        );
        Err((Refusal::Costs, reason))
    }
}

/// Puts a problem and its advice into one line.
fn one_line(problem: &Problem) -> String {
    match &problem.hint {
        Some(hint) => format!("{problem}: {hint}"),
        None => problem.to_string(),
    }
}

fn no_further(reason: &str) -> Refused {
    (Refusal::NoFurther, reason.to_owned())
}

fn nothing_runs(reason: &str) -> Refused {
    (Refusal::NothingRuns, reason.to_owned())
}

fn already(reason: &str) -> Refused {
    (Refusal::Already, reason.to_owned())
}
