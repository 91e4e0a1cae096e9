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
/// Columns that code wants, and the fewest in which a page can be read.
const CODE: u16 = 81;
const NARROW: u16 = 36;

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

/// What the panel of the right column holds: it decides who gets the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contents {
    /// Nothing that one would look at now: the page gets the room.
    Nothing,
    #[default]
    Words,
    /// Code, rows of tables, lanes: lines that lose by being broken.
    Code,
}

/// The layout's arguments besides the size.
#[derive(Debug, Clone, Copy)]
pub struct LayoutRequest {
    pub focus: Panel,
    /// The panel of the right column, and the one below it where there is room.
    pub shown: Panel,
    pub companion: Panel,
    pub zoom: bool,
    pub contents: Contents,
    /// Without the outline, for those who look on: the page and one panel.
    pub audience: bool,
    /// Rows besides its own that the status needs for a long word: the panels give them.
    pub more_status: u16,
}

impl ScreenLayout {
    /// Returns the place of a panel, if it is on the screen.
    pub fn slot(&self, panel: Panel) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.panel == panel)
    }
    /// Says whether a panel is on the screen.
    pub fn shows(&self, panel: Panel) -> bool {
        self.slot(panel).is_some()
    }
}

/// Places everything on a screen of this many columns and rows.
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
        (_, 112..=159, _) if request.contents == Contents::Code => 2,
        _ if request.audience => 2,
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
        let share = if request.contents == Contents::Nothing { 64 } else { 43 };
        column(&mut out, Panel::Page, (rest * share / 100).min(88));
    } else {
        let left = if request.focus == Panel::Outline { Panel::Outline } else { Panel::Page };
        // Code gets the columns that it was written for, if the page can still be read beside it.
        let wide = match request.contents {
            Contents::Code if width >= CODE + 1 + NARROW => (width - CODE - 1).min(width * 47 / 100),
            Contents::Nothing => (width * 64 / 100).min(88),
            _ => width * 47 / 100,
        };
        column(&mut out, left, wide);
    }
    let right = Rect { x, width: width - x, ..area };
    if columns == 3 && width >= 170 && height >= 45 && request.companion != request.shown {
        // What is read line by line gets more of it than what runs past.
        let share = if request.contents == Contents::Code { 74 } else { 58 };
        let upper = area.height * share / 100;
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
        with(width, height, Contents::Words)
    }

    fn with(width: u16, height: u16, contents: Contents) -> ScreenLayout {
        layout(
            width,
            height,
            LayoutRequest {
                focus: Panel::Page,
                shown: Panel::Diff,
                companion: Panel::Log,
                zoom: false,
                contents,
                audience: false,
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
    fn code_gets_its_eighty_columns_and_a_page_beside_nothing_its_room() {
        let code = with(120, 40, Contents::Code);
        assert_eq!(panels(&code), [Panel::Page, Panel::Diff]);
        assert!(code.slot(Panel::Diff).unwrap().body.width >= 80);
        assert!(code.slot(Panel::Page).unwrap().body.width >= 36);
        let reading = with(120, 40, Contents::Nothing);
        assert!(reading.slot(Panel::Page).unwrap().body.width >= 56);
        assert!(with(200, 60, Contents::Code).slot(Panel::Diff).unwrap().body.height >= 40);
    }

    #[test]
    fn at_every_size_panels_are_inside_and_apart() {
        for width in 0..260 {
            for height in 0..80 {
                let contents = [Contents::Words, Contents::Code, Contents::Nothing][usize::from(width + height) % 3];
                let layout = with(width, height, contents);
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
