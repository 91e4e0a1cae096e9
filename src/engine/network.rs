//! The network before a target, watched while something waits for what lies behind it.
//!
//! A call that gets no answer is tried again for a minute and more, and a function may take a quarter of an hour: neither
//! says by itself that the network is gone. A small question that is asked beside it does, within ten seconds. Nor does the
//! SDK say that it waits because the account is throttled: the answers it got are counted.

use std::convert::Infallible;

use super::cloud::CloudTarget;
use super::config::Mode;
use super::context::StepContext;
use super::event::{ACCOUNT_THROTTLED, EventKind};
use workshop_base::problem::{Problem, Result};

/// Awaits something that needs the target, and tells meanwhile when the network to it is gone, or a service behind it is out
/// of order. A run by itself is also told when that is over; of a talk the driver knows.
pub async fn beside<T>(ctx: &StepContext, work: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        done = work => done,
        never = watch(ctx) => match never {},
    }
}

/// Tells, when something has ended badly, whether that is why: it may have ended before it was seen.
pub async fn after(ctx: &StepContext) {
    let world = ctx.ready.borrow().clone();
    let Some(Ok(world)) = world else { return };
    if let Some(trouble) = trouble(world.as_ref(), true).await {
        tell(ctx, &trouble, AFTERWARDS);
    }
}

/// Waits, asking seldom, until a target cannot be reached; returns what is to be told. Never ends where no network lies
/// before it.
pub async fn until_gone(world: &dyn CloudTarget) -> Problem {
    if world.network().is_none() {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(SELDOM * world.poll_every()).await;
        if let Some(Trouble(what, problem)) = trouble(world, false).await {
            return Problem::environment(format!("{what} ({problem})")).hint(MEANWHILE);
        }
    }
}

/// A target that is out of reach or out of order: the words for it, and the answer that says so.
struct Trouble(&'static str, Problem);

/// Finds out what is wrong with a target that a network lies before. Whether its services work is asked only if `all`, since
/// that is a call of each.
async fn trouble(world: &dyn CloudTarget, all: bool) -> Option<Trouble> {
    if let Err(problem) = reached(world).await? {
        return Some(Trouble(GONE, problem));
    }
    if !all {
        return None;
    }
    works(world).await.err().map(|problem| Trouble(FAILING, problem))
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
    if world.network().is_none() {
        return std::future::pending().await;
    }
    let throttled = async {
        let Some(mut throttled) = world.throttled() else { return std::future::pending().await };
        // Once for all that is waited for.
        if throttled.changed().await.is_ok() {
            match ctx.setup.mode {
                Mode::Interactive => ctx.sink.emit(EventKind::AccountThrottled),
                Mode::Scratch | Mode::CheckOnly | Mode::Standby => ctx.note(ACCOUNT_THROTTLED.to_owned()),
            }
        }
        std::future::pending().await
    };
    tokio::select! {
        never = throttled => never,
        never = watch_reach(ctx, world.as_ref()) => never,
    }
}

async fn watch_reach(ctx: &StepContext, world: &dyn CloudTarget) -> Infallible {
    let mut is_told = false;
    for look in 1_u32.. {
        tokio::time::sleep(world.poll_every()).await;
        // What is told is over only when all works again.
        let all = is_told || look.is_multiple_of(LOOKS);
        match trouble(world, all).await {
            Some(trouble) if !is_told => tell(ctx, &trouble, ADVICE),
            None if is_told => tell_back(ctx),
            Some(_) | None => continue,
        }
        is_told = !is_told;
    }
    std::future::pending().await
}

fn tell(ctx: &StepContext, Trouble(what, problem): &Trouble, advice: &str) {
    let problem = Problem::environment(format!("{what} ({problem})")).hint(advice);
    match ctx.setup.mode {
        Mode::Interactive => ctx.sink.emit(EventKind::AccountGone { problem }),
        // What is lost for good ends the run by itself.
        Mode::Scratch | Mode::CheckOnly | Mode::Standby => ctx.note(problem.to_string()),
    }
}

fn tell_back(ctx: &StepContext) {
    match ctx.setup.mode {
        // The driver asks for itself, also when nothing runs any more.
        Mode::Interactive => {}
        Mode::Scratch | Mode::CheckOnly | Mode::Standby => ctx.note(BACK.to_owned()),
    }
}

/// The pause between two questions whether a target works again, in pauses between two looks at its stack: 6 s of an account.
pub const LOOKS: u32 = 3;

/// The same while nothing may run at all: 30 s of an account.
const SELDOM: u32 = 15;

const GONE: &str = "AWS does not answer: the network is gone";
const FAILING: &str = "AWS does not work";
const BACK: &str = "AWS answers again";
const ADVICE: &str = "what runs goes on when it is back, and Ctrl-C stops it";
const MEANWHILE: &str = "what needs it can wait until it is told that AWS answers";
const AFTERWARDS: &str = "run it again when it is told that AWS answers";
