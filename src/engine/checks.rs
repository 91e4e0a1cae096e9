//! Checks: attempts until one passes or the time is over, and the verdict.

use std::time::Duration;

use tokio::time::Instant;

use super::attempt::{AttemptError, AttemptFailure, attempt};
use super::cloud::millis;
use super::context::{StepContext, timed_out};
use super::event::{Attempt, CheckRef, EventKind, Failure, Verdict};
use super::expect;
use workshop_base::problem::Kind;
use workshop_course::lesson::model::{Chapter, Check, CheckKind, ExpectedFailure};

/// The tries after a conflict, and the pause before each. The catalogue of a connection may be older than
/// a DDL or GRANT that committed long before (OC001); a retry is the documented cure.
const CONFLICT_RETRIES: u32 = 3;
const CONFLICT_PAUSE: Duration = Duration::from_millis(100);
/// Advice about a check that passes before its chapter.
const PROVES_NOTHING: &str = "it says nothing of what the chapter adds: look for something that is so only after it; what holds all along is a step";

/// The way that a check must come out.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    Pass,
    /// It must fail as declared: the step's expected failure.
    Declared(ExpectedFailure),
    /// It must fail, however: the proof that it says something. Tried once.
    Fail,
}

/// Runs checks one after the other and tells of each. Gives the worst verdict.
pub async fn run_all(
    ctx: &StepContext,
    chapter: &Chapter,
    checks: &[&Check],
    wanted: &Expectation,
) -> Vec<(String, Verdict, Option<Failure>)> {
    let mut ends = Vec::new();
    for check in checks {
        if ctx.cancel.is_cancelled() {
            break;
        }
        let (verdict, failure) = run(ctx, chapter, check, wanted).await;
        ends.push((check.id.clone(), verdict, failure));
    }
    ends
}

/// Runs one check to its verdict.
async fn run(ctx: &StepContext, chapter: &Chapter, check: &Check, wanted: &Expectation) -> (Verdict, Option<Failure>) {
    let at_check = CheckRef { chapter: chapter.number, check: check.id.clone() };
    let title = match wanted {
        Expectation::Pass | Expectation::Declared(_) => check.title.clone(),
        Expectation::Fail => format!("{} (before the chapter: must fail)", check.title),
    };
    let begun = Instant::now();
    let patience = match wanted {
        Expectation::Fail => None,
        Expectation::Pass | Expectation::Declared(_) => check.eventually,
    };
    let of_what_runs = matches!(check.kind, CheckKind::Lambda { .. } | CheckKind::Stack { .. });
    let mut undeployed = None;
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut conflicts = 0;
    let mut reproduce = None;
    let (verdict, failure, number) = loop {
        let number = attempts.len() as u32 + 1;
        ctx.sink.emit(EventKind::CheckStarted { at_check: at_check.clone(), title: title.clone(), attempt: number });
        let (at, started) = (ctx.setup.clock.now(), Instant::now());
        // Who expects it to fail is told how it fails.
        let until = (*wanted == Expectation::Pass).then(|| tokio::time::Instant::now() + check.timeout);
        let trying = attempt(ctx, chapter, check, until, &mut reproduce);
        let miss = match ctx.within(check.timeout, trying).await {
            Ok(Ok(())) => None,
            Ok(Err(AttemptError::AttemptFailure(miss))) => Some(*miss),
            Ok(Err(AttemptError::Broken(problem))) => Some(AttemptFailure::of(problem, check)),
            Err(_) if ctx.cancel.is_cancelled() => {
                break (Verdict::Error, Some(expect::given_up(attempts)), number);
            }
            Err(_) => Some(AttemptFailure::of(timed_out(check.timeout), check)),
        };
        let took_ms = millis(started.elapsed());
        let Some(miss) = miss.map(AttemptFailure::unless_the_disk_is_full) else {
            let attempt = Attempt { number, at, took_ms, actual: "as wanted".to_owned() };
            ctx.sink.emit(EventKind::CheckTried { at_check: at_check.clone(), attempt: attempt.clone() });
            attempts.push(attempt);
            break match wanted {
                Expectation::Pass => (Verdict::Pass, None, number),
                Expectation::Declared(_) | Expectation::Fail => {
                    let proves_nothing = matches!(wanted, Expectation::Fail).then(|| PROVES_NOTHING.to_owned());
                    let failure = Failure {
                        expected: "it fails".to_owned(),
                        actual: "it passed".to_owned(),
                        hints: proves_nothing.into_iter().collect(),
                        attempts,
                        spot: Some(check.origin.spot()),
                        ..Failure::default()
                    };
                    (Verdict::PassedUnexpectedly, Some(failure), number)
                }
            };
        };
        let line = miss.mismatch.actual.lines().next().unwrap_or_default().to_owned();
        let attempt = Attempt { number, at, took_ms, actual: line };
        ctx.sink.emit(EventKind::CheckTried { at_check: at_check.clone(), attempt: attempt.clone() });
        attempts.push(attempt);
        let text = format!("{}\n{}\n{}", miss.mismatch.actual, miss.printed, miss.output.join("\n"));
        let declared = match wanted {
            Expectation::Pass => false,
            Expectation::Fail => miss.kind == Kind::Failed,
            Expectation::Declared(failure) => expect::is_declared(failure, miss.sqlstate.as_deref(), &text),
        };
        if !declared {
            if miss.is_conflict() && conflicts < CONFLICT_RETRIES && !matches!(wanted, Expectation::Fail) {
                conflicts += 1;
                tokio::time::sleep(CONFLICT_PAUSE).await;
                continue;
            }
            if of_what_runs && number == 1 && *wanted == Expectation::Pass {
                undeployed = ctx.undeployed(chapter.number).await;
            }
            // What is not deployed does not come by waiting.
            if let Some(patience) = patience.filter(|_| undeployed.is_none())
                && begun.elapsed() + patience.every <= patience.within
            {
                if ctx.cancel.run_until_cancelled(tokio::time::sleep(patience.every)).await.is_some() {
                    continue;
                }
                // What it has come to by then is not how it came out.
                break (Verdict::Error, Some(expect::given_up(attempts)), number);
            }
        }
        let verdict = match (declared, miss.kind) {
            (true, _) => Verdict::FailedAsExpected,
            (false, Kind::Failed) => Verdict::Fail,
            (false, _) => Verdict::Error,
        };
        let mut failure = miss.into_failure(check, attempts, reproduce);
        if let (true, Expectation::Declared(wanted)) = (declared, wanted) {
            expect::tell_declared(&mut failure, &text, wanted);
        }
        // It is not the check that this failure is held against, but the other failure that the lesson declares.
        if let (Verdict::Fail, Expectation::Declared(other)) = (verdict, wanted) {
            failure.expected = expect::describe(other);
        }
        if of_what_runs && verdict == Verdict::Fail {
            // Before what the author says of code that runs.
            failure.hints.splice(0..0, ctx.undeployed(chapter.number).await);
        }
        if verdict != Verdict::FailedAsExpected {
            failure.hints.splice(0..0, ctx.dead_processes());
        }
        break (verdict, Some(failure), number);
    };
    finish(ctx, at_check, title, verdict, number, begun, failure)
}

fn finish(
    ctx: &StepContext,
    at_check: CheckRef,
    title: String,
    verdict: Verdict,
    attempts: u32,
    begun: Instant,
    failure: Option<Failure>,
) -> (Verdict, Option<Failure>) {
    let took_ms = millis(begun.elapsed());
    ctx.sink.emit(EventKind::CheckFinished { at_check, title, verdict, attempts, took_ms, failure: failure.clone() });
    (verdict, failure)
}
