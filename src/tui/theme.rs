//! Every colour and glyph of the terminal interface, in one table.
//!
//! The constants name meanings; which of the terminal's own 16 colours a meaning has on a dark and on a light background
//! is decided by [`Looks::apply`], from one table. Invariant: every colour of that table has a contrast of 4.5 to 1 with
//! the background in the palettes of the VGA console, xterm and Windows (a test computes it); none is dimmed on top.
//! A colour never carries a meaning alone: a glyph or a word says the same, so that nothing is lost without colour.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use super::ascii::ascii;
use workshop_engine::event::Verdict;

/// The meanings that colours have. Values are those that the styles below carry until [`Looks::apply`].
mod meaning {
    use ratatui::style::Color;

    pub const GOOD: Color = Color::Green;
    pub const BAD: Color = Color::Red;
    pub const WARN: Color = Color::Magenta;
    pub const ACTIVE: Color = Color::Cyan;
    pub const NAME: Color = Color::Blue;
    pub const EXPECTED: Color = Color::LightBlue;
    pub const LITERAL: Color = Color::LightCyan;
    pub const FOUND: Color = Color::Yellow;
}

/// Coloured parts of one line, by byte range; what lies between them is plain.
pub type Pieces = Vec<(Range<usize>, Style)>;

pub const TEXT: Style = Style::new();
pub const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
pub const EMPHASIS: Style = Style::new().add_modifier(Modifier::ITALIC);
pub const HEADING: Style = Style::new().fg(meaning::NAME).add_modifier(Modifier::BOLD);
/// The place of the keyboard.
pub const FOCUS: Style = Style::new().fg(meaning::ACTIVE).add_modifier(Modifier::BOLD);
/// The selected row of a list.
pub const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);
/// A key to press.
pub const KEY: Style = Style::new().add_modifier(Modifier::BOLD);
pub const LINK: Style = Style::new().fg(meaning::NAME).add_modifier(Modifier::UNDERLINED);
/// A match of a search.
pub const FOUND: Style = Style::new().fg(Color::Black).bg(meaning::FOUND);

pub const GOOD: Style = Style::new().fg(meaning::GOOD);
pub const BAD: Style = Style::new().fg(meaning::BAD);
pub const WARN: Style = Style::new().fg(meaning::WARN);
/// It failed, and was meant to.
pub const EXPECTED: Style = Style::new().fg(meaning::EXPECTED).add_modifier(Modifier::BOLD);
/// Something is under way.
pub const WAIT: Style = Style::new().fg(meaning::ACTIVE);
/// Something that must not be overlooked.
pub const BADGE: Style = Style::new().fg(meaning::WARN).add_modifier(Modifier::BOLD).add_modifier(Modifier::REVERSED);
pub const ALARM: Style = Style::new().fg(meaning::BAD).add_modifier(Modifier::BOLD).add_modifier(Modifier::REVERSED);

pub const ADDED: Style = GOOD;
pub const REMOVED: Style = BAD;
pub const ADDED_WORD: Style = Style::new().fg(meaning::GOOD).add_modifier(Modifier::REVERSED);
pub const REMOVED_WORD: Style = Style::new().fg(meaning::BAD).add_modifier(Modifier::REVERSED);

pub const CODE: Style = Style::new().fg(meaning::LITERAL);
pub const CODE_KEYWORD: Style = Style::new().fg(meaning::WARN);
pub const CODE_STRING: Style = Style::new().fg(meaning::GOOD);
pub const CODE_NUMBER: Style = Style::new().fg(meaning::ACTIVE);
pub const CODE_TYPE: Style = Style::new().fg(meaning::ACTIVE);
pub const CODE_NAME: Style = Style::new().fg(meaning::NAME);
pub const CODE_COMMENT: Style = Style::new().add_modifier(Modifier::DIM).add_modifier(Modifier::ITALIC);

