//! The word for the person at the keyboard.

use ratatui::text::{Line, Span};

use super::spans::{display_text, span};
use super::which_key;
use crate::tui::model::*;
use crate::tui::{theme, wrap};

/// A word takes at most this many rows: what a course may cost, at 80 columns.
const ROWS: usize = 6;

/// Returns the rows of the word that stands now, none when there is none: after half a command, what can follow.
pub fn lines(m: &Model) -> Vec<Line<'static>> {
    let follow = which_key::lines(m);
    if !follow.is_empty() {
        return follow;
    }
    let Some((text, mood)) = &m.toast else { return Vec::new() };
    let (mark, style) = match mood {
        Mood::Plain => ("›", theme::STRONG),
        Mood::Good => ("✓", theme::GOOD),
        Mood::Busy | Mood::Warn => ("!", theme::WARN),
        Mood::Bad => ("✗", theme::BAD),
    };
    let text = display_text(m, text).replace('\n', " ");
    let (first, rest) = (span(format!(" {mark} "), style), Span::raw("   "));
    let mut lines = wrap::words(&[span(text, style)], m.size.0.into(), &first, &rest);
    if lines.len() > ROWS {
        lines.truncate(ROWS);
        lines.iter_mut().last().into_iter().for_each(|line| line.push_span(span("…", style)));
    }
    lines
}
