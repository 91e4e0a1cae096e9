//! The common ground of all handlers: their context, what they leave to be done, names and refusals.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::aws::cloudformation::engine::Created;
use crate::aws::cloudformation::model::{ResourceJob, Verb};
use crate::aws::error::AwsError;
use crate::aws::ids::Ids;
use crate::aws::records::FunctionRecord;
use crate::aws::service::World;
use crate::aws::tags;
use crate::aws::time::Instant;

/// The work that is left after the state has changed.
#[derive(Debug)]
pub(crate) enum ResourceWork {
    Done(Created),
    /// Hand a version to the Lambda service. `old` is what the function was, to be put back on a refusal.
    PutFunction {
        key: String,
        created: Created,
        old: Option<Box<FunctionRecord>>,
    },
    RemoveFunctions {
        keys: Vec<String>,
        created: Created,
    },
    OpenUrl {
        function: String,
        qualifier: Option<String>,
        created: Created,
    },
    OpenApi {
        id: String,
        created: Created,
    },
    /// Close the URLs and APIs that the state no longer has.
    CloseFronts(Created),
    /// Bring up the cluster's database.
    Ensure {
        cluster: String,
    },
    Drop {
        cluster: String,
    },
}

pub(crate) struct ResourceContext<'a> {
    pub world: &'a mut World,
    pub stack: &'a str,
    pub stack_id: &'a str,
    /// The stack's own, which its resources get.
    pub stack_tags: &'a BTreeMap<String, String>,
    pub now: Instant,
}

/// Who else tags a resource than its template and its stack: the schemas of types say it (`cloudFormationSystemTags`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SystemTags {
    /// CloudFormation tells whose it is.
    Given,
    None,
}

pub(crate) type HandlerResult = Result<ResourceWork, String>;

impl ResourceContext<'_> {
    /// Returns the tags that a resource gets: the stack's, its own, which count where both have one, and CloudFormation's
    /// (localstack/localstack, test_cfn_lambda_permissions).
    pub(super) fn tags(&self, job: &ResourceJob, system: SystemTags) -> BTreeMap<String, String> {
        let mut all = self.stack_tags.clone();
        all.extend(tags::map(&job.properties["Tags"]).unwrap_or_default());
        if system == SystemTags::Given {
            let whose = [("logical-id", &*job.logical_id), ("stack-id", self.stack_id), ("stack-name", self.stack)];
            all.extend(whose.map(|(name, value)| (format!("{}{name}", tags::SYSTEM), value.to_owned())));
        }
        all
    }

    /// `Stack-LogicalId-XXXXXXXXXXXX`, cut to what the service takes.
    pub(super) fn name(&mut self, logical_id: &str, longest: usize) -> String {
        let tail = self.world.ids.suffix();
        let mut head = format!("{}-{logical_id}", self.stack);
        head.truncate(longest - tail.len() - 1);
        format!("{head}-{tail}")
    }
}

/// The property that names a resource, or else a name made up.
pub(super) fn named(context: &mut ResourceContext<'_>, job: &ResourceJob, property: &str, longest: usize) -> String {
    match text(&job.properties, property) {
        Some(name) => name,
        None => context.name(&job.logical_id, longest),
    }
}

/// Returns a property as text; empty counts as missing.
pub(super) fn text(properties: &Value, name: &str) -> Option<String> {
    properties.get(name).and_then(crate::aws::cloudformation::resolve::scalar).filter(|text| !text.is_empty())
}

/// Returns a handler's answer.
pub(super) fn created(
    physical_id: impl Into<String>,
    attributes: impl IntoIterator<Item = (&'static str, Value)>,
) -> Created {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>();
    Created { physical_id: physical_id.into(), attributes }
}

/// Returns the name of the resource that is there, for an update or a delete.
pub(super) fn physical(job: &ResourceJob) -> String {
    job.previous.as_ref().and_then(|r| r.physical_id.clone()).or_else(|| job.physical_id.clone()).unwrap_or_default()
}

/// Tells that a job makes a new resource, in the first place or in another's.
pub(super) fn creates(job: &ResourceJob) -> bool {
    matches!(job.verb, Verb::Create | Verb::Replace)
}

/// A refusal in the words that CloudFormation wraps a service's words in.
pub(super) fn refusal(ids: &mut Ids, service: &str, error: &AwsError, code: &str) -> String {
    format!(
        "Resource handler returned message: \"{} (Service: {service}, Status Code: {}, Request ID: {})\" \
         (RequestToken: {}, HandlerErrorCode: {code})",
        error.message,
        error.status,
        ids.uuid(),
        ids.uuid()
    )
}

/// Refuses a name that is taken.
pub(super) fn already_exists(ids: &mut Ids, kind: &str, name: &str) -> String {
    format!(
        "Resource handler returned message: \"Resource of type '{kind}' with identifier '{name}' already exists.\" \
         (RequestToken: {}, HandlerErrorCode: AlreadyExists)",
        ids.uuid()
    )
}
