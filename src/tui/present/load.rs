//! The load panel's lines: throughput, failures and latencies as they went, of this load and of the one before it on the
//! same scale.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::spans::{both_ends, display_text, fit_spans, span};
use super::words;
use crate::tui::model::*;
use crate::tui::{clock, theme, wrap};
use workshop_course::lesson::model::StepAction;
use workshop_engine::event::LATENCY_BOUNDS_MS;

/// Columns of a row's name and of its figure.
const NAME: usize = 12;
const FIGURE: usize = 10;
const SPAN_FIGURE: usize = 12;
/// From nothing to the most there was.
const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Returns the panel's lines.
pub fn lines(m: &Model, width: usize) -> Vec<Line<'static>> {
    let Some((newest, before)) = m.loads.split_last() else {
        return vec![Line::styled("A load of many invocations is drawn here.", theme::DIM)];
    };
    if let Some((mark, text)) = awaited(m, newest) {
        let text = display_text(m, &text).into_owned();
        let mut out = wrap::words(&[span(text, theme::STRONG)], width, &span(mark, theme::DIM), &Span::raw("  "));
        let beside = words::beside_it(m.progress.running.is_some() || m.is_ahead());
        out.extend([Line::default(), Line::styled(beside, theme::DIM)]);
        let mut earlier = of_run(m, newest, &[newest], width);
        earlier.extend(histogram(newest, None, width));
        // It stands back: it is not what this step came to.
        earlier.iter_mut().flat_map(|line| &mut line.spans).for_each(|span| span.style = theme::DIM);
        out.extend(earlier);
        return out;
    }
    let shown: Vec<&LoadRun> = std::iter::once(newest).chain(before.last()).collect();
    let mut out = Vec::new();
    let spread = histogram(newest, before.last(), width);
    for (number, run) in shown.iter().enumerate() {
        if number > 0 {
            out.push(Line::default());
            out.push(Line::styled("Before it, on the same scale", theme::DIM));
        }
        out.extend(of_run(m, run, &shown, width));
        if number == 0 {
            out.extend(spread.iter().cloned());
        }
    }
    out
}

/// Says of a load that has no figures yet how far it is, with its sign: one that has begun, or the step at hand.
fn awaited(m: &Model, newest: &LoadRun) -> Option<(&'static str, String)> {
    let here = m.here()?;
    let running = m.progress.running.as_ref();
    let step = m.step_of(running.unwrap_or(&here)).filter(|step| matches!(step.action, StepAction::Load(_)))?;
    match running {
        Some(_) => newest.over.then(|| ("● ", format!("{} has begun; its figures are still to come.", step.title))),
        None => (newest.at_step != here).then(|| words::not_shown(&step.title, m.is_ahead(), true)),
    }
}

/// How many took how long: a row for each span of time, what failed apart, and behind each bar the load before as a
/// shadow, its count in brackets.
fn histogram(run: &LoadRun, before: Option<&LoadRun>, width: usize) -> Vec<Line<'static>> {
    let count = |of: &[u32], at: usize| of.get(at).copied().unwrap_or(0);
    let both = |run: &LoadRun, at: usize| count(&run.latencies, at) + count(&run.latencies_failed, at);
    let most_of = |run: &LoadRun| (0..=LATENCY_BOUNDS_MS.len()).map(|at| both(run, at)).max().unwrap_or(0);
    let most = most_of(run).max(before.map_or(0, most_of));
    let known = |at: &usize| both(run, *at) > 0 || before.is_some_and(|before| both(before, *at) > 0);
    let (first, last) = ((0..=LATENCY_BOUNDS_MS.len()).find(known), (0..=LATENCY_BOUNDS_MS.len()).rfind(known));
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    let room = width.saturating_sub(NAME + SPAN_FIGURE).max(4);
    let cells = |count: u32| (room as u64 * u64::from(count)).div_ceil(u64::from(most.max(1))) as usize;
    let title = "How many took how long";
    let legend =
        if before.is_some() { "█ went well  ▓ failed  ░ (the load before)" } else { "█ went well  ▓ failed" };
    let mut out = vec![Line::default()];
    // Both on one line where there is room.
    if title.len() + wrap::width(legend) < width {
        out.push(both_ends(vec![span(title, theme::STRONG)], vec![span(legend, theme::DIM)], width));
    } else {
        out.push(Line::styled(title, theme::STRONG));
        out.push(Line::from(fit_spans(vec![span(legend, theme::DIM)], width)));
    }
    for at in first..=last {
        let (good, bad) = (count(&run.latencies, at), count(&run.latencies_failed, at));
        let then = before.map(|before| both(before, at));
        let wide_all = cells(good + bad).min(room);
        // However few failed among many, they show.
        let lost = usize::from(bad > 0 && (wide_all > 1 || good == 0));
        let wide_good = cells(good).min(wide_all.saturating_sub(lost));
        let shadow = then.map_or(0, cells).clamp(wide_all, room) - wide_all;
        let then = then.map(|then| format!(" ({then})")).unwrap_or_default();
        out.push(Line::from(vec![
            span(format!("{:>wide$} ", bounds(at), wide = NAME - 1), theme::DIM),
            span("█".repeat(wide_good), theme::GOOD),
            span("▓".repeat(wide_all - wide_good), theme::BAD),
            span("░".repeat(shadow), theme::DIM),
            Span::raw(" ".repeat(room - wide_all - shadow)),
            span(format!("{:>SPAN_FIGURE$}", format!("{}{then}", good + bad)), theme::TEXT),
        ]));
    }
    out
}

