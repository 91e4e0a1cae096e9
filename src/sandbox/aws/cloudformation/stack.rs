//! A stack from its making on: its status, and the events that tell of it.
//!
//! Invariant: a stack's events have strictly increasing timestamps; clients page and compare by them.

use std::collections::BTreeMap;

use super::model::{ChangeSet, ChangeSetExecution, Resource, Stack, StackDefinition, StackEvent, StackStatus};
use crate::aws::ids::Ids;
use crate::aws::time::Instant;

/// Events kept per stack; the oldest quarter goes when there are more.
const MOST_EVENTS: usize = 4000;

impl Stack {
    /// Returns a stack under review, with an id of its own.
    pub(crate) fn new(
        name: &str,
        account: &str,
        region: &str,
        target: StackDefinition,
        now: Instant,
        ids: &mut Ids,
    ) -> Self {
        Stack {
            id: format!("arn:aws:cloudformation:{region}:{account}:stack/{name}/{}", ids.uuid()),
            name: name.into(),
            status: StackStatus::ReviewInProgress,
            reason: None,
            created: now,
            updated: None,
            deleted: None,
            target,
            resources: BTreeMap::new(),
            outputs: Vec::new(),
            events: Vec::new(),
            change_sets: BTreeMap::new(),
            change_set_id: None,
            termination_protection: false,
            forced_deletion: false,
            disable_rollback: false,
            operation: None,
            suspended: None,
            drift: None,
            operation_id: ids.uuid(),
        }
    }

    /// Sets the status and says so in the events.
    pub(crate) fn set_status(&mut self, status: StackStatus, reason: Option<&str>, now: Instant, ids: &mut Ids) {
        self.status = status;
        self.reason = reason.map(str::to_owned);
        if !status.in_progress() {
            let complete = matches!(status, StackStatus::CreateComplete | StackStatus::UpdateComplete);
            let outcome = if complete { ChangeSetExecution::Complete } else { ChangeSetExecution::Failed };
            let sets = self.change_sets.values_mut();
            sets.filter(|set| set.execution == ChangeSetExecution::InProgress).for_each(|set| set.execution = outcome);
        }
        let (name, id) = (self.name.clone(), self.id.clone());
        let token = self.operation.as_ref().and_then(|o| o.token.clone());
        self.event(&name, &id, "AWS::CloudFormation::Stack", status, reason, None, token, now, ids);
    }

    /// Sets a resource's status and says so in the events.
    pub(crate) fn resource_event(
        &mut self,
        logical_id: &str,
        resource: &Resource,
        status: StackStatus,
        reason: Option<&str>,
        now: Instant,
        ids: &mut Ids,
    ) {
        let physical = resource.physical_id.clone().unwrap_or_default();
        let properties =
            matches!(status, StackStatus::CreateInProgress | StackStatus::UpdateInProgress | StackStatus::CreateFailed)
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
        status: StackStatus,
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
        self.events.push(StackEvent {
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

    /// Tells its change sets that the stack is no longer what they were made for.
    pub(crate) fn outdate_change_sets(&mut self) {
        self.change_sets.values_mut().for_each(|set| set.obsolete = true);
    }

    /// Returns the stack's own tags, as its resources are to have them while an operation is under way.
    pub(crate) fn tags(&self) -> &BTreeMap<String, String> {
        match &self.operation {
            Some(operation) if !operation.rolling_back => &operation.target.tags,
            Some(_) | None => &self.target.tags,
        }
    }

    /// By id; by name, one that was not executed: another may have the name since.
    pub(crate) fn change_set(&self, name_or_id: &str) -> Option<&ChangeSet> {
        let named = |set: &&ChangeSet| set.name == name_or_id && set.execution == ChangeSetExecution::NotBegun;
        self.change_sets.get(name_or_id).or_else(|| self.change_sets.values().find(named))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn events_never_share_a_timestamp() {
        let mut ids = Ids::seeded(1);
        let target = StackDefinition {
            text: String::new(),
            template: Value::Null,
            parameters: BTreeMap::new(),
            role_arn: None,
            capabilities: Vec::new(),
            tags: BTreeMap::new(),
        };
        let mut stack = Stack::new("s", "1", "r", target, Instant(5), &mut ids);
        for now in [5, 5, 3, 9] {
            stack.set_status(StackStatus::CreateInProgress, None, Instant(now), &mut ids);
        }
        let times: Vec<u64> = stack.events.iter().map(|e| e.at.0).collect();
        assert_eq!(times, [5, 6, 7, 9]);
    }

    #[test]
    fn a_status_is_stored_as_it_is_shown() {
        let status = StackStatus::UpdateRollbackCompleteCleanupInProgress;
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        assert!(status.in_progress() && !StackStatus::ReviewInProgress.in_progress());
    }
}
