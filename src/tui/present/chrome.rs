//! The names of the panels in tabs and titles, and the places that can be clicked.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::spans::span;
use super::{checks, deploy};
use crate::tui::model::*;
use crate::tui::{theme, wrap};
use workshop_engine::event::Verdict;

/// The name of a panel in a row of them.
#[derive(Debug, Clone)]
pub struct PanelTab {
    pub panel: Panel,
    /// The key that shows it.
    pub number: String,
    /// In brackets for the panel that shows, between blanks for the others; empty where there is no room.
    pub label: String,
    /// It works, or something in it failed.
    pub mark: Option<Span<'static>>,
    /// Columns with the blank behind it.
    pub width: u16,
    /// False where the mark has the place of that blank.
    pub gap: bool,
}

/// Returns the names of these panels for a row of so many columns; where they have no room, the numbers alone, and the
/// name of the one that shows.
pub fn panel_tabs(
    m: &Model,
    panels: impl Iterator<Item = Panel> + Clone,
    here: Panel,
    room: u16,
    kept: bool,
) -> Vec<PanelTab> {
    let with = |names: bool, tight: bool| {
        let tab = |panel: Panel| {
            let number = (Panel::ALL.iter().position(|known| *known == panel).unwrap_or(0) + 1).to_string();
            let label = match panel == here {
                true => format!("[{}]", panel.title()),
                false if names => format!(" {} ", panel.title()),
                false => String::new(),
            };
            let mark = mark(m, panel);
            // Where a row stands alone, the mark's room is kept, so that nothing moves when it comes and goes.
            let mark_width = mark.as_ref().map_or(usize::from(kept), Span::width);
            let gap = !(tight && mark.is_some());
            let width = (wrap::width(&number) + wrap::width(&label) + mark_width + usize::from(gap)) as u16;
            PanelTab { panel, number, label, mark, width, gap }
        };
        panels.clone().map(tab).collect::<Vec<PanelTab>>()
    };
    // A mark that comes and goes does not take the names away.
    let wide = |tabs: &[PanelTab]| tabs.iter().map(|tab| tab.width).sum::<u16>();
    let ways = [with(true, false), with(true, true)];
    ways.into_iter().find(|tabs| wide(tabs) <= room + 2).unwrap_or_else(|| with(false, false))
}

/// Returns every place that can be clicked and the panel that it stands for, as the tabs and the titles were laid out.
pub fn targets(m: &Model) -> Vec<(Rect, Panel)> {
    let mut out = Vec::new();
    let mut put = |tabs: Vec<PanelTab>, row: Rect, mut x: u16| {
        for tab in tabs {
            out.push((Rect { x, width: tab.width - u16::from(tab.gap), ..row }.intersection(row), tab.panel));
            x += tab.width;
        }
    };
    if let Some(row) = m.layout.tabs {
        put(panel_tabs(m, m.panels(), m.focus, row.width, true), row, row.x + 1);
    }
    for slot in &m.layout.slots {
        let Some(title) = slot.title else { continue };
        if slot.panel == m.shown {
            put(panel_tabs(m, m.tools(), slot.panel, title.width.saturating_sub(4), false), title, title.x + 2);
        }
    }
    out.extend(m.layout.slots.iter().filter_map(|slot| Some((slot.title?, slot.panel))));
    out
}

/// Returns the sign behind a panel's name: it works, or something in it failed.
pub fn mark(m: &Model, panel: Panel) -> Option<Span<'static>> {
    let running = m.progress.running.as_ref().and_then(|s| m.step_of(s)).and_then(|s| Panel::of(&s.action));
    let checking = m.progress.checks.values().any(|c| c.verdict.is_none());
    if running == Some(panel) || (panel == Panel::Checks && checking) {
        // The card turns the wheel: one is enough.
        return Some(span("●", theme::WAIT));
    }
    if panel == Panel::Deploy
        && let Some((mark, style)) = deploy::mark(m)
    {
        return Some(span(mark, style));
    }
    if panel == Panel::Checks {
        let marked = |all: &[Verdict]| {
            let count = count_checks(m, all);
            let (mark, style) = theme::verdict(all.first().copied());
            (count > 0).then(|| span(format!("{mark}{count}"), style))
        };
        // What was cancelled has not failed.
        return marked(&[Verdict::Fail, Verdict::PassedUnexpectedly]).or_else(|| marked(&[Verdict::Error]));
    }
    None
}

fn count_checks(m: &Model, all: &[Verdict]) -> usize {
    let Some(chapter) = m.chapter() else { return 0 };
    let verdicts = chapter.checks.iter().filter_map(|check| checks::verdict_now(m, chapter.number, check));
    verdicts.filter(|verdict| all.contains(verdict)).count()
}
