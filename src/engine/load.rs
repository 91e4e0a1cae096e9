//! The figures of a load: how many, how fast, and how their times are spread.

use std::time::Duration;

use tokio::time::Instant;

use super::event::{EventKind, LATENCY_BOUNDS_MS, StepRef};
use super::expect;
use crate::aws::invoke::Invocation;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_course::lesson::model::LoadFigure;

/// The figures of a load so far.
#[derive(Debug, Default)]
pub(super) struct Figures {
    total: u32,
    pub done: u32,
    pub failed: u32,
    /// Milliseconds of each invocation that was answered.
    took: Vec<f64>,
    /// The same as the function's own reports have it.
    own: Vec<f64>,
    /// Counts by [`LATENCY_BOUNDS_MS`], and of those that failed.
    spread: Vec<u32>,
    spread_failed: Vec<u32>,
    pub first_error: String,
    /// Why nothing could be invoked, as long as nothing was answered.
    unanswered: Option<Problem>,
    /// The answers of those that succeeded.
    answers: Vec<serde_json::Value>,
}

impl Figures {
    /// Makes the figures of a load of so many invocations, none of them over.
    pub fn of(total: u32) -> Figures {
        let none = vec![0; LATENCY_BOUNDS_MS.len() + 1];
        Figures { total, spread: none.clone(), spread_failed: none, ..Figures::default() }
    }

    /// Takes in the end of an invocation; None when the runner's own task failed.
    pub fn take(&mut self, end: Option<(Result<Invocation>, Duration)>) {
        self.done += 1;
        let mut bucket = None;
        let error = match end {
            None => Some("the runner's own task failed".to_owned()),
            Some((Err(problem), _)) => {
                let said = problem.to_string();
                self.unanswered.get_or_insert(problem);
                Some(said)
            }
            Some((Ok(came), took)) => {
                let ms = took.as_secs_f64() * 1000.0;
                bucket = Some(LATENCY_BOUNDS_MS.partition_point(|bound| f64::from(*bound) <= ms));
                self.took.push(ms);
                self.own.extend(came.own_time().map(|own| own.as_secs_f64() * 1000.0));
                let error = came.error_message();
                if error.is_none() {
                    self.answers.extend(serde_json::from_str::<serde_json::Value>(&came.response).ok());
                }
                error
            }
        };
        let spread = if error.is_some() { &mut self.spread_failed } else { &mut self.spread };
        if let Some(count) = bucket.and_then(|bucket| spread.get_mut(bucket)) {
            *count += 1;
        }
        if let Some(error) = error {
            self.failed += 1;
            if self.first_error.is_empty() {
                self.first_error = error;
            }
        }
    }

    /// Returns why the load says nothing about the learner's work: no invocation has come to the function.
    pub fn unanswered(&self) -> Option<&Problem> {
        self.unanswered.as_ref().filter(|problem| self.took.is_empty() && problem.kind != Kind::Failed)
    }

    /// Returns one figure; None when nothing was answered that has it.
    ///
    /// # Errors
    /// When a path is none.
    pub fn figure(&self, figure: &LoadFigure, per_second: f64) -> Result<Option<f64>> {
        let numbers = |path: &str| -> Result<Vec<f64>> {
            let mut numbers = Vec::new();
            for answer in &self.answers {
                numbers.extend(expect::at_path(path, answer)?.as_ref().and_then(expect::as_number));
            }
            Ok(numbers)
        };
        let some = |numbers: Vec<f64>| (!numbers.is_empty()).then_some(numbers);
        Ok(match figure {
            LoadFigure::Failed => Some(self.failed.into()),
            LoadFigure::PerSecond => Some(per_second),
            LoadFigure::P50Ms => percentile(&sorted(&self.took), 50),
            LoadFigure::P99Ms => percentile(&sorted(&self.took), 99),
            LoadFigure::Sum(path) => some(numbers(path)?).map(|numbers| numbers.iter().sum()),
            LoadFigure::Max(path) => numbers(path)?.into_iter().max_by(f64::total_cmp),
            LoadFigure::Mean(path) => some(numbers(path)?).map(|numbers| {
                #[expect(clippy::cast_precision_loss, reason = "a load has far less than 2^53 invocations")]
                let count = numbers.len() as f64;
                numbers.iter().sum::<f64>() / count
            }),
        })
    }

