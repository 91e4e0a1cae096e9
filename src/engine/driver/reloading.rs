//! The course as its author goes on writing it while it is open: the run goes on with what is there now.

use std::sync::Arc;

use super::position;
use super::state::Driver;
use crate::config::Mode;
use crate::event::{EventKind, Position, StepRef};
use crate::files;
use crate::messages::CourseReading;
use workshop_base::problem::Result;
use workshop_course::lesson::model::{Chapter, Course, StepAction};

impl Driver {
    /// Takes what was read of the course, or what is wrong with it. While something runs it waits for its end: a step comes
    /// to the end that it began with.
    pub(super) fn take_course(&mut self, reading: CourseReading) {
        match reading {
            Err(problems) => {
                // What was read before it is not what the files say any more.
                self.next_course = None;
                self.emit(EventKind::CourseInvalid { problems });
            }
            Ok(course) if self.activity.is_idle() => self.use_course(course),
            Ok(course) => self.next_course = Some(course),
        }
    }

    /// Takes up the course that was read while something ran, once nothing does: not between two steps of a way either.
    pub(super) fn take_waiting_course(&mut self) {
        if !self.activity.is_idle() || self.bringing.is_some() {
            return;
        }
        if let Some(course) = self.next_course.take() {
            self.use_course(course);
        }
    }

    fn use_course(&mut self, course: Arc<Course>) {
        let before = self.config.course.clone();
        let Some(here) = self.run.progress().position.clone() else { return };
        let Some(position) = same_place(&before, &here, &course) else { return };
        self.set_course(course.clone());
        // Its statements may be others now.
        self.stepped = None;
        let gone = (position.step != here.step).then_some(here.step);
        self.emit(EventKind::CourseReloaded { position: position.clone(), gone, course: Some(course) });
        if self.config.mode != Mode::CheckOnly
            && let Err(problem) = self.follow_course(&position)
        {
            self.trouble(problem);
        }
        self.report_distance();
        self.save();
    }

    /// Brings along the files that are as the runner left them.
    fn follow_course(&mut self, position: &Position) -> Result<()> {
        let course = &self.config.course;
        let at_step = StepRef { chapter: position.chapter, step: position.step.clone() };
        let edits = position::step_at(course, position).is_some_and(|step| matches!(step.action, StepAction::Edit(_)));
        let made = edits && self.run.progress().is_done(&at_step);
        let files = if made { files::after(course, &at_step)? } else { files::at(course, position)? };
        let written = self.workspace.follow(&files)?;
        self.emit_all(written);
        Ok(())
    }
}

/// Finds where one is in the course as it is now: at the same step of the same chapter; where that step is gone, at the one
/// in its place. None in a course without steps.
fn same_place(before: &Course, here: &Position, now: &Course) -> Option<Position> {
    let old = before.chapter(here.chapter);
    let named = old.and_then(|old| now.chapters.iter().find(|chapter| chapter.id == old.id));
    let with_steps = |chapter: &&Chapter| !chapter.steps.is_empty();
    let counted = || now.chapter(here.chapter).or(now.chapters.last());
    let any = || now.chapters.iter().find(with_steps);
    let chapter = named.filter(with_steps).or_else(|| counted().filter(with_steps)).or_else(any)?;
    let index = old.and_then(|old| old.steps.iter().position(|step| step.id == here.step)).unwrap_or(0);
    let step = chapter.step(&here.step).or_else(|| chapter.steps.get(index.min(chapter.steps.len() - 1)))?;
    Some(Position { chapter: chapter.number, step: step.id.clone() })
}
