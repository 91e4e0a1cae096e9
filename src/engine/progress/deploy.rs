//! A deploy's state: its resources in the order to show.

use super::state::{DeployState, Progress};
use crate::model::{Resource, StackOutputNames, StepRef};

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

impl Progress {
    /// Forgets what a stack gave out before and gives out no more.
    pub(super) fn keep_outputs(&mut self, all: &StackOutputNames) {
        let is_of = |key: &str| key.split_once('.').map(|(stack, _)| stack) == all.of.as_deref();
        self.outputs.retain(|key, _| !is_of(key) || all.keys.contains(key));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, EventKind};

    #[test]
    fn only_outputs_of_the_stack_that_is_told_of_go() {
        let mut progress = Progress::default();
        let mut tell = |kind: EventKind| progress.apply(&Event { seq: 1, at: 1, kind });
        for key in ["Role", "Url", "Network.Role"] {
            tell(EventKind::StackOutput { key: key.into(), value: "v".into(), description: None });
        }
        tell(EventKind::OutputsListed(StackOutputNames { of: None, keys: vec!["Url".into()] }));
        tell(EventKind::OutputsListed(StackOutputNames { of: Some("Net".into()), keys: Vec::new() }));
        assert_eq!(progress.outputs.keys().collect::<Vec<_>>(), ["Network.Role", "Url"]);
        let mut tell = |kind: EventKind| progress.apply(&Event { seq: 1, at: 1, kind });
        tell(EventKind::OutputsListed(StackOutputNames { of: Some("Network".into()), keys: Vec::new() }));
        assert_eq!(progress.outputs.keys().collect::<Vec<_>>(), ["Url"]);
    }
}
