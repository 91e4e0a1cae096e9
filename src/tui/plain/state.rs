//! The state of the plain mode between two lines.

use std::collections::VecDeque;
use std::sync::Arc;

use super::tally::Tally;
use crate::tui::plan::{self, QueryPlan};
use crate::tui::present::plan::summary;
use crate::tui::present::{prompt, words};
use crate::tui::{clock, diffrows, theme};
use workshop_base::{secret, text};
use workshop_course::lesson::model::{Chapter, Course, Step};
use workshop_engine::command::{BringTo, Command};
use workshop_engine::event::{EventKind, SqlLine, StepRef};
use workshop_engine::progress::Progress;
use workshop_engine::requests::Requests;

pub struct Plain {
    pub course: Arc<Course>,
    pub progress: Progress,
    pub quitting: bool,
    pub redact: bool,
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
    pub(super) hints: usize,
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
            session: None,
            sql: String::new(),
            in_sql: false,
            diff: Vec::new(),
            tenth: 0,
            raw: VecDeque::new(),
            hints: 0,
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

    /// Understands `bring`, `bring CHAPTER` and `bring back`: what to ask for, and what to say.
    pub(super) fn bring(&self, rest: &str) -> (Vec<Command>, Vec<String>) {
        let here = self.here().map(|(chapter, _, _)| chapter.number);
        let to = match rest {
            "back" => Some(BringTo::Before),
            "failover" => Some(BringTo::Standby),
            "failback" => Some(BringTo::Account),
            "" => here.map(BringTo::Chapter),
            number => number.parse().ok().map(BringTo::Chapter),
        };
        match to {
            Some(to) => (vec![Command::Bring { to }], Vec::new()),
            None => (Vec::new(), vec!["bring, bring CHAPTER, bring back: outline lists the chapters.".to_owned()]),
        }
    }

    /// Understands `begin again` and `begin again CHAPTER`.
    pub(super) fn begin_again(&self, chapter: &str) -> (Vec<Command>, Vec<String>) {
        match chapter {
            "" => (vec![Command::Bring { to: BringTo::Chapter(self.course.first_on_stage()) }], Vec::new()),
            chapter => self.bring(chapter),
        }
    }

    /// Follows an EXPLAIN, and says at its end what its plan comes to.
    pub(super) fn plan_words(&mut self, kind: &EventKind) -> Option<String> {
        match kind {
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

    /// The difference as it was last shown, and the clock: for `say`.
    pub fn files(&self) -> &[diffrows::FileView] {
        &self.diff
    }

    /// Returns the stage clock as of the newest event.
    pub fn pace(&self) -> Option<clock::Pace> {
        clock::pace(&self.course, &self.progress, self.progress.at)
    }

    /// Says what a step does, as a verb phrase.
    pub fn does(step: &Step) -> String {
        words::does(step)
    }

    /// Says a verdict in words.
    pub fn word(verdict: workshop_engine::event::Verdict) -> &'static str {
        theme::verdict_word(verdict)
    }
}
