//! The workshop itself: the engine with the screen, the plain lines, or the notes in front of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::args::{ColorChoice, CommonOptions};
use super::output::{ActionsFence, wants_color, warn};
use super::reload::CourseWatch;
use super::runtime::{block_on, block_on_front_end};
use super::{agreement, choices, course, places, standby, target};
use crate::tui::{self, Exit, Looks, ScreenSettings, ShellTarget, UserConfig};
use workshop_base::database_url::DatabaseUrl;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::text::{sanitize, shell_word};
use workshop_course::lesson::model::{Course, CourseDatabase, Target};
use workshop_course::lesson::outline::{self, Outline};
use workshop_engine::command::Request;
use workshop_engine::event::{ChapterMatch, Event, EventKind, Verdict};
use workshop_engine::{self, Clock, EngineConfig, Mode};

/// Opens the workshop where it was left, or at a chapter, and returns the exit code.
///
/// # Errors
/// When the course is not valid or has no such chapter, and when the run could not begin.
pub fn run(common: &CommonOptions, chapter: Option<u32>) -> Result<u8> {
    let mut dirs = places::course(common)?.in_the_shells_language();
    dirs.chosen = choices::ask(common, &dirs)?;
    let plain = is_plain(common.plain, std::env::var("TERM").ok().as_deref());
    // The first frame waits for what it shows, and not for thousands of files of snapshots.
    let begins_at_once = !plain && !agreement::is_needed(&dirs)?;
    let read = || outline::read(&dirs.lessons, &dirs.chosen, dirs.locale.as_deref());
    let (course, uses, whole) = match begins_at_once.then(read).flatten() {
        Some(Outline { course, uses }) => (Arc::new(course), uses, None),
        None => {
            let whole = Arc::new(course::read_from(common, &dirs)?);
            (whole.clone(), whole.uses(), Some(whole))
        }
    };
    if !begins_at_once {
        agreement::ask(&course, &dirs, common.agree)?;
    }
    if let Some(number) = chapter {
        course::chapter(&course, number)?;
    }
    let workdir = places::workdir(common)?;
    let common = &target::remembered(common, &workdir)?;
    let target = target::of(common, &course);
    target::allowed(&course, target)?;
    let on_target = |course: Arc<Course>| Arc::new(Arc::unwrap_or_clone(course).on(target));
    let (course, whole) = (on_target(course), whole.map(on_target));
    let user = UserConfig::read(|name| std::env::var(name).ok())?;
    let no_standby = common.no_standby || user.no_standby;
    let setup = EngineConfig {
        prepare: target::prepare(common, target, &workdir, &course)?,
        course: course.clone(),
        workdir: workdir.clone(),
        cache: target::cache()?,
        target,
        asked: target::asked(common, target),
        mode: Mode::Interactive,
        chapter,
        states: target::states(common, target, &workdir, &course)?,
        clock: Clock::system(),
        template_check: target::template_check(target),
        standby: standby::of(&CommonOptions { no_standby, ..common.clone() }, target, &workdir, &course)?,
    };
    let standby_shell = setup.standby.as_ref().map(|there| tui::ShellTarget::SandboxOf(there.workdir.clone()));
    let recording = open_recording(common)?;
    super::log::to_file(&workdir);
    let exit = block_on_front_end(async |beside| {
        let (requests, asked) = unbounded_channel();
        let (forward, events) = unbounded_channel();
        let (tell_whole, told_whole) = oneshot::channel();
        let (first_frame, drawn) = oneshot::channel();
        let front_end = FrontEnd { requests: asked, events: forward, whole: tell_whole, drawn };
        let running = beside.spawn(drive(setup, whole, dirs, front_end));
        let stack = course.stack.clone().unwrap_or_default();
        let shell_target = shell_target(common, target, &course);
        let setup = tui::ScreenConfig {
            course,
            uses,
            whole: Some(told_whole),
            first_frame: Some(first_frame),
            requests,
            events,
            workdir: workdir.clone(),
            looks: looks(common),
            editor: editor(),
            redact: common.redact,
            user,
            recording,
            shell_target,
            standby_shell,
        };
        let exit = match plain {
            true => {
                let _fence = ActionsFence::open();
                tui::plain::run(setup).await
            }
            false => tui::run(setup).await,
        };
        let RunSummary { trouble, deployed, project, on_standby: _, has_standby } = match running.await {
            Ok(Ok(summary)) => summary,
            Ok(Err(problems)) => return Err(course::invalid(common, &problems)),
            Err(_) => RunSummary::default(),
        };
        if target == Target::Aws && deployed && exit.is_ok() {
            // stderr gone: there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "{}", sanitize(&left_behind(common, &stack, &workdir.join(project))));
        }
        if has_standby && exit.is_ok() {
            let _ = writeln!(std::io::stderr(), "{}", sanitize(&standby::left_behind(&workdir)));
        }
        // A run that could not begin is an error of this command, too: the screen is gone, its words are not.
        trouble.map_or(exit, Err)
    })?;
    Ok(code(exit))
}

