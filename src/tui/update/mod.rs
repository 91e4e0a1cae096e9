//! One message in, what the shell shall do out. No I/O, no waiting, no clock of its own.
//!
//! Invariant: everything that depends on the size of the screen or on a text is worked out here, once per
//! change, by [`arrange`]; drawing only looks it up.

mod console;
mod diff;
mod drive;
mod events;
mod intent;
mod keys;
mod palette;

pub use console::{ENTRY_ROWS, entry_rows, first_session, history_match, prompt};
pub use diff::is_applied;
pub use drive::repair_of;
pub use events::{edits_are_back, place, task_name};
pub use intent::{Intent, intent};
pub use palette::choices;

use super::layout;
use super::markdown;
use super::model::*;
use super::view::{self, card};

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
        let height = body_height(m, slot).saturating_sub(usize::from(searching));
        let width = usize::from(slot.body.width);
        m.log.resize(width, height);
    }
    outline(m);
    within(m);
}

/// What was scrolled past its end stands at its end: the next key upwards is seen at once.
fn within(m: &mut Model) {
    if let Mode::Help { .. } | Mode::Notes { .. } = m.mode {
        let last = view::overlay::last_top(m);
        if let Mode::Help { top } | Mode::Notes { top } = &mut m.mode {
            *top = (*top).min(last);
        }
    }
    let of = |m: &Model, panel| m.layout.slot(panel).map(|slot| (usize::from(slot.body.width), body_height(m, slot)));
    if let (1.., Some((width, height))) = (m.deploy_top, of(m, Panel::Deploy)) {
        m.deploy_top = m.deploy_top.min(view::deploy::last_top(m, width, height));
    }
    if let (1.., Some((width, height))) = (m.checks.top, of(m, Panel::Checks)) {
        m.checks.top = m.checks.top.min(view::checks::last_top(m, width, height));
    }
}

/// Rows for a panel's own: on a small screen the card stands below it.
pub fn body_height(m: &Model, slot: &layout::Slot) -> usize {
    let alone = m.layout.slots.len() == 1 && !m.page.card.is_empty();
    let card = if alone { m.page.card.len() + 1 } else { 0 };
    usize::from(slot.body.height).saturating_sub(card).max(1)
}

fn page(m: &mut Model, effects: &mut Vec<Effect>) {
    // The card stands below the page, or below whatever fills a small screen.
    let slot = m.layout.slot(Panel::Page).or_else(|| {
        let alone = m.layout.slots.len() == 1;
        // Who types SQL wants the whole screen for it.
        let typing = m.mode == Mode::Entry;
        m.layout.slots.first().filter(|slot| alone && slot.panel != Panel::Outline && !typing)
    });
    let Some(slot) = slot.copied() else {
        m.page.card = Vec::new();
        return;
    };
    let text_width = usize::from(slot.body.width).saturating_sub(2).min(PAGE_WIDTH);
    let text_height = usize::from(slot.body.height);
    if slot.panel == Panel::Page {
        render(m, text_width, effects);
    }
    // What the card says depends on whether all of the page shows, and that on how high the card is.
    let most = match slot.panel {
        Panel::Page => text_height / 2,
        // What is said during a deploy may have the room that the deploy itself does not need.
        Panel::Deploy => (text_height / 3).max(text_height.saturating_sub(view::deploy_rows(m) + 1)),
        _ => text_height / 3,
    };
    for _ in 0..2 {
        let before = intent(m);
        let mut card = card::card(m, text_width);
        if card.len() > most {
            card.truncate(most.saturating_sub(1));
            card.push(ratatui::text::Line::styled("…", super::theme::DIM));
        }
        let room = text_height.saturating_sub(card.len() + usize::from(!card.is_empty()));
        m.page.card = card;
        if slot.panel != Panel::Page {
            m.page.height = room;
            return;
        }
        // The last row says how much more there is.
        m.page.height = room - usize::from(m.page.rendered.lines.len() > room && room > 0);
        m.page.top = m.page.top.min(m.page.last_top());
        if intent(m) == before {
            return;
        }
    }
}

/// The page's text, when its step, its width or its colours have changed.
fn render(m: &mut Model, width: usize, effects: &mut Vec<Effect>) {
    let Some(here) = m.here() else { return };
    let of = (here, width, m.redact);
    if m.page.of.as_ref() != Some(&of) {
        let source = super::view::page::source(m);
        let source = if m.redact { workshop_base::text::redact(&source).into_owned() } else { source };
        m.page.rendered = markdown::render(&source, width, &m.known);
        m.page.of = Some(of);
        effects.extend(m.page.rendered.wanted.iter().cloned().map(Effect::Colour));
    }
}

/// Text wider than this is hard to read.
const PAGE_WIDTH: usize = 88;

fn outline(m: &mut Model) {
    let Some(slot) = m.layout.slot(Panel::Outline) else { return };
    let height = usize::from(slot.body.height);
    let width = usize::from(slot.body.width);
    let last = super::view::outline::items(m).len().saturating_sub(1);
    m.outline.cursor = m.outline.cursor.min(last);
    let rows = super::view::outline::rows(m, width);
    let height = super::view::shown(rows.len(), height);
    let first = rows.iter().position(|row| row.item == m.outline.cursor).unwrap_or(0);
    let last = rows.iter().rposition(|row| row.item == m.outline.cursor).unwrap_or(0);
    // The selected item stays in view, with a little of what is around it.
    let margin = (height / 5).min(3);
    let lowest = (last + margin + 1).saturating_sub(height);
    let highest = first.saturating_sub(margin);
    m.outline.top = m.outline.top.clamp(lowest.min(highest), highest).min(rows.len().saturating_sub(height));
}

#[cfg(test)]
mod tests;
