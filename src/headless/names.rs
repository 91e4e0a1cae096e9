//! Names and words that the reports share, and the memory of what they have told already.

use std::borrow::Cow;
use std::sync::Arc;

use workshop_course::lesson::model::{ActionKind, Choice, Course};
use workshop_engine::event::{CheckRef, Event, EventKind, Failure, StepRef, Verdict};
use workshop_engine::progress::Progress;

/// Returns a verdict in the words of the reports.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Error => "error",
        Verdict::Skipped => "skipped",
        Verdict::FailedAsExpected => "failed as expected",
        Verdict::PassedUnexpectedly => "passed unexpectedly",
    }
}

/// The texts of a failure that an author has written.
fn texts(failure: &Failure) -> impl Iterator<Item = &String> {
    failure.hints.iter().chain(&failure.on_fail)
}

/// Looks up the titles of a course; there is none when its files could not be read.
#[derive(Debug, Clone, Default)]
pub struct CourseNames(pub Option<Arc<Course>>);

impl CourseNames {
    /// Returns the course's title.
    pub fn course(&self) -> &str {
        self.0.as_ref().map_or("workshop", |course| course.title.as_str())
    }

    /// Says for each choice which option this is, and how the others are tried.
    pub fn chosen(&self) -> Vec<String> {
        let Some(course) = &self.0 else { return Vec::new() };
        let said = |choice: &Choice| {
            let option = choice.option(course.chosen.get(&choice.id)?)?;
            let others = choice.options.iter().filter(|other| other.id != option.id);
            let others: Vec<String> = others.map(|other| format!("--choose {}={}", choice.id, other.id)).collect();
            Some(format!("{}: {} (not tried here: {})", choice.title, option.title, others.join(", ")))
        };
        course.choices.iter().filter_map(said).collect()
    }

    /// Returns a chapter's title; empty when the course has no such chapter.
    pub fn chapter(&self, number: u32) -> &str {
        self.0.as_ref().and_then(|course| course.chapter(number)).map_or("", |chapter| chapter.title.as_str())
    }

    /// Returns a step's title, else its id.
    pub fn step<'a>(&'a self, step: &'a StepRef) -> &'a str {
        let found = self.0.as_ref().and_then(|course| step.of(course));
        found.map_or(step.step.as_str(), |found| found.title.as_str())
    }

    /// Returns an event with the references filled in that its failure's texts for people hold, as far as their values
    /// are known.
    pub fn filled<'e>(&self, event: &'e Event, progress: &Progress) -> Cow<'e, Event> {
        let (EventKind::StepFinished { failure: Some(failure), .. }
        | EventKind::CheckFinished { failure: Some(failure), .. }) = &event.kind
        else {
            return Cow::Borrowed(event);
        };
        let Some(course) = self.0.as_ref().filter(|_| texts(failure).any(|text| text.contains("${"))) else {
            return Cow::Borrowed(event);
        };
        let mut event = event.clone();
        if let EventKind::StepFinished { failure: Some(failure), .. }
        | EventKind::CheckFinished { failure: Some(failure), .. } = &mut event.kind
        {
            let texts = failure.hints.iter_mut().chain(&mut failure.on_fail);
            texts.for_each(|text| *text = progress.filled(course, text).into_owned());
        }
        Cow::Owned(event)
    }

    /// Returns true for a check that the lesson itself gives several attempts.
    pub fn is_patient(&self, check: &CheckRef) -> bool {
        let chapter = self.0.as_ref().and_then(|course| course.chapter(check.chapter));
        chapter.and_then(|chapter| chapter.check(&check.check)).is_some_and(|check| check.eventually.is_some())
    }

    fn only_checks(&self, step: &StepRef) -> bool {
        let found = self.0.as_ref().and_then(|course| step.of(course));
        found.is_some_and(|step| step.action.kind() == ActionKind::Check)
    }
}

/// Remembers the checks that a step has run, so that what one of them came to is not counted again as the step's.
#[derive(Debug, Default)]
pub struct ToldChecks {
    within: Option<StepRef>,
    verdicts: Vec<Verdict>,
}

impl ToldChecks {
    /// Takes every event, before the report does.
    pub fn take(&mut self, kind: &EventKind) {
        match kind {
            EventKind::StepStarted { at_step, .. } => {
                *self = ToldChecks { within: Some(at_step.clone()), verdicts: Vec::new() };
            }
            EventKind::CheckFinished { verdict, .. } if self.within.is_some() => self.verdicts.push(*verdict),
            _ => {}
        }
    }

    /// Forgets the step; to be called when its end has been reported.
    pub fn leave(&mut self, kind: &EventKind) {
        if matches!(kind, EventKind::StepFinished { .. }) {
            *self = ToldChecks::default();
        }
    }

    /// Returns the step within which checks are run now.
    pub fn within(&self) -> Option<&StepRef> {
        self.within.as_ref()
    }

    /// Returns true when a step says nothing that its checks have not said: it only runs checks, and its verdict is the
    /// verdict of one of them.
    pub fn have_told(&self, names: &CourseNames, step: &StepRef, verdict: Verdict) -> bool {
        names.only_checks(step) && self.within.as_ref() == Some(step) && self.verdicts.contains(&verdict)
    }
}
