//! The checks panel: every check of the chapter live, the selected one in full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{both_ends, ink, record, span};
use crate::tui::model::*;
use crate::tui::{clock, markdown, theme, wrap};
use workshop_course::lesson::model::Check;
use workshop_engine::event::{CheckRef, Verdict};
use workshop_engine::progress::CheckState;

pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let area = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let list = list(m, area.width.into());
    let room = list_rows(list.len(), area.height.into());
    let top = (m.checks.cursor + 1).saturating_sub(room);
    super::lines(buffer, Rect { height: room as u16, ..area }, &list, top);
    if m.focus == Panel::Checks && !list.is_empty() && m.chapter().is_some_and(|c| !c.checks.is_empty()) {
        let y = area.y + (m.checks.cursor - top.min(m.checks.cursor)) as u16;
        buffer.set_style(Rect { x: body.x, y, width: body.width, height: 1 }, theme::SELECTED);
    }
    let rest = Rect { y: area.y + room as u16, height: area.height - room as u16, ..area };
    let here = m.focus == Panel::Checks;
    super::lines_counted(buffer, rest, &detail(m, area.width.into()), m.checks.top, here);
}

/// The list keeps at most half; what is selected stays in view.
fn list_rows(count: usize, height: usize) -> usize {
    (height / 2).max(3).min(count)
}

/// The first line of the selected check in a panel of this size that is scrolled to its end.
pub fn last_top(m: &Model, width: usize, height: usize) -> usize {
    let width = width.saturating_sub(2);
    super::last_top(detail(m, width).len(), height.saturating_sub(list_rows(list(m, width).len(), height)))
}

pub fn all_lines(m: &Model, width: usize) -> Vec<Line<'static>> {
    let mut all = list(m, width);
    all.extend(detail(m, width));
    all
}

fn state<'a>(m: &'a Model, chapter: u32, check: &Check) -> Option<&'a CheckState> {
    m.progress.checks.get(&CheckRef { chapter, check: check.id.clone() })
}

fn list(m: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(chapter) = m.chapter() else { return Vec::new() };
    if chapter.checks.is_empty() {
        return vec![Line::styled("This chapter has no checks.", theme::DIM)];
    }
    let of = |check: &Check| {
        let state = state(m, chapter.number, check);
        let running = state.is_some_and(|s| s.verdict.is_none());
        let (mark, style) = match running {
            true => (theme::spinner(m.now), theme::WAIT),
            false => theme::verdict(state.and_then(|s| s.verdict)),
        };
        let attempts = state.filter(|s| s.attempts > 1).map(|s| format!("{} attempts", s.attempts));
        let told = |verdict: &Verdict| !matches!(verdict, Verdict::Pass | Verdict::Fail);
        let word = state.and_then(|s| s.verdict).filter(told).map(|v| theme::verdict_word(v).to_owned());
        let time = state.map(|s| match s.took_ms {
            Some(took) => clock::took(took),
            None => clock::minutes(m.now.saturating_sub(s.started)),
        });
        // The title matters more than figures, and what is selected says its verdict below.
        let title = ink(m, &check.title).into_owned();
        let room = width.saturating_sub(wrap::width(&title) + 3);
        let joined =
            |parts: &[&Option<String>]| parts.iter().filter_map(|p| p.as_deref()).collect::<Vec<_>>().join(" · ");
        let choices = [joined(&[&attempts, &word, &time]), joined(&[&word, &time]), joined(&[&word])];
        let right = choices.into_iter().find(|text| !text.is_empty() && wrap::width(text) <= room);
        let right = right.unwrap_or_else(|| joined(&[&time]));
        both_ends(vec![span(format!("{mark} "), style), span(title, theme::TEXT)], vec![span(right, theme::DIM)], width)
    };
    chapter.checks.iter().map(of).collect()
}

/// The selected check: its failure in full, the hints asked for.
fn detail(m: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(chapter) = m.chapter() else { return Vec::new() };
    let Some(check) = chapter.checks.get(m.checks.cursor) else { return Vec::new() };
    let mut out = Vec::new();
    let state = state(m, chapter.number, check);
    if let Some((state, verdict)) = state.and_then(|state| Some((state, state.verdict?))) {
        // The list has cut the title, perhaps, and its selection shows only where the keyboard is.
        let (mark, style) = theme::verdict(Some(verdict));
        let took = state.took_ms.map(|ms| format!(" after {}", clock::took(ms))).unwrap_or_default();
        let spans = [
            span(format!("{}:", ink(m, &check.title)), theme::STRONG),
            span(format!(" {}", theme::verdict_word(verdict)), style),
            span(took, theme::DIM),
        ];
        out.push(Line::default());
        out.extend(wrap::words(&spans, width, &span(format!("{mark} "), style), &Span::raw("  ")));
    }
    if let Some(failure) = state.and_then(|s| s.failure.as_ref()) {
        out.extend(record::lines(m, failure, width, false));
    } else if state.is_none_or(|s| s.verdict.is_none()) {
        return out;
    }
    let hints = &check.hints;
    let shown = m.check_hints.get(&(chapter.number, check.id.clone())).copied().unwrap_or(0).min(hints.len());
    for (number, hint) in hints.iter().take(shown).enumerate() {
        out.push(Line::default());
        out.push(Line::styled(format!("Hint {} of {}", number + 1, hints.len()), theme::STRONG));
        out.extend(markdown::render(&ink(m, hint), width, &m.known).lines);
    }
    let failed = state.and_then(|s| s.verdict).is_some_and(|v| !v.is_good());
    if failed {
        out.push(Line::default());
        let mut keys = vec![span("enter", theme::KEY), span(" runs it again", theme::DIM)];
        if shown < hints.len() {
            keys.extend([span("   h", theme::KEY), span(" gives a hint", theme::DIM)]);
        }
        out.push(Line::from(keys));
    }
    out
}
