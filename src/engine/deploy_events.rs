//! What a deploy's lines and its stack's events say, as events of ours. Pure.

use std::collections::BTreeMap;

use super::event::{EventKind, Phase, Resource, StackOutputNames, StepRef};
use super::progress::is_in_progress;
use crate::aws::stack::{Stack, StackEvent, StackOutput, sentence};
use workshop_course::lesson::model::DeployAction;

/// Reasons that only say that another resource failed first.
const CASCADES: &[&str] = &["creation cancelled", "update cancelled", "deletion cancelled", "cancelled by"];

/// Said of a stack that does not exist.
pub const NOT_THERE: &str = "not there";

/// Follows one change of a stack through its events.
#[derive(Debug, Default)]
pub struct Tracker {
    resources: BTreeMap<String, Resource>,
    pub(super) root_cause: Option<(String, String)>,
    pub(super) last: Option<String>,
    /// The stack's newest status by its events.
    pub(super) status: Option<String>,
}

impl Tracker {
    /// A tracker that takes events from after `last` on.
    pub fn since(last: Option<String>) -> Tracker {
        Tracker { last, ..Tracker::default() }
    }

    /// Takes one event in and gives what changed.
    pub fn take(&mut self, at_step: &StepRef, event: &StackEvent, usual: &BTreeMap<String, u64>) -> Vec<EventKind> {
        self.last = Some(event.id.clone());
        if event.is_stack() {
            self.status = Some(event.status.clone());
            if event.status == "REVIEW_IN_PROGRESS" {
                return Vec::new();
            }
        }
        let running = is_in_progress(&event.status);
        let old = self.resources.get(&event.logical_id);
        // A second *_IN_PROGRESS of the same kind only says that it got its id; another kind is a new start.
        let started = match old {
            Some(old) if old.ended.is_none() && (!running || old.status == event.status) => old.started,
            Some(old) if !running && old.is_in_progress() => old.started,
            Some(_) | None => event.at,
        };
        let resource = Resource {
            logical_id: event.logical_id.clone(),
            physical_id: event.physical_id.clone().or_else(|| old.and_then(|o| o.physical_id.clone())),
            resource_type: event.resource_type.clone(),
            status: event.status.clone(),
            reason: event.reason.clone(),
            started,
            ended: (!running).then_some(event.at),
            usual_ms: usual.get(&event.resource_type).copied(),
        };
        self.resources.insert(event.logical_id.clone(), resource.clone());
        let mut news = vec![EventKind::ResourceChanged { at_step: at_step.clone(), resource }];
        if self.root_cause.is_none()
            && event.status.ends_with("_FAILED")
            && !event.is_stack()
            && let Some(reason) = &event.reason
            && !CASCADES.iter().any(|c| reason.to_lowercase().contains(c))
        {
            let reason = sentence(reason).into_owned();
            self.root_cause = Some((event.logical_id.clone(), reason.clone()));
            news.push(EventKind::RootCause { at_step: at_step.clone(), logical_id: event.logical_id.clone(), reason });
        }
        news
    }
}

/// The phases of a deploy, each with its clock; they only go forward.
#[derive(Debug, Default)]
pub struct Phases {
    now: Option<(Phase, u64)>,
}

impl Phases {
    /// Enters a phase, ending the one before. Nothing when it or a later one is on already.
    pub fn enter(&mut self, at_step: &StepRef, phase: Phase, at: u64) -> Vec<EventKind> {
        if self.now.is_some_and(|(now, _)| now >= phase) {
            return Vec::new();
        }
        let mut news = self.finish(at_step, at, false);
        self.now = Some((phase, at));
        news.push(EventKind::PhaseStarted { at_step: at_step.clone(), phase });
        news
    }

    /// Ends the phase that is on, well or not.
    pub fn finish(&mut self, at_step: &StepRef, at: u64, failed: bool) -> Vec<EventKind> {
        let Some((phase, since)) = self.now else { return Vec::new() };
        self.now = None;
        vec![EventKind::PhaseFinished { at_step: at_step.clone(), phase, took_ms: at.saturating_sub(since), failed }]
    }
}

/// Returns the phase that a line of the command opens (aws-cdk 2.1145; aws-cli 2).
pub fn phase_of(line: &str) -> Option<Phase> {
    const OPENS: &[(&str, Phase)] = &[
        ("Synthesis time:", Phase::Assets),
        (": creating CloudFormation changeset", Phase::ChangeSet),
        (": updating stack", Phase::ChangeSet),
        (": destroying...", Phase::Resources),
        ("Waiting for changeset to be created", Phase::ChangeSet),
        ("Waiting for stack create/update", Phase::Resources),
    ];
    OPENS.iter().find(|(text, _)| line.contains(text)).map(|(_, phase)| *phase)
}

/// Finds where in a stack's history its newest change begins.
pub fn beginning(history: &[StackEvent]) -> Option<usize> {
    history.iter().rposition(|e| {
        e.is_stack() && matches!(e.status.as_str(), "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS")
    })
}

/// Returns what a stack gives out, and that this is all; nothing, of one that is gone. Those of one that is not the course's
/// have its name.
pub fn outputs(stack: Option<&Stack>, other: Option<&str>) -> Vec<EventKind> {
    let of = other.map(|name| format!("{name}.")).unwrap_or_default();
    let told = |output: &StackOutput| EventKind::StackOutput {
        key: format!("{of}{}", output.key),
        value: output.value.clone(),
        description: output.description.clone(),
    };
    let all = stack.map_or(&[][..], |stack| &stack.outputs);
    let keys = all.iter().map(|output| format!("{of}{}", output.key)).collect();
    let whole = EventKind::OutputsListed(StackOutputNames { of: other.map(str::to_owned), keys });
    all.iter().map(told).chain([whole]).collect()
}

/// Tells whether a stack in this state is being changed.
pub fn is_under_way(status: &str) -> bool {
    is_in_progress(status) && status != "REVIEW_IN_PROGRESS"
}

/// Tells whether a stack in this state is what an action was to make of it.
pub fn stands(deploy: DeployAction, status: &str) -> bool {
    match deploy {
        DeployAction::Deploy | DeployAction::Bootstrap => {
            matches!(status, "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE")
        }
        DeployAction::Destroy => matches!(status, NOT_THERE | "DELETE_COMPLETE"),
    }
}
