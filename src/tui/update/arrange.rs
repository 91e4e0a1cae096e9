//! Everything that depends on the size of the screen, the mode and the texts, worked out once per change.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{console, diff};
use crate::tui::bindings::{Context, KeyAction};
use crate::tui::layout::LayoutRequest;
use crate::tui::model::*;
use crate::tui::present::card;
use crate::tui::present::intent::intent;
use crate::tui::present::room::body_height;
use crate::tui::present::spans::{last_top, shown};
use crate::tui::{layout, markdown, present};

/// Works out again what depends on the size, the mode and the texts.
pub fn arrange(m: &mut Model) {
    arrange_with(m, &mut Vec::new());
}

/// Works out the same, and names the code whose colours are wanted.
pub fn arrange_with(m: &mut Model, effects: &mut Vec<Effect>) {
    let (width, height) = m.size;
    let more_status = present::notice::lines(m).len().saturating_sub(1) as u16;
    m.layout = layout::layout(width, height, LayoutRequest { more_status, ..m.layout_request() });
    if m.layout.too_small {
        return;
    }
    diff::lay(m);
    page(m, effects);
    // The card says what the one key does, that depends on how much of a difference shows, and this on how high the card is.
    let told = intent(m);
    diff::fit(m);
    if intent(m) != told {
        page(m, effects);
        diff::fit(m);
    }
    console::arrange(m);
    if let Some(slot) = m.layout.slot(Panel::Log) {
        let searching = matches!(&m.mode, InputMode::Search { of: Panel::Log, .. });
        let height = body_height(m, slot).saturating_sub(usize::from(searching));
        let width = usize::from(slot.body.width).saturating_sub(1);
        m.log.resize(width, height);
    }
    outline(m);
    deploy(m);
    load(m);
    checks(m);
    over(m);
    effects.extend(m.prose.take_wanted().into_iter().map(Effect::Colour));
}

/// The lines of the deploy. What was scrolled past its end stands at its end: the next key upwards is seen at once.
fn deploy(m: &mut Model) {
    let Some((width, height)) = inside(m, Panel::Deploy) else { return };
    m.deploy.lines = present::deploy::lines(m, width);
    m.deploy.top = m.deploy.top.min(last_top(m.deploy.lines.len(), height));
}

fn load(m: &mut Model) {
    let Some((width, height)) = inside(m, Panel::Load) else { return };
    m.load.lines = present::load::lines(m, width);
    m.load.top = m.load.top.min(last_top(m.load.lines.len(), height));
}

fn checks(m: &mut Model) {
    let Some((width, height)) = inside(m, Panel::Checks) else { return };
    m.checks.list = present::checks::list(m, width);
    m.checks.detail = present::checks::detail(m, width);
    let room = height.saturating_sub(present::checks::list_window(&m.checks, height).rows);
    m.checks.top = m.checks.top.min(last_top(m.checks.detail.len(), room));
}

/// Reads what lies over the panels: the help, the notes.
fn over(m: &mut Model) {
    let Some((at, _, lines)) = present::reading::reading(m) else { return };
    let last = last_top(lines.len(), present::reading::inside(at).height.into());
    m.over = lines;
    if let InputMode::Help { top, .. } | InputMode::Notes { top } = &mut m.mode {
        *top = (*top).min(last);
    }
}

/// Columns between a panel's margins and rows of its own, if it shows.
fn inside(m: &Model, panel: Panel) -> Option<(usize, usize)> {
    let slot = m.layout.slot(panel)?;
    Some((usize::from(slot.body.width).saturating_sub(2), body_height(m, slot)))
}

fn page(m: &mut Model, effects: &mut Vec<Effect>) {
    // The card stands below the page, or below whatever fills a small screen.
    let slot = m.layout.slot(Panel::Page).or_else(|| {
        let alone = m.layout.slots.len() == 1;
        // Who types SQL wants the whole screen for it.
        let typing = m.mode == InputMode::Entry;
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
        Panel::Deploy => (text_height / 3).max(text_height.saturating_sub(present::deploy::wanted(m) + 1)),
        _ => text_height / 3,
    };
    if slot.panel != Panel::Page {
        m.page.card = card::card(m, text_width).rows(most, text_width);
        m.page.height = text_height.saturating_sub(m.page.card.len() + usize::from(!m.page.card.is_empty()));
        return;
    }
    // What the card says depends on whether all of the page was read, and how much shows of it on how high the card is.
    // So the page leaves room for either card, and what the card then says holds.
    let read = m.page.read;
    let mut rows = 0;
    for assumed in [0, usize::MAX] {
        (m.page.read, m.page.height) = (assumed, 0);
        rows = rows.max(card::card(m, text_width).rows(most, text_width).len());
    }
    m.page.read = read;
    let room = text_height.saturating_sub(rows + usize::from(rows > 0));
    // The last row says how much more there is.
    let count = m.page.rendered.lines.len();
    m.page.height = room - usize::from(count > room && room > 0);
    m.page.top = if m.page.at_end { m.page.last_top() } else { m.page.top.min(m.page.last_top()) };
    m.page.card = card::card(m, text_width).rows(most, text_width);
}

/// The page's text, when its step, its width or its colours have changed.
fn render(m: &mut Model, width: usize, effects: &mut Vec<Effect>) {
    if m.here().is_none() {
        return;
    }
    let source = present::page::source(m);
    let source = if m.hides() { workshop_base::secret::redact(&source).into_owned() } else { source };
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    let of = (hasher.finish(), width);
    if m.page.of != Some(of) {
        // Rows of another width are other rows; what was added at the end is still to be read.
        let count = m.page.rendered.lines.len();
        let resized = m.page.of.is_some_and(|(_, before)| before != width);
        let pictures = m.key_in(Context::Walking, KeyAction::Images);
        m.page.rendered = markdown::render_with(&source, width, &m.known, Some(&pictures));
        if resized {
            m.page.read = if m.page.read >= count && count > 0 { m.page.rendered.lines.len() } else { 0 };
        }
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
    let last = present::outline::items(m).len().saturating_sub(1);
    m.outline.cursor = m.outline.cursor.min(last);
    m.outline.rows = present::outline::rows(m, width);
    let rows = &m.outline.rows;
    let height = shown(rows.len(), height);
    let first = rows.iter().position(|row| row.item == m.outline.cursor).unwrap_or(0);
    let last = rows.iter().rposition(|row| row.item == m.outline.cursor).unwrap_or(0);
    // The selected item stays in view, with a little of what is around it.
    let margin = (height / 5).min(3);
    let lowest = (last + margin + 1).saturating_sub(height);
    let highest = first.saturating_sub(margin);
    m.outline.top = m.outline.top.clamp(lowest.min(highest), highest).min(rows.len().saturating_sub(height));
}
