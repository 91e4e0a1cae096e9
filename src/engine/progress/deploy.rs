//! A deploy's state: its resources in the order to show.

use super::state::DeployState;
use crate::model::{Resource, StepRef};

/// Tells whether CloudFormation says by this status, of a resource or of a stack, that it is being changed.
pub fn is_in_progress(status: &str) -> bool {
    status.ends_with("_IN_PROGRESS")
}

impl Resource {
    /// Tells whether it is being created, updated or deleted.
    pub fn is_in_progress(&self) -> bool {
        is_in_progress(&self.status)
    }
    /// Tells whether its newest operation failed.
    pub fn is_failed(&self) -> bool {
        self.status.ends_with("_FAILED")
    }
    /// Tells whether its newest operation is over and went well, be it a rollback's.
    pub fn is_complete(&self) -> bool {
        self.status.ends_with("_COMPLETE")
    }
    /// The event of the stack itself, which is listed among its resources.
    pub fn is_stack(&self) -> bool {
        self.resource_type == "AWS::CloudFormation::Stack"
    }
}

impl DeployState {
    pub(super) fn new(at_step: &StepRef, started: u64, usual_ms: Option<u64>) -> Self {
        DeployState {
            at_step: at_step.clone(),
            started,
            usual_ms,
            phases: Vec::new(),
            stack: None,
            resources: Vec::new(),
            root_cause: None,
            detached: false,
            types: None,
        }
    }

    pub(super) fn take(&mut self, resource: &Resource) {
        if resource.is_stack() {
            self.stack = Some(resource.clone());
            return;
        }
        match self.resources.iter_mut().find(|r| r.logical_id == resource.logical_id) {
            Some(old) => *old = resource.clone(),
            None => self.resources.push(resource.clone()),
        }
        self.arrange();
    }

    pub(super) fn arrange(&mut self) {
        let root = self.root_cause.as_ref().map(|(id, _)| id.clone());
        self.resources.sort_by_key(|r| {
            let rank = match r {
                r if root.as_ref() == Some(&r.logical_id) => 0,
                r if r.is_failed() => 1,
                r if r.is_in_progress() => 3,
                _ => 2,
            };
            (rank, if rank == 3 { r.started } else { r.ended.unwrap_or(r.started) })
        });
    }
}
