//! The files that the project has at any point of the course. Pure.
//!
//! Invariant: a chapter's manifest after its last edit is its snapshot; `lesson::load` proves that
//! each hunk belongs to exactly one step, so nothing here can be asked for something else.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::apply::compose;
use crate::code::tree::Tree;

use super::model::{Chapter, Course, StepAction};

/// For each file of a chapter's diff, the indices of the hunks that are in place.
pub type Hunks<'a> = BTreeMap<&'a str, BTreeSet<usize>>;

/// The files before a chapter's first step: the previous chapter's snapshot.
/// Empty for the first chapter; `None` when there is no such chapter.
pub fn at_start(course: &Course, chapter: u32) -> Option<Tree> {
    let index = course.chapters.iter().position(|c| c.number == chapter)?;
    Some(match index.checked_sub(1) {
        Some(previous) => course.chapters[previous].snapshot.clone(),
        None => Tree::new(),
    })
}

/// The files after a step: those at the chapter's start, with the hunks of its edit steps up to and
/// including this one. `None` when there is no such step.
pub fn after_step(course: &Course, chapter: u32, step: &str) -> Option<Tree> {
    let mut files = at_start(course, chapter)?;
    let chapter = course.chapter(chapter)?;
    let hunks = hunks_until(chapter, step)?;
    for diff in &chapter.diff {
        let Some(chosen) = hunks.get(diff.path.as_str()) else { continue };
        match compose(diff, |hunk| chosen.contains(&hunk)) {
            Some(file) => files.insert(diff.path.clone(), file),
            None => files.remove(&diff.path),
        };
    }
    Some(files)
}

/// The files before a step: those after the one that comes before it.
pub fn before_step(course: &Course, chapter: u32, step: &str) -> Option<Tree> {
    let steps = &course.chapter(chapter)?.steps;
    let index = steps.iter().position(|s| s.id == step)?;
    match index.checked_sub(1) {
        Some(previous) => after_step(course, chapter, &steps[previous].id),
        None => at_start(course, chapter),
    }
}

/// The hunks that a chapter's steps have put in place once `step` is done.
pub fn hunks_until<'a>(chapter: &'a Chapter, step: &str) -> Option<Hunks<'a>> {
    let last = chapter.steps.iter().position(|s| s.id == step)?;
    let mut hunks = Hunks::new();
    for step in &chapter.steps[..=last] {
        let StepAction::Edit(edit) = &step.action else { continue };
        for hunk in &edit.hunks {
            hunks.entry(&hunk.file).or_default().insert(hunk.index);
        }
    }
    Some(hunks)
}
