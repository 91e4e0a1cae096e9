//! A run as a person reads it: a line per step and check, failures in full, waits with what goes on.

use std::io::{self, Write};

use super::failure;
use super::names::{CourseNames, ToldChecks, verdict_word};
use super::types::Reporter;
use workshop_base::problem::Kind;
use workshop_base::text::sanitize;
use workshop_engine::event::*;
use workshop_engine::progress::Progress;

/// Tells a terminal's report from one of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Marks and, when wanted, colour.
    Terminal { color: bool },
    /// Words only.
    Plain,
}

/// Writes each event as it comes, and sums up at the end.
pub struct Human {
    out: Box<dyn Write + Send>,
    names: CourseNames,
    told: ToldChecks,
    look: Look,
    chapter: Option<u32>,
    /// The last progress line of a task, so that the same is not said twice.
    said: Option<(Preparation, String, u64)>,
    counts: VerdictCounts,
    /// All that was not good, for the end: a long run has scrolled it away.
    bad: Vec<(Verdict, String)>,
}

#[derive(Default)]
struct VerdictCounts {
    passed: u32,
    as_expected: u32,
    failed: u32,
    errors: u32,
    interrupted: u32,
    skipped: u32,
}

impl Human {
    /// Makes a reporter that writes to `out`.
    pub fn new(out: Box<dyn Write + Send>, names: CourseNames, look: Look) -> Human {
        let (told, counts) = (ToldChecks::default(), VerdictCounts::default());
        Human { out, names, told, look, chapter: None, said: None, counts, bad: Vec::new() }
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.look {
            Look::Terminal { color: true } => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Look::Terminal { color: false } | Look::Plain => text.to_owned(),
        }
    }

    /// The verdict, never by colour alone.
    fn mark(&self, verdict: Verdict) -> String {
        let (mark, color) = match verdict {
            Verdict::Pass => ("✓", "32"),
            Verdict::FailedAsExpected => ("✓", "36"),
            Verdict::Fail | Verdict::PassedUnexpectedly => ("✗", "1;31"),
            Verdict::Error => ("!", "1;33"),
            Verdict::Skipped => ("-", "2"),
        };
        match self.look {
            Look::Terminal { .. } => self.paint(color, mark),
            Look::Plain => format!("{}:", verdict_word(verdict)),
        }
    }

    fn chapter_line(&mut self, chapter: u32) -> io::Result<()> {
        if self.chapter.replace(chapter) == Some(chapter) {
            return Ok(());
        }
        let text = self.paint("1", &format!("chapter {chapter}: {}", sanitize(self.names.chapter(chapter))));
        self.line(&text)
    }

    fn step_title(&self, step: &StepRef) -> String {
        sanitize(self.names.step(step)).into_owned()
    }

    fn result(&mut self, title: &str, done: &ResultLine<'_>) -> io::Result<()> {
        let interrupted = done.failure.is_some_and(|failure| failure.kind == Kind::Interrupted);
        let c = &mut self.counts;
        match done.verdict {
            _ if done.told => {}
            Verdict::Error if interrupted => c.interrupted += 1,
            Verdict::Pass => c.passed += 1,
            Verdict::FailedAsExpected => c.as_expected += 1,
            Verdict::Fail | Verdict::PassedUnexpectedly => c.failed += 1,
            Verdict::Error => c.errors += 1,
            Verdict::Skipped => c.skipped += 1,
        }
        let mut line = format!("  {} {title}", self.mark(done.verdict));
        match done.verdict {
            Verdict::FailedAsExpected if self.look != Look::Plain => line.push_str(", failed as expected"),
            Verdict::PassedUnexpectedly if self.look != Look::Plain => line.push_str(", passed unexpectedly"),
            Verdict::Error if interrupted => line.push_str(", interrupted"),
            Verdict::Pass if done.attempts > 1 && done.patient => {
                line.push_str(&format!(", attempt {}", done.attempts))
            }
            // Only a conflict is run again unasked.
            Verdict::Pass if done.attempts > 1 => {
                line.push_str(&format!(", attempt {} after a conflict", done.attempts))
            }
            _ => {}
        }
        line.push_str(&self.paint("2", &format!("  {}.{} s", done.took_ms / 1000, done.took_ms % 1000 / 100)));
        self.line(&line)?;
        if interrupted {
            // Whoever stopped it knows why: there is nothing to mend.
            return Ok(());
        }
        if !done.verdict.is_good() && !done.told {
            let chapter = self.chapter.map_or(String::new(), |number| format!("chapter {number}: "));
            self.bad.push((done.verdict, format!("{chapter}{title}")));
        }
        let Some(failure) = done.failure.filter(|_| !done.told) else { return Ok(()) };
        if done.verdict == Verdict::FailedAsExpected {
            let first = failure.actual.lines().next().unwrap_or_default();
            return self.line(&format!("      {}", sanitize(first)));
        }
        failure::lines(failure).iter().try_for_each(|text| self.line(&format!("      {text}")))
    }