/// The front end's sides of a run.
struct FrontEnd {
    requests: UnboundedReceiver<Request>,
    events: UnboundedSender<Event>,
    /// Takes the course once it is read as a whole.
    whole: oneshot::Sender<Arc<Course>>,
    /// Tells when what an outline is enough for has been drawn.
    drawn: oneshot::Receiver<()>,
}

/// Reads the course as a whole, if only its outline is known, as soon as that is drawn; then runs the engine until the
/// front end lets go of its requests and the engine has ended. What is wrong with the course ends the front end, too.
async fn drive(
    setup: EngineConfig,
    whole: Option<Arc<Course>>,
    dirs: places::CourseDirs,
    front_end: FrontEnd,
) -> std::result::Result<RunSummary, Vec<Problem>> {
    let FrontEnd { requests: mut asked, events: forward, whole: tell_whole, drawn } = front_end;
    let course = match whole {
        Some(course) => course,
        None => {
            if drawn.await.is_err() {
                // There is no screen, and whoever wanted one is told why by it.
                return Ok(RunSummary::default());
            }
            let dirs = dirs.clone();
            let read = tokio::task::spawn_blocking(move || dirs.load()).await;
            match read.unwrap_or_else(|error| Err(vec![Problem::environment(format!("reading the course: {error}"))])) {
                Ok(course) => Arc::new(course.on(setup.target)),
                Err(problems) => {
                    let kind = EventKind::Closed { verdict: Verdict::Error, kind: Some(Kind::Course) };
                    let _ = forward.send(Event { seq: 1, at: setup.clock.now(), kind });
                    return Err(problems);
                }
            }
        }
    };
    // Who shows the course may have gone.
    let _ = tell_whole.send(course.clone());
    let mut watch = CourseWatch::start(&dirs, course.clone(), setup.target);
    let workdir = setup.workdir.clone();
    let (handle, events) = workshop_engine::start(EngineConfig { course: course.clone(), ..setup });
    let summary = observe(events, forward, course, workdir);
    loop {
        tokio::select! {
            // The handle goes when the front end has let go of its sender: then the engine ends, if it has not yet.
            request = asked.recv() => match request {
                Some(request) => handle.send(request),
                None => break,
            },
            reading = watch.changed() => handle.reload(reading),
        }
    }
    drop(handle);
    Ok(summary.await.unwrap_or_default())
}

/// Opens the file that the screen is recorded in.
fn open_recording(common: &CommonOptions) -> Result<Option<Box<dyn std::io::Write + Send>>> {
    let Some(path) = &common.record else { return Ok(None) };
    if is_plain(common.plain, std::env::var("TERM").ok().as_deref()) {
        return Err(Problem::usage("--record records the screen, and these are lines")
            .hint("leave --plain out, or keep the lines: `workshop --plain | tee FILE`"));
    }
    let (free, file) = create_beside(path).map_err(|e| course::unwritable(path, &e))?;
    if free != *path {
        let said = format!("{} is there already: this is recorded in {}\n", path.display(), free.display());
        warn(&sanitize(&said));
    }
    Ok(Some(Box::new(std::io::BufWriter::new(file))))
}

/// Makes a file, or where there is one, the next of its name: `talk.cast`, `talk-2.cast`. What was recorded before a terminal
/// died stays.
fn create_beside(path: &Path) -> std::io::Result<(PathBuf, std::fs::File)> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let ending = path.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    let mut free = path.to_owned();
    for number in 2.. {
        match std::fs::File::create_new(&free) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && is_kept(&free) => {}
            // A pipe, a terminal, or a file that holds nothing.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return std::fs::File::create(&free).map(|file| (free, file));
            }
            made => return made.map(|file| (free, file)),
        }
        free = path.with_file_name(format!("{stem}-{number}{ending}"));
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}

fn is_kept(path: &Path) -> bool {
    path.metadata().is_ok_and(|known| known.is_file() && known.len() > 0)
}

