//! The checks panel's lines: every check of the chapter, the selected one in full.

use ratatui::text::{Line, Span};

use super::locks;
use super::record;
use super::spans::{display_text, span, titled};
use super::words;
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::{clock, theme, wrap};
use workshop_course::lesson::model::{Check, Course, StepAction};
use workshop_engine::event::{CheckRef, StepRef, Verdict};
use workshop_engine::progress::{CheckState, DeployState, Progress};

/// The part of the list that shows above the selected check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListWindow {
    /// Rows that the list takes: at most half of the panel, or what the check leaves.
    pub rows: usize,
    /// The first row of the list that shows, and how many do; one less than it takes where the last says what does not.
    pub top: usize,
    pub shown: usize,
}

/// Finds the part of the list that shows in a panel of so many rows. What is selected is in it.
pub fn list_window(checks: &ChecksView, height: usize) -> ListWindow {
    let count = checks.list.len();
    let rows = (height / 2).max(height.saturating_sub(checks.detail.len())).max(3).min(count);
    let shown = if count > rows && rows > 2 { rows - 1 } else { rows };
    let last = checks.list.iter().rposition(|row| row.item == checks.cursor).unwrap_or(0);
    ListWindow { rows, top: (last + 1).saturating_sub(shown), shown }
}

/// Returns the list and the selected check, one below the other.
pub fn all_lines(m: &Model, width: usize) -> Vec<Line<'static>> {
    let mut all: Vec<Line<'static>> = list(m, width).into_iter().map(|row| row.line).collect();
    all.extend(detail(m, width));
    all
}

fn state<'a>(m: &'a Model, chapter: u32, check: &Check) -> Option<&'a CheckState> {
    m.progress.checks.get(&CheckRef { chapter, check: check.id.clone() })
}

/// Returns the rows of the checks and which check each belongs to: long titles take several. What came of a check
/// matters more than how long it took.
pub fn list(m: &Model, width: usize) -> Vec<OutlineRow> {
    let Some(chapter) = m.chapter() else { return Vec::new() };
    if chapter.checks.is_empty() {
        let line = Line::styled("This chapter has no checks.", theme::DIM);
        return vec![OutlineRow { item: 0, line }];
    }
    let of = |(item, check): (usize, &Check)| {
        let state = state(m, chapter.number, check);
        let running = state.is_some_and(|s| s.verdict.is_none());
        let (mark, style) = match running {
            true => (theme::spinner(m.now), theme::WAIT),
            false => theme::verdict(state.and_then(|s| s.verdict)),
        };
        let style = if state.is_some_and(|state| from_before(m, state).is_some()) { theme::DIM } else { style };
        // What is tried again and again says for how long.
        let until = check.eventually.as_ref().filter(|_| running);
        let until = until.map(|patience| format!(", for up to {}", clock::budget(patience.within.as_millis() as u64)));
        let until = until.unwrap_or_default();
        let attempts = state.filter(|s| s.attempts > 1).map(|s| format!("{} attempts{until}", s.attempts));
        let told = |verdict: &Verdict| !matches!(verdict, Verdict::Pass | Verdict::Fail);
        let verdict = state.and_then(|s| s.verdict).filter(told);
        let word = verdict.map(|v| words::came_to(v, state.and_then(|s| s.failure.as_ref())).to_owned());
        let time = state.map(|s| match s.took_ms {
            Some(took) => clock::took(took),
            None => clock::minutes(m.now.saturating_sub(s.started)),
        });
        let title = display_text(m, &check.title).into_owned();
        let room = width.saturating_sub(wrap::width(&title) + 4);
        let joined = |parts: &[&Option<String>]| {
            let text = parts.iter().filter_map(|p| p.as_deref()).collect::<Vec<_>>().join(" · ");
            (!text.is_empty()).then_some(text)
        };
        let whole = joined(&[&attempts, &word, &time]);
        let needed = joined(&[&attempts, &word]).or_else(|| time.clone().filter(|_| running));
        let right = whole.filter(|text| wrap::width(text) <= room).or(needed);
        let lines = titled(vec![span(format!("{mark} "), style)], &title, theme::TEXT, right, width);
        lines.into_iter().map(move |line| OutlineRow { item, line }).collect::<Vec<_>>()
    };
    chapter.checks.iter().enumerate().flat_map(of).collect()
}

/// Returns what a check came to with what is there now; None for one that has not come to anything since.
pub fn verdict_now(m: &Model, chapter: u32, check: &Check) -> Option<Verdict> {
    let state = state(m, chapter, check).filter(|state| from_before(m, state).is_none())?;
    state.verdict
}

/// Returns when a check came to what is known of it, where that may have changed since: before one came to the step that is
/// about to run it, or before the stack was deployed anew.
pub fn from_before(m: &Model, state: &CheckState) -> Option<&'static str> {
    state.verdict?;
    if is_of_older_stack(&m.course, &m.progress, state) {
        return Some("Before the last deploy:");
    }
    let checks = m.step().is_some_and(|step| matches!(step.action, StepAction::Check(_)));
    let ahead = checks && m.progress.running.is_none() && m.is_ahead();
    (ahead && state.started < m.console.arrived).then_some("Before this step:")
}

