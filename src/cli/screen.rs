//! The workshop itself: the engine with the screen, the plain lines, or the notes in front of it.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use super::args::{Color, Common};
use super::{block_on, course, places, target, wants_color};
use crate::engine::event::{Event, EventKind};
use crate::engine::{self, Clock, Mode};
use crate::problem::{Kind, Problem, Result};
use crate::tui::{self, Exit, Looks};

/// Opens the workshop where it was left, or at a chapter.
pub fn run(common: &Common, chapter: Option<u32>) -> Result<u8> {
    let course = Arc::new(course::read(common)?);
    if let Some(number) = chapter {
        course::chapter(&course, number)?;
    }
    let workdir = places::workdir(common)?;
    let target = target::of(common, &course);
    let setup = engine::Setup {
        prepare: target::prepare(common, target, &workdir)?,
        course: course.clone(),
        workdir: workdir.clone(),
        cache: target::cache()?,
        target,
        mode: Mode::Interactive,
        chapter,
        clock: Clock::system(),
    };
    super::log::to_file(&workdir);
    let exit = block_on(async {
        let (handle, events) = engine::start(setup);
        let (events, fate) = overheard(events);
        let (commands, mut asked) = unbounded_channel();
        // The handle goes when the front end has let go of its sender: then the engine ends, if it has not yet.
        let pass_on = tokio::spawn(async move {
            while let Some(command) = asked.recv().await {
                handle.send(command);
            }
        });
        let setup = tui::Setup { course, commands, events, workdir, looks: looks(common), editor: editor() };
        let exit = match is_plain(common.plain, std::env::var("TERM").ok().as_deref()) {
            true => tui::plain::run(setup).await,
            false => tui::run(setup).await,
        };
        let _ = pass_on.await;
        // A run that could not begin is an error of this command, too: the screen is gone, its words are not.
        match fate.await {
            Ok(Some(problem)) => Err(problem),
            Ok(None) | Err(_) => exit,
        }
    })?;
    Ok(code(exit))
}

/// Passes events on, and answers at the end why the run could not go on, if it could not.
fn overheard(mut events: UnboundedReceiver<Event>) -> (UnboundedReceiver<Event>, JoinHandle<Option<Problem>>) {
    let (tell, told) = unbounded_channel();
    let fate = tokio::spawn(async move {
        let mut trouble = None;
        while let Some(event) = events.recv().await {
            let end = matches!(event.kind, EventKind::Closed { kind: Some(kind), .. } if kind != Kind::Interrupted);
            if let EventKind::Trouble { problem } = &event.kind {
                trouble = Some(problem.clone());
            }
            // A front end that has gone wants no more; the end is still to be known.
            let _ = tell.send(event);
            if end {
                return trouble;
            }
        }
        None
    });
    (told, fate)
}

/// The speaker's notes, following the workshop that runs in the same directory.
pub fn notes(common: &Common) -> Result<u8> {
    let course = Arc::new(course::read(common)?);
    let workdir = places::workdir(common)?;
    let setup = tui::notes::Setup { course, workdir, looks: looks(common) };
    block_on(tui::notes::run(setup)).map(code)
}

/// Lines, when they are asked for and where a terminal can show nothing else: an editor's shell, a serial line.
fn is_plain(asked: bool, term: Option<&str>) -> bool {
    asked || matches!(term, Some("dumb"))
}

fn looks(common: &Common) -> Looks {
    let looks = Looks::from_environment(|name| std::env::var(name).ok());
    match common.color {
        Color::Auto => looks,
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

    #[test]
    fn a_dumb_terminal_gets_lines() {
        assert!(is_plain(true, Some("xterm-256color")));
        assert!(is_plain(false, Some("dumb")));
        assert!(!is_plain(false, Some("xterm-256color")));
        assert!(!is_plain(false, None));
    }
}