/// The end of a run, for when its front end has gone.
#[derive(Default)]
struct RunSummary {
    /// Why it could not go on, if it could not.
    trouble: Option<Problem>,
    /// The course's stack is there, as far as the run has seen.
    deployed: bool,
    /// The directory of the CDK's project below the working directory.
    project: String,
    /// The talk is on its standby: what is seen of a stack is not seen in the account.
    on_standby: bool,
    /// A standby has followed, and keeps what it has.
    has_standby: bool,
}

/// Passes events on, and returns at the end what came of the run.
fn observe(
    mut events: UnboundedReceiver<Event>,
    forward: UnboundedSender<Event>,
    course: Arc<Course>,
    workdir: PathBuf,
) -> JoinHandle<RunSummary> {
    tokio::spawn(async move {
        let project = course.chapters.iter().rev().find_map(|chapter| chapter.cdk_project()).unwrap_or_default();
        let mut summary = RunSummary { project: project.to_owned(), ..RunSummary::default() };
        while let Some(event) = events.recv().await {
            let end = matches!(event.kind, EventKind::Closed { kind: Some(kind), .. } if kind != Kind::Interrupted);
            if let EventKind::Trouble { problem } = &event.kind {
                summary.trouble = Some(problem.clone());
            }
            match &event.kind {
                EventKind::Restored { progress } if progress.on_standby => {
                    (summary.on_standby, summary.deployed) = (true, workshop_engine::left_a_stack(&workdir));
                }
                EventKind::Switched { onto_standby, .. } => summary.on_standby = *onto_standby,
                EventKind::Standby { state } => summary.has_standby |= state.is_ready,
                _ => {}
            }
            summary.has_standby |= summary.on_standby;
            let seen = is_deployed(&event.kind, course.stack.as_deref().unwrap_or_default());
            summary.deployed = seen.filter(|_| !summary.on_standby).unwrap_or(summary.deployed);
            // A front end that has gone wants no more; the end is still to be known.
            let _ = forward.send(event);
            if end {
                return summary;
            }
        }
        RunSummary { trouble: None, ..summary }
    })
}

/// Returns true when an event tells that the course's stack is there, false when it tells that it is not.
fn is_deployed(kind: &EventKind, stack: &str) -> Option<bool> {
    match kind {
        EventKind::Located { stack: ChapterMatch::Chapter(_) | ChapterMatch::Near { .. }, .. }
        | EventKind::DeployFound { .. } => Some(true),
        EventKind::Located { stack: ChapterMatch::Nothing, .. } => Some(false),
        EventKind::ResourceChanged { resource, .. } if resource.logical_id == stack => {
            Some(resource.status != "DELETE_COMPLETE")
        }
        _ => None,
    }
}

