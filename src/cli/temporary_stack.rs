//! A run by itself in someone's AWS account: it says what it makes there, leaves alone what is there, and takes down
//! what it made.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::args::CommonOptions;
use super::{output, shell};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::text::sanitize;
use workshop_course::lesson::model::{ActionKind, Course};
use workshop_engine::aws::clients::Caller;
use workshop_engine::aws::stack::{self, Stack};
use workshop_engine::aws::{Clients, Environment, Error};
use workshop_engine::event::{Event, EventKind};

/// The pause between two looks at a stack that is going away.
const LOOK: Duration = Duration::from_secs(2);
/// How long nothing is said of a stack that is going away as it was.
const AGAIN: Duration = Duration::from_secs(20);
/// A stack that takes longer to go is left to CloudFormation.
const PATIENCE: Duration = Duration::from_mins(15);

/// The stacks of one run, told of when they are made and deleted when the run is over.
pub struct TemporaryStacks {
    clients: Clients,
    /// Those that are still to go, in the order in which they are made.
    stacks: Vec<String>,
    /// Those of them that the run has made, or may have: the others are somebody else's, if they are there.
    begun: Mutex<BTreeSet<String>>,
    account: String,
}

impl TemporaryStacks {
    /// Looks whether the account is free for a run from scratch, and says what that will make.
    ///
    /// # Errors
    /// Without credentials, and when a stack of the course is there already: it may be someone's work.
    pub async fn claim(common: &CommonOptions, course: &Course) -> Result<TemporaryStacks> {
        let environment: Environment = shell::account(common, shell::variables());
        let clients = Clients::connect(&environment).await?;
        let Caller { account, .. } = clients.caller().await?;
        // As long as nothing was made there is nothing to tell of.
        let mut claimed = TemporaryStacks { stacks: Vec::new(), begun: Mutex::default(), account, clients };
        let stacks: Vec<String> = course.stacks().into_iter().map(str::to_owned).collect();
        for name in &stacks {
            if let Some(Stack { status, .. }) = stack::describe(&claimed.clients, name).await? {
                return Err(Problem::environment(format!("{} is there already, and is {status}", claimed.place(name)))
                    .hint(occupied(&status)));
            }
        }
        let costs = course.costs.as_deref().unwrap_or("what the course deploys");
        for name in &stacks {
            say(&format!("this makes {}, which costs money: {costs}", claimed.place(name)));
        }
        if !stacks.is_empty() {
            say(&format!("{} at the end; what `cdk bootstrap` makes stays", fate(stacks.len())));
        }
        if !course.setup.is_empty() {
            claimed.begun = Mutex::new(stacks.iter().cloned().collect());
        }
        claimed.stacks = stacks;
        Ok(claimed)
    }

    /// Takes an event of the run: from its deploys on their stacks are to go.
    pub fn take(&self, course: &Course, event: &Event) {
        let made = begun_by(course, &event.kind);
        self.begun().extend(made.into_iter().map(str::to_owned));
    }