    /// Returns the figures as an event.
    pub fn event(&self, at_step: &StepRef, begun: Instant) -> EventKind {
        let seconds = begun.elapsed().as_secs_f64();
        let (took, own) = (sorted(&self.took), sorted(&self.own));
        EventKind::LoadProgress {
            at_step: at_step.clone(),
            done: self.done,
            failed: self.failed,
            total: self.total,
            per_second: if seconds > 0.0 { f64::from(self.done) / seconds } else { 0.0 },
            p50_ms: percentile(&took, 50).unwrap_or(0.0),
            p90_ms: percentile(&took, 90).unwrap_or(0.0),
            p99_ms: percentile(&took, 99).unwrap_or(0.0),
            max_ms: took.last().copied().unwrap_or(0.0),
            function_p50_ms: percentile(&own, 50),
            latencies: self.spread.clone(),
            latencies_failed: self.spread_failed.clone(),
        }
    }
}

fn sorted(figures: &[f64]) -> Vec<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Finds the least of these times within which so many of a hundred are: of a hundred times, the 99th is the 99th.
fn percentile(sorted: &[f64], p: usize) -> Option<f64> {
    sorted.get((sorted.len() * p).div_ceil(100).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(error: bool, ms: u64) -> Option<(Result<Invocation>, Duration)> {
        let response = if error { r#"{"errorType": "Error", "errorMessage": "no"}"# } else { "{}" };
        let invocation = Invocation {
            response: response.into(),
            function_error: error.then(|| "Unhandled".into()),
            log_tail: Vec::new(),
            took: Duration::from_millis(ms),
        };
        Some((Ok(invocation), Duration::from_millis(ms)))
    }

    #[test]
    fn a_percentile_is_the_time_within_which_so_many_are() {
        let times = |count: u32| (1..=count).map(f64::from).collect::<Vec<_>>();
        for (count, p50, p99) in [(1, 1.0, 1.0), (2, 1.0, 2.0), (3, 2.0, 3.0), (100, 50.0, 99.0), (1000, 500.0, 990.0)]
        {
            let times = times(count);
            assert_eq!((percentile(&times, 50), percentile(&times, 99)), (Some(p50), Some(p99)), "of {count}");
        }
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn figures_of_answers_are_of_numbers_however_they_are_written_and_of_none_there_is_none() {
        let mut figures = Figures::of(2);
        for response in [r#"{"n": 2}"#, r#"{"n": "3.50"}"#] {
            let Some((Ok(came), took)) = came(false, 1) else { unreachable!() };
            figures.take(Some((Ok(Invocation { response: response.into(), ..came }), took)));
        }
        let figure = |figure| figures.figure(&figure, 0.0).unwrap();
        assert_eq!(figure(LoadFigure::Sum("$.n".into())), Some(5.5));
        assert_eq!(figure(LoadFigure::Max("$.n".into())), Some(3.5));
        assert_eq!(figure(LoadFigure::Mean("$.n".into())), Some(2.75));
        for none in [LoadFigure::Sum("$.m".into()), LoadFigure::Max("$.m".into()), LoadFigure::Mean("$.m".into())] {
            assert_eq!(figure(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn times_are_counted_where_they_belong_and_failures_apart() {
        let mut figures = Figures::of(5);
        [came(false, 4), came(false, 5), came(true, 6), came(false, 20_000), None]
            .into_iter()
            .for_each(|c| figures.take(c));
        let at = StepRef { chapter: 0, step: "load".into() };
        let EventKind::LoadProgress { done, failed, p90_ms, max_ms, latencies, latencies_failed, .. } =
            figures.event(&at, Instant::now())
        else {
            unreachable!()
        };
        assert_eq!((done, failed, p90_ms as u64, max_ms as u64), (5, 2, 20_000, 20_000));
        let bucket = |ms: u32| LATENCY_BOUNDS_MS.iter().position(|bound| *bound == ms).unwrap();
        assert_eq!(latencies[bucket(5)], 1, "below its bound");
        assert_eq!(latencies[bucket(5) + 1], 1, "a bound belongs to what is above it");
        assert_eq!(latencies_failed[bucket(5) + 1], 1);
        assert_eq!(*latencies.last().unwrap(), 1, "above all bounds");
        assert_eq!(latencies.iter().chain(&latencies_failed).sum::<u32>(), 4, "what never ran has no time");
    }
}
