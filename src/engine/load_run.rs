//! A load on its way: many invocations at once, and its figures held against what the lesson expects.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::Instant;

use super::by_hand;
use super::context::{StepContext, timed_out};
use super::event::Failure;
use super::expect::ActionOutcome;
use super::load::Figures;
use super::mismatch::Mismatch;
use super::numbers;
use workshop_base::problem::Result;
use workshop_course::lesson::generate;
use workshop_course::lesson::model::{LoadAction, Step};
use workshop_course::lesson::template::{Reference, TemplateSyntax};

/// The pause between two tellings of a load.
const LOAD_TELLS: Duration = Duration::from_millis(100);

/// Invokes the function many times at once, tells how that goes, and holds the figures against the lesson's bounds.
///
/// # Errors
/// The outcome that ends the step: a share or a figure that is not as it must be, a stop, or no end in its time.
pub async fn run(ctx: &StepContext, step: &Step, load: &LoadAction) -> Result<(), ActionOutcome> {
    let name = ctx.setup.course.function_of(load.function.as_ref())?;
    let bounds = load.expect.iter().flat_map(|(_, bound)| bound.texts());
    let texts = [load.payload.0.as_str(), name.0.as_str()].into_iter().chain(bounds);
    let values = ctx.within(step.timeout, ctx.values(texts)).await??;
    let seed = ctx.setup.clock.now();
    let payload_of = |invocation: u32| {
        let mut values = values.clone();
        for (name, value) in generate::values(&load.generate, seed, invocation.into()) {
            values.set(Reference::Generated(name), value);
        }
        values.fill(&load.payload, TemplateSyntax::Json)
    };
    let payload = payload_of(0)?;
    let world = ctx.within(step.timeout, ctx.world()).await??;
    let Some(at_step) = ctx.at_step.clone() else { return Ok(()) };
    let function = &values.plain(name)?;
    let begun = Instant::now();
    if load.warm_up > 0 {
        ctx.note(format!("warming up: {} invocations that are not counted", load.warm_up));
        let numbers = load.invocations..load.invocations.saturating_add(load.warm_up);
        let payloads = numbers.map(payload_of).collect::<workshop_base::problem::Result<Vec<_>>>()?;
        let invoked = payloads.into_iter().map(|payload| world.invoke(function.clone(), payload));
        let many = load.concurrency.max(1) as usize;
        // What they answer does not matter: those that are counted tell what is wrong.
        let all = futures::stream::iter(invoked).buffer_unordered(many).for_each(|_| async {});
        ctx.within(step.timeout.saturating_sub(begun.elapsed()), all).await?;
    }
    // What only warms up is part of the step's time, and no part of the figures.
    let deadline = tokio::time::sleep(step.timeout.saturating_sub(begun.elapsed()));
    let begun = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    let mut figures = Figures::of(load.invocations);
    let mut started = 0;
    let mut tell = tokio::time::interval(LOAD_TELLS);
    tokio::pin!(deadline);
    while figures.done < load.invocations {
        while started < load.invocations && running.len() < load.concurrency.max(1) as usize {
            let (world, function, payload) = (world.clone(), function.clone(), payload_of(started)?);
            started += 1;
            running.spawn(async move {
                let begun = Instant::now();
                (world.invoke(function, payload).await, begun.elapsed())
            });
        }
        tokio::select! {
            // Dropping the set ends what is under way.
            () = ctx.cancel.cancelled() => return Err(ActionOutcome::Cancelled),
            () = &mut deadline => return Err(ActionOutcome::Broken(timed_out(step.timeout))),
            Some(end) = running.join_next() => figures.take(end.ok()),
            _ = tell.tick() => ctx.sink.emit(figures.event(&at_step, begun)),
        }
    }
    ctx.sink.emit(figures.event(&at_step, begun));
    let share = f64::from(load.invocations - figures.failed) / f64::from(load.invocations.max(1));
    let reproduce = Some(by_hand::invoke_line(function, &payload));
    if share < load.success_at_least {
        if let Some(problem) = figures.unanswered() {
            return Err(ActionOutcome::Broken(problem.clone()));
        }
        let of = load.invocations;
        let least = numbers::short(load.success_at_least * 100.0);
        return Err(ActionOutcome::failed(Failure {
            expected: format!("at least {least} % of {of} invocations succeed"),
            actual: format!("{} of {of} failed; the first: {}", figures.failed, figures.first_error),
            reproduce,
            ..Failure::default()
        }));
    }
    let per_second = f64::from(figures.done) / begun.elapsed().as_secs_f64().max(f64::EPSILON);
    for (figure, bound) in &load.expect {
        let came = figures.figure(figure, per_second)?;
        if let Some(mismatch) = numbers::bound(&figure.to_string(), came, bound, &values)? {
            return Err(ActionOutcome::failed(Failure { reproduce, ..mismatch.into() }));
        }
    }
    for (name, figure) in &load.capture {
        let Some(came) = figures.figure(figure, per_second)? else {
            return Err(ActionOutcome::failed(Failure { reproduce, ..Mismatch::not_there(figure, name).into() }));
        };
        // As many digits as anybody reads.
        ctx.capture(name, serde_json::json!((came * 1000.0).round() / 1000.0));
    }
    Ok(())
}
