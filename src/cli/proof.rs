//! Runs without a screen: a chapter or the whole course proved, in someone's directory or from scratch.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::args::CommonOptions;
use super::checkpoint::RunCheckpoints;
use super::locked_dir::{LockedDir, scratch_dir};
use super::output::ActionsFence;
use super::runtime::{block_on, until_stopped};
use super::temporary_stack::TemporaryStacks;
use super::waits::MeasuredWaits;
use super::{agreement, course, output, places, target};
use crate::headless::junit::Junit;
use crate::headless::names::CourseNames;
use crate::headless::reports::{self, Reports};
use crate::headless::types::{self, ReportFormat, ReportRequest, Reporter};
use crate::headless::whole_file::WholeFile;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::text::sanitize;
use workshop_course::lesson::lint;
use workshop_course::lesson::model::{Course, CourseDatabase, Target};
use workshop_engine::event::EventKind;
use workshop_engine::walk::{self, Plan, WalkLimits};
use workshop_engine::{Beginning, Clock, EngineConfig, Mode};
use workshop_sandbox::control::{self, SandboxKind, SandboxOptions};

/// A run by itself, as `--check` and `prove` ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunRequest {
    /// `--check`, with `--chapter` or for every chapter.
    Check(Option<u32>),
    /// `prove`, with `--chapter` or for every chapter: the author's own question.
    Prove(Option<u32>),
}

/// Carries it out and returns the exit code. A course that is not valid is reported as a run that could not begin. Of one
/// chapter the walk begins with the newest checkpoint before it, unless it is to be `fresh`.
///
/// # Errors
/// When there is no course or no such chapter, when a report cannot be written, and when the directory that was named
/// holds no workshop.
pub fn run(common: &CommonOptions, request: RunRequest, fresh: bool) -> Result<u8> {
    let dirs = match request {
        RunRequest::Check(_) => places::course(common)?,
        RunRequest::Prove(_) => places::authors_course(common)?,
    };
    let course::CourseToProve { course, drift } = course::read_to_prove(common, &dirs)?;
    let requests = types::complete(&common.format, common.plain, output::under_actions())?;
    let course = match course {
        Ok(course) => Arc::new(course),
        Err(problems) => return report_invalid(common, &requests, &problems),
    };
    agreement::ask(&course, &dirs, common.agree)?;
    if let RunRequest::Check(Some(number)) | RunRequest::Prove(Some(number)) = request {
        course::chapter(&course, number)?;
    }
    let workdir = places::workdir(common)?;
    // Someone's own work is only looked at; a proof always begins with nothing.
    let theirs = matches!(request, RunRequest::Check(_)) && (common.workdir.is_some() || places::is_ours(&workdir));
    if theirs && !places::is_ours(&workdir) {
        return Err(Problem::usage(format!("{} holds no workshop", workdir.display()))
            .hint("pass the --workdir that the workshop was begun in, or none to begin with nothing"));
    }
    if theirs {
        holds_checks(&course, &chapters(&course, request))?;
    }
    let common = &if theirs { target::remembered(common, &workdir)? } else { common.clone() };
    target::allowed(&course, target::of(common, &course))?;
    let fence = fence(&requests);
    let reports = reporters(common, &requests, &CourseNames(Some(course.clone())), fence.as_ref())?;
    let reports = Reports::of_course(reports, drift);
    block_on(until_stopped(async move |stop| {
        if theirs {
            let plan = Plan::Checks(chapters(&course, request));
            let run = (Mode::CheckOnly, plan, Beginning::default());
            return walk(common, course, &workdir, run, reports, None, &stop).await;
        }
        // Nothing is made by then that would have to be taken away.
        let (scratch, stack) = match stop.run_until_cancelled(begin(common, &course)).await {
            Some(Ok(begun)) => begun,
            Some(Err(problem)) => return Ok(reports.fail(&[problem])),
            None => return Ok(reports.fail(&[Problem::new(Kind::Interrupted, "it was stopped before it had begun")])),
        };
        let plan = match request {
            RunRequest::Check(Some(chapter)) => Plan::Through(chapter),
            RunRequest::Check(None) => Plan::All,
            RunRequest::Prove(chapter) => Plan::Proof(chapter),
        };
        let workdir = scratch.workdir();
        let beginning = match &stack {
            None if keeps_all_in_its_directory(&course) => beginning(common, &course, &workdir, &plan, fresh).await,
            None => Beginning::default(),
            // What an account holds is nowhere else.
            Some(_) => Beginning::default(),
        };
        let is_local = stack.is_none();
        let code = walk(common, course, &workdir, (Mode::Scratch, plan, beginning), reports, stack, &stop).await;
        if is_local {
            scratch.close(common).await;
        }
        code
    }))
}

