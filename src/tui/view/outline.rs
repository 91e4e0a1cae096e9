//! Chapters and steps, how they came out, how long they may take.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{both_ends, ink, row, span, words};
use crate::engine::event::{StepRef, Verdict};
use crate::lesson::model::{Action, Course};
use crate::tui::model::*;
use crate::tui::{clock, theme, wrap};

/// A row: a chapter, or a step of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub chapter: u32,
    pub step: Option<String>,
}

pub fn items(course: &Course) -> Vec<Item> {
    let mut items = Vec::new();
    for chapter in &course.chapters {
        items.push(Item { chapter: chapter.number, step: None });
        items.extend(chapter.steps.iter().map(|s| Item { chapter: chapter.number, step: Some(s.id.clone()) }));
    }
    items
}

pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let here = m.here();
    let all = items(&m.course);
    for (i, item) in all.iter().enumerate().skip(m.outline.top).take(body.height.into()) {
        let y = body.y + (i - m.outline.top) as u16;
        let Some(chapter) = m.course.chapter(item.chapter) else { continue };
        let line = match &item.step {
            None => {
                let (mark, style) = theme::verdict(chapter_verdict(m, item.chapter));
                let spent = m.progress.spent_on_chapter(item.chapter, m.now);
                let right = match spent / 60_000 {
                    n if n > 0 && body.width > 32 => {
                        format!("{n} of {}", clock::minutes(chapter.budget.as_millis() as u64))
                    }
                    _ => clock::minutes(chapter.budget.as_millis() as u64),
                };
                let title = format!("{}  {}", item.chapter, ink(m, &chapter.title));
                both_ends(
                    vec![span(format!(" {mark} "), style), span(title, theme::STRONG)],
                    vec![span(format!("{right} "), theme::DIM)],
                    body.width.into(),
                )
            }
            Some(id) => {
                let Some(step) = chapter.step(id) else { continue };
                let at = StepRef { chapter: item.chapter, step: id.clone() };
                let state = m.progress.steps.get(&at);
                let current = here.as_ref() == Some(&at);
                let running = m.progress.running.as_ref() == Some(&at);
                let been = m.progress.spent_on_step(&at, m.now) > 0 && !current;
                let (mark, style) = match (running, state.and_then(|s| s.verdict)) {
                    (true, _) => (theme::spinner(m.now), theme::WAIT),
                    (false, Some(verdict)) => theme::verdict(Some(verdict)),
                    (false, None) if step.action == Action::Read && been => theme::verdict(Some(Verdict::Pass)),
                    (false, None) => theme::verdict(None),
                };
                let pointer = if current { "▸" } else { " " };
                let title = if current { theme::FOCUS } else { theme::TEXT };
                let budget = clock::minutes(step.budget.as_millis() as u64);
                // The title matters more.
                let room = usize::from(body.width).saturating_sub(5 + wrap::width(&step.title) + 2);
                let budget = if room >= budget.len() { format!("{budget} ") } else { String::new() };
                both_ends(
                    vec![
                        span(format!(" {pointer} "), theme::FOCUS),
                        span(format!("{mark} "), style),
                        span(ink(m, &step.title).into_owned(), title),
                    ],
                    vec![span(budget, theme::DIM)],
                    body.width.into(),
                )
            }
        };
        row(buffer, body, y, &line);
        if m.focus == Panel::Outline && i == m.outline.cursor {
            let style: Style = theme::SELECTED;
            buffer.set_style(Rect { y, height: 1, ..body }, style);
        }
    }
}

/// As the engine says, or as its steps say.
fn chapter_verdict(m: &Model, chapter: u32) -> Option<Verdict> {
    m.progress.chapters.get(&chapter).map(|state| state.verdict)
}

pub fn text(m: &Model) -> String {
    let mut out = String::new();
    for chapter in &m.course.chapters {
        let spent = clock::minutes(m.progress.spent_on_chapter(chapter.number, m.now));
        let budget = words::budget(chapter.budget);
        out.push_str(&format!("{} {} ({spent} of {budget})\n", chapter.number, chapter.title));
        for step in &chapter.steps {
            let at = StepRef { chapter: chapter.number, step: step.id.clone() };
            let (mark, _) = theme::verdict(m.progress.steps.get(&at).and_then(|s| s.verdict));
            out.push_str(&format!("  {mark} {}\n", step.title));
        }
    }
    out
}
