//! Positions in a course: which there are, which is at hand, and which a directory's files speak for.

use std::path::Path;

use crate::event::{ChapterMatch, Position, StepRef};
use crate::files;
use crate::progress::Progress;
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::{Chapter, Course, Step};

/// Returns the chapter and the step where the learner is.
pub(super) fn current<'a>(course: &'a Course, progress: &Progress) -> Option<(&'a Chapter, &'a Step)> {
    let position = progress.position.as_ref()?;
    let chapter = course.chapter(position.chapter)?;
    Some((chapter, chapter.step(&position.step)?))
}

/// Returns the step at a position, if the course has it.
pub(super) fn step_at<'a>(course: &'a Course, position: &Position) -> Option<&'a Step> {
    course.chapter(position.chapter)?.step(&position.step)
}

/// Returns the first step of the course; of one without steps, a position that is none.
pub(super) fn first(course: &Course) -> Position {
    all(course).into_iter().next().unwrap_or(Position { chapter: 0, step: String::new() })
}

/// Returns all positions in order.
pub(super) fn all(course: &Course) -> Vec<Position> {
    let of = |c: &Chapter| {
        let number = c.number;
        c.steps.iter().map(move |s| Position { chapter: number, step: s.id.clone() }).collect::<Vec<_>>()
    };
    course.chapters.iter().flat_map(of).collect()
}

/// Returns the position so many steps after another one, or before it; None past the ends.
pub(super) fn beside(course: &Course, from: Option<&Position>, by: isize) -> Option<Position> {
    let positions = all(course);
    let now = positions.iter().position(|p| Some(p) == from)?;
    positions.get(now.checked_add_signed(by)?).cloned()
}

/// Returns the first step of a chapter.
///
/// # Errors
/// When there is no such chapter, or it has no steps.
pub(super) fn chapter_start(course: &Course, number: u32) -> Result<Position> {
    match course.chapter(number).and_then(|c| c.steps.first()) {
        Some(step) => Ok(Position { chapter: number, step: step.id.clone() }),
        None => {
            let last = course.chapters.last().map_or(0, |c| c.number);
            Err(Problem::usage(format!("there is no chapter {number}")).hint(format!("chapters are 0 to {last}")))
        }
    }
}

/// Finds where a session goes on whose step the course has no more: at the first step of the same chapter that is not
/// done. None when the chapter is gone, too.
pub(super) fn instead_of(course: &Course, lost: &Position, progress: &Progress) -> Option<Position> {
    let chapter = course.chapter(lost.chapter)?;
    let at = |step: &Step| StepRef { chapter: chapter.number, step: step.id.clone() };
    let open = chapter.steps.iter().find(|step| !progress.is_settled(&at(step), step));
    let step = open.or(chapter.steps.last())?;
    Some(Position { chapter: chapter.number, step: step.id.clone() })
}

/// Finds where a directory without a session is: after the chapter whose files it holds, if most of them are as that leaves
/// them; else at the beginning.
pub(super) fn recognise(course: &Course, workdir: &Path) -> Position {
    let now = files::current(course, workdir);
    let (chapter, differs) = match files::place(course, &now) {
        ChapterMatch::Chapter(chapter) => (chapter, 0),
        ChapterMatch::Near { chapter, differs } => (chapter, differs),
        ChapterMatch::Nothing | ChapterMatch::Unknown => return first(course),
    };
    let files = course.chapter(chapter).map_or(0, |chapter| chapter.snapshot.len());
    if differs as usize * 2 > files {
        return first(course);
    }
    let next = course.chapters.iter().find(|c| c.number > chapter && !c.steps.is_empty());
    let last = course.chapter(chapter).and_then(|c| Some((c, c.steps.last()?)));
    match (next.and_then(|c| Some((c, c.steps.first()?))), last) {
        (Some((chapter, step)), _) | (None, Some((chapter, step))) => {
            Position { chapter: chapter.number, step: step.id.clone() }
        }
        (None, None) => first(course),
    }
}
