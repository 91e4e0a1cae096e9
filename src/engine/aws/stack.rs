//! CloudFormation stacks: where one stands, what happened to it, what it holds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types as cfn;
use regex::Regex;

use super::Clients;
use super::error::{Error, Result, explain};

/// The stack that `cdk bootstrap` makes.
pub const TOOLKIT: &str = "CDKToolkit";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN: unlike its name, it stays valid after the stack is deleted.
    pub id: String,
    /// `CREATE_COMPLETE`, …
    pub status: String,
    pub reason: Option<String>,
    pub outputs: Vec<StackOutput>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackOutput {
    pub key: String,
    pub value: String,
    pub description: Option<String>,
}

impl Stack {
    /// Tells whether an operation is under way.
    pub fn in_progress(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }
    /// Returns the outputs, value by key.
    pub fn outputs(&self) -> BTreeMap<String, String> {
        self.outputs.iter().map(|o| (o.key.clone(), o.value.clone())).collect()
    }
}

/// One line of a stack's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEvent {
    pub id: String,
    /// Milliseconds since 1970-01-01 UTC, by CloudFormation's clock.
    pub at: u64,
    pub logical_id: String,
    pub physical_id: Option<String>,
    pub resource_type: String,
    pub status: String,
    pub reason: Option<String>,
}

impl StackEvent {
    /// Tells whether this is about the stack as a whole.
    pub fn is_stack(&self) -> bool {
        self.resource_type == "AWS::CloudFormation::Stack"
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResource {
    pub logical_id: String,
    pub physical_id: Option<String>,
    pub resource_type: String,
    pub status: String,
}

/// CloudFormation answers a stack that is not there with a ValidationError of this text.
fn is_missing(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ValidationError") && error.message().is_some_and(|m| m.contains("does not exist"))
}

/// The stack by name or ARN; None when there is none (or only one that is waiting for its first change set).
///
/// # Errors
/// As every AWS call.
pub async fn describe(clients: &Clients, name: &str) -> Result<Option<Stack>> {
    match clients.cloudformation.describe_stacks().stack_name(name).send().await {
        Ok(answer) => Ok(answer.stacks.unwrap_or_default().into_iter().next().map(stack_of)),
        Err(error) if error.as_service_error().is_some_and(is_missing) => Ok(None),
        Err(error) => Err(explain("cloudformation:DescribeStacks", error)),
    }
}

fn stack_of(stack: cfn::Stack) -> Stack {
    let outputs = stack.outputs.unwrap_or_default().into_iter().map(|o| StackOutput {
        key: o.output_key.unwrap_or_default(),
        value: o.output_value.unwrap_or_default(),
        description: o.description,
    });
    Stack {
        id: stack.stack_id.unwrap_or_default(),
        status: stack.stack_status.map(|s| s.as_str().to_owned()).unwrap_or_default(),
        reason: stack.stack_status_reason,
        outputs: outputs.collect(),
    }
}

/// Events after the one named `since`, oldest first; without `since`, the whole history.
/// A stack that is not there has none.
///
/// # Errors
/// As every AWS call.
pub async fn events(clients: &Clients, name: &str, since: Option<&str>) -> Result<Vec<StackEvent>> {
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let call = clients.cloudformation.describe_stack_events().stack_name(name).set_next_token(token);
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(is_missing) => break,
            Err(error) => return Err(explain("cloudformation:DescribeStackEvents", error)),
        };
        // The service answers newest first: stop at what is already known.
        for event in answer.stack_events.unwrap_or_default() {
            if event.event_id.as_deref() == since && since.is_some() {
                found.reverse();
                return Ok(found);
            }
            found.push(event_of(event));
        }
        token = answer.next_token;
        if token.is_none() {
            break;
        }
    }
    found.reverse();
    Ok(found)
}

fn event_of(event: cfn::StackEvent) -> StackEvent {
    let at = event.timestamp.and_then(|t| t.to_millis().ok()).and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default();
    StackEvent {
        id: event.event_id.unwrap_or_default(),
        at,
        logical_id: event.logical_resource_id.unwrap_or_default(),
        physical_id: event.physical_resource_id.filter(|id| !id.is_empty()),
        resource_type: event.resource_type.unwrap_or_default(),
        status: event.resource_status.map(|s| s.as_str().to_owned()).unwrap_or_default(),
        reason: event.resource_status_reason,
    }
}

