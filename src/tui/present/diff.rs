//! The difference in words: what it is between, what of it is in the working directory, its text.

use ratatui::style::Style;

use super::spans::display_text;
use super::words::counted;
use crate::tui::bindings::KeyAction;
use crate::tui::diffrows::HunkAt;
use crate::tui::model::*;
use crate::tui::theme;
use workshop_course::code::diff::Side;
use workshop_course::lesson::model::{Course, StepAction};
use workshop_engine::event::{DiffOf, Likeness, OwnHunk, StepRef};

/// Returns what the difference is between, unless it is what the step changes.
pub fn heading(m: &Model) -> Option<String> {
    match m.diff.of.as_ref()? {
        DiffOf::Mine { chapter } => Some(format!("From your files to the end of chapter {chapter}")),
        DiffOf::Collision => {
            let take = m.key(KeyAction::TakeCourse);
            Some(format!("Yours → the course's: the same key again keeps yours, {take} takes the course's"))
        }
        DiffOf::Chapters { to, .. } => Some(format!("The whole of chapter {to}")),
        DiffOf::Step(_) => None,
    }
}

/// Names the difference that a chapter makes; the first one has nothing before it, its first edit begins with nothing.
pub fn of_chapter(course: &Course, chapter: u32) -> DiffOf {
    let first = course.chapters.first().filter(|first| first.number == chapter);
    let edit = first.and_then(|first| first.steps.iter().find(|step| matches!(step.action, StepAction::Edit(_))));
    match edit {
        Some(step) => DiffOf::Step(StepRef { chapter, step: step.id.clone() }),
        None => DiffOf::Chapters { from: chapter.saturating_sub(1), to: chapter },
    }
}

/// Returns whether a hunk is in the working directory; None when that is not known for this difference.
pub fn is_applied(m: &Model, at: HunkAt) -> Option<bool> {
    let file = m.diff.files.get(at.file)?;
    let index = *file.indices.get(at.hunk)?;
    (m.progress.hunks_chapter == m.here().map(|here| here.chapter))
        .then(|| m.progress.hunks.contains(&(file.diff.path.clone(), index)))
}

/// Says what of a hunk is in the working directory, and how much that is; nothing, when it is not known.
pub fn hunk_words(m: &Model, at: HunkAt) -> (String, Style) {
    let Some(applied) = is_applied(m, at) else { return (String::new(), theme::DIM) };
    let own = own_hunk(m, at).map(|own| own.likeness.as_ref());
    let there = "✓ in your files";
    match own {
        Some(Some(Likeness::SameOtherLayout)) => (format!("{there}, laid out otherwise"), theme::GOOD),
        Some(Some(Likeness::SameOtherQuotes)) => (format!("{there}, with other quotes"), theme::GOOD),
        Some(Some(Likeness::SameOtherOrder)) => (format!("{there}, in another order"), theme::GOOD),
        Some(Some(Likeness::Missing(lines))) => {
            let more =
                if lines.len() > 1 { format!(" and {}", counted(lines.len() - 1, "more line")) } else { String::new() };
            let first = lines.first().map(String::as_str).unwrap_or_default();
            (format!("yours lacks: {}{more}", display_text(m, first)), theme::WARN)
        }
        Some(Some(Likeness::More)) => ("all of it is there, and more of your own".to_owned(), theme::WARN),
        Some(None) => ("yours is different here".to_owned(), theme::WARN),
        None if applied => (there.to_owned(), theme::GOOD),
        None => ("not applied".to_owned(), theme::DIM),
    }
}

/// Returns what is known of a learner's own lines in the place of a hunk.
pub fn own_hunk(m: &Model, at: HunkAt) -> Option<&OwnHunk> {
    let file = m.diff.files.get(at.file)?;
    let index = *file.indices.get(at.hunk)?;
    m.progress.own_hunks.iter().find(|own| own.index == index && own.file == file.diff.path)
}

/// The difference as text, for the clipboard: without numbers or marks, signs only.
pub fn text(m: &Model) -> String {
    let mut out = String::new();
    for file in &m.diff.files {
        out.push_str(&format!("{}\n", file.diff.path));
        for line in file.diff.hunks.iter().flat_map(|hunk| &hunk.lines) {
            let sign = if line.side == Side::Added { '+' } else { '-' };
            out.push_str(&format!("{sign}{}\n", line.text()));
        }
    }
    out
}

/// Returns the lines that the hunk at hand adds; those that it removes, when it adds none.
pub fn hunk_text(m: &Model) -> String {
    let Some(at) = m.diff.hunks.get(m.diff.hunk) else { return String::new() };
    let hunk = m.diff.files[at.file].hunk(*at);
    let of = |side: Side| -> String {
        hunk.lines.iter().filter(|line| line.side == side).map(|line| format!("{}\n", line.text())).collect()
    };
    Some(of(Side::Added)).filter(|text| !text.is_empty()).unwrap_or_else(|| of(Side::Removed))
}

/// Returns the path of the file that the hunk at hand is in.
pub fn hunk_file(m: &Model) -> String {
    m.diff.hunks.get(m.diff.hunk).map(|at| m.diff.files[at.file].diff.path.clone()).unwrap_or_default()
}
