//! The run: every event is numbered, folded, recorded and sent here, and nowhere else.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::activity::PendingRequest;
use super::deploys::Deploys;
use super::position;
use crate::command::{CommandKind, Refusal, RequestId};
use crate::config::{EngineConfig, Mode};
use crate::event::{Event, EventKind, Failure, Position, RequestOutcome, StepRef, Verdict};
use crate::progress::Progress;
use crate::record::{Record, Saved};
use workshop_base::problem::Kind;
use workshop_course::lesson::model::{Chapter, Step, StepAction};

/// Owns the events of a run, their fold and their record, and knows how the run came out.
pub(super) struct Run {
    config: Arc<EngineConfig>,
    events: UnboundedSender<Event>,
    /// The number of the newest event; 0 before the first.
    seq: u64,
    progress: Progress,
    record: Option<Record>,
    /// Something has happened since the state was saved.
    unsaved: bool,
    /// The last try to save the state failed.
    save_failed: bool,
    /// The first thing that was not good in this run.
    first_failure: Option<(Verdict, Kind)>,
}

impl Run {
    /// Makes a run that has not begun; its events go to `events`.
    pub(super) fn new(config: Arc<EngineConfig>, events: UnboundedSender<Event>) -> Run {
        Run {
            config,
            events,
            seq: 0,
            progress: Progress::default(),
            record: None,
            unsaved: false,
            save_failed: false,
            first_failure: None,
        }
    }

    /// Goes on with another configuration: the course was written on.
    pub(super) fn set_config(&mut self, config: Arc<EngineConfig>) {
        self.config = config;
    }

    /// Returns the fold of the events so far.
    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Returns the chapter where the learner is.
    pub(super) fn chapter(&self) -> Option<&Chapter> {
        self.config.course.chapter(self.progress.position.as_ref()?.chapter)
    }

    /// Records the events from here on.
    pub(super) fn record_to(&mut self, record: Record) {
        self.record = Some(record);
    }

    /// Lets the directory go: whoever comes next may record there.
    pub(super) fn release(&mut self) {
        self.record = None;
    }

    /// Tells whether something has happened since the state was saved.
    pub(super) fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// Numbers, folds, records and sends an event.
    pub(super) fn emit(&mut self, kind: EventKind) {
        if let EventKind::CheckFinished { verdict, failure, .. } = &kind {
            self.judge(*verdict, failure.as_ref());
        } else if let EventKind::PrepareFailed { problem, .. }
        | EventKind::Trouble { problem }
        | EventKind::Done { outcome: RequestOutcome::Failed(problem), .. } = &kind
            && self.config.mode != Mode::Interactive
        {
            // A person can repair it and go on; a run by itself cannot.
            self.fail(Verdict::Error, problem.kind);
        }
        self.seq += 1;
        let event = Event { seq: self.seq, at: self.config.clock.now(), kind };
        self.progress.apply(&event);
        if let Some(record) = &mut self.record {
            record.event(&event);
            self.unsaved = true;
        }
        // The front end may have gone; then the run ends soon, and its record is complete all the same.
        let _ = self.events.send(event);
    }

    /// Sends the first event of a run.
    pub(super) fn open(&mut self, position: Position) {
        self.emit(EventKind::Opened {
            title: self.config.course.title.clone(),
            target: self.config.target,
            workdir: self.config.workdir.clone(),
            position,
        });
    }

    /// Tells that a request is not carried out; a run by itself fails for it.
    pub(super) fn refuse(&mut self, id: RequestId, command: CommandKind, because: Refusal, reason: impl Into<String>) {
        let leads_on = matches!(command, CommandKind::Run | CommandKind::Next | CommandKind::Check);
        if self.config.mode != Mode::Interactive && leads_on {
            self.fail(Verdict::Error, Kind::Usage);
        }
        self.emit(EventKind::Refused { id, command, because, reason: reason.into() });
    }

    /// Answers an accepted request for the last time.
    pub(super) fn finish(&mut self, id: RequestId, command: CommandKind, outcome: RequestOutcome) {
        self.emit(EventKind::Done { id, command, outcome });
    }

    /// Answers the requests that waited for the end of what ran.
    pub(super) fn finish_pending(&mut self, pending: Vec<PendingRequest>, detached: bool) {
        for PendingRequest { id, command } in pending {
            if command == CommandKind::Detach && !detached {
                self.refuse(id, command, Refusal::NothingRuns, "the deploy has ended meanwhile");
                continue;
            }
            if command == CommandKind::Detach {
                self.emit(EventKind::Accepted { id, command });
            }
            self.finish(id, command, RequestOutcome::Complete);
        }
    }

    /// Tells of a move, and which chapters are over with it: one that is left behind, and the last one with its last page.
    pub(super) fn enter(&mut self, position: Position) {
        let course = self.config.course.clone();
        // Before the next one's first page is told. Who goes back has not come to its end.
        let left = self.progress.position.as_ref().map(|left| left.chapter).filter(|left| *left < position.chapter);
        if let Some(chapter) = left.and_then(|left| course.chapter(left)) {
            self.finish_chapter_from(chapter, Some(&position));
        }
        let here = course.chapter(position.chapter);
        self.emit(EventKind::Moved { position });
        here.into_iter().for_each(|chapter| self.finish_chapter(chapter));
    }

