//! Where events become reports, and a run becomes an exit code.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::{github, human, json, junit, tap};
use workshop_base::problem::{self, Kind, Problem};
use workshop_course::lesson::model::Course;
use workshop_engine::event::{Event, EventKind, Verdict};
use workshop_engine::progress::Progress;

/// One way to write down a run.
pub trait Reporter: Send {
    /// Takes one event; `progress` has it folded in already.
    ///
    /// # Errors
    /// When it cannot be written.
    fn event(&mut self, event: &Event, progress: &Progress) -> io::Result<()>;
    /// After the last event.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// A report's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Human,
    /// Append-only words: logs, dumb terminals, screen readers.
    Plain,
    /// One JSON object per event and line.
    Json,
    Junit,
    /// TAP version 14.
    Tap,
    /// GitHub Actions' workflow commands.
    Github,
}

/// A format and where it goes: `junit:report.xml`, `human`. Without a file it is stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub format: Format,
    pub file: Option<PathBuf>,
}

const FORMATS: [(&str, Format); 6] = [
    ("human", Format::Human),
    ("plain", Format::Plain),
    ("json", Format::Json),
    ("junit", Format::Junit),
    ("tap", Format::Tap),
    ("github", Format::Github),
];

impl FromStr for Wanted {
    type Err = String;
    fn from_str(text: &str) -> Result<Wanted, String> {
        let (name, file) = match text.split_once(':') {
            Some((name, file)) => (name, (!file.is_empty()).then(|| PathBuf::from(file))),
            None => (text, None),
        };
        match FORMATS.iter().find(|(known, _)| *known == name) {
            Some(&(_, format)) => Ok(Wanted { format, file }),
            None => Err(format!("expected {}", FORMATS.map(|(n, _)| n).join(", "))),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FORMATS.iter().find(|(_, format)| *format == self.format).map_or("", |(n, _)| n);
        match &self.file {
            Some(file) => write!(f, "{name}:{}", file.display()),
            None => f.write_str(name),
        }
    }
}

/// Refuses two reports in one place, where each would spoil the other. GitHub's lines are made to stand among others.
///
/// # Errors
/// When there are two.
pub fn distinct(wanted: &[Wanted]) -> problem::Result<()> {
    for (i, one) in wanted.iter().enumerate() {
        let among_others = |w: &Wanted| w.file.is_none() && w.format == Format::Github;
        let other =
            wanted[..i].iter().find(|other| other.file == one.file && !among_others(other) && !among_others(one));
        if let Some(other) = other {
            return Err(Problem::usage(format!("`{other}` and `{one}` would be written into each other"))
                .hint("give each report a place of its own: `--format junit:report.xml`"));
        }
    }
    Ok(())
}

/// A reporter of this format writing to `out`. `color` counts for `human` only.
pub fn reporter(format: Format, out: Box<dyn Write + Send>, course: Arc<Course>, color: bool) -> Box<dyn Reporter> {
    match format {
        Format::Human => Box::new(human::Human::new(out, course, human::Look::Terminal { color })),
        Format::Plain => Box::new(human::Human::new(out, course, human::Look::Plain)),
        Format::Json => Box::new(json::Json::new(out)),
        Format::Junit => Box::new(junit::Junit::new(out, course)),
        Format::Tap => Box::new(tap::Tap::new(out, course)),
        Format::Github => Box::new(github::Github::new(out, course)),
    }
}

/// Every report of one run. Dropped before the run has closed, they say that it was interrupted: none is left half.
pub struct Reports {
    reporters: Vec<Box<dyn Reporter>>,
    progress: Progress,
    /// The newest event's number and time.
    last: (u64, u64),
    /// The first thing that could not be written; the run goes on all the same.
    written: io::Result<()>,
}

impl Reports {
    pub fn new(reporters: Vec<Box<dyn Reporter>>) -> Reports {
        Reports { reporters, progress: Progress::default(), last: (0, 0), written: Ok(()) }
    }

    /// Gives an event to every reporter.
    pub fn event(&mut self, event: &Event) {
        self.progress.apply(event);
        self.last = (event.seq, event.at);
        for reporter in &mut self.reporters {
            let written = reporter.event(event, &self.progress);
            self.written = std::mem::replace(&mut self.written, Ok(())).and(written);
        }
    }

    /// After the last event.
    ///
    /// # Errors
    /// When anything of any report could not be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.end()
    }

    /// Reports a run that could not begin, and answers its exit code.
    pub fn fail(mut self, problem: &Problem) -> u8 {
        self.tell(EventKind::Trouble { problem: problem.clone() });
        self.close(problem.kind);
        problem.kind.exit_code()
    }

    fn end(&mut self) -> io::Result<()> {
        for mut reporter in self.reporters.drain(..) {
            let written = reporter.finish();
            self.written = std::mem::replace(&mut self.written, Ok(())).and(written);
        }
        std::mem::replace(&mut self.written, Ok(()))
    }

    /// Something that the engine is no longer, or not yet, there to tell.
    fn tell(&mut self, kind: EventKind) {
        let (seq, at) = self.last;
        self.event(&Event { seq: seq + 1, at, kind });
    }

    fn close(&mut self, kind: Kind) {
        self.tell(EventKind::Closed { verdict: Verdict::Error, kind: Some(kind) });
        // What cannot be written now was not written before either, or the disk is full: the exit code counts.
        let _ = self.end();
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        if !self.reporters.is_empty() {
            self.close(Kind::Interrupted);
        }
    }
}

/// The exit code of a run, from how it closed.
pub fn exit_code(verdict: Verdict, kind: Option<Kind>) -> u8 {
    match (verdict, kind) {
        (verdict, _) if verdict.is_good() => 0,
        (_, Some(kind)) => kind.exit_code(),
        (Verdict::Error, None) => Kind::Environment.exit_code(),
        (_, None) => Kind::Failed.exit_code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_reports_are_written_into_each_other() {
        let check = |formats: &[&str]| {
            let wanted: Vec<Wanted> = formats.iter().map(|f| f.parse().unwrap()).collect();
            distinct(&wanted).map_err(|problem| problem.message)
        };
        assert_eq!(check(&["human", "json:a", "junit:b", "github"]), Ok(()));
        let told = |one: &str, other: &str| Err(format!("`{one}` and `{other}` would be written into each other"));
        assert_eq!(check(&["json:a", "human", "junit:a"]), told("json:a", "junit:a"));
        assert_eq!(check(&["json:a", "github:a"]), told("json:a", "github:a"));
        assert_eq!(check(&["json", "tap"]), told("json", "tap"));
    }

    #[test]
    fn the_exit_code_says_whose_fault_it_was() {
        let code = exit_code;
        assert_eq!(code(Verdict::Pass, None), 0);
        assert_eq!(code(Verdict::FailedAsExpected, Some(Kind::Failed)), 0);
        assert_eq!(code(Verdict::Fail, None), 1);
        assert_eq!(code(Verdict::PassedUnexpectedly, Some(Kind::Failed)), 1);
        assert_eq!(code(Verdict::Error, None), 3);
        assert_eq!(code(Verdict::Error, Some(Kind::Usage)), 2);
        assert_eq!(code(Verdict::Fail, Some(Kind::TimedOut)), 124);
        assert_eq!(code(Verdict::Error, Some(Kind::Interrupted)), 130);
    }

    #[test]
    fn a_wanted_format_reads_back_as_it_was_written() {
        for text in ["human", "junit:a/b.xml", "github"] {
            assert_eq!(text.parse::<Wanted>().unwrap().to_string(), text);
        }
        assert!("xml".parse::<Wanted>().unwrap_err().contains("junit"));
    }
}
