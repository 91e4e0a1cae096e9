//! The state of the plain mode between two lines.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::prose;
use super::tally::Tally;
use crate::tui::plan::{self, QueryPlan};
use crate::tui::present::plan::summary;
use crate::tui::present::{prompt, words};
use crate::tui::{clock, diffrows};
use workshop_base::{secret, text};
use workshop_course::lesson::model::{Chapter, Check, Course, Step};
use workshop_engine::command::{BringTo, Command, CommandKind};
use workshop_engine::event::{CheckRef, EventKind, RequestOutcome, SqlLine, StepRef};
use workshop_engine::progress::Progress;
use workshop_engine::requests::Requests;

/// A question to a person, who says yes with the same line again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// Everything is put there.
    Bring(BringTo),
    /// One leaves although something is lost by it.
    Leave,
}

pub struct Plain {
    pub course: Arc<Course>,
    pub progress: Progress,
    pub quitting: bool,
    pub redact: bool,
    /// A person types; lines from a file or a pipe say once what they want.
    pub by_hand: bool,
    /// Columns of the terminal; None where the lines go elsewhere.
    pub width: Option<usize>,
    /// The question that the same line once more answers.
    pub(super) asked: Option<Question>,
    /// Where everything was being put until the event that is said.
    pub(super) brought: Option<BringTo>,
    pub(super) session: Option<String>,
    /// An unfinished statement.
    pub(super) sql: String,
    /// Every line is SQL, until `\q`.
    pub(super) in_sql: bool,
    pub(super) diff: Vec<diffrows::FileView>,
    /// Tenth parts of a load that were told.
    pub(super) tenth: u32,
    /// The last lines that the newest deploy printed.
    pub(super) raw: VecDeque<String>,
    /// The number of hints that were told: of the step at hand (None), and of each check.
    pub(super) hints: BTreeMap<Option<String>, usize>,
    /// The EXPLAIN that runs, and the rows of its answer so far.
    pub(super) explaining: Option<(String, Vec<String>)>,
    /// The plan before it, with its query.
    pub(super) plan: Option<(String, QueryPlan)>,
    pub(super) requests: Requests,
    pub(super) tally: Tally,
}

impl Plain {
    /// Makes the state of a session of lines in which nothing was said.
    pub fn new(course: Arc<Course>) -> Plain {
        Plain {
            course,
            progress: Progress::default(),
            quitting: false,
            redact: false,
            by_hand: false,
            width: None,
            asked: None,
            brought: None,
            session: None,
            sql: String::new(),
            in_sql: false,
            diff: Vec::new(),
            tenth: 0,
            raw: VecDeque::new(),
            hints: BTreeMap::new(),
            explaining: None,
            plan: None,
            requests: Requests::default(),
            tally: Tally::default(),
        }
    }

    /// Returns whether the next line can be taken without being refused.
    pub fn is_idle(&self) -> bool {
        // What the run began with is nobody's request, and is waited for like one.
        self.progress.position.is_some() && self.progress.bringing.is_none() && !self.requests.any(|_| true)
    }

    /// Returns whether what runs may never end by itself: the account is gone, or the standby is waited for.
    pub fn is_cut_off(&self) -> bool {
        let to_standby = self.progress.bringing.as_ref().is_some_and(|bringing| bringing.to == BringTo::Standby);
        to_standby || self.progress.account_gone.is_some() && !self.progress.on_standby
    }

    /// Returns whether a line leads away from what runs, so that it does not wait for its end.
    pub fn leads_away(&self, line: &str) -> bool {
        !self.in_sql && self.sql.is_empty() && matches!(line.trim(), "failover" | "cancel" | "detach")
    }

    /// Returns the chapter, the step's index in it, and the step.
    pub fn here(&self) -> Option<(&Chapter, usize, &Step)> {
        let position = self.progress.position.as_ref()?;
        let chapter = self.course.chapter(position.chapter)?;
        let at = chapter.steps.iter().position(|s| s.id == position.step)?;
        Some((chapter, at, &chapter.steps[at]))
    }

