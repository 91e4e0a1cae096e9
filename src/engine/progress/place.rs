//! Where a talk is: in the account, or on the standby that follows it.

use super::state::Progress;
use crate::event::{EventKind, Preparation};

impl Progress {
    /// Takes in what is told of the account and of the standby.
    pub(super) fn take_place(&mut self, kind: &EventKind, at: u64) {
        match kind {
            EventKind::Standby { state } => self.standby = Some(state.clone()),
            EventKind::Switched { onto_standby, here, progress, behind: _ } => {
                self.put_elsewhere(progress, at);
                (self.on_standby, self.reached) = (*onto_standby, Some(here.clone()));
            }
            EventKind::AccountGone { problem } => self.account_gone = Some(problem.clone()),
            EventKind::AccountBack => self.account_gone = None,
            _ => {}
        }
    }

    /// Takes in that something is ready, after so many milliseconds.
    pub(super) fn prepared(&mut self, task: Preparation, took_ms: u64, at: u64) {
        self.task(task, at).took_ms = Some(took_ms);
        if task == Preparation::Sandbox && !self.on_standby {
            self.account_gone = None;
        }
    }
}
