//! TAP version 14 (testanything.org specification): one test point per step and check.

use std::io::{self, Write};
use std::sync::Arc;

use super::report::Reporter;
use super::{failure, junit};
use workshop_base::problem::Kind;
use workshop_base::text::sanitize;
use workshop_course::lesson::model::Course;
use workshop_engine::event::*;
use workshop_engine::progress::Progress;

pub struct Tap {
    out: Box<dyn Write + Send>,
    course: Arc<Course>,
    /// The version has been written.
    begun: bool,
    count: u32,
    /// What kept the run from going on. Told last: a reader stops there.
    bail: Option<String>,
}

impl Tap {
    pub fn new(out: Box<dyn Write + Send>, course: Arc<Course>) -> Tap {
        Tap { out, course, begun: false, count: 0, bail: None }
    }

    fn point(&mut self, name: &str, verdict: Verdict, took_ms: u64, failure: Option<&Failure>) -> io::Result<()> {
        self.count += 1;
        let ok = if verdict.is_good() { "ok" } else { "not ok" };
        // `#` begins a directive, so a title must not hold a bare one.
        let name = sanitize(name).replace('\n', " ").replace('#', "\\#");
        let directive = if verdict == Verdict::Skipped { " # SKIP" } else { "" };
        writeln!(self.out, "{ok} {} - {name}{directive}", self.count)?;
        writeln!(self.out, "  ---\n  verdict: {}\n  duration_ms: {took_ms}", junit::word(verdict))?;
        if let Some(failure) = failure {
            writeln!(self.out, "  message: |")?;
            for line in failure::lines(failure) {
                writeln!(self.out, "    {line}")?;
            }
        }
        writeln!(self.out, "  ...")
    }
}

impl Reporter for Tap {
    fn event(&mut self, event: &Event, _: &Progress) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            writeln!(self.out, "TAP version 14")?;
        }
        match &event.kind {
            EventKind::StepFinished { at_step, verdict, took_ms, failure, .. } => {
                let name = junit::step_name(&self.course, at_step);
                self.point(&format!("chapter {}: {name}", at_step.chapter), *verdict, *took_ms, failure.as_ref())
            }
            EventKind::CheckFinished { at_check, title, verdict, took_ms, failure, .. } => {
                let name = format!("chapter {}: check: {title}", at_check.chapter);
                self.point(&name, *verdict, *took_ms, failure.as_ref())
            }
            EventKind::Trouble { problem }
            | EventKind::PrepareFailed { problem, .. }
            | EventKind::Done { outcome: RequestOutcome::Failed(problem), .. } => {
                let hint = problem.hint.as_ref().map(|h| format!(": {h}")).unwrap_or_default();
                let text = format!("{problem}{hint}").replace('\n', " ");
                self.bail.get_or_insert_with(|| sanitize(&text).into_owned());
                Ok(())
            }
            EventKind::TypesChecked { problems, .. } => problems.iter().try_for_each(|problem| {
                writeln!(self.out, "# types: {}", sanitize(&problem.to_string()).replace('\n', " "))
            }),
            EventKind::Closed { kind, .. } => {
                let interrupted = || (*kind == Some(Kind::Interrupted)).then(|| failure::INTERRUPTED.to_owned());
                // Who has not come to the end does not know how many there would have been.
                match self.bail.take().or_else(interrupted) {
                    Some(why) => writeln!(self.out, "Bail out! {why}"),
                    None => writeln!(self.out, "1..{}", self.count),
                }
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