    fn preparing(
        &mut self,
        task: Preparation,
        label: &str,
        done: u64,
        total: Option<u64>,
        unit: &str,
    ) -> io::Result<()> {
        // A line per label, and one per tenth of the way.
        let tenth = total.filter(|t| *t > 0).map_or(0, |t| done * 10 / t);
        let now = (task, label.to_owned(), tenth);
        if self.said.as_ref() == Some(&now) {
            return Ok(());
        }
        self.said = Some(now);
        let amount = match total {
            Some(total) => format!(" {done}/{total} {unit}"),
            None if done > 0 => format!(" {done} {unit}"),
            None => String::new(),
        };
        let text = self.paint("2", &format!("  … {}{}", sanitize(label), sanitize(&amount)));
        self.line(&text)
    }

    fn problem(&mut self, what: &str, hint: Option<&String>) -> io::Result<()> {
        let mark = self.mark(Verdict::Error);
        self.line(&format!("  {mark} {}", sanitize(what)))?;
        match hint {
            Some(hint) => self.line(&format!("      hint: {}", sanitize(hint))),
            None => Ok(()),
        }
    }

    fn total(&mut self, verdict: Verdict, kind: Option<Kind>) -> io::Result<()> {
        let c = &self.counts;
        let parts = [
            (c.passed, "passed"),
            (c.as_expected, "failed as expected"),
            (c.failed, "failed"),
            (c.errors, "could not be run"),
            (c.interrupted, "interrupted"),
            (c.skipped, "skipped"),
        ];
        let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, w)| format!("{n} {w}")).collect();
        let (word, color) = match kind {
            Some(Kind::Interrupted) => ("interrupted, not proved", "1;33"),
            _ if verdict.is_good() => ("proved", "1;32"),
            _ => ("not proved", "1;31"),
        };
        let text = [self.paint(color, word), parts.join(", ")].join(": ");
        self.line(text.trim_end_matches([':', ' ']))?;
        for (verdict, what) in std::mem::take(&mut self.bad) {
            let mark = self.mark(verdict);
            self.line(&format!("  {mark} {what}"))?;
        }
        Ok(())
    }
}

/// A step or a check as a line tells of it.
struct ResultLine<'a> {
    verdict: Verdict,
    took_ms: u64,
    attempts: u32,
    failure: Option<&'a Failure>,
    /// Its checks have said it already: neither its record is written nor it is counted again.
    told: bool,
    /// The lesson says itself that it may take several attempts.
    patient: bool,
}

