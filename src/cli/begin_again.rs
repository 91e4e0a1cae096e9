//! `workshop begin-again`: a chapter from its beginning, without the screen.

use std::sync::Arc;

use super::args::CommonOptions;
use super::output::{say, warn, yes};
use super::runtime::block_on;
use super::subcommands::EditsChoice;
use super::{course, places, target};
use workshop_base::problem::{Problem, Result};
use workshop_base::text::sanitize;
use workshop_engine::command::{BringTo, Command, Refusal, Request};
use workshop_engine::event::{EventKind, RequestOutcome};
use workshop_engine::{Clock, EngineConfig, Mode};

/// Brings everything in the working directory back to how it was when a chapter was begun, and returns the exit code.
///
/// # Errors
/// When the course is not valid, nothing is saved from that beginning, another workshop runs there, or the sandbox
/// cannot be brought back.
pub fn run(common: &CommonOptions, chapter: Option<u32>, edits: Option<EditsChoice>) -> Result<u8> {
    let course = course::read_to_open(common, &places::course(common)?.in_the_shells_language())?;
    let workdir = places::workdir(common)?;
    if !places::is_ours(&workdir) {
        return Err(Problem::usage(format!("{} holds no workshop", workdir.display()))
            .hint("pass the --workdir that the workshop was begun in"));
    }
    let common = &target::remembered(common, &workdir)?;
    let target = target::of(common, &course);
    let chapter = chapter.unwrap_or(course.first_on_stage());
    course::chapter(&course, chapter)?;
    target::allowed(&course, target)?;
    let setup = EngineConfig {
        prepare: target::prepare(common, target, &workdir, &course)?,
        states: target::states(common, target, &workdir, &course)?,
        standby: None,
        course: Arc::new(course.on(target)),
        workdir: workdir.clone(),
        cache: target::cache()?,
        target,
        asked: target::asked(common, target),
        mode: Mode::Interactive,
        chapter: None,
        clock: Clock::system(),
        template_check: target::template_check(target),
    };
    let came = block_on(begin(setup, chapter, edits));
    say(&format!("{}\n", came?))?;
    Ok(0)
}

/// Asks the engine, and once more where own edits are in the way and it is known what is to become of them.
async fn begin(setup: EngineConfig, chapter: u32, edits: Option<EditsChoice>) -> Result<String> {
    let (handle, mut events) = workshop_engine::start(setup);
    let ask = |id, command| handle.send(Request { id, command });
    let bring = |id| ask(id, Command::Bring { to: BringTo::Chapter(chapter) });
    let quit = || ask(QUIT, Command::Quit);
    bring(BEGIN);
    let mut came = Err(Problem::environment("the workshop ended before it was done").hint("run it again"));
    while let Some(event) = events.recv().await {
        match event.kind {
            EventKind::Refused { id: BEGIN, because: Refusal::OwnEdits | Refusal::StrangeFiles, reason, .. } => {
                if edits == Some(EditsChoice::Course) {
                    ask(SETTLE, Command::Settle { own: false });
                }
                if edits.is_some() || yes(&format!("{reason}.\nGo on with yours?"))? {
                    bring(AGAIN);
                } else {
                    came = Err(Problem::usage(reason).hint(
                        "`--edits own` goes on with yours, `--edits course` puts yours aside and takes the course's",
                    ));
                    quit();
                }
            }
            EventKind::Refused { id: BEGIN | AGAIN, reason, .. } => {
                came = Err(Problem::usage(reason));
                quit();
            }
            EventKind::Done { id: BEGIN | AGAIN, outcome, .. } => {
                came = ended(outcome, chapter);
                quit();
            }
            EventKind::EditsKept { files, .. } => warn(&sanitize(&format!(
                "your edits of {} were put aside: E in the workshop brings them back\n",
                files.join(", ")
            ))),
            EventKind::Trouble { problem } if came.is_err() => came = Err(problem),
            _ => {}
        }
    }
    came
}

/// Says what came of it.
fn ended(outcome: RequestOutcome, chapter: u32) -> Result<String> {
    match outcome {
        RequestOutcome::Complete => Ok(format!("everything is as chapter {chapter} begins")),
        RequestOutcome::Failed(problem) => Err(problem),
        RequestOutcome::Verdict(_) | RequestOutcome::Detached => {
            Err(Problem::failed(format!("a step on the way to chapter {chapter} did not work out"))
                .hint("open the workshop there: it says which, and goes on from it"))
        }
    }
}

/// The ids of what is asked for: to begin again, what becomes of own edits, to begin again all the same, and the end.
const BEGIN: u64 = 1;
const SETTLE: u64 = 2;
const AGAIN: u64 = 3;
const QUIT: u64 = 4;
