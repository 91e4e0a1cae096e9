//! JUnit XML: a suite per chapter, a case per step and per check, attempts as a property of their one case.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::failure;
use super::report::Reporter;
use workshop_base::problem::{Kind, Problem};
use workshop_course::lesson::model::Course;
use workshop_engine::event::*;
use workshop_engine::progress::Progress;

pub struct Junit {
    out: Box<dyn Write + Send>,
    course: Arc<Course>,
    suites: Vec<(u32, TestSuite)>,
    problems: Vec<Problem>,
    /// What the compiler objects to, by the deploy beside which it looked.
    types: Vec<(StepRef, Vec<String>)>,
}

struct Done<'a> {
    verdict: Verdict,
    took_ms: u64,
    attempts: u32,
    failure: Option<&'a Failure>,
    types: Option<&'a str>,
}

impl Junit {
    pub fn new(out: Box<dyn Write + Send>, course: Arc<Course>) -> Junit {
        Junit { out, course, suites: Vec::new(), problems: Vec::new(), types: Vec::new() }
    }

    fn add(&mut self, chapter: u32, name: &str, class: &str, done: &Done<'_>) {
        let mut case = TestCase::new(name, status(done));
        case.set_classname(class).set_time(Duration::from_millis(done.took_ms));
        case.add_property(Property::new("verdict", word(done.verdict)));
        if done.attempts > 1 {
            case.add_property(Property::new("attempts", done.attempts.to_string()));
        }
        if let Some(spot) = done.failure.and_then(|f| f.spot.as_ref()) {
            case.extra.insert(XmlString::new("file"), XmlString::new(spot.file.display().to_string()));
            case.extra.insert(XmlString::new("line"), XmlString::new(spot.line.to_string()));
        }
        let output = done.failure.map(|f| f.output.join("\n")).unwrap_or_default();
        let output = [output.as_str(), done.types.unwrap_or_default()].join("\n");
        if !output.trim().is_empty() {
            case.set_system_out(output.trim());
        }
        let index = self.suites.iter().position(|(number, _)| *number == chapter).unwrap_or_else(|| {
            let title = self.course.chapter(chapter).map_or(String::new(), |c| format!(": {}", c.title));
            self.suites.push((chapter, TestSuite::new(format!("chapter {chapter}{title}"))));
            self.suites.len() - 1
        });
        self.suites[index].1.add_test_case(case);
    }
}

fn status(done: &Done<'_>) -> TestCaseStatus {
    let kind = match done.verdict {
        Verdict::Pass | Verdict::FailedAsExpected => return TestCaseStatus::success(),
        Verdict::Skipped => return TestCaseStatus::skipped(),
        Verdict::Fail | Verdict::PassedUnexpectedly => NonSuccessKind::Failure,
        Verdict::Error => NonSuccessKind::Error,
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word(done.verdict));
    if let Some(failure) = done.failure {
        status.set_message(failure.actual.lines().next().unwrap_or_default());
        status.set_description(failure::lines(failure).join("\n"));
    }
    status
}

/// A verdict in the words of the reports.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Error => "error",
        Verdict::Skipped => "skipped",
        Verdict::FailedAsExpected => "failed as expected",
        Verdict::PassedUnexpectedly => "passed unexpectedly",
    }
}

pub(super) fn step_name(course: &Course, step: &StepRef) -> String {
    let title = step.of(course).map(|s| s.title.clone());
    title.unwrap_or_else(|| step.step.clone())
}

impl Reporter for Junit {
    fn event(&mut self, event: &Event, _: &Progress) -> io::Result<()> {
        match &event.kind {
            EventKind::StepFinished { at_step, verdict, took_ms, failure, .. } => {
                let types: Vec<String> =
                    self.types.iter().filter(|(step, _)| step == at_step).flat_map(|(_, said)| said.clone()).collect();
                let types = types.join("\n");
                let (failure, types) = (failure.as_ref(), Some(types.as_str()));
                let done = Done { verdict: *verdict, took_ms: *took_ms, attempts: 1, failure, types };
                let class = format!("ch{:02}.steps.{}", at_step.chapter, at_step.step);
                self.add(at_step.chapter, &step_name(&self.course, at_step), &class, &done);
            }
            EventKind::CheckFinished { at_check, title, verdict, attempts, took_ms, failure } => {
                let failure = failure.as_ref();
                let done = Done { verdict: *verdict, took_ms: *took_ms, attempts: *attempts, failure, types: None };
                let class = format!("ch{:02}.checks.{}", at_check.chapter, at_check.check);
                self.add(at_check.chapter, title, &class, &done);
            }
            EventKind::Trouble { problem }
            | EventKind::PrepareFailed { problem, .. }
            | EventKind::Done { outcome: RequestOutcome::Failed(problem), .. } => {
                self.problems.push(problem.clone());
            }
            EventKind::Closed { kind: Some(Kind::Interrupted), .. } => {
                self.problems.push(Problem::new(Kind::Interrupted, failure::INTERRUPTED));
            }
            EventKind::TypesChecked { at_step, problems, .. } => {
                self.types.push((at_step.clone(), problems.iter().map(|p| format!("types: {p}")).collect()));
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let mut report = Report::new(self.course.title.clone());
        if !self.problems.is_empty() {
            let mut suite = TestSuite::new("environment");
            for problem in self.problems.drain(..) {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                status.set_message(problem.to_string());
                if let Some(hint) = problem.hint {
                    status.set_description(hint);
                }
                suite.add_test_case(TestCase::new("preparation", status));
            }
            report.add_test_suite(suite);
        }
        report.add_test_suites(self.suites.drain(..).map(|(_, suite)| suite));
        report.serialize(&mut self.out).map_err(io::Error::other)?;
        self.out.flush()
    }
}
