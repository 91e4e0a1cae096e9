//! Events become reports here, and a run becomes an exit code.

use std::io::{self, Write};

use super::github::FenceWord;
use super::names::CourseNames;
use super::types::{ReportFormat, Reporter};
use super::{github, human, json, junit, tap};
use workshop_base::problem::{Kind, Problem};
use workshop_engine::event::{Event, EventKind, Verdict};
use workshop_engine::progress::Progress;

/// Makes a reporter of a format that writes to `out`. `color` counts for `human` only; `fence` is the word that the
/// others stand behind where `out` is standard output under GitHub Actions.
pub fn reporter(
    format: ReportFormat,
    out: Box<dyn Write + Send>,
    names: CourseNames,
    color: bool,
    fence: Option<&FenceWord>,
) -> Box<dyn Reporter> {
    match format {
        ReportFormat::Human => Box::new(human::Human::new(out, names, human::Look::Terminal { color })),
        ReportFormat::Plain => Box::new(human::Human::new(out, names, human::Look::Plain)),
        ReportFormat::Json => Box::new(json::Json::new(out)),
        ReportFormat::Junit => Box::new(junit::Junit::new(out, names)),
        ReportFormat::Tap => Box::new(tap::Tap::new(out, names)),
        ReportFormat::Github => Box::new(github::Github::new(out, names, fence.cloned())),
    }
}

/// Every report of one run. Dropped before the run has closed, they say that it was interrupted: none is left half.
pub struct Reports {
    reporters: Vec<Box<dyn Reporter>>,
    progress: Progress,
    /// The problems of the course that is tried out all the same.
    drift: Vec<Problem>,
    /// The kind of what went wrong behind the run.
    behind: Option<Kind>,
    /// The run's outcome, once there is one.
    came: Option<(Verdict, Option<Kind>)>,
    /// The newest event's number and time.
    last: (u64, u64),
    /// The first thing that could not be written, see [`note`]; the run goes on all the same.
    written: io::Result<()>,
}

impl Reports {
    /// Begins reports before their first event.
    pub fn new(reporters: Vec<Box<dyn Reporter>>) -> Reports {
        Reports::of_course(reporters, Vec::new())
    }

    /// The same of a course that is tried out although this is wrong with it: then its run does not come out well.
    pub fn of_course(reporters: Vec<Box<dyn Reporter>>, drift: Vec<Problem>) -> Reports {
        Reports {
            reporters,
            progress: Progress::default(),
            drift,
            behind: None,
            came: None,
            last: (0, 0),
            written: Ok(()),
        }
    }

    /// Gives an event to every reporter.
    pub fn event(&mut self, event: &Event) {
        let EventKind::Closed { verdict, kind } = event.kind else { return self.tell(event) };
        self.last = (self.last.0.max(event.seq.saturating_sub(1)), event.at);
        let drift = std::mem::take(&mut self.drift);
        let (verdict, kind) = match (verdict.is_good() && !drift.is_empty(), self.behind) {
            // All that was tried is well: the course is not.
            (true, _) => {
                drift.into_iter().for_each(|problem| self.emit(EventKind::Trouble { problem }));
                (Verdict::Fail, Some(Kind::Failed))
            }
            (false, Some(behind)) if verdict.is_good() => (Verdict::Error, Some(behind)),
            (false, _) => (verdict, kind),
        };
        self.came = Some((verdict, kind));
        self.emit(EventKind::Closed { verdict, kind });
    }

    /// Takes something in that went wrong when the run was over, before its last event: its end is no good one then.
    pub fn problem(&mut self, problem: Problem) {
        self.behind.get_or_insert(problem.kind);
        self.emit(EventKind::Trouble { problem });
    }

    /// Returns the exit code of the run so far.
    pub fn exit_code(&self) -> u8 {
        let (verdict, kind) = self.came.unwrap_or((Verdict::Error, Some(Kind::Interrupted)));
        exit_code(verdict, kind)
    }

    fn tell(&mut self, event: &Event) {
        self.progress.apply(event);
        self.last = (event.seq, event.at);
        for reporter in &mut self.reporters {
            let written = reporter.event(event, &self.progress);
            note(&mut self.written, written);
        }
    }

    /// Ends the reports, after the last event.
    ///
    /// # Errors
    /// When anything of any report could not be written.
    pub fn finish(mut self) -> io::Result<()> {
        match self.came {
            Some(_) => self.end(),
            // Who tells of the end has ended without: the exit code says that, and no report may say less.
            None => self.close(Kind::Interrupted),
        }
    }

    /// Reports a run that could not begin for these reasons, at least one, and returns its exit code: the first one's.
    pub fn fail(mut self, problems: &[Problem]) -> u8 {
        for problem in problems {
            self.emit(EventKind::Trouble { problem: problem.clone() });
        }
        let kind = problems.first().map_or(Kind::Failed, |problem| problem.kind);
        // What cannot be written now was not written before either, or the disk is full: the exit code counts.
        let _ = self.close(kind);
        kind.exit_code()
    }

    fn end(&mut self) -> io::Result<()> {
        for mut reporter in self.reporters.drain(..) {
            let written = reporter.finish();
            note(&mut self.written, written);
        }
        std::mem::replace(&mut self.written, Ok(()))
    }

    /// Reports something that the engine is no longer, or not yet, there to tell.
    fn emit(&mut self, kind: EventKind) {
        let (seq, at) = self.last;
        self.tell(&Event { seq: seq + 1, at, kind });
    }

    /// Reports the end of a run that does not tell of it.
    fn close(&mut self, kind: Kind) -> io::Result<()> {
        self.emit(EventKind::Closed { verdict: Verdict::Error, kind: Some(kind) });
        self.end()
    }
}

/// Keeps the first thing that could not be written. That a reader has gone away is the least of it: other reports may have readers.
fn note(kept: &mut io::Result<()>, written: io::Result<()>) {
    let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if kept.as_ref().map_or_else(is_gone, |()| true) && written.is_err() {
        *kept = written;
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        if !self.reporters.is_empty() {
            // As above.
            let _ = self.close(Kind::Interrupted);
        }
    }
}

/// Returns the exit code of a run, from how it closed.
fn exit_code(verdict: Verdict, kind: Option<Kind>) -> u8 {
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
    fn what_goes_wrong_behind_a_run_that_came_out_well_is_in_its_reports_and_its_exit_code() {
        use crate::headless::tap::Tap;
        use std::sync::{Arc, Mutex};

        #[derive(Clone, Default)]
        struct Shared(Arc<Mutex<Vec<u8>>>);
        impl Write for Shared {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let closed = |verdict, kind| Event { seq: 5, at: 0, kind: EventKind::Closed { verdict, kind } };
        let left = || Problem::environment("stack A is still there, and may cost money");
        let out = Shared::default();
        let mut reports = Reports::new(vec![Box::new(Tap::new(Box::new(out.clone()), CourseNames::default()))]);
        reports.problem(left());
        reports.event(&closed(Verdict::Pass, None));
        assert_eq!(reports.exit_code(), 3);
        reports.finish().unwrap();
        let said = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert!(said.contains("not ok") && said.contains("Bail out! stack A is still there"), "{said}");
        let mut reports = Reports::new(Vec::new());
        reports.problem(left());
        reports.event(&closed(Verdict::Fail, Some(Kind::Failed)));
        assert_eq!(reports.exit_code(), 1, "what the run came to counts first");
    }
}
