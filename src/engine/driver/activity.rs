//! The one thing that runs now: a step, checks on their own, or the way to a chapter.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::command::{BringTo, CommandKind, RequestId};
use crate::model::StepRef;
use workshop_course::lesson::model::{ActionKind, Course};

pub(super) enum Activity {
    Idle,
    Step(RunningStep),
    Checks(RunningChecks),
    /// Everything is being brought somewhere, and none of the steps of that runs: the target is asked or put back.
    Bringing(RunningBring),
}

/// A step whose action goes on.
pub(super) struct RunningStep {
    pub(super) request: RequestId,
    /// The command that the request was.
    pub(super) command: CommandKind,
    pub(super) at_step: StepRef,
    pub(super) part: StepPart,
    /// Counts the runs of this step, from 1.
    pub(super) attempt: u32,
    pub(super) began: Instant,
    pub(super) cancel: CancellationToken,
    pub(super) detach: Arc<Notify>,
    pub(super) pending: Vec<PendingRequest>,
}

/// Checks that a request asked for.
pub(super) struct RunningChecks {
    pub(super) request: RequestId,
    pub(super) cancel: CancellationToken,
    pub(super) pending: Vec<PendingRequest>,
}

/// The time between two steps of the way to a chapter, or before the first.
pub(super) struct RunningBring {
    pub(super) cancel: CancellationToken,
    pub(super) pending: Vec<PendingRequest>,
}

/// The part of a step that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepPart {
    Whole,
    /// From this statement on.
    From(usize),
    /// This statement alone, of so many.
    One {
        index: usize,
        total: usize,
    },
}

impl StepPart {
    /// Returns the statements that run, of so many.
    pub(super) fn statements(self, total: usize) -> std::ops::Range<usize> {
        match self {
            StepPart::Whole => 0..total,
            StepPart::From(first) => first.min(total)..total,
            StepPart::One { index, .. } => index.min(total)..(index + 1).min(total),
        }
    }
}

/// A step that waits before one of its statements.
pub(super) struct SteppedStep {
    pub(super) at_step: StepRef,
    pub(super) next: usize,
    pub(super) attempt: u32,
    /// Milliseconds that its statements have taken so far.
    pub(super) took_ms: u64,
}

/// A state of the past that everything is put back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PastPoint {
    /// As this chapter begins.
    Chapter(u32),
    /// As it was before the last time that everything was brought somewhere.
    Before,
}

impl From<PastPoint> for BringTo {
    fn from(to: PastPoint) -> BringTo {
        match to {
            PastPoint::Chapter(chapter) => BringTo::Chapter(chapter),
            PastPoint::Before => BringTo::Before,
        }
    }
}

/// A place that a talk in an account can be at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TalkPlace {
    Standby,
    Account,
}

impl From<TalkPlace> for BringTo {
    fn from(place: TalkPlace) -> BringTo {
        match place {
            TalkPlace::Standby => BringTo::Standby,
            TalkPlace::Account => BringTo::Account,
        }
    }
}

/// The way to a chapter.
pub(super) struct Bringing {
    pub(super) request: RequestId,
    pub(super) to: PastPoint,
    /// The steps that are to be run yet.
    pub(super) queue: VecDeque<StepRef>,
    pub(super) done: u32,
    pub(super) total: u32,
    /// The newest entry of the journal when it began, and the files that the workshop had written by then.
    pub(super) journal: u64,
    pub(super) written: BTreeSet<String>,
}

/// A request to end what runs; it is answered when that has ended.
pub(super) struct PendingRequest {
    pub(super) id: RequestId,
    pub(super) command: CommandKind,
}

impl Activity {
    /// Tells whether nothing runs.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self, Activity::Idle)
    }

    /// Tells whether a step runs.
    pub(super) fn is_step(&self) -> bool {
        matches!(self, Activity::Step(_))
    }

    /// Tells whether a deploy runs.
    pub(super) fn is_deploy(&self, course: &Course) -> bool {
        let Activity::Step(step) = self else { return false };
        step.at_step.of(course).is_some_and(|step| step.action.kind() == ActionKind::Deploy)
    }

    /// Names what runs, for a person; None when nothing does.
    pub(super) fn name(&self, course: &Course) -> Option<String> {
        match self {
            Activity::Idle => None,
            Activity::Step(RunningStep { at_step, .. }) => {
                let title = at_step.of(course).map_or(at_step.step.as_str(), |step| step.title.as_str());
                Some(format!("“{title}”"))
            }
            Activity::Checks(_) => Some("a check".to_owned()),
            Activity::Bringing(_) => Some("bringing everything to a chapter".to_owned()),
        }
    }

    /// Cancels what runs; the request is answered at its end.
    pub(super) fn cancel(&mut self, id: RequestId) {
        let (cancel, pending) = match self {
            Activity::Idle => return,
            Activity::Step(RunningStep { cancel, pending, .. })
            | Activity::Checks(RunningChecks { cancel, pending, .. })
            | Activity::Bringing(RunningBring { cancel, pending }) => (cancel, pending),
        };
        cancel.cancel();
        pending.push(PendingRequest { id, command: CommandKind::Cancel });
    }

    /// Asks the deploy that runs to go on without us; the request is answered when it has, or cannot.
    pub(super) fn detach(&mut self, id: RequestId) {
        if let Activity::Step(step) = self {
            step.detach.notify_one();
            step.pending.push(PendingRequest { id, command: CommandKind::Detach });
        }
    }

    /// Takes out the requests to detach, which cannot be met now.
    pub(super) fn take_detach_requests(&mut self) -> Vec<PendingRequest> {
        let Activity::Step(step) = self else { return Vec::new() };
        step.pending.extract_if(.., |request| request.command == CommandKind::Detach).collect()
    }

    /// Ends this step, if it is what runs.
    pub(super) fn end_step(&mut self, ended: &StepRef) -> Option<RunningStep> {
        match std::mem::replace(self, Activity::Idle) {
            Activity::Step(step) if step.at_step == *ended => Some(step),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Takes over the requests that wait for the end of what runs.
    pub(super) fn wait_for_end(&mut self, requests: Vec<PendingRequest>) {
        match self {
            Activity::Idle => {}
            Activity::Step(RunningStep { pending, .. })
            | Activity::Checks(RunningChecks { pending, .. })
            | Activity::Bringing(RunningBring { pending, .. }) => pending.extend(requests),
        }
    }

    /// Ends the time between two steps of the way to a chapter, if that is what runs.
    pub(super) fn end_bringing(&mut self) -> Option<RunningBring> {
        match std::mem::replace(self, Activity::Idle) {
            Activity::Bringing(bring) => Some(bring),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Ends the checks, if they are what runs.
    pub(super) fn end_checks(&mut self) -> Option<RunningChecks> {
        match std::mem::replace(self, Activity::Idle) {
            Activity::Checks(checks) => Some(checks),
            other => {
                *self = other;
                None
            }
        }
    }
}