/// Reports a course that is not valid wherever a machine looks for a report; a person has read it on stderr.
fn report_invalid(common: &CommonOptions, requests: &[ReportRequest], problems: &[Problem]) -> Result<u8> {
    let for_machines = |request: &&ReportRequest| request.file.is_some() || !request.format.is_for_people();
    let requests: Vec<ReportRequest> = requests.iter().filter(for_machines).cloned().collect();
    Reports::new(reporters(common, &requests, &CourseNames::default(), None)?).fail(problems);
    Err(Problem::new(Kind::Course, "the course is not valid")
        .hint("mend the lesson files or the snapshots, then run `workshop lint`"))
}

/// The fence that standard output stands behind: where people read it, since other formats hold nothing that a runner
/// obeys.
fn fence(requests: &[ReportRequest]) -> Option<ActionsFence> {
    let for_people = requests.iter().any(|request| request.file.is_none() && request.format.is_for_people());
    if for_people { ActionsFence::open() } else { None }
}

/// A place for a run from scratch, and the account that it goes to if it goes to one.
async fn begin(common: &CommonOptions, course: &Course) -> Result<(Scratch, Option<TemporaryStacks>)> {
    let scratch = Scratch::new(&target::cache()?, &course.workdir)?;
    Ok(match target::of(common, course) {
        Target::Local => (scratch, None),
        Target::Aws if !course.needs_cloud() => (scratch, None),
        Target::Aws => {
            let waiting = || output::warn("waiting for AWS to answer about the account and the course's stack\n");
            (scratch, Some(target::told_when_long(waiting, TemporaryStacks::claim(common, course)).await?))
        }
    })
}

fn chapters(course: &Course, request: RunRequest) -> Vec<u32> {
    match request {
        RunRequest::Check(Some(chapter)) => vec![chapter],
        RunRequest::Check(None) | RunRequest::Prove(_) => course.chapters.iter().map(|c| c.number).collect(),
    }
}

/// Refuses to look at chapters that say nothing of what is there: nothing would be proved by that.
fn holds_checks(course: &Course, chapters: &[u32]) -> Result<()> {
    if chapters.iter().any(|number| course.chapter(*number).is_some_and(|chapter| !chapter.checks.is_empty())) {
        return Ok(());
    }
    let what = match chapters {
        [one] => format!("chapter {one} has no checks"),
        _ => "the course has no checks".to_owned(),
    };
    Err(Problem::usage(format!("{what}: nothing there can be looked at"))
        .hint("run it in a directory without a workshop: there its steps are walked, and must come out"))
}

/// Tells whether what a course has made by the end of a chapter is all in its directory and its sandbox, and the same
/// whatever was chosen: only then can another run begin there.
fn keeps_all_in_its_directory(course: &Course) -> bool {
    course.database == CourseDatabase::Cluster
        && course.choices.is_empty()
        && course.setup.is_empty()
        && course.teardown.is_empty()
}

/// Begins with a checkpoint where there is one, and keeps those that are of use: of a walk to one chapter its state and that
/// of the chapter before, of the whole course all. After the last chapter nothing comes that could begin there.
async fn beginning(
    common: &CommonOptions,
    course: &Arc<Course>,
    workdir: &Path,
    plan: &Plan,
    fresh: bool,
) -> Beginning<'static> {
    let checkpoints = match RunCheckpoints::new(common, course.clone(), workdir.to_owned()) {
        Ok(checkpoints) => checkpoints,
        Err(problem) => {
            output::warn(&format!("no checkpoints are used: {}\n", sanitize(&problem.to_string())));
            return Beginning::default();
        }
    };
    let one = match plan {
        Plan::Through(chapter) | Plan::Proof(Some(chapter)) => Some(*chapter),
        Plan::All | Plan::Proof(None) | Plan::Checks(_) => None,
    };
    let after = match one {
        Some(chapter) if !fresh => checkpoints.resume(chapter).await,
        Some(_) | None => None,
    };
    let last = course.chapters.last().map_or(0, |chapter| chapter.number);
    checkpoints.beginning(after, move |chapter| chapter < last && one.is_none_or(|one| chapter + 1 >= one))
}

