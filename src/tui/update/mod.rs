//! One message in, what the shell shall do out. No I/O, no waiting, no clock of its own.
//!
//! Invariant: everything that depends on the size of the screen or on a text is worked out here, once per
//! change, by [`arrange`]; drawing only looks it up.

mod console;
mod diff;
mod drive;
mod events;
mod keys;
mod palette;

pub use console::{ENTRY_ROWS, entry_rows, first_session, history_match, prompt};
pub use diff::is_applied;
pub use drive::repair_of;
pub use events::{place, task_name};
pub use palette::choices;

use super::layout;
use super::markdown;
use super::model::*;
use super::view::card;

pub fn update(m: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    match msg {
        Msg::Key(key) => keys::press(m, key, &mut effects),
        Msg::Paste(text) => keys::paste(m, &text),
        Msg::Resize(width, height) => m.size = (width, height),
        Msg::Events(batch) => batch.into_iter().for_each(|event| events::take(m, event, &mut effects)),
        Msg::Coloured(key, colours) => {
            m.known.insert(key, colours);
            if m.page.rendered.wanted.iter().any(|job| job.key == key) {
                m.page.of = None;
            }
        }
        Msg::Tick => {}
        Msg::Edited(Ok(Some(text))) => console::edited(m, &text),
        Msg::Edited(Ok(None)) => {}
        Msg::Edited(Err(why)) => m.toast = Some((why, Mood::Bad)),
        Msg::Told { text, bad } => m.toast = Some((text, if bad { Mood::Bad } else { Mood::Good })),
        Msg::EngineGone => {
            // After `Closed` this is the end; before it the engine broke, and we must not hang.
            effects.push(Effect::Leave);
        }
    }
    if m.closing.is_some_and(|since| m.now.saturating_sub(since) > CLOSING_MS) {
        effects.push(Effect::Leave);
    }
    arrange_with(m, &mut effects);
    effects
}

/// How long the engine gets to close in order, milliseconds.
const CLOSING_MS: u64 = 15_000;

/// Works out again what depends on the size, the mode and the texts.
pub fn arrange(m: &mut Model) {
    arrange_with(m, &mut Vec::new());
}

fn arrange_with(m: &mut Model, effects: &mut Vec<Effect>) {
    let (width, height) = m.size;
    m.layout = layout::layout(width, height, m.wish());
    if m.layout.too_small {
        return;
    }
    page(m, effects);
    diff::arrange(m);
    console::arrange(m);
    if let Some(slot) = m.layout.slot(Panel::Log) {
        let searching = matches!(&m.mode, Mode::Search { of: Panel::Log, .. });
        m.log.resize(slot.body.width.into(), (slot.body.height - u16::from(searching)).into());
    }
    outline(m);
}

fn page(m: &mut Model, effects: &mut Vec<Effect>) {
    // The card stands below the page, or below whatever fills a small screen.
    let slot = m.layout.slot(Panel::Page).or_else(|| {
        let alone = m.layout.slots.len() == 1;
        m.layout.slots.first().filter(|slot| alone && slot.panel != Panel::Outline && slot.panel != Panel::Sql)
    });
    let Some(slot) = slot.copied() else {
        m.page.card = Vec::new();
        return;
    };
    let text_width = usize::from(slot.body.width).saturating_sub(2).min(PAGE_WIDTH);
    let text_height = usize::from(slot.body.height);
    let mut card = card::card(m, text_width);
    let most = if slot.panel == Panel::Page { text_height / 2 } else { text_height / 3 };
    if card.len() > most {
        card.truncate(most.saturating_sub(1));
        card.push(ratatui::text::Line::styled("…", super::theme::DIM));
    }
    m.page.card = card;
    m.page.height = text_height.saturating_sub(m.page.card.len() + usize::from(!m.page.card.is_empty()));
    if slot.panel != Panel::Page {
        return;
    }
    let Some(here) = m.here() else { return };
    let of = (here, text_width, m.redact);
    if m.page.of.as_ref() != Some(&of) {
        let source = super::view::page::source(m);
        let source = if m.redact { crate::text::redact(&source).into_owned() } else { source };
        m.page.rendered = markdown::render(&source, text_width, &m.known);
        m.page.of = Some(of);
        effects.extend(m.page.rendered.wanted.iter().cloned().map(Effect::Colour));
    }
    m.page.top = m.page.top.min(m.page.last_top());
}

/// Text wider than this is hard to read.
const PAGE_WIDTH: usize = 88;

fn outline(m: &mut Model) {
    let Some(slot) = m.layout.slot(Panel::Outline) else { return };
    let height = usize::from(slot.body.height);
    let rows = super::view::outline::items(&m.course);
    m.outline.cursor = m.outline.cursor.min(rows.len().saturating_sub(1));
    let cursor = m.outline.cursor;
    // The selected row stays in view, with a little of what is around it.
    let margin = (height / 5).min(3);
    let lowest = (cursor + margin + 1).saturating_sub(height);
    let highest = cursor.saturating_sub(margin);
    m.outline.top = m.outline.top.clamp(lowest.min(highest), highest).min(rows.len().saturating_sub(height));
}

#[cfg(test)]
mod tests;
