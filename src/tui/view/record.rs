//! A failure's record as rows: the same for a step's card and for the checks.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{ink, span};
use crate::tui::model::Model;
use crate::tui::{clock, markdown, theme, wrap};
use workshop_engine::event::Failure;

/// Rows of output shown of a record at most.
const OUTPUT: usize = 12;

/// `short`: what was expected, what came, what to do about it and how to see it by hand; else everything there is.
pub fn lines(m: &Model, failure: &Failure, width: usize, short: bool) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let mut field = |name: &str, text: &str, style| out.extend(labelled(m, width, name, text, style));
    field("expected", &failure.expected, theme::GOOD);
    let state = failure.sqlstate.as_ref().filter(|state| !failure.actual.contains(state.as_str()));
    let state = state.map(|state| format!(" (SQLSTATE {state})")).unwrap_or_default();
    field("got", &format!("{}{state}", failure.actual), theme::BAD);
    if let Some(chapter) = m.chapter() {
        failure.advice(chapter).for_each(|advice| field("to do", advice, theme::TEXT));
    }
    if let Some(command) = &failure.reproduce {
        field("by hand", command, theme::CODE);
    }
    if short {
        return out;
    }
    if let Some(words) = &failure.on_fail {
        let words = ink(m, words).into_owned();
        out.push(Line::default());
        out.extend(markdown::render(&words, width, &m.known).lines);
        out.push(Line::default());
    }
    let mut field = |name: &str, text: &str, style| out.extend(labelled(m, width, name, text, style));
    if let Some(spot) = &failure.spot {
        field("lesson", &format!("{}:{}", spot.file.display(), spot.line), theme::TEXT);
    }
    if failure.attempts.len() > 1 {
        let first = failure.attempts[0].at;
        for attempt in &failure.attempts {
            let after = clock::took(attempt.at.saturating_sub(first));
            let text = format!("after {after}: {}", attempt.actual);
            field(&format!("try {}", attempt.number), &text, theme::TEXT);
        }
    }
    if !failure.output.is_empty() {
        let skipped = failure.output.len().saturating_sub(OUTPUT);
        if skipped > 0 {
            field("output", &format!("… {skipped} lines before; the log has them"), theme::DIM);
        }
        for (i, line) in failure.output.iter().skip(skipped).enumerate() {
            field(if i == 0 && skipped == 0 { "output" } else { "" }, line, theme::TEXT);
        }
    }
    out
}

/// One field of the record: its name before the first row, the others below its text.
fn labelled(m: &Model, width: usize, name: &str, text: &str, style: Style) -> Vec<Line<'static>> {
    let label = span(format!("{name:<10}"), theme::DIM);
    let rest = Span::raw(" ".repeat(10));
    let inked = ink(m, text);
    let text = wrap::expand_tabs(&inked);
    let rows = text.lines().enumerate();
    rows.flat_map(|(i, line)| {
        let first = if i == 0 { &label } else { &rest };
        wrap::words(&[span(line, style)], width, first, &rest)
    })
    .collect()
}
