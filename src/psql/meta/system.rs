//! The commands about files, programs and help.

use std::path::Path;
use std::time::Duration;

use super::model::{Control, SystemCommand};
use super::say::{failed, said};
use super::shell::{self, ProgramEnd};
use super::{copy, help};
use crate::console::{Console, IncludedLines, LineSource, ReadEnd, TextLines};
use crate::files;
use crate::out::{NO_SHELL, RunContext};
use crate::report::SqlLine;
use crate::wire::reason;

/// Files that include files, at most so deep.
const DEEPEST: u32 = 32;
/// Time for a program started by `\!` where nobody types.
const PROGRAM_DEADLINE: Duration = Duration::from_secs(60 * 60);

/// Does a command about files, programs or help.
pub(super) async fn act(
    c: &mut Console,
    command: SystemCommand,
    name: &str,
    source: &mut dyn LineSource,
    cx: &mut RunContext<'_>,
) -> Control {
    match command {
        SystemCommand::Shell(command) => run_program(c, command, cx).await,
        SystemCommand::Cd(directory) => said(cd(c, directory), cx).await,
        SystemCommand::Include { file: None, .. } => failed(&format!("\\{name}: missing required argument"), cx).await,
        SystemCommand::Include { file: Some(file), relative } => include(c, &file, relative, source, cx).await,
        SystemCommand::Copy(text) => Control::after(copy::copy(c, &text, source, cx).await),
        SystemCommand::History(file) => said(history(c, file, source), cx).await,
        SystemCommand::Help(topic) => to_read(c, help::slash(topic.as_deref()), cx).await,
        SystemCommand::SqlHelp(topic) => to_read(c, help::sql(topic.as_deref()), cx).await,
    }
}

/// Shows a text that may be longer than the screen.
async fn to_read(c: &mut Console, text: String, cx: &mut RunContext<'_>) -> Control {
    if c.settings.output.is_some() {
        return said(Ok(text), cx).await;
    }
    c.page(false, cx);
    cx.say(SqlLine::Status, &text).await;
    cx.sink.end_page().await;
    Control::Continue
}

fn cd(c: &mut Console, directory: Option<String>) -> Result<String, String> {
    let home = || std::env::var("HOME").unwrap_or_else(|_| ".".to_owned());
    let directory = directory.unwrap_or_else(home);
    let to = c.settings.path(&directory);
    match std::fs::read_dir(&to) {
        Ok(_) => {
            c.settings.directory = to;
            Ok(String::new())
        }
        Err(error) => Err(format!("\\cd: could not change directory to \"{directory}\": {}", reason(&error))),
    }
}

fn history(c: &Console, file: Option<String>, source: &dyn LineSource) -> Result<String, String> {
    let text: String = source.history().iter().map(|entry| format!("{entry}\n")).collect();
    let Some(file) = file else { return Ok(text) };
    match std::fs::write(c.settings.path(&file), text) {
        Ok(()) if c.settings.vars.on("QUIET") => Ok(String::new()),
        Ok(()) => Ok(format!("Wrote history to file \"{file}\".\n")),
        Err(error) => Err(format!("could not save history to file \"{file}\": {error}")),
    }
}

/// Reads a file as if it were typed.
async fn include(
    c: &mut Console,
    file: &str,
    relative: bool,
    source: &mut dyn LineSource,
    cx: &mut RunContext<'_>,
) -> Control {
    // `\ir` begins where the file stands that says it.
    let here = cx.place.as_ref().and_then(|(f, _)| Path::new(f).parent()).filter(|_| relative);
    let name = files::path(here.unwrap_or(Path::new("")), file);
    let path = c.settings.directory.join(&name);
    let text = match tokio::fs::read(&path).await {
        Ok(text) => text,
        Err(error) => return failed(&format!("{}: {}", name.display(), reason(&error)), cx).await,
    };
    if c.input.depth >= DEEPEST {
        return failed(&format!("{file}: files include each other more than {DEEPEST} deep"), cx).await;
    }
    c.input.depth += 1;
    let open = c.input.conditions.depth();
    let outer = (cx.place.take(), cx.interactive);
    cx.place = Some((name.to_string_lossy().into_owned(), 0));
    cx.interactive = false;
    let mut lines = IncludedLines { lines: TextLines::new(text), outer: source };
    let end = Box::pin(c.read(&mut lines, cx)).await;
    (cx.place, cx.interactive) = outer;
    c.input.conditions.truncate(open);
    c.input.depth -= 1;
    match end {
        ReadEnd::Over | ReadEnd::Quit => Control::Continue,
        ReadEnd::Failed => Control::Continue,
        ReadEnd::Stopped | ReadEnd::Cancelled | ReadEnd::Unreachable => Control::Failed,
    }
}

/// `\!`: a program, or a shell. Where a person types and reads, it has the terminal, as psql has it.
async fn run_program(c: &mut Console, command: Option<String>, cx: &mut RunContext<'_>) -> Control {
    if !c.settings.options.shell {
        return failed(NO_SHELL, cx).await;
    }
    let shell = || std::env::var("SHELL").ok().filter(|shell| !shell.is_empty()).unwrap_or_else(|| "sh".to_owned());
    let ended = if cx.interactive && cx.sink.is_screen() {
        cx.sink.flush();
        let command = command.unwrap_or_else(|| format!("exec {}", shell()));
        shell::on_terminal(&command, &c.settings.directory).await
    } else {
        let Some(command) = command else { return failed("\\!: give the command to run", cx).await };
        shell::run(&command, &c.settings.directory, PROGRAM_DEADLINE, &c.canceller()).await
    };
    match ended {
        Ok(ProgramEnd::Ended { code, stdout, stderr }) => {
            cx.say(SqlLine::Status, &String::from_utf8_lossy(&stdout)).await;
            cx.say(SqlLine::Notice, &String::from_utf8_lossy(&stderr)).await;
            c.settings.note_program(code);
            Control::after(code == 0)
        }
        Ok(ProgramEnd::Cancelled) => Control::Failed,
        Ok(ProgramEnd::TimedOut) => {
            failed(&format!("\\!: stopped after {} minutes", PROGRAM_DEADLINE.as_secs() / 60), cx).await
        }
        Err(error) => failed(&format!("\\!: {error}"), cx).await,
    }
}
