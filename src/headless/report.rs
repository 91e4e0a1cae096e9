//! Where events become reports, and a run becomes an exit code.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;

use super::{github, human, json, junit, tap};
use crate::engine::event::{Event, EventKind, Verdict};
use crate::engine::progress::Progress;
use crate::lesson::model::Course;
use crate::problem::Kind;

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

/// Feeds a run's events to every reporter until it closes, and answers its exit code.
///
/// # Errors
/// When a report cannot be written. The run goes on to its end all the same.
pub async fn report(events: &mut UnboundedReceiver<Event>, reporters: &mut [Box<dyn Reporter>]) -> io::Result<u8> {
    let mut progress = Progress::default();
    let mut last = None;
    let mut written = Ok(());
    while let Some(event) = events.recv().await {
        progress.apply(&event);
        for reporter in reporters.iter_mut() {
            written = written.and(reporter.event(&event, &progress));
        }
        if matches!(event.kind, EventKind::Closed { .. }) {
            last = Some(event.kind);
            break;
        }
    }
    for reporter in reporters.iter_mut() {
        written = written.and(reporter.finish());
    }
    written.map(|()| exit_code(last.as_ref()))
}

/// The exit code of a run, from its last event.
fn exit_code(last: Option<&EventKind>) -> u8 {
    match last {
        Some(EventKind::Closed { verdict, .. }) if verdict.is_good() => 0,
        Some(EventKind::Closed { kind: Some(kind), .. }) => kind.exit_code(),
        Some(EventKind::Closed { verdict: Verdict::Error, .. }) => Kind::Environment.exit_code(),
        Some(EventKind::Closed { .. }) => Kind::Failed.exit_code(),
        // The engine ended without a last word: something ended it.
        _ => Kind::Interrupted.exit_code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_says_whose_fault_it_was() {
        let code = |verdict, kind| exit_code(Some(&EventKind::Closed { verdict, kind }));
        assert_eq!(code(Verdict::Pass, None), 0);
        assert_eq!(code(Verdict::FailedAsExpected, Some(Kind::Failed)), 0);
        assert_eq!(code(Verdict::Fail, None), 1);
        assert_eq!(code(Verdict::PassedUnexpectedly, Some(Kind::Failed)), 1);
        assert_eq!(code(Verdict::Error, None), 3);
        assert_eq!(code(Verdict::Error, Some(Kind::Usage)), 2);
        assert_eq!(code(Verdict::Fail, Some(Kind::TimedOut)), 124);
        assert_eq!(exit_code(None), 130);
    }

    #[test]
    fn a_wanted_format_reads_back_as_it_was_written() {
        for text in ["human", "junit:a/b.xml", "github"] {
            assert_eq!(text.parse::<Wanted>().unwrap().to_string(), text);
        }
        assert!("xml".parse::<Wanted>().unwrap_err().contains("junit"));
    }
}
