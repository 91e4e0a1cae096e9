//! GitHub Actions' workflow commands: failures as annotations on the lesson's own lines.

use std::io::{self, Write};
use std::sync::Arc;

use super::report::Reporter;
use super::{failure, junit};
use workshop_base::problem::{Kind, Problem};
use workshop_base::text::sanitize;
use workshop_course::lesson::model::Course;
use workshop_engine::event::*;
use workshop_engine::progress::Progress;

pub struct Github {
    out: Box<dyn Write + Send>,
    course: Arc<Course>,
}

impl Github {
    pub fn new(out: Box<dyn Write + Send>, course: Arc<Course>) -> Github {
        Github { out, course }
    }

    fn annotate(&mut self, title: &str, verdict: Verdict, failure: Option<&Failure>) -> io::Result<()> {
        if verdict.is_good() {
            return Ok(());
        }
        let place = failure.and_then(|f| f.spot.as_ref()).map_or(String::new(), |spot| {
            format!("file={},line={},", property(&spot.file.display().to_string()), spot.line)
        });
        let text = failure.map(|f| failure::lines(f).join("\n")).unwrap_or_default();
        let title = property(&format!("{title}: {}", junit::word(verdict)));
        writeln!(self.out, "::error {place}title={title}::{}", data(&text))
    }
}

/// Problems of lesson files, each on its line.
pub fn annotations(problems: &[Problem]) -> String {
    let of = |problem: &Problem| {
        let place = problem.spot.as_ref().map_or(String::new(), |spot| {
            let file = property(&spot.file.display().to_string());
            format!("file={file},line={},col={}", spot.line, spot.column)
        });
        let said = Problem { spot: None, ..problem.clone() };
        let hint = problem.hint.as_ref().map_or(String::new(), |h| format!("\n{h}"));
        format!("::error {place}::{}\n", data(&format!("{said}{hint}")))
    };
    problems.iter().map(of).collect()
}

/// Escapes a message as the workflow command syntax asks ("Workflow commands for GitHub Actions").
fn data(text: &str) -> String {
    sanitize(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

impl Reporter for Github {
    fn event(&mut self, event: &Event, _: &Progress) -> io::Result<()> {
        match &event.kind {
            EventKind::StepFinished { at_step, verdict, failure, .. } => {
                let name = junit::step_name(&self.course, at_step);
                self.annotate(&format!("chapter {}: {name}", at_step.chapter), *verdict, failure.as_ref())
            }
            EventKind::CheckFinished { at_check, title, verdict, failure, .. } => {
                self.annotate(&format!("chapter {}: {title}", at_check.chapter), *verdict, failure.as_ref())
            }
            EventKind::TypesChecked { problems, .. } => problems.iter().try_for_each(|problem| {
                let (file, line, column) = (property(&problem.file), problem.line, problem.column);
                let text = data(&problem.message);
                writeln!(self.out, "::warning file={file},line={line},col={column},title={}::{text}", problem.code)
            }),
            EventKind::Closed { kind: Some(Kind::Interrupted), .. } => {
                writeln!(self.out, "::error ::{}", failure::INTERRUPTED)
            }
            EventKind::Trouble { problem }
            | EventKind::PrepareFailed { problem, .. }
            | EventKind::Done { outcome: RequestOutcome::Failed(problem), .. } => {
                let hint = problem.hint.as_ref().map_or(String::new(), |h| format!("\n{h}"));
                writeln!(self.out, "::error ::{}", data(&format!("{problem}{hint}")))
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
