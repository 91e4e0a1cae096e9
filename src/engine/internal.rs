//! What the driver's own tasks tell it. Unlike events, these may hold channels and handles.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::command::{CommandKind, Request, RequestId};
use super::event::{EventKind, RequestOutcome, StepRef, Verdict};
use super::expect::Outcome;
use super::probes::Found;
use super::world::World;
use workshop_base::problem::Result;

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
    Tell(EventKind),
    /// The target is ready, or is not.
    World(Result<Arc<dyn World>>, Duration),
    /// The target that was ready has gone away.
    Lost(Arc<dyn World>),
    StepEnded {
        at_step: StepRef,
        outcome: Outcome,
    },
    /// All checks of a `Check` request are over: the first verdict that is not good.
    ChecksEnded(Verdict),
    /// The stack stands as this step left it; the id of its newest event.
    Deployed(StepRef, String),
    /// What the probes found, and who asked for it.
    Located(Found, Option<RequestId>),
    /// Files in the working directory were saved by someone.
    FilesChanged,
}

/// Sends to the driver. Cheap to clone; sending to a driver that has ended does nothing.
#[derive(Clone)]
pub struct Tell(UnboundedSender<Internal>);

impl Tell {
    pub fn new(to: UnboundedSender<Internal>) -> Tell {
        Tell(to)
    }
    pub fn event(&self, kind: EventKind) {
        self.send(Internal::Tell(kind));
    }
    pub fn send(&self, message: Internal) {
        let _ = self.0.send(message);
    }
}
