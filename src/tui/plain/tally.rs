//! The sum of a session of lines that nobody types: its exit code is all that a script sees. Pure.
//!
//! The newest verdict of each thing that was asked for counts, so that what was repaired in the same run is well.

use std::collections::BTreeMap;

use workshop_base::problem::Kind;
use workshop_course::lesson::model::Course;
use workshop_engine::command::{CommandKind, Refusal};
use workshop_engine::event::{CheckRef, Event, EventKind, Failure, RequestOutcome, StepRef, Verdict};

#[derive(Debug, Default)]
pub struct Tally {
    bad: Vec<Bad>,
    /// The statements that run, by their requests.
    statements: BTreeMap<u64, String>,
    /// Checks were asked for. Those of a step are the step's, and those of files follow each save unasked.
    checking: bool,
}

#[derive(Debug)]
struct Bad {
    what: Subject,
    title: String,
    kind: Kind,
}

#[derive(Debug, PartialEq)]
enum Subject {
    Step(StepRef),
    Check(CheckRef),
    /// A request that the engine did not carry out, or not to its end.
    Undone(CommandKind),
    Word,
    /// A statement, by its text.
    Sql {
        session: String,
        text: String,
    },
}

impl Tally {
    /// A line that is no command of ours.
    pub fn misunderstood(&mut self, line: &str) {
        self.bad.push(Bad { what: Subject::Word, title: format!("“{line}”"), kind: Kind::Usage });
    }

    /// Counts what an event says of steps, checks and requests.
    pub fn event(&mut self, course: &Course, event: &Event) {
        match &event.kind {
            EventKind::StepStarted { .. } => {
                // What a deploy costs was said, and the deploy was asked for again.
                self.bad.retain(|bad| bad.what != Subject::Undone(CommandKind::Run));
            }
            EventKind::StepFinished { at_step, verdict, failure, .. } => {
                let step = at_step.of(course);
                let title = step.map_or(at_step.step.clone(), |s| s.title.clone());
                self.judge(Subject::Step(at_step.clone()), title, *verdict, failure.as_ref());
            }
            EventKind::CheckFinished { at_check, title, verdict, failure, .. } if self.checking => {
                self.judge(Subject::Check(at_check.clone()), title.clone(), *verdict, failure.as_ref());
            }
            // Those of steps have no id, and are judged by the step.
            EventKind::SqlStarted { id, text, .. } if *id != 0 => _ = self.statements.insert(*id, text.clone()),
            EventKind::SqlFinished { id, session, error, .. } if *id != 0 => {
                let text = self.statements.remove(id).unwrap_or_default();
                let title = error.as_ref().map_or_else(String::new, |error| format!("SQL: {}", error.message));
                let verdict = if error.is_some() { Verdict::Fail } else { Verdict::Pass };
                self.judge(Subject::Sql { session: session.clone(), text }, title, verdict, None);
            }
            EventKind::Accepted { command: CommandKind::Check, .. } => self.checking = true,
            EventKind::Done { command, outcome: RequestOutcome::Failed(problem), .. } => {
                let title = format!("{command}, which could not be done");
                let failure = Failure { kind: problem.kind, ..Failure::default() };
                self.judge(Subject::Undone(*command), title, Verdict::Error, Some(&failure));
            }
            EventKind::Done { command, .. } => {
                self.checking &= *command != CommandKind::Check;
                self.bad.retain(|bad| bad.what != Subject::Undone(*command));
            }
            // To pause a clock that stands already is no failure.
            EventKind::Refused {
                because: Refusal::Already | Refusal::NothingRuns | Refusal::NotInTheCloud, ..
            }
            | EventKind::Refused { command: CommandKind::Quit, .. } => {}
            EventKind::Refused { command, .. } => {
                let title = format!("{command}, which was refused");
                self.judge(Subject::Undone(*command), title, Verdict::Fail, None);
            }
            _ => {}
        }
    }

    fn judge(&mut self, what: Subject, title: String, verdict: Verdict, failure: Option<&Failure>) {
        self.bad.retain(|bad| bad.what != what);
        if !verdict.is_good() {
            self.bad.push(Bad { what, title, kind: failure.map_or(Kind::Failed, |f| f.kind) });
        }
    }

    /// The first thing that went wrong and was not put right; None when all is well.
    pub fn kind(&self) -> Option<Kind> {
        self.bad.first().map(|bad| bad.kind)
    }

