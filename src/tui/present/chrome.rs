//! The places in the frame around the panels that can be clicked.

use ratatui::layout::Rect;

use crate::tui::model::*;

/// Returns every place that can be clicked and the panel that it stands for and the panel that it stands for, as the tabs and the titles were laid out.
pub fn targets(m: &Model) -> Vec<(Rect, Panel)> {
    let mut out = Vec::new();
    if let Some(tabs) = m.layout.tabs {
        // ` 1 Outline   2[Page]  …`: number, name between blanks or brackets, sign, blank.
        let mut x = tabs.x + 1;
        for panel in m.panels() {
            let width = panel.title().len() as u16 + 3;
            out.push((Rect { x, width, ..tabs }.intersection(tabs), panel));
            x += width + 2;
        }
    }
    for slot in &m.layout.slots {
        let Some(title) = slot.title else { continue };
        if slot.panel == m.shown {
            let mut x = title.x + 2;
            for panel in m.panels().filter(|panel| panel.is_tool()) {
                let width = panel.title().len() as u16 + 3;
                out.push((Rect { x, width, ..title }.intersection(title), panel));
                x += width + 1;
            }
        }
        out.push((title, slot.panel));
    }
    out
}
