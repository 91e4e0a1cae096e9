//! What can follow a key that waits for another: after a count, and after vi's `d`, `c` and `y`.

use ratatui::text::{Line, Span};

use super::spans::span;
use crate::tui::bindings::Context;
use crate::tui::keymap::KEYMAP;
use crate::tui::model::*;
use crate::tui::{remapping, theme, vikeys, wrap};

/// Rows of it at most.
const ROWS: usize = 8;

/// Returns a row for what was typed so far and rows for what can follow, in columns; none while nothing is waited for.
pub fn lines(m: &Model) -> Vec<Line<'static>> {
    let (typed, keys) = match (&m.mode, m.count, m.console.vi) {
        (InputMode::Walking, Some(count), _) => (format!("{count} times"), repeated(m)),
        (InputMode::Entry, _, ViMode::Operator(operator)) => {
            let all = vikeys::objects(operator).into_iter().map(|(key, long)| (key, long.to_owned()));
            (operator.to_string(), all.collect())
        }
        _ => return Vec::new(),
    };
    let (room, gap) = (usize::from(m.size.0).saturating_sub(2), 3);
    let names = keys.iter().map(|(key, _)| wrap::width(key)).max().unwrap_or(0);
    let wide = keys.iter().map(|(_, long)| names + 1 + wrap::width(long)).max().unwrap_or(0).min(room);
    let columns = ((room + gap) / (wide + gap).max(1)).max(1);
    let rows = keys.len().div_ceil(columns).max(1);
    let mut out = vec![Line::from(vec![span(format!(" {typed}"), theme::STRONG), span(" …", theme::DIM)])];
    for row in 0..rows.min(ROWS) {
        let mut spans = vec![Span::raw(" ")];
        for (key, long) in keys.iter().skip(row).step_by(rows) {
            let text = wrap::fit(long, wide - names - 1).into_owned();
            let blank = wide + gap - names - 1 - wrap::width(&text);
            spans.push(span(format!("{key:>names$}"), theme::KEY));
            spans.push(span(format!(" {text}{}", " ".repeat(blank)), theme::TEXT));
        }
        out.push(Line::from(spans));
    }
    out
}

/// The keys that a count repeats where the keyboard is.
fn repeated(m: &Model) -> Vec<(String, String)> {
    let holds = |context: Context| match context {
        Context::Walking => true,
        Context::In(panel) => panel == m.focus,
        Context::Found => m.search.is_some(),
        _ => false,
    };
    let rows = KEYMAP.iter().filter(|binding| holds(binding.context) && binding.does.repeats());
    let named = rows.map(|binding| (remapping::names(&m.options.keymap, binding), binding.long.to_owned()));
    named.filter(|(key, _)| !key.is_empty()).collect()
}
