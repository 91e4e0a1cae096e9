//! One message taken in, and everything worked out again that depends on it.

use super::arrange::arrange_with;
use super::{console, events, keys, pointer};
use crate::tui::model::*;
use crate::tui::present::window;
use crate::tui::theme::Backdrop;

/// Takes in a message; returns what the loop shall do.
pub fn update(m: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    let (settings, page_top) = (m.settings, m.page.top);
    let (before, pressed) = (m.toast.clone(), matches!(msg, Msg::Key(_) | Msg::Mouse(_)));
    match msg {
        Msg::Key(key) => keys::press(m, key, &mut effects),
        Msg::Paste(text) => keys::paste(m, &text),
        Msg::Mouse(mouse) => pointer::take(m, mouse, &mut effects),
        Msg::Focus(focused) => m.focused = Some(focused),
        Msg::Background(rgb) => {
            if m.options.looks.asks_backdrop {
                m.options.looks.backdrop = Backdrop::of(rgb);
            }
        }
        // What is marked was marked in a place that is another one now.
        Msg::Resize(width, height) => (m.size, m.marked) = ((width, height), None),
        Msg::Events(batch) => batch.into_iter().for_each(|event| events::take(m, event, &mut effects)),
        Msg::Coloured(key, colours) => {
            m.known.insert(key, colours);
            m.prose.forget();
            if m.page.rendered.wanted.iter().any(|job| job.key == key) {
                m.page.of = None;
            }
        }
        Msg::Course(course) => {
            match m.progress.position {
                None => m.use_panels(course.uses()),
                Some(_) => m.uses = course.uses(),
            }
            m.course = course;
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
    if m.toast != before || pressed {
        m.toast_since = m.now;
    } else if m.toast_ends() == Some(0) {
        m.toast = None;
    }
    if m.closing.is_some_and(|since| m.now.saturating_sub(since) > CLOSING_MS) {
        effects.push(Effect::Leave);
    }
    if m.settings != settings {
        effects.push(Effect::Keep(m.settings));
        if m.settings.mouse != settings.mouse {
            effects.push(Effect::Mouse(m.settings.mouse));
        }
    }
    m.page.at_end &= m.page.top == page_top;
    arrange_with(m, &mut effects);
    if pressed && m.page.last_top() > 0 {
        m.page.at_end = m.page.top == m.page.last_top();
    }
    let window = window::window(m);
    if m.window != window {
        m.window = window.clone();
        effects.push(Effect::Window(window));
    }
    effects
}

/// Milliseconds that the engine gets to close in order.
const CLOSING_MS: u64 = 15_000;
