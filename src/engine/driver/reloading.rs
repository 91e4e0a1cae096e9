//! The course as its author goes on writing it while it is open: the run goes on with what is there now.

use std::sync::Arc;

use super::state::{Busy, Driver};
use crate::config::{EngineConfig, Mode};
use crate::event::{EventKind, Position, StepRef};
use crate::files;
use crate::messages::CourseReading;
use workshop_course::lesson::model::{Course, StepAction};

impl Driver {
    /// Takes what was read of the course, or what is wrong with it. While something runs it waits for its end: a step comes
    /// to the end that it began with.
    pub(super) fn take_course(&mut self, reading: CourseReading) {
        match reading {
            Err(problems) => self.emit(EventKind::CourseInvalid { problems }),
            Ok(course) if matches!(self.busy, Busy::No) => self.use_course(course),
            Ok(course) => self.next_course = Some(course),
        }
    }

    /// Takes up the course that was read while something ran.
    pub(super) fn take_waiting_course(&mut self) {
        if let Some(course) = self.next_course.take() {
            self.use_course(course);
        }
    }

    fn use_course(&mut self, course: Arc<Course>) {
        let before = self.setup.course.clone();
        let Some(here) = self.progress.position.clone() else { return };
        let Some(position) = same_place(&before, &here, &course) else { return };
        self.setup = Arc::new(EngineConfig { course: course.clone(), ..EngineConfig::clone(&self.setup) });
        let gone = (position.step != here.step).then_some(here.step);
        self.emit(EventKind::CourseReloaded { position: position.clone(), gone, course: Some(course) });
        if self.setup.mode != Mode::CheckOnly
            && let Err(problem) = self.follow_course(&position)
        {
            self.trouble(problem);
        }
        self.tell_distance();
        self.save();
    }

    /// Brings along the files that are as the runner left them; whatever else stands in a file is left as it is.
    fn follow_course(&mut self, position: &Position) -> workshop_base::problem::Result<()> {
        let course = self.setup.course.clone();
        let at_step = StepRef { chapter: position.chapter, step: position.step.clone() };
        let edits = self.step_at(position).is_some_and(|step| matches!(step.action, StepAction::Edit(_)));
        let made = edits && self.progress.is_done(&at_step);
        let tree = if made { files::after(&course, &at_step)? } else { files::at(&course, position)? };
        let mut wanted = files::wanted(&course, &tree);
        let (journal, _) = self.journal()?;
        wanted.retain(|path, _| journal.is_ours(path));
        self.write(None, &wanted)
    }
}

/// Finds where one is in the course as it is now: at the same step of the same chapter; where that step is gone, at the one
/// in its place. None in a course without steps.
fn same_place(before: &Course, here: &Position, now: &Course) -> Option<Position> {
    let old = before.chapter(here.chapter);
    let named = old.and_then(|old| now.chapters.iter().find(|chapter| chapter.id == old.id));
    let with_steps = |chapter: &&workshop_course::lesson::model::Chapter| !chapter.steps.is_empty();
    let counted = || now.chapter(here.chapter).or(now.chapters.last());
    let any = || now.chapters.iter().find(with_steps);
    let chapter = named.filter(with_steps).or_else(|| counted().filter(with_steps)).or_else(any)?;
    let index = old.and_then(|old| old.steps.iter().position(|step| step.id == here.step)).unwrap_or(0);
    let step = chapter.step(&here.step).or_else(|| chapter.steps.get(index.min(chapter.steps.len() - 1)))?;
    Some(Position { chapter: chapter.number, step: step.id.clone() })
}
