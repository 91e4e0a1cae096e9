//! Several sessions on one axis of time: a lane for each, a row for each thing that happened, the transactions as bars.
//!
//! What one reads in it: which statement came before which, how long each transaction's snapshot was held, which row two
//! of them wrote, and who lost.

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::spans::{display_text, fit_spans, span};
use crate::tui::model::*;
use crate::tui::{clock, theme, wrap};
use workshop_engine::event::TxState;

/// Columns of the time, and of a lane at least.
const TIME: usize = 8;
const LANE: usize = 22;

/// Returns whether there are lanes to compare: two sessions have said something.
pub fn is_worth_it(m: &Model) -> bool {
    is_worth(&m.console.exchanges[newest(m)])
}

fn is_worth(shown: &[Exchange]) -> bool {
    let mut names = shown.iter().map(|exchange| exchange.session.as_str());
    names.next().is_some_and(|first| names.any(|other| other != first))
}

/// Returns the rows of each chapter, in order, in which there were lanes to compare.
pub fn of_chapters(m: &Model, width: usize) -> Vec<(u32, Vec<Line<'static>>)> {
    let (mut out, mut from) = (Vec::new(), 0);
    for same in m.console.exchanges.chunk_by(|one, next| one.chapter == next.chapter) {
        let range = from..from + same.len();
        from = range.end;
        if is_worth(same) {
            out.push((same[0].chapter, lines_of(m, range, width)));
        }
    }
    out
}

/// A moment of an exchange: it begins, it ends, or both, when nothing of another lane happened between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Begins,
    Ends,
    Whole,
}

/// Returns the rows of this chapter: the lanes' names, then what happened, in order.
pub fn lines(m: &Model, width: usize) -> Vec<Line<'static>> {
    lines_of(m, newest(m), width)
}

fn lines_of(m: &Model, range: Range<usize>, width: usize) -> Vec<Line<'static>> {
    let shown = &m.console.exchanges[range.clone()];
    let lanes = lanes(m, shown, width);
    let wide = (width.saturating_sub(TIME) / lanes.len().max(1)).max(LANE);
    let mut head = vec![Span::raw(" ".repeat(TIME))];
    for name in &lanes {
        let role = m.progress.sessions.get(*name).map(|state| format!(" {}", state.role)).unwrap_or_default();
        let name = vec![
            span("  ", theme::DIM),
            span(display_text(m, name).into_owned(), theme::STRONG),
            span(display_text(m, &role).into_owned(), theme::DIM),
        ];
        head.extend(padded(name, wide));
    }
    let mut out = vec![Line::from(head)];
    let mut meets = false;
    let mut open: Vec<Option<TxState>> = vec![None; lanes.len()];
    let mut began = shown.first().map_or(0, |exchange| exchange.started);
    let mut last = began;
    let transactions = Transactions::of(&m.console.exchanges);
    for (at, moment, index) in moments(m, range) {
        let exchange = &m.console.exchanges[index];
        let Some(lane) = lanes.iter().position(|name| *name == exchange.session) else { continue };
        // After a while in which nothing is open the time begins anew: milliseconds matter again.
        if at.saturating_sub(last) > QUIET && open.iter().all(Option::is_none) {
            (began, meets) = (at, false);
            out.push(Line::styled(format!("{:>6}", "···"), theme::DIM));
        }
        last = at;
        let before = open[lane];
        let is_contested = transactions.has_rival(index);
        meets |= is_contested;
        if moment != Moment::Begins {
            open[lane] = exchange.finished.map(|end| end.tx).filter(|tx| *tx != TxState::Idle);
        }
        let time = format!("{:>6}  ", clock::took(at.saturating_sub(began)));
        let none = Span::raw("");
        let room = wide.saturating_sub(3);
        let mut words = wrap::words(&said(m, exchange, moment, is_contested), room, &none, &none);
        if words.len() > ROWS {
            words.truncate(ROWS);
            if let Some(last) = words.pop() {
                words.push(with_more(last, room));
            }
        }
        let words = words.into_iter().chain(answered(m, exchange, moment, room));
        for (number, words) in words.enumerate() {
            let time = if number == 0 { time.clone() } else { " ".repeat(TIME) };
            let mut spans = vec![span(time, theme::DIM)];
            for (at, state) in open.iter().enumerate() {
                // What goes on below its first row is still within the transaction, or behind its end.
                let before = if number == 0 { before } else { *state };
                let mut cell = vec![bar(before, *state, at == lane, open[at])];
                if at == lane {
                    cell.extend(words.spans.iter().cloned());
                }
                spans.extend(padded(cell, wide));
            }
            out.push(Line::from(spans));
        }
        if let Some(words) = explained(m, &transactions, index).filter(|_| moment != Moment::Begins) {
            for words in wrap::words(&[span(words, theme::WARN)], room, &none, &none) {
                out.push(beside(words, lane, &open, wide));
            }
        }
    }
    if meets {
        let words =
            [span("◆ ", theme::WARN), span("the same rows are written by two that are open together", theme::DIM)];
        let indent = Span::raw(" ".repeat(TIME));
        out.extend(wrap::words(&words, width, &indent, &indent));
    }
    out
}