/// Returns what makes a shell of the learner's own reach the target that the workshop works in.
fn shell_target(common: &CommonOptions, target: Target, course: &Course) -> ShellTarget {
    match (&course.database, course.needs_cloud()) {
        // What runs here says by itself how it is reached.
        (CourseDatabase::Postgres, false) => return ShellTarget::Sandbox,
        (CourseDatabase::Cluster | CourseDatabase::UrlFrom(_), false) => return ShellTarget::Machine(Vec::new()),
        (CourseDatabase::Url(url), false) => {
            let url = DatabaseUrl::parse(url).map(|url| url.variables()).unwrap_or_default();
            return ShellTarget::Machine(url.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        }
        (_, true) => {}
    }
    match target {
        Target::Local => ShellTarget::Sandbox,
        Target::Aws => {
            let profile = common.profile.iter().map(|profile| ("AWS_PROFILE".to_owned(), profile.clone()));
            let region = common
                .region
                .iter()
                .flat_map(|region| ["AWS_REGION", "AWS_DEFAULT_REGION"].map(|name| (name.to_owned(), region.clone())));
            ShellTarget::Account(profile.chain(region).collect())
        }
    }
}

/// Says what someone who leaves has in their account, and how to get rid of it.
fn left_behind(common: &CommonOptions, stack: &str, project: &std::path::Path) -> String {
    let region = common.region.as_ref().map(|r| format!("AWS_REGION={} ", shell_word(r))).unwrap_or_default();
    let profile = common.profile.as_ref().map(|p| format!(" --profile {}", shell_word(p))).unwrap_or_default();
    format!(
        "the stack {stack} stays in your AWS account, and may cost money; when you are done with it: cd {} && {region}npx cdk destroy{profile}",
        shell_word(&project.display().to_string())
    )
}

/// Shows the speaker's notes, following the workshop that runs in the same directory, and returns the exit code.
///
/// # Errors
/// When the course is not valid, or there is no terminal.
pub fn notes(common: &CommonOptions) -> Result<u8> {
    let mut dirs = places::course(common)?.in_the_shells_language();
    dirs.chosen = choices::chosen(common, &dirs.lessons)?;
    let course = course::read_from(common, &dirs)?;
    let workdir = places::workdir(common)?;
    let target = target::of(&target::remembered(common, &workdir)?, &course);
    let course = Arc::new(course.on(target));
    let user = UserConfig::read(|name| std::env::var(name).ok())?;
    let kept = ScreenSettings::read(&workdir, user.settings);
    let (looks, redact) = (user.dress(looks(common)), common.redact || kept.redact);
    let setup = tui::notes::NotesConfig { course, workdir, looks, redact, keymap: user.keymap };
    block_on(tui::notes::run(setup)).map(code)
}

/// Lines, when they are asked for and where a terminal can show nothing else: an editor's shell, a serial line.
fn is_plain(asked: bool, term: Option<&str>) -> bool {
    asked || matches!(term, Some("dumb"))
}

fn looks(common: &CommonOptions) -> Looks {
    let looks = Looks::from_environment(|name| std::env::var(name).ok());
    match common.color {
        ColorChoice::Auto => looks,
        color => Looks { colour: wants_color(color, true), ..looks },
    }
}

fn editor() -> Option<String> {
    ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
}

/// 0, or as a shell counts signals.
fn code(exit: Exit) -> u8 {
    match exit {
        Exit::Left => 0,
        Exit::Failed(kind) => kind.exit_code(),
        Exit::Signal(number) => u8::try_from(number).map_or(Kind::Interrupted.exit_code(), |n| 128 + n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::Parser;
    use workshop_engine::event::{Resource, StepRef};

    #[test]
    fn what_was_recorded_stays_and_the_next_has_a_file_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let talk = dir.path().join("talk.cast");
        let made = || create_beside(&talk).unwrap().0;
        assert_eq!(made(), talk);
        assert_eq!(made(), talk, "it holds nothing yet");
        std::fs::write(&talk, "{}").unwrap();
        let second = made();
        assert_eq!(second, dir.path().join("talk-2.cast"));
        std::fs::write(&second, "{}").unwrap();
        assert_eq!(made(), dir.path().join("talk-3.cast"));
        assert_eq!(std::fs::read_to_string(&talk).unwrap(), "{}");
    }

    #[test]
    fn whoever_leaves_an_account_is_told_how_to_clear_it() {
        let cli = Cli::parse_from(["workshop", "--profile", "my stage", "--region", "eu-west-1"]);
        let said = left_behind(&cli.common, "TheStack", std::path::Path::new("/home/x/app/cdk"));
        let by_hand = "cd /home/x/app/cdk && AWS_REGION=eu-west-1 npx cdk destroy --profile 'my stage'";
        assert!(said.contains("TheStack") && said.ends_with(by_hand), "{said}");
    }

    #[test]
    fn a_stack_is_there_until_it_is_deleted() {
        let located =
            |stack| EventKind::Located { files: ChapterMatch::Unknown, stack, database: ChapterMatch::Unknown };
        let changed = |logical_id: &str, status: &str| EventKind::ResourceChanged {
            at_step: StepRef { chapter: 0, step: "deploy".into() },
            resource: Resource {
                logical_id: logical_id.into(),
                physical_id: None,
                resource_type: "AWS::CloudFormation::Stack".into(),
                status: status.into(),
                reason: None,
                started: 0,
                ended: None,
                usual_ms: None,
            },
        };
        let told = |kind| is_deployed(&kind, "TheStack");
        assert_eq!(told(located(ChapterMatch::Chapter(1))), Some(true));
        assert_eq!(told(located(ChapterMatch::Nothing)), Some(false));
        assert_eq!(told(located(ChapterMatch::Unknown)), None);
        assert_eq!(told(changed("TheStack", "CREATE_IN_PROGRESS")), Some(true));
        assert_eq!(told(changed("TheStack", "DELETE_COMPLETE")), Some(false));
        assert_eq!(told(changed("CDKToolkit", "CREATE_COMPLETE")), None);
    }

    #[test]
    fn a_dumb_terminal_gets_lines() {
        assert!(is_plain(true, Some("xterm-256color")));
        assert!(is_plain(false, Some("dumb")));
        assert!(!is_plain(false, Some("xterm-256color")));
        assert!(!is_plain(false, None));
    }
}
