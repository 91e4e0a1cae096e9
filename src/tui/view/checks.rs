//! The checks panel: every check of the chapter live, the selected one in full.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{both_ends, ink, record, row, span};
use crate::engine::event::{CheckRef, Verdict};
use crate::engine::progress::CheckState;
use crate::lesson::model::Check;
use crate::tui::model::*;
use crate::tui::{clock, markdown, theme, wrap};

pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let area = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let list = list(m, area.width.into());
    // The list keeps at most half; what is selected stays in view.
    let room = usize::from(area.height / 2).max(3).min(list.len());
    let top = (m.checks.cursor + 1).saturating_sub(room);
    super::lines(buffer, Rect { height: room as u16, ..area }, &list, top);
    if m.focus == Panel::Checks && !list.is_empty() && m.chapter().is_some_and(|c| !c.checks.is_empty()) {
        let y = area.y + (m.checks.cursor - top.min(m.checks.cursor)) as u16;
        buffer.set_style(Rect { x: body.x, y, width: body.width, height: 1 }, theme::SELECTED);
    }
    let rest = Rect { y: area.y + room as u16, height: area.height - room as u16, ..area };
    let detail = detail(m, area.width.into());
    let top = m.checks.top.min(detail.len().saturating_sub(rest.height.into()));
    super::lines(buffer, rest, &detail, top);
    if detail.len() > top + usize::from(rest.height) && rest.height > 1 {
        row(buffer, rest, rest.bottom() - 1, &Line::styled("↓ ctrl-d reads on", theme::DIM));
    }
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
        let mut right = Vec::new();
        if let Some(state) = state {
            if state.attempts > 1 {
                right.push(format!("{} attempts", state.attempts));
            }
            if let Some(verdict) = state.verdict
                && !matches!(verdict, Verdict::Pass | Verdict::Fail)
            {
                right.push(theme::verdict_word(verdict).to_owned());
            }
            right.push(match state.took_ms {
                Some(took) => clock::took(took),
                None => clock::minutes(m.now.saturating_sub(state.started)),
            });
        }
        // The title matters more than figures, and the mark says the verdict too.
        let title = ink(m, &check.title).into_owned();
        let room = width.saturating_sub(wrap::width(&title) + 3);
        while right.len() > 1 && wrap::width(&right.join(" · ")) > room {
            right.remove(0);
        }
        both_ends(
            vec![span(format!("{mark} "), style), span(title, theme::TEXT)],
            vec![span(right.join(" · "), theme::DIM)],
            width,
        )
    };
    chapter.checks.iter().map(of).collect()
}

/// The selected check: its failure in full, the hints asked for.
fn detail(m: &Model, width: usize) -> Vec<Line<'static>> {
    let Some(chapter) = m.chapter() else { return Vec::new() };
    let Some(check) = chapter.checks.get(m.checks.cursor) else { return Vec::new() };
    let mut out = Vec::new();
    let state = state(m, chapter.number, check);
    if let Some(failure) = state.and_then(|s| s.failure.as_ref()) {
        out.push(Line::default());
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
    } else if let Some(verdict) = state.and_then(|s| s.verdict) {
        out.push(Line::default());
        let words: Span<'static> = span(format!("It {}.", theme::verdict_word(verdict)), theme::DIM);
        out.extend(wrap::words(&[words], width, &Span::raw(""), &Span::raw("")));
    }
    out
}
