//! The network before a target, watched while something waits for what lies behind it.
//!
//! A call that gets no answer is tried again for a minute and more, and a function may take a quarter of an hour: neither
//! says by itself that the network is gone. A small question that is asked beside it does, within ten seconds.

use std::convert::Infallible;

use super::cloud::CloudTarget;
use super::config::Mode;
use super::context::StepContext;
use super::event::EventKind;
use workshop_base::problem::{Problem, Result};

/// Awaits something that needs the target, and tells meanwhile when the network to it is gone, and when it is back.
pub async fn beside<T>(ctx: &StepContext, work: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        done = work => done,
        never = watch(ctx) => match never {},
    }
}

/// Tells, when something has ended badly, whether the network is gone: it may have ended before that was seen.
pub async fn after(ctx: &StepContext) {
    let world = ctx.ready.borrow().clone();
    if let Some(Ok(world)) = world
        && let Some(Err(problem)) = reached(world.as_ref()).await
    {
        tell(ctx, &problem);
    }
}

/// Asks whether a target can be reached, twice if need be: one question may be lost by itself. None where no network lies
/// before it.
async fn reached(world: &dyn CloudTarget) -> Option<Result<()>> {
    Some(match world.network()?.await {
        Ok(()) => Ok(()),
        Err(problem) => world.network()?.await.map_err(|_| problem),
    })
}

async fn watch(ctx: &StepContext) -> Infallible {
    let mut ready = ctx.ready.clone();
    let ready = ready.wait_for(Option::is_some).await.map(|state| state.clone());
    let Ok(Some(Ok(world))) = ready else { return std::future::pending().await };
    let mut is_gone = false;
    loop {
        tokio::time::sleep(world.poll_every()).await;
        let Some(reached) = reached(world.as_ref()).await else { return std::future::pending().await };
        match reached {
            Err(problem) if !is_gone => tell(ctx, &problem),
            Ok(()) if is_gone => tell_back(ctx),
            Ok(()) | Err(_) => continue,
        }
        is_gone = !is_gone;
    }
}

fn tell(ctx: &StepContext, problem: &Problem) {
    let problem = Problem::environment(format!("{GONE} ({problem})")).hint(ADVICE);
    match ctx.setup.mode {
        Mode::Interactive => ctx.sink.emit(EventKind::AccountGone { problem }),
        // What is lost for good ends the run by itself.
        Mode::Scratch | Mode::CheckOnly | Mode::Standby => ctx.note(problem.to_string()),
    }
}

fn tell_back(ctx: &StepContext) {
    match ctx.setup.mode {
        Mode::Interactive => ctx.sink.emit(EventKind::AccountBack),
        Mode::Scratch | Mode::CheckOnly | Mode::Standby => ctx.note(BACK.to_owned()),
    }
}

const GONE: &str = "AWS does not answer: the network is gone";
const BACK: &str = "AWS answers again";
const ADVICE: &str = "what runs goes on when it is back, and Ctrl-C stops it; `--target local` needs no network";
