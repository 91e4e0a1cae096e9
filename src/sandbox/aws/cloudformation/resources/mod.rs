//! The resource types: what creating, updating and deleting each of them does to the world.
//!
//! [`start`] changes the state and says what has to be waited for; the shell waits and calls `settled` or
//! `undo`. Invariant: a handler that refuses has changed nothing.

mod data;
mod dsql;
mod iam;
mod lambda;

use serde_json::{Map, Value};

use super::engine::{Job, Made, Verb};
use crate::aws::error::AwsError;
use crate::aws::ids::Ids;
use crate::aws::lambda::Function;
use crate::aws::service::World;
use crate::aws::time::Instant;

/// What is left to do after the state has changed.
#[derive(Debug)]
pub enum Work {
    Done(Made),
    /// Hand the function to the Lambda service. `old` is what it was, to be put back on a refusal.
    PutFunction {
        name: String,
        made: Made,
        old: Option<Box<Function>>,
    },
    RemoveFunction {
        name: String,
    },
    /// Bring up the cluster's database.
    Ensure {
        cluster: String,
    },
    Drop {
        cluster: String,
    },
}

pub struct Place<'a> {
    pub world: &'a mut World,
    pub stack: &'a str,
    pub now: Instant,
}

pub type Handled = Result<Work, String>;

/// Does what can be done at once.
pub fn start(place: &mut Place<'_>, job: &Job) -> Handled {
    place.world.dirty = true;
    match job.kind.as_str() {
        "AWS::CDK::Metadata" => Ok(data::nameless(place, job)),
        "AWS::DSQL::Cluster" => dsql::cluster(place, job),
        "AWS::ECR::Repository" | "AWS::KMS::Key" | "AWS::KMS::Alias" => data::inert(place, job),
        "AWS::IAM::ManagedPolicy" => iam::managed_policy(place, job),
        "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" => iam::inline_policy(place, job),
        "AWS::IAM::Role" => iam::role(place, job),
        "AWS::Lambda::Function" => lambda::function(place, job),
        "AWS::Logs::LogGroup" => data::log_group(place, job),
        "AWS::S3::Bucket" => data::bucket(place, job),
        "AWS::S3::BucketPolicy" => data::bucket_policy(place, job),
        "AWS::SSM::Parameter" => data::parameter(place, job),
        other => Err(format!("the workshop sandbox has no handler for {other}")),
    }
}

/// A cluster's database is up.
pub fn cluster_ready(world: &mut World, cluster: &str) -> Result<Made, String> {
    dsql::ready(world, cluster)
}

impl Place<'_> {
    /// `Stack-LogicalId-XXXXXXXXXXXX`, cut to what the service takes.
    fn name(&mut self, logical_id: &str, longest: usize) -> String {
        let tail = self.world.ids.suffix();
        let mut head = format!("{}-{logical_id}", self.stack);
        head.truncate(longest - tail.len() - 1);
        format!("{head}-{tail}")
    }
}

/// The property that names a resource, or else a name made up.
fn named(place: &mut Place<'_>, job: &Job, property: &str, longest: usize) -> String {
    match text(&job.properties, property) {
        Some(name) => name,
        None => place.name(&job.logical_id, longest),
    }
}

fn text(properties: &Value, name: &str) -> Option<String> {
    properties.get(name).and_then(super::resolve::scalar).filter(|text| !text.is_empty())
}

fn truth(properties: &Value, name: &str) -> bool {
    text(properties, name).is_some_and(|text| text == "true")
}

fn made(physical_id: impl Into<String>, attributes: impl IntoIterator<Item = (&'static str, Value)>) -> Made {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>();
    Made { physical_id: physical_id.into(), attributes }
}

/// What is there, for an update or a delete.
fn physical(job: &Job) -> String {
    job.previous.as_ref().and_then(|r| r.physical_id.clone()).or_else(|| job.physical_id.clone()).unwrap_or_default()
}

fn creates(job: &Job) -> bool {
    matches!(job.verb, Verb::Create | Verb::Replace)
}

/// A refusal in the words that CloudFormation wraps a service's words in.
fn refusal(ids: &mut Ids, service: &str, error: &AwsError, code: &str) -> String {
    format!(
        "Resource handler returned message: \"{} (Service: {service}, Status Code: {}, Request ID: {})\" \
         (RequestToken: {}, HandlerErrorCode: {code})",
        error.message,
        error.status,
        ids.uuid(),
        ids.uuid()
    )
}

fn already_exists(ids: &mut Ids, kind: &str, name: &str) -> String {
    format!(
        "Resource handler returned message: \"Resource of type '{kind}' with identifier '{name}' already exists.\" \
         (RequestToken: {}, HandlerErrorCode: AlreadyExists)",
        ids.uuid()
    )
}
