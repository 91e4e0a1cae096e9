//! TAP version 13 (testanything.org): one test point per step and check.
//!
//! Version 13 because all that is written here is in it, and a reader that does not know 14 (perl's `prove` up to 3.44)
//! takes the version line of that for a failure.

use std::io::{self, Write};

use super::failure;
use super::github::inert;
use super::names::{CourseNames, ToldChecks, verdict_word};
use super::types::Reporter;
use workshop_base::problem::Kind;
use workshop_base::text::sanitize;
use workshop_engine::event::*;
use workshop_engine::progress::Progress;

/// Writes a test point per step and check, each with a YAML block.
pub struct Tap {
    out: Box<dyn Write + Send>,
    names: CourseNames,
    told: ToldChecks,
    /// The version has been written.
    begun: bool,
    count: u32,
    /// A point was not ok.
    failed: bool,
    /// The first thing that kept the run from going on. Told last: a reader stops there.
    bail: Option<String>,
}

impl Tap {
    /// Makes a reporter that writes to `out`.
    pub fn new(out: Box<dyn Write + Send>, names: CourseNames) -> Tap {
        Tap { out, names, told: ToldChecks::default(), begun: false, count: 0, failed: false, bail: None }
    }

    fn point(&mut self, name: &str, verdict: Verdict, took_ms: u64, failure: Option<&Failure>) -> io::Result<()> {
        self.count += 1;
        self.failed |= !verdict.is_good();
        let ok = if verdict.is_good() { "ok" } else { "not ok" };
        let name = escaped(&one_line(name));
        let directive = if verdict == Verdict::Skipped { " # SKIP" } else { "" };
        writeln!(self.out, "{ok} {} - {name}{directive}", self.count)?;
        writeln!(self.out, "  ---\n  verdict: {}\n  duration_ms: {took_ms}", verdict_word(verdict))?;
        if let Some(failure) = failure {
            writeln!(self.out, "  message: |")?;
            for line in failure::lines(failure) {
                writeln!(self.out, "    {}", inert(&line))?;
            }
        }
        writeln!(self.out, "  ...")
    }
}

/// Returns a title in which no `#` begins a directive, whatever backslashes stand before it (TAP 14, "Escaping").
fn escaped(title: &str) -> String {
    let mut out = String::with_capacity(title.len());
    for character in title.chars() {
        if character == '#' {
            let before = out.chars().rev().take_while(|c| *c == '\\').count();
            out.push_str(&"\\".repeat(before + 1));
        }
        out.push(character);
    }
    out
}

fn one_line(text: &str) -> String {
    sanitize(text).replace('\n', " ")
}

impl Reporter for Tap {
    fn event(&mut self, event: &Event, progress: &Progress) -> io::Result<()> {
        let event = &*self.names.filled(event, progress);
        self.told.take(&event.kind);
        if !std::mem::replace(&mut self.begun, true) {
            writeln!(self.out, "TAP version 13")?;
        }
        match &event.kind {
            EventKind::StepFinished { at_step, verdict, .. } if self.told.have_told(&self.names, at_step, *verdict) => {
            }
            EventKind::StepFinished { at_step, verdict, took_ms, failure, .. } => {
                let name = format!("chapter {}: {}", at_step.chapter, self.names.step(at_step));
                self.point(&name, *verdict, *took_ms, failure.as_ref())?;
            }
            EventKind::CheckFinished { at_check, title, verdict, took_ms, failure, .. } => {
                let name = format!("chapter {}: check: {title}", at_check.chapter);
                self.point(&name, *verdict, *took_ms, failure.as_ref())?;
            }
            EventKind::Trouble { problem }
            | EventKind::PrepareFailed { problem, .. }
            | EventKind::Done { outcome: RequestOutcome::Failed(problem), .. } => {
                let hint = problem.hint.as_ref().map(|h| format!(": {h}")).unwrap_or_default();
                self.bail.get_or_insert_with(|| one_line(&format!("{problem}{hint}")));
            }
            EventKind::TypesChecked { problems, .. } => {
                for problem in problems {
                    writeln!(self.out, "# types: {}", inert(&one_line(&problem.to_string())))?;
                }
            }
            EventKind::Refused { command, reason, .. } => {
                let said = failure::refused(*command, reason).map(|problem| one_line(&problem.to_string()));
                self.bail = self.bail.take().or(said);
            }
            EventKind::Closed { verdict, kind } => {
                let interrupted = || (*kind == Some(Kind::Interrupted)).then(|| failure::INTERRUPTED.to_owned());
                let unexplained = || (!verdict.is_good() && !self.failed).then(|| failure::UNEXPLAINED.to_owned());
                // Who has not come to the end does not know how many there would have been.
                match self.bail.take().or_else(interrupted).or_else(unexplained) {
                    Some(why) => {
                        // Some readers end well on a bail-out behind nothing but passed tests.
                        self.count += 1;
                        writeln!(self.out, "not ok {} - the run comes out well", self.count)?;
                        writeln!(self.out, "Bail out! {}", inert(&why))?;
                    }
                    None => writeln!(self.out, "1..{}", self.count)?,
                }
            }
            _ => {}
        }
        self.told.leave(&event.kind);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn no_title_holds_a_directive() {
        assert_eq!(escaped("count # TODO"), r"count \# TODO");
        assert_eq!(escaped(r"keep \# TODO"), r"keep \\\# TODO");
        assert_eq!(escaped(r"a\b"), r"a\b");
    }
}
