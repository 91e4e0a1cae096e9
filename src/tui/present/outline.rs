//! The outline's rows: chapters and steps, how they came out, how long they may take.

use ratatui::text::Line;

use super::spans::{display_text, span, titled};
use super::words;
use crate::tui::model::*;
use crate::tui::{clock, theme};
use workshop_course::lesson::model::{Chapter, Check, Course, Step, StepAction};
use workshop_engine::event::{CheckRef, StepRef, Verdict};
use workshop_engine::progress::Progress;

/// The items that show: every chapter, and the steps of the one we are in and of those that were opened.
pub fn items(m: &Model) -> Vec<OutlineItem> {
    let mut items = Vec::new();
    let here = m.progress.position.as_ref().map(|p| p.chapter);
    for chapter in &m.course.chapters {
        items.push(OutlineItem { chapter: chapter.number, step: None });
        if here == Some(chapter.number) || m.outline.opened.contains(&chapter.number) {
            items.extend(
                chapter.steps.iter().map(|s| OutlineItem { chapter: chapter.number, step: Some(s.id.clone()) }),
            );
        }
    }
    items
}

/// Tells whether there are steps to be shown of what is selected: a chapter whose steps do not show.
pub fn opens(m: &Model) -> bool {
    let items = items(m);
    let shows = |at: usize| items.get(at).is_some_and(|item| item.step.is_some());
    let selected = items.get(m.outline.cursor);
    selected.is_some_and(|item| item.step.is_none()) && !shows(m.outline.cursor + 1)
}

/// Returns the rows of all items that show, for a column of this width.
pub fn rows(m: &Model, width: usize) -> Vec<OutlineRow> {
    let mut rows = Vec::new();
    for (i, item) in items(m).iter().enumerate() {
        let Some(chapter) = m.course.chapter(item.chapter) else { continue };
        let lines = match &item.step {
            None => of_chapter(m, chapter, width),
            Some(id) => chapter.step(id).map_or_else(Vec::new, |step| of_step(m, chapter, step, width)),
        };
        rows.extend(lines.into_iter().map(|line| OutlineRow { item: i, line }));
    }
    rows
}

fn of_chapter(m: &Model, chapter: &Chapter, width: usize) -> Vec<Line<'static>> {
    let (mark, style) = theme::verdict(chapter_verdict(m, chapter.number));
    let spent = m.progress.spent_on_chapter(chapter.number, m.now);
    let budget = chapter.budget.as_millis() as u64;
    // On a narrow column the title matters more.
    let right = match spent / 60_000 {
        _ if !m.shows_clock() => None,
        _ if width <= 32 => Some(clock::minutes(budget)),
        0 => Some(clock::budget(budget)),
        _ => Some(clock::of_budget(spent, budget)),
    };
    let left = vec![span(format!(" {mark} "), style), span(format!("{} ", chapter.number), theme::STRONG)];
    titled(left, &display_text(m, &chapter.title), theme::STRONG, right, width)
}

fn of_step(m: &Model, chapter: &Chapter, step: &Step, width: usize) -> Vec<Line<'static>> {
    let at = StepRef { chapter: chapter.number, step: step.id.clone() };
    let current = m.here().as_ref() == Some(&at);
    let (mark, style) = match m.progress.running.as_ref() == Some(&at) {
        true => ("●", theme::WAIT),
        false => theme::verdict(step_verdict(&m.course, &m.progress, &at, step)),
    };
    let pointer = if current { "▸" } else { " " };
    let title = if current { theme::FOCUS } else { theme::TEXT };
    let left = vec![span(format!(" {pointer} "), theme::FOCUS), span(format!("{mark} "), style)];
    // On a narrow column the title matters more.
    let budget = (width > 32 && m.shows_clock()).then(|| clock::minutes(step.budget.as_millis() as u64));
    titled(left, &display_text(m, &step.title), title, budget, width)
}

/// Returns what became of a step, also of one that is only read, or whose changes somebody else made; None for one that is still
/// to do, or to do again.
pub fn step_verdict(course: &Course, progress: &Progress, at: &StepRef, step: &Step) -> Option<Verdict> {
    let been = !progress.is_at(at) && progress.spent_on_step(at, progress.at) > 0;
    match progress.steps.get(at).and_then(|state| state.verdict) {
        // Taken back since.
        Some(verdict) if verdict.is_good() && is_taken_back(progress, at, step) => None,
        Some(verdict) => Some(verdict),
        None if step.action == StepAction::Read && been => Some(Verdict::Pass),
        None if words::is_written(progress, Some(at.chapter), step) => Some(Verdict::Pass),
        None => is_passed_over(course, progress, at).then_some(Verdict::Skipped),
    }
}

/// Tells whether an edit that was made is not in the files any more.
fn is_taken_back(progress: &Progress, at: &StepRef, step: &Step) -> bool {
    matches!(step.action, StepAction::Edit(_)) && !progress.is_settled(at, step)
}

/// Tells whether one went on from a step without running it: it lies before the one at hand.
fn is_passed_over(course: &Course, progress: &Progress, at: &StepRef) -> bool {
    let mut steps = course.chapters.iter().flat_map(|c| c.steps.iter().map(move |s| (c.number, &s.id)));
    let mut place = |chapter: u32, step: &String| steps.position(|(number, id)| number == chapter && id == step);
    // The one at hand is looked for behind it.
    place(at.chapter, &at.step).is_some()
        && progress.position.as_ref().is_some_and(|here| place(here.chapter, &here.step).is_some())
}

/// As its checks say, or as the engine says: a chapter with one that failed is not done, one whose checks all pass is,
/// however one came there.
fn chapter_verdict(m: &Model, chapter: u32) -> Option<Verdict> {
    let told = m.progress.chapters.get(&chapter).map(|state| state.verdict);
    let checks = &m.course.chapter(chapter)?.checks;
    let passed = |check: &Check| {
        let at = CheckRef { chapter, check: check.id.clone() };
        m.progress.checks.get(&at).and_then(|state| state.verdict) == Some(Verdict::Pass)
    };
    let failed = |check: &Check| {
        let at = CheckRef { chapter, check: check.id.clone() };
        m.progress.checks.get(&at).and_then(|state| state.verdict).is_some_and(|verdict| !verdict.is_good())
    };
    if checks.iter().any(failed) {
        return Some(Verdict::Fail);
    }
    told.or((!checks.is_empty() && checks.iter().all(passed)).then_some(Verdict::Pass))
}

/// Returns the whole outline, with its times where the clock is shown, for the clipboard.
pub fn text(m: &Model) -> String {
    let mut out = String::new();
    for chapter in &m.course.chapters {
        let spent = clock::minutes(m.progress.spent_on_chapter(chapter.number, m.now));
        let budget = clock::budget(chapter.budget.as_millis() as u64);
        let times = if m.shows_clock() { format!(" ({spent} of {budget})") } else { String::new() };
        out.push_str(&format!("{} {}{times}\n", chapter.number, chapter.title));
        for step in &chapter.steps {
            let at = StepRef { chapter: chapter.number, step: step.id.clone() };
            let (mark, _) = theme::verdict(step_verdict(&m.course, &m.progress, &at, step));
            out.push_str(&format!("  {mark} {}\n", step.title));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::golden::Player;

    #[test]
    fn who_sees_no_clock_copies_no_times() {
        let mut player = Player::new(120, 40);
        assert!(text(&player.model).contains("1 Create a cluster (0:00 of 6:30)"), "{}", text(&player.model));
        player.model.settings.clock = false;
        assert!(text(&player.model).contains("1 Create a cluster\n") && !text(&player.model).contains("6:30"));
    }
}