/// Walks, and reports it. What it makes in an account goes before its end is reported: nobody is going to look at that, whatever
/// came of the run.
async fn walk(
    common: &CommonOptions,
    course: Arc<Course>,
    workdir: &Path,
    (mode, plan, beginning): (Mode, Plan, Beginning<'_>),
    mut reports: Reports,
    stacks: Option<TemporaryStacks>,
    stop: &CancellationToken,
) -> Result<u8> {
    let target = target::of(common, &course);
    let course = Arc::new(Arc::unwrap_or_clone(course).on(target));
    let setup = EngineConfig {
        prepare: target::prepare(common, target, workdir, &course)?,
        course,
        workdir: workdir.to_owned(),
        cache: target::cache()?,
        target,
        asked: target::asked(common, target),
        mode,
        chapter: None,
        states: None,
        standby: None,
        clock: Clock::system(),
        template_check: target::template_check(target),
    };
    let limits = WalkLimits { stop: stop.clone(), time: common.time_limit.0 };
    let proved = matches!(plan, Plan::Proof(_)).then(|| setup.course.clone());
    let (mut waits, mut closed) = (MeasuredWaits::default(), None);
    let told = setup.course.clone();
    walk::walk(setup, &plan, beginning, &limits, |event| {
        waits.take(event);
        let stacks = stacks.as_ref().inspect(|stacks| stacks.take(&told, event));
        match event.kind {
            EventKind::Closed { .. } if stacks.is_some() => closed = Some(event.clone()),
            _ => reports.event(event),
        }
    })
    .await;
    if let Some(stacks) = stacks
        && let Err(problem) = stacks.release(stop).await
    {
        // Also to those whose report is another's to read: it costs money.
        output::complain(&problem, output::colors_stderr(common.color));
        reports.problem(problem);
    }
    closed.iter().for_each(|event| reports.event(event));
    if let Some(course) = proved {
        let warnings = waits.planned_too_long(&course, target);
        output::warn(&lint::render_warnings(&warnings, output::colors_stderr(common.color)));
    }
    let code = reports.exit_code();
    match reports.finish() {
        // Whoever read the report has gone away: the exit code still counts.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Problem::environment(format!("a report cannot be written: {error}"))
                .hint("check the disk and --format"))
        }
        _ => Ok(code),
    }
}

/// Opens the reports that were asked for.
fn reporters(
    common: &CommonOptions,
    requests: &[ReportRequest],
    names: &CourseNames,
    fence: Option<&ActionsFence>,
) -> Result<Vec<Box<dyn Reporter>>> {
    let color = output::colors_stdout(common.color);
    let open = |request: &ReportRequest| {
        let out: Box<dyn Write + Send> = match &request.file {
            None => Box::new(io::stdout()),
            Some(path) => report_file(request.format, path, names).map_err(|e| course::unwritable(path, &e))?,
        };
        let word = fence.filter(|_| request.file.is_none()).map(ActionsFence::word);
        Ok(reports::reporter(request.format, out, names.clone(), color, word))
    };
    requests.iter().map(open).collect()
}

/// Opens a report's file. One that is written at its run's end says until then that it has not come to it.
fn report_file(format: ReportFormat, path: &Path, names: &CourseNames) -> io::Result<Box<dyn Write + Send>> {
    let file = File::create(path)?;
    Ok(match format {
        ReportFormat::Junit if file.metadata()?.is_file() => Box::new(WholeFile::new(file, &Junit::unfinished(names))?),
        _ => Box::new(file),
    })
}

/// A directory that is made for one run and goes with it. It lies in the cache, so that installations are
/// laid out as links and not as copies.
struct Scratch {
    dir: LockedDir,
    /// The name of the learners' directory in it.
    name: String,
}

impl Scratch {
    fn new(cache: &Path, name: &str) -> Result<Scratch> {
        Ok(Scratch { dir: scratch_dir(cache)?, name: name.to_owned() })
    }

    fn workdir(&self) -> PathBuf {
        self.dir.path().join(&self.name)
    }

    /// Stops the sandbox that ran here and deletes what it held, also outside this directory.
    async fn close(&self, common: &CommonOptions) {
        let Ok(options) = target::sandbox(common, None) else { return };
        for kind in [SandboxKind::Cloud, SandboxKind::Database] {
            let options = SandboxOptions { kind, ..options.clone() };
            if let Err(problem) = control::reset(&self.workdir(), &options).await {
                tracing::warn!("the scratch sandbox could not be removed: {problem}");
            }
        }
    }
}
