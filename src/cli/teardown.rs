//! `workshop teardown`: the commands that end a course, in the directory where it was worked through.

use std::sync::Arc;

use super::args::CommonOptions;
use super::output::say;
use super::runtime::block_on;
use super::{course, places, target};
use workshop_base::problem::{Problem, Result};
use workshop_base::text::sanitize;
use workshop_engine::event::EventKind;
use workshop_engine::{Clock, EngineConfig, Mode};

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
    if course.teardown.is_empty() {
        say("this course has nothing to take down\n")?;
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
    };
    block_on(async {
        let tell = |kind| {
            if let EventKind::Output { lines, .. } = kind {
                // stdout gone: the commands are run all the same.
                let _ = lines.iter().try_for_each(|line| say(&format!("{}\n", sanitize(line))));
            }
        };
        workshop_engine::teardown(&setup, tell).await
    })?;
    Ok(0)
}
