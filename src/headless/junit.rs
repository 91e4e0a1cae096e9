//! JUnit XML: a suite per chapter, a case per step and per check.
//!
//! It holds against the strictest schema that a reader checks, Jenkins xUnit's `junit-10.xsd`: no attributes and
//! elements but those that it names. What it has no place for (the verdict behind a pass, attempts) stands in a case's
//! `system-out`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::failure;
use super::names::{CourseNames, ToldChecks, verdict_word};
use super::types::Reporter;
use workshop_base::problem::{Kind, Problem};
use workshop_base::text::sanitize;
use workshop_engine::event::*;
use workshop_engine::progress::Progress;

/// Keeps the whole run, and writes it at its end.
pub struct Junit {
    out: Box<dyn Write + Send>,
    names: CourseNames,
    told: ToldChecks,
    suites: Vec<(u32, Vec<JunitCase>)>,
    problems: Vec<JunitCase>,
    /// The compiler's objections, by the deploy beside which it looked.
    types: Vec<(StepRef, String)>,
    /// Counts how often a class and a name were given: a reader keeps one of two that are the same.
    given: BTreeMap<(String, String), u32>,
}

struct JunitCase {
    class: String,
    name: String,
    took_ms: u64,
    /// The element's name and its `type`, `message` and text; none for a case that passed.
    bad: Option<(&'static str, String, String, String)>,
    output: String,
}

/// A step or a check as a case tells of it.
struct CaseResult<'a> {
    verdict: Verdict,
    took_ms: u64,
    attempts: u32,
    failure: Option<&'a Failure>,
    types: &'a str,
}

impl Junit {
    /// Makes a reporter that writes to `out`.
    pub fn new(out: Box<dyn Write + Send>, names: CourseNames) -> Junit {
        let (told, given) = (ToldChecks::default(), BTreeMap::new());
        Junit { out, names, told, suites: Vec::new(), problems: Vec::new(), types: Vec::new(), given }
    }

    /// Returns the report of a run that has not come to its end.
    pub fn unfinished(names: &CourseNames) -> String {
        let mut report = Junit::new(Box::new(io::sink()), names.clone());
        report.problem(&Problem::new(Kind::Interrupted, failure::INTERRUPTED));
        report.text()
    }

    fn add(&mut self, chapter: u32, class: String, name: &str, result: &CaseResult<'_>) {
        let name = self.unique(&class, name);
        let mut output = Vec::new();
        if result.verdict == Verdict::FailedAsExpected {
            output.push(format!("verdict: {}", verdict_word(result.verdict)));
        }
        if result.attempts > 1 {
            output.push(format!("attempts: {}", result.attempts));
        }
        output.extend(result.failure.iter().flat_map(|failure| failure.output.iter().cloned()));
        output.extend(Some(result.types.to_owned()).filter(|types| !types.is_empty()));
        let case = JunitCase { class, name, took_ms: result.took_ms, bad: bad(result), output: output.join("\n") };
        match self.suites.iter_mut().find(|(number, _)| *number == chapter) {
            Some((_, cases)) => cases.push(case),
            None => self.suites.push((chapter, vec![case])),
        }
    }

    /// A name that this class does not have yet.
    fn unique(&mut self, class: &str, name: &str) -> String {
        let times = self.given.entry((class.to_owned(), name.to_owned())).or_insert(0);
        *times += 1;
        match *times {
            1 => name.to_owned(),
            n => self.unique(class, &format!("{name} ({n})")),
        }
    }

    fn problem(&mut self, problem: &Problem) {
        let (class, name) = match &problem.spot {
            Some(spot) => {
                ("course", format!("{}:{}:{}: {}", spot.file.display(), spot.line, spot.column, problem.message))
            }
            None => ("environment", "preparation".to_owned()),
        };
        let name = self.unique(class, &name);
        let (message, hint) = (problem.to_string(), problem.hint.clone().unwrap_or_default());
        let bad = Some(("error", "error".to_owned(), message, hint));
        self.problems.push(JunitCase { class: class.to_owned(), name, took_ms: 0, bad, output: String::new() });
    }

    /// Tells whether nothing is reported yet that was not good.
    fn is_well(&self) -> bool {
        let is_bad = |case: &JunitCase| case.bad.as_ref().is_some_and(|(element, ..)| *element != "skipped");
        self.problems.is_empty() && !self.suites.iter().flat_map(|(_, cases)| cases).any(is_bad)
    }

    fn text(&self) -> String {
        let title = |number: u32| match self.names.chapter(number) {
            "" => format!("chapter {number}"),
            title => format!("chapter {number}: {title}"),
        };
        let problems = Some(("preparation".to_owned(), &self.problems)).filter(|(_, cases)| !cases.is_empty());
        let suites = problems.into_iter().chain(self.suites.iter().map(|(number, cases)| (title(*number), cases)));
        let suites: Vec<(String, &Vec<JunitCase>)> = suites.collect();
        let all = || suites.iter().flat_map(|(_, cases)| cases.iter());
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(out, "<testsuites name=\"{}\" {}>", attribute(self.names.course()), counts(all()));
        for (title, cases) in &suites {
            let _ = writeln!(out, "    <testsuite name=\"{}\" {}>", attribute(title), counts(cases.iter()));
            cases.iter().for_each(|case| write_case(&mut out, case));
            out.push_str("    </testsuite>\n");
        }
        out.push_str("</testsuites>\n");
        out
    }
}