/// Names a span of time: `10-15 ms`, `1-2 s`, `over 10 s`.
fn bounds(at: usize) -> String {
    let (from, to) = (at.checked_sub(1).and_then(|at| LATENCY_BOUNDS_MS.get(at)), LATENCY_BOUNDS_MS.get(at));
    match (from, to) {
        (None, Some(to)) => format!("under {to} ms"),
        (Some(from), Some(to)) if *from >= 1000 => format!("{}-{} s", from / 1000, to / 1000),
        (Some(from), Some(to)) => format!("{from}-{to} ms"),
        (Some(from), None) => format!("over {} s", from / 1000),
        (None, None) => String::new(),
    }
}

fn of_run(m: &Model, run: &LoadRun, all: &[&LoadRun], width: usize) -> Vec<Line<'static>> {
    let Some(last) = run.samples.last() else { return Vec::new() };
    let title = m.step_of(&run.at_step).map_or(run.at_step.step.as_str(), |step| step.title.as_str());
    let mut out = vec![both_ends(
        vec![span(display_text(m, title).into_owned(), theme::STRONG)],
        vec![span(format!("{} of {}", last.done, run.total), theme::TEXT)],
        width,
    )];
    out.push(share(last, run.total, width));
    let rate = |run: &LoadRun| differences(run, |sample| sample.done.saturating_sub(sample.failed));
    let lost = |run: &LoadRun| differences(run, |sample| sample.failed);
    let most = |of: &dyn Fn(&LoadRun) -> Vec<f64>| all.iter().flat_map(|run| of(run)).fold(0.0, f64::max);
    let latency = |pick: fn(&LoadSample) -> f64| move |run: &LoadRun| run.samples.iter().map(pick).collect::<Vec<_>>();
    let (p50, p99) = (latency(|sample| sample.p50_ms), latency(|sample| sample.p99_ms));
    // Both latencies have one scale: how far they are apart is what one looks for.
    let slowest = most(&p99).max(most(&p50));
    let counts = most(&rate).max(most(&lost));
    let bad = if last.failed > 0 { theme::BAD } else { theme::GOOD };
    // Of those that the row shows: what failed is none of them.
    let good = last.done.saturating_sub(last.failed);
    let per_second = last.per_second * f64::from(good) / f64::from(last.done.max(1));
    out.push(row("went well", &rate(run), counts, format!("{per_second:.0} / s"), theme::WAIT, width));
    out.push(row("failed", &lost(run), counts, last.failed.to_string(), bad, width));
    out.push(row("p50", &p50(run), slowest, clock::latency(last.p50_ms), theme::TEXT, width));
    out.push(row("p99", &p99(run), slowest, clock::latency(last.p99_ms), theme::WARN, width));
    if last.max_ms > 0.0 {
        let text = format!("  p90 {} · max {}", clock::latency(last.p90_ms), clock::latency(last.max_ms));
        out.push(Line::from(fit_spans(vec![span(text, theme::DIM)], width)));
    }
    out
}

