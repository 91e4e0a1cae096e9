//! What keeps a deploy from an account or a stack that is not what this run was told to change.

use std::sync::PoisonError;

use super::cloud::CloudTarget;
use super::config::Mode;
use super::context::StepContext;
use crate::aws::stack::Stack;
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::{DeployAction, DeployStep, Target};

/// Refuses to change an account that is another one than that of the work so far, when that was found out only after the step had
/// begun: a person has not been told of it by then, nor asked.
///
/// # Errors
/// Says which both are.
pub(super) fn refuse_elsewhere(ctx: &StepContext, world: &dyn CloudTarget) -> Result<()> {
    let is_persons = ctx.setup.mode == Mode::Interactive && ctx.setup.target == Target::Aws;
    let known = ctx.reached.as_ref().filter(|before| is_persons && before.target == Target::Aws);
    let place = |account: &str, region: &str| format!("account {account}, {region}");
    let here = place(&world.account(), &world.region());
    let before = known.filter(|before| !before.account.is_empty()).map(|known| place(&known.account, &known.region));
    match before {
        Some(before) if before != here => {
            Err(Problem::usage(format!("this is {here}; what was done here so far is in {before}"))
                .hint("run it again to go on here, or leave and name the other with --profile and --region"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses a stack that a run by itself finds in an account and has not made: it was not there when the run began, so that it is
/// somebody's work, and another run's perhaps. Notes those that it makes.
///
/// # Errors
/// Says that it is left alone.
pub(super) fn refuse_others(
    ctx: &StepContext,
    world: &dyn CloudTarget,
    deploy: &DeployStep,
    name: &str,
    before: Option<&Stack>,
) -> Result<()> {
    let by_itself = ctx.setup.mode == Mode::Scratch && ctx.setup.target == Target::Aws;
    // What prepares the account is everybody's, and commands around the course may have made anything.
    if !by_itself || deploy.action == DeployAction::Bootstrap || !ctx.setup.course.setup.is_empty() {
        return Ok(());
    }
    let mut own = ctx.own_stacks.lock().unwrap_or_else(PoisonError::into_inner);
    if before.is_none() {
        own.insert(name.to_owned());
    }
    if own.contains(name) {
        return Ok(());
    }
    let place = format!("stack {name} in account {}, {}", world.account(), world.region());
    Err(Problem::environment(format!("{place} is there by now: somebody else has made it since this run began"))
        .hint("it is left as it is; wait until it is gone, or name another --region or --profile"))
}
