//! The author's course on the screen: changed while it is open, wrong for a while, with images in its texts.

use std::sync::Arc;

use super::diff;
use crate::tui::model::*;
use crate::tui::present::{outline, words};
use workshop_base::problem::Problem;
use workshop_course::lesson::images;
use workshop_course::lesson::model::Course;
use workshop_engine::command::Command;

/// Shows the course as its author has it now, with the page where it was.
pub(super) fn reloaded(m: &mut Model, gone: Option<&str>, course: Option<Arc<Course>>) {
    if let Some(course) = course {
        let selected = outline::items(m).into_iter().nth(m.outline.cursor);
        let check = m.chapter().and_then(|chapter| chapter.checks.get(m.checks.cursor)).map(|check| check.id.clone());
        m.uses = course.uses();
        m.course = course;
        // What is selected stays so, wherever it stands now.
        let at = outline::items(m).iter().position(|item| Some(item) == selected.as_ref());
        m.outline.cursor = at.unwrap_or(m.outline.cursor);
        let checks = m.chapter().map_or(&[][..], |chapter| &chapter.checks);
        let at = checks.iter().position(|known| Some(&known.id) == check.as_ref());
        let cursor = at.unwrap_or_else(|| m.checks.cursor.min(checks.len().saturating_sub(1)));
        m.checks.cursor = cursor;
        // What a hunk's number was may be another hunk's now.
        let by_number = |command: &Command| matches!(command, Command::ApplyHunk { .. } | Command::UndoHunk { .. });
        m.retrace.done.retain(|(_, command)| !by_number(command));
        let left = m.retrace.done.len();
        m.retrace.stays.iter_mut().for_each(|(since, _)| *since = (*since).min(left));
    }
    let (text, mood) = match gone {
        Some(gone) => {
            let here = m.step().map_or("", |step| step.title.as_str());
            (format!("Step {gone} is not in the course any more: you are at “{here}” now"), Mood::Warn)
        }
        None => ("The course was read again".to_owned(), Mood::Good),
    };
    m.log.push_prose(LogKind::Note, &text);
    m.toast = Some((text, mood));
}

/// Asks for the difference again that shows: what a step makes may be another one now.
pub(super) fn show_difference(m: &mut Model, effects: &mut Vec<Effect>) {
    m.diff.of = None;
    if m.diff.asked.is_some() {
        diff::ask(m, effects);
    }
}

/// Tells what is wrong with the course as its author has it now; the page shows it, until it is mended.
pub(super) fn invalid(m: &mut Model, problems: &[Problem]) {
    for problem in problems {
        m.log.push_prose(LogKind::Bad, &problem.to_string());
        if let Some(hint) = &problem.hint {
            m.log.push_prose(LogKind::Note, &format!("hint: {hint}"));
        }
    }
    let more = problems.len().saturating_sub(1);
    let more = if more > 0 { format!(" (and {})", words::counted(more, "more problem")) } else { String::new() };
    if let Some(first) = problems.first() {
        m.toast = Some((format!("{first}{more}"), Mood::Bad));
    }
}

/// The images of the texts that the step shows, in their order: hints are texts of it when they have been asked for.
pub(super) fn step_images(m: &Model) -> Vec<LessonImage> {
    let Some(step) = m.step() else { return Vec::new() };
    let hints = m.here().and_then(|here| m.hints.get(&here).copied()).unwrap_or(0);
    let texts = [Some(&step.say), step.while_running.as_ref(), step.after.as_ref()].into_iter().flatten();
    let found = texts.chain(step.hints.iter().take(hints)).flat_map(|text| images::in_text(text));
    let image = |image: images::TextImage| LessonImage { path: m.course.lessons.join(image.path), alt: image.alt };
    found.map(image).collect()
}
