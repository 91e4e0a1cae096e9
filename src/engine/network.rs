//! The network before a target, watched while something waits for what lies behind it.
//!
//! A call that gets no answer is tried again for a minute and more, and a function may take a quarter of an hour: neither
//! says by itself that the network is gone. A small question that is asked beside it does, within ten seconds.

use std::convert::Infallible;

use super::config::Mode;
use super::context::StepContext;
use super::event::EventKind;
use workshop_base::problem::Problem;

/// Awaits something that needs the target, and tells meanwhile when the network to it is gone, and when it is back.
pub async fn beside<T>(ctx: &StepContext, work: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        done = work => done,
        never = watch(ctx) => match never {},
    }
}

async fn watch(ctx: &StepContext) -> Infallible {
    let mut ready = ctx.ready.clone();
    let ready = ready.wait_for(Option::is_some).await.map(|state| state.clone());
    let Ok(Some(Ok(world))) = ready else { return std::future::pending().await };
    let mut is_gone = false;
    loop {
        tokio::time::sleep(world.poll_every()).await;
        let Some(asked) = world.network() else { return std::future::pending().await };
        // One question may be lost by itself.
        let reached = match asked.await {
            Ok(()) => Ok(()),
            Err(problem) => match world.network() {
                Some(again) => again.await.map_err(|_| problem),
                None => Ok(()),
            },
        };
        match reached {
            Err(problem) if !is_gone => tell(ctx, &problem),
            Ok(()) if is_gone => ctx.note(BACK.to_owned()),
            Ok(()) | Err(_) => continue,
        }
        is_gone = !is_gone;
    }
}

fn tell(ctx: &StepContext, problem: &Problem) {
    let problem = Problem::environment(format!("{GONE} ({problem})")).hint(ADVICE);
    match ctx.setup.mode {
        Mode::Interactive => ctx.sink.emit(EventKind::Trouble { problem }),
        // What is lost for good ends the run by itself.
        Mode::Scratch | Mode::CheckOnly => ctx.note(problem.to_string()),
    }
}

const GONE: &str = "AWS does not answer: the network is gone";
const BACK: &str = "AWS answers again";
const ADVICE: &str = "what runs goes on when it is back, and Ctrl-C stops it; `--target local` needs no network";