/// A row of one lane that has no time of its own: transactions go on beside it.
fn beside(words: Line<'static>, lane: usize, open: &[Option<TxState>], wide: usize) -> Line<'static> {
    let mut spans = vec![Span::raw(" ".repeat(TIME))];
    for (at, state) in open.iter().enumerate() {
        let mut cell = vec![bar(*state, *state, false, *state)];
        if at == lane {
            cell.extend(words.spans.iter().cloned());
        }
        spans.extend(padded(cell, wide));
    }
    Line::from(spans)
}

/// A row behind which something is left out.
fn with_more(row: Line<'static>, room: usize) -> Line<'static> {
    let mut spans = fit_spans(row.spans, room.saturating_sub(2));
    spans.push(span(" …", theme::DIM));
    Line::from(spans)
}

/// Milliseconds without a statement after which another time begins.
const QUIET: u64 = 10_000;

/// Rows of a statement at most, and of an answer.
const ROWS: usize = 4;
const ANSWER: usize = 3;

/// Returns the first rows of what a query answered.
fn answered(m: &Model, exchange: &Exchange, moment: Moment, room: usize) -> Vec<Line<'static>> {
    if moment == Moment::Begins {
        return Vec::new();
    }
    let row = |row: &String| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        wrap::fit(&format!("→ {}", display_text(m, &cells.join(" · "))), room).into_owned()
    };
    let more = (exchange.answer.len() > ANSWER).then(|| "→ …".to_owned());
    let rows = exchange.answer.iter().take(ANSWER).map(row).chain(more);
    rows.map(|text| Line::from(span(text, theme::WAIT))).collect()
}

/// The places of the statements of this chapter's lanes.
fn newest(m: &Model) -> Range<usize> {
    let all = m.console.exchanges.len();
    m.console.lanes_from.min(all)..all
}

/// As many as have room; those that spoke last.
fn lanes<'m>(m: &'m Model, shown: &[Exchange], width: usize) -> Vec<&'m str> {
    let room = (width.saturating_sub(TIME) / LANE).max(1);
    let spoke = |name: &&str| shown.iter().any(|exchange| exchange.session == **name);
    let mut names: Vec<&str> = m.console.sessions.iter().map(|s| s.name.as_str()).filter(spoke).collect();
    while names.len() > room {
        let last = |name: &str| shown.iter().rposition(|exchange| exchange.session == name);
        let Some(quiet) = (0..names.len()).min_by_key(|i| last(names[*i])) else { break };
        names.remove(quiet);
    }
    names
}

