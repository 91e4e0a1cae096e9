//! Telling: every event is numbered, folded, recorded and sent here, and nowhere else.

use super::state::Driver;
use crate::command::{CommandKind, Refusal, RequestId};
use crate::config::Mode;
use crate::event::{Event, EventKind, Failure, Phase, RequestOutcome, Verdict};
use crate::record::Saved;
use workshop_base::problem::{Kind, Problem};

impl Driver {
    /// Numbers, folds, records and tells an event.
    pub(super) fn emit(&mut self, kind: EventKind) {
        if let EventKind::CheckFinished { verdict, failure, .. } = &kind {
            self.judge(*verdict, failure.as_ref());
        } else if let EventKind::PrepareFailed { problem, .. }
        | EventKind::Trouble { problem }
        | EventKind::Done { outcome: RequestOutcome::Failed(problem), .. } = &kind
            && self.setup.mode != Mode::Interactive
        {
            // A person can repair it and go on; a run by itself cannot.
            self.blame(Verdict::Error, problem.kind);
        }
        if let (EventKind::PhaseStarted { phase: Phase::Resources, .. }, Some(look)) = (&kind, &self.types) {
            look.due.notify_one();
        }
        self.seq += 1;
        let event = Event { seq: self.seq, at: self.setup.clock.now(), kind };
        self.progress.apply(&event);
        if let Some(record) = &mut self.record {
            record.event(&event);
            self.unsaved = true;
        }
        // The front end may have gone; then the run ends soon, and its record is complete all the same.
        let _ = self.events.send(event);
    }

    /// Tells that a request is not carried out; a run by itself fails for it.
    pub(super) fn refuse(&mut self, id: RequestId, command: CommandKind, because: Refusal, reason: impl Into<String>) {
        let leads_on = matches!(command, CommandKind::Run | CommandKind::Next | CommandKind::Check);
        if self.setup.mode != Mode::Interactive && leads_on {
            self.blame(Verdict::Error, Kind::Usage);
        }
        self.emit(EventKind::Refused { id, command, because, reason: reason.into() });
    }

    /// Tells of something that went wrong outside a step.
    pub(super) fn trouble(&mut self, problem: impl Into<Problem>) {
        self.emit(EventKind::Trouble { problem: problem.into() });
    }

    /// Remembers the first thing that was not good: it decides the exit code.
    pub(super) fn blame(&mut self, verdict: Verdict, kind: Kind) {
        self.worst.get_or_insert((verdict, kind));
    }

    /// Judges a run by itself. A person's session is not judged by what they tried in it.
    pub(super) fn judge(&mut self, verdict: Verdict, failure: Option<&Failure>) {
        if !verdict.is_good() && self.setup.mode != Mode::Interactive {
            self.blame(verdict, failure.map_or(Kind::Failed, |f| f.kind));
        }
    }

    /// Saves the state, where the run may write; says once when it cannot.
    pub(super) fn save(&mut self) {
        self.unsaved = false;
        let Some(record) = &mut self.record else { return };
        if self.setup.mode == Mode::CheckOnly {
            return;
        }
        let saved = record.save(&Saved {
            progress: self.progress.clone(),
            deployed: self.deployed.clone(),
            deployed_files: self.deployed_files.clone(),
            asked: self.setup.asked.clone(),
            choices: self.setup.course.chosen.clone(),
            ..Saved::default()
        });
        // Once is enough: it is tried again every second.
        let told = std::mem::replace(&mut self.unsavable, saved.is_err());
        if let (Err(problem), false) = (saved, told) {
            self.trouble(problem);
        }
    }
}
