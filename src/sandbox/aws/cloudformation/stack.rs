//! A stack as it is stored: its resources, events, outputs and change sets.
//!
//! Invariant: a stack's events have strictly increasing timestamps; clients page and compare by them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::changes::Change;
use super::engine::Operation;
use super::parameters::Parameter;
use crate::aws::ids::Ids;
use crate::aws::time::Instant;

/// Events kept per stack; the oldest quarter goes when there are more.
const MOST_EVENTS: usize = 4000;

macro_rules! statuses {
    ($($variant:ident $text:literal,)*) => {
        /// Of stacks and of resources.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Status { $(#[serde(rename = $text)] $variant,)* }

        impl Status {
            pub fn as_str(self) -> &'static str {
                match self { $(Status::$variant => $text,)* }
            }
        }
    };
}

statuses! {
    ReviewInProgress "REVIEW_IN_PROGRESS",
    CreateInProgress "CREATE_IN_PROGRESS",
    CreateFailed "CREATE_FAILED",
    CreateComplete "CREATE_COMPLETE",
    ImportComplete "IMPORT_COMPLETE",
    RollbackInProgress "ROLLBACK_IN_PROGRESS",
    RollbackFailed "ROLLBACK_FAILED",
    RollbackComplete "ROLLBACK_COMPLETE",
    DeleteInProgress "DELETE_IN_PROGRESS",
    DeleteFailed "DELETE_FAILED",
    DeleteComplete "DELETE_COMPLETE",
    DeleteSkipped "DELETE_SKIPPED",
    UpdateInProgress "UPDATE_IN_PROGRESS",
    UpdateCompleteCleanupInProgress "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    UpdateComplete "UPDATE_COMPLETE",
    UpdateFailed "UPDATE_FAILED",
    UpdateRollbackInProgress "UPDATE_ROLLBACK_IN_PROGRESS",
    UpdateRollbackFailed "UPDATE_ROLLBACK_FAILED",
    UpdateRollbackCompleteCleanupInProgress "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    UpdateRollbackComplete "UPDATE_ROLLBACK_COMPLETE",
}

impl Status {
    /// Whether something is under way, so that the status will change by itself.
    pub fn in_progress(self) -> bool {
        self != Status::ReviewInProgress && self.as_str().ends_with("_IN_PROGRESS")
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// `AWS::Lambda::Function`, …
    pub kind: String,
    pub physical_id: Option<String>,
    pub attributes: Map<String, Value>,
    /// As last applied, functions evaluated.
    pub properties: Value,
    pub metadata: Value,
    pub status: Status,
    pub reason: Option<String>,
    pub updated: Instant,
    /// Logical ids that were there first and go last.
    pub depends_on: Vec<String>,
    pub deletion_policy: Option<String>,
    pub replace_policy: Option<String>,
}

impl Resource {
    pub fn new(kind: &str) -> Self {
        Resource {
            kind: kind.into(),
            physical_id: None,
            attributes: Map::new(),
            properties: Value::Object(Map::new()),
            metadata: Value::Null,
            status: Status::CreateInProgress,
            reason: None,
            updated: Instant(0),
            depends_on: Vec::new(),
            deletion_policy: None,
            replace_policy: None,
        }
    }

    /// Whether there is something behind it.
    pub fn exists(&self) -> bool {
        !matches!(self.status, Status::DeleteComplete | Status::DeleteSkipped | Status::CreateFailed)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub id: String,
    pub at: Instant,
    pub logical_id: String,
    pub physical_id: String,
    pub kind: String,
    pub status: Status,
    pub reason: Option<String>,
    /// JSON text, on the first event of an action.
    pub properties: Option<String>,
    pub token: Option<String>,
    pub operation_id: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    pub key: String,
    pub value: String,
    pub description: Option<String>,
    pub export: Option<String>,
}

/// What a stack is meant to become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// As it was submitted.
    pub text: String,
    pub template: Value,
    pub parameters: BTreeMap<String, Parameter>,
    pub role_arn: Option<String>,
    pub capabilities: Vec<String>,
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeSet {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub created: Instant,
    pub update: bool,
    pub target: Target,
    pub changes: Vec<Change>,
    /// Why it cannot be executed.
    pub failed: Option<String>,
    pub executed: bool,
    pub express: bool,
    pub no_rollback: bool,
    pub import_existing: bool,
    pub include_nested: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    pub id: String,
    pub name: String,
    pub status: Status,
    pub reason: Option<String>,
    pub created: Instant,
    pub updated: Option<Instant>,
    pub deleted: Option<Instant>,
    pub target: Target,
    pub resources: BTreeMap<String, Resource>,
    pub outputs: Vec<Output>,
    /// Oldest first.
    pub events: Vec<Event>,
    /// By id.
    pub change_sets: BTreeMap<String, ChangeSet>,
    pub termination_protection: bool,
    pub disable_rollback: bool,
    /// What is under way.
    pub operation: Option<Operation>,
    /// An operation that failed and was told not to roll back.
    pub suspended: Option<Operation>,
    pub operation_id: String,
}

impl Stack {
    pub fn new(name: &str, account: &str, region: &str, target: Target, now: Instant, ids: &mut Ids) -> Self {
        Stack {
            id: format!("arn:aws:cloudformation:{region}:{account}:stack/{name}/{}", ids.uuid()),
            name: name.into(),
            status: Status::ReviewInProgress,
            reason: None,
            created: now,
            updated: None,
            deleted: None,
            target,
            resources: BTreeMap::new(),
            outputs: Vec::new(),
            events: Vec::new(),
            change_sets: BTreeMap::new(),
            termination_protection: false,
            disable_rollback: false,
            operation: None,
            suspended: None,
            operation_id: ids.uuid(),
        }
    }

