//! What every benchmark shares: timing, quantiles, and the table that names what a figure stands beside.
//!
//! A benchmark prints one line a figure: ours, the program it is compared with in the same run, their ratio, and the
//! goal. Nothing fails on a missed goal: a timing is a measurement, not a test.

#![allow(dead_code)] // each benchmark takes what it needs

use std::time::{Duration, Instant};

/// What a figure is held against.
pub enum Goal {
    /// At most this many of the figure's unit.
    AtMost(f64),
    /// Ours divided by the other's is at most this.
    Ratio(f64),
    /// Ours divided by the other's is at least this, for throughputs.
    RatioAtLeast(f64),
    /// Only to be known.
    None,
}

/// Prints the heading of one benchmark.
pub fn heading(title: &str) {
    println!("\n{title}");
    println!("{:<52} {:>14} {:<26} {:>14} {:>6}  goal", "", "ours", "  beside", "", "ratio");
}

/// Prints one figure; `beside` names the other program and its figure in the same unit.
pub fn figure(what: &str, unit: &str, ours: f64, beside: Option<(&str, f64)>, goal: &Goal) {
    let ratio = beside.map(|(_, other)| ours / other);
    let met = match goal {
        Goal::AtMost(limit) => Some(ours <= *limit),
        Goal::Ratio(limit) => ratio.map(|r| r <= *limit),
        Goal::RatioAtLeast(limit) => ratio.map(|r| r >= *limit),
        Goal::None => None,
    };
    let goal = match goal {
        Goal::AtMost(limit) => format!("<= {} {unit}", number(*limit)),
        Goal::Ratio(limit) => format!("ratio <= {limit}"),
        Goal::RatioAtLeast(limit) => format!("ratio >= {limit}"),
        Goal::None => String::new(),
    };
    let (name, other) = beside.map_or((String::new(), String::new()), |(name, other)| {
        (format!("  {name}"), format!("{} {unit}", number(other)))
    });
    let verdict = met.map_or("", |met| if met { ": met" } else { ": missed" });
    println!(
        "{what:<52} {:>14} {name:<26} {other:>14} {:>6}  {goal}{verdict}",
        format!("{} {unit}", number(ours)),
        ratio.map_or(String::new(), |r| format!("{r:.2}")),
    );
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Runs `work` `times` times and returns how long each run took, in order of length.
pub fn sorted_times(times: usize, mut work: impl FnMut()) -> Vec<Duration> {
    let mut all: Vec<Duration> = (0..times)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    all.sort_unstable();
    all
}

/// The time below which the given share (0.0 to 1.0) of sorted times lie.
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let index = (last as f64 * share).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

/// A duration in milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
