//! What lies over the panels: help, notes, command palette, the question before leaving.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::{both_ends, ink, lines, log, row, span};
use crate::tui::model::*;
use crate::tui::update::choices;
use crate::tui::{keymap, markdown, theme, wrap};

/// Draws the overlay of the mode, if it has one; then only its own cursor counts.
pub fn draw(m: &Model, buffer: &mut Buffer, screen: Rect) -> Option<Option<Position>> {
    match &m.mode {
        Mode::Walking | Mode::Entry | Mode::Search { .. } => None,
        Mode::Help { top } | Mode::Notes { top } => {
            let (at, title, all) = reading(m, screen)?;
            let area = window(buffer, screen, at, title);
            super::lines_counted(buffer, area, &all, *top, false);
            Some(None)
        }
        Mode::Palette(palette) => Some(Some(draw_palette(m, buffer, screen, palette))),
        Mode::Leave(leave) => {
            question(m, buffer, screen, leave);
            Some(None)
        }
    }
}

const NO_NOTES: &str = "This step has no notes.";

/// What is read over the panels: where it stands, its title and all of its text.
fn reading(m: &Model, screen: Rect) -> Option<(Rect, &'static str, Vec<Line<'static>>)> {
    match &m.mode {
        Mode::Help { .. } => {
            let at = middle(screen, 78, screen.height.saturating_sub(4));
            Some((at, "Help", help(inside(at).width.into())))
        }
        Mode::Notes { .. } => {
            let at = middle(screen, 84, screen.height * 2 / 3);
            let notes = m.step().and_then(|s| s.notes.clone()).unwrap_or_else(|| NO_NOTES.to_owned());
            Some((at, "Notes", markdown::render(&ink(m, &notes), inside(at).width.into(), &m.known).lines))
        }
        Mode::Walking | Mode::Entry | Mode::Search { .. } | Mode::Palette(_) | Mode::Leave(_) => None,
    }
}

/// The first line of what is read over the panels, when it is scrolled to its end.
pub fn last_top(m: &Model) -> usize {
    let screen = Rect { x: 0, y: 0, width: m.size.0, height: m.size.1 };
    reading(m, screen).map_or(0, |(at, _, all)| super::last_top(all.len(), inside(at).height.into()))
}

fn middle(screen: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(screen.width);
    let height = height.clamp(4, screen.height.saturating_sub(2));
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height }
}

fn inside(area: Rect) -> Rect {
    Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height - 2 }
}

/// Clears a place in the middle and frames it; what is around it steps back. Returns its inside.
fn window(buffer: &mut Buffer, screen: Rect, area: Rect, title: &str) -> Rect {
    let width = area.width;
    buffer.set_style(Rect { height: screen.height - 1, ..screen }, theme::DIM);
    for y in area.y..area.bottom() {
        for x in area.x..area.right() {
            buffer[(x, y)].reset();
        }
        for x in [area.x, area.right() - 1] {
            buffer[(x, y)].set_symbol("┃").set_style(theme::FOCUS);
        }
    }
    let rule = "━".repeat(usize::from(width));
    let head = format!("━ {title} {rule}");
    buffer.set_stringn(area.x, area.y, wrap::slice(&head, 0, width.into()), width.into(), theme::FOCUS);
    buffer.set_stringn(area.x, area.bottom() - 1, rule, width.into(), theme::FOCUS);
    inside(area)
}

fn help(width: usize) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    for (title, bindings) in keymap::sections() {
        if !out.is_empty() {
            out.push(Line::default());
        }
        out.push(Line::styled(title, theme::HEADING));
        for binding in bindings {
            let keys = match binding.key_names() {
                none if none.is_empty() => "in :".to_owned(),
                keys => keys,
            };
            let first = span(format!("  {keys:<16}"), theme::KEY);
            let rest = span(" ".repeat(18), theme::TEXT);
            out.extend(wrap::words(&[span(binding.long, theme::TEXT)], width, &first, &rest));
        }
    }
    out
}

fn draw_palette(m: &Model, buffer: &mut Buffer, screen: Rect, palette: &Palette) -> Position {
    let area = window(buffer, screen, middle(screen, 76, (screen.height * 2 / 3).min(24)), "Commands");
    let cursor = log::prompt(buffer, Rect { height: 1, ..area }, "› ", &palette.query);
    let list = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let all = choices(&m.course, &palette.query);
    let top = (palette.cursor + 1).saturating_sub(list.height.into());
    for (i, choice) in all.iter().enumerate().skip(top).take(list.height.into()) {
        let y = list.y + (i - top) as u16;
        let line = both_ends(
            vec![span(format!(" {}", ink(m, &choice.title)), theme::TEXT)],
            vec![span(format!("{} ", choice.key), theme::DIM)],
            list.width.into(),
        );
        row(buffer, list, y, &line);
        if i == palette.cursor {
            buffer.set_style(Rect { y, height: 1, ..list }, theme::SELECTED);
        }
    }
    if all.is_empty() {
        row(buffer, list, list.y, &Line::styled(" Nothing is called that", theme::DIM));
    }
    cursor
}

fn question(m: &Model, buffer: &mut Buffer, screen: Rect, leave: &Leave) {
    let (title, text) = match &leave.what {
        Running::Deploy(step) => (
            name(m, step),
            "The deploy runs in the cloud. Left alone it goes on, and coming back finds it. Cancelled, the stack \
             returns to where it was.",
        ),
        Running::Step(step) => (name(m, step), "Cancelled, it is ended now; it can be run again at any time."),
        Running::Sql(session) => (
            format!("Session {session}"),
            "A statement runs or a transaction is open. Nothing of it is kept unless it is committed.",
        ),
    };
    let area = window(buffer, screen, middle(screen, 60, 10), "Still running");
    let mut all = vec![Line::styled(ink(m, &title).into_owned(), theme::STRONG)];
    all.extend(wrap::words(
        &[span(text, theme::TEXT)],
        area.width.into(),
        &span("", theme::TEXT),
        &span("", theme::TEXT),
    ));
    all.push(Line::default());
    let mut keys = Vec::new();
    let after = if leave.quit { " and leave" } else { "" };
    if matches!(leave.what, Running::Deploy(_)) {
        keys.push(("d", format!("let it go on{after}")));
    }
    let word = match leave.what {
        Running::Sql(_) if leave.quit => "roll back and leave".to_owned(),
        Running::Sql(_) => "cancel the statement".to_owned(),
        Running::Deploy(_) | Running::Step(_) => format!("cancel it{after}"),
    };
    keys.push(("c", word));
    keys.push(("esc", "keep watching".to_owned()));
    for (key, what) in keys {
        all.push(Line::from(vec![span(format!("{key:>5}  "), theme::KEY), span(what, theme::TEXT)]));
    }
    lines(buffer, area, &all, 0);
}

fn name(m: &Model, step: &workshop_engine::event::StepRef) -> String {
    m.step_of(step).map_or_else(|| step.step.clone(), |s| s.title.clone())
}
