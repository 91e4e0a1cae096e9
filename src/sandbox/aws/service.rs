//! One call of one operation: what a service sees of it, and what it may answer.
//!
//! Services are functions from the world and a call to [`Response`]. Invariant: they wait for nothing. What
//! takes time (an invocation, a database, a deploy) is a [`Response`] for the shell to do.

use serde_json::Value;

use super::error::{AwsError, AwsResult};
use super::http::{HttpRequest, HttpResponse};
use super::ids::Ids;
use super::protocol::{self, Protocol};
use super::records::FunctionRecord;
use super::service_model;
use super::state::CloudState;
use super::store::Store;
use super::time::Instant;
use crate::iam::{self, policy::Context};
use crate::interfaces::{Credential, Decision, Invocation};

/// All that is remembered, and where names and uploads come from.
pub(crate) struct World {
    pub state: CloudState,
    pub ids: Ids,
    pub store: Store,
    /// Functions that are being handed to the Lambda service, as often as they are.
    pub updating: Vec<String>,
    /// Set while the state differs from what is on disk.
    pub dirty: bool,
}

pub(crate) struct Call<'a> {
    pub world: &'a mut World,
    pub now: Instant,
    pub caller: &'a Credential,
    pub request: &'a HttpRequest,
    pub request_id: &'a str,
    pub service: &'a str,
    pub protocol: Protocol,
}

/// The outcome of a call: an answer, or what is to be done before it.
#[derive(Debug, PartialEq)]
pub(crate) enum Response {
    /// The result of an operation of the query protocol.
    Query(Value),
    /// A JSON answer with its status.
    Json(u16, Value),
    Http(HttpResponse),
    /// Run a version of a function, which the Lambda service knows by `key`, then answer.
    Invoke {
        key: String,
        call: Invocation,
        version: String,
        tail: bool,
    },
    /// Answer now, run the function afterwards.
    InvokeLater {
        key: String,
        call: Invocation,
    },
    /// Hand a function and its new version to the Lambda service, then answer; on a refusal it is again what it was.
    PutFunction {
        keys: Vec<String>,
        old: Option<Box<FunctionRecord>>,
        status: u16,
        answer: Value,
    },
    RemoveFunctions {
        keys: Vec<String>,
    },
    /// Close the URLs and APIs that the state no longer has, then answer with nothing.
    CloseFronts,
    /// Open a function's URL, then show it.
    OpenUrl {
        function: String,
        qualifier: Option<String>,
        status: u16,
    },
    /// Start what the stack's operation asks for, and answer.
    Drive {
        stack: String,
        answer: Value,
    },
    /// Wait until nothing is under way on the stack, then describe it.
    Settle {
        stack: String,
    },
    /// Bring up a cluster's database, and answer.
    Ensure {
        cluster: String,
        answer: Value,
    },
    /// Take a cluster's database down, and answer.
    Drop {
        cluster: String,
        answer: Value,
    },
}

impl Call<'_> {
    /// Asks IAM; refuses in the service's own way.
    pub(crate) fn allow(&self, action: &str, resource: &str) -> AwsResult<()> {
        self.allow_with(action, resource, &Context::new())
    }

    /// Asks IAM, with further condition keys (`sts:externalid`); refuses in the service's own way.
    pub(crate) fn allow_with(&self, action: &str, resource: &str, context: &Context) -> AwsResult<()> {
        let principal = &self.caller.principal;
        let decision = self.world.state.iam.authorize(principal, action, resource, self.now, context);
        match decision {
            Decision::Allow => Ok(()),
            Decision::NoPolicyAllows | Decision::ExplicitDeny => {
                let (status, code) = match self.protocol {
                    Protocol::Query | Protocol::RestXml => (403, "AccessDenied"),
                    Protocol::Json => (400, "AccessDeniedException"),
                    Protocol::RestJson => (403, "AccessDeniedException"),
                };
                Err(AwsError::new(status, code, iam::denied(principal, action, resource, &decision)))
            }
        }
    }

    /// Asks IAM, and, only where no policy of the caller's says anything, the policy of the resource itself: an explicit
    /// Deny wins over whatever that allows (IAM user guide, "Policy evaluation logic").
    pub(crate) fn allow_or(&self, action: &str, resource: &str, by_resource: impl FnOnce() -> bool) -> AwsResult<()> {
        let (iam, caller) = (&self.world.state.iam, &self.caller.principal);
        let decision = iam.authorize(caller, action, resource, self.now, &Context::new());
        match decision {
            Decision::NoPolicyAllows if by_resource() => Ok(()),
            Decision::Allow | Decision::NoPolicyAllows | Decision::ExplicitDeny => self.allow(action, resource),
        }
    }

    /// Refuses an operation, by its name, that the sandbox does not have.
    pub(crate) fn not_served(&self, operation: &str) -> AwsError {
        protocol::not_served(self.service, self.protocol, operation)
    }

    /// Refuses an operation of a REST service by its name, or by its path where no operation has that.
    pub(crate) fn not_served_route(&self) -> AwsError {
        match service_model::operation(self.service, self.request) {
            Some(operation) => self.not_served(operation),
            None => self.not_served(&protocol::operation_hint(self.protocol, self.request)),
        }
    }

    /// Returns the ARN of a thing of the account in the sandbox's Region.
    pub(crate) fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.world.state.region, self.world.state.account)
    }

    /// The JSON body; an empty one is an empty map.
    pub(crate) fn json(&self) -> AwsResult<Value> {
        if self.request.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&self.request.body).map_err(|error| {
            AwsError::new(400, "SerializationException", format!("Could not parse request body into json: {error}"))
        })
    }

    /// Marks the state as one to be saved.
    pub(crate) fn changed(&mut self) {
        self.world.dirty = true;
    }
}

/// A text member of an input; empty counts as missing.
pub(crate) fn text<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// A truth value, which the query protocol writes as text.
pub(crate) fn flag(input: &Value, name: &str) -> bool {
    input.get(name).is_some_and(|value| value == true || value == "true")
}

/// The members of a list, or none.
pub(crate) fn items<'a>(input: &'a Value, name: &str) -> &'a [Value] {
    input.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// One page of a list: tokens are positions.
pub(crate) fn page<T>(all: Vec<T>, token: Option<&str>, size: usize) -> AwsResult<(Vec<T>, Option<String>)> {
    let start: usize = match token {
        None => 0,
        Some(token) => {
            token.parse().map_err(|_| AwsError::validation("the token given to continue a list is not valid"))?
        }
    };
    let end = start.saturating_add(size);
    let more = (end < all.len()).then(|| end.to_string());
    Ok((all.into_iter().skip(start).take(size).collect(), more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_to_the_whole() {
        let all: Vec<u32> = (0..7).collect();
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let (part, next) = page(all.clone(), token.as_deref(), 3).unwrap();
            seen.extend(part);
            match next {
                Some(next) => token = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, all);
        assert!(page(all.clone(), Some("x"), 3).is_err());
        assert_eq!(page(all, Some(&usize::MAX.to_string()), 3).unwrap(), (vec![], None));
    }
}