/// Returns the moments in order: their time, and their exchange by its place.
fn moments(m: &Model, range: Range<usize>) -> Vec<(u64, Moment, usize)> {
    let mut out = Vec::new();
    let instants = instants(&m.console.exchanges);
    for (index, exchange) in range.clone().zip(&m.console.exchanges[range]) {
        let end = exchange.finished.map(|end| end.at);
        let first = instants.partition_point(|(at, _)| *at <= exchange.started);
        let during = instants[first..].iter().take_while(|(at, _)| end.is_none_or(|end| *at < end));
        let between = || during.clone().any(|(_, session)| *session != exchange.session);
        match end {
            Some(end) if between() => {
                out.push((exchange.started, Moment::Begins, index));
                out.push((end, Moment::Ends, index));
            }
            Some(_) => out.push((exchange.started, Moment::Whole, index)),
            None => out.push((exchange.started, Moment::Begins, index)),
        }
    }
    // Of what happened at the same time, in the order in which it began.
    out.sort_by_key(|(at, ..)| *at);
    out
}

/// Returns when exchanges began and ended, in order, and whose each was.
fn instants(exchanges: &[Exchange]) -> Vec<(u64, &str)> {
    let of = |exchange: &'_ Exchange| [Some(exchange.started), exchange.finished.map(|end| end.at)];
    let named = exchanges.iter().flat_map(|e| of(e).into_iter().flatten().map(|at| (at, e.session.as_str())));
    let mut instants: Vec<_> = named.collect();
    instants.sort_by_key(|(at, _)| *at);
    instants
}

/// The transaction's bar: it begins, goes on or ends here.
fn bar(before: Option<TxState>, after: Option<TxState>, own: bool, now: Option<TxState>) -> Span<'static> {
    let style = |state: Option<TxState>| match state {
        Some(TxState::Failed | TxState::Unknown) => theme::BAD,
        _ => theme::WAIT,
    };
    match (own, before.is_some(), after.is_some()) {
        (true, false, true) => span("┌ ", style(after)),
        (true, true, false) => span("└ ", style(before)),
        (true, true, true) => span("│ ", style(after)),
        (true, false, false) => span("  ", theme::DIM),
        (false, ..) if now.is_some() => span("│ ", style(now)),
        (false, ..) => span("  ", theme::DIM),
    }
}

fn said(m: &Model, exchange: &Exchange, moment: Moment, is_contested: bool) -> Vec<Span<'static>> {
    let text: String = exchange.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = display_text(m, &text).into_owned();
    let mark = if is_contested { "◆ " } else { "" };
    let mut spans = vec![span(mark, theme::WARN)];
    match moment {
        Moment::Ends => spans.push(span(format!("… {}", wrap::fit(&text, 12)), theme::DIM)),
        Moment::Begins | Moment::Whole => spans.push(span(text, theme::TEXT)),
    }
    if moment != Moment::Begins
        && let Some(end) = &exchange.finished
    {
        let (word, style) = outcome(end);
        spans.insert(1, span(format!("{word} "), style));
    }
    spans
}

fn outcome(end: &ExchangeEnd) -> (&'static str, Style) {
    if end.failed { ("✗", theme::BAD.patch(theme::STRONG)) } else { ("✓", theme::GOOD) }
}

/// The words below one that lost, or that failed.
fn explained(m: &Model, transactions: &Transactions<'_>, index: usize) -> Option<String> {
    let exchange = &m.console.exchanges[index];
    exchange.finished.filter(|end| end.failed)?;
    let error = exchange.error.as_ref()?;
    let first = display_text(m, error.message.lines().next().unwrap_or_default()).into_owned();
    let won = error.is_conflict().then(|| transactions.winner(index)).flatten();
    Some(match won {
        Some(other) => format!("{} {first}: {other} committed first", error.sqlstate),
        None => format!("{} {first}", error.sqlstate),
    })
}

