//! `workshop begin-again`: a chapter from its beginning, without the screen.

use std::sync::Arc;

use super::args::CommonOptions;
use super::output::say;
use super::runtime::block_on;
use super::{course, places, target};
use workshop_base::problem::{Problem, Result};
use workshop_engine::command::{BringTo, Command, Request};
use workshop_engine::event::{EventKind, RequestOutcome};
use workshop_engine::{Clock, EngineConfig, Mode};

/// Brings everything in the working directory back to how it was when a chapter was begun, and returns the exit code.
///
/// # Errors
/// When the course is not valid, nothing is saved from that beginning, another workshop runs there, or the sandbox
/// cannot be brought back.
pub fn run(common: &CommonOptions, chapter: Option<u32>) -> Result<u8> {
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
    let came = block_on(async {
        let (handle, mut events) = workshop_engine::start(setup);
        handle.send(Request { id: BEGIN, command: Command::Bring { to: BringTo::Chapter(chapter) } });
        let mut came = Err(Problem::environment("the workshop ended before it was done").hint("run it again"));
        while let Some(event) = events.recv().await {
            let over = matches!(event.kind, EventKind::Refused { id: BEGIN, .. } | EventKind::Done { id: BEGIN, .. });
            match event.kind {
                EventKind::Refused { id: BEGIN, reason, .. } => came = Err(Problem::usage(reason)),
                EventKind::Done { id: BEGIN, outcome, .. } => came = ended(outcome, chapter),
                EventKind::Trouble { problem } if came.is_err() => came = Err(problem),
                _ => {}
            }
            if over {
                handle.send(Request { id: BEGIN + 1, command: Command::Quit });
            }
        }
        came
    });
    say(&format!("{}\n", came?))?;
    Ok(0)
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

/// The id of the one thing that is asked for.
const BEGIN: u64 = 1;
