//! The step's text, and the card below it.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{lines, row, words};
use crate::tui::model::*;
use crate::tui::theme;
use workshop_course::lesson::model::StepAction;

/// The Markdown of the current step: title, text, what it runs unless the text shows that, the hints asked for.
pub fn source(m: &Model) -> String {
    let (Some(chapter), Some(step)) = (m.chapter(), m.step()) else { return String::new() };
    let mut out = format!("# {}\n\n", step.title);
    let first = chapter.steps.first().is_some_and(|s| s.id == step.id);
    if first && !chapter.goals.is_empty() {
        let _ = writeln!(out, "*Chapter {}: {}. Afterwards you can*\n", chapter.number, chapter.title);
        for goal in &chapter.goals {
            let _ = writeln!(out, "- {goal}");
        }
        out.push_str("\n---\n\n");
    }
    out.push_str(step.say.trim());
    out.push('\n');
    let told = |code: &str| code.trim().lines().all(|line| step.say.contains(line.trim()));
    match &step.action {
        StepAction::Sql(sql) if sql.statements.iter().all(|statement| told(&statement.run.0)) => {}
        StepAction::Shell(shell) if told(&shell.run.0) => {}
        StepAction::Invoke(invoke) if told(&invoke.payload.0) => {}
        StepAction::Sql(sql) => {
            let output = |key: &str| m.progress.outputs.get(key).map(|output| output.value.clone());
            let several = sql.statements.iter().any(|s| s.session != sql.statements[0].session);
            out.push_str("\n```sql\n");
            for statement in &sql.statements {
                if several {
                    let _ = writeln!(out, "-- {}", statement.session);
                }
                let _ = writeln!(out, "{}", statement.run.shown_as_sql(output).trim());
            }
            out.push_str("```\n");
        }
        StepAction::Shell(shell) => {
            let _ = write!(out, "\n```sh\n{}\n```\n", shell.run.0.trim());
        }
        StepAction::Invoke(invoke) => {
            let _ = write!(out, "\n```json\n{}\n```\n", invoke.payload.0.trim());
        }
        StepAction::Read | StepAction::Edit(_) | StepAction::Deploy(_) | StepAction::Check(_) | StepAction::Load(_) => {
        }
    }
    let shown = m.here().and_then(|here| m.hints.get(&here).copied()).unwrap_or(0);
    for (number, hint) in step.hints.iter().take(shown).enumerate() {
        let _ = write!(out, "\n> **Hint {} of {}.** {hint}\n", number + 1, step.hints.len());
    }
    out
}

pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let area = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    if m.progress.position.is_none() {
        opening(m, buffer, area);
        return;
    }
    let text = Rect { height: m.page.height.min(area.height.into()) as u16, ..area };
    lines(buffer, text, &m.page.rendered.lines, m.page.top);
    let mut used = text.height;
    let (above, below) = (m.page.top, m.page.rendered.lines.len().saturating_sub(m.page.top + m.page.height));
    if above + below > 0 && used < area.height {
        let words = match (above, below) {
            (_, 1..) => format!("↓ {}", words::counted(below, "more line")),
            (_, 0) => format!("↑ {} above", words::counted(above, "line")),
        };
        let line = Line::styled(words, theme::DIM);
        let width = (line.width() as u16).min(area.width);
        row(buffer, Rect { x: area.right() - width, width, ..area }, text.bottom(), &line);
        used += 1;
    }
    let card = Rect { y: body.y + used, height: body.height - used, ..body };
    draw_card(m, buffer, card);
}

/// Before the engine has said where we are: what is known at once.
fn opening(m: &Model, buffer: &mut Buffer, area: Rect) {
    let mut all = vec![
        Line::default(),
        Line::styled(super::ink(m, &m.course.title).into_owned(), theme::HEADING),
        Line::default(),
    ];
    for chapter in &m.course.chapters {
        all.push(Line::raw(format!("  {}  {}", chapter.number, super::ink(m, &chapter.title))));
    }
    lines(buffer, area, &all, 0);
}

pub fn draw_card(m: &Model, buffer: &mut Buffer, area: Rect) {
    if m.page.card.is_empty() || area.height == 0 {
        return;
    }
    let rule = "╌".repeat(area.width.into());
    buffer.set_stringn(area.x, area.y, rule, area.width.into(), theme::DIM);
    let inner = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(1),
    };
    lines(buffer, inner, &m.page.card, 0);
}