    /// Returns the reference of the step at hand.
    pub fn step_ref(&self) -> Option<StepRef> {
        self.progress.position.as_ref().map(|p| StepRef { chapter: p.chapter, step: p.step.clone() })
    }

    /// Returns a step's title, or its name where the course has it no more.
    pub(super) fn title<'a>(&'a self, at: &'a StepRef) -> &'a str {
        at.of(&self.course).map_or(at.step.as_str(), |step| step.title.as_str())
    }

    /// Returns a text of the lesson's with its references filled in.
    pub(super) fn filled<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.progress.filled(&self.course, text)
    }

    /// Returns the next hint that was not told here, with what it is of: of the step (None), then of the chapter's checks that
    /// failed.
    pub(super) fn next_hint(&self) -> Option<(Option<String>, String)> {
        let (chapter, _, step) = self.here()?;
        let of = |subject: Option<String>, about: String, hints: &[String]| {
            let told = self.hints.get(&subject).copied().unwrap_or(0);
            let hint = self.filled(hints.get(told)?);
            let line = format!("Hint {} of {}{about}: {}", told + 1, hints.len(), hint.trim());
            Some((subject, line))
        };
        let failed = |check: &&Check| {
            let at = CheckRef { chapter: chapter.number, check: check.id.clone() };
            let verdict = self.progress.checks.get(&at).and_then(|state| state.verdict);
            verdict.is_some_and(|verdict| !verdict.is_good())
        };
        let of_check = |check: &Check| of(Some(check.id.clone()), format!(" for “{}”", check.title), &check.hints);
        of(None, String::new(), &step.hints).or_else(|| chapter.checks.iter().filter(failed).find_map(of_check))
    }

    /// Returns the words for who could ask for one more hint.
    pub(super) fn hint_helps(&self) -> &'static str {
        if self.next_hint().is_some() { ", hint helps" } else { "" }
    }

    /// Understands `bring`, `bring CHAPTER` and `bring back`: what to ask for, and what to say. A person is asked first.
    pub(super) fn bring(&mut self, rest: &str) -> (Vec<Command>, Vec<String>) {
        let here = self.here().map(|(chapter, _, _)| chapter.number);
        let to = match rest {
            "back" => Some(BringTo::Before),
            "failover" => Some(BringTo::Standby),
            "failback" => Some(BringTo::Account),
            "" => here.map(BringTo::Chapter),
            number => number.parse().ok().map(BringTo::Chapter),
        };
        match to {
            Some(to) => self.put(to),
            None => (Vec::new(), vec!["bring, bring CHAPTER, bring back: outline lists the chapters.".to_owned()]),
        }
    }

    fn put(&mut self, to: BringTo) -> (Vec<Command>, Vec<String>) {
        let what = match to {
            BringTo::Chapter(number) => format!("as chapter {number} begins"),
            BringTo::Before => "as it was before it was brought somewhere".to_owned(),
            // The files stay as they are.
            BringTo::Standby | BringTo::Account => return (vec![Command::Bring { to }], Vec::new()),
        };
        if !self.asks(Question::Bring(to)) {
            return (vec![Command::Bring { to }], Vec::new());
        }
        let text = format!(
            "Everything is put {what}: files, ticks and what runs. Own edits go along; restore brings back what cannot. The \
             same line again does it."
        );
        (Vec::new(), vec![text])
    }

    /// Asks a person, once; tells whether the answer is still to come. A script has said what it wants.
    pub(super) fn asks(&mut self, question: Question) -> bool {
        if !self.by_hand || self.asked.take() == Some(question) {
            return false;
        }
        self.asked = Some(question);
        true
    }

    /// Understands `begin again` and `begin again CHAPTER`.
    pub(super) fn begin_again(&mut self, chapter: &str) -> (Vec<Command>, Vec<String>) {
        match chapter {
            "" => self.put(BringTo::Chapter(self.course.first_on_stage())),
            chapter => self.bring(chapter),
        }
    }

    /// Follows an EXPLAIN, and says at its end what its plan comes to, beside the one before it. One of another time, or of
    /// elsewhere, is none before it.
    pub(super) fn plan_words(&mut self, kind: &EventKind) -> Option<String> {
        match kind {
            EventKind::StateRestored { .. }
            | EventKind::Switched { .. }
            | EventKind::Done { command: CommandKind::Bring, outcome: RequestOutcome::Complete, .. } => {
                self.plan = None;
                None
            }
            EventKind::SqlStarted { text, .. } => {
                self.explaining = plan::explained(text).map(|query| (query, Vec::new()));
                None
            }
            EventKind::SqlText { lines, .. } => {
                let (_, rows) = self.explaining.as_mut()?;
                let answered = lines.iter().filter(|(kind, _)| *kind == SqlLine::Row);
                rows.extend(answered.flat_map(|(_, text)| text.split('\n')).map(str::to_owned));
                None
            }
            EventKind::SqlFinished { .. } => {
                let (query, rows) = self.explaining.take()?;
                let plan = QueryPlan::read(rows.iter().map(String::as_str))?;
                let before = self.plan.as_ref().filter(|(of, _)| *of == query).map(|(_, plan)| plan);
                let words = format!("In short: {}", summary(&plan, before));
                self.plan = Some((query, plan));
                Some(words)
            }
            _ => None,
        }
    }

    /// Returns the session that SQL goes to.
    pub fn session_name(&self) -> String {
        self.session.clone().unwrap_or_else(|| prompt::first_session(&self.course))
    }

    /// Fit for a terminal, and with identities hidden when that is wished.
    pub fn display_text(&self, line: &str) -> String {
        let clean = text::sanitize(line);
        if self.redact { secret::redact(&clean).into_owned() } else { clean.into_owned() }
    }

    /// Returns a lesson's text as lines for this terminal, with identities hidden before it is broken: half of one is not known
    /// for what it is.
    pub(super) fn prose(&self, text: &str) -> Vec<String> {
        prose::lines(&self.display_text(text), self.width)
    }

    /// The difference as it was last shown, and the clock: for `say`.
    pub fn files(&self) -> &[diffrows::FileView] {
        &self.diff
    }

    /// Returns the stage clock as of the newest event.
    pub fn pace(&self) -> Option<clock::Pace> {
        clock::pace(&self.course, &self.progress, self.progress.at)
    }

    /// Says what a step does, as a verb phrase.
    pub fn does(&self, step: &Step) -> String {
        words::does(&self.course, &self.progress, step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;
    use workshop_engine::event::{Event, Position};

    fn at_chapter_one() -> Plain {
        let mut plain = Plain::new(fixture::course());
        let kind = EventKind::Moved { position: Position { chapter: 1, step: "cluster".to_owned() } };
        plain.event(&Event { seq: 1, at: 0, kind });
        plain
    }

    fn asked(plain: &mut Plain, line: &str) -> Vec<Command> {
        plain.line(line).0.into_iter().map(|request| request.command).collect()
    }

    #[test]
    fn an_identity_that_is_longer_than_the_terminal_is_wide_is_hidden_as_a_whole() {
        let mut plain = at_chapter_one();
        (plain.width, plain.redact) = (Some(40), true);
        let text =
            "It runs as arn:aws:iam::123456789012:role/NightlyReconciliationForAuditorsAndOthers, and as nobody else.";
        let said = plain.prose(text);
        assert!(said.len() > 2 && said.iter().any(|line| line.contains('•')), "{said:?}");
        assert!(!said.iter().any(|line| line.contains("Auditors") || line.contains("9012")), "{said:?}");
    }

    #[test]
    fn a_person_is_asked_before_everything_is_put_elsewhere_and_a_script_is_not() {
        let mut plain = at_chapter_one();
        let bring = |chapter| [Command::Bring { to: BringTo::Chapter(chapter) }];
        assert_eq!(asked(&mut plain, "bring"), bring(1));
        plain.by_hand = true;
        assert!(asked(&mut plain, "bring 2").is_empty());
        assert!(asked(&mut plain, "bring").is_empty(), "that is another question");
        assert_eq!(asked(&mut plain, "bring"), bring(1));
        assert!(asked(&mut plain, "bring").is_empty());
        asked(&mut plain, "notes");
        assert!(asked(&mut plain, "bring").is_empty(), "another line is no answer");
    }
}
