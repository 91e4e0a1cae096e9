//! Text for a screen: made fit, styled, put at both ends of a row, counted. Pure.
//!
//! Invariant: all text from outside goes through [`display_text`] on its way to a cell.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::model::Model;
use crate::tui::{theme, wrap};
use workshop_base::{secret, text};

/// Text from outside, fit for a terminal, and with identities hidden when that is wished.
pub fn display_text<'a>(m: &Model, text: &'a str) -> Cow<'a, str> {
    let clean = text::sanitize(text);
    match m.hides() {
        false => clean,
        true => Cow::Owned(secret::redact(&clean).into_owned()),
    }
}

/// Makes text in several spans, fit for a terminal already, hide identities when that is wished: in the whole of it, for one
/// may go over several spans, and the rows that it is broken into hold parts of one.
pub fn display_spans(m: &Model, spans: Vec<Span<'static>>) -> Vec<Span<'static>> {
    if !m.hides() {
        return spans;
    }
    let whole: String = spans.iter().map(|span| span.content.as_ref()).collect();
    let Cow::Owned(hidden) = secret::redact(&whole) else { return spans };
    let mut characters = hidden.chars();
    let again = |old: Span<'static>| {
        let text: String = characters.by_ref().take(old.content.chars().count()).collect();
        span(text, old.style)
    };
    spans.into_iter().map(again).collect()
}

/// Left text and right text on one line of this width; the left one gives way.
pub fn both_ends(left: Vec<Span<'static>>, right: Vec<Span<'static>>, width: usize) -> Line<'static> {
    let right_width: usize = right.iter().map(width_of).sum();
    let room = width.saturating_sub(right_width + 1);
    let mut spans = fit_spans(left, room);
    let used: usize = spans.iter().map(width_of).sum();
    spans.push(Span::raw(" ".repeat(width.saturating_sub(used + right_width))));
    spans.extend(right);
    Line::from(spans)
}

/// Cuts spans at this width; a cut shows as `…`.
pub fn fit_spans(spans: Vec<Span<'static>>, width: usize) -> Vec<Span<'static>> {
    let mut out = Vec::new();
    let mut used = 0;
    for span in spans {
        let wide = width_of(&span);
        if used + wide <= width {
            used += wide;
            out.push(span);
            continue;
        }
        let cut = wrap::fit(&span.content, width - used).into_owned();
        out.push(Span::styled(cut, span.style));
        break;
    }
    out
}

fn width_of(span: &Span<'_>) -> usize {
    wrap::width(&span.content)
}

/// Makes a span of owned text.
pub fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// Counts how many of so many lines show in a panel of this height: when not all, a row says how many there are besides.
pub fn shown(count: usize, height: usize) -> usize {
    if count > height { height.saturating_sub(1).max(1) } else { height }
}

/// The first line from which all of a text's rest shows.
pub fn last_top(count: usize, height: usize) -> usize {
    count.saturating_sub(shown(count, height))
}

/// A title in full, over as many rows as it takes, with a word at the right of the first.
pub fn titled(
    left: Vec<Span<'static>>,
    title: &str,
    style: Style,
    right: Option<String>,
    width: usize,
) -> Vec<Line<'static>> {
    let indent: usize = left.iter().map(width_of).sum();
    let right = right.map(|text| format!(" {text} ")).unwrap_or_else(|| " ".to_owned());
    let room = width.saturating_sub(wrap::width(&right) + 1).max(indent + 8);
    let rest = Span::raw(" ".repeat(indent));
    let mut lines = wrap::words(&[span(title, style)], room, &rest, &rest);
    if let Some(first) = lines.first_mut() {
        let text = span(first.to_string().trim_start(), style);
        *first = both_ends(left.into_iter().chain([text]).collect(), vec![span(right, theme::DIM)], width);
    }
    lines
}