    /// The last line of a log, when not all is well.
    pub fn line(&self) -> Option<String> {
        let titles: Vec<&str> = self.bad.iter().map(|bad| bad.title.as_str()).collect();
        (!titles.is_empty()).then(|| format!("Not all went well: {}.", titles.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;
    use workshop_engine::event::TxState;
    use workshop_psql::report::SqlError;

    fn tally(kinds: impl IntoIterator<Item = EventKind>) -> Tally {
        let mut tally = Tally::default();
        for (i, kind) in kinds.into_iter().enumerate() {
            tally.event(&fixture::course(), &Event { seq: i as u64 + 1, at: 0, kind });
        }
        tally
    }

    fn finished(step: &str, verdict: Verdict, kind: Kind) -> EventKind {
        EventKind::StepFinished {
            at_step: StepRef { chapter: 1, step: step.into() },
            attempt: 1,
            verdict,
            took_ms: 0,
            failure: (!verdict.is_good()).then(|| Failure { kind, ..Failure::default() }),
        }
    }

    fn checked(verdict: Verdict) -> EventKind {
        EventKind::CheckFinished {
            at_check: CheckRef { chapter: 1, check: "grants".into() },
            title: "it grants".into(),
            verdict,
            attempts: 1,
            took_ms: 0,
            failure: None,
        }
    }

    #[test]
    fn a_step_that_failed_counts_until_it_passes() {
        let failed = || finished("deploy", Verdict::Fail, Kind::Failed);
        let one = tally([failed(), finished("cluster", Verdict::FailedAsExpected, Kind::Failed)]);
        assert_eq!(one.kind(), Some(Kind::Failed));
        assert!(one.line().unwrap().starts_with("Not all went well: "), "{:?}", one.line());
        let repaired = tally([failed(), finished("deploy", Verdict::Pass, Kind::Failed)]);
        assert_eq!((repaired.kind(), repaired.line()), (None, None));
    }

    #[test]
    fn the_first_thing_that_stays_wrong_says_whose_fault_it_is() {
        let broken = finished("deploy", Verdict::Error, Kind::Environment);
        let both = tally([finished("cluster", Verdict::Fail, Kind::Failed), broken.clone()]);
        assert_eq!(both.kind(), Some(Kind::Failed));
        assert_eq!(tally([broken]).kind(), Some(Kind::Environment));
    }

    #[test]
    fn a_statement_that_failed_counts_until_the_same_comes_through() {
        let sql = |id, text: &str, error: Option<&str>| {
            let error = error.map(|message| SqlError {
                severity: "ERROR".into(),
                sqlstate: "42703".into(),
                message: message.into(),
                detail: None,
                hint: None,
                position: None,
            });
            let (session, tx) = ("main".to_owned(), TxState::Idle);
            [
                EventKind::SqlStarted { id, session: session.clone(), text: text.into() },
                EventKind::SqlFinished { id, session, tx, rows: 0, took_ms: 1, error, prompts: None },
            ]
        };
        let failed = || sql(3, "select nope", Some("no such column"));
        assert_eq!(tally(failed()).kind(), Some(Kind::Failed));
        assert_eq!(tally(failed().into_iter().chain(sql(4, "select 1", None))).kind(), Some(Kind::Failed));
        assert_eq!(tally(failed().into_iter().chain(sql(4, "select nope", None))).kind(), None);
        assert_eq!(tally(sql(0, "select nope", Some("a step's own"))).kind(), None);
    }

    #[test]
    fn only_checks_that_were_asked_for_count() {
        assert_eq!(tally([checked(Verdict::Fail)]).kind(), None, "it followed a save");
        let accepted = EventKind::Accepted { id: 1, command: CommandKind::Check };
        let outcome = RequestOutcome::Verdict(Verdict::Fail);
        let done = EventKind::Done { id: 1, command: CommandKind::Check, outcome };
        let asked = tally([accepted, checked(Verdict::Fail), done, checked(Verdict::Fail)]);
        assert_eq!(asked.kind(), Some(Kind::Failed));
        assert_eq!(asked.line().unwrap(), "Not all went well: it grants.");
    }

    #[test]
    fn what_was_refused_counts_unless_it_was_done_after_all() {
        let refused = |command, because| EventKind::Refused { id: 1, command, because, reason: "it is so".into() };
        let costs = || refused(CommandKind::Run, Refusal::Costs);
        let started = EventKind::StepStarted {
            at_step: StepRef { chapter: 1, step: "deploy".into() },
            attempt: 1,
            action: workshop_course::lesson::model::ActionKind::Deploy,
            expects_failure: false,
            usual_ms: None,
        };
        assert_eq!(tally([costs()]).kind(), Some(Kind::Failed));
        assert_eq!(tally([costs(), started]).kind(), None);
        assert_eq!(tally([refused(CommandKind::Pause, Refusal::Already)]).kind(), None);
    }

    #[test]
    fn what_could_not_be_done_counts_until_it_is() {
        let done = |outcome| EventKind::Done { id: 1, command: CommandKind::Apply, outcome };
        let failed = || done(RequestOutcome::Failed(workshop_base::problem::Problem::environment("the disk is full")));
        assert_eq!(tally([failed()]).kind(), Some(Kind::Environment));
        assert_eq!(tally([failed(), done(RequestOutcome::Complete)]).kind(), None);
    }
}
