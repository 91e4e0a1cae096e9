//! Every colour and glyph of the terminal interface, in one table.
//!
//! Invariant: only the terminal's own 16 colours, and none that is unreadable on a light or a dark
//! background (no yellow or white text, no grey: "dim" instead). A colour never carries a meaning alone:
//! a glyph or a word says the same, so that nothing is lost without colour.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use workshop_engine::event::Verdict;

pub const TEXT: Style = Style::new();
pub const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
pub const EMPHASIS: Style = Style::new().add_modifier(Modifier::ITALIC);
pub const HEADING: Style = Style::new().fg(Color::Blue).add_modifier(Modifier::BOLD);
/// Where the keyboard is.
pub const FOCUS: Style = Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD);
/// The selected row of a list.
pub const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);
/// A key to press.
pub const KEY: Style = Style::new().add_modifier(Modifier::BOLD);
pub const LINK: Style = Style::new().fg(Color::Blue).add_modifier(Modifier::UNDERLINED);
/// A match of a search.
pub const FOUND: Style = Style::new().fg(Color::Black).bg(Color::Yellow);

pub const GOOD: Style = Style::new().fg(Color::Green);
pub const BAD: Style = Style::new().fg(Color::Red);
pub const WARN: Style = Style::new().fg(Color::Magenta);
/// Something is under way.
pub const WAIT: Style = Style::new().fg(Color::Cyan);
/// Something that must not be overlooked.
pub const ALARM: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD).add_modifier(Modifier::REVERSED);

pub const ADDED: Style = GOOD;
pub const REMOVED: Style = BAD;
pub const ADDED_WORD: Style = Style::new().fg(Color::Green).add_modifier(Modifier::REVERSED);
pub const REMOVED_WORD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::REVERSED);

pub const CODE: Style = Style::new().fg(Color::Cyan);
pub const CODE_KEYWORD: Style = Style::new().fg(Color::Magenta);
pub const CODE_STRING: Style = Style::new().fg(Color::Green);
pub const CODE_NUMBER: Style = Style::new().fg(Color::Cyan);
pub const CODE_TYPE: Style = Style::new().fg(Color::Cyan);
pub const CODE_NAME: Style = Style::new().fg(Color::Blue);
pub const CODE_COMMENT: Style = Style::new().add_modifier(Modifier::DIM).add_modifier(Modifier::ITALIC);

/// The glyph and style of a verdict; None is "not yet".
pub fn verdict(verdict: Option<Verdict>) -> (&'static str, Style) {
    match verdict {
        None => ("○", DIM),
        Some(Verdict::Pass) => ("✓", GOOD),
        Some(Verdict::Fail) => ("✗", BAD),
        Some(Verdict::Error) => ("!", WARN),
        Some(Verdict::Skipped) => ("–", DIM),
        Some(Verdict::FailedAsExpected) => ("✓", GOOD),
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

pub fn spinner(now: u64) -> &'static str {
    SPINNER[(now / SPINNER_MS) as usize % SPINNER.len()]
}

/// How a frame reaches this terminal: decided once, at the start, from the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    pub colour: bool,
    /// False in a locale that is not UTF-8: every glyph is exchanged for an ASCII one.
    pub unicode: bool,
}

impl Looks {
    pub const FULL: Looks = Looks { colour: true, unicode: true };

    /// From the values of `NO_COLOR`, `TERM`, and the first set of `LC_ALL`, `LC_CTYPE`, `LANG`.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Looks {
        let set = |name: &str| get(name).filter(|value| !value.is_empty());
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        // macOS terminals often set no locale at all, and show UTF-8 all the same.
        let unicode =
            (locale.is_empty() && cfg!(target_os = "macos")) || locale.contains("utf-8") || locale.contains("utf8");
        Looks { colour: set("NO_COLOR").is_none() && get("TERM").as_deref() != Some("vt100"), unicode }
    }

    /// The last pass over a frame.
    pub fn apply(self, buffer: &mut Buffer) {
        if self.colour && self.unicode {
            return;
        }
        for cell in &mut buffer.content {
            if !self.colour {
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

/// One ASCII character for a glyph.
fn ascii(glyph: &str) -> &'static str {
    match glyph {
        "─" | "–" | "—" | "╌" => "-",
        "━" | "═" => "=",
        "│" | "┃" | "┊" => "|",
        "┬" | "┴" | "┼" | "├" | "┤" | "╭" | "╮" | "╰" | "╯" | "┌" | "┐" | "└" | "┘" => "+",
        "✓" => "v",
        "✗" | "×" => "x",
        "○" => "o",
        "●" | "•" | "·" | "◆" => "*",
        "‼" => "!",
        "▸" | "›" | "→" | "»" => ">",
        "◂" | "‹" | "←" => "<",
        "↑" => "^",
        "↓" | "▾" => "v",
        "█" | "▓" => "#",
        "░" => ".",
        "▎" | "▌" => "|",
        "…" => "~",
        "⏎" => "$",
        "’" | "‘" => "'",
        "“" | "”" => "\"",
        "⠇" | "⠴" => "|",
        "⠋" | "⠦" => "/",
        "⠙" | "⠧" => "-",
        "⠸" | "⠏" => "\\",
        "\u{a0}" => " ",
        _ => "?",
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

    #[test]
    fn without_unicode_a_frame_is_ascii_and_without_colour_it_has_none() {
        let mut buffer = Buffer::with_lines(["━ ✓ │ … 世"]);
        buffer.set_style(buffer.area, BAD);
        Looks { colour: false, unicode: false }.apply(&mut buffer);
        assert!(buffer.content.iter().all(|c| c.symbol().is_ascii() && c.fg == Color::Reset));
    }
}