/// Tells whether the stack was deployed anew since a check came to what is known of it.
pub fn is_of_older_stack(course: &Course, progress: &Progress, state: &CheckState) -> bool {
    let deploys = |at: &StepRef| at.of(course).is_some_and(|step| matches!(step.action, StepAction::Deploy(_)));
    let deployed = progress.deploy.as_ref().filter(|deploy| deploys(&deploy.at_step));
    // One that ended before it came to the stack has changed nothing.
    let came_to_it = |deploy: &&DeployState| {
        let at = &deploy.at_step;
        progress.running.as_ref() == Some(at) || deploy.stack.is_some() || progress.is_done(at)
    };
    deployed.filter(came_to_it).is_some_and(|deploy| state.started < deploy.started)
}

/// What the attempts said of a check that passed in the end; the record of one that did not has them.
fn tries(m: &Model, state: Option<&CheckState>, width: usize) -> Vec<Line<'static>> {
    let Some(state) = state.filter(|state| state.failure.is_none() && state.attempts > 1) else { return Vec::new() };
    let before = state.tries.iter().take(state.tries.len().saturating_sub(1));
    let said = before.flat_map(|attempt| {
        let text = display_text(m, attempt.actual.trim()).into_owned();
        let (first, rest) = (span(format!("try {:<5} ", attempt.number), theme::DIM), Span::raw(" ".repeat(10)));
        wrap::words(&[span(text, theme::TEXT)], width, &first, &rest)
    });
    said.collect()
}

/// The selected check: its failure in full, the hints asked for. What may have changed since stands back.
pub fn detail(m: &Model, width: usize) -> Vec<Line<'static>> {
    let mut out = whole_detail(m, width);
    let selected = m.chapter().and_then(|chapter| state(m, chapter.number, chapter.checks.get(m.checks.cursor)?));
    if let Some(before) = selected.and_then(|state| from_before(m, state)) {
        out.iter_mut().flat_map(|line| &mut line.spans).for_each(|span| span.style = theme::DIM);
        out.splice(..1.min(out.len()), [Line::default(), Line::styled(before, theme::DIM)]);
    }
    out
}

fn whole_detail(m: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(chapter) = m.chapter() else { return Vec::new() };
    let Some(check) = chapter.checks.get(m.checks.cursor) else { return Vec::new() };
    let mut out = Vec::new();
    let state = state(m, chapter.number, check);
    if let Some((state, verdict)) = state.and_then(|state| Some((state, state.verdict?))) {
        // The list has cut the title, perhaps, and its selection shows only where the keyboard is.
        let (mark, style) = theme::verdict(Some(verdict));
        let took = state.took_ms.map(|ms| format!(" after {}", clock::took(ms))).unwrap_or_default();
        let spans = [
            span(format!("{}:", display_text(m, &check.title)), theme::STRONG),
            span(format!(" {}", words::came_to(verdict, state.failure.as_ref())), style),
            span(took, theme::DIM),
        ];
        out.push(Line::default());
        out.extend(wrap::words(&spans, width, &span(format!("{mark} "), style), &Span::raw("  ")));
    }
    if let Some(failure) = state.and_then(|s| s.failure.as_ref()) {
        let tone = record::Tone::of(state.and_then(|s| s.verdict));
        out.extend(record::lines(m, failure, width, tone, record::RecordPart::Brief));
        out.extend(locks::lines(failure, width));
        // Elsewhere the key is about the step.
        let told = m.focus == Panel::Checks && !m.is_busy();
        if told && state.is_none_or(|state| from_before(m, state).is_none()) {
            out.extend(locks::key(m, failure, width));
        }
        out.extend(record::lines(m, failure, width, tone, record::RecordPart::Rest));
    }
    out.extend(tries(m, state, width));
    let hints = &check.hints;
    let shown = m.check_hints.get(&(chapter.number, check.id.clone())).copied().unwrap_or(0).min(hints.len());
    for (number, hint) in hints.iter().take(shown).enumerate() {
        out.push(Line::default());
        out.push(Line::styled(format!("Hint {} of {}", number + 1, hints.len()), theme::STRONG));
        let hint = m.progress.filled(&m.course, hint);
        out.extend(m.prose.lines(&display_text(m, &hint), width, &m.known));
    }
    let failed = state.and_then(|s| s.verdict).is_some_and(|v| !v.is_good());
    // The keys are the panel's own: elsewhere they run the step, and give its hints.
    if failed && m.focus == Panel::Checks {
        out.push(Line::default());
        let again = (!m.is_busy()).then_some((KeyAction::CheckOne, " runs it again   "));
        let hint = (shown < hints.len()).then_some((KeyAction::Hint, " gives a hint"));
        let keys = again.into_iter().chain(hint);
        out.push(keys.flat_map(|(does, what)| [span(m.key(does), theme::KEY), span(what, theme::DIM)]).collect());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_cut_keeps_a_row_to_say_so_and_what_is_selected() {
        let row = |item| OutlineRow { item, line: Line::default() };
        let view = |cursor, detail: usize| ChecksView {
            cursor,
            list: (0..14).map(row).collect(),
            detail: vec![Line::default(); detail],
            ..ChecksView::default()
        };
        let window = |cursor, detail| {
            let ListWindow { rows, top, shown } = list_window(&view(cursor, detail), 20);
            (rows, top, shown)
        };
        assert_eq!(window(0, 40), (10, 0, 9), "half of it, with a row that tells of the rest");
        assert_eq!(window(13, 40), (10, 5, 9), "the last one is in view");
        assert_eq!(window(0, 3), (14, 0, 14), "a short check leaves the room");
    }
}
