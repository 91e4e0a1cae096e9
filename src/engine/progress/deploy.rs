//! A deploy's state: its resources in the order to show.

use super::state::{DeployState, PhaseState, Progress};
use crate::model::{Phase, Resource, StackOutputNames, StepRef};

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

    /// Takes up a deploy that begins. The one before it is its measure if it came through.
    pub(super) fn begin_deploy(&mut self, deploy: DeployState, came_through: bool) {
        self.deploy_found = None;
        // What never came to its resources is nothing to compare with.
        let before = self.deploy.replace(deploy).filter(|before| came_through && !before.resources.is_empty());
        self.deploy_before = before.or(self.deploy_before.take());
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

    /// Enters a phase. One that begins again, after it was broken off or attached to, counts anew.
    pub(super) fn enter(&mut self, phase: Phase, at: u64) {
        // What somebody else's change came to, which this deploy has waited for, is not what this one comes to.
        if phase == Phase::Synth {
            (self.stack, self.root_cause) = (None, None);
            self.resources.clear();
        }
        self.phases.retain(|p| p.phase != phase);
        self.phases.push(PhaseState { phase, started: at, took_ms: None, failed: false });
    }

    /// Takes the news of a resource in. Returns the milliseconds that it took, when it was made or changed for good: how
    /// long a deletion takes, or a way back, says nothing of that.
    pub(super) fn take(&mut self, resource: &Resource) -> Option<u64> {
        if resource.is_stack() {
            self.stack = Some(resource.clone());
            return None;
        }
        match self.resources.iter_mut().find(|r| r.logical_id == resource.logical_id) {
            Some(old) => *old = resource.clone(),
            None => self.resources.push(resource.clone()),
        }
        self.arrange();
        let made = matches!(resource.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE");
        resource.ended.filter(|_| made && self.root_cause.is_none()).map(|ended| ended.saturating_sub(resource.started))
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

    fn fold(progress: &mut Progress, events: &[&str]) {
        for json in events {
            let json = json.replace("@step", r#""at_step":{"chapter":1,"step":"deploy"}"#);
            let kind: EventKind = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e} in {json}"));
            progress.apply(&Event { seq: progress.seq + 1, at: 1_000, kind });
        }
    }

    const BEGUN: &str = r#"{"event":"step_started",@step,"attempt":1,"action":"deploy","expects_failure":false}"#;
    const SYNTH: &str = r#"{"event":"phase_started",@step,"phase":"synth"}"#;
    const CAUSE: &str = r#"{"event":"root_cause",@step,"logical_id":"Bad","reason":"no"}"#;
    const FAILED: &str = r#"{"event":"step_finished",@step,"attempt":1,"verdict":"fail","took_ms":9}"#;
    const PASSED: &str = r#"{"event":"step_finished",@step,"attempt":1,"verdict":"pass","took_ms":9}"#;

    fn resource(status: &str, ended: u64) -> String {
        let resource = r#"{"logical_id":"Role","resource_type":"AWS::IAM::Role""#;
        format!(
            r#"{{"event":"resource_changed",@step,"resource":{resource},"status":"{status}","started":0,"ended":{ended}}}}}"#
        )
    }

    #[test]
    fn a_deploy_that_failed_is_no_measure_for_the_next() {
        let mut progress = Progress::default();
        let measure = |progress: &Progress| progress.deploy_before.as_ref().map(|before| before.resources[0].ended);
        fold(&mut progress, &[BEGUN, &resource("CREATE_COMPLETE", 70), PASSED, BEGUN]);
        assert_eq!((measure(&progress), progress.usual["AWS::IAM::Role"]), (Some(Some(70)), 70));
        let way_back = [resource("DELETE_COMPLETE", 2), resource("UPDATE_COMPLETE", 3)];
        fold(&mut progress, &[&*way_back[0], CAUSE, &*way_back[1], FAILED, BEGUN]);
        assert_eq!((measure(&progress), progress.usual["AWS::IAM::Role"]), (Some(Some(70)), 70));
    }

    #[test]
    fn what_somebody_elses_change_came_to_is_not_what_this_deploy_comes_to() {
        let mut progress = Progress::default();
        fold(&mut progress, &[BEGUN, &resource("CREATE_FAILED", 5), CAUSE, SYNTH]);
        let deploy = progress.deploy.as_ref().unwrap();
        assert_eq!((&deploy.root_cause, deploy.resources.len()), (&None, 0));
    }

    #[test]
    fn a_compiler_that_comes_late_says_nothing_of_another_steps_deploy() {
        let mut progress = Progress::default();
        let other = BEGUN.replace("@step", r#""at_step":{"chapter":0,"step":"bootstrap"}"#);
        let late = r#"{"event":"types_checked",@step,"problems":[],"took_ms":9}"#;
        fold(&mut progress, &[BEGUN, PASSED, &other, late]);
        let deploy = progress.deploy.unwrap();
        assert_eq!((deploy.at_step.step.as_str(), deploy.types), ("bootstrap", None));
    }
}
