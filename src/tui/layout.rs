//! The place of everything, for a screen of any size. Pure.
//!
//! Invariant: no two panels overlap, and nothing lies outside the screen.
//!
//! ```text
//! 80x24               120x40                       200x60
//! header              header                       header
//! tabs                outline │ page │ one panel   outline │ page │ one panel
//! one panel                   │      │                     │      ├───────────
//! status                                                   │      │ companion
//! keys                status, keys                 status, keys
//! ```

use ratatui::layout::Rect;

use super::panel::Panel;

/// Below this nothing useful fits.
pub const SMALLEST: (u16, u16) = (40, 10);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScreenLayout {
    pub too_small: bool,
    pub header: Rect,
    /// The tab line, when one panel fills the screen.
    pub tabs: Option<Rect>,
    pub status: Rect,
    pub footer: Rect,
    pub slots: Vec<Slot>,
    /// Columns with a line between two panels, over the height of the panels.
    pub separators: Vec<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub panel: Panel,
    /// The row above the body that names the panel.
    pub title: Option<Rect>,
    pub body: Rect,
}

/// The layout's arguments besides the size.
#[derive(Debug, Clone, Copy)]
pub struct LayoutRequest {
    pub focus: Panel,
    /// The panel of the right column, and the one below it where there is room.
    pub shown: Panel,
    pub companion: Panel,
    pub zoom: bool,
    /// Rows besides its own that the status needs for a long word: the panels give them.
    pub more_status: u16,
}

impl ScreenLayout {
    pub fn slot(&self, panel: Panel) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.panel == panel)
    }
    pub fn shows(&self, panel: Panel) -> bool {
        self.slot(panel).is_some()
    }
}

pub fn layout(width: u16, height: u16, request: LayoutRequest) -> ScreenLayout {
    if width < SMALLEST.0 || height < SMALLEST.1 {
        return ScreenLayout { too_small: true, ..ScreenLayout::default() };
    }
    let header = Rect::new(0, 0, width, 1);
    let more = request.more_status.min(height - SMALLEST.1);
    let status = Rect::new(0, height - 2 - more, width, 1 + more);
    let footer = Rect::new(0, height - 1, width, 1);
    let area = Rect::new(0, 1, width, height - 3 - more);
    let mut out = ScreenLayout { header, status, footer, ..ScreenLayout::default() };

    let columns = match (request.zoom, width, height) {
        (true, _, _) => 1,
        (_, ..=95, _) | (_, _, ..=15) => 1,
        (_, 96..=111, _) => 2,
        _ => 3,
    };
    if columns == 1 {
        out.tabs = Some(Rect { height: 1, ..area });
        let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
        out.slots.push(Slot { panel: request.focus, title: None, body });
        return out;
    }

    let mut x = 0;
    let mut column = |out: &mut ScreenLayout, panel: Panel, wide: u16| {
        out.slots.push(titled(panel, Rect { x, width: wide, ..area }));
        x += wide;
        if x < width {
            out.separators.push(x);
            x += 1;
        }
    };
    let outline = (width / 5).clamp(27, 38);
    if columns == 3 {
        column(&mut out, Panel::Outline, outline);
        let rest = width - outline - 2;
        column(&mut out, Panel::Page, (rest * 43 / 100).min(84));
    } else {
        let left = if request.focus == Panel::Outline { Panel::Outline } else { Panel::Page };
        column(&mut out, left, width * 47 / 100);
    }
    let right = Rect { x, width: width - x, ..area };
    if columns == 3 && width >= 170 && height >= 45 && request.companion != request.shown {
        let upper = (area.height * 58) / 100;
        out.slots.push(titled(request.shown, Rect { height: upper, ..right }));
        let lower = Rect { y: right.y + upper, height: right.height - upper, ..right };
        out.slots.push(titled(request.companion, lower));
    } else {
        out.slots.push(titled(request.shown, right));
    }
    out
}

fn titled(panel: Panel, area: Rect) -> Slot {
    let title = Rect { height: 1, ..area };
    Slot { panel, title: Some(title), body: Rect { y: area.y + 1, height: area.height - 1, ..area } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(width: u16, height: u16) -> ScreenLayout {
        layout(
            width,
            height,
            LayoutRequest {
                focus: Panel::Page,
                shown: Panel::Diff,
                companion: Panel::Log,
                zoom: false,
                more_status: 0,
            },
        )
    }

    fn panels(layout: &ScreenLayout) -> Vec<Panel> {
        layout.slots.iter().map(|slot| slot.panel).collect()
    }

    #[test]
    fn the_three_sizes() {
        assert_eq!(panels(&at(80, 24)), [Panel::Page]);
        assert_eq!(panels(&at(120, 40)), [Panel::Outline, Panel::Page, Panel::Diff]);
        assert_eq!(panels(&at(200, 60)), [Panel::Outline, Panel::Page, Panel::Diff, Panel::Log]);
        assert!(at(20, 5).too_small);
    }

    #[test]
    fn at_every_size_panels_are_inside_and_apart() {
        for width in 0..260 {
            for height in 0..80 {
                let layout = at(width, height);
                if layout.too_small {
                    continue;
                }
                let screen = Rect::new(0, 0, width, height);
                let mut rects = vec![layout.header, layout.status, layout.footer];
                rects.extend(layout.tabs);
                for slot in &layout.slots {
                    rects.extend(slot.title);
                    assert!(slot.body.width >= 20 && slot.body.height >= 4, "{width}x{height}");
                    rects.push(slot.body);
                }
                for (i, a) in rects.iter().enumerate() {
                    assert_eq!(a.intersection(screen), *a, "{width}x{height}");
                    assert!(rects[i + 1..].iter().all(|b| a.intersection(*b).is_empty()), "{width}x{height}");
                }
            }
        }
    }
}