impl Reporter for Human {
    fn event(&mut self, event: &Event, progress: &Progress) -> io::Result<()> {
        let event = &*self.names.filled(event, progress);
        self.told.take(&event.kind);
        let written = self.write(event);
        self.told.leave(&event.kind);
        written
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Human {
    fn write(&mut self, event: &Event) -> io::Result<()> {
        match &event.kind {
            EventKind::Opened { title, target, workdir, .. } => {
                let text = self.paint("1", &sanitize(title));
                self.line(&text)?;
                let text = format!("target {target}, working directory {}", workdir.display());
                let text = self.paint("2", &sanitize(&text));
                self.line(&text)?;
                for chosen in self.names.chosen() {
                    let text = self.paint("2", &sanitize(&chosen));
                    self.line(&text)?;
                }
                Ok(())
            }
            EventKind::Reached { here, before: Some(before) } => {
                self.line(&format!("  ! {}", sanitize(&here.instead_of(before))))
            }
            // Over in less than a second, and told of when something is missing.
            EventKind::Preparing { task: Preparation::Preflight, .. } => Ok(()),
            EventKind::Preparing { task, label, done, total, unit } => {
                self.preparing(*task, label, *done, *total, unit)
            }
            // Each that is missing has been told of.
            EventKind::PrepareFailed { task: Preparation::Preflight, .. } => Ok(()),
            EventKind::Trouble { problem }
            | EventKind::PrepareFailed { problem, .. }
            | EventKind::Done { outcome: RequestOutcome::Failed(problem), .. } => {
                self.problem(&problem.to_string(), problem.hint.as_ref())
            }
            EventKind::Preflight { name, verdict, found, fix } if !verdict.is_good() => {
                self.problem(&format!("{name}: {found}"), fix.as_ref())
            }
            EventKind::ProcessEnded { name, end } if end.is_unwanted() => {
                self.line(&format!("  ! {}", sanitize(&format!("{name} runs no more: {end}"))))
            }
            EventKind::StepStarted { at_step, .. } => self.chapter_line(at_step.chapter),
            EventKind::StepFinished { at_step, verdict, took_ms, failure, .. } => {
                let told = self.told.have_told(&self.names, at_step, *verdict);
                let failure = failure.as_ref();
                let done =
                    ResultLine { verdict: *verdict, took_ms: *took_ms, attempts: 1, failure, told, patient: false };
                self.result(&self.step_title(at_step), &done)
            }
            EventKind::CheckFinished { at_check, title, verdict, attempts, took_ms, failure } => {
                self.chapter_line(at_check.chapter)?;
                let patient = self.names.is_patient(at_check);
                let failure = failure.as_ref();
                let done = ResultLine {
                    verdict: *verdict,
                    took_ms: *took_ms,
                    attempts: *attempts,
                    failure,
                    told: false,
                    patient,
                };
                self.result(&format!("check: {}", sanitize(title)), &done)
            }
            EventKind::ResourceChanged { resource, .. } => {
                let reason = resource.reason.as_deref().unwrap_or_default();
                let text = format!("      {} {} {reason}", resource.status, resource.logical_id);
                let text = self.paint("2", sanitize(&text).trim_end());
                self.line(&text)
            }
            EventKind::RootCause { logical_id, reason, .. } => {
                let text = format!("      root cause: {logical_id}: {reason}");
                let text = self.paint("1;31", &sanitize(&text));
                self.line(&text)
            }
            EventKind::TypesChecked { problems, .. } => {
                let mark = self.mark(Verdict::Error);
                problems.iter().try_for_each(|problem| {
                    problem.to_string().lines().enumerate().try_for_each(|(i, text)| {
                        let text = sanitize(text);
                        let lead = if i == 0 { format!("    {mark} types: ") } else { "      ".to_owned() };
                        self.line(&format!("{lead}{text}"))
                    })
                })
            }
            EventKind::Refused { command, reason, .. } => {
                self.line(&format!("  ! {command} refused: {}", sanitize(reason)))
            }
            EventKind::EditsKept { files, journal } => {
                let text = format!("      your edits of {} are kept (journal {journal})", files.join(", "));
                self.line(&sanitize(&text))
            }
            EventKind::Closed { verdict, kind } => self.total(*verdict, *kind),
            _ => Ok(()),
        }
    }
}
