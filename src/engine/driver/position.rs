//! The place where the learner is, and moving from step to step: the files follow each move.

use std::sync::Arc;

use super::state::Driver;
use crate::event::{ChapterMatch, EventKind, Position, StepRef};
use crate::files;
use crate::record::Saved;
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::{Chapter, Step};

impl Driver {
    /// Returns the chapter and the step at hand.
    pub(super) fn current(&self) -> Option<(Arc<Chapter>, Step)> {
        None.or_else(|| {
            let position = self.progress.position.as_ref()?;
            let chapter = self.setup.course.chapter(position.chapter)?;
            Some((Arc::new(chapter.clone()), chapter.step(&position.step)?.clone()))
        })
    }

    /// Returns the step at a position, if the course has it.
    pub(super) fn step_at(&self, position: &Position) -> Option<&Step> {
        self.setup.course.chapter(position.chapter)?.step(&position.step)
    }

    /// Returns the first step of the course; of one without steps, a position that is none.
    pub(super) fn first_position(&self) -> Position {
        let first = self.setup.course.chapters.iter().find_map(|c| Some((c.number, c.steps.first()?)));
        first.map_or(Position { chapter: 0, step: String::new() }, |(chapter, step)| Position {
            chapter,
            step: step.id.clone(),
        })
    }

    /// Finds where a session goes on whose step the course has no more: at the first step of the same chapter that is not
    /// done. None when the chapter is gone, too.
    pub(super) fn instead_of(&self, lost: &Position, saved: &Saved) -> Option<Position> {
        let chapter = self.setup.course.chapter(lost.chapter)?;
        let at = |step: &Step| StepRef { chapter: chapter.number, step: step.id.clone() };
        let open = chapter.steps.iter().find(|step| !saved.progress.is_settled(&at(step), step));
        let step = open.or(chapter.steps.last())?;
        Some(Position { chapter: chapter.number, step: step.id.clone() })
    }

    /// Finds where a directory without a session is: after the chapter whose files it holds, if most of them are as that leaves
    /// them; else at the beginning.
    pub(super) fn recognised(&self) -> Position {
        let course = &self.setup.course;
        let now = files::current(course, &self.setup.workdir);
        let (chapter, differs) = match files::place(course, &now) {
            ChapterMatch::Chapter(chapter) => (chapter, 0),
            ChapterMatch::Near { chapter, differs } => (chapter, differs),
            ChapterMatch::Nothing | ChapterMatch::Unknown => return self.first_position(),
        };
        let there = course.chapter(chapter).map_or(0, |chapter| chapter.snapshot.len());
        if differs as usize * 2 > there {
            return self.first_position();
        }
        let next = course.chapters.iter().find(|c| c.number > chapter && !c.steps.is_empty());
        let last = course.chapter(chapter).and_then(|c| Some((c, c.steps.last()?)));
        match (next.and_then(|c| Some((c, c.steps.first()?))), last) {
            (Some((chapter, step)), _) | (None, Some((chapter, step))) => {
                Position { chapter: chapter.number, step: step.id.clone() }
            }
            (None, None) => self.first_position(),
        }
    }

    /// Returns the first step of a chapter.
    ///
    /// # Errors
    /// When there is no such chapter, or it has no steps.
    pub(super) fn start_of(&self, number: u32) -> Result<Position> {
        let course = &self.setup.course;
        match course.chapter(number).and_then(|c| c.steps.first()) {
            Some(step) => Ok(Position { chapter: number, step: step.id.clone() }),
            None => {
                let last = course.chapters.last().map_or(0, |c| c.number);
                Err(Problem::usage(format!("there is no chapter {number}")).hint(format!("chapters are 0 to {last}")))
            }
        }
    }

    /// All positions in order.
    pub(super) fn positions(&self) -> Vec<Position> {
        let of = |c: &Chapter| {
            let number = c.number;
            c.steps.iter().map(move |s| Position { chapter: number, step: s.id.clone() }).collect::<Vec<_>>()
        };
        self.setup.course.chapters.iter().flat_map(of).collect()
    }

    /// The position so many steps on, or back.
    pub(super) fn beside(&self, by: isize) -> Option<Position> {
        let positions = self.positions();
        let now = positions.iter().position(|p| Some(p) == self.progress.position.as_ref())?;
        positions.get(now.checked_add_signed(by)?).cloned()
    }

    /// Moves so many steps on, or back; at the ends it stays.
    ///
    /// # Errors
    /// As [`Driver::move_to`].
    pub(super) fn step_beside(&mut self, by: isize) -> Result<()> {
        match self.beside(by) {
            Some(position) => self.move_to(position),
            None => Ok(()),
        }
    }

    /// Takes the conditions back that belong to another step than the one that is entered.
    fn leave_conditions(&mut self, to: &Position) {
        if self.progress.conditions.is_empty() {
            return;
        }
        let stays = self.step_at(to).map(|step| StepRef::in_lesson(to.chapter, step));
        let ctx = self.ctx(None, self.stop.child_token(), Arc::default());
        self.tasks.spawn(async move {
            let stop = ctx.cancel.clone();
            stop.run_until_cancelled(ctx.end_conditions(stays.as_ref())).await;
        });
    }

    /// Goes there, and brings the files along.
    ///
    /// # Errors
    /// When there is no such position, and as [`Driver::write`].
    pub(super) fn move_to(&mut self, position: Position) -> Result<()> {
        let course = self.setup.course.clone();
        let files = files::at(&course, &position)?;
        self.write_around(None, &files::wanted(&course, &files))?;
        self.processes.leave(position.chapter);
        if self.progress.position.as_ref() != Some(&position) {
            self.stepping = None;
            self.leave_conditions(&position);
            self.emit(EventKind::Moved { position });
        }
        self.tell_distance();
        self.save();
        Ok(())
    }
}
