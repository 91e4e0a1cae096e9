//! What has become of the stack since the workshop's own newest deploy: somebody else may have deployed by hand.

use std::time::Duration;

use super::cloud::CloudTarget;
use workshop_base::problem::Result;

/// The time from what the CDK writes before a deploy to that deploy's end, within which it is waited for.
const OTHERS_DEPLOY_WITHIN: Duration = Duration::from_mins(10);

/// The fate of a stack since an event of it.
#[derive(Debug, PartialEq)]
pub enum StackSince {
    /// Nothing has.
    Same,
    /// Somebody changes it, or has begun to.
    UnderWay,
    /// What was tried was rolled back: it stands as before; the id of its newest event.
    RolledBack(String),
    /// Somebody has changed it, or it is gone.
    Changed,
}

/// Asks what has become of a stack since its event `known`.
///
/// # Errors
/// When it cannot be asked.
pub async fn since(world: &dyn CloudTarget, stack: &str, known: &str) -> Result<StackSince> {
    let news = world.stack_events(stack.to_owned(), Some(known.to_owned())).await?;
    let Some(newest) = news.last() else {
        let is_there = world.stack(stack.to_owned()).await?.is_some();
        return Ok(if is_there { StackSince::Same } else { StackSince::Changed });
    };
    let mut ends = news.iter().filter(|event| event.is_stack() && !event.status.ends_with("_IN_PROGRESS")).peekable();
    let at_rest = newest.is_stack() && !newest.status.ends_with("_IN_PROGRESS");
    Ok(match at_rest && ends.peek().is_some() {
        false => StackSince::UnderWay,
        true if ends.all(|end| end.status == "UPDATE_ROLLBACK_COMPLETE") => StackSince::RolledBack(newest.id.clone()),
        true => StackSince::Changed,
    })
}

/// Waits for the end of what somebody else does to a stack, within [`OTHERS_DEPLOY_WITHIN`]; returns what it came to.
pub async fn others_end(world: &dyn CloudTarget, stack: &str, known: &str) -> Option<StackSince> {
    let mut pause = world.poll_every() * 4;
    let look = async {
        loop {
            match since(world, stack, known).await {
                Ok(end @ (StackSince::RolledBack(_) | StackSince::Changed)) => return end,
                Ok(StackSince::Same | StackSince::UnderWay) | Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 5 / 4).min(world.poll_every() * 20);
        }
    };
    tokio::time::timeout(OTHERS_DEPLOY_WITHIN, look).await.ok()
}