/// Counts and the time, as both levels carry them. A suite also counts what was skipped in its cases' own elements.
fn counts<'a>(cases: impl Iterator<Item = &'a JunitCase> + Clone) -> String {
    let of = |element| cases.clone().filter(|case| case.bad.as_ref().is_some_and(|bad| bad.0 == element)).count();
    let (tests, failures, errors) = (cases.clone().count(), of("failure"), of("error"));
    let took_ms = cases.map(|case| case.took_ms).sum();
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{}\"", seconds(took_ms))
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn write_case(out: &mut String, case: &JunitCase) {
    let (class, name) = (attribute(&case.class), attribute(&case.name));
    let _ = write!(out, "        <testcase classname=\"{class}\" name=\"{name}\" time=\"{}\"", seconds(case.took_ms));
    if case.bad.is_none() && case.output.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push_str(">\n");
    if let Some((element, kind, message, body)) = &case.bad {
        let (kind, message) = (attribute(kind), attribute(message));
        let _ = writeln!(
            out,
            "            <{element} type=\"{kind}\" message=\"{message}\">{}</{element}>",
            element_text(body)
        );
    }
    if !case.output.is_empty() {
        let _ = writeln!(out, "            <system-out>{}</system-out>", element_text(&case.output));
    }
    out.push_str("        </testcase>\n");
}

/// Escapes text between tags: markup, what XML 1.0 has no character for, and what GitHub's runner would obey, should it
/// read the file line by line.
fn element_text(text: &str) -> String {
    let text = sanitize(text).replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}");
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let line = |line: &str| match line.trim_start().starts_with("::") {
        true => line.replacen(':', "&#58;", 1),
        false => line.to_owned(),
    };
    text.replace("##[", "&#35;#[").split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Escapes an attribute's value, in which a reader takes a bare line end or tab for a blank.
fn attribute(text: &str) -> String {
    element_text(text).replace('\n', "&#10;").replace('\t', "&#9;")
}

fn bad(result: &CaseResult<'_>) -> Option<(&'static str, String, String, String)> {
    let element = match result.verdict {
        Verdict::Pass | Verdict::FailedAsExpected => return None,
        Verdict::Skipped => "skipped",
        Verdict::Fail | Verdict::PassedUnexpectedly => "failure",
        Verdict::Error => "error",
    };
    let message = result.failure.and_then(|f| f.actual.lines().next()).unwrap_or_default().to_owned();
    let text = result.failure.map(|f| failure::lines(f).join("\n")).unwrap_or_default();
    Some((element, verdict_word(result.verdict).to_owned(), message, text))
}

impl Reporter for Junit {
    fn event(&mut self, event: &Event, progress: &Progress) -> io::Result<()> {
        let event = &*self.names.filled(event, progress);
        self.told.take(&event.kind);
        match &event.kind {
            EventKind::StepFinished { at_step, verdict, .. } if self.told.have_told(&self.names, at_step, *verdict) => {
            }
            EventKind::StepFinished { at_step, verdict, took_ms, failure, .. } => {
                let said = self.types.iter().filter(|(step, _)| step == at_step).map(|(_, said)| said.as_str());
                let types = said.collect::<Vec<_>>().join("\n");
                let result = CaseResult {
                    verdict: *verdict,
                    took_ms: *took_ms,
                    attempts: 1,
                    failure: failure.as_ref(),
                    types: &types,
                };
                let class = format!("ch{:02}.steps.{}", at_step.chapter, at_step.step);
                let name = self.names.step(at_step).to_owned();
                self.add(at_step.chapter, class, &name, &result);
            }
            EventKind::CheckFinished { at_check, title, verdict, attempts, took_ms, failure } => {
                let result = CaseResult {
                    verdict: *verdict,
                    took_ms: *took_ms,
                    attempts: *attempts,
                    failure: failure.as_ref(),
                    types: "",
                };
                // The same check is run by a step and again at the chapter's end.
                let class = match self.told.within() {
                    Some(step) => format!("ch{:02}.steps.{}.{}", step.chapter, step.step, at_check.check),
                    None => format!("ch{:02}.checks.{}", at_check.chapter, at_check.check),
                };
                self.add(at_check.chapter, class, title, &result);
            }
            EventKind::Trouble { problem }
            | EventKind::PrepareFailed { problem, .. }
            | EventKind::Done { outcome: RequestOutcome::Failed(problem), .. } => self.problem(problem),
            EventKind::Refused { command, reason, .. } => {
                failure::refused(*command, reason).iter().for_each(|problem| self.problem(problem));
            }
            EventKind::Closed { kind: Some(Kind::Interrupted), .. } => {
                self.problem(&Problem::new(Kind::Interrupted, failure::INTERRUPTED));
            }
            // Whoever reads this alone must not take it for a run that came out well.
            EventKind::Closed { verdict, .. } if !verdict.is_good() && self.is_well() => {
                self.problem(&Problem::failed(failure::UNEXPLAINED));
            }
            EventKind::TypesChecked { at_step, problems, .. } => {
                self.types.extend(problems.iter().map(|p| (at_step.clone(), format!("types: {p}"))));
            }
            _ => {}
        }
        self.told.leave(&event.kind);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(self.text().as_bytes())?;
        self.out.flush()
    }
}