/// Lists what the stack holds.
///
/// # Errors
/// As every AWS call; a missing stack is [`Error::Service`].
pub async fn resources(clients: &Clients, name: &str) -> Result<Vec<StackResource>> {
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let call = clients.cloudformation.list_stack_resources().stack_name(name).set_next_token(token);
        let answer = call.send().await.map_err(|e| explain("cloudformation:ListStackResources", e))?;
        found.extend(answer.stack_resource_summaries.unwrap_or_default().into_iter().map(|r| StackResource {
            logical_id: r.logical_resource_id.unwrap_or_default(),
            physical_id: r.physical_resource_id,
            resource_type: r.resource_type.unwrap_or_default(),
            status: r.resource_status.map(|s| s.as_str().to_owned()).unwrap_or_default(),
        }));
        token = answer.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Stops an update that is under way; CloudFormation rolls it back.
///
/// # Errors
/// When no update is under way, and as every AWS call.
pub async fn cancel_update(clients: &Clients, name: &str) -> Result<()> {
    clients
        .cloudformation
        .cancel_update_stack()
        .stack_name(name)
        .send()
        .await
        .map_err(|e| explain("cloudformation:CancelUpdateStack", e))?;
    Ok(())
}

/// Begins to delete a stack; it is gone when [`describe`] with its ARN says `DELETE_COMPLETE`.
///
/// # Errors
/// As every AWS call.
pub async fn delete(clients: &Clients, id: &str) -> Result<()> {
    let call = clients.cloudformation.delete_stack().stack_name(id);
    call.send().await.map_err(|e| explain("cloudformation:DeleteStack", e))?;
    Ok(())
}

/// `Resource handler returned message: "…" (RequestToken: …, HandlerErrorCode: NotFound)`, and in it, at its end,
/// `(Service: Iam, Status Code: 404, Request ID: …)`, with `SDK Attempt Count` in the same brackets or behind them (reasons in
/// events of stacks, 2024 to 2026).
static WRAPPED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let (service, count) = (r" \(Service: [^()]*, Request ID: [^()]*\)", r" \(SDK Attempt Count: \d+\)");
    let pattern = format!(
        r#"(?s)^Resource handler returned message: "(.+?)(?:{service})?(?:{count})?" \(RequestToken: [^,()]+, HandlerErrorCode: (\w+)\)$"#
    );
    Regex::new(&pattern).ok()
});

/// Returns the sentence of a resource's handler without what CloudFormation puts around it and nobody reads; any other reason
/// as it is.
pub fn sentence(reason: &str) -> Cow<'_, str> {
    let found = WRAPPED.as_ref().and_then(|wrapped| wrapped.captures(reason.trim()));
    found.map_or(Cow::Borrowed(reason), |found| format!("{} ({})", &found[1], &found[2]).into())
}

/// Advises on a stack in a state that a deploy cannot simply start from. None for any other.
pub fn way_out(status: &str) -> Option<&'static str> {
    Some(match status {
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => {
            "repair the cause and run it again: the CDK replaces a stack whose first create failed"
        }
        "UPDATE_ROLLBACK_FAILED" | "UPDATE_FAILED" => {
            "repair the cause, then `npx cdk rollback` where cdk.json is, then run it again"
        }
        "DELETE_FAILED" => {
            "a delete has stopped half-way, and no deploy starts from there: see in the stack's events what could not \
             be deleted and why (a cluster may be protected from it), then `npx cdk destroy` where cdk.json is, then run it again"
        }
        "UPDATE_ROLLBACK_COMPLETE" => "the stack is as it was before: repair the cause and run it again",
        status if status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS" => {
            "it is being changed by someone: wait until that has ended, then run it again"
        }
        _ => return None,
    })
}

/// Tells whether `cdk bootstrap` has run in this account and region.
///
/// # Errors
/// As every AWS call.
pub async fn bootstrapped(clients: &Clients) -> Result<bool> {
    Ok(describe(clients, TOOLKIT)
        .await?
        .is_some_and(|s| !s.status.starts_with("ROLLBACK") && s.status != "REVIEW_IN_PROGRESS"))
}

impl Error {
    /// Tells whether CloudFormation said that the stack is not there.
    pub fn is_missing_stack(&self) -> bool {
        matches!(self, Error::Service { code, message, .. } if code == "ValidationError" && message.contains("does not exist"))
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn what_a_handler_says_comes_without_its_wrapping() {
        let token = "(RequestToken: 7e73d9ea-997d-47b6-a2aa-e09236fc38ca, HandlerErrorCode: NotFound)";
        for around in [
            "",
            " (Service: Iam, Status Code: 404, Request ID: dd5ef75c-72a7-4912-938b-77fd88eba29c)",
            " (Service: Lambda, Status Code: 404, Request ID: dd5ef75c, SDK Attempt Count: 1)",
            " (Service: Sqs, Status Code: 404, Request ID: dd5ef75c) (SDK Attempt Count: 1)",
        ] {
            let reason =
                format!("Resource handler returned message: \"The \"role\" (x) is not there.{around}\" {token}");
            assert_eq!(sentence(&reason), "The \"role\" (x) is not there. (NotFound)");
        }
        let plain = "Resource of type 'AWS::S3::Bucket' with identifier 'x' already exists.";
        assert_eq!(sentence(plain), plain);
    }
}
