//! Stacks as they are stored: their resources, events, outputs, change sets, and what is under way on them.
//!
//! Data alone; what happens to it is the other files' business. Invariant: what an older version wrote can be read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::findings::{DriftDetection, ValidationFinding};
use crate::aws::time::Instant;

macro_rules! statuses {
    ($($variant:ident $text:literal,)*) => {
        /// Of stacks and of resources.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) enum StackStatus { $(#[serde(rename = $text)] $variant,)* }

        impl StackStatus {
            /// Returns it as CloudFormation writes it.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(StackStatus::$variant => $text,)* }
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

impl StackStatus {
    /// Tells that something is under way, so that the status will change by itself.
    pub(crate) fn in_progress(self) -> bool {
        self != StackStatus::ReviewInProgress && self.as_str().ends_with("_IN_PROGRESS")
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Resource {
    /// `AWS::Lambda::Function`, …
    pub kind: String,
    pub physical_id: Option<String>,
    pub attributes: Map<String, Value>,
    /// As last applied, functions evaluated.
    pub properties: Value,
    pub metadata: Value,
    pub status: StackStatus,
    pub reason: Option<String>,
    pub updated: Instant,
    /// Logical ids that were there first and go last.
    pub depends_on: Vec<String>,
    pub deletion_policy: Option<String>,
    pub replace_policy: Option<String>,
}

impl Resource {
    /// Returns one that is just being created, of a type (`AWS::S3::Bucket`).
    pub(crate) fn new(kind: &str) -> Self {
        Resource {
            kind: kind.into(),
            physical_id: None,
            attributes: Map::new(),
            properties: Value::Object(Map::new()),
            metadata: Value::Null,
            status: StackStatus::CreateInProgress,
            reason: None,
            updated: Instant(0),
            depends_on: Vec::new(),
            deletion_policy: None,
            replace_policy: None,
        }
    }

    /// Tells that there is something behind it.
    pub(crate) fn exists(&self) -> bool {
        !matches!(self.status, StackStatus::DeleteComplete | StackStatus::DeleteSkipped | StackStatus::CreateFailed)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StackEvent {
    pub id: String,
    pub at: Instant,
    pub logical_id: String,
    pub physical_id: String,
    pub kind: String,
    pub status: StackStatus,
    pub reason: Option<String>,
    /// JSON text, on the first event of an action.
    pub properties: Option<String>,
    pub token: Option<String>,
    pub operation_id: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StackOutput {
    pub key: String,
    pub value: String,
    pub description: Option<String>,
    pub export: Option<String>,
}

/// A value that a stack exports under a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StackExport {
    pub value: String,
    /// The name of the stack.
    pub stack: String,
}

/// A stack as it is meant to become: template, parameters, role, tags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StackDefinition {
    /// As it was submitted.
    pub text: String,
    pub template: Value,
    pub parameters: BTreeMap<String, StackParameter>,
    pub role_arn: Option<String>,
    pub capabilities: Vec<String>,
    pub tags: BTreeMap<String, String>,
}

/// The state of a change set's execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum ChangeSetExecution {
    #[default]
    NotBegun,
    InProgress,
    Complete,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangeSet {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub created: Instant,
    pub update: bool,
    pub target: StackDefinition,
    pub changes: Vec<ResourceChange>,
    /// Why it cannot be executed.
    pub failed: Option<String>,
    #[serde(default)]
    pub findings: Vec<ValidationFinding>,
    #[serde(default)]
    pub execution: ChangeSetExecution,
    /// The stack was changed otherwise since it was made.
    #[serde(default)]
    pub obsolete: bool,
    pub express: bool,
    /// An express one is taken back all the same when it fails.
    #[serde(default)]
    pub express_rolls_back: bool,
    pub no_rollback: bool,
    /// Delete the stack when its creation fails.
    #[serde(default)]
    pub delete_on_failure: bool,
    pub import_existing: bool,
    pub include_nested: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stack {
    pub id: String,
    pub name: String,
    pub status: StackStatus,
    pub reason: Option<String>,
    pub created: Instant,
    pub updated: Option<Instant>,
    /// The time at which it began to be deleted, or to be rolled back as it was made.
    pub deleted: Option<Instant>,
    pub target: StackDefinition,
    pub resources: BTreeMap<String, Resource>,
    pub outputs: Vec<StackOutput>,
    /// Oldest first.
    pub events: Vec<StackEvent>,
    /// By id. One that was executed stays, to be described.
    pub change_sets: BTreeMap<String, ChangeSet>,
    /// The change set of the last operation.
    #[serde(default)]
    pub change_set_id: Option<String>,
    pub termination_protection: bool,
    /// Its last deletion leaves what cannot be deleted.
    #[serde(default)]
    pub forced_deletion: bool,
    pub disable_rollback: bool,
    /// The one that is under way.
    pub operation: Option<StackOperation>,
    /// An operation that failed and was told not to roll back.
    pub suspended: Option<StackOperation>,
    pub operation_id: String,
    /// The findings of the last look for drift.
    #[serde(default)]
    pub drift: Option<DriftDetection>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StackParameter {
    /// As given, or the default.
    pub given: String,
    /// The value of the SSM parameter that was named, for `AWS::SSM::Parameter::Value<…>`.
    pub resolved: Option<String>,
    pub list: bool,
    pub no_echo: bool,
}

impl StackParameter {
    /// Returns the value of a `Ref` to it: a text, or a list of texts.
    pub(crate) fn value(&self) -> Value {
        let text = self.resolved.as_ref().unwrap_or(&self.given);
        match (self.list, text.is_empty()) {
            (true, true) => Value::Array(Vec::new()),
            (true, false) => text.split(',').map(|item| item.trim().to_owned()).collect(),
            (false, _) => Value::String(text.clone()),
        }
    }

    /// As descriptions of the stack show it.
    pub(crate) fn shown(&self) -> &str {
        if self.no_echo { "****" } else { &self.given }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChangeAction {
    Add,
    Modify,
    Remove,
    Import,
}

/// One resource's change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourceChange {
    pub action: ChangeAction,
    pub logical_id: String,
    pub physical_id: Option<String>,
    pub kind: String,
    /// `True`, `False` or `Conditional`, for a Modify.
    pub replacement: Option<String>,
    /// `Properties`, `Metadata`, `DeletionPolicy`, …
    pub scope: Vec<String>,
    pub details: Vec<PropertyChange>,
    /// `Delete`, `Retain`: what happens to the old one.
    pub policy: Option<String>,
    /// JSON text of the resource before and after.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// One property's change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PropertyChange {
    /// `Properties`, or the name of another attribute of the resource.
    pub attribute: String,
    /// The property at the top; None for other attributes.
    pub name: Option<String>,
    /// `/Properties/Environment/Variables/X`
    pub path: String,
    /// `Never`, `Conditionally`, `Always`
    pub recreation: String,
    pub before: Option<String>,
    pub after: Option<String>,
    /// `Add`, `Remove`, `Modify`
    pub change: String,
    /// `Static`, or `Dynamic` when the value is only known later.
    pub evaluation: String,
    /// `DirectModification`, `ParameterReference`, `ResourceReference`, `ResourceAttribute`
    pub source: String,
    pub cause: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OperationKind {
    Create,
    Update,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OperationPhase {
    Apply,
    #[serde(alias = "Restore")]
    Rollback,
    #[serde(alias = "Clear")]
    Cleanup,
}

/// The course to take when an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OnFailure {
    Rollback,
    /// Stay as it is, for `cdk rollback` or another try.
    Nothing,
    /// Delete the stack (only for a create).
    Delete,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StackOperation {
    pub kind: OperationKind,
    pub phase: OperationPhase,
    /// The client's token, shown in events.
    pub token: Option<String>,
    pub target: StackDefinition,
    /// The resources before anything was changed.
    pub before: BTreeMap<String, Resource>,
    pub running: BTreeMap<u64, ResourceJob>,
    pub(super) next: u64,
    /// Logical ids that are through in this phase.
    pub(super) done: BTreeSet<String>,
    pub(super) failed: BTreeMap<String, Verb>,
    #[serde(alias = "doomed")]
    pub(super) pending_deletes: Vec<PendingDelete>,
    pub(super) rolling_back: bool,
    /// Why it is being cancelled.
    pub cancelled: Option<String>,
    pub on_failure: OnFailure,
    /// Resources count as done before they are ready.
    pub express: bool,
    /// Take over what exists already under the same name.
    pub import_existing: bool,
    /// Logical ids to leave alone when deleting.
    pub(super) retain: BTreeSet<String>,
    /// Logical ids not to restore.
    pub(super) skip: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verb {
    Create,
    Update,
    Replace,
    Delete,
}

/// One resource's work, for a handler to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourceJob {
    pub verb: Verb,
    pub logical_id: String,
    pub kind: String,
    pub properties: Value,
    /// The one that is there, to be updated or deleted.
    pub previous: Option<Resource>,
    /// Known as soon as the resource has a name, before it is ready.
    pub physical_id: Option<String>,
    pub express: bool,
    pub import_existing: bool,
    /// Another resource has failed: this one counts as failed, too, whatever still comes of it.
    #[serde(default)]
    pub cancelled: bool,
    /// Index in the list of what is to be deleted.
    #[serde(alias = "doomed")]
    pub(super) pending_delete: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PendingDelete {
    pub(super) logical_id: String,
    pub(super) resource: Resource,
    /// Another resource lives under the logical id.
    pub(super) superseded: bool,
    pub(super) state: DeleteState,
}

impl PendingDelete {
    /// Marks a resource to be deleted. `superseded`: another one has its logical id now.
    pub(super) fn of(logical_id: &str, resource: &Resource, superseded: bool) -> Self {
        PendingDelete {
            logical_id: logical_id.into(),
            resource: resource.clone(),
            superseded,
            state: DeleteState::Waiting,
        }
    }

    /// Tells that it is still to be deleted.
    pub(super) fn pending(&self) -> bool {
        matches!(self.state, DeleteState::Waiting | DeleteState::Running)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DeleteState {
    Waiting,
    Running,
    #[serde(alias = "Gone")]
    Deleted,
    Failed,
}