    fn begun(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves alone what the run has not made.
    fn keep_begun(&mut self) {
        let begun = self.begun().clone();
        self.stacks.retain(|name| begun.contains(name));
    }

    fn place(&self, stack: &str) -> String {
        format!("stack {stack} in account {}, {}", self.account, self.clients.region)
    }

    /// Deletes what the run has made, the newest first: it may stand on those before it.
    ///
    /// # Errors
    /// When a stack does not go: then it says how to delete it by hand. The others are deleted all the same.
    pub async fn release(mut self, stop: &CancellationToken) -> Result<()> {
        self.keep_begun();
        let mut left = None;
        while let Some(name) = self.stacks.last().cloned() {
            if let Err(problem) = self.delete(&name, stop).await {
                match &left {
                    None => left = Some(problem),
                    Some(_) => say(&problem.to_string()),
                }
            }
            self.stacks.pop();
        }
        left.map_or(Ok(()), Err)
    }

    fn by_hand(&self, stack: &str) -> String {
        format!("aws cloudformation delete-stack --region {} --stack-name {stack}", self.clients.region)
    }

    async fn delete(&self, name: &str, stop: &CancellationToken) -> Result<()> {
        let (by_hand, place) = (self.by_hand(name), self.place(name));
        let left = |why: String| {
            Problem::environment(format!("{place} is still there, and may cost money: {why}"))
                .hint(format!("delete it: {by_hand}"))
        };
        let unreached = |error: Error| {
            let first = if matches!(error, Error::Expired) { "sign in again, then " } else { "" };
            left(error.to_string()).hint(format!("{first}delete it: {by_hand}"))
        };
        let Some(found) = stack::describe(&self.clients, name).await.map_err(unreached)? else {
            return Ok(());
        };
        self.at_rest(&found, &place).await.map_err(unreached)?;
        say(&format!("deleting {place}"));
        stack::delete(&self.clients, &found.id).await.map_err(unreached)?;
        let begun = Instant::now();
        let mut told = (String::new(), begun);
        loop {
            // One look that fails is not the end of the deleting.
            let status = match stack::describe(&self.clients, &found.id).await {
                Ok(None) => None,
                Ok(Some(stack)) if stack.status == "DELETE_COMPLETE" => None,
                Ok(Some(stack)) if stack.status == "DELETE_FAILED" => {
                    return Err(left(stack.reason.unwrap_or(stack.status)));
                }
                Ok(Some(stack)) => Some(stack.status),
                Err(error) => Some(error.to_string()),
            };
            let Some(status) = status else {
                say(&format!("deleted in {:.0} s", begun.elapsed().as_secs_f64()));
                return Ok(());
            };
            if begun.elapsed() > PATIENCE {
                return Err(left(status));
            }
            if told.0 != status || told.1.elapsed() > AGAIN {
                say(&format!("{status}, {:.0} s", begun.elapsed().as_secs_f64()));
                told = (status.clone(), Instant::now());
            }
            tokio::select! {
                () = stop.cancelled() => {
                    return Err(Problem::new(Kind::Interrupted, format!("{place} is {status}"))
                        .hint(format!("CloudFormation goes on by itself; if it does not end: {by_hand}")));
                }
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

impl TemporaryStacks {
    /// Waits for the end of a change that CloudFormation lets nobody delete a stack in.
    async fn at_rest(&self, found: &Stack, place: &str) -> std::result::Result<(), Error> {
        let is_held = |status: &str| status.ends_with("_IN_PROGRESS") && !DELETABLE.contains(&status);
        if !is_held(&found.status) {
            return Ok(());
        }
        say(&format!("{place} is {}, and is deleted when that has ended", found.status));
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            tokio::time::sleep(LOOK).await;
            match stack::describe(&self.clients, &found.id).await? {
                Some(stack) if is_held(&stack.status) => {}
                Some(_) | None => break,
            }
        }
        Ok(())
    }
}

/// The states of a change in which a stack can be deleted.
const DELETABLE: [&str; 3] = ["CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS"];

/// Tells whoever stops a run at once of what is left.
impl Drop for TemporaryStacks {
    fn drop(&mut self) {
        self.keep_begun();
        for name in self.stacks.iter().rev() {
            let (place, by_hand) = (self.place(name), self.by_hand(name));
            say(&format!("{place} was not deleted; if it is there, it may cost money: {by_hand}"));
        }
    }
}

/// Returns the stacks that may be made from this event on. A deploy that is refused begins no phase.
fn begun_by<'c>(course: &'c Course, kind: &EventKind) -> Vec<&'c str> {
    let (at_step, deploys) = match kind {
        EventKind::PhaseStarted { at_step, .. } => (at_step, true),
        EventKind::StepStarted { at_step, .. } => (at_step, false),
        _ => return Vec::new(),
    };
    let step = at_step.of(course).filter(|step| (step.action.kind() == ActionKind::Deploy) == deploys);
    step.map(|step| course.stacks_made_by(step)).unwrap_or_default()
}

fn fate(stacks: usize) -> &'static str {
    if stacks == 1 { "the stack is deleted" } else { "the stacks are deleted" }
}

fn occupied(status: &str) -> String {
    let first = match status {
        "UPDATE_IN_PROGRESS" | "CREATE_IN_PROGRESS" | "DELETE_IN_PROGRESS" => "wait until that has ended, then ",
        _ => "",
    };
    format!(
        "{first}check it as it is with --workdir, delete it (`npx cdk destroy` where cdk.json is), or name another --region or --profile"
    )
}

/// Says something on stderr, beside the reports.
fn say(text: &str) {
    output::warn(&format!("{}\n", sanitize(text)));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::tui::fixture;
    use workshop_course::lesson::model::{DeployStep, Step, StepAction};
    use workshop_engine::event::{Phase, StepRef};

    #[test]
    fn a_run_makes_the_courses_own_stack_and_those_that_its_steps_name() {
        let mut course = Arc::unwrap_or_clone(fixture::course());
        let own = course.stack.clone().expect("the fixture deploys");
        assert_eq!(course.stacks(), [own.as_str()]);
        let steps = &mut course.chapters.iter_mut().find(|chapter| chapter.step("deploy").is_some()).unwrap().steps;
        let at = steps.iter().position(|step| step.id == "deploy").unwrap();
        let StepAction::Deploy(deploy) = steps[at].action.clone() else { unreachable!() };
        let action = StepAction::Deploy(DeployStep { stack: Some("Network".to_owned()), ..deploy });
        steps.insert(at, Step { id: "network".to_owned(), action, ..steps[at].clone() });
        assert_eq!(course.stacks(), ["Network", own.as_str()], "in the order in which they are made");
        // What is deleted in the end is what a deploy has begun with, and not what it was kept from.
        let at_step = |step: &str| {
            let chapter = course.chapters.iter().find(|chapter| chapter.step(step).is_some()).unwrap();
            StepRef { chapter: chapter.number, step: step.to_owned() }
        };
        let started = |step: &str| EventKind::StepStarted {
            at_step: at_step(step),
            attempt: 1,
            action: ActionKind::Deploy,
            expects_failure: false,
            usual_ms: None,
        };
        let phase = |step: &str| EventKind::PhaseStarted { at_step: at_step(step), phase: Phase::Synth };
        assert_eq!(begun_by(&course, &started("network")), Vec::<&str>::new());
        assert_eq!(begun_by(&course, &phase("network")), ["Network"]);
        assert_eq!(begun_by(&course, &phase("deploy")), [own.as_str()]);
        course.stack = None;
        assert_eq!(course.stacks(), ["Network"]);
    }
}