    /// Sets the status and says so in the events.
    pub fn set_status(&mut self, status: Status, reason: Option<&str>, now: Instant, ids: &mut Ids) {
        self.status = status;
        self.reason = reason.map(str::to_owned);
        let (name, id) = (self.name.clone(), self.id.clone());
        let token = self.operation.as_ref().and_then(|o| o.token.clone());
        self.event(&name, &id, "AWS::CloudFormation::Stack", status, reason, None, token, now, ids);
    }

    /// Sets a resource's status and says so in the events.
    pub fn resource_event(
        &mut self,
        logical_id: &str,
        resource: &Resource,
        status: Status,
        reason: Option<&str>,
        now: Instant,
        ids: &mut Ids,
    ) {
        let physical = resource.physical_id.clone().unwrap_or_default();
        let properties = matches!(status, Status::CreateInProgress | Status::UpdateInProgress | Status::CreateFailed)
            .then(|| resource.properties.to_string());
        let token = self.operation.as_ref().and_then(|o| o.token.clone());
        self.event(logical_id, &physical, &resource.kind, status, reason, properties, token, now, ids);
    }

    #[expect(clippy::too_many_arguments, reason = "one event has this many facts; a builder would only rename them")]
    fn event(
        &mut self,
        logical_id: &str,
        physical_id: &str,
        kind: &str,
        status: Status,
        reason: Option<&str>,
        properties: Option<String>,
        token: Option<String>,
        now: Instant,
        ids: &mut Ids,
    ) {
        if self.events.len() >= MOST_EVENTS {
            self.events.drain(..MOST_EVENTS / 4);
        }
        let at = self.events.last().map_or(now, |last| Instant(now.0.max(last.at.0 + 1)));
        let id = match kind {
            "AWS::CloudFormation::Stack" => ids.uuid(),
            _ => format!("{logical_id}-{}-{}", status.as_str(), at.iso()),
        };
        self.events.push(Event {
            id,
            at,
            logical_id: logical_id.into(),
            physical_id: physical_id.into(),
            kind: kind.into(),
            status,
            reason: reason.map(str::to_owned),
            properties,
            token,
            operation_id: self.operation_id.clone(),
        });
    }

    /// By name or id.
    pub fn change_set(&self, name_or_id: &str) -> Option<&ChangeSet> {
        self.change_sets.values().find(|set| set.name == name_or_id || set.id == name_or_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_never_share_a_timestamp() {
        let mut ids = Ids::seeded(1);
        let target = Target {
            text: String::new(),
            template: Value::Null,
            parameters: BTreeMap::new(),
            role_arn: None,
            capabilities: Vec::new(),
            tags: BTreeMap::new(),
        };
        let mut stack = Stack::new("s", "1", "r", target, Instant(5), &mut ids);
        for now in [5, 5, 3, 9] {
            stack.set_status(Status::CreateInProgress, None, Instant(now), &mut ids);
        }
        let times: Vec<u64> = stack.events.iter().map(|e| e.at.0).collect();
        assert_eq!(times, [5, 6, 7, 9]);
    }

    #[test]
    fn a_status_is_stored_as_it_is_shown() {
        let status = Status::UpdateRollbackCompleteCleanupInProgress;
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        assert!(status.in_progress() && !Status::ReviewInProgress.in_progress());
    }
}
