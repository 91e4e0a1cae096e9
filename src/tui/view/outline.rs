//! Chapters and steps, how they came out, how long they may take.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{both_ends, ink, last_top, row, shown, span, words};
use crate::tui::model::*;
use crate::tui::{clock, theme, wrap};
use workshop_course::lesson::model::{Chapter, Step, StepAction};
use workshop_engine::event::{StepRef, Verdict};

/// A chapter, or a step of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub chapter: u32,
    pub step: Option<String>,
}

/// A row, and the item it belongs to: long titles take several.
pub struct Row {
    pub item: usize,
    pub line: Line<'static>,
}

/// The items that show: every chapter, and the steps of the one we are in and of those that were opened.
pub fn items(m: &Model) -> Vec<Item> {
    let mut items = Vec::new();
    let here = m.progress.position.as_ref().map(|p| p.chapter);
    for chapter in &m.course.chapters {
        items.push(Item { chapter: chapter.number, step: None });
        if here == Some(chapter.number) || m.outline.opened.contains(&chapter.number) {
            items.extend(chapter.steps.iter().map(|s| Item { chapter: chapter.number, step: Some(s.id.clone()) }));
        }
    }
    items
}

pub fn rows(m: &Model, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for (i, item) in items(m).iter().enumerate() {
        let Some(chapter) = m.course.chapter(item.chapter) else { continue };
        let lines = match &item.step {
            None => of_chapter(m, chapter, width),
            Some(id) => chapter.step(id).map_or_else(Vec::new, |step| of_step(m, chapter, step, width)),
        };
        rows.extend(lines.into_iter().map(|line| Row { item: i, line }));
    }
    rows
}

pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let rows = rows(m, body.width.into());
    let height = shown(rows.len(), body.height.into());
    let top = m.outline.top.min(last_top(rows.len(), body.height.into()));
    if height < body.height.into() && rows.len() > height {
        let words = format!(" {}", words::besides(top, rows.len() - top - height));
        row(buffer, body, body.bottom() - 1, &Line::styled(words, theme::DIM));
    }
    for (i, r) in rows.iter().skip(top).take(height).enumerate() {
        let y = body.y + i as u16;
        row(buffer, body, y, &r.line);
        if m.focus == Panel::Outline && r.item == m.outline.cursor {
            let style: Style = theme::SELECTED;
            buffer.set_style(Rect { y, height: 1, ..body }, style);
        }
    }
}

fn of_chapter(m: &Model, chapter: &Chapter, width: usize) -> Vec<Line<'static>> {
    let (mark, style) = theme::verdict(chapter_verdict(m, chapter.number));
    let spent = m.progress.spent_on_chapter(chapter.number, m.now);
    let budget = chapter.budget.as_millis() as u64;
    // On a narrow column the title matters more.
    let right = match spent / 60_000 {
        _ if width <= 32 => clock::minutes(budget),
        0 => clock::budget(budget),
        _ => clock::of_budget(spent, budget),
    };
    let left = vec![span(format!(" {mark} "), style), span(format!("{} ", chapter.number), theme::STRONG)];
    titled(left, &ink(m, &chapter.title), theme::STRONG, Some(right), width)
}

fn of_step(m: &Model, chapter: &Chapter, step: &Step, width: usize) -> Vec<Line<'static>> {
    let at = StepRef { chapter: chapter.number, step: step.id.clone() };
    let state = m.progress.steps.get(&at);
    let current = m.here().as_ref() == Some(&at);
    let running = m.progress.running.as_ref() == Some(&at);
    let been = m.progress.spent_on_step(&at, m.now) > 0 && !current;
    let (mark, style) = match (running, state.and_then(|s| s.verdict)) {
        (true, _) => (theme::spinner(m.now), theme::WAIT),
        (false, Some(verdict)) => theme::verdict(Some(verdict)),
        (false, None) if step.action == StepAction::Read && been => theme::verdict(Some(Verdict::Pass)),
        (false, None) => theme::verdict(None),
    };
    let pointer = if current { "▸" } else { " " };
    let title = if current { theme::FOCUS } else { theme::TEXT };
    let left = vec![span(format!(" {pointer} "), theme::FOCUS), span(format!("{mark} "), style)];
    // On a narrow column the title matters more.
    let budget = (width > 32).then(|| clock::minutes(step.budget.as_millis() as u64));
    titled(left, &ink(m, &step.title), title, budget, width)
}

/// A title in full, over as many rows as it takes, with a word at the right of the first.
fn titled(
    left: Vec<Span<'static>>,
    title: &str,
    style: Style,
    right: Option<String>,
    width: usize,
) -> Vec<Line<'static>> {
    let indent: usize = left.iter().map(Span::width).sum();
    let right = right.map(|text| format!(" {text} ")).unwrap_or_else(|| " ".to_owned());
    let room = width.saturating_sub(wrap::width(&right) + 1).max(indent + 8);
    let rest = Span::raw(" ".repeat(indent));
    let mut lines = wrap::words(&[span(title, style)], room, &rest, &rest);
    if let Some(first) = lines.first_mut() {
        let text = span(first.to_string().trim_start(), style);
        *first = both_ends(left.into_iter().chain([text]).collect(), vec![span(right, theme::DIM)], width);
    }
    lines
}

/// As the engine says, or as its steps say.
fn chapter_verdict(m: &Model, chapter: u32) -> Option<Verdict> {
    m.progress.chapters.get(&chapter).map(|state| state.verdict)
}

pub fn text(m: &Model) -> String {
    let mut out = String::new();
    for chapter in &m.course.chapters {
        let spent = clock::minutes(m.progress.spent_on_chapter(chapter.number, m.now));
        let budget = clock::budget(chapter.budget.as_millis() as u64);
        out.push_str(&format!("{} {} ({spent} of {budget})\n", chapter.number, chapter.title));
        for step in &chapter.steps {
            let at = StepRef { chapter: chapter.number, step: step.id.clone() };
            let (mark, _) = theme::verdict(m.progress.steps.get(&at).and_then(|s| s.verdict));
            out.push_str(&format!("  {mark} {}\n", step.title));
        }
    }
    out
}
