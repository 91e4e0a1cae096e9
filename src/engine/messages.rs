//! The messages of the driver's own tasks to it. Unlike events, these may hold channels and handles.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::bring::BringStart;
use super::cloud::CloudTarget;
use super::command::{CommandKind, Request, RequestId};
use super::event::{ChapterMatch, Event, EventKind, RequestOutcome, StepRef, Verdict};
use super::expect::ActionOutcome;
use super::record::Saved;
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::Course;

/// A course that was read again: as it is now, or all that is wrong with it.
pub type CourseReading = std::result::Result<Arc<Course>, Vec<Problem>>;

pub enum Internal {
    Request(Request),
    /// A request that went on beside the driver is over.
    RequestEnded {
        id: RequestId,
        command: CommandKind,
        outcome: RequestOutcome,
    },
    /// A deploy that was asked to let go cannot yet, and why.
    NotDetachable(&'static str),
    /// Something to pass on as an event.
    Emit(EventKind),
    /// The target is ready, or is not; the number says of which place it is.
    Ready(u64, Result<Arc<dyn CloudTarget>>, Duration),
    /// The target that was ready has gone away.
    Lost(Arc<dyn CloudTarget>),
    StepEnded {
        at_step: StepRef,
        outcome: ActionOutcome,
    },
    /// All checks of a `Check` request are over: the first verdict that is not good.
    ChecksEnded(Verdict),
    /// The stack stands as this step left it; the id of its newest event.
    Deployed(StepRef, String),
    /// A deploy was rolled back, ours or another's: the stack stands as it did at the event `since`; the id of its newest.
    RolledBack {
        since: String,
        newest: String,
    },
    /// The beginning of a way to a chapter is ready, or why not.
    BringReady(Result<BringStart>),
    /// The next step of that way can begin.
    BringOn,
    /// The standby of this number tells what it does.
    Followed(u64, Box<Event>),
    /// Why the standby of this number could not be given its next step.
    NotFollowed(u64, Problem),
    /// The other place is ready for the talk, or why not.
    Switched(Result<SwitchReady>),
    /// Somebody else has deployed the stack since this event of it: what runs is not known any more.
    DeployedElsewhere(String),
    /// The findings of the probes, and who asked for them.
    Located(ProbeResults, Option<RequestId>),
    /// Files in the working directory were saved by someone.
    FilesChanged,
    /// The course was changed by its author: as it is now, or what is wrong with it.
    Course(CourseReading),
    /// Save the state now, and say when that is done.
    Save(oneshot::Sender<()>),
}

/// The places where things really are.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeResults {
    pub files: ChapterMatch,
    pub stack: ChapterMatch,
    pub database: ChapterMatch,
    /// The stack is being changed right now.
    pub under_way: Option<String>,
    /// The events of a deploy whose end was not seen.
    pub unseen: Vec<EventKind>,
}

/// Sends to the driver. Cheap to clone; sending to a driver that has ended does nothing.
#[derive(Clone)]
pub struct EventSink(UnboundedSender<Internal>);

impl EventSink {
    /// Makes a sink of the driver's channel.
    pub fn new(to: UnboundedSender<Internal>) -> EventSink {
        EventSink(to)
    }
    /// Sends an event, to be numbered, folded, recorded and told.
    pub fn emit(&self, kind: EventKind) {
        self.send(Internal::Emit(kind));
    }
    /// Sends a message that is no event.
    pub fn send(&self, message: Internal) {
        let _ = self.0.send(message);
    }
}

/// The other place, ready for the talk.
pub struct SwitchReady {
    pub target: Arc<dyn CloudTarget>,
    /// What was done there.
    pub saved: Box<Saved>,
}
