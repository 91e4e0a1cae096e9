//! Runs without a screen: a chapter or the whole course proved, in someone's directory or from scratch.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::args::Common;
use super::{course, places, target, visit, wants_color};
use crate::headless::report::{self, Format, Reports, Wanted};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_course::lesson::model::{Course, Target};
use workshop_engine::walk::{self, Plan};
use workshop_engine::{Clock, Mode, Setup};
use workshop_sandbox::control;

/// What `--check` and `prove` ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// `--check`, with `--chapter` or for every chapter.
    Check(Option<u32>),
    Prove,
}

/// Carries it out and answers the exit code.
pub fn run(common: &Common, ask: Ask) -> Result<u8> {
    let (course, drift) = course::read_to_prove(common)?;
    let course = Arc::new(course);
    if let Ask::Check(Some(number)) = ask {
        course::chapter(&course, number)?;
    }
    let workdir = places::workdir(common)?;
    // Someone's own work is only looked at; a proof always begins with nothing.
    let theirs = matches!(ask, Ask::Check(_)) && (common.workdir.is_some() || places::is_ours(&workdir));
    if theirs && !places::is_ours(&workdir) {
        return Err(Problem::usage(format!("{} holds no workshop", workdir.display()))
            .hint("pass the --workdir that the workshop was begun in, or none to begin with nothing"));
    }
    let common = &if theirs { target::remembered(common, &workdir)? } else { common.clone() };
    let reports = Reports::new(reporters(common, &course)?);
    let code = super::block_on(super::until_stopped(async move |stop| {
        if theirs {
            let plan = Plan::Checks(chapters(&course, ask));
            return walk(common, course, &workdir, Mode::CheckOnly, plan, reports, &stop).await;
        }
        let (scratch, visit) = match begin(common, &course).await {
            Ok(begun) => begun,
            Err(problem) => return Ok(reports.fail(&problem)),
        };
        let plan = match ask {
            Ask::Check(Some(chapter)) => Plan::Through(chapter),
            Ask::Check(None) => Plan::All,
            Ask::Prove => Plan::Proof,
        };
        let code = walk(common, course, &scratch.workdir(), Mode::Scratch, plan, reports, &stop).await;
        match visit {
            None => scratch.close(common).await,
            // Whatever came of the run: nobody is going to look at what it made.
            Some(visit) => visit.leave(&stop).await?,
        }
        code
    }))?;
    // All that was tried may be well: the course is not.
    Ok(if code == 0 && drift { Kind::Failed.exit_code() } else { code })
}

/// A place for a run from scratch, and the account that it goes to if it goes to one.
async fn begin(common: &Common, course: &Course) -> Result<(Scratch, Option<visit::Visit>)> {
    let scratch = Scratch::new(&target::cache()?)?;
    Ok(match target::of(common, course) {
        Target::Local => (scratch, None),
        Target::Aws => (scratch, Some(visit::enter(common, course).await?)),
    })
}

fn chapters(course: &Course, ask: Ask) -> Vec<u32> {
    match ask {
        Ask::Check(Some(chapter)) => vec![chapter],
        Ask::Check(None) | Ask::Prove => course.chapters.iter().map(|c| c.number).collect(),
    }
}

async fn walk(
    common: &Common,
    course: Arc<Course>,
    workdir: &Path,
    mode: Mode,
    plan: Plan,
    mut reports: Reports,
    stop: &CancellationToken,
) -> Result<u8> {
    let target = target::of(common, &course);
    let setup = Setup {
        prepare: target::prepare(common, target, workdir)?,
        course,
        workdir: workdir.to_owned(),
        cache: target::cache()?,
        target,
        asked: target::asked(common, target),
        mode,
        chapter: None,
        clock: Clock::system(),
    };
    let ended = walk::walk(setup, &plan, stop, |event| reports.event(event)).await;
    match reports.finish() {
        // Whoever read the report has gone away: the exit code still counts.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Problem::environment(format!("a report cannot be written: {error}"))
                .hint("check the disk and --format"))
        }
        _ => Ok(report::exit_code(ended.verdict, ended.kind)),
    }
}

/// The reports asked for; `human` (or with `--plain`, `plain`) when none is, and `github` under GitHub Actions.
fn reporters(common: &Common, course: &Arc<Course>) -> Result<Vec<Box<dyn report::Reporter>>> {
    let mut wanted = common.format.clone();
    let to_stdout = |wanted: &[Wanted]| wanted.iter().any(|w| w.file.is_none());
    if !to_stdout(&wanted) {
        let format = if common.plain { Format::Plain } else { Format::Human };
        wanted.push(Wanted { format, file: None });
    }
    let actions = std::env::var_os("GITHUB_ACTIONS").is_some_and(|v| v == "true");
    let machine = wanted.iter().any(|w| w.file.is_none() && !matches!(w.format, Format::Human | Format::Plain));
    if actions && !machine && !wanted.iter().any(|w| w.format == Format::Github) {
        wanted.push(Wanted { format: Format::Github, file: None });
    }
    report::distinct(&wanted)?;
    let color = wants_color(common.color, io::stdout().is_terminal());
    let open = |wanted: &Wanted| {
        let out: Box<dyn Write + Send> = match &wanted.file {
            None => Box::new(io::stdout()),
            Some(path) => Box::new(File::create(path).map_err(|e| {
                Problem::usage(format!("{} cannot be written: {e}", path.display()))
                    .hint("name a file in a directory that is there")
            })?),
        };
        Ok(report::reporter(wanted.format, out, course.clone(), color))
    };
    wanted.iter().map(open).collect()
}

/// A directory that is made for one run and goes with it. It lies in the cache, so that installations are
/// laid out as links and not as copies.
struct Scratch(PathBuf);

impl Scratch {
    fn new(cache: &Path) -> Result<Scratch> {
        let root = cache.join("scratch");
        sweep(&root);
        let dir = root.join(std::process::id().to_string());
        std::fs::create_dir_all(&dir).map_err(|e| {
            Problem::environment(format!("{} cannot be made: {e}", dir.display()))
                .hint("set WORKSHOP_CACHE to a directory that can be written")
        })?;
        Ok(Scratch(dir))
    }

    fn workdir(&self) -> PathBuf {
        self.0.join(places::WORKDIR)
    }

    /// Stops the sandbox that ran here and deletes what it held, also outside this directory.
    async fn close(&self, common: &Common) {
        if let Ok(options) = target::sandbox(common, None)
            && let Err(problem) = control::reset(&self.workdir(), &options).await
        {
            tracing::warn!("the scratch sandbox could not be removed: {problem}");
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Where a run was dropped, something may still be writing its last file.
        let _ = (0..3).find(|_| std::fs::remove_dir_all(&self.0).is_ok());
    }
}

/// Removes what runs that were killed have left.
fn sweep(root: &Path) {
    let Ok(entries) = std::fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let pid =
            entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(rustix::process::Pid::from_raw);
        if pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_err()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
