//! How everything is brought to where a chapter begins: what must be put back, and what is to be run then. Pure.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::event::{ChapterMatch, StepRef};
use super::progress::Progress;
use workshop_course::lesson::model::{Chapter, Course, DeployAction, DeployStep, Step, StepAction};

/// The state of the target to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BringFrom {
    /// As it is: what is done leads there.
    Here,
    /// As this chapter began; it is saved.
    Chapter(u32),
    /// Nothing.
    Nothing,
}

/// The beginning of a way to a chapter, made ready.
pub struct BringStart {
    pub from: BringFrom,
    /// What was done by then, when the target was put back.
    pub past: Option<PastState>,
}

/// What was done by the time to which the target was put back.
pub struct PastState {
    pub progress: Box<Progress>,
    /// After which step the stack was last deployed, and its newest event then.
    pub deployed: Option<(StepRef, String)>,
    /// The files as they were deployed.
    pub deployed_files: BTreeMap<String, String>,
}

/// Tells whether a step does something to the target or to more than the course's files.
pub(super) fn reaches_out(step: &Step) -> bool {
    match step.action {
        StepAction::Read | StepAction::Edit(_) => false,
        StepAction::Deploy(_)
        | StepAction::Sql(_)
        | StepAction::Shell(_)
        | StepAction::Invoke(_)
        | StepAction::Check(_)
        | StepAction::Load(_)
        | StepAction::Serve(_)
        | StepAction::Stop(_)
        | StepAction::Simulate(_) => true,
    }
}

/// Decides where to begin from to come to the beginning of `chapter`: from here as long as nothing of it or behind it
/// was done, nothing before it was left out or came out badly, and the stack is where what was done has left it.
pub(super) fn from(
    course: &Course,
    progress: &Progress,
    stack: &ChapterMatch,
    saved: &BTreeSet<u32>,
    chapter: u32,
) -> BringFrom {
    let reaching = |(_, step): &(&Chapter, &Step)| reaches_out(step);
    let (before, beyond): (Vec<_>, Vec<_>) = steps(course).filter(reaching).partition(|(of, _)| of.number < chapter);
    let went_on = beyond.iter().any(|(of, step)| progress.steps.contains_key(&at(of, step)));
    let done = |(of, step): &(&Chapter, &Step)| progress.is_done(&at(of, step));
    let until = before.iter().rposition(done).map_or(0, |last| last + 1);
    let may_be_missing = |of: &Chapter, step: &Step| step.optional || (of.on_stage && !step.on_stage);
    let whole = before[..until].iter().all(|pair| done(pair) || may_be_missing(pair.0, pair.1));
    // What was begun and did not come out has left nobody knows what.
    let half = before.iter().any(|pair| progress.steps.contains_key(&at(pair.0, pair.1)) && !done(pair));
    if !went_on && !half && whole && stack_fits(course, &before[..until], progress, stack) {
        return BringFrom::Here;
    }
    match saved.range(..=chapter).next_back() {
        Some(known) => BringFrom::Chapter(*known),
        None => BringFrom::Nothing,
    }
}

/// Returns the steps that are to be run, in order.
pub(super) fn steps_to_run(course: &Course, progress: &Progress, from: BringFrom, chapter: u32) -> VecDeque<StepRef> {
    let all: Vec<_> = steps(course)
        .filter(|(of, step)| of.number < chapter && step.action != StepAction::Read)
        .map(|(of, step)| (at(of, step), reaches_out(step)))
        .collect();
    let begin = match from {
        BringFrom::Nothing => 0,
        BringFrom::Chapter(known) => all.iter().position(|(at, _)| at.chapter >= known).unwrap_or(all.len()),
        BringFrom::Here => {
            let done = all.iter().rposition(|(at, reaches)| *reaches && progress.is_done(at));
            done.map_or(0, |last| last + 1)
        }
    };
    all.into_iter().skip(begin).map(|(at, _)| at).collect()
}

fn steps(course: &Course) -> impl Iterator<Item = (&Chapter, &Step)> {
    course.chapters.iter().flat_map(|chapter| chapter.steps.iter().map(move |step| (chapter, step)))
}

fn at(chapter: &Chapter, step: &Step) -> StepRef {
    StepRef { chapter: chapter.number, step: step.id.clone() }
}

/// Tells whether the probes find the stack where the last deploy that was done has left it.
fn stack_fits(course: &Course, done: &[(&Chapter, &Step)], progress: &Progress, stack: &ChapterMatch) -> bool {
    let deployed = done.iter().rev().find_map(|(of, step)| match &step.action {
        StepAction::Deploy(DeployStep {
            action: what @ (DeployAction::Deploy | DeployAction::Destroy),
            stack: None,
            ..
        }) if progress.is_done(&at(of, step)) => Some((*what == DeployAction::Deploy).then_some(of.number)),
        _ => None,
    });
    match (deployed.flatten(), stack) {
        _ if course.stack.is_none() => true,
        (None, ChapterMatch::Nothing) => true,
        (Some(chapter), ChapterMatch::Chapter(found) | ChapterMatch::Near { chapter: found, .. }) => chapter == *found,
        (None | Some(_), _) => false,
    }
}
