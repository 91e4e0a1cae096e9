//! Where the learner is, and moving from step to step: the files follow each move.

use std::sync::Arc;

use super::{Driver, with_hint};
use crate::event::{EventKind, Position};
use crate::files;
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::{Chapter, Step};

impl Driver {
    pub(super) fn current(&self) -> Option<(Arc<Chapter>, Step)> {
        None.or_else(|| {
            let position = self.progress.position.as_ref()?;
            let chapter = self.setup.course.chapter(position.chapter)?;
            Some((Arc::new(chapter.clone()), chapter.step(&position.step)?.clone()))
        })
    }

    pub(super) fn step_at(&self, position: &Position) -> Option<&Step> {
        self.setup.course.chapter(position.chapter)?.step(&position.step)
    }

    pub(super) fn first_position(&self) -> Position {
        let first = self.setup.course.chapters.iter().find_map(|c| Some((c.number, c.steps.first()?)));
        first.map_or(Position { chapter: 0, step: String::new() }, |(chapter, step)| Position {
            chapter,
            step: step.id.clone(),
        })
    }

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

    pub(super) fn next(&mut self) {
        let positions = self.positions();
        let now = positions.iter().position(|p| Some(p) == self.progress.position.as_ref());
        match now.and_then(|i| positions.get(i + 1)) {
            Some(next) => self.move_to("next", next.clone()),
            None => self.refuse("next", "this is the last step of the course"),
        }
    }

    pub(super) fn back(&mut self) {
        let positions = self.positions();
        let now = positions.iter().position(|p| Some(p) == self.progress.position.as_ref());
        match now.and_then(|i| positions.get(i.checked_sub(1)?)) {
            Some(before) => self.move_to("back", before.clone()),
            None => self.refuse("back", "this is the first step of the course"),
        }
    }

    pub(super) fn go_to(&mut self, chapter: u32, step: Option<String>) {
        let position = match step {
            Some(step) => Ok(Position { chapter, step }),
            None => self.start_of(chapter),
        };
        match position {
            Ok(position) if self.step_at(&position).is_some() => self.move_to("go to", position),
            Ok(position) => {
                self.refuse("go to", format!("chapter {} has no step `{}`", position.chapter, position.step));
            }
            Err(problem) => self.refuse("go to", with_hint(&problem)),
        }
    }

    pub(super) fn move_to(&mut self, command: &str, position: Position) {
        if !self.is_free(command, true) {
            return;
        }
        let course = self.setup.course.clone();
        let files = match files::at(&course, &position) {
            Ok(files) => files,
            Err(problem) => return self.refuse(command, with_hint(&problem)),
        };
        if let Err(problem) = self.write(None, &files::wanted(&course, &files)) {
            self.trouble(problem);
            return;
        }
        if self.progress.position.as_ref() != Some(&position) {
            self.event(EventKind::Moved { position });
        }
        self.tell_distance();
        self.save();
    }
}