/// The glyph and style of a verdict; None is "not yet".
pub fn verdict(verdict: Option<Verdict>) -> (&'static str, Style) {
    match verdict {
        None => ("○", DIM),
        Some(Verdict::Pass) => ("✓", GOOD),
        Some(Verdict::Fail) => ("✗", BAD),
        Some(Verdict::Error) => ("!", WARN),
        Some(Verdict::Skipped) => ("–", DIM),
        Some(Verdict::FailedAsExpected) => ("⊘", EXPECTED),
        Some(Verdict::PassedUnexpectedly) => ("‼", ALARM),
    }
}

/// A verdict in words.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "passed",
        Verdict::Fail => "failed",
        Verdict::Error => "could not run",
        Verdict::Skipped => "skipped",
        Verdict::FailedAsExpected => "failed as expected",
        Verdict::PassedUnexpectedly => "passed unexpectedly",
    }
}

/// One turn of the wheel every 200 ms.
pub const SPINNER: [&str; 8] = ["⠇", "⠋", "⠙", "⠸", "⠴", "⠦", "⠧", "⠏"];
pub const SPINNER_MS: u64 = 200;

/// Returns the glyph of this moment, in milliseconds.
pub fn spinner(now: u64) -> &'static str {
    SPINNER[(now / SPINNER_MS) as usize % SPINNER.len()]
}

/// The ground that the terminal draws on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backdrop {
    Dark,
    Light,
}

impl Backdrop {
    /// Returns the backdrop of a background's red, green and blue.
    pub fn of([red, green, blue]: [u8; 3]) -> Backdrop {
        let weighed = 2126 * u32::from(red) + 7152 * u32::from(green) + 722 * u32::from(blue);
        if weighed > 10_000 * 127 { Backdrop::Light } else { Backdrop::Dark }
    }

    /// Returns a meaning's colour on this backdrop.
    fn colour(self, meaning: Color) -> Color {
        match (meaning, self) {
            (meaning::GOOD, Backdrop::Dark) => Color::Green,
            (meaning::GOOD, Backdrop::Light) => Color::Blue,
            (meaning::BAD, Backdrop::Dark) => Color::LightRed,
            (meaning::BAD, Backdrop::Light) => Color::Red,
            (meaning::WARN, Backdrop::Dark) => Color::LightYellow,
            (meaning::WARN, Backdrop::Light) => Color::Magenta,
            (meaning::ACTIVE, Backdrop::Dark) => Color::Cyan,
            (meaning::ACTIVE, Backdrop::Light) => Color::Blue,
            (meaning::NAME, Backdrop::Dark) => Color::LightCyan,
            (meaning::NAME, Backdrop::Light) => Color::Blue,
            (meaning::EXPECTED, Backdrop::Dark) => Color::LightCyan,
            (meaning::EXPECTED, Backdrop::Light) => Color::Magenta,
            (meaning::LITERAL, Backdrop::Dark) => Color::Cyan,
            (meaning::LITERAL, Backdrop::Light) => Color::Magenta,
            (meaning::FOUND, _) => Color::LightYellow,
            (other, _) => other,
        }
    }
}

/// The looks of this terminal: decided at the start, from the environment; and by the terminal's own answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    pub colour: bool,
    /// False in a locale that is not UTF-8: every glyph is exchanged for an ASCII one.
    pub unicode: bool,
    pub backdrop: Backdrop,
    /// Nobody has said what the backdrop is: the terminal is asked.
    pub asks_backdrop: bool,
}

impl Looks {
    pub const FULL: Looks = Looks { colour: true, unicode: true, backdrop: Backdrop::Dark, asks_backdrop: true };