/// The whole load as one bar: what came through, what failed, what is still to come.
fn share(last: &LoadSample, total: u32, width: usize) -> Line<'static> {
    let cells = |count: u32| (width as u64 * u64::from(count) / u64::from(total.max(1))) as usize;
    let failed = cells(last.failed).max(usize::from(last.failed > 0)).min(width);
    // What is over leaves no cell open, however it is rounded.
    let good = if last.done >= total {
        width - failed
    } else {
        cells(last.done.saturating_sub(last.failed)).min(width - failed)
    };
    Line::from(vec![
        span("█".repeat(good), theme::GOOD),
        span("▓".repeat(failed), theme::BAD),
        span("░".repeat(width - good - failed), theme::DIM),
    ])
}

/// What was added from one sample to the next.
fn differences(run: &LoadRun, count: impl Fn(&LoadSample) -> u32) -> Vec<f64> {
    let mut before = 0;
    let added = |sample: &LoadSample| {
        let now = count(sample);
        let added = now.saturating_sub(before);
        before = now;
        f64::from(added)
    };
    run.samples.iter().map(added).collect()
}

fn row(name: &str, values: &[f64], most: f64, figure: String, style: Style, width: usize) -> Line<'static> {
    let room = width.saturating_sub(NAME + FIGURE).max(4);
    Line::from(vec![
        span(format!("  {name:<wide$}", wide = NAME - 2), theme::DIM),
        span(format!("{:<room$}", sparkline(values, most, room)), style),
        Span::styled(format!("{figure:>FIGURE$}"), theme::TEXT),
    ])
}

/// A cell for each value; of several values that share a cell, the greatest.
fn sparkline(values: &[f64], most: f64, room: usize) -> String {
    let cells = values.len().min(room);
    (0..cells)
        .map(|cell| {
            let from = cell * values.len() / cells;
            let to = ((cell + 1) * values.len() / cells).max(from + 1);
            let value = values[from..to].iter().copied().fold(0.0, f64::max);
            let level = if most > 0.0 { (value / most * 7.0).round() as usize } else { 0 };
            LEVELS[level.min(7)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_room_and_shows_the_greatest_of_a_cell() {
        assert_eq!(sparkline(&[0.0, 7.0, 14.0], 14.0, 10), "▁▅█");
        assert_eq!(sparkline(&[0.0, 0.0, 9.0, 0.0], 9.0, 2), "▁█");
        assert_eq!(sparkline(&[1.0], 0.0, 3), "▁");
        assert_eq!(sparkline(&[], 1.0, 3), "");
    }

    fn run(latencies: &[(usize, u32)], failed: &[(usize, u32)]) -> LoadRun {
        let spread = |counts: &[(usize, u32)]| {
            let mut all = vec![0; LATENCY_BOUNDS_MS.len() + 1];
            counts.iter().for_each(|(at, count)| all[*at] = *count);
            all
        };
        let at_step = workshop_engine::event::StepRef { chapter: 0, step: "load".into() };
        LoadRun {
            at_step,
            total: 9,
            samples: Vec::new(),
            latencies: spread(latencies),
            latencies_failed: spread(failed),
            over: false,
        }
    }

    #[test]
    fn a_histogram_shows_what_failed_and_the_load_before() {
        let (now, before) = (run(&[(5, 4)], &[(5, 4)]), run(&[(5, 2), (7, 8)], &[]));
        let said = |before| histogram(&now, before, 40).iter().map(|l| l.to_string()).collect::<Vec<_>>();
        let mut rows = said(Some(&before));
        let rows = rows.split_off(3);
        assert_eq!(rows[0], "    7-10 ms ████████▓▓▓▓▓▓▓▓       8 (2)");
        assert_eq!(rows[1], "   10-15 ms                        0 (0)");
        assert_eq!(rows[2], "   15-20 ms ░░░░░░░░░░░░░░░░       0 (8)");
        assert_eq!(rows.len(), 3);
        assert_eq!(said(None).len(), 4);
        let few = histogram(&run(&[(5, 900)], &[(5, 1)]), None, 40);
        assert!(few.last().is_some_and(|row| row.to_string().contains("███▓")), "{few:?}");
        assert_eq!(bounds(0), "under 1 ms");
        assert_eq!(bounds(LATENCY_BOUNDS_MS.len()), "over 10 s");
        assert!(histogram(&run(&[], &[]), None, 40).is_empty());
    }
}
