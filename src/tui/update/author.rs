//! The author's course on the screen: changed while it is open, wrong for a while, with images in its texts.

use std::sync::Arc;

use super::diff;
use crate::tui::model::*;
use crate::tui::present::words;
use workshop_base::problem::Problem;
use workshop_course::lesson::images;
use workshop_course::lesson::model::Course;

/// Shows the course as its author has it now, with the page where it was.
pub(super) fn reloaded(m: &mut Model, gone: Option<&str>, course: Option<Arc<Course>>) {
    if let Some(course) = course {
        m.uses = course.uses();
        m.course = course;
        let last = m.chapter().map_or(0, |chapter| chapter.checks.len().saturating_sub(1));
        m.checks.cursor = m.checks.cursor.min(last);
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

/// The images of the texts that the step shows, in their order.
pub(super) fn step_images(m: &Model) -> Vec<LessonImage> {
    let Some(step) = m.step() else { return Vec::new() };
    let texts = [Some(&step.say), step.while_running.as_ref(), step.after.as_ref()];
    let found = texts.into_iter().flatten().flat_map(|text| images::in_text(text));
    let image = |image: images::TextImage| LessonImage { path: m.course.lessons.join(image.path), alt: image.alt };
    found.map(image).collect()
}
