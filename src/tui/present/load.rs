//! The load panel's lines: throughput, failures and latencies as they went, of this load and of the one before it on the
//! same scale.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::spans::{both_ends, display_text, span};
use crate::tui::model::*;
use crate::tui::{clock, theme};

/// Columns of a row's name and of its figure.
const NAME: usize = 12;
const FIGURE: usize = 10;
/// From nothing to the most there was.
const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Returns the panel's lines.
pub fn lines(m: &Model, width: usize) -> Vec<Line<'static>> {
    let Some((newest, before)) = m.loads.split_last() else {
        return vec![Line::styled("A load of many invocations is drawn here.", theme::DIM)];
    };
    let shown: Vec<&LoadRun> = std::iter::once(newest).chain(before.last()).collect();
    let mut out = Vec::new();
    for (number, run) in shown.iter().enumerate() {
        if number > 0 {
            out.push(Line::default());
            out.push(Line::styled("Before it, on the same scale", theme::DIM));
        }
        out.extend(of_run(m, run, &shown, width));
    }
    out
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
    out.push(row("done", &rate(run), counts, format!("{:.0} / s", last.per_second), theme::WAIT, width));
    out.push(row("failed", &lost(run), counts, last.failed.to_string(), bad, width));
    out.push(row("p50", &p50(run), slowest, clock::latency(last.p50_ms), theme::TEXT, width));
    out.push(row("p99", &p99(run), slowest, clock::latency(last.p99_ms), theme::WARN, width));
    out
}

/// The whole load as one bar: what came through, what failed, what is still to come.
fn share(last: &LoadSample, total: u32, width: usize) -> Line<'static> {
    let cells = |count: u32| (width as u64 * u64::from(count) / u64::from(total.max(1))) as usize;
    let failed = cells(last.failed).max(usize::from(last.failed > 0)).min(width);
    let good = cells(last.done.saturating_sub(last.failed)).min(width - failed);
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
}
