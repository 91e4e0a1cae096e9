//! The requests of one front end: their numbers, and which are not over.

use std::collections::BTreeMap;

use super::command::{Command, CommandKind, Request, RequestId};
use super::event::EventKind;

/// Numbers the requests of one front end, and knows which are not answered to their end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requests {
    newest: RequestId,
    open: BTreeMap<RequestId, CommandKind>,
}

impl Requests {
    /// Makes a request, with an id of its own.
    pub fn make(&mut self, command: Command) -> Request {
        self.newest += 1;
        self.open.insert(self.newest, command.kind());
        Request { id: self.newest, command }
    }

    /// Takes an event in, and returns which command it ends, if it is one of these.
    pub fn take(&mut self, event: &EventKind) -> Option<CommandKind> {
        match event {
            EventKind::Done { id, .. } | EventKind::Refused { id, .. } => self.open.remove(id),
            EventKind::Closed { .. } => {
                self.open.clear();
                None
            }
            _ => None,
        }
    }

    /// Tells whether a command for which this holds is not over.
    pub fn any(&self, holds: impl Fn(CommandKind) -> bool) -> bool {
        self.open.values().any(|kind| holds(*kind))
    }
}
