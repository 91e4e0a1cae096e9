//! Overlays: help, notes, command palette, the question before leaving.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::paint;
use crate::tui::model::*;
use crate::tui::present::palette::entries;
use crate::tui::present::reading;
use crate::tui::present::spans::{both_ends, display_text, span};
use crate::tui::{theme, wrap};

/// Draws the overlay of the mode, if it has one; then only its own cursor counts.
pub fn draw(m: &Model, buffer: &mut Buffer, screen: Rect) -> Option<Option<Position>> {
    match &m.mode {
        InputMode::Walking | InputMode::Entry | InputMode::Search { .. } => None,
        InputMode::Help { top, .. } | InputMode::Notes { top } => {
            let (at, title) = reading::place(m)?;
            let (title, typing) = match &m.mode {
                InputMode::Help { query, typing, .. } if *typing || !query.is_empty() => {
                    (format!("{title}: / {query}"), *typing)
                }
                _ => (title.to_owned(), false),
            };
            let area = window(buffer, screen, at, &title);
            paint::lines_counted(buffer, area, &m.over, *top, false);
            // Behind what is typed, in the frame.
            Some(typing.then(|| Position::new(at.x + 3 + wrap::width(&title) as u16 - 1, at.y)))
        }
        InputMode::Palette(palette) => Some(Some(draw_palette(m, buffer, screen, palette))),
        InputMode::Leave(leave) => {
            question(m, buffer, screen, leave);
            Some(None)
        }
    }
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
    reading::inside(area)
}

fn draw_palette(m: &Model, buffer: &mut Buffer, screen: Rect, palette: &Palette) -> Position {
    let area = window(
        buffer,
        screen,
        reading::middle(screen, 76, (screen.height * 2 / 3).min(24)),
        match palette.of {
            PaletteOf::Commands => "Commands",
            PaletteOf::Copies => "Copy",
        },
    );
    let cursor = paint::prompt(buffer, Rect { height: 1, ..area }, "› ", &palette.query);
    let list = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let all = entries(m);
    let top = (palette.cursor + 1).saturating_sub(list.height.into());
    for (i, choice) in all.iter().enumerate().skip(top).take(list.height.into()) {
        let y = list.y + (i - top) as u16;
        let line = both_ends(
            vec![span(format!(" {}", display_text(m, &choice.title)), theme::TEXT)],
            vec![span(format!("{} ", choice.key), theme::DIM)],
            list.width.into(),
        );
        paint::row(buffer, list, y, &line);
        if i == palette.cursor {
            buffer.set_style(Rect { y, height: 1, ..list }, theme::SELECTED);
        }
    }
    if all.is_empty() {
        paint::row(buffer, list, list.y, &Line::styled(" Nothing is called that", theme::DIM));
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
        Running::Bring => (
            "Bringing everything to this chapter".to_owned(),
            "Stopped, everything stays where it is by then; B brings the rest.",
        ),
        Running::Step(step) => (name(m, step), "Cancelled, it is ended now; it can be run again at any time."),
        Running::Sql(session) => (
            format!("Session {session}"),
            "A statement runs or a transaction is open. Nothing of it is kept unless it is committed.",
        ),
    };
    let area = window(buffer, screen, reading::middle(screen, 60, 10), "Still running");
    let mut all = vec![Line::styled(display_text(m, &title).into_owned(), theme::STRONG)];
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
        Running::Deploy(_) | Running::Step(_) | Running::Bring => format!("cancel it{after}"),
    };
    keys.push(("c", word));
    keys.push(("esc", "keep watching".to_owned()));
    for (key, what) in keys {
        all.push(Line::from(vec![span(format!("{key:>5}  "), theme::KEY), span(what, theme::TEXT)]));
    }
    paint::lines(buffer, area, &all, 0);
}

fn name(m: &Model, step: &workshop_engine::event::StepRef) -> String {
    m.step_of(step).map_or_else(|| step.step.clone(), |s| s.title.clone())
}