    /// Tells when a chapter is over: the steps that have to have run and come out, and none of the others is still to come.
    pub(super) fn finish_chapter(&mut self, chapter: &Chapter) {
        let position = self.progress.position.clone();
        self.finish_chapter_from(chapter, position.as_ref());
    }

    /// Tells when a chapter is over for who is at this place.
    fn finish_chapter_from(&mut self, chapter: &Chapter, position: Option<&Position>) {
        let verdicts: Option<Vec<Verdict>> = chapter
            .steps
            .iter()
            .map(|step| {
                let verdict = self.verdict(chapter, step);
                // What only is to be read counts as read, and what may be left out as left out, also when it was tried in vain.
                let verdict = verdict.filter(|verdict| verdict.is_good() || !step.optional);
                verdict.or((step.action == StepAction::Read || step.optional).then_some(Verdict::Skipped))
            })
            .collect();
        let Some(verdicts) = verdicts else { return };
        let verdict = verdicts.into_iter().find(|v| !v.is_good()).unwrap_or(Verdict::Pass);
        let told = self.progress.chapters.get(&chapter.number).map(|state| state.verdict);
        if told == Some(verdict) || told.is_none() && self.goes_on(chapter, position) {
            return;
        }
        let took_ms = self.progress.spent_on_chapter(chapter.number, self.config.clock.now());
        self.emit(EventKind::ChapterFinished { chapter: chapter.number, verdict, took_ms });
    }

    /// Tells whether a chapter is not over for who has done what has to be done in it: something of the rest is at hand or
    /// ahead, or, where nothing has to be done, was never looked at.
    fn goes_on(&self, chapter: &Chapter, position: Option<&Position>) -> bool {
        let open = |step: &Step| self.verdict(chapter, step).is_none();
        let here = position.filter(|here| here.chapter == chapter.number);
        // Nothing leads on from the last step of the course.
        let is_end = here.is_some() && position::beside(&self.config.course, here, 1).is_none();
        let at_hand = here.and_then(|here| chapter.steps.iter().position(|step| step.id == here.step));
        let ahead = !is_end && at_hand.is_some_and(|at| chapter.steps.iter().skip(at).any(open));
        let seen = |step: &Step| self.progress.pacing.spent.contains_key(&at(chapter, step));
        let unseen = || at_hand.is_none() && chapter.steps.iter().all(open) && !chapter.steps.iter().all(seen);
        ahead || unseen()
    }

    fn verdict(&self, chapter: &Chapter, step: &Step) -> Option<Verdict> {
        self.progress.steps.get(&at(chapter, step)).and_then(|state| state.verdict)
    }

    /// Remembers the first thing that was not good: it decides the exit code.
    pub(super) fn fail(&mut self, verdict: Verdict, kind: Kind) {
        self.first_failure.get_or_insert((verdict, kind));
    }

    /// Judges a run by itself. A person's session is not judged by what they tried in it.
    pub(super) fn judge(&mut self, verdict: Verdict, failure: Option<&Failure>) {
        if !verdict.is_good() && self.config.mode != Mode::Interactive {
            self.fail(verdict, failure.map_or(Kind::Failed, |f| f.kind));
        }
    }

    /// Notes that the run was stopped from outside: whatever it had come to, it did not come to its end.
    pub(super) fn interrupt(&mut self) {
        let verdict = self.first_failure.map_or(Verdict::Error, |(verdict, _)| verdict);
        self.first_failure = Some((verdict, Kind::Interrupted));
    }

    /// Sends the last event: how the run came out.
    pub(super) fn close(&mut self) {
        let (verdict, kind) = self.first_failure.unzip();
        self.emit(EventKind::Closed { verdict: verdict.unwrap_or(Verdict::Pass), kind });
    }

    /// Saves the state, where the run may write; says once when it cannot.
    pub(super) fn save(&mut self, deploys: &Deploys) {
        self.unsaved = false;
        let Some(record) = &mut self.record else { return };
        if self.config.mode == Mode::CheckOnly {
            return;
        }
        let saved = record.save(&Saved {
            progress: self.progress.clone(),
            deployed: deploys.newest().cloned(),
            deployed_files: deploys.files().clone(),
            asked: self.config.asked.clone(),
            choices: self.config.course.chosen.clone(),
            course: self.config.course.code.clone(),
            ..Saved::default()
        });
        // Once is enough: it is tried again every second.
        let said = std::mem::replace(&mut self.save_failed, saved.is_err());
        if let (Err(problem), false) = (saved, said) {
            self.emit(EventKind::Trouble { problem });
        }
    }
}

fn at(chapter: &Chapter, step: &Step) -> StepRef {
    StepRef { chapter: chapter.number, step: step.id.clone() }
}
