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

/// Tells, when something has ended badly, whether the network is gone, since it may have ended before that was seen, or
/// whether a service behind it is out of order; and then when all is well again.
pub async fn after(ctx: &StepContext) {
    let world = ctx.ready.borrow().clone();
    let Some(Ok(world)) = world else { return };
    match reached(world.as_ref()).await {
        None => return,
        Some(Err(problem)) => tell(ctx, GONE, &problem),
        Some(Ok(())) => match works(world.as_ref()).await {
            Ok(()) => return,
            Err(problem) => tell(ctx, FAILING, &problem),
        },
    }
    loop {
        tokio::time::sleep(LOOKS * world.poll_every()).await;
        if works(world.as_ref()).await.is_ok() {
            return tell_back(ctx);
        }
    }
}

/// Asks whether a target works, twice if need be.
async fn works(world: &dyn CloudTarget) -> Result<()> {
    match world.works().await {
        Ok(()) => Ok(()),
        Err(problem) => world.works().await.map_err(|_| problem),
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
            Err(problem) if !is_gone => tell(ctx, GONE, &problem),
            Ok(()) if is_gone => tell_back(ctx),
            Ok(()) | Err(_) => continue,
        }
        is_gone = !is_gone;
    }
}

fn tell(ctx: &StepContext, what: &str, problem: &Problem) {
    let problem = Problem::environment(format!("{what} ({problem})")).hint(ADVICE);
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

/// The pause between two questions whether a target works again, in pauses between two looks at its stack: 6 s of an account.
pub const LOOKS: u32 = 3;

const GONE: &str = "AWS does not answer: the network is gone";
const FAILING: &str = "AWS does not work";
const BACK: &str = "AWS answers again";
const ADVICE: &str = "what runs goes on when it is back, and Ctrl-C stops it; `--target local` needs no network";