/// The transactions of exchanges, which stand in the order in which they began. (Their ids say
/// nothing of that: those of a lesson's statements are all 0.)
struct Transactions<'a> {
    exchanges: &'a [Exchange],
    /// When the transaction began that each is in and leaves open.
    began: Vec<Option<u64>>,
    /// When the transaction of each ended; never, while it is open.
    ended: Vec<u64>,
    /// The exchanges that write the same rows, by these.
    writers: BTreeMap<&'a (String, String), Vec<usize>>,
}

impl<'a> Transactions<'a> {
    fn of(exchanges: &'a [Exchange]) -> Transactions<'a> {
        let mut open: BTreeMap<&str, u64> = BTreeMap::new();
        let began = exchanges.iter().map(|exchange| {
            let session = exchange.session.as_str();
            match exchange.finished.is_some_and(|end| end.tx != TxState::Idle) {
                true => Some(*open.entry(session).or_insert(exchange.started)),
                false => {
                    open.remove(session);
                    None
                }
            }
        });
        let began = began.collect();
        let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
        let ended = exchanges.iter().rev().map(|exchange| {
            let session = exchange.session.as_str();
            if let Some(end) = exchange.finished.filter(|end| end.tx == TxState::Idle) {
                ends.insert(session, end.at);
            }
            ends.get(session).copied().unwrap_or(u64::MAX)
        });
        let mut ended: Vec<u64> = ended.collect();
        ended.reverse();
        let mut writers: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, exchange) in exchanges.iter().enumerate() {
            if let Some(rows) = &exchange.written {
                writers.entry(rows).or_default().push(at);
            }
        }
        Transactions { exchanges, began, ended, writers }
    }

    /// Tells whether another session writes the same rows in a transaction that is open at the same time.
    fn has_rival(&self, index: usize) -> bool {
        let own = &self.exchanges[index];
        let (Some(rows), Some(began)) = (&own.written, self.began[index]) else { return false };
        self.writers.get(rows).into_iter().flatten().any(|at| {
            let meets = |start: u64| start <= self.ended[index] && began <= self.ended[*at];
            self.began[*at].is_some_and(meets) && self.exchanges[*at].session != own.session
        })
    }

    /// The session that committed last while this one's transaction was open.
    fn winner(&self, index: usize) -> Option<&'a str> {
        let exchange = &self.exchanges[index];
        let is_own = |at: &usize| self.exchanges[*at].session == exchange.session && self.began[*at].is_some();
        let began = self.began[(0..index).rev().find(is_own)?]?;
        let ended = exchange.finished.map_or(u64::MAX, |end| end.at);
        let won = self.exchanges.iter().rev().find(|other| {
            let ends = is_commit(&other.text) && other.finished.is_some_and(|end| !end.failed && end.at >= began);
            other.session != exchange.session && other.started < ended && ends
        });
        won.map(|other| other.session.as_str())
    }
}

fn is_commit(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default().trim_end_matches(';').to_ascii_lowercase();
    matches!(word.as_str(), "commit" | "end")
}

/// Returns the table and the condition of a statement that writes, or locks, existing rows; in small letters, blanks made
/// one.
pub fn written(text: &str) -> Option<(String, String)> {
    let text = text.trim().trim_end_matches(';').to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let after = |word: &str| words.iter().position(|w| *w == word).and_then(|at| words.get(at + 1).copied());
    let table = match *words.first()? {
        "update" => words.get(1).copied(),
        "delete" => after("from"),
        "select" if text.contains("for update") => after("from"),
        _ => None,
    }?;
    let condition = words.iter().position(|w| *w == "where").map(|at| &words[at + 1..]).unwrap_or_default();
    let end = condition.iter().position(|w| matches!(*w, "for" | "returning")).unwrap_or(condition.len());
    Some((table.to_owned(), condition[..end].join(" ")))
}

fn padded(spans: Vec<Span<'static>>, wide: usize) -> Vec<Span<'static>> {
    let mut spans = fit_spans(spans, wide.saturating_sub(1));
    let used: usize = spans.iter().map(|span| wrap::width(&span.content)).sum();
    spans.push(Span::raw(" ".repeat(wide.saturating_sub(used))));
    spans
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
