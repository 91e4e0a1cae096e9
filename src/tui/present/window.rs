//! The workshop as its window, its tab and the desktop show it: a title, how far it is, and that something is over.

use super::activity::Activity;
use super::spans::display_text;
use super::words;
use crate::tui::model::*;
use workshop_engine::event::{StepRef, Verdict};

/// A step that took longer than this was waited for: its end is announced, milliseconds.
const LONG: u64 = 10_000;

/// Returns what the window shall show now.
pub fn window(m: &Model) -> WindowState {
    WindowState { title: title(m), progress: progress(m) }
}

fn title(m: &Model) -> String {
    let Some((chapter, step)) = m.chapter().zip(m.step()) else { return display_text(m, &m.course.title).into_owned() };
    let at = chapter.steps.iter().position(|s| s.id == step.id).unwrap_or(0) + 1;
    let running = if m.progress.running.is_some() { "… " } else { "" };
    format!("{running}{} {}.{at} {}", m.course.code, chapter.number, display_text(m, &step.title))
}

fn progress(m: &Model) -> WindowProgress {
    if let Some(load) = m.progress.load.as_ref().filter(|load| m.progress.running.as_ref() == Some(&load.at_step)) {
        return WindowProgress::Percent((load.done * 100).checked_div(load.total).unwrap_or(0).min(100) as u8);
    }
    if m.progress.running.is_some() {
        return WindowProgress::Unknown;
    }
    let made = m.progress.tasks.values().filter(|task| task.is_running());
    let (mut done, mut total) = (0, 0);
    for task in made {
        let Some(of) = task.total.filter(|total| *total > 0) else { return WindowProgress::Unknown };
        (done, total) = (done + task.done.min(of) * 100 / of, total + 1);
    }
    match total {
        0 if Activity::of(&m.course, &m.progress).is_some() => WindowProgress::Unknown,
        0 => WindowProgress::None,
        total => WindowProgress::Percent((done / total).min(100) as u8),
    }
}

/// Returns the announcement of a step that is over, if somebody may have stopped looking.
pub fn announcement(m: &Model, step: &StepRef, verdict: Verdict, took_ms: u64) -> Option<String> {
    let title = m.step_of(step).map_or(step.step.as_str(), |s| s.title.as_str());
    let waited = took_ms >= LONG && m.focused != Some(true);
    let failure = m.progress.steps.get(step).and_then(|state| state.failure.as_ref());
    waited.then(|| format!("{}: {}", display_text(m, title), words::came_to(verdict, failure)))
}

/// Names the step at hand: `1.2 Deploy the cluster`.
pub fn step_name(m: &Model) -> String {
    let number = m.chapter().zip(m.step()).and_then(|(chapter, step)| {
        let at = chapter.steps.iter().position(|other| other.id == step.id)?;
        Some(display_text(m, &format!("{}.{} {}", chapter.number, at + 1, step.title)).into_owned())
    });
    number.unwrap_or_else(|| m.course.title.clone())
}