    /// Decides from the values of `NO_COLOR`, `TERM`, `COLORFGBG`, and the first set of `LC_ALL`, `LC_CTYPE`, `LANG`.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Looks {
        let set = |name: &str| get(name).filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        // macOS terminals often set no locale at all, and show UTF-8 all the same.
        let unicode =
            (locale.is_empty() && cfg!(target_os = "macos")) || locale.contains("utf-8") || locale.contains("utf8");
        let term = get("TERM").unwrap_or_default();
        // rxvt's way, and that of those who follow it: the background is the last, 7 and 9 to 15 are light.
        let behind = set("COLORFGBG").and_then(|pair| pair.rsplit(';').next().and_then(|n| n.parse::<u8>().ok()));
        let backdrop = if matches!(behind, Some(7 | 9..=15)) { Backdrop::Light } else { Backdrop::Dark };
        let colour = set("NO_COLOR").is_none() && term != "vt100";
        // The Linux console knows no such question, and is dark.
        Looks { colour, unicode, backdrop, asks_backdrop: colour && !matches!(term.as_str(), "linux" | "dumb") }
    }

    /// The last pass over a frame: meanings become this terminal's colours and glyphs.
    pub fn apply(self, buffer: &mut Buffer) {
        for cell in &mut buffer.content {
            if self.colour {
                cell.fg = self.backdrop.colour(cell.fg);
                cell.bg = self.backdrop.colour(cell.bg);
                // Half of a colour's contrast is not enough to read.
                if cell.modifier.contains(Modifier::DIM) {
                    cell.fg = Color::Reset;
                }
            } else {
                if cell.fg == meaning::LITERAL {
                    cell.modifier |= Modifier::UNDERLINED;
                }
                if cell.bg == meaning::FOUND {
                    cell.modifier |= Modifier::REVERSED;
                }
                cell.fg = Color::Reset;
                cell.bg = Color::Reset;
            }
            if !self.unicode && !cell.symbol().is_ascii() {
                let plain = ascii(cell.symbol());
                cell.set_symbol(plain);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(pairs: &[(&str, &str)]) -> Looks {
        Looks::from_environment(|name| pairs.iter().find(|(k, _)| *k == name).map(|(_, v)| v.to_string()))
    }

    #[test]
    fn the_environment_decides_the_looks() {
        assert_eq!(looks(&[("LANG", "en_GB.UTF-8")]), Looks::FULL);
        assert!(!looks(&[("LANG", "en_GB.UTF-8"), ("LC_ALL", "C")]).unicode);
        assert!(!looks(&[("LANG", "C.UTF-8"), ("NO_COLOR", "1")]).colour);
        assert!(looks(&[("LANG", "C.UTF-8"), ("NO_COLOR", "")]).colour);
    }

    /// Red, green and blue of the 16 colours, and the background that is lightest (or darkest) of those in use.
    type Palette = [[u8; 3]; 16];
    const VGA: Palette = [
        [0, 0, 0],
        [170, 0, 0],
        [0, 170, 0],
        [170, 85, 0],
        [0, 0, 170],
        [170, 0, 170],
        [0, 170, 170],
        [170, 170, 170],
        [85, 85, 85],
        [255, 85, 85],
        [85, 255, 85],
        [255, 255, 85],
        [85, 85, 255],
        [255, 85, 255],
        [85, 255, 255],
        [255, 255, 255],
    ];
    const XTERM: Palette = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    const CAMPBELL: Palette = [
        [12, 12, 12],
        [197, 15, 31],
        [19, 161, 14],
        [193, 156, 0],
        [0, 55, 218],
        [136, 23, 152],
        [58, 150, 221],
        [204, 204, 204],
        [118, 118, 118],
        [231, 72, 86],
        [22, 198, 12],
        [249, 241, 165],
        [59, 120, 255],
        [180, 0, 158],
        [97, 214, 214],
        [242, 242, 242],
    ];

    /// WCAG 2's.
    fn luminance(rgb: [u8; 3]) -> f64 {
        let part = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(rgb[0]) + 0.7152 * part(rgb[1]) + 0.0722 * part(rgb[2])
    }

    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn number(colour: Color) -> usize {
        use Color::*;
        let all = [
            Black,
            Red,
            Green,
            Yellow,
            Blue,
            Magenta,
            Cyan,
            Gray,
            DarkGray,
            LightRed,
            LightGreen,
            LightYellow,
            LightBlue,
            LightMagenta,
            LightCyan,
            White,
        ];
        all.iter().position(|c| *c == colour).unwrap_or_else(|| panic!("{colour} is not of the 16"))
    }

    #[test]
    fn every_colour_can_be_read_on_dark_and_on_light() {
        let styles = [
            HEADING,
            FOCUS,
            LINK,
            FOUND,
            GOOD,
            BAD,
            WARN,
            WAIT,
            EXPECTED,
            ALARM,
            ADDED,
            REMOVED,
            ADDED_WORD,
            REMOVED_WORD,
            CODE,
            CODE_KEYWORD,
            CODE_STRING,
            CODE_NUMBER,
            CODE_TYPE,
            CODE_NAME,
            CODE_COMMENT,
            SELECTED,
            DIM,
            TEXT,
        ];
        for (palette, backdrop, behind) in [
            (VGA, Backdrop::Dark, 0),
            (XTERM, Backdrop::Dark, 0),
            (CAMPBELL, Backdrop::Dark, 0),
            (VGA, Backdrop::Light, 15),
            (XTERM, Backdrop::Light, 15),
            (CAMPBELL, Backdrop::Light, 15),
        ] {
            for style in styles {
                let mut buffer = Buffer::with_lines(["x"]);
                buffer.set_style(buffer.area, style);
                Looks { backdrop, ..Looks::FULL }.apply(&mut buffer);
                let cell = &buffer.content[0];
                let rgb = |colour, reset: usize| match colour {
                    Color::Reset => palette[reset],
                    colour => palette[number(colour)],
                };
                let (text, ground) = (rgb(cell.fg, 15 - behind), rgb(cell.bg, behind));
                let found = contrast(text, ground);
                assert!(found >= 4.5, "{style:?} on {backdrop:?}: {found:.2}");
                let dim = cell.modifier.contains(Modifier::DIM);
                assert!(!dim || cell.fg == Color::Reset, "{style:?} is dimmed on top");
            }
        }
    }

    #[test]
    fn a_background_is_dark_or_light() {
        assert_eq!(Backdrop::of([0x1e, 0x1e, 0x2e]), Backdrop::Dark);
        assert_eq!(Backdrop::of([0xfd, 0xf6, 0xe3]), Backdrop::Light);
        assert_eq!(looks(&[("COLORFGBG", "0;15")]).backdrop, Backdrop::Light);
        assert_eq!(looks(&[("COLORFGBG", "15;default;0")]).backdrop, Backdrop::Dark);
    }

    #[test]
    fn every_verdict_has_a_mark_of_its_own_in_any_looks() {
        let all = [
            None,
            Some(Verdict::Pass),
            Some(Verdict::Fail),
            Some(Verdict::Error),
            Some(Verdict::Skipped),
            Some(Verdict::FailedAsExpected),
            Some(Verdict::PassedUnexpectedly),
        ];
        let marks: std::collections::BTreeSet<&str> = all.iter().map(|v| verdict(*v).0).collect();
        assert_eq!(marks.len(), all.len());
        let plain: std::collections::BTreeSet<&str> = all.iter().map(|v| ascii(verdict(*v).0)).collect();
        assert_eq!(plain.len(), all.len(), "{plain:?}");
    }

    #[test]
    fn without_colour_code_and_matches_are_still_marked() {
        for (style, modifier) in [(CODE, Modifier::UNDERLINED), (FOUND, Modifier::REVERSED)] {
            let mut buffer = Buffer::with_lines(["x"]);
            buffer.set_style(buffer.area, style);
            Looks { colour: false, ..Looks::FULL }.apply(&mut buffer);
            assert!(buffer.content[0].modifier.contains(modifier));
        }
    }

    #[test]
    fn without_unicode_a_frame_is_ascii_and_without_colour_it_has_none() {
        let mut buffer = Buffer::with_lines(["━ ✓ │ … 世"]);
        buffer.set_style(buffer.area, BAD);
        Looks { colour: false, unicode: false, ..Looks::FULL }.apply(&mut buffer);
        assert!(buffer.content.iter().all(|c| c.symbol().is_ascii() && c.fg == Color::Reset));
    }
}
