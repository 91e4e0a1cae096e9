//! A run by itself in someone's AWS account: it says what it makes there, leaves alone what is there, and takes down
//! what it made.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::args::CommonOptions;
use super::{output, shell};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::text::sanitize;
use workshop_course::lesson::model::Course;
use workshop_engine::aws::clients::Caller;
use workshop_engine::aws::stack::{self, Stack};
use workshop_engine::aws::{Clients, Environment, Error};

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
        let mut claimed = TemporaryStacks { stacks: Vec::new(), account, clients };
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
        claimed.stacks = stacks;
        Ok(claimed)
    }

    fn place(&self, stack: &str) -> String {
        format!("stack {stack} in account {}, {}", self.account, self.clients.region)
    }

    /// Deletes what the run has made, the newest first: it may stand on those before it.
    ///
    /// # Errors
    /// When a stack does not go: then it says how to delete it by hand. The others are deleted all the same.
    pub async fn release(mut self, stop: &CancellationToken) -> Result<()> {
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

/// Tells whoever stops a run at once of what is left.
impl Drop for TemporaryStacks {
    fn drop(&mut self) {
        for name in self.stacks.iter().rev() {
            let (place, by_hand) = (self.place(name), self.by_hand(name));
            say(&format!("{place} was not deleted; if it is there, it may cost money: {by_hand}"));
        }
    }
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

    use crate::tui::fixture;
    use workshop_course::lesson::model::{DeployStep, Step, StepAction};

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
        course.stack = None;
        assert_eq!(course.stacks(), ["Network"]);
    }
}
