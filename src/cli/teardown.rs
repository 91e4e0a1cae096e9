//! `workshop teardown`: the commands that end a course, in the directory where it was worked through.

use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::args::CommonOptions;
use super::output::say;
use super::runtime::{block_on, until_stopped};
use super::sandbox::ProgressLine;
use super::{course, places, standby, target};
use workshop_base::problem::{Problem, Result};
use workshop_base::text::sanitize;
use workshop_engine::event::EventKind;
use workshop_engine::{Clock, EngineConfig, Mode};
use workshop_sandbox::progress::StartProgress;

/// Runs them, and returns the exit code.
///
/// # Errors
/// When the course is not valid, nothing was begun in the directory, or a command fails.
pub fn run(common: &CommonOptions) -> Result<u8> {
    let course = Arc::new(course::read_to_open(common, &places::course(common)?)?);
    let workdir = places::workdir(common)?;
    if !places::is_ours(&workdir) {
        return Err(Problem::usage(format!("nothing was begun in {}", workdir.display()))
            .hint("pass the --workdir that the workshop was begun in"));
    }
    let standby = standby::workdir(&workdir).is_dir().then(|| format!("{}\n", standby::left_behind(&workdir)));
    if course.teardown.is_empty() {
        say("this course has nothing to take down\n")?;
        standby.map_or(Ok(()), |left| say(&sanitize(&left)))?;
        return Ok(0);
    }
    let common = &target::remembered(common, &workdir)?;
    let target = target::of(common, &course);
    let setup = EngineConfig {
        prepare: target::prepare(common, target, &workdir, &course)?,
        course,
        cache: target::cache()?,
        workdir,
        target,
        asked: target::asked(common, target),
        mode: Mode::Interactive,
        chapter: None,
        clock: Clock::system(),
        template_check: None,
        states: None,
        standby: None,
    };
    block_on(until_stopped(async move |stop| {
        let wait = RefCell::new(WaitLine::new());
        let tell = |kind| match kind {
            // All of it is done: nothing more is waited for.
            EventKind::Preparing { done, total, .. } if total == Some(done) => {}
            EventKind::Preparing { label, done, total, unit, .. } => {
                wait.borrow_mut().begin(under_way(&label, done, total, &unit));
            }
            EventKind::Output { lines, .. } => {
                wait.borrow_mut().line.clear();
                // stdout gone: the commands are run all the same.
                let _ = lines.iter().try_for_each(|line| say(&format!("{}\n", sanitize(line))));
            }
            _ => {}
        };
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        let mut running = pin!(workshop_engine::teardown(&setup, &stop, tell));
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut running => break ended,
                _ = seconds.tick() => wait.borrow_mut().tick(),
            }
        };
        wait.borrow_mut().line.clear();
        ended
    }))?;
    standby.map_or(Ok(()), |left| say(&sanitize(&left)))?;
    Ok(0)
}

/// Words what goes on, and how much of it is done.
fn under_way(label: &str, done: u64, total: Option<u64>, unit: &str) -> String {
    match (unit, total) {
        ("commands", Some(total)) => format!("{label} ({} of {total})", done + 1),
        ("", _) => label.to_owned(),
        (unit, Some(total)) => format!("{label}: {done} of {total} {unit}"),
        (unit, None) => format!("{label}: {done} {unit}"),
    }
}

/// What goes on now, on stderr, and for how long it has.
struct WaitLine {
    line: ProgressLine,
    what: String,
    since: Instant,
}

impl WaitLine {
    fn new() -> WaitLine {
        WaitLine { line: ProgressLine::new(), what: String::new(), since: Instant::now() }
    }

    fn begin(&mut self, what: String) {
        (self.what, self.since) = (what, Instant::now());
        self.show(self.what.clone());
    }

    /// Every second on a terminal, every tenth in a log.
    fn tick(&mut self) {
        let seconds = self.since.elapsed().as_secs();
        let every = if std::io::stderr().is_terminal() { 1 } else { 10 };
        if !self.what.is_empty() && seconds > 0 && seconds.is_multiple_of(every) {
            self.show(format!("{}, {seconds} s", self.what));
        }
    }

    fn show(&mut self, what: String) {
        self.line.show(&StartProgress { what, done: None, total: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_has_its_share() {
        assert_eq!(under_way("Clean", 0, Some(2), "commands"), "Clean (1 of 2)");
        assert_eq!(under_way("fetching PostgreSQL 16", 3, Some(40), "MB"), "fetching PostgreSQL 16: 3 of 40 MB");
        assert_eq!(under_way("starting", 0, None, ""), "starting");
    }
}
